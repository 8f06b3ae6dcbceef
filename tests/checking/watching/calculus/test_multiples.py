"""Does one product with many arrays leave every one of which a value is a multiple, and few others?"""

import numpy as np
import pytest

from nnref.checking.watching.calculus.factors import multiple
from nnref.checking.watching.calculus.multiples import SAMPLED, Multiples

HALF = 1e-8


@pytest.mark.parametrize("shape", [(), (3,), (4, 5), (3 * SAMPLED, 2)])
@pytest.mark.parametrize("scale", [1e-200, 1.0, 1e200])
def test_no_multiple_is_left_out(shape, scale, rng):
    many = [(k, [scale * rng.standard_normal(shape) for _ in range(2)]) for k in range(20)]
    found = Multiples(many, HALF)
    for key, runs in many:
        off = [c + HALF / 2 * np.abs(c).max() * rng.uniform(-1, 1, shape) for c in (-3 * A for A in runs)]
        for laid in (runs, off, [A.T for A in runs] if len(shape) == 2 else runs):
            assert key in found.of(laid)
        assert found.of([A / scale for A in runs]) == found.of(runs)


def test_what_is_no_multiple_is_passed_over(rng):
    many = [(k, [rng.standard_normal(7) for _ in range(2)]) for k in range(50)]
    value = [many[5][1][0], -many[5][1][1]]
    assert multiple(value, many[5][1], HALF) is None
    assert Multiples(many, HALF).of(value) == []
    assert Multiples(many, HALF).of([np.full(7, np.nan)] * 2) == []


def test_zeros_are_no_evidence_against_an_array_whose_other_entries_count(rng):
    sparse = np.zeros(3 * SAMPLED)
    sparse[1] = 1.0
    assert Multiples([(4, [sparse])], HALF).of([2 * sparse]) == [4]
    assert Multiples([(4, [sparse])], HALF).of([rng.standard_normal(3 * SAMPLED)]) == []


def test_a_value_of_another_size_in_another_run_is_left_to_be_looked_at(rng):
    many = [(k, [rng.standard_normal(4) for _ in range(2)]) for k in range(3)]
    assert Multiples(many, HALF).of([np.ones(4), np.ones(5)]) == [0, 1, 2]
