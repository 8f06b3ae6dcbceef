"""Is every gradient of every concept that of its forward function, moved by a complex step and by a real one?"""

import numpy as np
import pytest

from derivations.prover.proof import claims
from nnref import bridge
from nnref.checking.gradcheck.gradcheck import gradcheck
from tests.support import cases
from tests.support.quick import pairs, some

GRADIENTS = [name for name, claim in claims().items() if claim.kind == "gradient" and cases.is_gradient(name)]


@pytest.mark.parametrize(("name", "method"), pairs(GRADIENTS, ["auto", "central"], 8))
def test_a_gradient_is_that_of_its_forward_function(name, method):
    case = cases.case(name)
    report = gradcheck(case.loss, case.parameters, case.gradient, method=method)
    assert report.ok, report


@pytest.mark.parametrize("name", some(GRADIENTS, 6))
def test_a_gradient_off_by_a_millionth_is_seen(name):
    case = cases.case(name)
    wrong = lambda moved: {p: G * (1 + 1e-6) for p, G in case.gradient(moved).items()}  # noqa: E731
    assert gradcheck(case.loss, case.parameters, wrong, method="auto").wrong


@pytest.mark.parametrize("name", GRADIENTS)
def test_a_gradient_modifies_nothing(name):
    case = cases.case(name)
    before = {p: np.array(A) for p, A in case.arguments.items()}
    case.gradient({})
    assert all(np.array_equal(before[p], A) for p, A in case.arguments.items())
    assert callable(bridge.function(name))
