"""The line to try: small changes of a statement, one at a time, and which of them make more right."""

import ast
from types import SimpleNamespace

import pytest

from nnref.checking.reading.source import Source
from nnref.checking.watching.calls.driven import driven
from nnref.checking.watching.telling import mending
from nnref.checking.watching.telling.mending import better, changes, mended, names_near, statement_at, with_line
from nnref.checking.watching.telling.report import certificate, settled
from tests.support.programs import seen
from tests.support.recordings import STEP

TEXT = """\
def backward(dA, Z, m):
    if m:
        dZ = (dA *
              Z)
    return dZ
far = 3
"""


def source(text=TEXT):
    """A file of this text."""
    return Source("program.py", text.split("\n"), ast.parse(text))


@pytest.mark.parametrize(
    ("line", "found"), [(3, "dZ = dA * Z"), (4, "dZ = dA * Z"), (5, "return dZ"), (6, "far = 3"), (2, None), (1, None)]
)
def test_the_statement_of_a_line_holds_no_others(line, found):
    statement = statement_at(source(), line)
    assert (ast.unparse(statement) if statement else None) == found


def test_another_statement_stands_on_the_lines_of_the_old_one():
    made = with_line(source(), statement_at(source(), 4), "dZ = dA")
    assert made.lines[2:4] == ["        dZ = dA", ""]
    assert len(made.lines) == len(source().lines)
    assert with_line(source(), statement_at(source(), 4), "dZ = (") is None


