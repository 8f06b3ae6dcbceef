"""Does the report say what was found: as a table, data, a picture, in a notebook, while it runs, in the README?"""

import json
import pickle
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from html.parser import HTMLParser

import numpy as np
import pytest

from nnref.checking.gradcheck.border import GradcheckError
from nnref.checking.gradcheck.gradcheck import assert_gradients, gradcheck
from nnref.checking.results.report import GradientMismatch
from nnref.checking.results.table import narrowed
from tests.conftest import require
from tests.support.quick import some


def cube(theta):
    return (theta["x"] ** 3).sum()


def bent(theta):
    """A loss with kinks, so that the executor's workers look at several steps too."""
    return np.maximum(0, theta["x"]).sum() + cube(theta)


@pytest.fixture
def at(rng):
    return {"x": rng.standard_normal((4, 5))}


def test_the_table_has_one_row_a_parameter_and_the_worst_entry_of_what_is_wrong(at):
    x = at["x"]
    wrong = 3 * x**2
    wrong[1, 2] += 1
    theta = {"right": x, "wrong": x.copy(), "unwritten": x.copy()}
    report = gradcheck(
        lambda t: sum((A**3).sum() for A in t.values()), theta, {"right": 3 * x**2, "wrong": wrong, "unwritten": None}
    )
    head, right, row, where, unwritten, truth = str(report).splitlines()
    assert head.split() == ["param", "shape", "checked", "wrong", "worst", "at", "yours", "true", "verdict"]
    assert right.split() == ["right", "(4,", "5)", "20", "0", "ok"]
    assert row.split()[:6] == ["wrong", "(4,", "5)", "20", "1", "(1,"]
    assert row.endswith("WRONG")
    assert where.startswith("  only entry (1, 2)")
    assert unwritten.endswith("not written yet")
    assert truth == "truth: complex step, confirmed by differences"
    assert "times its error bar" not in str(report)


def test_verbose_adds_noise_multiples_and_settings(at):
    verbose = gradcheck(cube, at, {"x": 2 * at["x"] ** 2}).table(verbose=True)
    for words in ("furthest off at", "times its error bar", "noise of the loss:", "evaluations:", "entries: all"):
        assert words in verbose


def test_every_line_fits_eighty_columns_however_long_the_names(rng):
    x = rng.standard_normal((2, 3, 4, 5, 6))
    theta = {f"encoder.layers.{k}.attention.projection.weight": x * (k + 1) for k in range(3)}
    wrong = {name: -A.copy() for name, A in theta.items()}
    for verbose in (False, True):
        table = gradcheck(lambda t: sum((A**2).sum() for A in t.values()), theta, wrong, entries=7).table(verbose)
        assert max(map(len, table.splitlines())) <= 80
        assert "-1/2 times the truth everywhere" in table
    rows = narrowed([("name", "s" * 90, "1", "2", "i" * 40, "3", "4", "WRONG")])
    assert [cell for cell in rows[0] if "…" in cell] == [rows[0][1], rows[0][4]]


def test_the_exception_carries_the_report_and_survives_pickling(at):
    with pytest.raises(GradientMismatch) as caught:
        assert_gradients(lambda t: cube(t), at, {"x": -3 * at["x"] ** 2})
    assert "-1 times the truth everywhere" in str(caught.value)
    assert str(caught.value.report) in str(caught.value)
    again = pickle.loads(pickle.dumps(caught.value))
    assert again.report == caught.value.report
    assert str(again) == str(caught.value)


def test_the_data_are_plain_and_say_the_same(at):
    wrong = 3 * at["x"] ** 2
    wrong[2, 1] = np.nan
    data = gradcheck(cube, at, {"x": wrong}).to_dict()
    assert json.loads(json.dumps(data))["entries"][0]["worst"]["index"] == [2, 1]
    assert data["ok"] is False
    assert data["entries"][0]["where"][0]["kind"] == "entry"


class Tags(HTMLParser):
    """Counts rows, and looks whether every tag is closed in order."""

    def __init__(self):
        super().__init__()
        self.open, self.rows, self.text = [], 0, ""

    def handle_starttag(self, tag, attributes):
        self.open.append(tag)
        self.rows += tag == "tr"

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def test_a_notebook_shows_a_table_of_its_own(at):
    theta = {"<b>x</b>": at["x"]}
    html = gradcheck(lambda t: (t["<b>x</b>"] ** 3).sum(), theta, {"<b>x</b>": at["x"]})._repr_html_()
    tags = Tags()
    tags.feed(html)
    assert not tags.open
    assert tags.rows == 2
    assert "<b>x</b>" in tags.text
    assert "WRONG" in tags.text
    assert "http" not in html


