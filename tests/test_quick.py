"""Does the quick run take some cases of a list, always the same, and the other runs all of them?"""

import pytest

from tests.support.quick import pairs, some


def test_of_a_list_the_first_and_some_chosen_by_name_are_quick_and_the_rest_is_further():
    cases = [f"case {k}" for k in range(300)]
    chosen = some(cases, 3)
    quick = [case.values[0] for case in chosen if not case.marks]
    assert [case.values[0] for case in chosen] == cases
    assert {mark.name for case in chosen for mark in case.marks} == {"further"}
    assert quick[0] == "case 0"
    assert 80 <= len(quick) <= 120
    assert {case.values[0] for case in some(cases[1:], 3) if not case.marks} >= set(quick[1:])


def test_of_pairs_each_first_is_quick_once_and_some_of_its_others():
    firsts = [f"claim {k}" for k in range(100)]
    quick = [case.values for case in pairs(firsts, range(4), 3) if not case.marks]
    assert [a for a, b in quick if b == 0] == firsts
    assert 80 <= len([a for a, b in quick if b]) <= 120
    assert len(pairs(firsts, range(4), 3)) == 400


def test_a_name_that_is_another_in_each_process_is_refused():
    with pytest.raises(ValueError, match=r"another name in each process; pass ids="):
        some([lambda: 0], 3)


def test_draws_are_few_unless_more_are_asked_for(request, draws):
    long, all_cases = (request.config.getoption(name) for name in ("--long", "--all-cases"))
    assert draws(1, 3) == (3 if long else 1)
    assert draws(1, 3, ci=2) == (3 if long else 2 if all_cases else 1)
