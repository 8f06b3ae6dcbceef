"""The factors of a backward pass that no label goes into: derivatives of the right value, of another, or of none."""

import pytest

from nnref.checking.watching.telling.report import certificate, settled
from nnref.checking.watching.verdict import derivatives
from tests.support.programs import seen
from tests.support.recordings import searched

PROGRAM = """\
import numpy as np
def slope(z): return 1 - np.tanh(z) ** 2
X, Y = np.random.randn(6, 4), np.random.randn(6, 4)
U, V, W = np.random.randn(4, 4), np.random.randn(4, 4), np.random.randn(4, 4)
for step in range(2):
    z1 = X @ U
    h1 = np.tanh(z1)
    z2 = h1 @ V
    h2 = np.tanh(z2)
    d = h2 @ W - Y
    loss = (d ** 2).sum() / 2
    dW = h2.T @ d
    s2 = slope(z2)
    d2 = (d @ W.T) * s2
    dV = h1.T @ d2
    d1 = (d2 @ V.T) * slope(z1)
    dU = X.T @ d1
    U = U - 0.1 * dU
    V = V - 0.1 * dV
    W = W - 0.1 * dW
"""


@pytest.mark.parametrize(
    ("argument", "of_another", "wrong", "elsewhere"),
    [("z2", False, False, True), ("z1", True, False, True), ("h2", False, True, True)],
    ids=["the value itself", "another value", "the result in the place of what it was made of"],
)
def test_a_derivative_is_of_the_value_that_it_multiplies_of_another_or_of_none(
    tmp_path, argument, of_another, wrong, elsewhere
):
    of_it, named = searched(tmp_path, PROGRAM, ("s2 = slope(z2)", f"s2 = slope({argument})"))
    product, factor = named["d2"], named["s2"]
    assert derivatives.backward_factor(of_it, product) is factor
    assert (derivatives.of_another_value(of_it, of_it.reading.rows[0], product) is factor) == of_another
    assert (derivatives.wrong_factor(of_it, product) is factor) == wrong
    assert derivatives.right_elsewhere(of_it, factor) == elsewhere


def test_a_derivative_that_is_used_twice_is_not_wrong_where_it_is_made(tmp_path):
    of_it, named = searched(tmp_path, PROGRAM, ("s2 = slope(z2)", "s2 = slope(z1); s1 = s2"), ("* slope(z1)", "* s1"))
    assert derivatives.of_another_value(of_it, of_it.reading.rows[0], named["d2"]) is None


def test_what_is_three_times_a_derivative_is_one_with_that_factor(tmp_path):
    of_it, named = searched(tmp_path, PROGRAM, ("s2 = slope(z2)", "s2 = 3 * slope(z2)"))
    assert derivatives.slope_factor(of_it, named["s2"]) == pytest.approx(3)
    assert derivatives.slope_factor(of_it, named["h2"]) is None


SWISH = """\
import numpy as np
X, Y = np.random.randn(20, 3), np.random.randn(20, 2)
W, V = np.random.randn(3, 5), np.random.randn(5, 2)
for step in range(3):
    z = X @ W
    a = z / (1 + np.exp(-z))
    d = (a @ V - Y) / 20
    loss = ((a @ V - Y) ** 2).sum() / 40
    s = 1 / (1 + np.exp(-z))
    e = d @ V.T * (s + z * s * (1 - s))
    V -= 0.1 * a.T @ d
    W -= 0.1 * X.T @ e
"""


@pytest.mark.parametrize(
    ("change", "place"),
    [
        (("    s = 1 / (1", "    s = 2 / (1"), "at or after line 9:"),
        (("    s = 1 / (1 +", "    s = 1 / (1 -"), "at or after line 9:"),
        (("(s + z", "(s - z"), "line 10:"),
    ],
)
def test_a_wrong_derivative_begins_where_the_forward_pass_does_not_bear_it_out(change, place, tmp_path):
    """1 / (1 + exp(-z)) is one over a value of the forward pass: then the line after it is the wrong one."""
    assert certificate(seen(tmp_path, SWISH, change), mend=False).first.place.startswith(place)


NEURONS = """\
import numpy as np
def squash(z): return 1 / (1 + np.exp(-z))
def slope(z):
    s = squash(z)
    return s * (1 - s)
u, v, a, b, c, e, f = (np.random.normal() for _ in range(7))
for k in range(30):
    for x, t in zip(np.array([0.5, -1.5, 2.0]), np.array([1, 0, 1])):
        y, z = u * x + a, v * x + b
        s = c * squash(y) + e * squash(z) + f
        dp = -2 * (t - squash(s))
        dp_dc = squash(y) * slope(s)
        dp_de = squash(z) * slope(s)
        dp_dy = c * slope(s)
        dp_dz = e * slope(s)
        dy_da = slope(y)
        dz_db = slope(z)
        u -= 0.1 * dp * dp_dy * dy_da * x
        a -= 0.1 * dp * dp_dy * dy_da
        v -= 0.1 * dp * dp_dz * dz_db * x
        b -= 0.1 * dp * dp_dz * dz_db
        c -= 0.1 * dp * dp_dc
        e -= 0.1 * dp * dp_de
        f -= 0.1 * dp * slope(s)
"""


