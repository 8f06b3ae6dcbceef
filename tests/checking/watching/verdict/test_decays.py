"""A decay is judged against that of the program's own loss, and so is the slope that it is added to."""

import pytest

from nnref.checking.watching.telling.report import certificate, settled
from tests.support.programs import seen
from tests.support.quick import some

PENALISED = """\
import numpy as np
X, y = np.random.randn(60, 7), np.random.randint(0, 4, 60)
Y, lam = np.eye(4)[y], 0.03
W1, b1, W2, b2 = np.random.randn(7, 9), np.zeros(9), np.random.randn(9, 4), np.zeros(4)
for k in range(6):
    A = np.tanh(X @ W1 + b1)
    E = np.exp(A @ W2 + b2)
    P = E / E.sum(1, keepdims=True)
    loss = -np.log(P[np.arange(60), y]).mean() + lam / 2 * ((W1 ** 2).sum() + (W2 ** 2).sum())
    dZ = (P - Y) / 60
    dW2 = A.T @ dZ + lam * W2
    dH = dZ @ W2.T * (1 - A * A)
    dW1 = X.T @ dH + lam * W1
    W1 -= 0.1 * dW1; b1 -= 0.1 * dH.sum(0); W2 -= 0.1 * dW2; b2 -= 0.1 * dZ.sum(0)
"""

ABSOLUTE = (
    ("lam / 2 * ((W1 ** 2).sum() + (W2 ** 2).sum())", "lam * (abs(W1).sum() + abs(W2).sum())"),
    ("+ lam * W2", "+ lam * np.sign(W2)"),
    ("+ lam * W1", "+ lam * np.sign(W1)"),
)


PENALTIES = {"squares": (), "absolute values": ABSOLUTE}


@pytest.mark.parametrize("penalty", PENALTIES)
def test_a_decay_that_is_that_of_the_loss_is_right(tmp_path, penalty):
    assert settled(seen(tmp_path, PENALISED, *PENALTIES[penalty]))


@pytest.mark.parametrize("penalty", some(PENALTIES, 9))
@pytest.mark.parametrize(
    ("right", "wrong", "line", "says"),
    [
        ("(P - Y) / 60", "P - Y", 10, "60 times the slope of your loss"),
        ("dW2 = A.T @ dZ + lam", "dW2 = A.T @ dZ + 3 * lam", 11, ""),
        ("dW2 = A.T @ dZ + ", "dW2 = A.T @ dZ + 0 * ", 11, ""),
        ("dW1 = X.T @ dH + ", "dW1 = X.T @ dH; G = ", 13, "decay that your loss has is not added"),
    ],
    ids=["no mean", "another decay", "a decay of nothing", "no decay"],
)
def test_of_a_slope_and_a_decay_the_one_that_is_not_that_of_the_loss_is_named(
    tmp_path, penalty, right, wrong, line, says
):
    first = certificate(seen(tmp_path, PENALISED, *PENALTIES[penalty], (right, wrong)), mend=False).diagnoses[0]
    assert f"line {line}:" in first.place
    assert says in first.says
    assert not first.place.startswith("at or after")


ONE_BY_ONE = """\
import numpy as np
X = np.random.randn(50, 5)
y = (X @ np.random.randn(5) > 0) * 1.0
w, b = np.random.randn(5), 0.0
for k in range(3):
    for x, t in zip(X, y):
        p = 1 / (1 + np.exp(-(w @ x + b)))
        loss = -(t * np.log(p) + (1 - t) * np.log(1 - p))
        d = p - t
        w -= 0.1 * (d * x + 0.01 * w)
        b -= 0.1 * d
"""


def test_the_logarithm_of_one_probability_is_no_penalty(tmp_path):
    """It is one number without a label, as a penalty is, but made of data: the loss has no decay to agree with."""
    found = seen(tmp_path, ONE_BY_ONE)
    assert settled(found), certificate(found)
    assert [round(row.decay, 6) for row in found.rows] == [0.01, 0]
    assert settled(seen(tmp_path, ONE_BY_ONE, ("np.log(1 - p))", "np.log(1 - p)) + 0.02 * (w * w).sum()"))) is False


BESIDE = """\
import numpy as np
X, Y = np.random.randn(30, 3), np.random.randn(30, 2)
W, V = np.random.randn(3, 5), np.random.randn(5, 2)
m, s = [0 * W, 0 * V], [0 * W, 0 * V]
for t in range(1, 4):
    h = np.maximum(X @ W, 0)
    d = (h @ V - Y) / 30
    loss = ((h @ V - Y) ** 2).sum() / 60 + 0.05 * (W ** 2).sum()
    e = d @ V.T
    e = e * (h > 0)
    dW = X.T @ e
    dW += 0.1 * W
    for k, (w, g) in enumerate(((W, dW), (V, h.T @ d))):
        m[k] = 0.9 * m[k] + 0.1 * g
        s[k] = 0.999 * s[k] + 0.001 * g ** 2
        w -= 0.01 * m[k] / (1 - 0.9 ** t) / (np.sqrt(s[k] / (1 - 0.999 ** t)) + 1e-8)
"""


def test_a_sign_that_comes_in_before_a_decay_is_named_and_not_the_decay(tmp_path):
    found = seen(tmp_path, BESIDE, ("e = e * (h > 0)", "e = -e * (h > 0)"))
    assert certificate(found, mend=False).first.place.startswith("line 10:")
    assert settled(seen(tmp_path, BESIDE)) is True


FIRST = """\
import numpy as np
X, y = np.random.randn(30, 4), np.random.randn(30)
w, lam, lr = np.random.randn(4), 0.1, 0.05
for k in range(9):
    r = X @ w - y
    loss = r @ r / 60 + 0.5 * lam * np.sum(w * w)
    g = X.T @ r / 30
    w = w * (1 - lr * lam) - lr * g
"""

IN_TWO = ("    w = w * (1 - lr * lam) - lr * g", "    w *= 1 - lr * lam\n    w -= lr * g")


def test_a_parameter_may_decay_before_its_gradient_is_subtracted(tmp_path):
    assert settled(seen(tmp_path, FIRST)) is True
    assert settled(seen(tmp_path, FIRST, IN_TWO)) is True


@pytest.mark.parametrize(
    ("decays", "line", "says"),
    [
        ("w * (1 - lam)", 8, "Beside its slope, this step has 20 times the decay of your loss"),
        ("w * (1 - 2 * lr * lam)", 8, "Beside its slope, this step has 2 times the decay of your loss"),
        ("w", 7, "The slope of the decay that your loss has is not added to this"),
    ],
)
def test_how_much_too_much_a_parameter_decays_is_said(tmp_path, decays, line, says):
    found = certificate(seen(tmp_path, FIRST, ("w * (1 - lr * lam)", decays)), mend=False).first
    assert found.place.startswith(f"line {line}:")
    assert found.says.startswith(says)


OF_SIGNS = [
    ("0.5 * lam * np.sum(w * w)", "lam * np.sum(abs(w))"),
    (IN_TWO[0], "    w -= lr * lam * np.sign(w)\n    w -= lr * g"),
]


def test_so_may_the_sign_of_a_parameter_be_subtracted_first(tmp_path):
    assert settled(seen(tmp_path, FIRST, *OF_SIGNS)) is True
    assert settled(seen(tmp_path, FIRST, OF_SIGNS[1])) is False
    twice = certificate(seen(tmp_path, FIRST, *OF_SIGNS, ("lr * lam *", "2 * lr * lam *")), mend=False).first
    assert twice.says.startswith("Beside its slope, this step has 2 times the decay of your loss")
