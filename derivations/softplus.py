"""Softplus log(1 + exp Z), entry by entry: a rectifier without a kink, whose slope is the sigmoid."""

import sympy as sp

from derivations.algebra.notation import a, da, z
from derivations.prover.claim import Claim, Step, WrongTwin
from derivations.prover.rules import algebra, differentiate, slope
from derivations.sigmoid import sigma

DUGAS = "Dugas, Bengio, Bélisle, Nadeau & Garcia 2001, Incorporating second-order functional knowledge, §3"

softplus = sp.log(1 + sp.exp(z))

forward = Claim(
    name="softplus.forward",
    kind="definition",
    says="log(1 + exp Z), which is max(0, Z) and a part that cannot overflow",
    names=a,
    start=softplus,
    steps=(
        Step(
            sp.Max(0, z) + sp.log(1 + sp.exp(-sp.Abs(z))),
            algebra,
            because="where Z > 0, exp Z is taken out of the logarithm",
        ),
    ),
    shapes={"Z": ("n", "N"), "": ("n", "N")},
    source=DUGAS,
    wrong_twins=(
        WrongTwin(sp.Max(0, z) + sp.log(1 + sp.exp(-z)), "the absolute value is forgotten"),
        WrongTwin(sp.Max(0, z) + sp.log(1 + sp.exp(sp.Abs(z))), "the sign before the absolute value is lost"),
    ),
)

dZ = Claim(
    name="softplus.dZ",
    kind="gradient",
    says="the slope of softplus is the sigmoid of Z",
    start=da * slope(softplus, z),
    steps=(
        Step(da * sp.exp(z) / (1 + sp.exp(z)), differentiate, because="the slope of 1 + exp Z is exp Z"),
        Step(da * sigma, algebra, because="numerator and denominator times exp(−Z)"),
    ),
    shapes={"Z": ("n", "N"), "dA": ("n", "N"), "": ("n", "N")},
    source=DUGAS,
    of="softplus.forward",
    wrt="Z",
    uses=("softplus.forward", "sigmoid.forward"),
    wrong_twins=(
        WrongTwin(da * softplus, "the function stands where its slope should"),
        WrongTwin(da * sp.exp(z), "the inner slope is taken without the quotient"),
        WrongTwin(da * (1 - sigma), "the sign of Z is lost: this is σ(−Z)"),
        WrongTwin(da * sigma * (1 - sigma), "the slope is that of the sigmoid"),
    ),
)
