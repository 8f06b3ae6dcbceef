"""Is a step caught that is multiplied by the number of examples, where others are divided by it?"""

import pytest

from nnref.checking.watching.telling.report import certificate, settled
from nnref.checking.watching.verdict.opposite_rates import inverted
from tests.support.programs import seen

BATCHES = """\
import numpy as np
X, Y = np.random.randn(60, 4), np.random.randn(60, 2)
W, V, b = np.random.randn(4, 6) * 0.5, np.random.randn(6, 2) * 0.5, np.zeros(2)

def learn(batch, rate):
    global W, V, b
    dW, dV, db = np.zeros_like(W), np.zeros_like(V), np.zeros_like(b)
    for x, y in batch:
        h = np.tanh(x @ W)
        d = h @ V + b - y
        dV += np.outer(h, d)
        dW += np.outer(x, d @ V.T * (1 - h ** 2))
        db += d
    W = W - rate / len(batch) * dW
    V = V - rate / len(batch) * dV
    b = b - rate / len(batch) * db

pairs = list(zip(X, Y))
for k in range(6):
    learn(pairs[10 * k:10 * k + 10], 0.3)
"""


@pytest.mark.parametrize(("parameter", "line"), [("b", 16), ("W", 14)])
def test_a_step_multiplied_by_the_examples_beside_others_divided_by_them_is_wrong(parameter, line, tmp_path):
    assert settled(seen(tmp_path, BATCHES)) is True
    change = (f"rate / len(batch) * d{parameter}", f"rate * len(batch) * d{parameter}")
    found = seen(tmp_path, BATCHES, change)
    assert settled(found) is False
    assert f"line {line}:" in certificate(found, mend=False).first.place


def test_a_rate_with_another_number_is_chosen(tmp_path):
    assert settled(seen(tmp_path, BATCHES, ("rate / len(batch) * db", "rate / 5 * db"))) is True


@pytest.mark.parametrize(
    ("mine", "other", "number"),
    [
        ({0.3: 1, 10.0: 1}, {0.3: 1, 10.0: -1}, 10.0),
        ({0.3: 1, 10.0: -1}, {0.3: 1, 10.0: 1}, None),
        ({0.3: 1, 10.0: 1}, {0.1: 1, 10.0: -1}, None),
        ({0.3: 1, 10.0: 2}, {0.3: 1, 10.0: -1}, None),
        ({0.3: 1, 10.0: 1}, {0.3: 1}, None),
    ],
)
def test_two_products_differ_in_an_operation_or_in_their_numbers(mine, other, number):
    assert inverted(mine, other) == number
