"""Xavier initialisation: a variance between 1/n, which keeps the signal forward, and 1/m, which keeps gradients."""

import sympy as sp

from derivations.algebra.notation import m, n
from derivations.he import sigma, w
from derivations.prover.claim import Claim, Step, WrongTwin
from derivations.prover.rules import algebra, definition

GLOROT = "Glorot & Bengio 2010, AISTATS, §4.2.1"

scale = Claim(
    name="xavier.scale",
    kind="definition",
    says="the standard deviation of the initial weights of a layer from n neurons to m",
    names=sigma,
    start=sp.sqrt(2 / (n + m)),
    shapes={"n": (), "m": (), "": ()},
    source=GLOROT,
)

compromise = Claim(
    name="xavier.compromise",
    kind="lemma",
    says="the forward pass multiplies a variance by n w and the backward pass by m w: their mean is 1, and each is 1 "
    "only where n = m",
    start=(n * w + m * w) / 2,
    steps=(
        Step((n * 2 / (n + m) + m * 2 / (n + m)) / 2, definition, because="the variance is the square of the scale"),
        Step(sp.S.One, algebra, because="n and m over their sum"),
    ),
    where={w: sp.sqrt(2 / (n + m)) ** 2},
    source=GLOROT,
    uses=("xavier.scale", "he.keeps"),
    wrong_twins=(
        WrongTwin(n * w, "the forward pass alone is taken for both"),
        WrongTwin(sp.Integer(2), "a rectifier's 2 is put in, as in he.scale, where there is none"),
    ),
)
