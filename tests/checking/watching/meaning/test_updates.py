"""What a program replaces by itself plus or minus something, and whether it goes on with the new value."""

from functools import partial

import pytest

from nnref.checking.watching.meaning import updates
from nnref.checking.watching.meaning.updates import replaceable
from nnref.checking.watching.telling.report import certificate, settled
from tests.support.programs import seen
from tests.support.recordings import STEP, first, graph, node


def found_in(tmp_path, text, *changes):
    """The first replacements of a program, by the names of the old and the new value; and the graph."""
    found, run = graph(tmp_path, text, *changes)
    named = {}
    for update in replaceable(found):
        named.setdefault((*update.base.names[:1], *update.end.names[:1]), update)
    return named, found, run


VALUES = """\
import numpy as np
x, w, v = np.ones(3), np.random.randn(3), np.zeros(3)
for k in range(3):
    p = w * x
    g = p + w
    v = 0.9 * v + g
    w = w - 0.1 * v
"""


@pytest.mark.parametrize(("change", "sign"), [(("w - 0.1", "w - 0.1"), 1), (("w - 0.1", "w + 0.1"), -1)])
def test_a_replacement_has_its_sign_and_its_step(tmp_path, change, sign):
    named, _, run = found_in(tmp_path, VALUES, change)
    update = named["w", "w"]
    assert (update.old, update.sign, update.step.op) == (first(run, "w"), sign, "multiply")
    assert update.new.names == ["w"]


def test_a_slope_with_its_decay_is_a_part_of_the_step_and_no_parameter(tmp_path):
    named, found, _ = found_in(tmp_path, VALUES)
    part, whole = named["w", "g"], named["w", "w"]
    assert updates.superseded(found, part, [part, whole])
    assert not updates.superseded(found, whole, [whole, part])
    assert updates.without_parts(found, [part, whole]) == [whole]


def test_what_another_is_moved_by_is_a_velocity_and_no_parameter(tmp_path):
    text = VALUES.replace("v = 0.9 * v + g", "v = v + 0.1 * (g - v)")
    named, found, _ = found_in(tmp_path, text)
    velocity, parameter = named["v", "v"], named["w", "w"]
    assert updates.velocities(found, [velocity, parameter]) == {velocity}
    assert updates.is_velocity(found, velocity, parameter)
    assert not updates.is_velocity(found, parameter, velocity)


def test_a_program_goes_on_with_a_new_value_where_it_computes_the_same_with_it(tmp_path):
    named, found, _ = found_in(tmp_path, VALUES)
    assert updates.goes_on(found, named["w", "w"])
    assert updates.takes_its_place(found, named["w", "w"])
    other, beside, _ = found_in(tmp_path, VALUES, ("w = w - 0.1 * v", "u = w - 0.1 * v"))
    assert not updates.goes_on(beside, other["w", "u"])
    assert updates.takes_its_place(beside, other["w", "u"]) is None  # w is used on


def test_the_first_part_of_a_longer_sum_is_used_up(tmp_path):
    _, found, run = found_in(tmp_path, VALUES, ("w = w - 0.1 * v", "u = w - 0.1 * v + x"))
    part = next(u for u in replaceable(found) if u.base is first(run, "w") and u.sign == 1)
    assert updates.used_up(found, part)
    assert updates.takes_its_place(found, part) is False
    plain, beside, _ = found_in(tmp_path, VALUES)
    assert not updates.used_up(beside, plain["w", "w"])


def test_an_average_of_old_and_new_parameters_is_no_parameter(tmp_path):
    """As of weights that are kept beside those that are learnt."""
    text = VALUES.replace("    w = w - 0.1 * v", "    n = w - 0.1 * v\n    a = w + 0.5 * (n - w)\n    w = n")
    named, found, _ = found_in(tmp_path, text)
    new, average = named["w", "n"], named["w", "a"]
    onward = partial(updates.goes_on, found)
    assert updates.without_averages(found, [new, average], onward) == [new]
    assert updates.without_averages(found, [new, average], lambda update: False) == [new, average]


def test_a_step_is_a_number_times_its_gradient_and_what_it_makes_is_kept(tmp_path):
    found, run = graph(tmp_path, STEP)
    of_w = [u for u in replaceable(found) if u.end.names == ["W"]]
    assert updates.is_kept(found, of_w[0])
    assert updates.times(of_w[0].step, first(run, "dW"))
    assert not updates.times(of_w[0].step, node(run, "db"))


def test_a_part_of_a_parameter_is_another_than_the_whole_and_a_copy_is_not(tmp_path):
    text = "import numpy as np\nw = np.random.randn(4)\na = w[:2] + 1\nb = w[2:] + 1\nc = w.copy() + 1\n"
    _, run = graph(tmp_path, text)
    keys = [updates.key_of_parameter(node(run, name).args[0]) for name in "abc"]
    assert len(set(keys)) == 3
    assert keys[2] == updates.key_of_parameter(node(run, "w"))
    assert {key[0] for key in keys} == {node(run, "w").index}


