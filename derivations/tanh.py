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
