"""Labels, parameters and outputs of one step, told by what depends on what."""

from nnref.checking.watching.meaning.later_steps import next_step
from nnref.checking.watching.meaning.parameters import Meeting, are_learnt, compares, step
from nnref.checking.watching.recording.tape import Node
from tests.support.programs import MIXTURE
from tests.support.recordings import STEP, first, graph, node, roles_of


def names(role):
    """What the program calls its parameters."""
    return [update.base.names[0] for update in role.updates]


def test_the_first_step_has_its_labels_parameters_and_output(tmp_path):
    role, run = roles_of(tmp_path, STEP)
    assert [n.names for n in role.labels] == [["Y"]]
    assert names(role) == ["W", "b"]
    (meeting,) = role.meetings
    assert (meeting.output, meeting.labels) == (first(run, "Z"), first(run, "Y"))
    assert role.last == role.updates[1].new.index
    assert role.parameters == 1 << first(run, "W").index | 1 << first(run, "b").index
    assert role.into_updates & 1 << first(run, "Z").index
    assert next(n.op for n in run.tape if role.after[n.index]) == "subtract"


def test_the_next_step_begins_from_what_the_first_one_made(tmp_path):
    role, _ = roles_of(tmp_path, STEP)
    after = next_step(role)
    assert [u.base for u in after.updates] == [u.new for u in role.updates]
    last = next_step(after)
    assert (last.begin, next_step(last)) == (after.last, None)


def test_nothing_is_updated_where_the_labels_go_into_no_step(tmp_path):
    role, _ = roles_of(tmp_path, STEP, ("d = (Z - Y) / 6", "d = Z / 6"))
    assert role is None or "Y" not in role.labels[0].names


def test_data_that_meet_a_mean_are_those_of_a_density(tmp_path):
    role, _ = roles_of(tmp_path, MIXTURE)
    assert set(names(role)) == {"mu", "ls", "lw"}


def test_a_bias_that_is_added_is_no_comparison_and_a_difference_is(tmp_path):
    role, run = roles_of(tmp_path, STEP)
    assert [compares(m) for m in role.meetings] == [True]
    Z, b, dW = (first(run, name) for name in ("Z", "b", "dW"))
    assert not compares(Meeting(Z.args[0], b, Z))
    rate, step = Node(0, "leaf", None, (), {}, 0.1, Z.site), role.updates[0].step
    assert not compares(Meeting(dW, rate, step))
    assert compares(Meeting(dW, Z, step))


HINGE = """\
import numpy as np
X, y = np.random.randn(2, 3), np.array([1.0, -1.0])
w, b = np.random.randn(3), np.array([0.1])
for i in (0, 1):
    margin = y[i] * (w @ X[i] + b)
    loss = 0.1 * (w @ w) + np.maximum(0, 1 - margin).sum()
    dw = 0.2 * w - y[i] * X[i]
    db = -y[i] * np.ones(1)
    w = w - 0.1 * dw
    b = b - 0.1 * db
"""


def test_a_bias_whose_step_is_made_of_labels_alone_is_a_parameter_too(tmp_path):
    role, _ = roles_of(tmp_path, HINGE)
    assert sorted(names(role)) == ["b", "w"]
    counted, run = roles_of(tmp_path, HINGE, ("b = b - 0.1 * db", "c = b - 0.1 * db"))
    assert names(counted) == ["w"], node(run, "c")


SHIFTED = """\
import random
inputs, targets = [[0.5, -1.0], [1.5, 0.5], [-0.5, 2.0]], [1, 0, 1]
hidden = [[random.random() - 0.5 for _ in range(2)] for _ in range(2)]
output = [random.random() - 0.5 for _ in range(2)]
for epoch in range(3):
    h = [[max(0, sum(w * x for w, x in zip(row, inp))) for row in hidden] for inp in inputs]
    p = [sum(w * a for w, a in zip(output, act)) for act in h]
    d = [a - t for a, t in zip(p, targets)]
    back = [[e * w * (a > 0) for w, a in zip(output, act)] for e, act in zip(d, h)]
    for j in range(2):
        output[j] -= 0.1 * sum(e * act[j] for e, act in zip(d, h))
        for k in range(2):
            hidden[j][k] -= 0.1 * sum(b[j] * inp[k] for b, inp in zip(back, inputs))
"""


def test_weights_that_are_shifted_where_they_are_drawn_are_learnt_and_no_labels(tmp_path):
    """Nobody knows the labels here, which are whole numbers in a list."""
    found, run = graph(tmp_path, SHIFTED)
    drawn = [n for n in run.tape if n.leaf == "random"]
    as_labels = [(leaf, step(found, (leaf,))) for leaf in drawn]
    likely = [(leaf, role) for leaf, role in as_labels if role is not None and role.compared]
    assert likely
    assert all(are_learnt(found, (leaf,), role) for leaf, role in likely)
