"""What a right value says nothing of: a part that cancels in it, or that is multiplied by 0."""

from nnref.checking.watching.telling.report import certificate
from nnref.checking.watching.verdict.excused import first_of
from nnref.checking.watching.verdict.unseen import cancels, unseen_by
from tests.checking.watching.verdict.test_excused import NORMED
from tests.support.programs import seen
from tests.support.recordings import searched

PHRASES = """\
import numpy as np
words = np.eye(5)
phrases, labels = [[0, 3], [2, 4], [1, 4]], np.array([1.0, 0.0, 1.0])
W, U, V = np.random.randn(6, 5) * 0.3, np.random.randn(6, 6) * 0.3, np.random.randn(6) * 0.3
for k in range(9):
    states, said = [np.zeros(6)], [words[w] for w in phrases[k % 3]]
    for x in said:
        states.append(np.tanh(W @ x + U @ states[-1]))
    p = 1 / (1 + np.exp(-V @ states[-1]))
    loss = -(labels[k % 3] * np.log(p) + (1 - labels[k % 3]) * np.log(1 - p))
    dW, dU = np.zeros_like(W), np.zeros_like(U)
    d = p - labels[k % 3]
    dV = d * states[-1]
    dh = d * V
    for t in (1, 0):
        dz = dh * (1 - states[t + 1] ** 2)
        dU += np.outer(dz, states[t])
        dW += np.outer(dz, said[t])
        dh = U.T @ dz
    W -= 0.1 * dW; U -= 0.1 * dU; V -= 0.1 * dV
"""


def test_what_a_right_value_would_be_without_is_not_seen_by_it(tmp_path):
    of_it, named = searched(tmp_path, NORMED, ("/ (s * s)", "* (s * s)"))
    sums = [n for n in of_it.graph.tape if n.op == "sum" and "dm" in n.names]
    left = unseen_by(of_it.role, of_it.tapes, sums[0], of_it.beyond_doubt, of_it.reading.choice)
    assert left >> named["dv"].index & 1
    assert not left >> named["dn"].index & 1
    (wrong,) = [row for row in of_it.reading.rows if row.verdict == "WRONG"]
    assert first_of(of_it, wrong.update.step).site.line == 18


def test_a_value_whose_terms_cancel_does_not_count(tmp_path):
    of_it, named = searched(tmp_path, NORMED)
    value = named["c"]
    assert cancels(value, value.value * 0 + 1, of_it.tolerance)
    assert not cancels(value, value.value, of_it.tolerance)


def test_a_right_gradient_excuses_nothing_that_is_multiplied_by_0_in_it(tmp_path):
    """The first state is 0, so that dU is right after two words whatever dh was before them."""
    wrong = certificate(seen(tmp_path, PHRASES, ("U.T @ dz", "U @ dz")), mend=False)
    assert wrong.first.place.startswith("line 19:")
