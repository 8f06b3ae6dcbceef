"""What a right value says of what it is made of: nothing of a part that does not count in it."""

import pytest

from nnref.checking.watching.telling.report import certificate, settled
from tests.support.programs import seen

NORMED = """\
import numpy as np
X, Y = np.random.randn(30, 4), np.random.randn(30, 2)
W, g, V = np.random.randn(4, 6) * 0.5, np.random.uniform(0.5, 1.5, 6), np.random.randn(6, 2) * 0.5
for k in range(9):
    z = X @ W
    c = z - z.mean(0)
    s = np.sqrt((c ** 2).mean(0) + 1e-5)
    n = c / s
    h = np.tanh(g * n)
    p = h @ V
    loss = ((p - Y) ** 2).mean()
    d = 2 * (p - Y) / Y.size
    dV = h.T @ d
    da = d @ V.T * (1 - h ** 2)
    dg = (da * n).sum(0)
    dn = da * g
    dc = dn / s
    ds = -((dn * c) / (s * s)).sum(0)
    dv = 0.5 * ds / s
    dc += (2.0 / 30) * c * dv
    dm = dc.sum(0)
    dz = dc - dm / 30
    dW = X.T @ dz
    W -= 0.1 * dW; g -= 0.1 * dg; V -= 0.1 * dV
"""


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (("/ (s * s)", "* (s * s)"), 18),
        (("dc = dn / s", "dc = -dn / s"), 17),
        (("ds = -(", "ds = -2 * ("), 18),
        (("c * dv", "c / dv"), 20),
        (("dW = X.T @ dz", "dW = 2 * X.T @ dz"), 23),
    ],
    ids=["no slope", "a term of the other sign", "twice", "divided", "twice at the end"],
)
def test_a_sum_that_is_right_in_any_case_excuses_nothing(tmp_path, change, line):
    """The mean of c is 0, so that dm is right whatever dv is; and half of ds is on the way to dv, and no mistake."""
    assert certificate(seen(tmp_path, NORMED, change), mend=False).first.place.startswith(f"line {line}:")


def test_the_program_itself_is_right(tmp_path):
    assert settled(seen(tmp_path, NORMED)) is True


HINGE = """\
import numpy as np
X, y = np.random.randn(30, 5), np.random.randint(0, 4, 30)
W = 0.1 * np.random.randn(5, 4)
for k in range(9):
    scores = X @ W
    margins = np.maximum(0, scores - scores[range(30), list(y)].reshape(-1, 1) + 1)
    margins[range(30), list(y)] = 0
    loss = np.sum(margins) / 30 + 0.005 * np.sum(W * W)
    counts = np.zeros((30, 4))
    counts[margins > 0] = 1
    counts[range(30), list(y)] = 0
    counts[range(30), list(y)] = -np.sum(counts, axis=1)
    dW = X.T @ counts / 30 + 0.01 * W
    W -= 0.1 * dW
"""


@pytest.mark.parametrize("instead", ["np.sum", "-2 * np.sum", "-np.mean"])
def test_a_mask_by_which_a_right_value_has_its_entries_is_right(tmp_path, instead):
    """`margins > 0` is the slope of the margins by one of their two uses, and no mistake: counts is right with it."""
    found = seen(tmp_path, HINGE, ("-np.sum", instead))
    assert certificate(found, mend=False).first.place.startswith("line 12:")
    assert settled(seen(tmp_path, HINGE)) is True


UNROLLED = """\
import numpy as np
X, Y = np.random.randn(5, 4, 1), np.random.randn(5, 2, 1)
W, U, V = np.random.randn(6, 4) * 0.5, np.random.randn(6, 6) * 0.5, np.random.randn(2, 6) * 0.5
for k in range(9):
    h, o, loss = {-1: np.zeros((6, 1))}, {}, 0
    for t in range(5):
        h[t] = np.tanh(W @ X[t] + U @ h[t - 1])
        o[t] = V @ h[t]
        loss += ((o[t] - Y[t]) ** 2).sum()
    dW, dU, dV, dn = np.zeros_like(W), np.zeros_like(U), np.zeros_like(V), np.zeros((6, 1))
    for t in reversed(range(5)):
        d = 2 * (o[t] - Y[t])
        dV += d @ h[t].T
        dh = V.T @ d + dn
        dz = (1 - h[t] ** 2) * dh
        dW += dz @ X[t].T
        dU += dz @ h[t - 1].T
        dn = U.T @ dz
    for p, g in ((W, dW), (U, dU), (V, dV)):
        p -= 0.01 * g
"""


def test_a_term_that_is_nothing_is_no_mistake_where_its_sum_is_right(tmp_path):
    """The first state is 0, and so is its term: it is the slope of nothing, and what is wrong is the step."""
    assert settled(seen(tmp_path, UNROLLED)) is True
    found = seen(tmp_path, UNROLLED, ("p -= 0.01 * g", "p -= 0.01 * g * np.abs(g)"))
    assert "line 20:" in certificate(found, mend=False).first.place
