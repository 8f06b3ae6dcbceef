"""A step up the loss: is the line named that turns the slope, and not one that passes it on?"""

import pytest

from nnref.checking.watching.telling.report import certificate, settled
from tests.support.programs import seen

VELOCITY = """\
import numpy as np
X, Y = np.random.randn(30, 4), np.random.randn(30, 2)
W, V = np.random.randn(4, 6) * 0.5, np.random.randn(6, 2) * 0.5
a, b = 0.0, 0.0
for k in range(9):
    h = np.tanh(X @ W)
    p = h @ V
    loss = ((p - Y) ** 2).mean()
    d = 2 * (p - Y) / Y.size
    dV = h.T @ d
    dW = X.T @ (d @ V.T * (1 - h ** 2))
    a = 0.9 * a - 0.1 * dW
    b = 0.9 * b - 0.1 * dV
    W += 0.9 * a - 0.1 * dW
    V += 0.9 * b - 0.1 * dV
"""


def test_minus_a_slope_at_the_beginning_is_meant_where_the_steps_are_minus_the_gradients(tmp_path):
    assert settled(seen(tmp_path, VELOCITY)) is True
    found = seen(tmp_path, VELOCITY, ("2 * (p - Y)", "2 * (Y - p)"))
    assert certificate(found, mend=False).first.place.startswith("line 9:")


CHOSEN = """\
import numpy as np
X, Y = np.random.randn(30, 4), np.random.randn(30)
a = np.random.randint(0, 3, 30)
W, V = np.random.randn(4, 6) * 0.5, np.random.randn(6, 3) * 0.5
for k in range(9):
    h = np.tanh(X @ W)
    q = h @ V
    e = q[np.arange(30), a] - Y
    loss = (e ** 2).mean()
    d = np.zeros_like(q)
    d[np.arange(30), a] = 2 * e / 30
    dV = h.T @ d
    dW = X.T @ (d @ V.T * (1 - h ** 2))
    W -= 0.1 * dW; V -= 0.1 * dV
"""


@pytest.mark.parametrize(("change", "line"), [(("= 2 * e", "= -2 * e"), 11), (("dV = h", "dV = -h"), 12)])
def test_a_slope_that_is_put_where_it_counts_is_turned_there(change, line, tmp_path):
    assert certificate(seen(tmp_path, CHOSEN, change), mend=False).first.place.startswith(f"line {line}:")
