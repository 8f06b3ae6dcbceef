"""Newton's step is the slope times the inverse of a matrix."""

import pytest

from nnref.checking.watching.telling.report import certificate, settled
from nnref.checking.watching.verdict.newton import SAYS
from tests.support.programs import seen

NEWTON = """\
import numpy as np
X = np.c_[np.ones(60), np.random.randn(60, 3)]; y = (np.random.rand(60) > .5).astype(float)
w = np.zeros(4)
for i in range(5):
    p = 1 / (1 + np.exp(-X @ w))
    loss = -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))
    g = X.T @ (p - y)
    H = X.T @ np.diag(p * (1 - p)) @ X
    w = w - np.linalg.solve(H, g)
"""


@pytest.mark.parametrize("step", ["np.linalg.solve(H, g)", "np.linalg.inv(H) @ X.T @ (p - y)"], ids=["solve", "inv"])
def test_newtons_step_is_the_slope_by_a_matrix_that_is_not_judged(tmp_path, step):
    found = seen(tmp_path, NEWTON, ("np.linalg.solve(H, g)", step))
    assert settled(found)
    assert SAYS in str(certificate(found))
    assert settled(seen(tmp_path, NEWTON, ("np.linalg.solve(H, g)", step), ("w - ", "w + "))) is False
    assert settled(seen(tmp_path, NEWTON, ("np.linalg.solve(H, g)", step), ("(p - y)", "(p - y * p)"))) is False
