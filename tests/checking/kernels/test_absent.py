"""Is a gradient that did not come missed only where the output depends on the argument?"""

import numpy as np
import pytest

from nnref.checking.gradcheck.border import GradcheckError
from nnref.checking.kernels.absent import depends, is_mask, same_again, steady_case
from nnref.checking.kernels.case import KernelCase
from nnref.checking.kernels.framework import Framework

RNG = np.random.default_rng(0)
"""Draws on from call to call."""


def of(f, *given):
    """The question of a function of these arrays."""
    return KernelCase(f, list(given), [f"a{k}" for k in range(len(given))], list(range(len(given))), Framework())


def test_an_output_depends_on_what_moves_it_and_on_nothing_else():
    case = of(lambda a, b: 2 * a, np.ones(3), np.ones(3))
    assert depends(case, 0)
    assert not depends(case, 1)


@pytest.mark.parametrize(
    ("A", "mask"),
    [([0, 1, 1], True), ([0, -1e9], True), ([1, 2, 1], False), ([0, 1, 2], False), ([0, 0], False), ([], False)],
)
def test_a_mask_holds_0_and_one_other_number(A, mask):
    assert is_mask(of(lambda a: a, np.array(A, "float64")), np.array(A, "float64")) is mask


def test_sums_in_another_order_are_the_same_again_and_another_draw_is_not():
    calls = []

    def summed(a):
        calls.append(1)
        return np.array([a.sum() * (1 + 1e-16 * len(calls))])

    assert same_again(of(summed, np.linspace(0, 1, 99)))
    assert not same_again(of(lambda a: a * RNG.random(3), np.ones(3)))


def test_a_function_that_draws_whatever_the_seed_is_refused_with_what_to_try():
    with pytest.raises(GradcheckError, match=r"another output in each call.*give it the mask or the key"):
        steady_case(of(lambda a: a * RNG.random(3), np.ones(3)))
    case = of(lambda a: 2 * a, np.ones(3))
    assert steady_case(case) == (case, [])
