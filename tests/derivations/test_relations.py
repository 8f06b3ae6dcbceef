"""Inequalities, limits and orders: does the check of each see a false one?"""

import random
from dataclasses import replace

import mpmath as mp
import pytest
import sympy as sp

from derivations import finite_differences, he, relu, sgd, sigmoid, tanh
from derivations.algebra import integrals
from derivations.algebra.notation import Density, da, i, k, n, tensor, z
from derivations.algebra.sums import delta, total
from derivations.output.printing import latex
from derivations.prover import digits, limits, signs
from derivations.prover.claim import Claim, Step, WrongTwin
from derivations.prover.limits import L, h
from derivations.prover.proof import prove
from derivations.prover.rules import algebra, condition, integrate, leading_term

MODULES = (sigmoid, tanh, relu, he, sgd, finite_differences)
CLAIMS = {c.name: c for module in MODULES for c in vars(module).values() if isinstance(c, Claim)}
x = finite_differences.x


def related(relation):
    return pytest.mark.parametrize(
        "claim", [c for c in CLAIMS.values() if c.relation in relation], ids=lambda c: c.name
    )


def statement(relation, start, *steps, **more):
    return Claim("a.claim", "lemma", "something", start, "nowhere", steps, relation, **more)


def with_last(claim, expr):
    return replace(claim, steps=(*claim.steps[:-1], replace(claim.steps[-1], expr=expr)), wrong_twins=())


@related(("≥", ">"))
def test_an_inequality_is_refused_once_its_sign_is_turned(claim):
    steps = tuple(replace(step, expr=-step.expr) for step in claim.steps)
    gaps = prove(replace(claim, start=-claim.start, steps=steps, wrong_twins=())).gaps
    assert any("the form of the result does not show" in gap for gap in gaps)
    assert any("it is not" in gap for gap in gaps)


@related(("≥", ">"))
def test_a_bound_that_holds_planted_as_a_wrong_twin_is_noticed(claim):
    gaps = prove(replace(claim, wrong_twins=(WrongTwin(claim.start - 1, "none at all"),))).gaps
    assert [gap for gap in gaps if "none at all" in gap] == list(gaps)
    assert gaps


def test_what_can_be_zero_is_not_shown_to_be_positive():
    for expr in (z**2, sp.Max(0, z), relu.g * sp.exp(z)):
        claim = statement("≥", expr, given=(relu.g >= 0,))
        assert prove(claim).ok
        assert not prove(replace(claim, relation=">")).ok


def test_a_true_inequality_whose_form_does_not_show_it_needs_a_step():
    u = sp.Symbol("u", real=True)
    hidden, square = z**2 - 2 * z * u + u**2, (z - u) ** 2
    (gap,) = prove(statement("≥", hidden)).gaps
    assert "the form of the result does not show" in gap
    assert prove(statement("≥", hidden, Step(square, algebra, "a square"))).ok


def test_an_inequality_that_fails_on_a_small_part_of_the_line_only_is_refused_by_numbers():
    claim = statement("≥", sp.Max(0, z) - sp.Rational(1, 10**6) * (3 + z))
    assert digits.counterexample(claim.start, "≥", sp.S.Zero, claim)


def test_signs_never_say_more_than_numbers_bear_out(draws):
    """Random expressions of numbers with bounds: of those that are shown to be positive, none is negative anywhere."""
    y, g, w = sp.symbols("y g w", real=True)
    given = (y >= 0, g >= 0, g <= 1, w < -sp.S.Half)
    rng = random.Random(0)
    counted = {"≥": 0, ">": 0}

    def grown(depth):
        if not depth:
            return rng.choice([y, g, w, z, sp.Integer(rng.randint(-2, 2)), 1 - g, 1 + y])
        left, right = grown(depth - 1), grown(depth - 1)
        ways = [left + right, left * right, left - right, sp.exp(left), left**2, left**3, sp.Max(left, right)]
        return rng.choice([*ways, sp.log(1 + sp.exp(left)), 1 / (1 + left**2), sp.sqrt(left**2)])

    for trial in range(draws(30, 150)):
        expr = grown(rng.randint(1, 3))
        for relation in counted:
            if signs.shown(expr, relation, given):
                counted[relation] += 1
                claim = statement(relation, expr, given=given)
                claim = replace(claim, name=f"grown {trial}")
                assert digits.counterexample(expr, relation, sp.S.Zero, claim) is None, expr
    assert min(counted.values()) > draws(2, 20)


def test_signs_of_sums_and_deltas():
    p, v = tensor("pp", n, meaning="positive"), tensor("vv", n, meaning="any")
    assert signs.shown(total(p[i] * v[i] ** 2, i), "≥", (p[i] > 0,))
    assert not signs.shown(total(p[i] * v[i] ** 2, i), ">", (p[i] > 0,))
    assert not signs.shown(total(p[i] * v[i], i), "≥", (p[i] > 0,))
    assert signs.shown(1 - delta(i, k), "≥", ())
    assert not signs.shown(delta(i, k) - sp.S.Half, "≥", ())
    assert not signs.shown(total(p[i] - 1, i), "≥", (p[i] > 0,))
    assert signs.shown(-sp.log(p[k]), ">", (p[i] > 0, p[i] < 1))
    assert not signs.shown(-sp.log(p[k]), ">", (p[i] > 0, p[i] <= 1))
    assert not signs.shown(-sp.log(p[k]), "≥", (p[i] < 1,))