@pytest.mark.parametrize(
    ("text", "tried"),
    [
        ("d = a - b", "d = a + b"), ("d = a - b", "d = b - a"),
        ("d = a * b", "d = a @ b"), ("d = a > 0", "d = a < 0"), ("d = -a", "d = a"),
        ("d = a", "d = -a"), ("d = a @ b", "d = a.T @ b"), ("d = a.T @ b", "d = a @ b"),
        ("d = np.sum(a, axis=0)", "d = np.sum(a, axis=1)"), ("d = np.sum(a)", "d = np.sum(a, axis=1, keepdims=True)"),
        ("d = a[i, j]", "d = a[j, i]"), ("d = a[0]", "d = a[1]"), ("d = f(a)", "d = a"), ("d = a * b", "d = b"),
        ("d = a", "d = a / m"), ("d = a", "d = a * 2"), ("d = a * b", "d = a * (1 - b)"),
        ("d = a", "d = a * (Z > 0)"), ("d = a", "d = a * (1 - Z ** 2)"), ("d = a + Z", "d = m + Z"),
        ("d += a", "d -= a"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("factor", [False, True])
def test_a_small_change_of_a_statement_is_among_those_that_are_tried(text, tried, factor):
    whole = source(f"def f(a, b, Z, m, i, j):\n    {text}\n    return d")
    found = list(changes(whole, statement_at(whole, 2), factor))
    assert tried in found
    if not factor:
        assert tried in found
    for made in found:
        ast.parse(made)


def test_names_are_those_of_the_function_the_nearest_first():
    whole = source("far = 1\ndef f(self, X):\n    u = X\n    d = u * self.v + np.sum(X)\n    w = d\n")
    names = names_near(whole, statement_at(whole, 4))
    assert set(names) == {"X", "u", "d", "self.v", "w"}
    assert names.index("d") < names.index("w")


def of_verdicts(*verdicts, name="own", node=1):
    """What was watched, with these verdicts in its only step, updated on lines 1, 2, …"""
    rows = [
        SimpleNamespace(
            verdict=verdict,
            update=SimpleNamespace(
                end=SimpleNamespace(site=SimpleNamespace(line=k, column=0)),
                old=SimpleNamespace(shape=(2,)),
                base=SimpleNamespace(site=k),
            ),
        )
        for k, verdict in enumerate(verdicts)
    ]
    reading = SimpleNamespace(rows=rows, loss=SimpleNamespace(name=name, node=node))
    return SimpleNamespace(steps=[SimpleNamespace(readings=[reading])])


@pytest.mark.parametrize(
    ("now", "is_it"),
    [
        (of_verdicts("ok", "ok", "WRONG"), True),
        (of_verdicts("ok", "ok", "ok"), True),
        (of_verdicts("ok", "WRONG", "WRONG"), False),
        (of_verdicts("WRONG", "ok", "ok"), False),
        (of_verdicts("ok", "ok"), False),
        (of_verdicts("ok", "ok", "ok", name="squared error"), False),
        (SimpleNamespace(steps=[]), False),
    ],
    ids=["one", "both", "none", "another", "fewer", "another loss", "not read"],
)
def test_a_change_is_better_where_less_is_wrong_and_nothing_else_is(now, is_it):
    assert better(of_verdicts("ok", "WRONG", "WRONG"), now) is is_it


def test_the_line_to_try_makes_the_program_right(tmp_path):
    found = seen(tmp_path, STEP, ("X.T @ d", "-X.T @ d"))
    assert mended(found, 7) == "dW = X.T @ d"
    assert mended(found, 1) == ""
    assert mended(seen(tmp_path, STEP), 7) == ""


def test_nothing_is_shown_where_the_time_is_up(tmp_path, monkeypatch):
    found = seen(tmp_path, STEP, ("X.T @ d", "-X.T @ d"))
    monkeypatch.setattr(mending, "PATIENCE", 0.0)
    assert mended(found, 7) == ""


FACTORS = """\
import numpy as np
R = np.array([[5.0, 3.0, 1.0], [4.0, 2.0, 1.0], [1.0, 5.0, 4.0]])
P, Q, a, b = np.random.rand(3, 2), np.random.rand(3, 2), np.zeros(3), np.zeros(3)
rate = 0.1
for i, j, r in [(i, j, R[i, j]) for i in range(3) for j in range(3)]:
    e = r - (a[i] + b[j] + P[i, :].dot(Q[j, :]))
    a[i] += rate * (e - 0.01 * a[i])
    b[j] += rate * (e - 0.01 * b[j])
    P[i, :] += rate * (e * Q[j, :] - 0.01 * P[i, :])
    Q[j, :] += rate * (e * P[i, :] - 0.01 * Q[j, :])
"""


def test_no_line_is_shown_that_ends_the_program_or_leaves_the_labels_out(tmp_path):
    """After rate @ … nothing is updated that could be wrong, and Q + rate is no step by a label."""
    found = seen(tmp_path, FACTORS)
    assert settled(found) is False
    assert mended(found, 10) == ""


def test_what_the_mistake_was_found_in_has_to_be_right(tmp_path):
    now = of_verdicts("ok", "ok", "WRONG")
    before = of_verdicts("ok", "WRONG", "WRONG")
    mine, other = before.steps[0].readings[0].rows[1:]
    assert better(before, now, mine)
    assert not better(before, now, other)


RETURNED = """\
import numpy as np

class Two:
    def __init__(self, n_in, n_hidden, n_out):
        self.V, self.c = np.random.randn(n_in, n_hidden), np.zeros((1, n_hidden))
        self.W, self.b = np.random.randn(n_hidden, n_out), np.zeros((1, n_out))

    def forward(self, X):
        self.h = np.tanh(X @ self.V + self.c)
        return 1 / (1 + np.exp(-(self.h @ self.W + self.b)))

    def backward(self, X, Y, out):
        d = (out - Y) / len(X)
        e = d @ self.W.T * (1 - self.h ** 2)
        return {"dW": self.h.T @ d, "db": d.sum(0, keepdims=True),
                "dV": X.T @ e, "dc": np.sum(e)}
"""


def test_a_statement_of_several_lines_is_tried_as_one_of_a_single_line(tmp_path):
    (path := tmp_path / "two.py").write_text(RETURNED, encoding="utf-8")
    found = driven(path)
    assert settled(found) is False
    assert "np.sum(e, axis=0, keepdims=True)" in mended(found, 16)


SUM = " + ".join(f"np.tanh(w{k} * x[{k}])" for k in range(9))
INPUTS = f"""\
import numpy as np
{"; ".join(f"w{k} = np.random.normal()" for k in range(9))}
for k in range(9):
    for x, t in zip(np.array([np.arange(-2.0, 7), np.arange(9.0) / 4]), np.array([1.0, 0.5])):
        d = 2 * ({SUM} - t)
        {"; ".join(f"w{k} -= 0.01 * d * (1 - np.tanh(w{k} * x[{k}]) ** 2) * x[{k}]" for k in range(9))}
"""


def test_a_change_of_what_updates_single_numbers_is_tried_in_two_steps(tmp_path):
    """For the first example alone any number is a multiple of any other."""
    found = seen(tmp_path, INPUTS)
    assert found.again is not None
    again = found.again(found.source, (), found.steps[0].readings[0].loss.name)
    assert len(again.steps) == 2
    assert settled(again) is True


ONE_UNIT = """\
import numpy as np
xs, ts = np.random.randn(8, 2), np.array([1, 1, 1, 0, 1, 0, 0, 1])
class Unit:
    def __init__(self):
        self.w, self.b = np.random.randn(2), np.random.randn()
    def slope(self, z):
        p = 1 / (1 + np.exp(-z))
        return p * (1 - p)
    def gradients(self, x, target):
        z = x @ self.w + self.b
        p = 1 / (1 + np.exp(-z))
        dp_dz = self.slope(z)
        d = 2 * (p - target) * dp_dz
        return d * x, d
    def step(self, x, target):
        dw, db = self.gradients(x, target)
        self.w = self.w - 0.1 * dw
        self.b = self.b - 0.1 * db
unit = Unit()
for k in range(40):
    unit.step(xs[k % 8], ts[k % 8])
"""


def test_no_line_is_shown_that_makes_the_gradients_those_of_another_loss(tmp_path):
    """With `dp_dz = target` they are those of the cross-entropy, as long as the targets are 1."""
    found = certificate(seen(tmp_path, ONE_UNIT, ("self.slope(z)\n", "self.slope(p)\n"))).first
    assert found.place.startswith("line 12:")
    assert found.right == "dp_dz = self.slope(z)"
