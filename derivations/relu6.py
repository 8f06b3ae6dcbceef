"""ReLU6, entry by entry: the positive part, cut off at 6. It has two kinks, and the slope 0 at both by convention."""

import sympy as sp

from derivations.dropout import X as x
from derivations.dropout import Y as y
from derivations.dropout import dY as dy
from derivations.prover.claim import Claim, Step, WrongTwin
from derivations.prover.rules import algebra, differentiate, slope

KRIZHEVSKY = "Krizhevsky 2010, Convolutional deep belief networks on CIFAR-10, §2.2"

cut = sp.Min(6, sp.Max(0, x))

forward = Claim(
    name="relu6.forward",
    kind="definition",
    says="the positive part, and no more than 6",
    names=y,
    start=cut,
    steps=(
        Step(
            sp.Piecewise((0, x < 0), (6, x > 6), (x, True)),
            algebra,
            because="below 0 the larger is 0, and above 6 the smaller is 6",
        ),
    ),
    shapes={"X": ("n", "N"), "": ("n", "N")},
    source=KRIZHEVSKY,
    wrong_twins=(
        WrongTwin(sp.Max(0, x), "nothing is cut off at 6"),
        WrongTwin(sp.Min(6, x), "nothing is cut off at 0"),
    ),
)

dX = Claim(
    name="relu6.dX",
    kind="gradient",
    says="the slope is 1 between 0 and 6, and 0 beyond",
    start=dy * slope(cut, x),
    steps=(
        Step(
            sp.Piecewise((dy, (x > 0) & (x < 6)), (0, True)),
            differentiate,
            because="between the kinks the function is a line, of slope 0, 1 and 0",
        ),
    ),
    shapes={"X": ("n", "N"), "dY": ("n", "N"), "": ("n", "N")},
    source=KRIZHEVSKY,
    of="relu6.forward",
    wrt="X",
    uses=("relu6.forward",),
    given=(sp.Ne(x, 0), sp.Ne(x, 6)),
    wrong_twins=(
        WrongTwin(
            sp.Piecewise((dy, x > 0), (0, True)), "the slope of ReLU: what was cut off at 6 goes back all the same"
        ),
        WrongTwin(dy * cut, "the function stands where its slope should"),
    ),
)
