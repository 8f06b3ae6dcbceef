"""A bias before a normalisation has no slope: its gradient is rounding, and what decays beside it is no mistake."""

import pytest

from nnref.checking.watching.telling.report import certificate, settled
from tests.support.programs import seen
from tests.support.quick import some

NORMALISED = """\
import numpy as np
X, y = np.random.randn(40, 5), np.random.randint(0, 3, 40)
Y = np.eye(3)[y]
W1, b1, W2 = np.random.randn(5, 6), np.zeros(6), np.random.randn(6, 3)
V1, c1, V2 = np.zeros((5, 6)), np.zeros(6), np.zeros((6, 3))
for k in range(4):
    Z = X @ W1 + b1
    s = 1 / np.sqrt(Z.var(0) + 1e-5)
    N = (Z - Z.mean(0)) * s
    A = np.tanh(N)
    E = np.exp(A @ W2)
    P = E / E.sum(1, keepdims=True)
    loss = -np.log(P[np.arange(40), y]).mean()
    dS = (P - Y) / 40
    dN = dS @ W2.T * (1 - A * A)
    dZ = s * (dN - dN.mean(0) - N * (dN * N).mean(0))
    dW1, db1, dW2 = X.T @ dZ, dZ.sum(0), A.T @ dS
    W1 -= 0.1 * (dW1 + 0.01 * W1)
    b1 -= 0.1 * (db1 + 0.01 * b1)
    W2 -= 0.1 * (dW2 + 0.01 * W2)
"""

VELOCITIES = [
    (f"    {w} -= 0.1 * (d{w} + 0.01 * {w})", f"    {v} = 0.9 * {v} + d{w} + 0.01 * {w}; {w} -= 0.1 * {v}")
    for w, v in (("W1", "V1"), ("b1", "c1"), ("W2", "V2"))
]

ADAM = (
    "    b1 -= 0.1 * (db1 + 0.01 * b1)",
    "    db1 = db1 + 0.01 * b1; c1 = 0.9 * c1 + 0.1 * db1; q1 = 0.9 * q1 + 0.1 * db1 ** 2\n"
    "    b1 -= 0.1 * (c1 / (1 - 0.9 ** (k + 1))) / (np.sqrt(q1 / (1 - 0.9 ** (k + 1))) + 1e-8)",
)

STEPS = {
    "plain": (),
    "no zeros": (
        ("b1, W2 = np.random.randn(5, 6), np.zeros(6)", "b1, W2 = np.random.randn(5, 6), np.random.randn(6)"),
    ),
    "velocities": VELOCITIES,
    "Adam": (ADAM, ("for k in", "q1 = np.zeros(6)\nfor k in")),
}


@pytest.mark.parametrize("step", STEPS)
def test_a_decay_of_what_is_taken_out_is_no_mistake(tmp_path, step):
    found = seen(tmp_path, NORMALISED, *STEPS[step])
    assert settled(found), certificate(found)


@pytest.mark.parametrize(
    ("right", "wrong", "line"),
    some(
        [
            ("dZ.sum(0), A", "dN.sum(0), A", 17),
            ("(db1 + 0.01 * b1)", "(db1 - 0.01 * b1)", 19),
            ("dN - dN.mean(0) - N", "dN - N", 16),
        ],
        3,
    ),
)
def test_what_is_not_zero_where_it_should_be_is_wrong(tmp_path, right, wrong, line):
    first = certificate(seen(tmp_path, NORMALISED, (right, wrong)), mend=False).diagnoses[0]
    assert f"line {line}:" in first.place
