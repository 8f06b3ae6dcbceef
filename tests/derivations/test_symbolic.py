"""What is seen at a point not to be zero is refused there; what is zero never is, and is left to the symbols."""

import pytest
import sympy as sp

from derivations.algebra.normal_form import Powers, Slope
from derivations.algebra.notation import Activation, number, size, z
from derivations.algebra.symbolic import is_seen_not_to_be_zero, is_zero

up, down, N = number("up", "", positive=True), sp.Symbol("down", negative=True), size("count", "")


@pytest.mark.parametrize(
    "zero",
    [
        sp.S.Zero,
        sp.sin(z) ** 2 + sp.cos(z) ** 2 - 1,
        (1 + sp.tanh(z)) / 2 - 1 / (1 + sp.exp(-2 * z)),
        sp.sqrt(up**2) - up,
        sp.Abs(down) + down,
        sp.cos(2 * sp.pi * N) - 1,
        Slope(sp.sin(2 * z), z) - Slope(2 * sp.sin(z) * sp.cos(z), z),
        sp.erf(z) + sp.erf(-z),
    ],
    ids=str,
)
def test_what_is_zero_is_not_seen_to_be_anything_else(zero):
    assert not is_seen_not_to_be_zero(zero)


@pytest.mark.parametrize(
    "other",
    [
        z - up,
        sp.sqrt(down**2) - down,
        Slope(z**2, z) - 2 * z,  # true of a slope, and not by algebra
        Slope(z**2, z) - Slope(z**3, z),
        Slope(z**2, z) - Slope(z**2, z, z),
        z * sp.tanh(z) - z * sp.tanh(z * (1 + sp.Rational(1, 10**40))),
    ],
    ids=str,
)
def test_what_is_seen_not_to_be_zero_is_never_simplified(other, monkeypatch):
    def refused(expr):
        raise AssertionError(f"{expr} was simplified")

    monkeypatch.setattr(sp, "simplify", refused)
    assert not is_zero(other, Powers())


@pytest.mark.parametrize("open_question", [Activation(z), Activation(2 * z) - Activation(z), sp.I * z, sp.zoo, sp.nan])
def test_what_has_no_value_or_no_real_one_is_left_to_the_symbols(open_question):
    assert not is_seen_not_to_be_zero(open_question)
