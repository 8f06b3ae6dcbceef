"""Is the line named that writes a wrong number into an array, and not the next one that computes with the array?"""

import pytest

from nnref.checking.watching.telling.report import certificate, settled
from tests.support.programs import seen

BY_NUMBERS = """\
import numpy as np
X, Y = np.random.rand(20, 6), np.random.randint(0, 3, 20)
W, V = np.random.randn(6, 5) * 0.5, np.random.randn(5, 3) * 0.5
b = np.zeros(3)
for x, y in zip(X, Y):
    h = np.tanh(x @ W)
    o = h @ V + b
    e = np.exp(o)
    p = e / e.sum()
    loss = -np.log(p[y])
    g = np.zeros(3)
    g[y] = -1 / p[y]
    for i, c in enumerate(g):
        if c == 0:
            continue
        s = -e[i] * e / e.sum() ** 2
        s[i] = e[i] * (e.sum() - e[i]) / e.sum() ** 2
        d = c * s
    dh = V @ d
    dz = np.zeros(5)
    for j in range(5):
        t = dh[j]
        dz[j] = t * (1 - h[j] ** 2)
    dW = x[:, np.newaxis] * dz
    dV = h[:, np.newaxis] * d
    W -= 0.1 * dW
    V -= 0.1 * dV
    b -= 0.1 * d
"""


@pytest.mark.parametrize(
    ("change", "place"),
    [
        (("g[y] = -1", "g[y] = 1"), "line 12:"),
        (("dz[j] = t", "dz[j] = 2 * t"), "at or after line 22:"),
        (("t = dh[j]", "t = -dh[j]"), "at or after line 22:"),
        (("dW = x", "dW = 2 * x"), "line 24:"),
        (("e / e.sum() ** 2", "e * e.sum() ** 2"), "line 16:"),
        (("(e.sum() - e[i])", "(e.sum() + e[i])"), "line 17:"),
    ],
)
def test_a_number_that_is_written_into_an_array_is_wrong_where_it_is_made(change, place, tmp_path):
    """One number in one run is a multiple of any other, and only the array that it goes into shows what it is."""
    assert settled(seen(tmp_path, BY_NUMBERS)) is True
    assert certificate(seen(tmp_path, BY_NUMBERS, change), mend=False).first.place.startswith(place)


def test_a_sign_on_the_update_of_a_slope_times_one_is_named_there(tmp_path):
    right = BY_NUMBERS.replace("    b -= 0.1 * d\n", "    one = 1\n    db = d * one\n    b -= 0.1 * db\n")
    found = seen(tmp_path, right, ("b -= 0.1 * db", "b -= -(0.1 * db)"))
    assert certificate(found, mend=False).first.place.startswith("line 30:")
