"""Arrays that are updated part by part: what is judged of them, and that the rest is no verdict."""

import pytest

from nnref.checking.watching.telling.report import certificate, settled
from tests.support.programs import seen

ENTRIES = """\
import numpy as np
rng = np.random.RandomState(0)
X = rng.randn(20, 3)
Y = np.sin(X.sum(axis=1))
W, v = rng.randn(4, 3), rng.randn(4)
for epoch in range(2):
    for x, y in zip(X, Y):
        h = np.tanh(W @ x)
        loss = (h @ v - y) ** 2
        d = 2 * (h @ v - y)
        delta = d * v * (1 - h ** 2)
        v -= 0.05 * d * h
        for i in range(4):
            for j in range(3):
                W[i, j] = W[i, j] - 0.05 * delta[i] * x[j]
"""

ROWS = ENTRIES.replace(
    "            for j in range(3):\n                W[i, j] = W[i, j]", "            W[i] = W[i]"
).replace("x[j]", "x")


@pytest.mark.parametrize(("text", "line"), [(ROWS, 14), (ENTRIES, 15)], ids=["rows", "entries"])
def test_every_part_of_an_array_is_judged_that_is_updated_one_after_the_other(text, line, tmp_path):
    found = seen(tmp_path, text)
    assert settled(found) is True
    assert sum(row.truth[0].size for row in found.rows) == 4 + 12
    wrong = seen(tmp_path, text, ("delta[i] *", "delta[max(i, 1)] *"))
    assert settled(wrong) is False
    assert certificate(wrong, mend=False).first.place.startswith(f"line {line}")


STRIDED = """\
import numpy as np
rng = np.random.RandomState(0)
X, Y = rng.randn(6, 2, 5, 5), np.eye(3)[np.arange(6) % 3]
W, V = rng.randn(4, 2, 3, 3) / 4, rng.randn(4 * 5 * 5, 3) / 10
for step in range(4):
    padded = np.pad(X, ((0, 0), (0, 0), (1, 1), (1, 1)))
    n, c, i, j = padded.strides
    windows = np.lib.stride_tricks.as_strided(padded * V.sum(), (6, 2, 5, 5, 3, 3), (n, c, i, j, i, j))
    H = np.tanh(np.einsum("ncxyij,fcij->nfxy", windows, W))
    flat = H.reshape(6, -1)
    E = np.exp(flat @ V)
    P = E / E.sum(1, keepdims=True)
    loss = -(Y * np.log(P)).sum() / 6
    d = (P - Y) / 6
    dH = (d @ V.T).reshape(H.shape) * (1 - H ** 2)
    by_windows = np.einsum("nfxy,fcij,ncxyij->", dH, W, windows) / V.sum()
    W -= 0.1 * np.einsum("ncxyij,nfxy->fcij", windows, dH)
    V -= 0.1 * (flat.T @ d + by_windows)
"""


def test_overlapping_windows_have_the_slopes_of_all_that_they_show(tmp_path):
    found = seen(tmp_path, STRIDED)
    assert settled(found) is True, certificate(found)
    assert settled(seen(tmp_path, STRIDED, ("/ V.sum()\n", "/ V.sum() / 2\n"))) is False
