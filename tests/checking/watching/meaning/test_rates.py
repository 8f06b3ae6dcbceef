"""Steps at several rates, and of several kinds, are no mistakes; a gradient that is too large beside them is one."""

import pytest

from nnref.checking.watching.telling.report import certificate, settled
from tests.support.programs import seen
from tests.support.quick import some

PROGRAM = """\
import numpy as np
X, Y = np.random.randn(30, 4), np.eye(3)[np.random.randint(0, 3, 30)]
W1, b1, W2, b2 = np.random.randn(4, 6), np.random.randn(6), np.random.randn(6, 3), np.random.randn(3)
rate, rates = 0.1, [0.1, 0.05, 0.02, 0.01]
m, v = [np.zeros_like(W) for W in (W1, W2)], [np.zeros_like(W) for W in (W1, W2)]
for t in range(1, 9):
    h = np.tanh(X @ W1 + b1)
    E = np.exp(h @ W2 + b2)
    p = E / E.sum(1, keepdims=True)
    {loss}
    d = (p - Y) / 30
    dh = d @ W2.T * (1 - h * h)
    dW2, db2, dW1, db1 = h.T @ d, d.sum(0), X.T @ dh, dh.sum(0)
    {steps}
"""

LOSSES = {"with its loss": "loss = -(Y * np.log(p)).sum() / 30", "without a loss": ""}

ADAM = """\
for k, (W, g) in enumerate(((W1, dW1), (W2, dW2))):
        m[k] = 0.9 * m[k] + 0.1 * g
        v[k] = 0.999 * v[k] + 0.001 * g ** 2
        W -= 0.01 * (m[k] / (1 - 0.9 ** t)) / (np.sqrt(v[k] / (1 - 0.999 ** t)) + 1e-8)
    b1 -= 0.1 * db1; b2 -= 0.1 * db2"""

STEPS = {
    "Adam and plain": ADAM,
    "momentum and plain": "m[0] = 0.9 * m[0] + dW1; m[1] = 0.9 * m[1] + dW2; W1 -= 0.05 * m[0]; W2 -= 0.05 * m[1]; "
    "b1 -= 0.1 * db1; b2 -= 0.1 * db2",
    "velocity and plain": "m[0] = 0.9 * m[0] - 0.05 * dW1; m[1] = 0.9 * m[1] - 0.05 * dW2; W1 += m[0]; W2 += m[1]; "
    "b1 -= 0.1 * db1; b2 -= 0.1 * db2",
    "two rates": "W1 -= 0.1 * dW1; W2 -= 0.1 * dW2; b1 -= 0.01 * db1; b2 -= 0.01 * db2",
    "twice the rate": "W1 -= rate * dW1; W2 -= rate * dW2; b1 -= 2 * rate * db1; b2 -= 2 * rate * db2",
    "a rate a parameter": "W1 -= rates[0] * dW1; W2 -= rates[1] * dW2; b1 -= rates[2] * db1; b2 -= rates[3] * db2",
    "named steps": "s = 0.1 * dW1; r = 0.02 * db1; W1 -= s; W2 -= 0.1 * dW2; b1 -= r; b2 -= 0.02 * db2",
    "a rate that decays": "W1 -= rate * dW1; W2 -= rate * dW2; rate *= 0.9; b1 -= rate * db1; b2 -= rate * db2",
    "decay of the weights": "W1 -= 0.1 * (dW1 + 0.01 * W1); W2 -= 0.1 * (dW2 + 0.01 * W2); b1 -= 0.1 * db1; "
    "b2 -= 0.1 * db2",
    "products as they are": "W1 -= 0.1 * X.T @ dh; W2 -= 0.1 * h.T @ d; b1 -= 0.02 * dh.sum(0); b2 -= 0.02 * d.sum(0)",
}


def watched(tmp_path, steps, loss="", text=PROGRAM):
    """The program with these steps, as it runs."""
    return seen(tmp_path, text.format(steps=steps, loss=loss))


SOME_STEPS = some(STEPS.values(), 4, ids={steps: name for name, steps in STEPS.items()}.get)


@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
@pytest.mark.parametrize("steps", SOME_STEPS)
def test_steps_at_several_rates_are_right(steps, loss, tmp_path):
    found = watched(tmp_path, steps, loss)
    assert settled(found) is True, certificate(found)
    assert len(found.rows) == 4


@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
@pytest.mark.parametrize("steps", SOME_STEPS)
def test_one_gradient_that_is_too_large_is_found_at_any_rate(steps, loss, tmp_path):
    """dW1 is 30 times as large as the others."""
    text = PROGRAM.replace("X.T @ dh,", "X.T @ dh * 30,")
    wrong = watched(tmp_path, steps.replace("X.T @ dh", "X.T @ dh * 30"), loss, text)
    assert settled(wrong) is False, certificate(wrong)


