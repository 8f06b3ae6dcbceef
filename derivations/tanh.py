"""The hyperbolic tangent, entry by entry."""

import sympy as sp

from derivations.claim import Claim, Step, WrongTwin
from derivations.notation import a, da, z

GOODFELLOW = "Goodfellow, Bengio & Courville 2016, §6.3.2"

quotient = (sp.exp(z) - sp.exp(-z)) / (sp.exp(z) + sp.exp(-z))

forward = Claim(
    name="tanh.forward",
    kind="definition",
    says="the quotient of exponentials that the article writes is the hyperbolic tangent",
    start=quotient,
    steps=(Step(sp.tanh(z), because="definition of sinh and cosh"),),
    shapes={"Z": ("n", "N"), "": ("n", "N")},
    source=GOODFELLOW,
    wrong_twins=(WrongTwin(-sp.tanh(z), "numerator written the wrong way round"),),
)

dZ = Claim(
    name="tanh.dZ",
    kind="gradient",
    says="the slope of tanh is 1 − A², computed from its output A",
    start=da * sp.Derivative(quotient, z),
    steps=(
        Step(
            da * ((sp.exp(z) + sp.exp(-z)) ** 2 - (sp.exp(z) - sp.exp(-z)) ** 2) / (sp.exp(z) + sp.exp(-z)) ** 2,
            because="quotient rule: numerator and denominator are each other's derivative",
        ),
        Step(da * (1 - quotient**2), because="divide term by term"),
        Step((1 - a**2) * da, because="A is the output tanh z"),
    ),
    shapes={"A": ("n", "N"), "dA": ("n", "N"), "": ("n", "N")},
    source=GOODFELLOW,
    of="tanh.forward",
    wrt="Z",
    uses=("tanh.forward",),
    where={a: quotient},
    wrong_twins=(
        WrongTwin((1 - a) * da, "the square is forgotten"),
        WrongTwin(a * (1 - a) * da, "the slope is that of the sigmoid"),
    ),
)

from_sigmoid = Claim(
    name="tanh.from_sigmoid",
    kind="lemma",
    says="tanh z = 2 σ(2z) − 1: the sigmoid, stretched from (0, 1) to (−1, 1)",
    start=2 / (1 + sp.exp(-2 * z)) - 1,
    steps=(
        Step((1 - sp.exp(-2 * z)) / (1 + sp.exp(-2 * z)), because="over the common denominator"),
        Step(quotient, because="numerator and denominator times exp(z)"),
        Step(sp.tanh(z), because="definition of sinh and cosh"),
    ),
    shapes={},
    source=GOODFELLOW,
    uses=("tanh.forward", "sigmoid.forward"),
    wrong_twins=(
        WrongTwin(sp.tanh(2 * z), "the factor 2 of the sigmoid’s argument is kept"),
        WrongTwin((1 + sp.tanh(z)) / 2, "the stretching is left out: this is σ(2z) itself"),
    ),
)
