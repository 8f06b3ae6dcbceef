"""Is each factor called by what it may mean, and none that means nothing believed without evidence?"""

import pytest

from nnref.checking.diagnosis.factors import CONSTANT, SCALES, ZEROS, meaning_of_factor
from nnref.checking.diagnosis.fit import Number

N, K, RATE = 7, 3, 0.01


def meanings(value, N=N, K=K, rate=RATE, error=1e-9, believed=False):
    found = meaning_of_factor(Number(value, error * abs(value), believed), N, K, rate)
    return None if found is None else [meaning.key for meaning in found.meanings]


@pytest.mark.parametrize("scale", SCALES, ids=lambda scale: scale.key)
def test_every_factor_of_a_scale_means_it(scale):
    for value in scale.factors(N, K, RATE):
        assert scale.key in meanings(value), value
        assert scale.key not in (meanings(value * 1.001) or []), value


def test_a_factor_that_may_mean_two_things_means_both():
    assert meanings(2.0, N=2) == ["scale.N", "scale.2"]
    assert meanings(1 / 3, N=9, K=3) == ["scale.classes"]


def test_once_is_no_mistake():
    """With one example N is 1: nothing was forgotten that shows."""
    assert meanings(1.0, N=1, K=1, rate=1.0) is None


def test_a_rate_that_is_not_known_has_no_name():
    assert meanings(RATE) == ["scale.rate"]
    assert meanings(RATE, rate=None, believed=True) == [CONSTANT.key]


def test_a_number_without_a_meaning_needs_evidence_of_its_own():
    assert meanings(0.437) is None
    found = meaning_of_factor(Number(0.437, 1e-9, True), N, K, None)
    assert (found.meanings, found.without_meaning, found.detail) == ((CONSTANT,), True, "0.437 times")


def test_a_number_that_is_known_badly_names_nothing():
    assert meanings(7.0, error=1e-2) is None


def test_a_constant_is_said_in_the_digits_that_are_known():
    found = meaning_of_factor(Number(0.43712345, 1e-4, True), N, K, None)
    assert found.detail == "0.437 times"
    assert meaning_of_factor(Number(0.43712345, 1e-12, True), N, K, None).detail == "0.437123 times"


def test_zeros_are_said_and_not_named():
    found = meaning_of_factor(Number(0.0, 0.0, True), N, K, RATE)
    assert (found.meanings, found.detail, found.without_meaning) == ((), ZEROS, True)
