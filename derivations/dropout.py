"""Inverted dropout with its mask given: X ∘ M / (1 − rate). The backward pass has the same mask and the same scale."""

from derivations.algebra.notation import number
from derivations.prover.claim import Claim, Step, WrongTwin
from derivations.prover.rules import differentiate, slope

SRIVASTAVA = "Srivastava et al. 2014, Journal of Machine Learning Research 15, §10"

X = number("X", "one number of the layer's input")
M = number("mask", "its mask: 1 where it is kept, else 0")
Y = number("Y", "the output")
dY = number("dY", "gradient of the loss with respect to the output")
rate = number("rate", "the share that is dropped")

SHAPES = {"mask": ("n", "N"), "rate": (), "": ("n", "N")}

forward = Claim(
    name="dropout.forward",
    kind="definition",
    says="what is kept is divided by the share that is kept, so that the mean over masks is X",
    names=Y,
    start=X * M / (1 - rate),
    shapes={"X": ("n", "N"), **SHAPES},
    source=SRIVASTAVA,
)

dX = Claim(
    name="dropout.dX",
    kind="gradient",
    says="dY under the same mask, over the same share",
    start=dY * slope(X * M / (1 - rate), X),
    steps=(Step(dY * M / (1 - rate), differentiate, because="the output is a multiple of X"),),
    shapes={"mask": ("n", "N"), "dY": ("n", "N"), "rate": (), "": ("n", "N")},
    source=SRIVASTAVA,
    of="dropout.forward",
    wrt="X",
    uses=("dropout.forward",),
    wrong_twins=(
        WrongTwin(dY / (1 - rate), "the mask is forgotten, or drawn anew"),
        WrongTwin(dY * M, "the output is rescaled and the gradient is not"),
        WrongTwin(dY * M / rate, "the rate is taken for the share that is kept"),
    ),
)
