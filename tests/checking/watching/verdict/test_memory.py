"""The gradient within a step with momentum, also where the velocity was still zero; a plain step beside it is none."""

import pytest

from nnref.checking.watching.telling.report import certificate, settled
from nnref.checking.watching.verdict.memory import added_to
from tests.support.programs import seen

MOMENTUM_ONE_BY_ONE = """\
import numpy as np
X = np.array([[0, 0, 0], [0, 1, 0], [1, 0, 0], [1, 1, 0], [0, 1, 1], [1, 1, 1]])
Y = np.array([[0, 1, 1, 1, 1, 0]]).T
W, b = 0.1 * np.random.randn(3, 8), np.zeros(8)
V, c = 0.1 * np.random.randn(8, 1), np.zeros(1)
mW, mb, mV, mc = np.zeros_like(W), np.zeros_like(b), np.zeros_like(V), np.zeros_like(c)
for epoch in range(50):
    for k in range(6):
        x, y = X[k:k + 1], Y[k:k + 1]
        h = np.maximum(0, np.dot(x, W) + b)
        p = 1 / (1 + np.exp(-(np.dot(h, V) + c)))
        d = (p - y) * (p * (1 - p))
        e = np.dot(d, V.T) * np.where(h > 0, 1.0, 0.0)
        mV = mV * 0.9 + np.dot(h.T, d)
        mc = mc * 0.9 + np.sum(d, axis=0)
        V -= 0.9 * mV
        c -= 0.9 * mc
        mW = mW * 0.9 + np.dot(x.T, e)
        mb = mb * 0.9 + np.sum(e, axis=0)
        W -= 0.9 * mW
        b -= 0.9 * mb
"""
"""The rate is the momentum's factor, and the first example is made of zeros: the slope of W is 0 there."""


@pytest.mark.parametrize(
    ("change", "is_right", "line"),
    [
        ((), True, None),
        ((("np.dot(x.T, e)", "2 * np.dot(x.T, e)"),), False, 18),
        ((("mW = mW * 0.9", "mW = mW * 1.0"),), False, 18),
    ],
    ids=["right", "a factor", "gradients that add up"],
)
def test_a_velocity_is_told_from_a_gradient_where_the_first_example_has_none(tmp_path, change, is_right, line):
    found = seen(tmp_path, MOMENTUM_ONE_BY_ONE, *change)
    assert settled(found) is is_right
    if line is not None:
        assert f"line {line}" in certificate(found).first.place


PLAIN_BIAS = ("mb = mb * 0.9 + np.sum(e, axis=0)", "mb = np.sum(e, axis=0)")


def test_a_step_that_remembers_nothing_is_no_velocity(tmp_path):
    """Weights with momentum beside biases without it are two kinds of steps, and both are right."""
    found = seen(
        tmp_path, MOMENTUM_ONE_BY_ONE, PLAIN_BIAS, ("mc = mc * 0.9 + np.sum(d, axis=0)", "mc = np.sum(d, axis=0)")
    )
    assert settled(found) is True
    step = found.steps[-1]
    kept = {
        row.update.base.names[0]: added_to(step.roles, row.update, row.entry)
        for row in step.readings[0].rows
        if row.entry
    }
    assert kept["V"]
    assert not kept.get("c", False)
