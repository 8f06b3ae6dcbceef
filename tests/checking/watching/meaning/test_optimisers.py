"""Between a gradient and its step stands an optimiser: what went in is judged, and which way the step goes."""

import pytest

from nnref.checking.watching.telling.report import certificate, settled
from tests.support.programs import seen
from tests.support.quick import some

TWO_LAYERS = """\
import numpy as np
X, y = np.random.randn(60, 7), np.random.randint(0, 4, 60)
Y = np.eye(4)[y]
p = [np.random.randn(7, 9) * 0.4, np.zeros(9), np.random.randn(9, 4) * 0.4, np.zeros(4)]
m, s, mean = [np.zeros_like(q) for q in p], [np.zeros_like(q) for q in p], [q.copy() for q in p]
for t in range(1, 6):
    A = np.tanh(X @ p[0] + p[1])
    E = np.exp(A @ p[2] + p[3])
    P = E / E.sum(1, keepdims=True)
    loss = -np.log(P[np.arange(60), y]).mean()
    dZ = (P - Y) / 60
    dW2 = A.T @ dZ
    dH = dZ @ p[2].T * (1 - A * A)
    db1 = dH.sum(0)
    g = [X.T @ dH, db1, dW2, dZ.sum(0)]
    for i in range(4):
        STEP
"""

STEPS = {
    "sgd": "p[i] = p[i] - 0.1 * g[i]",
    "momentum": "m[i] = 0.9 * m[i] + g[i]; p[i] = p[i] - 0.1 * m[i]",
    "rmsprop": "s[i] = 0.9 * s[i] + 0.1 * g[i] ** 2; p[i] = p[i] - 0.01 * g[i] / (np.sqrt(s[i]) + 1e-8)",
    "adam": "m[i] = 0.9 * m[i] + 0.1 * g[i]; s[i] = 0.99 * s[i] + 0.01 * g[i] ** 2; "
    "p[i] = p[i] - 0.01 * m[i] / (1 - 0.9 ** t) / (np.sqrt(s[i] / (1 - 0.99 ** t)) + 1e-8)",
    "lion": "p[i] = p[i] - 0.001 * np.sign(0.9 * m[i] + 0.1 * g[i]); m[i] = 0.99 * m[i] + 0.01 * g[i]",
    "clipped": "p[i] = p[i] - 0.1 * np.clip(g[i], -0.01, 0.01)",
    "averaged": "p[i] = p[i] - 0.1 * g[i]; mean[i] = 0.99 * mean[i] + 0.01 * p[i]",
    "with noise": "p[i] = p[i] - 0.1 * (g[i] + 0.01 * np.random.randn(*g[i].shape))",
}


SOME_STEPS = some(STEPS, 3)


def with_step(tmp_path, step, *changes):
    """The program with a step, and with some of it changed, as it is watched."""
    return seen(tmp_path, TWO_LAYERS, ("STEP", STEPS[step]), *changes)


@pytest.mark.parametrize("step", SOME_STEPS)
def test_a_right_gradient_is_right_whatever_is_made_of_it(tmp_path, step):
    found = with_step(tmp_path, step)
    assert settled(found), certificate(found)


@pytest.mark.parametrize("step", SOME_STEPS)
def test_a_gradient_of_the_wrong_sign_is_named_where_it_is_made_and_not_in_the_optimiser(tmp_path, step):
    first = certificate(with_step(tmp_path, step, ("dW2 = A", "dW2 = -A")), mend=False).diagnoses[0]
    assert first.place.startswith("line 12:")
    assert "-1 times" in first.says


@pytest.mark.parametrize("step", SOME_STEPS)
def test_a_mean_for_a_sum_is_named_behind_every_optimiser(tmp_path, step):
    """Where a limit is laid on gradients, one may keep within it and others not: their factors are compared still."""
    first = certificate(with_step(tmp_path, step, ("dH.sum(0)", "dH.mean(0)")), mend=False).diagnoses[0]
    assert first.place.startswith("line 14:")


@pytest.mark.parametrize("step", SOME_STEPS)
def test_steps_that_all_go_up_the_loss_are_wrong(tmp_path, step):
    found = with_step(tmp_path, step, ("p[i] = p[i] -", "p[i] = p[i] +"))
    assert settled(found) is False


ONE_NUMBER = """\
import numpy as np
X = np.random.randn(30, 3)
y = X @ np.array([1.0, -2.0, 0.5]) + 0.3
w, b, s, m = np.random.randn(3), 0.1, 0.0, 0.0
for t in range(1, 5):
    e = X @ w + b - y
    loss = (e ** 2).mean() / 2
    dw, db = X.T @ e / 30, e.mean()
    w = w - 0.1 * dw
    STEP
"""


@pytest.mark.parametrize(
    "step",
    [
        "b = b - 0.1 * db",
        "b = b - 0.01 * np.sign(db)",
        "b = b - 0.1 * np.clip(db, -0.05, 0.05)",
        "s = 0.9 * s + 0.1 * db ** 2; b = b - 0.01 * db / (np.sqrt(s) + 1e-8)",
        "m = 0.9 * m + 0.1 * db; s = 0.99 * s + 0.01 * db ** 2; "
        "b = b - 0.01 * m / (1 - 0.9 ** t) / (np.sqrt(s / (1 - 0.99 ** t)) + 1e-8)",
        "b = b - 0.01 * abs(b) * db / abs(db)",
    ],
    ids=["plain", "its sign", "clipped", "RMSProp", "Adam", "as large as the number"],
)
def test_what_optimisers_make_of_one_number_is_right(step, tmp_path):
    assert settled(seen(tmp_path, ONE_NUMBER, ("STEP", step))) is True


@pytest.mark.parametrize(
    ("step", "place"),
    [
        ("b = b - 0.1 / db", "at or after line 10"),
        ("g = 0.1 / db; b = b - 0.1 * g", "line 10"),
        ("b = b - 0.1 * db ** 3", "line 10"),
    ],
)
def test_a_step_of_one_number_that_falls_as_its_gradient_grows_or_grows_faster_is_wrong(step, place, tmp_path):
    """1 / g is of the sign of g, and so is each of the runs by itself."""
    found = seen(tmp_path, ONE_NUMBER, ("STEP", step))
    assert settled(found) is False
    assert certificate(found, mend=False).first.place.partition(":")[0].endswith(place)


ONE_BIAS = """\
import numpy as np
X, y = np.random.randn(30, 4), np.random.randn(30)
w, b = np.random.randn(4), 0.3
for k in range(9):
    r = X @ w + b - y
    loss = r @ r / 60
    db = r.sum() / 30
    w = w - 0.1 * X.T @ r / 30
    b = b - 0.1 * db
"""


@pytest.mark.parametrize(("step", "right"), [("db", True), ("db * np.exp(b)", False), ("db * np.exp(w[0])", False)])
def test_a_single_gradient_times_what_depends_on_a_parameter_is_no_step_of_an_optimiser(tmp_path, step, right):
    found = settled(seen(tmp_path, ONE_BIAS, ("0.1 * db", f"0.1 * {step}")))
    assert found is True if right else found is not True
