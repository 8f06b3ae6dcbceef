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


NORMALISED = """\
import numpy as np
X, Y = np.random.randn(30, 4), np.random.randn(30, 2)
W, g, V = np.random.randn(4, 6) * 0.5, np.ones(6), np.random.randn(6, 2) * 0.5
for k in range(9):
    z = X @ W
    c = z - z.mean(0)
    s = 1 / np.sqrt((c ** 2).mean(0) + 1e-5)
    n = c * s
    h = np.tanh(g * n)
    p = h @ V
    loss = ((p - Y) ** 2).mean()
    d = 2 * (p - Y) / Y.size
    dV = h.T @ d
    da = d @ V.T * (1 - h ** 2)
    dg = (da * n).sum(0)
    dn = da * g
    dv = (dn * c * -0.5 * s ** 3).sum(0)
    dm = (-dn * s).sum(0)
    dz = dn * s + dv * 2 * c / 30 + dm / 30
    dW = X.T @ dz
    W -= 0.1 * dW; g -= 0.1 * dg; V -= 0.1 * dV
"""


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (("dW = X.T @ dz", "dW = -(X.T @ dz)"), 20),
        (("da = d @ V.T * (1 - h ** 2)", "da = -(d @ V.T * (1 - h ** 2))"), 14),
    ],
)
def test_a_sign_that_is_turned_back_later_is_no_mistake(change, line, tmp_path):
    assert settled(seen(tmp_path, NORMALISED)) is True
    assert certificate(seen(tmp_path, NORMALISED, change), mend=False).first.place.startswith(f"line {line}:")


HELPER = """\
import numpy as np
def squash(x, slope=False):
    if slope:
        return x * (1 - x)
    return 1 / (1 + np.exp(-x))
X = np.array([[0., 0, 1], [0, 1, 1], [1, 0, 1], [1, 1, 1]])
y = np.array([[0.], [1], [1], [0]])
V, W = 2 * np.random.random((3, 4)) - 1, 2 * np.random.random((4, 1)) - 1
for step in range(20):
    h = squash(X @ V)
    p = squash(h @ W)
    away = y - p
    d = away * squash(p, slope=True)
    e = d.dot(W.T) * squash(h, slope=True)
    W += h.T.dot(d)
    V += X.T.dot(e)
"""


def test_the_slope_of_an_activation_that_turns_each_layer_is_named_where_it_is_made(tmp_path):
    """The second layer turns back what the first one turned: only every other gradient has the wrong sign."""
    found = seen(tmp_path, HELPER, ("return x * (1 - x)", "return -(x * (1 - x))"))
    assert certificate(found, mend=False).first.place.startswith("line 4:")


@pytest.mark.parametrize(("change", "line"), [(("W += h", "W -= h"), 15), (("d = away *", "d = -away *"), 13)])
def test_a_sign_that_goes_in_once_is_named_where_it_does(change, line, tmp_path):
    assert certificate(seen(tmp_path, HELPER, change), mend=False).first.place.startswith(f"line {line}:")


SIGMOIDS = """\
import numpy as np
def sigmoid(z):
    return 1 / (1 + np.exp(-z))
def slope(a):
    return a * (1 - a)
X, Y = np.random.randn(30, 4), np.random.rand(30, 2)
A, B, C = (np.random.randn(n, m) * 0.7 for n, m in ((4, 6), (6, 5), (5, 2)))
for k in range(9):
    f = sigmoid(X @ A)
    g = sigmoid(f @ B)
    p = sigmoid(g @ C)
    loss = np.sum((Y - p) ** 2) / 2
    e = p - Y
    d = e * slope(p)
    dg = d @ C.T * slope(g)
    df = dg @ B.T * slope(f)
    C -= 0.1 * g.T @ d
    B -= 0.1 * f.T @ dg
    A -= 0.1 * X.T @ df
"""


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (("return a *", "return 2 * a *"), 5),
        (("e = p - Y", "e = -(p - Y)"), 13),
        (("dg = d", "dg = -d"), 15),
        (("df = dg", "df = -dg"), 16),
    ],
)
def test_the_slope_by_minus_z_within_a_sigmoid_is_nobodys(change, line, tmp_path):
    """It is that by z with the other sign: every slope would be one of either sign, and no sign could be wrong."""
    assert settled(seen(tmp_path, SIGMOIDS)) is True
    assert certificate(seen(tmp_path, SIGMOIDS, change), mend=False).first.place.startswith(f"line {line}:")


def test_the_sum_of_minus_a_slope_is_no_slope_that_is_turned_back(tmp_path):
    """So dm is made, on the way to a slope that has the sign of what is wrong."""
    change = ("dn = da * g", "dn = -da * g")
    found = seen(tmp_path, NORMALISED.replace("(-dn * s).sum(0)", "(-(dn * s + 0.0)).sum(0)"), change)
    assert certificate(found, mend=False).first.place.startswith("line 16:")


def test_a_term_that_is_subtracted_with_the_other_sign_is_no_slope_that_is_turned(tmp_path):
    """Where all that follows a sum has the wrong sign, what was subtracted in the right sum is right."""
    centred = "dc = dn * s + dv * 2 * c / 30\n    dm = dc.sum(0)\n    dz = dc - dm / 30"
    program = NORMALISED.replace("dm = (-dn * s).sum(0)\n    dz = dn * s + dv * 2 * c / 30 + dm / 30", centred)
    assert settled(seen(tmp_path, program)) is True
    found = seen(tmp_path, program, ("dz = dc - dm / 30", "dz = -(dc - dm / 30)"))
    assert certificate(found, mend=False).first.place.startswith("line 20:")
