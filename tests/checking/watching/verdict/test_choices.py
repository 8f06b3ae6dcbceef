"""Which slopes are tried where more than one may be meant."""

import pytest

from nnref.checking.watching.meaning.losses import losses
from nnref.checking.watching.telling.report import settled
from nnref.checking.watching.verdict.choices import choices, is_shift
from tests.support.programs import seen
from tests.support.recordings import roles_of

SOFTMAX = """\
import numpy as np
X, Y = np.random.randn(12, 4), np.eye(3)[np.arange(12) % 3]
W = np.random.randn(4, 3)
for step in range(4):
    scores = X @ W
    scores = scores - scores.max(axis=1, keepdims=True)
    P = np.exp(scores)
    P = P / P.sum(axis=1, keepdims=True)
    loss = -np.sum(Y * np.log(P)) / 12
    W = W - 0.1 * X.T @ (P - Y) / 12
"""


def tried(tmp_path, text):
    """The choices for a program."""
    role, run = roles_of(tmp_path, text)
    return list(choices(role, [run.tape], losses(role, [run.tape]))), role


def test_the_largest_score_that_is_only_subtracted_from_the_scores_is_no_target(tmp_path):
    """Along the other axis the shift changes the probabilities, and its slope belongs to the gradient."""
    found, role = tried(tmp_path, SOFTMAX)
    assert not any(choice.held for choice in found)
    assert all(is_shift(role, n) for n in role.graph.tape if n.op == "max")
    assert settled(seen(tmp_path, SOFTMAX)) is True
    assert settled(seen(tmp_path, SOFTMAX, ("max(axis=1", "max(axis=0"))) is False


@pytest.mark.parametrize(("line", "ties"), [("np.maximum(X @ W, 0)", False), ("np.maximum(X @ W * 0.0, 0)", True)])
def test_ties_have_three_slopes(tmp_path, line, ties):
    found, _ = tried(tmp_path, SOFTMAX.replace("scores = X @ W\n", f"scores = {line} + X @ W\n"))
    assert len({choice.tie for choice in found}) == (3 if ties else 1)


def test_a_guard_within_a_logarithm_may_have_a_slope_or_not(tmp_path):
    assert not any(choice.guards for choice in tried(tmp_path, SOFTMAX)[0])
    assert any(choice.guards for choice in tried(tmp_path, SOFTMAX.replace("log(P)", "log(P + 1e-9)"))[0])
