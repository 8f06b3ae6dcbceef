"""GELU's tanh form, entry by entry: an approximation of Z Φ(Z) that is another function, with a slope of its own."""

import sympy as sp

from derivations.algebra.notation import a, da, number, z
from derivations.gelu import HENDRYCKS
from derivations.prover.claim import Claim, Step, WrongTwin
from derivations.prover.rules import definition, differentiate, product_rule, slope

T = number("T", "the tanh of a cubic in a weighted sum")

cubic = sp.Rational(44715, 1000000)
inner = sp.sqrt(2 / sp.pi) * (z + cubic * z**3)
half = (1 + sp.tanh(inner)) / 2

forward = Claim(
    name="gelu_tanh.forward",
    kind="definition",
    says="half of a number times 1 and the tanh of a cubic in it",
    names=a,
    start=z * half,
    steps=(Step(z * (1 + T) / 2, definition, because="T is the tanh"),),
    where={T: sp.tanh(inner)},
    shapes={"Z": ("n", "N"), "": ("n", "N")},
    source=HENDRYCKS,
    wrong_twins=(
        WrongTwin(z * (1 + sp.erf(z / sp.sqrt(2))) / 2, "the exact form is another function"),
        WrongTwin(z * (1 + sp.tanh(sp.sqrt(2 / sp.pi) * z)) / 2, "the cubic term is forgotten"),
    ),
)

dZ = Claim(
    name="gelu_tanh.dZ",
    kind="gradient",
    says="(1 + T)/2 + Z/2 (1 − T²) times the slope of the cubic",
    start=da * slope(z * half, z),
    steps=(
        Step(da * (half * slope(z, z) + z * slope(half, z)), product_rule(z, half, z), because="A is a product"),
        Step(
            da * (half + z / 2 * (1 - sp.tanh(inner) ** 2) * sp.sqrt(2 / sp.pi) * (1 + 3 * cubic * z**2)),
            differentiate,
            because="tanh' is 1 − tanh², times the slope of what stands in it",
        ),
        Step(
            da * ((1 + T) / 2 + z / 2 * (1 - T**2) * sp.sqrt(2 / sp.pi) * (1 + 3 * cubic * z**2)),
            definition,
            because="T is the tanh",
        ),
    ),
    where={T: sp.tanh(inner)},
    shapes={"Z": ("n", "N"), "dA": ("n", "N"), "": ("n", "N")},
    source=HENDRYCKS,
    of="gelu_tanh.forward",
    wrt="Z",
    uses=("gelu_tanh.forward",),
    wrong_twins=(
        WrongTwin(
            da * ((1 + T) / 2 + z / 2 * (1 - T**2) * sp.sqrt(2 / sp.pi) * (1 + cubic * z**2)),
            "the 3 of the cubic is forgotten",
        ),
        WrongTwin(da * ((1 + T) / 2 + z / 2 * (1 - T**2)), "the slope of what stands in the tanh is forgotten"),
    ),
)
