"""The verdict on each parameter: one multiple, in every run, of the slope; and all of them beside one another."""

from dataclasses import replace

import numpy as np
import pytest

from nnref.checking.watching.meaning.later_steps import next_step
from nnref.checking.watching.meaning.updates import Update
from nnref.checking.watching.recording.tape import Node, Site
from nnref.checking.watching.telling.report import certificate, settled
from nnref.checking.watching.verdict import judging
from nnref.checking.watching.verdict.verdicts import Judged
from tests.support.programs import seen
from tests.support.recordings import STEP, first, judged, roles_of


def update(shape=(3,), new=True):
    """An update of a parameter of that shape, or one that is only returned."""
    node = Node(0, "leaf", None, (), {}, np.zeros(shape), Site("", 1, 0, ""), leaf="random", dims=shape)
    return Update(node, node, node if new else None, 1)


def of_factor(factor, size=3, new=True, verdict="ok", **more):
    """A verdict on a gradient that is a factor times the truth."""
    truth = np.arange(1.0, size + 1)
    return Judged(update((size,), new), verdict, ((factor or 0) * truth,), (truth,), factor=factor, **more)


@pytest.mark.parametrize(
    ("row", "factor", "alone", "verdict", "says"),
    [
        (of_factor(0.1), 0.1, False, "ok", ""),
        (of_factor(0.3), 0.1, False, "WRONG", "3 times the truth, beside the others"),
        (of_factor(-0.1), -0.1, False, "WRONG", "goes up the loss"),
        (of_factor(-0.1, new=False), -0.1, False, "cannot tell", "likelihood"),
        (of_factor(0.3, size=1), 0.1, False, "cannot tell", "one number"),
        (of_factor(0.1, size=1), 0.1, True, "cannot tell", "one number"),
        (of_factor(0.1, size=1), 0.1, False, "ok", ""),
        (of_factor(0.2, rate=2.0), 0.1, False, "ok", ""),
        (of_factor(None, verdict="WRONG"), 0.1, False, "WRONG", ""),
    ],
)
def test_a_row_is_judged_beside_the_factor_of_the_others(row, factor, alone, verdict, says):
    found = judging.beside(row, factor, alone)
    assert found.verdict == verdict
    assert says in found.note


def test_a_step_of_another_shape_is_laid_over_the_parameter_as_numpy_does():
    given = Judged(update((3, 1)), "WRONG", (np.arange(3.0),), (np.ones((3, 1)),))
    assert judging.fitted(given, (3, 1)).given[0].shape == (3, 1)
    spread = judging.fitted(replace(given, given=(np.array(2.0),)), (3, 1))
    assert spread.given[0].tolist() == [[2], [2], [2]]
    assert spread.note == "shape () for (3, 1)"
    wide = judging.fitted(replace(given, given=(np.ones((3, 4)),)), (3, 1))
    assert wide.given[0].shape == (3, 4)
    assert not judging.compatible((3, 4), (2, 1))


def rows_of(tmp_path, *changes):
    """The verdicts on the first step of a program."""
    return judged(tmp_path, STEP, *changes)[2]


@pytest.mark.parametrize(
    ("change", "verdicts"),
    [
        (("X.T @ d", "X.T @ d"), ["ok", "ok"]),
        (("X.T @ d", "X.T @ (d * d)"), ["WRONG", "ok"]),
        (("X.T @ d", "2 * (X.T @ d)"), ["WRONG", "ok"]),
        (("X.T @ d", "(2 * X.T) @ d"), ["WRONG", "WRONG"]),
        (("X.T @ d", "X.T @ d + 0.01 * W"), ["ok", "ok"]),
        (("X.T @ d", "X.T @ d - 0.01 * W"), ["WRONG", "ok"]),
        (("d.sum(0)", "np.zeros(2) * d.sum()"), ["ok", "WRONG"]),
        (("d.sum(0)", "np.log(-abs(d)).sum(0)"), ["ok", "WRONG"]),
    ],
    ids=[
        "right",
        "another function",
        "twice",
        "twice, or the other half",
        "decay",
        "decay that grows",
        "nothing",
        "no number",
    ],
)
def test_a_step_is_right_where_it_is_one_multiple_of_the_slope(tmp_path, change, verdicts):
    assert [r.verdict for r in rows_of(tmp_path, change).rows] == verdicts


def test_slopes_of_minus_the_loss_go_uphill(tmp_path):
    up = rows_of(tmp_path, ("W - 0.1", "W + 0.1"), ("b - 0.1", "b + 0.1"))
    assert [r.verdict for r in up.rows] == ["WRONG", "WRONG"]
    assert judging.uphill(up)
    assert not judging.uphill(rows_of(tmp_path))


def test_gradients_that_are_never_set_to_zero_are_called_that(tmp_path):
    text = STEP.replace("for step", "G = np.zeros((3, 2))\nfor step")
    role, tapes, _ = judged(tmp_path, text, ("dW = X.T @ d", "G += X.T @ d; dW = G * 1.0"))
    after = judging.judge(next_step(role), tapes, role)[0]
    assert [r.kind for r in after.rows if r.update.old.shape == (3, 2)] == ["adds up"]


def test_the_terms_of_a_decay_are_made_of_parameters_alone(tmp_path):
    text = STEP.replace("    dW = X.T", "    loss = (d * d).sum() + 0.1 * (W ** 2).sum()\n    dW = X.T")
    role, run = roles_of(tmp_path, text)
    (term,) = judging.terms_of_decay(role, first(run, "loss"))
    assert (term.op, term.site.line, term.shape) == ("multiply", 7, ())
    plain, of_it = roles_of(tmp_path, text, (" + 0.1 * (W ** 2).sum()", ""))
    assert judging.terms_of_decay(plain, first(of_it, "loss")) == []


