"""Is an index named that puts right numbers where others belong, and not the line that writes them?"""

import pytest

from nnref.checking.watching.telling.report import certificate, settled
from tests.support.programs import seen

LARGEST = """\
import numpy as np
X, Y = np.random.randn(20, 4, 3), np.random.randn(20, 2)
W, V = np.random.randn(3, 3) * 0.5, np.random.randn(4, 2) * 0.5
for k in range(5):
    z = X @ W
    at = z.argmax(2)
    h = z.max(2)
    p = h @ V
    loss = ((p - Y) ** 2).sum()
    d = 2 * (p - Y)
    dV = h.T @ d
    dh = d @ V.T
    dz = np.zeros_like(z)
    rows, columns = np.arange(20)[:, None], np.arange(4)
    dz[rows, columns, at] = dh
    dW = np.tensordot(X, dz, ([0, 1], [0, 1]))
    W -= 0.001 * dW; V -= 0.001 * dV
"""


@pytest.mark.parametrize(
    ("change", "place"),
    [
        (("at = z.argmax(2)", "at = z.argmin(2)"), "at or after line 6:"),
        (("at = z.argmax(2)", "at = -z.argmax(2)"), "at or after line 6:"),
        (("at] = dh", "at] = dh ** 2"), "line 15:"),
        (("dV = h.T @ d", "dV = h.T @ d ** 2"), "line 11:"),
    ],
)
def test_right_numbers_in_wrong_places_are_written_by_a_wrong_index(change, place, tmp_path):
    assert settled(seen(tmp_path, LARGEST)) is True
    found = seen(tmp_path, LARGEST, change)
    assert settled(found) is False
    assert certificate(found, mend=False).first.place.startswith(place)
