"""Is a small number within a logarithm left out, also where the probability is smaller than its last digit?"""

import numpy as np

from nnref.checking.watching.calculus.guards import guard, unguarded
from nnref.checking.watching.telling.report import certificate, settled
from tests.support.programs import seen
from tests.support.recordings import roles_of

LOSS = """\
import numpy as np
X, Y = np.random.rand(8, 3) + 1, np.eye(3)[np.arange(8) % 3]
W = np.random.randn(3, 3) * 0.3 - np.array([0.0, 0.0, 8.0])
for step in range(3):
    z = X @ W
    e = np.exp(z - z.max(1, keepdims=True))
    p = e / e.sum(1, keepdims=True)
    loss = -(Y * np.log(p + 1e-7)).sum()
    W = W - 0.01 * X.T @ (p - Y)
"""


def test_of_a_probability_below_the_last_digit_of_its_guard_the_slope_is_right(tmp_path):
    """The probabilities of the last class are about 1e-16: p + 1e-7 - 1e-7 is then 0, and p is not."""
    found = seen(tmp_path, LOSS)
    assert settled(found) is True, certificate(found)


def test_what_a_guard_is_added_to_is_taken_as_it_is(tmp_path):
    role, _ = roles_of(tmp_path, LOSS)
    argument = next(n.args[0] for n in role.graph.tape if n.op == "log")
    assert guard(argument) == 1e-7
    assert guard(argument.args[0]) == 0.0
    assert np.array_equal(unguarded(argument, np.asarray(argument.value)), argument.args[0].value)
    assert np.array_equal(unguarded(argument.args[0], np.ones(2)), np.ones(2))
