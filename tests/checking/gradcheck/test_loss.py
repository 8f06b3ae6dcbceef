"""Is a loss asked one question at a time: one number, the same each time, at arrays that are put back?"""

import numpy as np
import pytest

from nnref.checking.gradcheck.border import GradcheckError
from nnref.checking.gradcheck.loss import (
    Call,
    PerturbedLoss,
    finite,
    moved,
    number,
    same_evaluation,
    signs,
    size,
    steady,
    untouched,
)

U = 2.0**-53


def square(parameters):
    return (parameters["W"] ** 2).sum()


def loss_of(f, rng, parameters):
    call, away = steady(f, parameters)
    return PerturbedLoss(call, list(parameters.values()), rng, away)


@pytest.mark.parametrize(
    ("L", "says"),
    [
        (None, "returned None.*Does it end in return"),
        (np.ones(3), r"float64 of shape \(3,\) came.*use check_vjp"),
        (7, "int64 came"),
        ("seven", "one floating-point number"),
    ],
)
def test_what_is_not_one_number_is_refused(L, says):
    with pytest.raises(GradcheckError, match=says):
        number(L)


def test_a_loss_without_a_slope_is_refused():
    assert finite(np.asarray(2.0)) == 2
    with pytest.raises(GradcheckError, match="it should be finite"):
        finite(np.asarray(np.nan))
    with pytest.raises(GradcheckError, match="it should be real"):
        finite(np.asarray(2 + 1j))


def test_two_evaluations_are_the_same_up_to_roundings_of_a_sum():
    assert same_evaluation(1.0, 1 + 60 * U, U)
    assert not same_evaluation(1.0, 1 + 70 * U, U)
    assert same_evaluation(np.nan, np.nan, U)
    assert same_evaluation(0.0, 0.0, U)


def test_a_tensor_is_moved_in_its_own_size_its_entries_up_and_down_in_turn():
    A = np.array([[0.0, 4.0], [-8.0, 1.0]])
    assert size(A) == 8
    assert size(0 * A) == 1
    assert signs(A).tolist() == [[1, -1], [1, -1]]
    assert (moved([A], 0.5)[0] - A).tolist() == [[4, -4], [4, -4]]


def test_a_loss_that_writes_into_its_argument_is_refused_by_the_name_of_the_array():
    def greedy(parameters):
        parameters["W"] -= 1
        return 0.0

    with pytest.raises(GradcheckError, match="the loss changed W, its own argument"):
        untouched("the loss", greedy, {"W": np.ones(2)})


def test_a_loss_that_counts_its_calls_is_refused():
    calls = iter(range(100))
    with pytest.raises(GradcheckError, match=r"at the same parameters.*dropout"):
        steady(lambda parameters: float(next(calls)), {"W": np.ones(2)})


def test_an_entry_is_moved_and_put_back_even_if_the_loss_stops(rng):
    loss = loss_of(square, rng, {"W": np.array([1.0, 2.0])})
    assert loss.entry(0, 1, 3.0) == 26
    assert loss.arrays[0].tolist() == [1, 2]
    loss.call = Call(lambda parameters: 1 / 0, {"W": None})
    with pytest.raises(GradcheckError, match="ZeroDivisionError"):
        loss.entry(0, 1, 3.0)
    assert loss.arrays[0].tolist() == [1, 2]


def test_the_slope_along_the_imaginary_axis_is_that_of_a_polynomial_to_the_last_digit(rng):
    loss = loss_of(square, rng, {"W": np.array([1.0, 0.3])})
    assert loss.imaginary(0, 1) == pytest.approx(0.6, rel=2 * U)
    assert loss.along(0, np.array([1.0, -1.0]), 2.0) == pytest.approx(9 + 1.7**2)


def test_a_loss_that_knows_an_array_by_its_identity_gets_copies(rng):
    kept = {}

    def remembering(parameters):
        return kept.setdefault(id(parameters["W"]), (parameters["W"], square(parameters)))[1]

    loss = loss_of(remembering, rng, {"W": np.array([1.0, 2.0])})
    assert loss.fresh
    assert not loss_of(square, rng, {"W": np.array([1.0, 2.0])}).fresh


def test_a_twin_moves_alone(rng):
    loss = loss_of(square, rng, {"W": np.array([1.0, 2.0])})
    twin = loss.twin()
    twin.arrays[0][0] = 5
    assert loss.arrays[0][0] == 1
    assert (twin.at, twin.evaluations) == (loss.at, 0)
