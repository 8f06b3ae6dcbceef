"""Is the factor between two arrays the right one, and is no more said of it than is known?"""

import numpy as np
import pytest

from nnref.checking.results.factor import COLLINEAR, fitted, nearest_factor
from nnref.checking.results.findings import ratio


def test_the_factors_of_several_predictions_are_found_at_once(rng):
    X, Y = rng.standard_normal((2, 6, 5))
    x, y = fitted(3 * X - 0.01 * Y, [X, Y], np.full((6, 5), 1e-14))
    assert x.value == pytest.approx(3, abs=x.bound)
    assert y.value == pytest.approx(-0.01, abs=y.bound)
    assert max(x.bound, y.bound) < 1e-12


def test_an_entry_with_much_room_has_little_to_say(rng):
    """One entry is known to a tenth only, and is off by as much: the factor is what the others say."""
    t = np.abs(rng.standard_normal(8)) + 1
    a, room = 2 * t, np.full(8, 1e-12)
    a[3], room[3] = a[3] + 0.1, 0.1
    (found,) = fitted(a, [t], room)
    assert found.value == pytest.approx(2, abs=1e-10)
    assert abs(nearest_factor(a, t) - 2) > 1e-3


def test_the_factor_is_within_its_bound_however_the_entries_are_off(rng):
    t = rng.standard_normal(50)
    room = 1e-3 * np.abs(t) + 1e-6
    worst = room * np.sign(t)  # all in the direction that moves the factor most
    (found,) = fitted(0.7 * t + worst, [t], room)
    assert 1e-4 < abs(found.value - 0.7) <= found.bound


@pytest.mark.parametrize("size", [1e-290, 1e-30, 1.0, 1e30, 1e290])
@pytest.mark.parametrize("relative", [0.0, 1e-15])
def test_neither_size_nor_the_want_of_room_overflows(size, relative, rng):
    t = size * (rng.random(20) + 1)
    (found,) = fitted(3 * t, [t], relative * t)
    assert found.value == pytest.approx(3, rel=1e-13)


def test_the_scatter_shrinks_with_the_number_of_entries(rng):
    def scatter(n):
        t = np.ones(n)
        return fitted(t + 1e-3 * rng.standard_normal(n), [t], np.full(n, 1e-6))[0].scatter

    assert scatter(100) == pytest.approx(1e-4, rel=0.3)
    assert scatter(10_000) == pytest.approx(1e-5, rel=0.3)


def test_what_cannot_be_told_has_no_factor(rng):
    t = rng.standard_normal(9)
    other = rng.standard_normal(9)
    assert fitted(2 * t, [t], 10 * np.abs(t)) is None  # every entry is within its room of 0
    assert fitted(t, [t, -3 * t + 0.1 * np.sqrt(COLLINEAR) * other], np.full(9, 1e-12)) is None
    assert fitted(t, [t, -3 * t + 10 * np.sqrt(COLLINEAR) * other], np.full(9, 1e-12)) is not None


@pytest.mark.parametrize(("bits", "says"), [(8, "0.9"), (24, "9/10"), (53, "9/10")])
def test_a_factor_that_people_write_is_said_as_they_write_it(bits, says, rng):
    assert said(0.9, bits, rng) == f"{says} times the truth everywhere"


def said(factor, bits, rng):
    """The finding for a gradient in so many bits that is wrong by a factor."""
    t = rng.standard_normal(40)
    unit = 2.0**-bits
    a = factor * t
    step = 2.0 ** np.floor(np.log2(np.abs(a))) * 2 * unit
    a = np.round(a / step) * step
    return ratio(a, t, np.abs(t) * 1e-15, 2 * unit * np.abs(t)).says


def test_a_factor_is_written_in_the_digits_that_are_known_of_it(rng):
    """Eight bits know two or three digits of 0.8765432, and not six; float64 knows them all, and six are written."""
    few = said(0.8765432, 8, rng).split()[0]
    assert few in ("0.88", "0.877", "0.876")
    assert said(0.8765432, 53, rng).split()[0] == "0.876543"


def test_a_factor_near_1_is_told_from_it(rng):
    assert said(1 + 3e-7, 53, rng) == "1.0000003 times the truth everywhere"
