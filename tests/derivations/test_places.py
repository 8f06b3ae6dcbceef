"""Is a shifted index allowed only where it is inside for all sizes, and does δ choose only there?"""

import math

import mpmath as mp
import pytest
import sympy as sp

from derivations.algebra.normal_form import Powers, equal
from derivations.algebra.notation import size, tensor, z
from derivations.algebra.places import inside
from derivations.algebra.sums import Index, ShapeError, tap, total
from derivations.prover import digits
from derivations.prover.sizes import TERMS

P, K, S = size("P_place", "places"), size("K_place", "taps"), size("S_place", "stride")
a, u = Index("a", P), Index("u", K)
wide, strided = P + K - 1, S * (P - 1) + K
X = tensor("X_place", wide, meaning="pixels")
LENT = Powers(contract=True)


@pytest.mark.parametrize(
    ("place", "dim", "is_inside"),
    [
        (a + u - 1, wide, True),
        (a + K - u, wide, True),
        (S * (a - 1) + u, strided, True),
        (a + u, wide, False),
        (a + u - 2, wide, False),
        (a + u - 1, P, False),
        (2 * a + u - 2, wide, False),
        (a - u + 1, wide, False),
        (a * u, P * K, False),
    ],
)
def test_a_place_is_inside_for_all_sizes_or_it_is_not(place, dim, is_inside):
    """By trying every size up to 4. What is not called inside has a place out of it, but for a product of indices."""
    sizes = [{P: p, K: k, S: s} for p in range(1, 5) for k in range(1, 5) for s in range(1, 4)]
    there = [
        1 <= place.subs({**at, a: i, u: j}) <= dim.subs(at)
        for at in sizes
        for i in range(1, at[P] + 1)
        for j in range(1, at[K] + 1)
    ]
    assert inside(place, dim) == is_inside
    assert all(there) or not is_inside
    assert not all(there) or is_inside or place == a * u


def test_an_entry_out_of_the_image_cannot_be_written():
    X[a + u - 1]
    for place in (a + u, a + u - 2, 2 * a + u - 2):
        with pytest.raises(ShapeError, match="one too many"):
            X[place]


def test_a_window_inside_chooses_its_pixel_and_one_that_may_leave_does_not():
    h, w = Index("h", wide), Index("w", P)
    assert equal(total(tap(h, a + u - 1) * X[h], h), X[a + u - 1], LENT)
    assert equal(total(tap(h, a + u - 1), h), sp.S.One, LENT)
    assert not equal(total(tap(w, a + u - 1), w), sp.S.One, LENT)


def test_sums_within_sums_are_drawn_small_enough_to_be_added_up():
    sizes = [size(f"size{place}_place", "one of nine sizes") for place in range(9)]
    ones = tensor("ones_place", *sizes, meaning="a tensor of nine indices")
    indices = [Index(f"i{place}", dim) for place, dim in enumerate(sizes)]
    nine = ones[tuple(indices)]
    for k in indices:
        nine = total(nine, k)
    drawn = [tuple(at.sizes[s] for s in sizes) for at in digits.points("nine", [nine], (), {}, 10)]
    assert all(math.prod(some) <= TERMS for some in drawn)
    assert len(set(drawn)) > 5
    assert max(max(some) for some in drawn) > 2
    (free,) = (at.sizes[s] for at in digits.points("one", [sizes[0] * z], (), {}, 1) for s in sizes[:1])
    assert free > 1


def test_a_padding_is_drawn_at_0_too():
    p = sp.Symbol("p_place", integer=True, nonnegative=True)
    drawn = {mp.mpf(at.sizes[p]) for at in digits.points("padding", [p], (), {}, 30)}
    assert 0 in drawn
    assert max(drawn) > 0
