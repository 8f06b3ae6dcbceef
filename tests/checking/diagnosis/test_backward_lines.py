"""Do the right lines make what the reference makes, each from what those above it have made?"""

import numpy as np
import pytest

from nnref.checking.diagnosis.backward_lines import LINES, RIGHT, BackwardState, mistake, right_line
from nnref.checking.diagnosis.diagnose import CATALOGUE
from nnref.checking.operations import record
from nnref.checking.operations.running_error import WithError
from nnref.checking.reference.forward_errors import ForwardErrors
from tests.support.backward import case
from tests.support.quick import some


@pytest.mark.parametrize("activation", some(record.activations(), 3))
def test_the_right_lines_make_the_reference_s_numbers(activation):
    at = case(activation, (5, 6, 4, 3), 7)
    numbers = ForwardErrors.of(at, "float64")
    s = BackwardState(numbers, 3, {})
    for line in ("labels", "outputs", "loss", "batch", "dW"):
        s = s.put(line, right_line(line, s))
    np.testing.assert_allclose(s.dZ.value, at.dZ["dZ3"], rtol=1e-13)
    np.testing.assert_allclose(s.g.value, at.gradients["W3"], rtol=1e-12)
    s = BackwardState(numbers, 2, {}, {3: s.dZ})
    for line in ("dA", "slope", "db"):
        s = s.put(line, right_line(line, s))
    np.testing.assert_allclose(s.dA.value, at.dA["dA2"], rtol=1e-12)
    np.testing.assert_allclose(s.dZ.value, at.dZ["dZ2"], rtol=1e-12)
    np.testing.assert_allclose(s.g.value, at.gradients["b2"], rtol=1e-11)


def test_a_wrong_line_reaches_those_below_it_and_none_above():
    at = case("tanh")
    s = BackwardState(ForwardErrors.of(at, "float64"), 3, {})
    s = s.put("labels", right_line("labels", s)).put("outputs", WithError.exact(np.zeros(at.P.shape), 2.0**-53))
    np.testing.assert_array_equal(s.Y.value, at.Y)
    np.testing.assert_allclose(right_line("loss", s).value, -at.Y / at.X.shape[1])


def test_the_last_layer_has_no_activation_and_is_shown_that_below():
    at = case("relu")
    numbers = ForwardErrors.of(at, "float64")
    assert [BackwardState(numbers, l, {}).activation for l in (1, 2, 3)] == ["relu"] * 3
    one = case("relu", (4, 3))
    assert BackwardState(ForwardErrors.of(one, "float64"), 1, {}).activation == ""


def test_every_line_on_which_a_mistake_is_made_has_its_right_line_and_its_quantity():
    assert set(RIGHT) == set(LINES)
    assert {m.line for m in CATALOGUE} - {"scale"} == set(LINES)


def test_what_is_said_of_a_mistake_is_its_docstring_in_one_line():
    @mistake("x.y", "db", "db{l} = 0")
    def forgotten(at):
        """It is
        forgotten."""
        yield from ()

    assert (forgotten.says, forgotten.right, forgotten.claim) == ("It is forgotten.", *RIGHT["db"])
    assert mistake("x.y", "db", "db{l} = 0", "another line")(lambda at: iter(())).right == "another line"
