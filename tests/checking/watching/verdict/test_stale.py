"""A parameter that was updated before its old value was used: the line of the use is named."""

from nnref.checking.watching.telling.report import certificate, settled
from tests.support.programs import seen

FACTORS = """\
import numpy as np
ratings = [(0, 1, 4.0), (0, 3, 2.0), (1, 0, 5.0), (1, 2, 3.0), (2, 1, 1.0), (2, 3, 4.0)]
P, Q = np.random.rand(3, 3), np.random.rand(4, 3)
for epoch in range(9):
    for u, i, r in ratings:
        e = r - P[u] @ Q[i]
        old = P[u].copy()
        P[u] += 0.01 * (e * Q[i] - 0.02 * P[u])
        Q[i] += 0.01 * (e * old - 0.02 * Q[i])
"""


def test_the_new_row_of_one_factor_in_the_step_of_the_other(tmp_path):
    assert settled(seen(tmp_path, FACTORS)) is True
    found = seen(tmp_path, FACTORS, ("e * old", "e * P[u]"))
    assert settled(found) is False
    assert certificate(found, mend=False).first.place.startswith("line 9:")
