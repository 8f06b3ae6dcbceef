"""Is the chance that a sample misses a mistake no larger than is said?"""

from itertools import combinations, product

import pytest

from nnref.checking.results.sampling import missed, missed_along


@pytest.mark.parametrize(("size", "wrong", "drawn"), [(7, 2, 3), (6, 1, 2), (5, 3, 2)])
def test_of_all_samples_no_more_are_without_a_wrong_entry(size, wrong, drawn):
    """Where an entry may be drawn twice, just so many; where it may not, fewer."""
    with_return, without = list(product(range(size), repeat=drawn)), list(combinations(range(size), drawn))
    share = [sum(min(sample) >= wrong for sample in samples) / len(samples) for samples in (with_return, without)]
    assert missed(wrong / size, drawn) == pytest.approx(share[0])
    assert share[1] < share[0]


def test_half_of_all_signs_may_hide_two_equal_errors():
    """The slope along s is off by s1 + s2, which is 0 for half of the signs."""
    hidden = [sum(s) == 0 for s in product((-1, 1), repeat=2)]
    assert missed_along(1) == sum(hidden) / len(hidden)
    assert missed_along(3) == missed_along(1) ** 3
