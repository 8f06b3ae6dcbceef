"""Is scipy's search for a minimum known, and taken as plain steps along the gradient that it is given?"""

import numpy as np
import pytest
from scipy import optimize

from nnref.checking.watching.recording.minimising import MINIMISES, MINIMISING_RATE, is_search, minimised


class Recorder:
    """What the steps are computed with."""

    def library(self, site, name, f, args, named):
        return f(*args, **named)

    def binary(self, name, a, b, site):
        return {"multiply": np.multiply, "subtract": np.subtract}[name](a, b)


def test_searches_with_a_gradient_are_known_and_nothing_else_is():
    assert is_search(optimize.minimize)
    assert is_search(optimize.fmin_cg)
    assert not is_search(optimize.curve_fit)
    assert not is_search(np.sum)


@pytest.mark.parametrize(
    ("function", "arguments", "x"),
    [
        (optimize.minimize, {"jac": lambda x: 2 * x}, lambda found: found.x),
        (optimize.fmin_cg, {"fprime": lambda x: 2 * x}, lambda found: found),
        (optimize.fmin_tnc, {"fprime": lambda x: 2 * x}, lambda found: found[0]),
    ],
)
def test_a_search_is_a_few_steps_down(function, arguments, x):
    found = minimised(Recorder(), 0, function, lambda x: (x**2).sum(), np.array([1.0, -2]), **arguments)
    np.testing.assert_allclose(x(found), np.array([1, -2]) * (1 - 2 * MINIMISING_RATE) ** MINIMISES)


def test_a_search_without_a_gradient_is_scipy_s():
    found = minimised(Recorder(), 0, optimize.minimize, lambda x: (x**2).sum(), np.array([1.0, -2]))
    np.testing.assert_allclose(found.x, 0, atol=1e-4)
