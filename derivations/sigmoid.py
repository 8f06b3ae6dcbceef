"""The logistic sigmoid σ(Z) = 1 / (1 + exp(−Z)), entry by entry."""

import sympy as sp

from derivations.algebra.notation import a, da, z
from derivations.prover.claim import Claim, Step, WrongTwin
from derivations.prover.rules import algebra, definition, differentiate, quotient_rule, slope

GOODFELLOW = "Goodfellow, Bengio & Courville 2016, §3.10"

one = sp.S.One
u = 1 + sp.exp(-z)
sigma = 1 / u

forward = Claim(
    name="sigmoid.forward",
    kind="definition",
    says="the logistic function",
    names=a,
    start=sigma,
    shapes={"Z": ("n", "N"), "": ("n", "N")},
    source=GOODFELLOW,
)

dZ = Claim(
    name="sigmoid.dZ",
    kind="gradient",
    says="the slope of the sigmoid is A (1 − A), computed from its output A",
    start=da * slope(sigma, z),
    steps=(
        Step(
            da * (u * slope(one, z) - slope(u, z)) / u**2,
            quotient_rule(one, u, z),
            because="σ is 1 over 1 + exp(−Z)",
        ),
        Step(da * sp.exp(-z) / u**2, differentiate, because="1 has the slope 0, and exp(−Z) the slope −exp(−Z)"),
        Step(da * sigma * (1 - sigma), algebra, because="exp(−Z) / (1 + exp(−Z)) is 1 − σ"),
        Step(a * (1 - a) * da, definition, because="A is the output σ(Z)"),
    ),
    shapes={"A": ("n", "N"), "dA": ("n", "N"), "": ("n", "N")},
    source=GOODFELLOW,
    of="sigmoid.forward",
    wrt="Z",
    uses=("sigmoid.forward",),
    where={a: sigma},
    wrong_twins=(
        WrongTwin(a * da, "the factor 1 − A is forgotten"),
        WrongTwin(-a * (1 - a) * da, "the inner slope of exp(−Z) is forgotten"),
        WrongTwin((1 - a**2) * da, "the slope is that of tanh"),
    ),
)

symmetry = Claim(
    name="sigmoid.symmetry",
    kind="lemma",
    says="σ(−Z) = 1 − σ(Z)",
    start=1 / (1 + sp.exp(z)),
    steps=(
        Step(sp.exp(-z) / (sp.exp(-z) + 1), algebra, because="numerator and denominator times exp(−Z)"),
        Step(1 - sigma, algebra, because="exp(−Z) is the denominator less 1"),
    ),
    source=GOODFELLOW,
    uses=("sigmoid.forward",),
    wrong_twins=(WrongTwin(-sigma, "the sigmoid is taken for an odd function"),),
)

stable = Claim(
    name="sigmoid.stable",
    kind="lemma",
    says="for Z < 0 the sigmoid is E / (1 + E) with E = exp(−|Z|), which is at most 1 and cannot overflow",
    start=sp.Piecewise((1, z >= 0), (sp.exp(-sp.Abs(z)), True)) / (1 + sp.exp(-sp.Abs(z))),
    steps=(
        Step(
            sp.Piecewise((1 / (1 + sp.exp(-z)), z >= 0), (sp.exp(z) / (1 + sp.exp(z)), True)),
            algebra,
            because="|Z| is Z or −Z",
        ),
        Step(sigma, algebra, because="below 0, numerator and denominator times exp(−Z)"),
    ),
    source="Goodfellow, Bengio & Courville 2016, §4.1",
    uses=("sigmoid.forward", "sigmoid.symmetry"),
    wrong_twins=(
        WrongTwin(1 / (1 + sp.exp(-sp.Abs(z))), "the numerator is 1 for both signs"),
        WrongTwin(1 - sigma, "the two cases are exchanged"),
    ),
)

slope_peak = Claim(
    name="sigmoid.slope_peak",
    kind="lemma",
    says="the slope A (1 − A) is at most 1/4, which it reaches where A is 1/2",
    start=sp.Rational(1, 4) - a * (1 - a),
    steps=(Step((a - sp.S.Half) ** 2, algebra, because="complete the square in A"),),
    relation="≥",
    source=GOODFELLOW,
    uses=("sigmoid.dZ",),
    where={a: sigma},
    wrong_twins=(WrongTwin(sp.Rational(1, 20), "the peak is taken to be 1/5"),),
)

above_0 = Claim(
    name="sigmoid.above_0",
    kind="lemma",
    says="every value of the sigmoid is positive",
    start=sigma,
    relation=">",
    source=GOODFELLOW,
    uses=("sigmoid.forward",),
    wrong_twins=(WrongTwin(sp.Rational(1, 4), "the values are taken to lie around 1/2"),),
)

below_1 = Claim(
    name="sigmoid.below_1",
    kind="lemma",
    says="every value of the sigmoid is below 1",
    start=1 - sigma,
    steps=(Step(1 / (1 + sp.exp(z)), algebra, because="1 − σ(Z) is σ(−Z)"),),
    relation=">",
    source=GOODFELLOW,
    uses=("sigmoid.symmetry",),
    wrong_twins=(WrongTwin(sp.Rational(1, 4), "the values are taken to lie around 1/2"),),
)
