"""Where several entries are the largest: the first may have the whole slope, or each its share, but not each all."""

import numpy as np
import pytest

from nnref.checking.watching.calculus.rules import reduced
from nnref.checking.watching.telling.report import certificate, settled
from nnref.checking.watching.verdict.ties import tied_largest
from tests.support.programs import seen
from tests.support.recordings import searched

POOLED = """\
import numpy as np
X, y = np.random.randn(6, 4, 2, 3), np.random.randn(6)
X[:, :3] = 0.5
w, V = np.random.randn(3), np.random.randn(4)
for k in range(9):
    z = X @ w
    m = z.max(axis=2)
    p = m @ V
    loss = ((p - y) ** 2).mean()
    d = 2 * (p - y) / 6
    dV = m.T @ d
    dm = np.outer(d, V)
    first = np.arange(2) == z.argmax(axis=2)[..., None]
    dz = dm[..., None] * first
    dw = (dz[..., None] * X).sum((0, 1, 2))
    w -= 0.1 * dw; V -= 0.1 * dV
"""
FIRST, EACH = "* first\n", "* (z == m[..., None])\n"
SHARED = "* (z == m[..., None]) / (z == m[..., None]).sum(2, keepdims=True)\n"


@pytest.mark.parametrize(
    ("given", "right"), [(FIRST, True), (SHARED, True), (EACH, False)], ids=["first", "share", "each"]
)
def test_a_slope_is_given_to_one_or_shared(tmp_path, given, right):
    assert settled(seen(tmp_path, POOLED, (FIRST, given))) is right


def test_that_each_is_given_the_whole_is_said_with_the_line_of_the_maximum(tmp_path):
    wrong = certificate(seen(tmp_path, POOLED, (FIRST, EACH)), mend=False)
    assert wrong.first.place.startswith("line 14:")
    assert "the largest in line 7" in wrong.first.says


@pytest.mark.parametrize("given", [FIRST, SHARED], ids=["first", "share"])
def test_a_later_mistake_is_named_however_the_slope_was_given(tmp_path, given):
    wrong = certificate(seen(tmp_path, POOLED, (FIRST, given), ("* X).sum", "* X ** 2).sum")), mend=False)
    assert wrong.first.place.startswith("line 15:")


def test_without_equal_entries_there_is_one_slope(tmp_path):
    of_it, _ = searched(tmp_path, POOLED)
    assert tied_largest(of_it.role, of_it.tapes).site.line == 7
    apart, _ = searched(tmp_path, POOLED, ("X[:, :3] = 0.5\n", "\n"))
    assert tied_largest(apart.role, apart.tapes) is None


@pytest.mark.parametrize(
    ("equals", "parts"), [("share", [0.5, 0, 0.5]), ("first", [1, 0, 0]), ("each", [1, 0, 1])], ids=str
)
@pytest.mark.parametrize("axis", [0, (1, 2), (0, 2)], ids=str)
def test_the_equal_entries_of_a_maximum_over_axes_are_given_their_parts(equals, parts, axis):
    x = np.full((3, 3, 3), [3.0, 1.0, 3.0])
    over = (axis,) if isinstance(axis, int) else axis
    x = x if 2 in over else np.moveaxis(x, 2, axis)
    y = x.max(axis=axis)
    made = reduced("max", np.ones(y.shape), y, x, axis, False, equals=equals)
    whole = made.sum(axis=axis)
    count = (x == x.max(axis=axis, keepdims=True)).sum(axis=axis)
    assert whole == pytest.approx(count if equals == "each" else np.ones(y.shape))
    assert np.count_nonzero(made) == (y.size if equals == "first" else count.sum())
    if axis == 0:
        assert made[:, 0, 0] == pytest.approx(parts)
