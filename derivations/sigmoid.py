"""The logistic sigmoid σ(Z) = 1 / (1 + exp(−Z)), entry by entry."""

import sympy as sp

from derivations.claim import Claim, Step, WrongTwin
from derivations.notation import a, da, z

GOODFELLOW = "Goodfellow, Bengio & Courville 2016, §3.10"
ENTRIES = {"Z": ("n", "N"), "": ("n", "N")}

sigma = 1 / (1 + sp.exp(-z))

forward = Claim(
    name="sigmoid.forward",
    kind="definition",
    says="the logistic function, which takes every number into (0, 1)",
    start=sigma,
    steps=(Step(sigma, because="definition"),),
    shapes=ENTRIES,
    source=GOODFELLOW,
)

dZ = Claim(
    name="sigmoid.dZ",
    kind="gradient",
    says="the slope of the sigmoid is A (1 − A), computed from its output A",
    start=da * sp.Derivative(sigma, z),
    steps=(
        Step(da * sp.exp(-z) / (1 + sp.exp(-z)) ** 2, because="the slope of 1/u is −u′/u², and u′ = −exp(−z)"),
        Step(da * sigma * (1 - sigma), because="exp(−z) / (1 + exp(−z)) is 1 − σ"),
        Step(a * (1 - a) * da, because="A is the output σ(z)"),
    ),
    shapes={"A": ("n", "N"), "dA": ("n", "N"), "": ("n", "N")},
    source=GOODFELLOW,
    of="sigmoid.forward",
    wrt="Z",
    uses=("sigmoid.forward",),
    where={a: sigma},
    wrong_twins=(
        WrongTwin(a * da, "the factor 1 − A is forgotten"),
        WrongTwin((1 - a**2) * da, "the slope is that of tanh"),
    ),
)

symmetry = Claim(
    name="sigmoid.symmetry",
    kind="lemma",
    says="σ(−z) = 1 − σ(z), which lets one exponential that never overflows serve both signs",
    start=1 / (1 + sp.exp(z)),
    steps=(
        Step(sp.exp(-z) / (sp.exp(-z) + 1), because="numerator and denominator times exp(−z)"),
        Step(1 - sigma, because="exp(−z) is the denominator less 1"),
    ),
    shapes={},
    source=GOODFELLOW,
    uses=("sigmoid.forward",),
    wrong_twins=(WrongTwin(-sigma, "the sigmoid is taken for an odd function"),),
)

slope_peak = Claim(
    name="sigmoid.slope_peak",
    kind="lemma",
    says="σ(1 − σ) = 1/4 − (σ − 1/2)²: the slope is at most 1/4, reached where σ is 1/2",
    start=sigma * (1 - sigma),
    steps=(Step(sp.Rational(1, 4) - (sigma - sp.S.Half) ** 2, because="complete the square in σ"),),
    shapes={},
    source=GOODFELLOW,
    uses=("sigmoid.dZ",),
    wrong_twins=(WrongTwin(sp.S.Half - (sigma - sp.S.Half) ** 2, "the peak is taken to be 1/2"),),
)
