"""The hinge loss max(0, 1 − U) of a margin U = y z, entry by entry: a kink at 1 and not at 0."""

import sympy as sp

from derivations.algebra.notation import number
from derivations.prover.claim import Claim, Step, WrongTwin
from derivations.prover.rules import algebra, differentiate, slope

CORTES = "Cortes & Vapnik 1995, Machine Learning 20, p. 273"

U = number("U", "the margin of one output: the output times its label, −1 or 1")
H = number("H", "its loss")
dH = number("dH", "gradient of the whole loss with respect to this one")

hinge = sp.Max(0, 1 - U)

forward = Claim(
    name="hinge.forward",
    kind="definition",
    says="what the margin falls short of 1",
    names=H,
    start=hinge,
    steps=(Step(sp.Piecewise((1 - U, U < 1), (0, True)), algebra, because="1 − U is positive exactly when U < 1"),),
    shapes={"U": ("n", "N"), "": ("n", "N")},
    source=CORTES,
    wrong_twins=(WrongTwin(sp.Max(0, -U), "any positive margin is taken to be enough, as by a perceptron"),),
)

dU = Claim(
    name="hinge.dU",
    kind="gradient",
    says="−1 where the margin falls short of 1, else 0",
    start=dH * slope(hinge, U),
    steps=(
        Step(sp.Piecewise((-dH, U < 1), (0, True)), differentiate, because="a line of slope −1 before 1, and 0 beyond"),
    ),
    shapes={"U": ("n", "N"), "dH": ("n", "N"), "": ("n", "N")},
    source=CORTES,
    of="hinge.forward",
    wrt="U",
    uses=("hinge.forward",),
    given=(sp.Ne(U, 1),),
    wrong_twins=(
        WrongTwin(-dH, "the mask is forgotten"),
        WrongTwin(sp.Piecewise((-dH, U < 0), (0, True)), "the mask is that of a perceptron: the kink is put at 0"),
        WrongTwin(sp.Piecewise((dH, U < 1), (0, True)), "the sign is flipped"),
    ),
)