@pytest.mark.parametrize("kind", ["Adam and plain", "momentum and plain", "velocity and plain"])
@pytest.mark.parametrize(("right", "wrong"), [("b1 -= ", "b1 += "), ("d.sum(0), X", "d.sum(0) * 30, X")])
def test_the_sign_and_the_mean_of_a_plain_step_are_judged_beside_an_optimiser(kind, right, wrong, tmp_path):
    steps, text = (part.replace(right, wrong) for part in (STEPS[kind], PROGRAM))
    assert settled(watched(tmp_path, steps, text=text)) is False


MISTAKEN = {
    "one is divided by the number of examples": "W1 -= rate * dW1 / 30; W2 -= rate * dW2 / 30; b1 -= rate * db1; "
    "b2 -= rate * db2",
    "one is doubled": "W1 -= 2 * (rate * dW1); W2 -= rate * dW2; b1 -= rate * db1; b2 -= rate * db2",
    "one goes up": "W1 += 0.05 * dW1; W2 -= rate * dW2; b1 -= rate * db1; b2 -= rate * db2",
}


@pytest.mark.parametrize("steps", MISTAKEN.values(), ids=MISTAKEN)
def test_a_step_that_is_scaled_unlike_the_others_is_a_mistake(steps, tmp_path):
    found = watched(tmp_path, steps)
    assert settled(found) is False
    assert certificate(found, mend=False).first.place.startswith("line 14")


def test_rates_a_number_of_examples_apart_are_not_told(tmp_path):
    """0.1 / 30 may be a rate, or the rate of a mean whose like the other parameters have not."""
    steps = "W1 -= rate / 30 * dW1; W2 -= rate / 30 * dW2; b1 -= rate * db1; b2 -= rate * db2"
    found = watched(tmp_path, steps, text=PROGRAM.replace("(p - Y) / 30", "p - Y"))
    assert settled(found) is None
    assert "30 times apart" in str(certificate(found))


def test_the_rates_are_named_where_there_are_several(tmp_path):
    said = str(certificate(watched(tmp_path, STEPS["two rates"])))
    assert "0.1 for W1, W2; 0.01 for b1, b2" in said.replace("\n", " ")


SUMMED = PROGRAM.replace("(p - Y) / 30", "p - Y")

DIVIDED = {
    "by a number": "W1 -= rate * dW1 / 30; W2 -= rate * dW2 / 30; b1 -= rate * db1 / 30; b2 -= rate * db2 / 30",
    "in the rate": "W1 -= rate / len(X) * dW1; W2 -= rate / len(X) * dW2; b1 -= rate / len(X) * db1; "
    "b2 -= rate / len(X) * db2",
    "by a name": "n = len(X); W1 -= rate * (1 / n) * dW1; W2 -= rate * (1 / n) * dW2; b1 -= rate * (1 / n) * db1; "
    "b2 -= rate * (1 / n) * db2",
}


@pytest.mark.parametrize("steps", DIVIDED.values(), ids=DIVIDED)
def test_a_step_that_is_divided_by_the_batch_size_is_not_called_summed(steps, tmp_path):
    found = watched(tmp_path, steps, text=SUMMED)
    assert settled(found) is True
    assert "summed" not in str(certificate(found))


def test_a_step_that_grows_with_the_batch_size_is_called_summed(tmp_path):
    plain = "W1 -= rate * dW1; W2 -= rate * dW2; b1 -= rate * db1; b2 -= rate * db2"
    assert "summed over the 30 examples" in str(certificate(watched(tmp_path, plain, text=SUMMED)))


def test_a_factor_that_all_gradients_have_is_said(tmp_path):
    """`* N` for `/ N`: in all alike it is a learning rate."""
    plain = "W1 -= rate * dW1; W2 -= rate * dW2; b1 -= rate * db1; b2 -= rate * db2"
    found = watched(tmp_path, plain, LOSSES["with its loss"], PROGRAM.replace("(p - Y) / 30", "(p - Y) * 30"))
    assert settled(found) is True
    assert "every gradient is 900 times the slope" in " ".join(str(certificate(found)).lower().split())
    right = watched(tmp_path, plain, LOSSES["with its loss"])
    assert "times the slope" not in str(certificate(right))


WRITTEN_OUT = """\
import numpy as np
x, y = 0.7, np.array([0.2])
w, b, v = np.random.randn(4), np.random.randn(4), np.random.randn(4)
for k in range(5):
    h = np.tanh(x * w + b)
    d = h @ v - y
    dh = d * v * (1 - h ** 2)
    v = v - 0.1 * d * h
    b = b - 0.1 * dh
    w = w - STEP * dh
"""


@pytest.mark.parametrize(("step", "right"), [("0.1 * x", True), ("x * 0.1", True), ("0.1", False)])
def test_an_input_that_is_written_out_is_no_part_of_the_rate(step, right, tmp_path):
    assert settled(seen(tmp_path, WRITTEN_OUT, ("STEP", step))) is right
