"""Labels that are the data are told from what goes in, and put on the tape as leaves of their own."""

import numpy as np
import pytest

from nnref.checking.watching.calculus.graph import Graph
from nnref.checking.watching.meaning.targets import compared, learnt, understood, with_labels
from nnref.checking.watching.telling.report import settled
from tests.support.programs import seen
from tests.support.recordings import STEP, first, graph, node, recorded

AUTOENCODER = """\
import numpy as np
X = np.random.rand(5, 4)
W, V = np.random.randn(4, 2), np.random.randn(2, 4)
for k in range(3):
    H = X @ W
    d = H @ V - X
    dV, dW = H.T @ d, X.T @ (d @ V.T)
    V = V - 0.1 * dV
    W = W - 0.1 * dW
"""


def test_what_is_learnt_is_what_takes_its_own_place(tmp_path):
    found, run = graph(tmp_path, AUTOENCODER)
    parameters, new = learnt(found)
    assert parameters == 1 << first(run, "W").index | 1 << first(run, "V").index
    assert [run.tape[k].site.line for k in range(len(run.tape)) if new >> k & 1][:2] == [8, 9]


def test_what_gets_another_name_is_not_learnt(tmp_path):
    found, run = graph(tmp_path, AUTOENCODER, ("W = W - 0.1 * dW", "U = W - 0.1 * dW"))
    assert learnt(found)[0] == 1 << first(run, "V").index


@pytest.mark.parametrize(
    ("text", "change", "lines"),
    [
        (AUTOENCODER, ("- X", "- X"), [6]),
        (AUTOENCODER, ("- X", "- X[:1]"), []),
        (AUTOENCODER, ("H @ V - X", "H @ V + X"), []),
        (STEP, ("Z - Y", "Z - Y"), []),
    ],
    ids=["a difference", "another size", "a sum", "other labels"],
)
def test_data_meet_what_was_made_of_them_in_a_difference_of_their_size(tmp_path, text, change, lines):
    found, run = graph(tmp_path, text, change)
    assert [run.tape[k].site.line for k in compared(found)][:1] == lines


def test_a_program_whose_labels_are_its_data_is_understood_and_its_values_stay_what_they_were(tmp_path):
    run = recorded(tmp_path, AUTOENCODER)
    found = understood([run.tape])
    assert {u.base.names[0] for u in found.role.updates} == {"W", "V"}
    (label,) = found.role.labels
    assert (label.leaf, label.names) == ("labels", ["X"])
    for k, place in found.places[0].items():
        assert found.tapes[0][place].value is run.tape[k].value
    assert len(found.tapes[0]) == len(run.tape) + 1


def test_a_program_with_labels_of_its_own_keeps_its_tape(tmp_path):
    run = recorded(tmp_path, STEP)
    found = understood([run.tape])
    assert (found.places, found.tapes[0], found.role.labels[0].names) == ([], run.tape, ["Y"])


def test_the_same_numbers_met_again_are_one_leaf_and_others_are_another(tmp_path):
    run = recorded(tmp_path, AUTOENCODER, ("    dV,", "    loss = ((H @ V - X.copy()) ** 2).sum()\n    dV,"))
    uses = compared(Graph(run.tape))
    assert len(uses) > 1
    tape, places, labels = with_labels(run.tape, uses)
    assert len(labels) == 1
    other = recorded(tmp_path, AUTOENCODER, ("    dV,", "    loss = ((H @ V - X / 2) ** 2).sum()\n    dV,"))
    assert len(with_labels(other.tape, compared(Graph(other.tape)))[2]) == 2
    assert all(m.index < n.index for n in tape for m in n.inputs)
    assert np.array_equal(tape[places[node(run, "d").index]].value, node(run, "d").value)


NEXT_OF_A_WAVE = """\
import numpy as np
U, W, B = np.random.randn(1, 4), np.random.randn(4, 4) * 0.4, np.random.randn(4)
V, c = np.random.randn(4, 1), np.random.randn(1)
start = np.random.rand(6)
for step in range(6):
    wave = np.sin(np.arange(start[step], start[step] + 3.9, 0.4))
    x, y = wave[:-1].reshape(-1, 1), wave[1:].reshape(-1, 1)
    h, states = np.zeros((1, 4)), np.zeros((len(x), 4))
    for t in range(len(x)):
        h = np.tanh(x[t] @ U + h @ W + B)
        states[t] = h
    p = states @ V + c
    loss = ((p - y) ** 2).mean()
    print(round(loss, 6))
    d = 2 * (p - y)
    dV, dc, dh, dx = states.T @ d, d.sum(0), d @ V.T, np.zeros_like(x)
    dz = dh[-1:] * (1 - states[-1:] ** 2)
    dx[-1:] = dz @ U.T
    dU, dW, dB = x[-1:].T @ dz, states[-2:-1].T @ dz, dz[0]
    for t in range(len(x) - 2, -1, -1):
        dz = (dh[t:t + 1] + dz @ W.T) * (1 - states[t:t + 1] ** 2)
        dx[t:t + 1] = dz @ U.T
        dU += x[t:t + 1].T @ dz
        dB += dz[0]
        if t:
            dW += states[t - 1:t].T @ dz
    U -= 0.01 * dU; W -= 0.01 * dW; B -= 0.01 * dB; V -= 0.01 * dV; c -= 0.01 * dc
"""


@pytest.mark.parametrize(("term", "right"), [(" + dz @ W.T", True), ("", False)])
def test_the_next_values_of_a_wave_are_labels_and_the_first_state_of_a_network_is_none(term, right, tmp_path):
    """A slope that is a view of another, and is added to, is no parameter that the program would learn besides."""
    found = seen(tmp_path, NEXT_OF_A_WAVE, (" + dz @ W.T", term))
    assert settled(found) is right
    verdicts = {row.update.base.names[0]: row.verdict == "ok" for row in found.reading.rows}
    assert verdicts == {"U": right, "W": right, "B": right, "V": True, "c": True}


SCALED_BY_SIZES = """\
import numpy as np
def layer(n, m):
    limit = np.sqrt(6 / (n + m))
    return np.random.rand(n, m) * 2 * limit - limit
X = np.random.rand(50, 6)
W, b, V, c = layer(6, 4), np.zeros(4), layer(4, 6), np.zeros(6)
for i in range(5):
    h = np.maximum(0, X @ W + b)
    d = 2 * (h @ V + c - X) / len(X)
    dV, dc = h.T @ d, d.sum(0)
    dh = d @ V.T * (h > 0)
    dW, db = X.T @ dh, dh.sum(0)
    for p, g in ((V, dV), (c, dc), (W, dW), (b, db)):
        p -= 0.1 * g
"""


@pytest.mark.parametrize(("slope", "right"), [("dV, dc = h.T @ d,", True), ("dV, dc = h.T @ d * h.mean(),", False)])
def test_a_number_by_which_weights_are_scaled_is_no_label(slope, right, tmp_path):
    """The layers that are drawn with it would depend on that label, and no verdict would be about them."""
    found = seen(tmp_path, SCALED_BY_SIZES, ("dV, dc = h.T @ d,", slope))
    assert settled(found) is right
    verdicts = {row.update.base.names[-1]: row.verdict == "ok" for row in found.reading.rows}
    assert {k: v for k, v in verdicts.items() if k != "p"} in ({}, {"V": right, "c": True, "W": True, "b": True})
    assert len(found.reading.rows) == 4
