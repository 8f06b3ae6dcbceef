"""The hyperbolic tangent, entry by entry."""

import sympy as sp

from derivations.algebra.notation import a, da, z
from derivations.prover.claim import Claim, Step, WrongTwin
from derivations.prover.limits import h
from derivations.prover.rules import algebra, definition, differentiate, leading_term, quotient_rule, slope

GOODFELLOW = "Goodfellow, Bengio & Courville 2016, §6.3.2"

u, v = sp.exp(z) - sp.exp(-z), sp.exp(z) + sp.exp(-z)

forward = Claim(
    name="tanh.forward",
    kind="definition",
    says="the hyperbolic tangent, as a quotient of exponentials",
    names=a,
    start=u / v,
    steps=(Step(sp.tanh(z), algebra, because="sinh Z and cosh Z are half the numerator and half the denominator"),),
    shapes={"Z": ("n", "N"), "": ("n", "N")},
    source=GOODFELLOW,
    wrong_twins=(WrongTwin(-sp.tanh(z), "the numerator is written the wrong way round"),),
)

one_exponential = Claim(
    name="tanh.one_exponential",
    kind="lemma",
    says="tanh Z = (exp 2Z − 1) / (exp 2Z + 1): one exponential is enough",
    start=u / v,
    steps=(Step((sp.exp(2 * z) - 1) / (sp.exp(2 * z) + 1), algebra, because="numerator and denominator times exp(Z)"),),
    source=GOODFELLOW,
    uses=("tanh.forward",),
    wrong_twins=(WrongTwin((sp.exp(z) - 1) / (sp.exp(z) + 1), "the factor 2 is forgotten: this is tanh(Z/2)"),),
)

dZ = Claim(
    name="tanh.dZ",
    kind="gradient",
    says="the slope of tanh is 1 − A², computed from its output A",
    start=da * slope(u / v, z),
    steps=(
        Step(da * (v * slope(u, z) - u * slope(v, z)) / v**2, quotient_rule(u, v, z), because="A is u over v"),
        Step(
            da * (v**2 - u**2) / v**2,
            differentiate,
            because="numerator and denominator are each other's slope",
        ),
        Step(da * (1 - (u / v) ** 2), algebra, because="divide term by term"),
        Step((1 - a**2) * da, definition, because="A is the output tanh Z"),
    ),
    shapes={"A": ("n", "N"), "dA": ("n", "N"), "": ("n", "N")},
    source=GOODFELLOW,
    of="tanh.forward",
    wrt="Z",
    uses=("tanh.forward",),
    where={a: u / v},
    wrong_twins=(
        WrongTwin((1 - a) * da, "the square is forgotten"),
        WrongTwin((1 + a**2) * da, "the slope is that of tan"),
        WrongTwin(a * (1 - a) * da, "the slope is that of the sigmoid"),
    ),
)

from_sigmoid = Claim(
    name="tanh.from_sigmoid",
    kind="lemma",
    says="tanh Z = 2 σ(2Z) − 1: the sigmoid, stretched from (0, 1) to (−1, 1)",
    start=2 / (1 + sp.exp(-2 * z)) - 1,
    steps=(
        Step((1 - sp.exp(-2 * z)) / (1 + sp.exp(-2 * z)), algebra, because="over the common denominator"),
        Step(u / v, algebra, because="numerator and denominator times exp(Z)"),
    ),
    source=GOODFELLOW,
    uses=("tanh.forward", "sigmoid.forward"),
    wrong_twins=(
        WrongTwin(sp.tanh(2 * z), "the factor 2 of the sigmoid's argument is kept"),
        WrongTwin((1 + sp.tanh(z)) / 2, "the stretching is left out: this is σ(2Z) itself"),
    ),
)

below_1 = Claim(
    name="tanh.below_1",
    kind="lemma",
    says="every value of tanh is below 1",
    start=1 - u / v,
    steps=(Step(2 * sp.exp(-z) / v, algebra, because="over the common denominator"),),
    relation=">",
    source=GOODFELLOW,
    uses=("tanh.forward",),
    wrong_twins=(WrongTwin(sp.S.Half, "the values are taken to lie below 1/2, as those of σ − 1/2 do"),),
)

above_minus_1 = Claim(
    name="tanh.above_minus_1",
    kind="lemma",
    says="every value of tanh is above −1",
    start=1 + u / v,
    steps=(Step(2 * sp.exp(z) / v, algebra, because="over the common denominator"),),
    relation=">",
    source=GOODFELLOW,
    uses=("tanh.forward",),
    wrong_twins=(WrongTwin(sp.S.One, "the values are taken to be positive, as those of the sigmoid are"),),
)

near_0 = Claim(
    name="tanh.near_0",
    kind="lemma",
    says="near 0 tanh is the identity: tanh h / h tends to 1",
    start=sp.tanh(h) / h,
    steps=(Step(sp.S.One, leading_term, because="tanh 0 is 0, and its slope there is 1 − 0²"),),
    relation="limit",
    source=GOODFELLOW,
    uses=("tanh.dZ",),
    wrong_twins=(WrongTwin(sp.Rational(1, 4), "the slope is that of the sigmoid"),),
)
