"""Which updates of later steps are of the same parameter, though one line updates many."""

import pytest

from nnref.checking.watching.meaning.later_steps import next_step
from nnref.checking.watching.telling.report import settled
from nnref.checking.watching.verdict.lineages import before, lineages, place_of_update
from tests.support.programs import seen
from tests.support.recordings import STEP, roles_of

IN_A_LIST = """\
import numpy as np
X, Y = np.random.randn(6, 3), np.random.randn(6, 3)
Ws = [np.random.randn(3, 3), np.random.randn(3, 3)]
for step in range(3):
    H = X @ Ws[0]
    d = H @ Ws[1] - Y
    for k, g in enumerate((X.T @ (d @ Ws[1].T), H.T @ d)):
        Ws[k] = Ws[k] - 0.1 * g
"""


@pytest.mark.parametrize(
    "text",
    [
        STEP,
        STEP.replace("W = W - 0.1 * dW", "W[:] = W - 0.1 * dW"),
        STEP.replace("W = W - 0.1 * dW", "np.copyto(W, W - 0.1 * dW)"),
        IN_A_LIST,
        IN_A_LIST.replace("Ws[k] =", "Ws[k][:] ="),
        IN_A_LIST.replace("randn(3, 3), np", "randn(3, 4), np")
        .replace("randn(3, 3)]", "randn(4, 3)]")
        .replace("Ws[k] - 0.1 * g", "np.clip(Ws[k] - 0.1 * g, -9, 9)"),
    ],
    ids=["by name", "in place", "copied", "one line for two", "one line, in place", "one line, clipped, two shapes"],
)
def test_each_update_of_a_later_step_is_of_the_parameter_that_the_one_before_made(tmp_path, text):
    role, _ = roles_of(tmp_path, text)
    steps = [role, next_step(role)]
    found = lineages([step.updates for step in steps])
    parts = [[found[u] for u in step.updates] for step in steps]
    assert len(set(parts[0])) == 2
    assert parts[0] == parts[1]


def test_what_was_clipped_is_told_by_its_line_where_that_updates_one_parameter(tmp_path):
    role, _ = roles_of(tmp_path, STEP, ("W = W - 0.1 * dW", "W = W - 0.1 * dW\n    W = np.clip(W, -9, 9)"))
    steps = [role, next_step(role)]
    found = lineages([step.updates for step in steps])
    assert [len({found[u] for u in step.updates}) for step in steps] == [2, 2]
    assert {found[u] for u in steps[0].updates} == {found[u] for u in steps[1].updates}


def test_a_place_is_a_line_and_a_shape(tmp_path):
    role, _ = roles_of(tmp_path, STEP)
    W, b = role.updates
    assert place_of_update(W) != place_of_update(b)
    assert place_of_update(W) == place_of_update(next_step(role).updates[0])
    assert list(before(W.base)) == [W.base]


KEPT = {
    "by name": "W = W - 0.1 * dW",
    "in place": "W[:] = W - 0.1 * dW",
    "copied": "np.copyto(W, W - 0.1 * dW)",
    "clipped": "W = np.clip(W - 0.1 * dW, -9, 9)",
    "of a limited norm": "W = W - 0.1 * dW; W = W / max(1, np.linalg.norm(W))",
}


@pytest.mark.parametrize("step", KEPT.values(), ids=KEPT)
def test_gradients_that_are_never_set_to_zero_are_wrong_however_the_parameter_is_kept(tmp_path, step):
    """The second step says so, if its parameter is known for that of the first: else it passed as right."""
    kept = ("W = W - 0.1 * dW", step)
    assert settled(seen(tmp_path, STEP, kept)) is True
    adds_up = ("for step", "G = np.zeros((3, 2))\nfor step"), ("dW = X.T @ d", "G += X.T @ d; dW = G * 1.0")
    assert settled(seen(tmp_path, STEP, kept, *adds_up)) is False
