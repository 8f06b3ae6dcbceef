"""The exponential linear unit, entry by entry: X above 0, and α (exp X − 1) below, which levels off at −α."""

import sympy as sp

from derivations.algebra.notation import number
from derivations.dropout import X as x
from derivations.dropout import Y as y
from derivations.dropout import dY as dy
from derivations.prover.claim import Claim, Step, WrongTwin
from derivations.prover.rules import algebra, differentiate, slope

CLEVERT = "Clevert, Unterthiner & Hochreiter 2016, arXiv:1511.07289, §3"

alpha = number("alpha", "how far below 0 the exponential part levels off, mostly 1", positive=True)
unit = sp.Piecewise((x, x > 0), (alpha * (sp.exp(x) - 1), True))

forward = Claim(
    name="elu.forward",
    kind="definition",
    says="a number above 0 as it is; below, the exponential less 1, times α",
    names=y,
    start=unit,
    steps=(
        Step(
            sp.Max(0, x) + alpha * (sp.exp(sp.Min(0, x)) - 1),
            algebra,
            because="the exponential of min(0, X) is 1 above 0, so that nothing overflows there",
        ),
    ),
    shapes={"X": ("n", "N"), "alpha": (), "": ("n", "N")},
    source=CLEVERT,
    wrong_twins=(
        WrongTwin(sp.Piecewise((x, x > 0), (alpha * sp.exp(x), True)), "the 1 is forgotten: it jumps at 0"),
        WrongTwin(sp.Piecewise((x, x > 0), (sp.exp(x) - 1, True)), "α is forgotten"),
    ),
)

dX = Claim(
    name="elu.dX",
    kind="gradient",
    says="the slope is 1 above 0 and α exp X below, which is A + α there",
    start=dy * slope(unit, x),
    steps=(
        Step(
            sp.Piecewise((dy, x > 0), (dy * alpha * sp.exp(x), True)),
            differentiate,
            because="on either side of 0 the function is a line or an exponential",
        ),
    ),
    shapes={"X": ("n", "N"), "dY": ("n", "N"), "alpha": (), "": ("n", "N")},
    source=CLEVERT,
    of="elu.forward",
    wrt="X",
    uses=("elu.forward",),
    given=(sp.Ne(x, 0),),
    wrong_twins=(
        WrongTwin(sp.Piecewise((dy, x > 0), (dy * sp.exp(x), True)), "α is forgotten in the slope"),
        WrongTwin(
            sp.Piecewise((dy, x > 0), (dy * alpha * (sp.exp(x) - 1), True)),
            "the function stands where its slope should",
        ),
        WrongTwin(sp.Piecewise((dy, x > 0), (0, True)), "the slope of ReLU"),
    ),
)
