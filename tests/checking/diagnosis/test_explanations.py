"""Are all choices of mistakes tried, each once, and does the likeliest explanation come first?"""

import numpy as np
import pytest

from nnref.checking.diagnosis.backward_lines import ANY, HIDDEN, TOP, BackwardMistake, Prediction, right_line
from nnref.checking.diagnosis.explanations import (
    RIGHT_LINES,
    Explanation,
    Fault,
    chains,
    detail_in_words,
    quantity_of_line,
    right_gradient,
    right_layers,
)
from nnref.checking.diagnosis.factors import CONSTANT, SUMMED
from nnref.checking.operations.running_error import WithError
from nnref.checking.reference.forward_errors import ForwardErrors
from tests.support.backward import case


def slip(key, line, unknown=None, factor=2.0):
    """A mistake that makes a multiple of what the line is given."""

    def predict(at):
        given = {"dA": lambda at: right_line("dA", at), "slope": lambda at: at.dA, "batch": lambda at: at.dZ}[line]
        yield Prediction(lambda at, s: given(at) * (factor + s), "", unknown)

    return BackwardMistake(key, line, "", "", "", "", predict)


@pytest.fixture(scope="module")
def layers():
    return list(right_layers(ForwardErrors.of(case("tanh"), "float64")))


def test_the_layers_come_from_the_last_with_the_reference_s_gradients(layers):
    at = case("tanh")
    assert [s.l for s in layers] == [3, 2, 1]
    for s in layers:
        np.testing.assert_allclose(s.dZ.value, at.dZ[f"dZ{s.l}"], rtol=1e-11, atol=1e-16)
        for theta in "Wb":
            right = at.gradients[f"{theta}{s.l}"]
            np.testing.assert_allclose(right_gradient(s, theta).value, right, rtol=1e-10, atol=1e-16)
    assert set(layers[-1].dZs) == {3, 2}


def test_every_choice_of_so_many_mistakes_on_different_lines_is_tried_once(layers):
    mistakes = tuple(slip(f"{line}.{k}", line) for line in HIDDEN for k in range(2))
    for faults, count in ((0, 1), (1, 6), (2, 12), (3, 8), (4, 0)):
        chosen = [tuple(m.key for m, _ in c.chosen.values()) for c, _ in chains(mistakes, layers[1], HIDDEN, faults)]
        assert len(set(chosen)) == len(chosen) == count


def test_a_chain_ends_where_its_mistakes_lead(layers):
    mistakes = (slip("a", "dA", factor=3.0), slip("b", "batch", factor=5.0))
    (found,) = chains(mistakes, layers[1], HIDDEN, 2)
    chain, end = found
    np.testing.assert_allclose(end.dZ.value, 15 * layers[1].dZ.value, rtol=1e-12)
    np.testing.assert_allclose(chain.run(layers[1], HIDDEN).dZ.value, end.dZ.value)
    np.testing.assert_allclose(chain.without("dA").run(layers[1], HIDDEN).dZ.value, 5 * layers[1].dZ.value, rtol=1e-12)
    assert [fault.at for fault in chain.faults(2, HIDDEN, 0.0)] == ["dA2", "dZ2"]


def test_two_unknown_numbers_are_never_in_one_chain(layers):
    mistakes = (slip("a", "dA", ANY), slip("b", "batch", ANY), slip("c", "slope"))
    keys = [{m.key for m, _ in chain.chosen.values()} for chain, _ in chains(mistakes, layers[1], HIDDEN, 2)]
    assert sorted(map(sorted, keys)) == [["a", "c"], ["b", "c"]]


def test_the_likeliest_explanation_comes_first():
    """The fewest mistakes, then numbers that mean something, then one kind, then what blames one gradient alone."""
    order = [
        Explanation((Fault("dW2", (SUMMED,)),), 1),
        Explanation((Fault("dZ2", (SUMMED,)),), 1),
        Explanation((Fault("dZ2", (CONSTANT,)),), 1),
        Explanation((Fault("dZ2", (SUMMED,)), Fault("dZ1", (SUMMED,))), 2),
        Explanation((Fault("dZ2", (SUMMED,)), Fault("dZ1", (slip("a", "dA"),))), 2),
        Explanation((Fault("dZ2", (SUMMED,)), Fault("dZ1")), 2),
    ]
    backwards = order[::-1]
    assert sorted(backwards, key=lambda explanation: explanation.rank) == order
    assert order[0].plus(3, Fault("db1")).rank[0] == 4


def test_a_line_is_said_by_the_quantity_that_it_makes():
    assert [quantity_of_line(line, 3) for line in TOP] == ["dZ3"] * 4
    assert [quantity_of_line(line, 1) for line in HIDDEN] == ["dA1", "dZ1", "dZ1"]
    assert detail_in_words(Prediction(lambda at, s: None, "A{j} and {s} of Z{l}"), 3, 0.25) == "A2 and 0.25 of Z3"


def test_nothing_wrong_is_an_explanation_that_costs_nothing(layers):
    assert (Explanation().rank, RIGHT_LINES.unknown) == ((0, 0, 0, 0), None)
    assert isinstance(RIGHT_LINES.run(layers[1], HIDDEN).dZ, WithError)