@pytest.mark.parametrize(
    ("name", "last"), [("self.W1", "W1"), ("params['W1']", "W1"), ("W", "W"), ("Ws[0]", "[0]"), ("a.b.c", "c")]
)
def test_the_last_part_of_a_name_is_what_it_is_called(name, last):
    assert updates.last_part(name) == last


def test_a_parameter_is_shown_by_its_name_without_self(tmp_path):
    _, run = graph(tmp_path, "import numpy as np\nclass A: pass\nself = A()\nself.W = w = np.ones(2)\n")
    (value,) = run.tape
    assert updates.parameter_name(value) == "W"
    value.names = []
    assert updates.parameter_name(value) == "line 4"
    assert updates.parameter_name(value, otherwise="bias") == "bias"


CANVAS = """\
import numpy as np
rows, high = np.floor(np.sqrt(36.0)), np.array(64.0) / 8
pad = 1
canvas = np.ones((int(pad + rows * (high + pad)), 3))
"""


def test_a_number_that_is_written_out_and_added_without_a_name_is_no_parameter(tmp_path):
    """The size of a picture is made of it, and the sum is nowhere kept."""
    _, found, run = found_in(tmp_path, CANVAS)
    made = [u for u in replaceable(found) if u.base is first(run, "pad")]
    assert made
    assert not any(updates.takes_its_place(found, u) for u in made)


ROWS_WITH_A_COLUMN = """\
import numpy as np
X, y = np.random.randn(20, 3), np.random.randn(20, 1)
w, b = np.random.randn(3), 0.0
for i in range(20):
    p = w @ X[i] + b
    d = p - y[i]
    w = w - 0.1 * d * X[i]
    b = b - 0.1 * d
"""


@pytest.mark.parametrize(("new", "right"), [("0.1 * d\n", True), ("0.1 * d * p\n", False)])
def test_a_number_that_becomes_an_array_of_one_entry_is_a_parameter(new, right, tmp_path):
    """Labels in a column are arrays of one entry, row by row; what is compared with them is a number."""
    found = seen(tmp_path, ROWS_WITH_A_COLUMN, ("0.1 * d\n", new))
    assert {row.update.base.names[0] for row in found.reading.rows} == {"w", "b"}
    assert settled(found) is right


SPREAD = """\
import numpy as np
X, Y = np.random.randn(4, 30), np.random.randint(0, 2, (1, 30))
params = {"W": np.random.randn(1, 4), "b": np.zeros((1, 1))}
for k in range(4):
    A = 1 / (1 + np.exp(-(params["W"] @ X + params["b"])))
    cost = -np.mean(Y * np.log(A) + (1 - Y) * np.log(1 - A))
    dZ = A - Y
    dW = dZ @ X.T / 30
    db = np.sum(dZ, axis=1, keepdims=True) / 30
    params["W"] = params["W"] - 0.1 * dW
    params["b"] = params["b"] - 0.1 * db
"""


def test_a_step_of_another_shape_that_spreads_the_parameter_is_a_wrong_update_of_it(tmp_path):
    """With a bias for each example the program goes on, and was called right."""
    assert settled(seen(tmp_path, SPREAD)) is True
    found = certificate(seen(tmp_path, SPREAD, ("axis=1", "axis=0")), mend=False)
    assert found.first.place.startswith("line 9:")
    assert [e.where[0].says for e in found.entries if e.verdict == "WRONG"] == ["shape (1, 30) for (1, 1)"]


CLIPPED = """\
import numpy as np
X, Y = np.random.randn(20, 4), np.random.randn(20, 2)
P = {"W": np.random.randn(4, 3) * 0.3, "V": np.random.randn(3, 2) * 0.3}
for k in range(5):
    H = np.tanh(X @ P["W"])
    D = (H @ P["V"] - Y) / 20
    loss = (D * D).sum() * 10
    grads = {"V": H.T @ D, "W": X.T @ (D @ P["V"].T * (1 - H * H))}
    for name, w in P.items():
        np.clip(w, -1, 1, out=w)
        w -= 0.1 * grads[name]
"""


def test_weights_that_are_clipped_between_their_gradient_and_their_update_are_updated(tmp_path):
    found = seen(tmp_path, CLIPPED)
    assert settled(found) is True
    assert len(found.rows) == 2
    wrong = seen(tmp_path, CLIPPED, ("(1 - H * H)", "(1 - H)"))
    assert settled(wrong) is False
    assert certificate(wrong, mend=False).first.place.startswith("line 8:")


def test_the_last_uses_of_a_value_are_those_of_its_uses(tmp_path):
    found, run = graph(tmp_path, VALUES)
    for value in run.tape:
        every = list(updates.uses(found, value))
        assert updates.last_uses(found, value) == {
            n.site: max(m.index for m in every if m.site == n.site) for n in every
        }
