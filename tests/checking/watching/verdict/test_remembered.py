"""What goes on from step to step: a velocity of the wrong sign, and weights that a decay lets grow."""

import pytest

from nnref.checking.watching.telling.report import certificate, settled
from tests.checking.watching.verdict.test_signs import VELOCITY
from tests.support.programs import ADAM, seen


def test_a_velocity_that_leads_up_the_older_gradients_is_wrong_and_no_line_for_certain(tmp_path):
    """The first step goes down all the same, by a tenth of the rate."""
    changes = [(f"{v} = 0.9 * {v} - 0.1", f"{v} = 0.9 * {v} + 0.1") for v in "ab"]
    found = seen(tmp_path, VELOCITY, *changes)
    assert settled(found) is False
    first = certificate(found, mend=False).first
    assert first.place.startswith("at or after line 1")
    assert "older gradients" in first.says


DECAYS = (
    "        params[k] -= 0.01 * (m",
    "        params[k] -= 0.01 * 0.1 * params[k]\n        params[k] -= 0.01 * (m",
)


@pytest.mark.parametrize("sign", "-+")
def test_a_decay_in_a_line_of_its_own_is_right_and_a_growth_wrong(sign, tmp_path):
    found = seen(tmp_path, ADAM, (DECAYS[0], DECAYS[1].replace("-=", f"{sign}=", 1)))
    assert settled(found) is (sign == "-")
    assert len(found.rows) == 4
    if sign == "+":
        assert certificate(found, mend=False).first.place.startswith("line 17:")


AFTERWARDS = """\
import numpy as np
def cost(X, y, w, b):
    return ((X @ w + b - y) ** 2).mean() / 2
X = np.random.randn(30, 4)
y = X @ np.array([1.0, -2.0, 3.0, 0.5]) + 4
w, b, m = np.zeros(4), 0.0, np.zeros(4)
for step in range(6):
    d = X @ w + b - y
    dw, db = X.T @ d / 30, d.mean()
    STEP
    b = b - 0.1 * db
    print(cost(X, y, w, b))
"""


@pytest.mark.parametrize(
    ("step", "right"),
    [
        ("w = w - 0.1 * dw", True),
        ("m = 0.9 * m + dw; w = w - 0.1 * m", True),
        ("w = w - 0.1 * np.clip(dw, -0.5, 0.5)", True),
        ("w = w - 0.1 / dw", False),
    ],
)
def test_a_step_that_remembers_nothing_is_looked_at_in_a_later_step_too(step, right, tmp_path):
    """The loss is printed after the update: it is that of the second step, of which the verdict is."""
    assert settled(seen(tmp_path, AFTERWARDS, ("STEP", step))) is right


@pytest.mark.parametrize("change", ["-(W - 0.1 * dW)", "2 * (W - 0.1 * dW)"])
def test_what_is_turned_or_made_larger_after_its_step_is_wrong_on_that_line(tmp_path, change):
    """Weights that begin with 0 are moved as far in the first step, and such programs passed."""
    text = """\
import numpy as np
X, Y = np.random.randn(30, 3), np.random.randn(30, 2)
W, b = np.zeros((3, 2)), np.zeros(2)
for k in range(5):
    d = (X @ W + b - Y) / 30
    loss = 15 * np.sum(d ** 2)
    dW = X.T @ d
    W = W - 0.1 * dW
    b = b - 0.1 * d.sum(0)
"""
    assert settled(seen(tmp_path, text)) is True
    found = certificate(seen(tmp_path, text, ("W - 0.1 * dW", change)), mend=False)
    assert found.first.place.startswith("line 8:")
    halved = seen(tmp_path, text, ("W - 0.1 * dW", "0.99 * (W - 0.1 * dW)"))
    assert settled(halved) is not False
