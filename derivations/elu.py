"""The exponential linear unit, entry by entry: Z above 0, and α (exp Z − 1) below, which levels off at −α."""

import sympy as sp

from derivations.algebra.notation import a, da, number, z
from derivations.prover.claim import Claim, Step, WrongTwin
from derivations.prover.rules import algebra, differentiate, slope

CLEVERT = "Clevert, Unterthiner & Hochreiter 2016, arXiv:1511.07289, §3"

alpha = number("alpha", "how far below 0 the exponential part levels off, mostly 1", positive=True)
unit = sp.Piecewise((z, z > 0), (alpha * (sp.exp(z) - 1), True))

forward = Claim(
    name="elu.forward",
    kind="definition",
    says="a number above 0 as it is; below, the exponential less 1, times α",
    names=a,
    start=unit,
    steps=(
        Step(
            sp.Max(0, z) + alpha * (sp.exp(sp.Min(0, z)) - 1),
            algebra,
            because="the exponential of min(0, Z) is 1 above 0, so that nothing overflows there",
        ),
    ),
    shapes={"Z": ("n", "N"), "alpha": (), "": ("n", "N")},
    source=CLEVERT,
    wrong_twins=(
        WrongTwin(sp.Piecewise((z, z > 0), (alpha * sp.exp(z), True)), "the 1 is forgotten: it jumps at 0"),
        WrongTwin(sp.Piecewise((z, z > 0), (sp.exp(z) - 1, True)), "α is forgotten"),
    ),
)

dZ = Claim(
    name="elu.dZ",
    kind="gradient",
    says="the slope is 1 above 0 and α exp Z below, which is A + α there",
    start=da * slope(unit, z),
    steps=(
        Step(
            sp.Piecewise((da, z > 0), (da * alpha * sp.exp(z), True)),
            differentiate,
            because="on either side of 0 the function is a line or an exponential",
        ),
    ),
    shapes={"Z": ("n", "N"), "dA": ("n", "N"), "alpha": (), "": ("n", "N")},
    source=CLEVERT,
    of="elu.forward",
    wrt="Z",
    uses=("elu.forward",),
    given=(sp.Ne(z, 0),),
    wrong_twins=(
        WrongTwin(sp.Piecewise((da, z > 0), (da * sp.exp(z), True)), "α is forgotten in the slope"),
        WrongTwin(
            sp.Piecewise((da, z > 0), (da * alpha * (sp.exp(z) - 1), True)),
            "the function stands where its slope should",
        ),
        WrongTwin(sp.Piecewise((da, z > 0), (0, True)), "the slope of ReLU"),
    ),
)