def test_the_plot_shows_the_error_against_the_step(at):
    require("matplotlib")
    report = gradcheck(cube, at | {"y": np.ones(2)}, {"x": 3.3 * at["x"] ** 2, "y": np.zeros(2)})
    for name in (None, "x"):
        axes = report.plot(name).axes[0]
        error, rounding, yours = (np.asarray(line.get_ydata(), float) for line in axes.get_lines())
        assert axes.get_title().startswith("x[")
        assert error.min() < 1e-8 < yours[0]
        assert error[0] > error.min() < error[-1]
        assert (np.diff(rounding) < 0).all()
    with pytest.raises(ValueError, match="the report has x, y; 'z' came"):
        report.plot("z")
    with pytest.raises(ValueError, match="no entry was checked"):
        gradcheck(cube, at, None).plot()


@pytest.mark.parametrize("pool", some([ProcessPoolExecutor, ThreadPoolExecutor], 99, ids=lambda pool: pool.__name__))
def test_an_executor_gives_the_same_report(pool, rng):
    theta = {"x": rng.standard_normal((30, 40))}
    theta["x"][:2] = 0
    wrong = {"x": (theta["x"] > 0) + 3 * theta["x"] ** 2}
    wrong["x"][3] = 7
    with pool(2) as executor:
        there = gradcheck(bent, theta, wrong, executor=executor)
    here = gradcheck(bent, theta, wrong)
    assert there.to_dict() == here.to_dict()
    assert here.entries[0].wrong == 40
    assert here.entries[0].subgradients == 80


def test_a_loss_that_cannot_be_pickled_is_refused_by_processes_and_welcome_to_threads(at):
    def loss(theta):
        return cube(theta)

    with ProcessPoolExecutor(1) as pool, pytest.raises(GradcheckError, match=r"cannot be pickled.*ThreadPoolExecutor"):
        gradcheck(loss, at, {"x": 3 * at["x"] ** 2}, executor=pool)
    with ThreadPoolExecutor(1) as pool:
        assert gradcheck(loss, at, {"x": 3 * at["x"] ** 2}, executor=pool).ok


def bad_there(theta):
    """Raises where an entry is moved, but neither at the point nor at a complex one."""
    if np.isrealobj(theta["x"]) and (theta["x"] != 1).any():
        raise KeyError("moved")
    return (theta["x"] ** 2).sum()


def test_what_the_loss_raises_in_a_worker_is_shown_with_its_line():
    with ProcessPoolExecutor(1) as pool, pytest.raises(GradcheckError, match=r"KeyError: 'moved' \(test_report"):
        gradcheck(bad_there, {"x": np.ones(3)}, {"x": np.ones(3)}, executor=pool, method="central")


def test_progress_is_told_to_a_function_and_ends_with_all(rng):
    told = []
    x = {"x": rng.standard_normal((30, 40)), "y": rng.standard_normal(7)}
    half = {"x": x["x"].copy(), "y": np.ones(7)}
    half["x"][::4] *= 2
    gradcheck(lambda t: (t["x"] ** 2).sum() + t["y"].sum(), x, half, progress=lambda *at: told.append(at))
    assert len(told) > 5
    assert told == sorted(told)
    assert told[3][0] == 4 * 256, "a second look is not counted"
    assert told[-1] == (1207, 1207)


def test_progress_is_a_line_a_tenth_where_there_is_no_terminal_and_only_if_asked(rng, capsys):
    x = {"x": rng.standard_normal((50, 60))}
    gradcheck(lambda t: (t["x"] ** 2).sum(), x, {"x": 2 * x["x"]}, progress=True)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 10
    assert lines[-1] == "gradcheck: 3,000 of 3,000 entries, 0 s left"
    gradcheck(lambda t: (t["x"] ** 2).sum(), x, {"x": 2 * x["x"]})
    assert capsys.readouterr().err == ""


def test_a_long_check_shows_a_bar_on_a_terminal_and_leaves_nothing_behind(rng, monkeypatch):
    import io

    from nnref.checking.gradcheck import workers

    class Terminal(io.StringIO):
        def isatty(self):
            return True

    monkeypatch.setattr(workers, "PATIENCE", 0)
    monkeypatch.setattr("sys.stderr", terminal := Terminal())
    monkeypatch.setenv("TERM", "xterm")
    x = {"x": rng.standard_normal((30, 40))}
    gradcheck(lambda t: (t["x"] ** 2).sum(), x, {"x": 2 * x["x"]})
    assert "gradcheck" in terminal.getvalue()
    assert "/1200" in terminal.getvalue()
