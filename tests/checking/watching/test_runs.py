"""One program run several times: how far the runs are one program, and which numbers are moved."""

import numpy as np
import pytest

from nnref.checking.watching import watch as watching
from nnref.checking.watching.meaning.targets import Understood
from nnref.checking.watching.runs import SATURATED, STILL, Several, aligned, beginnings, saturated, together
from nnref.checking.watching.telling.report import certificate, settled
from tests.support.programs import seen
from tests.support.recordings import STEP, recorded, roles_of


def of_value(tmp_path, value):
    """The roles of a step whose output has these values."""
    role, _ = roles_of(tmp_path, STEP)
    role.meetings[0].output.value = np.asarray(value)
    return role


@pytest.mark.parametrize(
    ("value", "is_it"),
    [
        ([[0.2, 0.8]], False), ([[0.0, 1.0]], True), ([[0.0, 0.3], [0.0, 0.95]], True), ([[0.0, 0.3]], False),
        ([[-1.0, 1.0]], False), ([[np.nan, 0.5]], True), ([[True, False]], False), ([[1.0, 2.0]], False),
    ],
)  # fmt: skip
def test_outputs_are_saturated_where_a_probability_is_exactly_0_or_1_or_no_number(tmp_path, value, is_it):
    assert saturated(of_value(tmp_path, value)) is is_it


def test_runs_are_one_program_as_far_as_they_do_the_same_on_the_same_lines(tmp_path):
    role, run = roles_of(tmp_path, STEP)
    other = recorded(tmp_path, STEP, ("db = d.sum(0)", "db = d.mean(0)"), seed=1)
    length = next(n.index for n in run.tape if "db" in n.names)
    assert [len(tape) for tape in aligned([run.tape, other.tape], role)] == [length, length]
    assert together([run.tape, other.tape], role) == [run.tape]
    same = recorded(tmp_path, STEP, seed=1)
    assert together([run.tape, same.tape], role) == [run.tape, same.tape]


def test_of_another_number_of_examples_only_what_depends_on_parameters_parts_the_runs(tmp_path):
    role, run = roles_of(tmp_path, STEP)
    fewer = recorded(tmp_path, STEP, ("6, 3", "5, 3"), ("6, 2", "5, 2"))
    (tape, _) = aligned([run.tape, fewer.tape], role)
    assert tape[-1].index + 1 == next(n.index for n in run.tape if n.op == "matmul")


def test_what_parameters_are_made_of_is_moved_and_sizes_and_data_are_not(tmp_path):
    text = STEP.replace("W, b =", "n, s = 3, 0.5\nW, b =").replace(
        "np.random.randn(3, 2)", "s * np.random.randn(n, 2) / n"
    )
    role, run = roles_of(tmp_path, text)
    moved = [run.recorder.leaves[k] for k in sorted(beginnings(role, STILL))]
    assert [(n.leaf, n.shape) for n in moved] == [("constant", ()), ("random", (3, 2)), ("random", (2,))]
    assert moved[0].value == 0.5


def test_another_run_takes_the_place_of_a_saturated_one_only_where_it_does_as_much(tmp_path):
    role, run = roles_of(tmp_path, STEP)
    role.meetings[0].output.value = np.array([[0.0, 1.0]])

    def several(*changes):
        again = []
        made = Several(lambda **how: again.append(how) or recorded(tmp_path, STEP, *changes), (run,), seen, {})
        made.settle()
        return made, again

    seen = Understood(role, [run.tape])
    made, again = several()
    assert made.notes == [SATURATED]
    assert made.runs[0] is not run
    assert again == [{"gentle": frozenset(u.base.index for u in role.updates)}]
    kept, _ = several(("W = W - 0.1 * dW", "pass"))
    assert kept.runs == (run,)
    assert kept.notes == []


def test_other_seeds_are_run_and_near_ones_where_the_program_goes_other_ways(tmp_path):
    role, run = roles_of(tmp_path, STEP)
    asked = []

    def again(**how):
        asked.append(how)
        other = () if "near" in how else (("db = d.sum(0)", "db = d.mean(0)"),)
        return recorded(tmp_path, STEP, *other, seed=how.get("seed", 0), near=how.get("near", 0), jitter=how["jitter"])

    made = Several(again, (run,), Understood(role, [run.tape]), {})
    assert len(made.others((1, 2))) == 3
    assert [how.get("seed", 0) for how in asked] == [1, 2, 0, 0]
    assert [how.get("near", 0) for how in asked] == [0, 0, 1, 2]
    assert len(made.notes) == 1


