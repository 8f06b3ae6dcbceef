"""What is said of values that a step leaves to the next, or does not."""

from nnref.checking.watching.telling.between_steps import between_steps, named_beside
from nnref.checking.watching.telling.report import settled
from tests.support.programs import seen
from tests.support.recordings import STEP

UNUSED = ("    W = W - 0.1 * dW", "    V = W - 0.1 * dW")


def test_a_value_that_nothing_uses_is_named_with_what_never_changes(tmp_path):
    (said,) = between_steps(seen(tmp_path, STEP, UNUSED))
    assert said.says == "W never changes: this line writes into V."
    assert said.place.startswith("line 9:")


LOST = """\
import numpy as np
X, Y = np.random.randn(20, 4), np.random.randn(20, 2)
def updated(params, grads):
    for p, g in zip(params, grads):
        p = p - 0.1 * g
    return params
P = [np.random.randn(4, 3), np.zeros((1, 3)), np.random.randn(3, 2)]
for k in range(9):
    W, b, V = P
    H = np.tanh(X @ W + b)
    D = (H @ V - Y) / 20
    loss = (D * D).sum() * 10
    e = D @ V.T * (1 - H * H)
    P = updated(P, [X.T @ e, e.sum(0, keepdims=True), H.T @ D])
"""


def test_a_loop_over_parameters_that_gives_its_variable_the_new_value_changes_none_of_them(tmp_path):
    """The gradients are right, and the program does not learn: its line was not read, and another one named."""
    found = seen(tmp_path, LOST)
    (said,) = between_steps(found)
    assert (settled(found), said.says) == (False, "P[0], P[1] and P[2] never change: this line writes into p.")
    assert said.place.startswith("line 5:")
    assert settled(seen(tmp_path, LOST, ("p = p - 0.1 * g", "p -= 0.1 * g"))) is True
    kept = ("p = p - 0.1 * g\n    return params", "p = p - 0.1 * g\n        new.append(p)\n    return new")
    assert (
        settled(
            seen(tmp_path, LOST, kept, ("def updated(params, grads):", "def updated(params, grads):\n    new = []"))
        )
        is True
    )


GRADIENTS = ("P = updated(P, [", "grads = ([")


def test_a_loop_that_only_looks_for_what_gradients_are_updates_nothing(tmp_path):
    """Neither a decay that is added to a gradient nor a probe of a parameter is meant as its new value."""
    probed = (
        "H.T @ D])",
        "H.T @ D])\n    for p, g in zip(P, grads):\n        probe = p - 0.1 * g\n        g = g + 0.1 * p",
    )
    assert not seen(tmp_path, LOST, GRADIENTS, probed).steps


def test_of_a_right_program_nothing_is_said(tmp_path):
    assert list(between_steps(seen(tmp_path, STEP))) == []


def test_a_value_is_shown_where_it_got_its_name_beside_its_use_and_not_within_the_function_that_made_it(tmp_path):
    found = seen(
        tmp_path,
        STEP,
        ("    Z = X @ W + b", "    def f(x):\n        out = x @ W + b\n        return out\n    Z = f(X)"),
    )
    (met,) = found.steps[0].roles.meetings
    assert met.output.site.line == 6
    assert named_beside(found, met.output, met.at.site).line == 8
