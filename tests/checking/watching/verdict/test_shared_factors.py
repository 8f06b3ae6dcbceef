"""Is a factor that most gradients have named where they have it from, and not where the one has it not?"""

import pytest

from nnref.checking.watching.telling.report import certificate, settled
from nnref.checking.watching.verdict.shared_factors import alike_factors
from tests.support.programs import seen

ORDERED = """\
import numpy as np
X, y = np.random.randn(30, 4), np.random.randint(0, 4, 30)
W, c, v, theta = np.random.randn(4, 6) * 0.5, np.zeros(6), np.random.randn(6, 1) * 0.5, np.array([[-1.0, 0.0, 1.0]])
levels = (y[:, None] > np.arange(3)).astype(float)
for k in range(9):
    h = np.tanh(X @ W + c)
    q = 1 / (1 + np.exp(-(h @ v - theta)))
    d = (q - levels) / 30
    dtheta = -d.sum(axis=0, keepdims=True)
    df = d.sum(axis=1, keepdims=True)
    dv = h.T @ df
    dz = df @ v.T * (1 - h * h)
    dW, dc = X.T @ dz, dz.sum(0)
    W -= 0.1 * dW; c -= 0.1 * dc; v -= 0.1 * dv; theta -= 0.1 * dtheta
"""


@pytest.mark.parametrize(("old", "new", "line"), [("df = d.sum", "df = d.mean", 10), ("-d.sum", "-3 * d.sum", 9)])
def test_of_one_gradient_and_three_the_line_is_named_that_puts_a_factor_to_one_or_to_the_three(
    old, new, line, tmp_path
):
    assert settled(seen(tmp_path, ORDERED)) is True
    found = seen(tmp_path, ORDERED, (old, new))
    assert certificate(found, mend=False).first.place.startswith(f"line {line}:")


def test_factors_that_differ_by_rounding_are_one():
    assert alike_factors(0.1 + 0.2, 0.3)
    assert not alike_factors(0.3, 0.301)


ATTENTION = """\
import numpy as np
X, Y = np.random.randn(6, 5, 4), np.random.randn(6, 2)
A, B, C = (np.random.randn(4, 4) * 0.5 for _ in range(3)); O = np.random.randn(4, 2) * 0.5
for step in range(9):
    Q, K, V = X @ A, X @ B, X @ C
    S = Q @ K.transpose(0, 2, 1) / 2
    P = np.exp(S - S.max(-1, keepdims=True)); P = P / P.sum(-1, keepdims=True)
    H = P @ V
    m = H.mean(axis=1)
    out = m @ O
    loss = 0.5 * np.mean(np.sum((out - Y) ** 2, axis=1))
    d = (out - Y) / 6
    dO = m.T @ d
    dH = np.repeat((d @ O.T)[:, None, :], 5, axis=1) / 5
    dP = dH @ V.transpose(0, 2, 1)
    dV = P.transpose(0, 2, 1) @ dH
    dS = P * (dP - (dP * P).sum(-1, keepdims=True))
    dS = dS / 2
    dQ, dK = dS @ K, dS.transpose(0, 2, 1) @ Q
    for W, g in ((A, dQ), (B, dK), (C, dV)):
        W -= 0.1 * np.einsum("ntd,nte->de", X, g)
    O -= 0.1 * dO
"""


def test_a_factor_that_two_gradients_lack_is_missing_at_or_after_what_both_are_made_of(tmp_path):
    assert settled(seen(tmp_path, ATTENTION)) is True
    found = seen(tmp_path, ATTENTION, ("dS = dS / 2", "dS = dS / 1"))
    assert certificate(found, mend=False).first.place.startswith(("at or after line 17:", "at or after line 18:"))


def test_the_slope_of_a_later_value_is_not_that_of_the_product_with_the_data(tmp_path):
    """P @ dH is dH itself, where dH is the same for all: the slope of H, and not that of V."""
    found = seen(tmp_path, ATTENTION, ("dV = P.transpose(0, 2, 1) @ dH", "dV = P @ dH"))
    assert certificate(found, mend=False).first.place.startswith("line 16:")


CRITIC = """\
import numpy as np
S, R = np.random.randn(32, 4), np.random.randn(32)
W, A, C, c = np.random.randn(4, 6) * 0.5, np.random.randn(6, 2) * 0.5, np.random.randn(6, 1) * 0.5, np.zeros(1)
T = np.random.randn(32, 2)
for k in range(4):
    h = np.tanh(S @ W)
    p, v = h @ A, h @ C + c
    away = R - v[:, 0]
    loss = ((p - T) ** 2).sum() + (away ** 2).sum()
    dp = 2 * (p - T)
    dv = -2 * away[:, None]
    dA = h.T @ dp
    dC, dc = h.T @ dv, dv.sum(0)
    dh = dp @ A.T + dv @ C.T
    dW = S.T @ (dh * (1 - h ** 2))
    W -= 0.01 * dW; A -= 0.01 * dA; C -= 0.01 * dC; c -= 0.01 * dc
"""


def test_a_sign_that_two_gradients_share_is_wrong_at_or_after_what_both_are_made_of(tmp_path):
    """What they share is the slope by a difference, as it is: which of the two is meant, only the gradients show."""
    assert settled(seen(tmp_path, CRITIC)) is True
    found = seen(tmp_path, CRITIC, ("dv = -2 * away", "dv = 2 * away"))
    assert "line 11:" in certificate(found, mend=False).first.place
