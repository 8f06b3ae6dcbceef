"""ReLU6, entry by entry: the positive part, cut off at 6. It has two kinks, and the slope 0 at both by convention."""

import sympy as sp

from derivations.algebra.notation import a, da, z
from derivations.prover.claim import Claim, Step, WrongTwin
from derivations.prover.rules import algebra, differentiate, slope

KRIZHEVSKY = "Krizhevsky 2010, Convolutional deep belief networks on CIFAR-10, §2.2"

cut = sp.Min(6, sp.Max(0, z))

forward = Claim(
    name="relu6.forward",
    kind="definition",
    says="the positive part, and no more than 6",
    names=a,
    start=cut,
    steps=(
        Step(
            sp.Piecewise((0, z < 0), (6, z > 6), (z, True)),
            algebra,
            because="below 0 the larger is 0, and above 6 the smaller is 6",
        ),
    ),
    shapes={"Z": ("n", "N"), "": ("n", "N")},
    source=KRIZHEVSKY,
    wrong_twins=(
        WrongTwin(sp.Max(0, z), "nothing is cut off at 6"),
        WrongTwin(sp.Min(6, z), "nothing is cut off at 0"),
    ),
)

dZ = Claim(
    name="relu6.dZ",
    kind="gradient",
    says="the slope is 1 between 0 and 6, and 0 beyond",
    start=da * slope(cut, z),
    steps=(
        Step(
            sp.Piecewise((da, (z > 0) & (z < 6)), (0, True)),
            differentiate,
            because="between the kinks the function is a line, of slope 0, 1 and 0",
        ),
    ),
    shapes={"Z": ("n", "N"), "dA": ("n", "N"), "": ("n", "N")},
    source=KRIZHEVSKY,
    of="relu6.forward",
    wrt="Z",
    uses=("relu6.forward",),
    given=(sp.Ne(z, 0), sp.Ne(z, 6)),
    wrong_twins=(
        WrongTwin(
            sp.Piecewise((da, z > 0), (0, True)), "the slope of ReLU: what was cut off at 6 goes back all the same"
        ),
        WrongTwin(da * cut, "the function stands where its slope should"),
    ),
)
