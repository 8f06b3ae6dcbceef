"""Is every order in which a truth can stand wrongly tried, and named as what it is?"""

import numpy as np
import pytest

from nnref.checking.results.rearranged import orders


@pytest.mark.parametrize(
    ("name", "made"),
    [
        ("transposed", lambda t: t.T),
        ("reversed along axis 1", lambda t: t[:, ::-1]),
        ("reversed along axes 0, 1", lambda t: t[::-1, ::-1]),
        ("shifted by 1 along axis 0", lambda t: np.roll(t, 1, 0)),
        ("shifted by -1 along axis 1, zeros moved in", lambda t: np.pad(t[:, 1:], ((0, 0), (0, 1)))),
        ("permuted along axis 0", lambda t: t[[2, 0, 3, 1]]),
    ],
)
def test_the_first_order_that_fits_is_the_one_that_was_made(name, made, rng):
    t = rng.standard_normal((4, 4))
    a = made(t)
    assert next(said for said, moved in orders(a, t) if np.array_equal(moved, a)) == name


def test_two_axes_of_four_are_named_by_their_numbers(rng):
    t = rng.standard_normal((2, 3, 3, 2))
    a = t.transpose(0, 2, 1, 3)
    assert next(said for said, moved in orders(a, t) if np.array_equal(moved, a)) == "transposed in axes 1, 2"


def test_every_order_has_the_shape_of_yours_and_none_of_five_axes_is_tried(rng):
    t = rng.standard_normal((2, 3))
    assert all(moved.shape == (2, 3) for _, moved in orders(t, t))
    assert list(orders(np.zeros((1,) * 5), np.zeros((1,) * 5))) == []
