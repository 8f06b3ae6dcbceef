"""Is every planted mistake caught, in every regime in which it changes a number? And does nothing cry wolf?"""

from collections import Counter

import pytest

from tests.planted import caught, summary, table
from tests.support.bugs import BUGS, KINDS
from tests.support.catchers import CHECKS, REGIMES
from tests.support.quick import pairs, some


@pytest.mark.parametrize("bug", some(BUGS, 12, ids=lambda bug: bug.name))
def test_a_planted_mistake_is_caught_wherever_it_changes_a_number(bug, record_property, draws):
    cells = caught(bug, every=draws(False, True))
    said = summary([(bug, cells)])
    record_property("figure", said["figure"])
    record_property("caught", said["caught"])
    assert "-" not in cells
    assert set(cells) != {"="}, "a mistake that changes nothing anywhere tests nothing"


ACTIVATIONS = sorted({bug.activation for bug in BUGS})


@pytest.mark.parametrize(("regime", "activation"), pairs(REGIMES, ACTIVATIONS, 3, ids=lambda regime: regime.name))
def test_no_check_finds_a_mistake_where_none_is_planted(regime, activation):
    assert not [name for check, name, _ in CHECKS.values() if check(regime, activation)]


def test_there_are_mistakes_enough_of_every_kind_each_under_its_own_name():
    assert len({bug.name for bug in BUGS}) == len(BUGS) >= 60
    kinds = Counter(bug.kind for bug in BUGS)
    assert set(kinds) == set(KINDS)
    assert min(kinds.values()) >= 8


def test_the_right_functions_are_back_when_the_block_ends():
    def functions(bug):
        return [vars(module)[name] for module, name, _ in bug.changes]

    for bug in BUGS:
        before = functions(bug)
        with bug.planted():
            assert all(now is not then for now, then in zip(functions(bug), before, strict=True))
        assert functions(bug) == before


def test_the_table_fits_eighty_columns():
    rows = [(bug, ["gsv"] * len(REGIMES)) for bug in BUGS]
    assert max(map(len, table(rows).splitlines())) <= 80
