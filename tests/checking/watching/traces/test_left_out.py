"""Is a number that is written out told from a parameter that a trace leaves out?"""

import pytest

from nnref.checking.watching.telling.report import settled
from tests.support.programs import fault_apart, seen

ARGUMENT = """\
import numpy as np
X, Y = np.random.randn(12, 3), np.random.randn(12, 2)
def train(W, decay, rate):
    for step in range(5):
        D = X @ W - Y
        loss = (D ** 2).sum() / 2 + (decay / 2 * W ** 2).sum()
        W = W - rate * (X.T @ D + decay * W)
train(np.random.randn(3, 2), DECAY, 0.01)
"""


@pytest.mark.parametrize("decay", ["0", "0.0", "0.5", "decay=0.5"])
def test_a_number_that_is_an_argument_is_written_out_and_no_parameter_that_was_left_out(decay, tmp_path):
    text = ARGUMENT.replace("DECAY, 0.01", f"{decay}, rate=0.01" if "=" in decay else f"{decay}, 0.01")
    found = seen(tmp_path, text)
    assert settled(found) is True
    assert fault_apart(found, tmp_path) == ""