@related(("limit", "order"))
def test_a_leading_term_off_by_one_part_in_a_million_is_refused_by_all_three_checks(claim):
    wrong = claim.result * (1 + sp.Rational(1, 10**6)) if claim.result != 0 else sp.Rational(1, 10**6)
    checked = prove(with_last(claim, wrong)).steps[-1]
    assert (checked.symbolic, checked.digits) == (False, False)
    assert checked.rule == "leading term does not give this line"


@related(("limit", "order"))
def test_the_true_leading_term_planted_as_a_wrong_twin_is_noticed(claim):
    (gap,) = prove(replace(claim, wrong_twins=(WrongTwin(claim.result, "none at all"),))).gaps
    assert "none at all" in gap


@related(("order",))
def test_an_order_is_refused_with_another_power_of_h(claim):
    for wrong in (claim.result * h, claim.result / h, claim.result + h ** (limits.power_of_h(claim.result) + 1)):
        assert not prove(with_last(claim, wrong)).ok


def test_a_limit_and_an_order_are_not_each_other():
    assert not prove(replace(finite_differences.central, relation="limit", wrong_twins=())).ok
    assert not prove(replace(tanh.near_0, relation="order", wrong_twins=())).ok


def test_a_limit_that_differs_on_the_two_sides_is_no_limit():
    for slope in (relu.right_slope, relu.left_slope):
        checked = prove(replace(slope, given=())).steps[-1]
        assert (checked.symbolic, checked.digits) == (False, False)
        assert checked.rule is not None


def test_taylor_needs_no_particular_loss():
    """A statement true of exp, and of no other function in general, is refused symbolically and by numbers of sin."""
    start = (L(x + h) - L(x)) / h - finite_differences.derivative(1)
    claim = statement("order", start, Step(h / 2 * finite_differences.derivative(1), leading_term, "L'' is L'"))
    assert not limits.vanishes(start, claim.result, ())
    assert not prove(claim).steps[-1].digits
    of_exp = [limits.concrete(start - claim.result, function) for function in limits.FUNCTIONS[:1]]
    assert all(limits.left_out(gap, 1, 1, 10, "exp") < limits.NEXT for gap in of_exp)


def test_the_remainder_is_kept_so_that_too_short_a_polynomial_proves_nothing():
    rest = limits.taylor((L(x + h) - L(x)) / h**5, 2)
    assert {str(s)[0] for s in rest.free_symbols} == {"L", "R", "h"}


def test_a_relation_that_no_check_knows_and_a_limit_without_a_step_are_refused():
    with pytest.raises(ValueError, match="the relation should be one of"):
        statement("<", z)
    with pytest.raises(ValueError, match="there is no step"):
        statement("limit", z)


def test_a_condition_that_is_not_used_is_said_to_be_unneeded():
    step = Step(sp.exp(z) + sp.exp(2 * z), condition, "it is given that Z > 0")
    (gap,) = prove(statement("=", sp.exp(z) * (1 + sp.exp(z)), step, given=(z > 0,))).gaps
    assert "what is given is not needed" in gap


def test_an_integral_off_by_one_part_in_ten_to_the_30_is_seen_by_both_checks():
    wrong = sp.S.Half + sp.Rational(1, 10**30)
    checked = prove(with_last(he.half_of_normal, wrong)).steps[-1]
    assert (checked.symbolic, checked.digits) == (False, False)


def test_an_integral_is_a_number_of_its_own_without_the_rule_that_works_it_out():
    whole, upper = he.mean(z**2, Density(sp.Abs(z))), sp.Integral(z**2 * Density(z), (z, 0, sp.oo))
    for right, ok in ((whole, True), (upper, False)):
        assert (algebra.fault(whole, right, statement("=", whole)) is None) is ok
    assert prove(statement("=", whole, Step(2 * upper, integrate, "twice the half"))).ok
    assert not prove(statement("=", whole, Step(upper, integrate, "the half"))).ok
    with pytest.raises(ValueError, match="the line or its positive half"):
        integrals.merged(sp.Integral(z, (z, 0, 1)))


def test_the_density_that_stands_for_any_is_one():
    with mp.workdps(30):
        assert mp.almosteq(mp.quad(digits.FUNCTIONS[Density], [0, mp.inf]), 1)


def test_the_printed_reciprocal_is_no_difference():
    assert latex(sigmoid.forward.start) == r"\frac{1}{1 + e^{- Z}}"
    assert latex(da / sigmoid.u) == r"\frac{dA}{1 + e^{- Z}}"
