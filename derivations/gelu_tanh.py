"""GELU's tanh form, entry by entry: an approximation of X Φ(X) that is another function, with a slope of its own."""

import sympy as sp

from derivations.algebra.notation import N, i, n, s, tensors_of
from derivations.gelu import HENDRYCKS
from derivations.prover.claim import Claim, Step, WrongTwin
from derivations.prover.rules import definition, differentiate, product_rule, slope

tensor = tensors_of("gelu_tanh")
X = tensor("X", n, N, meaning="the layer's input, a column an example")
Y = tensor("Y", n, N, meaning="the output")
T = tensor("T", n, N, meaning="the tanh of each entry's cubic")
dY = tensor("dY", n, N, meaning="gradient of the loss with respect to the output")

x, y, t, dy = X[i, s], Y[i, s], T[i, s], dY[i, s]
cubic = sp.Rational(44715, 1000000)
inner = sp.sqrt(2 / sp.pi) * (x + cubic * x**3)
half = (1 + sp.tanh(inner)) / 2

forward = Claim(
    name="gelu_tanh.forward",
    kind="definition",
    says="half of a number times 1 and the tanh of a cubic in it",
    names=y,
    start=x * half,
    steps=(Step(x * (1 + t) / 2, definition, because="T is the tanh"),),
    where={t: sp.tanh(inner)},
    shapes={"X": ("n", "N"), "": ("n", "N")},
    source=HENDRYCKS,
    wrong_twins=(
        WrongTwin(x * (1 + sp.erf(x / sp.sqrt(2))) / 2, "the exact form is another function"),
        WrongTwin(x * (1 + sp.tanh(sp.sqrt(2 / sp.pi) * x)) / 2, "the cubic term is forgotten"),
    ),
)

dX = Claim(
    name="gelu_tanh.dX",
    kind="gradient",
    says="(1 + T)/2 + X/2 (1 − T²) times the slope of the cubic",
    start=dy * slope(x * half, x),
    steps=(
        Step(dy * (half * slope(x, x) + x * slope(half, x)), product_rule(x, half, x), because="Y is a product"),
        Step(
            dy * (half + x / 2 * (1 - sp.tanh(inner) ** 2) * sp.sqrt(2 / sp.pi) * (1 + 3 * cubic * x**2)),
            differentiate,
            because="tanh' is 1 − tanh², times the slope of what stands in it",
        ),
        Step(
            dy * ((1 + t) / 2 + x / 2 * (1 - t**2) * sp.sqrt(2 / sp.pi) * (1 + 3 * cubic * x**2)),
            definition,
            because="T is the tanh",
        ),
    ),
    where={t: sp.tanh(inner)},
    shapes={"X": ("n", "N"), "dY": ("n", "N"), "": ("n", "N")},
    source=HENDRYCKS,
    of="gelu_tanh.forward",
    wrt="X",
    uses=("gelu_tanh.forward",),
    wrong_twins=(
        WrongTwin(
            dy * ((1 + t) / 2 + x / 2 * (1 - t**2) * sp.sqrt(2 / sp.pi) * (1 + cubic * x**2)),
            "the 3 of the cubic is forgotten",
        ),
        WrongTwin(dy * ((1 + t) / 2 + x / 2 * (1 - t**2)), "the slope of what stands in the tanh is forgotten"),
    ),
)