def test_parameters_of_two_outputs_that_share_none_are_two_networks(tmp_path):
    role, _ = roles_of(tmp_path, STEP)
    rows = [Judged(u, "ok", (), ()) for u in role.updates]
    assert judging.networks(role, rows) == [[0, 1]]


ROWS_ADDED = """\
import numpy as np
words = np.random.RandomState(3).randint(0, 12, 90)
E, W = np.random.randn(12, 5) * 0.3, np.random.randn(5, 12) * 0.3
for step in range(9):
    x, y = words[step * 9:step * 9 + 8], words[step * 9 + 1:step * 9 + 9]
    H = E[x]
    S = H @ W
    P = np.exp(S - S.max(axis=1, keepdims=True))
    P = P / P.sum(axis=1, keepdims=True)
    P[np.arange(8), y] -= 1
    D = P / 8
    B = D @ W.T
    W -= 0.1 * H.T @ D
    np.add.at(E, x, -0.1 * B)
"""
ONE_BY_ONE = (
    "    np.add.at(E, x, -0.1 * B)\n",
    "    for k in range(8):\n        np.add.at(E, x[k:k + 1], -0.1 * B[k])\n",
)


def test_rows_that_are_added_to_example_by_example_are_not_judged_by_the_first(tmp_path):
    assert settled(seen(tmp_path, ROWS_ADDED)) is True
    found = seen(tmp_path, ROWS_ADDED, ONE_BY_ONE)
    assert settled(found) is None
    assert "one example after the other" in str(certificate(found))


def test_the_own_loss_is_meant_where_a_guess_fits_no_more_of_what_is_wrong(tmp_path):
    """With 1e4 times the slope beside the decay, a loss without the decay takes the decay as it comes."""
    text = """\
import numpy as np
X = np.random.randn(100, 3)
y = (X @ np.array([1.0, -2.0, 0.5]) > 0.2).astype(float)
w, b = np.zeros(3), 0.0
for step in range(5):
    p = 1 / (1 + np.exp(-(X @ w + b)))
    loss = -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p)) + 0.1 / 200 * np.sum(w ** 2)
    dw = X.T @ (p - y) * 100 + 0.1 / 100 * w
    db = np.sum(p - y) / 100
    w = w - 0.1 * dw
    b = b - 0.1 * db
"""
    assert settled(seen(tmp_path, text, ("* 100 +", "/ 100 +"))) is True
    assert certificate(seen(tmp_path, text), mend=False).first.place.startswith("line 8:")


DECAYS = """\
import numpy as np
X, Y = np.random.randn(40, 4), np.eye(3)[np.random.randint(0, 3, 40)]
W, V = np.random.randn(4, 6) * 0.5, np.random.randn(6, 3) * 0.5
for k in range(5):
    h = np.tanh(X @ W)
    q = np.exp(h @ V)
    q = q / q.sum(1, keepdims=True)
    loss = -np.sum(Y * np.log(q)) / 40 + 0.05 * (np.sum(W * W) + np.sum(V * V))
    d = (q - Y) / 40
    dV = h.T @ d + 0.1 * V
    dW = X.T @ (d @ V.T * (1 - h ** 2)) + 0.1 * W
    W -= 0.5 * dW
    V -= 0.5 * dV
"""


def test_one_right_decay_says_which_loss_is_meant(tmp_path):
    """Of the cross-entropy alone all would be right, with two decays."""
    assert settled(seen(tmp_path, DECAYS)) is True
    wrong = certificate(seen(tmp_path, DECAYS, ("+ 0.1 * V", "+ 0.7 * V")), mend=False)
    assert [e.verdict for e in wrong.entries] == ["ok", "WRONG"]
    assert wrong.first.place.startswith("line 10:")


def test_a_wrong_slope_beside_a_right_decay_is_named_where_its_factor_comes_in(tmp_path):
    wrong = certificate(seen(tmp_path, DECAYS, ("d = (q - Y)", "d = 2 * (q - Y)")), mend=False)
    assert wrong.first.place.startswith("line 9:")


SKIPGRAM = """\
import numpy as np
V, words = np.random.randn(20, 8) * 0.1, np.random.randint(0, 20, 200)
U = np.random.randn(20, 8) * 0.1
for i in range(2, 100):
    near, far = words[i + 1 : i + 4], np.random.randint(0, 20, 6)
    h = U[words[i]]
    p, q = 1 / (1 + np.exp(-V[near] @ h)), 1 / (1 + np.exp(V[far] @ h))
    reward = np.sum(np.log(p)) + np.sum(np.log(q))
    np.add.at(V, near, 0.1 * np.outer(1 - p, h))
    np.add.at(V, far, -0.1 * np.outer(1 - q, h))
"""


def test_the_logarithm_of_probabilities_is_to_grow(tmp_path):
    assert settled(seen(tmp_path, SKIPGRAM)) is True
    assert settled(seen(tmp_path, SKIPGRAM, ("far, -0.1", "far, 0.1"))) is False
    assert "loss: minus your own reward" in certificate(seen(tmp_path, SKIPGRAM)).reading


def test_what_goes_up_the_cross_entropy_is_wrong(tmp_path):
    minus = [("reward = np.sum", "reward = -np.sum"), ("+ np.sum(np.log(q))", "- np.sum(np.log(q))")]
    assert settled(seen(tmp_path, SKIPGRAM, *minus)) is True
    uphill = [("near, 0.1", "near, -0.1"), ("far, -0.1", "far, 0.1")]
    assert settled(seen(tmp_path, SKIPGRAM, *minus, *uphill)) is False