LOGISTIC = """\
import numpy as np
X, Y = np.random.randn(6, 3), (np.random.rand(6, 1) > 0.5).astype(float)
w = np.random.randn(3, 1)
for step in range(3):
    P = 1 / (1 + np.exp(-X @ w))
    loss = -np.mean(Y * np.log(P) + (1 - Y) * np.log(1 - P))
    w = w - 0.1 * X.T @ (P - Y) / 6
"""


@pytest.mark.parametrize(("rest", "is_it"), [(1e-3, False), (1e-6, False), (1e-9, True), (1e-13, True)])
def test_outputs_are_saturated_where_half_of_the_digits_of_1_minus_p_are_lost(tmp_path, rest, is_it):
    role, run = roles_of(tmp_path, LOGISTIC)
    left = next(n for n in run.tape if n.op == "subtract" and n.args[1] is role.meetings[0].output)
    left.value = np.array(left.value) * 0 + rest
    assert saturated(role) is is_it


WITHOUT_LOSS = """\
import numpy as np
X, Y = np.random.randn(6, 3), (np.random.rand(6, 2) > 0.5).astype(float)
W = np.random.randn(3, 2)
for step in range(3):
    {output}
    W = W - 0.1 * X.T @ (P - Y) / 6
"""


@pytest.mark.parametrize("rest", [1e-6, 1e-9])
@pytest.mark.parametrize("output", ["P = 1 / (1 + np.exp(-X @ W))", "E = np.exp(X @ W); P = E / E.sum(1)[:, None]"])
def test_outputs_are_so_too_where_only_a_loss_that_is_guessed_has_1_minus_p(tmp_path, output, rest):
    """A right network of wide layers, whose first outputs are nearly 1, was called wrong."""
    role, _ = roles_of(tmp_path, WITHOUT_LOSS.format(output=output))
    shown = role.meetings[0].output
    shown.value = np.array(shown.value)
    shown.value[0] = [1 - rest, rest if output.startswith("E") else 0.3]
    assert saturated(role) is (rest < 1e-8 and output.startswith("P"))


ONE_OUTPUT = """\
import numpy as np
X, y = np.abs(np.random.randn(8, 4)) + 1, [1, 0, 1, 1, 0, 1, 0, 1]
W, V = np.random.rand(4, 5) * 6, np.random.rand(5, 1) * 6
for step in range(3):
    for x, t in zip(X, y):
        h = np.maximum(0, x[None] @ W)
        p = 1 / (1 + np.exp(-(h @ V)))
        d = p - t
        e = d @ V.T * (h > 0)
        V = V - 0.01 * h.T @ d
        W = W - 0.01 * x[:, None] @ e
"""


def test_a_network_of_one_output_that_is_1_but_for_rounding_is_judged_with_smaller_weights(tmp_path):
    assert settled(seen(tmp_path, ONE_OUTPUT)) is True
    assert settled(seen(tmp_path, ONE_OUTPUT, ("* (h > 0)", "* h"))) is False


def test_a_run_whose_outputs_are_saturated_is_made_again_with_other_numbers(tmp_path):
    role, run = roles_of(tmp_path, STEP)
    asked = []

    def again(**how):
        asked.append(how["seed"])
        made = recorded(tmp_path, STEP, seed=how["seed"])
        if how["seed"] == 1:
            made.tape[role.meetings[0].output.index].value = np.array([[0.0, 1.0]])
        return made

    made = Several(again, (run,), Understood(role, [run.tape]), {})
    assert len(made.others((1, 2))) == 3
    assert asked == [1, 3, 2]


@pytest.mark.parametrize(("slow", "runs"), [(0.0, 2), (np.inf, 3)])
def test_of_a_slow_program_one_other_run_is_made_and_the_report_says_how_many(slow, runs, tmp_path, monkeypatch):
    monkeypatch.setattr(watching, "SLOW", slow)
    found = seen(tmp_path, STEP)
    assert len(found.tapes) == runs
    assert f"in {runs} runs" in certificate(found).method
