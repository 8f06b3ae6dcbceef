"""Slopes from values: the errors of difference quotients, and the step that makes the least of error and rounding.

L is the loss as one parameter x moves, as often differentiable as its error term says.
"""

import sympy as sp

from derivations.algebra.notation import number, x
from derivations.prover.claim import Claim, Step, WrongTwin
from derivations.prover.limits import L, h
from derivations.prover.rules import definition, leading_term

PRESS = "Press, Teukolsky, Vetterling & Flannery 2007, Numerical Recipes, §5.7"
SQUIRE = "Squire & Trapp 1998, Using complex variables to estimate derivatives of real functions, SIAM Review 40"

u = number("u", "unit roundoff")
size = number("ell", "size of the loss, |L|")
bend = number("M", "size of its third derivative, |L'''|")
best = number("h0", "the best step")


def derivative(order: int) -> sp.Derivative:
    """The derivative of L at x, of any order, as a question."""
    return sp.Derivative(L(x), *(x,) * order, evaluate=False)


def central_difference(h: sp.Expr) -> sp.Expr:
    """(L(x + h) − L(x − h)) / 2h."""
    return (L(x + h) - L(x - h)) / (2 * h)


def whole_error(h: sp.Expr) -> sp.Expr:
    """What rounding adds to a central difference of step h at most, and what truncation does."""
    return u * size / h + h**2 * bend / 6


def least(h: sp.Expr) -> sp.Expr:
    """How far the whole error at h is above that at the best step h0."""
    return whole_error(h) - whole_error(best)


forward = Claim(
    name="finite_differences.forward",
    kind="lemma",
    says="the forward difference is off by h/2 L'' to first order",
    start=(L(x + h) - L(x)) / h - derivative(1),
    steps=(Step(h / 2 * derivative(2), leading_term, because="L(x + h) = L + h L' + h²/2 L'' + …"),),
    relation="order",
    source=PRESS,
    wrong_twins=(
        WrongTwin(h * derivative(2), "the 1/2 of Taylor's theorem is forgotten"),
        WrongTwin(h**2 / 6 * derivative(3), "the error is that of central differences"),
    ),
)

central = Claim(
    name="finite_differences.central",
    kind="lemma",
    says="the central difference is off by h²/6 L''' to second order",
    start=central_difference(h) - derivative(1),
    steps=(Step(h**2 / 6 * derivative(3), leading_term, because="the even terms of L(x + h) − L(x − h) cancel"),),
    relation="order",
    source=PRESS,
    wrong_twins=(
        WrongTwin(h**2 / 3 * derivative(3), "the quotient is divided by h and not by 2h"),
        WrongTwin(-(h**2) / 6 * derivative(3), "the sign is that of the complex step"),
        WrongTwin(h / 2 * derivative(2), "the error is that of forward differences"),
    ),
)

gap = Claim(
    name="finite_differences.gap",
    kind="lemma",
    says="halving the step moves a central difference by h²/8 L''', three times the error that is then left: "
    "the gap between two steps is an error bar for the better one",
    start=central_difference(h) - central_difference(h / 2),
    steps=(Step(h**2 / 8 * derivative(3), leading_term, because="h²/6 − h²/24 is h²/8"),),
    relation="order",
    source=PRESS,
    uses=("finite_differences.central",),
    wrong_twins=(
        WrongTwin(h**2 / 24 * derivative(3), "the gap is taken for the error that is left"),
        WrongTwin(h**2 / 12 * derivative(3), "halving the step is taken to halve the error"),
    ),
)

richardson = Claim(
    name="finite_differences.richardson",
    kind="lemma",
    says="of two central differences, (4 D(h/2) − D(h)) / 3 is off by h⁴ only",
    start=(4 * central_difference(h / 2) - central_difference(h)) / 3 - derivative(1),
    steps=(
        Step(
            -(h**4) / 480 * derivative(5),
            leading_term,
            because="the weights 4/3 and −1/3 add up to 1 and cancel h²; h⁴/120 (4/16 − 1)/3 remains",
        ),
    ),
    relation="order",
    source=PRESS,
    uses=("finite_differences.central",),
    wrong_twins=(
        WrongTwin(h**4 / 120 * derivative(5), "the error is that of one central difference, at order four"),
        WrongTwin(h**4 / 480 * derivative(5), "the sign is flipped"),
    ),
)

complex_step = Claim(
    name="finite_differences.complex_step",
    kind="lemma",
    says="for an analytic loss, real on the real line, Im L(x + ih) / h is off by −h²/6 L''', and nothing cancels",
    start=sp.im(L(x + sp.I * h)) / h - derivative(1),
    steps=(
        Step(
            -(h**2) / 6 * derivative(3),
            leading_term,
            because="the imaginary part of L(x + ih) is h L' − h³/6 L''' + …",
        ),
    ),
    relation="order",
    source=SQUIRE,
    wrong_twins=(WrongTwin(h**2 / 6 * derivative(3), "the sign is that of the central difference"),),
)

best_step = Claim(
    name="finite_differences.best_step",
    kind="lemma",
    says="rounding u |L| / h and truncation h² |L'''| / 6 together are least at the step h0 = (3 u |L| / |L'''|)^(1/3)",
    start=least(h),
    steps=(
        Step(
            bend * (h - best) ** 2 * (h + 2 * best) / (6 * h),
            definition,
            because="u |L| is |L'''| h0³ / 3, and h³ − 3 h0² h + 2 h0³ = (h − h0)² (h + 2 h0)",
        ),
    ),
    relation="≥",
    source=PRESS,
    uses=("finite_differences.central",),
    given=(h > 0, u > 0, size > 0, bend > 0),
    where={best: sp.cbrt(3 * u * size / bend)},
    wrong_twins=(WrongTwin(bend * (h - best) ** 2, "the error is taken to rise as fast on the right as on the left"),),
)

least_error = Claim(
    name="finite_differences.least_error",
    kind="lemma",
    says="at the best step the error is half of |L'''| h0², so that 2/3 of the digits of L are left",
    start=whole_error(best),
    steps=(
        Step(bend * best**2 / 2, definition, because="rounding gives |L'''| h0²/3, truncation |L'''| h0²/6"),
        Step(
            sp.cbrt(9 * bend) * sp.cbrt(u * size) ** 2 / 2,
            definition,
            because="h0 is (3 u |L| / |L'''|)^(1/3)",
        ),
    ),
    source=PRESS,
    uses=("finite_differences.best_step",),
    given=(bend > 0,),
    where={best: sp.cbrt(3 * u * size / bend)},
    wrong_twins=(
        WrongTwin(bend * best**2 / 3, "only rounding is counted"),
        WrongTwin(sp.sqrt(2 * u * size * bend), "the error is that of forward differences"),
    ),
)
