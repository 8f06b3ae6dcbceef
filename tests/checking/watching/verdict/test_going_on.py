"""What an optimiser is given of a gradient: as it is, less its mean, or with the decay that each average adds to it."""

import numpy as np

from nnref.checking.watching.calculus.graph import Graph
from nnref.checking.watching.verdict.going_on import CENTRED, going_on
from tests.support.programs import SLOPE, seen


def gradients(tmp_path, line):
    """What may go into the step of w, where the program makes it on this line; with the gradient itself first."""
    text = SLOPE.replace("w = w - 0.1 * x.T @ d / 30", f"g = x.T @ d / 30; {line}").replace(
        "randn(30, 1)", "randn(30, 3)"
    )
    found = seen(tmp_path, text.replace("np.zeros(1)", "np.random.randn(3)"))
    row = next(row for row in found.rows if row.truth[0].size == 3)
    node = next(n for n in found.tapes[0] if "g" in n.names)
    laid = tuple(np.asarray(tape[node.index].value, float) for tape in found.tapes)
    assert isinstance(found.steps[0].roles.graph, Graph)
    return list(going_on(found.steps[0].roles, row.update, node, laid, found.tapes))


def test_a_plain_gradient_goes_on_as_it_is(tmp_path):
    (only,) = gradients(tmp_path, "w = w - 0.1 * g")
    assert only[1:] == (0.0, "")


def test_the_mean_that_is_taken_out_is_said(tmp_path):
    _, centred = gradients(tmp_path, "w = w - 0.1 * (g - g.mean())")
    assert centred[2] == CENTRED
    assert abs(centred[0][0].sum()) < 1e-12


def test_a_decay_is_known_by_how_much_it_is(tmp_path):
    _, decayed = gradients(tmp_path, "w = w - 0.1 * np.sign(g + 0.25 * w)")
    assert np.isclose(decayed[1], 0.25)
