"""The leaky rectifier, entry by entry: Z above 0, and a small part κ of it below, so that no neuron is silenced."""

import sympy as sp

from derivations.algebra.notation import a, da, number, z
from derivations.prover.claim import Claim, Step, WrongTwin
from derivations.prover.rules import algebra, differentiate, slope

MAAS = "Maas, Hannun & Ng 2013, Rectifier nonlinearities improve neural network acoustic models, §2"

kappa = number("kappa", "the slope of a leaky rectifier below 0")
leaky = sp.Piecewise((z, z > 0), (kappa * z, True))

forward = Claim(
    name="leaky_relu.forward",
    kind="definition",
    says="the positive part, and a part of the negative one",
    names=a,
    start=sp.Max(0, z) - kappa * sp.Max(0, -z),
    steps=(Step(leaky, algebra, because="where Z > 0 the second maximum is 0, and elsewhere the first"),),
    shapes={"Z": ("n", "N"), "kappa": (), "": ("n", "N")},
    source=MAAS,
    wrong_twins=(
        WrongTwin(sp.Max(0, z), "the leak is forgotten"),
        WrongTwin(sp.Piecewise((z, z > 0), (-kappa * z, True)), "the leak has the wrong sign"),
    ),
)

dZ = Claim(
    name="leaky_relu.dZ",
    kind="gradient",
    says="where Z ≠ 0 the slope is 1 for Z > 0 and κ for Z < 0",
    start=da * slope(leaky, z),
    steps=(
        Step(
            sp.Piecewise((da, z > 0), (kappa * da, True)),
            differentiate,
            because="on either side of 0 the function is a line, of slope 1 or κ",
        ),
    ),
    shapes={"Z": ("n", "N"), "dA": ("n", "N"), "kappa": (), "": ("n", "N")},
    source=MAAS,
    of="leaky_relu.forward",
    wrt="Z",
    uses=("leaky_relu.forward",),
    given=(sp.Ne(z, 0),),
    wrong_twins=(
        WrongTwin(sp.Piecewise((da, z > 0), (0, True)), "the slope is that of the plain rectifier"),
        WrongTwin(sp.Piecewise((kappa * da, z > 0), (da, True)), "the two sides are exchanged"),
        WrongTwin(sp.Piecewise((da, z > 0), (kappa * z * da, True)), "the function stands where its slope should"),
    ),
)
