"""An error that ends a program counts against its gradients only on the way from the labels to an update."""

import pytest

from nnref.checking.watching.telling.report import certificate, settled
from nnref.checking.watching.watch import watch
from tests.support.programs import seen
from tests.support.quick import some

PROGRAM = """\
import numpy as np
X, Y = np.random.randn(30, 4), np.eye(3)[np.random.randint(0, 3, 30)]
W, b, V = np.random.randn(4, 6), np.random.randn(6), np.random.randn(6, 3)
curve = []
def shown(p, d):
    middle = p @ d
    return middle.sum()
for t in range(9):
    h = np.tanh(X @ W + b)
    E = np.exp(h @ V)
    p = E / E.sum(1, keepdims=True)
    d = (p - Y) / 30
    dh = d @ V.T * (1 - h * h)
    W -= 0.1 * X.T @ dh
    V -= 0.1 * h.T @ d
    {before}
    b -= 0.1 * {db}
    {after}
"""

HARMLESS = {
    "printed": "print((p * Y) @ d)",
    "counted": "right = (p * Y) @ d; print(right)",
    "kept for a curve": "curve.append((p * Y) @ d)",
    "in a function": "curve.append(shown(p, d))",
}


def watched(tmp_path, before="", after="", db="dh.sum(0)"):
    """The program with a statement before its last update, and one after it."""
    return seen(tmp_path, PROGRAM.format(before=before, after=after, db=db))


@pytest.mark.parametrize("statement", some(HARMLESS.values(), 4))
def test_an_error_after_the_updates_is_no_mistake_of_the_gradients(statement, tmp_path):
    """The data are drawn at random, as weights are, and are not learnt."""
    found = watched(tmp_path, after=statement)
    assert settled(found) is True, certificate(found)
    assert "the program stops at line " in " ".join(str(certificate(found)).lower().split())


@pytest.mark.parametrize("statement", some(HARMLESS.values(), 4))
def test_an_error_beside_the_way_leaves_what_was_not_updated_untold(statement, tmp_path):
    found = watched(tmp_path, before=statement)
    assert settled(found) is None
    assert "before it updates b" in " ".join(str(certificate(found)).split())


@pytest.mark.parametrize(
    ("before", "db"),
    [
        ("", "(dh @ d)"),
        ("db = dh.T @ h @ d", "db"),
        ("db = shown(dh, d)", "db"),
        ("rest = dh @ d; db = rest.sum(0)", "db"),
    ],
    ids=["in the update", "in what is named", "in a function", "two names away"],
)
def test_an_error_on_the_way_to_an_update_is_a_mistake(before, db, tmp_path):
    found = watched(tmp_path, before, db=db)
    assert settled(found) is False
    assert "stops with ValueError" in str(certificate(found, mend=False).first.says)


def test_data_that_take_up_the_record_are_said_to_and_a_program_that_updates_nothing_is_not(tmp_path):
    text = (
        "import numpy as np\nX, Y = np.zeros((500, 99)), np.ones(500)\nfor k in range(500):\n"
        "    for j in range(99):\n        X[k, j] = np.sin(k + 0.5 * j)\nW = np.ones(99)\nprint(X @ W - Y)\n"
    )
    (path := tmp_path / "full.py").write_text(text, encoding="utf-8")
    full = watch(path, limit=1000).why
    assert full.startswith("was stopped after 1,000 array operations")
    assert "in line 5" in full
    assert "the record was full" in full
    assert seen(tmp_path, text.replace("500", "5")).why.startswith("ran, ")


LONG = """\
import numpy as np
X, Y = np.random.randn(30, 4), np.eye(3)[np.random.randint(0, 3, 30)]
kernels = np.random.randn(4, 6).astype(np.float32) * {scale}
V = np.random.randn(6, 3)
def moved(kernels, d):
    for k in range(200):
        waste = d * k
    kernels -= 0.1 * X.T @ d
    return kernels
for t in range(9):
    h = np.tanh(X @ kernels)
    E = np.exp(h @ V)
    d = (E / E.sum(1, keepdims=True) - Y) / 30
    dh = d @ V.T * (1 - h * h)
    V -= 0.1 * h.T @ d
    kernels = moved(kernels, dh)
"""


@pytest.mark.parametrize("scale", ["0.5", "np.sqrt(2 / 4)"])
def test_a_parameter_that_the_record_did_not_come_to_is_named_though_its_numbers_were_drawn_and_then_scaled(
    scale, tmp_path
):
    """A convolution's kernels, whose loops come after the update of the layer behind: what was judged is not all."""
    (path := tmp_path / "program.py").write_text(LONG.format(scale=scale), encoding="utf-8")
    assert settled(watch(path)) is True
    cut_short = watch(path, limit=120)
    assert settled(cut_short) is None
    assert "kernels" in " ".join(str(certificate(cut_short)).split())