@pytest.mark.parametrize(
    ("change", "place"),
    [
        (("dp_dz = e *", "dp_dz = c *"), "line 15:"),
        (("dp_de = squash(z)", "dp_de = squash(y)"), "at or after line 13:"),
        (("dz_db = slope(z)", "dz_db = slope(y)"), "line 17:"),
        (("dp_dc = squash(y) * slope(s)", "dp_dc = squash(y) * slope(squash(s))"), "line 12:"),
        (("return s * (1 - s)", "return s * (1 - z)"), "at or after line 5:"),
    ],
    ids=["of another neuron", "used once", "of another value", "of the output", "within its function"],
)
def test_in_a_chain_of_numbers_the_wrong_derivative_is_named_where_it_is_made(change, place, tmp_path):
    assert settled(seen(tmp_path, NEURONS)) is True
    assert certificate(seen(tmp_path, NEURONS, change), mend=False).first.place.startswith(place)


def test_a_right_derivative_that_is_used_in_the_place_of_another_is_no_mistake_where_it_is_made(tmp_path):
    found = seen(tmp_path, NEURONS, ("0.1 * dp * dp_de", "0.1 * dp * dp_dc"))
    assert certificate(found, mend=False).first.place.startswith("line 23:")


COLUMN = """\
import numpy as np
def slope(z): return 1 - np.tanh(z) ** 2
X, Y = np.random.randn(9, 1, 3), np.random.randn(9, 1, 1)
V, W = np.random.randn(3, 1), np.random.randn(1, 1)
for k in range(9):
    z = X[k] @ V
    h = np.tanh(z)
    D = h @ W - Y[k]
    loss = (D ** 2).sum() / 2
    d = D @ W.T * slope(z)
    W -= 0.1 * h.T @ D
    V -= 0.1 * X[k].T @ d
"""


def test_a_wrong_derivative_of_an_array_of_one_entry_is_named_in_its_function(tmp_path):
    change = ("1 - np.tanh(z) ** 2", "1 - z ** 2")
    assert certificate(seen(tmp_path, COLUMN, change), mend=False).first.place.startswith("line 2:")


BY_ROWS = """\
import numpy as np
x, label = np.random.randn(5), 2
W = np.random.randn(5, 4)
for k in range(9):
    z = x @ W
    t = np.exp(z)
    S = t.sum()
    p = t / S
    loss = -np.log(p[label])
    for i, g in enumerate(np.where(np.arange(4) == label, -1 / p[label], 0.0)):
        if g == 0:
            continue
        J = -t[i] * t / S ** 2
        J[i] = t[i] * (S - t[i]) / S ** 2
        dz = g * J
        W -= 0.1 * np.outer(x, dz)
"""


@pytest.mark.parametrize(
    ("change", "line"),
    [(("J = -t[i]", "J = t[i]"), 13), (("(S - t[i]) / S ** 2", "(S - t[i]) / S"), 14)],
    ids=["before", "written"],
)
def test_of_a_derivative_with_one_entry_of_its_own_the_wrong_part_is_named(change, line, tmp_path):
    assert certificate(seen(tmp_path, BY_ROWS, change), mend=False).first.place.startswith(f"line {line}:")
    assert settled(seen(tmp_path, BY_ROWS)) is True


LAYERS = """\
import numpy as np
X, Y = np.random.randn(20, 3), np.random.randn(20, 2)
W, V = np.random.randn(3, 5) * 0.5, np.random.randn(5, 2) * 0.5
def bend(z):
    return np.tanh(z)
def bend_slope(z):
    a = bend(z)
    return 1 - a ** 2
def back(d, z):
    return d * bend_slope(z)
for k in range(9):
    z = X @ W
    h = bend(z)
    p = h @ V
    loss = ((p - Y) ** 2).sum() / 20
    d = 2 * (p - Y) / 20
    dh = d @ V.T
    dz = back(dh, z)
    W -= 0.1 * X.T @ dz; V -= 0.1 * h.T @ d
"""


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (("d * bend_slope(z)", "d * bend_slope(bend(z))"), 10),
        (("1 - a ** 2", "1 - a ** 3"), 8),
        (("1 - a ** 2", "1 - z ** 2"), 8),
    ],
    ids=["at another value", "a wrong function", "of another value"],
)
def test_a_function_that_is_a_derivative_is_right_and_its_argument_is_wrong(change, line, tmp_path):
    assert certificate(seen(tmp_path, LAYERS, change), mend=False).first.place.startswith(f"line {line}:")
    assert settled(seen(tmp_path, LAYERS)) is True
