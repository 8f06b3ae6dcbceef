"""SiLU, also called swish, entry by entry: Z times the sigmoid of Z."""

import sympy as sp

from derivations.algebra.notation import a, da, number, z
from derivations.prover.claim import Claim, Step, WrongTwin
from derivations.prover.rules import algebra, definition, differentiate, product_rule, slope
from derivations.sigmoid import sigma

ELFWING = "Elfwing, Uchibe & Doya 2018, Sigmoid-weighted linear units, §2.1"

S = number("S", "the sigmoid of a weighted sum")

forward = Claim(
    name="silu.forward",
    kind="definition",
    says="a weighted sum times its own sigmoid",
    names=a,
    start=z * sigma,
    steps=(
        Step(z * (1 + sp.tanh(z / 2)) / 2, algebra, because="the sigmoid is tanh(Z/2), moved from (−1, 1) to (0, 1)"),
    ),
    shapes={"Z": ("n", "N"), "": ("n", "N")},
    source=ELFWING,
    uses=("sigmoid.forward",),
    wrong_twins=(
        WrongTwin(z / (1 + sp.exp(z)), "the sign in the exponential is lost"),
        WrongTwin(sigma, "the factor Z is forgotten: this is the sigmoid itself"),
    ),
)

dZ = Claim(
    name="silu.dZ",
    kind="gradient",
    says="the slope of Z σ(Z) is σ(Z) (1 + Z (1 − σ(Z))): no function of the output, and negative below −1.28",
    start=da * slope(z * sigma, z),
    steps=(
        Step(da * (sigma * slope(z, z) + z * slope(sigma, z)), product_rule(z, sigma, z), because="A is a product"),
        Step(
            da * (sigma + z * sp.exp(-z) / (1 + sp.exp(-z)) ** 2),
            differentiate,
            because="the slope of Z is 1, and that of 1 over 1 + exp(−Z) by the chain rule",
        ),
        Step(da * (sigma + z * sigma * (1 - sigma)), algebra, because="exp(−Z) / (1 + exp(−Z)) is 1 − σ"),
        Step(da * S * (1 + z * (1 - S)), definition, because="σ is a factor of both terms"),
    ),
    shapes={"Z": ("n", "N"), "dA": ("n", "N"), "": ("n", "N")},
    source=ELFWING,
    of="silu.forward",
    wrt="Z",
    uses=("silu.forward", "sigmoid.dZ"),
    where={S: sigma},
    wrong_twins=(
        WrongTwin(da * S, "the product rule is forgotten: Z is taken for a constant factor"),
        WrongTwin(da * S * (1 - S), "the slope is that of the sigmoid"),
        WrongTwin(da * S * (1 + z * S), "σ stands for 1 − σ"),
        WrongTwin(da * z * S * (1 - S), "the first term of the product rule is forgotten"),
    ),
)
