"""The rectifier max(0, Z), entry by entry: differentiable everywhere but at 0, where 0 is the convention."""

import sympy as sp

from derivations.algebra.notation import a, da, number, z
from derivations.prover.claim import Claim, Step, WrongTwin
from derivations.prover.limits import h
from derivations.prover.rules import algebra, condition, differentiate, leading_term, slope

GOODFELLOW = "Goodfellow, Bengio & Courville 2016, §6.3"
ROCKAFELLAR = "Rockafellar 1970, Convex Analysis, §23"

g = number("g", "slope of a line through the kink")

rectified = sp.Max(0, z)
mask = sp.Piecewise((da, z > 0), (0, True))
quotient = sp.Max(0, h) / h
"""(max(0, 0 + h) − max(0, 0)) / h."""

forward = Claim(
    name="relu.forward",
    kind="definition",
    says="the positive part",
    names=a,
    start=rectified,
    steps=(
        Step(sp.Piecewise((z, z > 0), (0, True)), algebra, because="the larger of 0 and Z is Z exactly when Z > 0"),
    ),
    shapes={"Z": ("n", "N"), "": ("n", "N")},
    source="Goodfellow, Bengio & Courville 2016, §6.3.1",
    wrong_twins=(WrongTwin(sp.Abs(z), "the negative part is kept, with its sign changed"),),
)

dZ = Claim(
    name="relu.dZ",
    kind="gradient",
    says="where Z ≠ 0 the slope is 1 for Z > 0 and 0 for Z < 0",
    start=da * slope(rectified, z),
    steps=(Step(mask, differentiate, because="on either side of 0 the function is a line, of slope 1 or 0"),),
    shapes={"Z": ("n", "N"), "dA": ("n", "N"), "": ("n", "N")},
    source=GOODFELLOW,
    of="relu.forward",
    wrt="Z",
    uses=("relu.forward",),
    given=(sp.Ne(z, 0),),
    wrong_twins=(
        WrongTwin(sp.Piecewise((da, z < 0), (0, True)), "the mask is inverted"),
        WrongTwin(da, "the mask is forgotten"),
        WrongTwin(sp.Max(0, z) * da, "the function stands where its slope should"),
    ),
)

convention = Claim(
    name="relu.convention",
    kind="lemma",
    says="at Z = 0, where there is no slope, the gradient is taken to be 0: the mask is Z > 0 and not Z ≥ 0",
    start=mask,
    steps=(Step(sp.S.Zero, condition, because="0 is not above 0"),),
    source=GOODFELLOW,
    uses=("relu.dZ", "relu.supports"),
    given=(sp.Eq(z, 0),),
    wrong_twins=(
        WrongTwin(da, "the mask is Z ≥ 0"),
        WrongTwin(da / 2, "the mean of the one-sided slopes is taken, as central differences do"),
    ),
)

right_quotient = Claim(
    name="relu.right_quotient",
    kind="lemma",
    says="to the right of 0 the difference quotient at 0 is 1",
    start=quotient,
    steps=(Step(sp.S.One, condition, because="for h > 0 the larger of 0 and h is h"),),
    source=GOODFELLOW,
    uses=("relu.forward",),
    given=(h > 0,),
    wrong_twins=(WrongTwin(sp.S.Half, "SymPy's slope at the kink"),),
)

left_quotient = Claim(
    name="relu.left_quotient",
    kind="lemma",
    says="to the left of 0 the difference quotient at 0 is 0, so that there is no slope at 0",
    start=quotient,
    steps=(Step(sp.S.Zero, condition, because="for h < 0 the larger of 0 and h is 0"),),
    source=GOODFELLOW,
    uses=("relu.right_quotient",),
    given=(h < 0,),
    wrong_twins=(WrongTwin(sp.S.One, "the quotient is taken to be the same on both sides"),),
)

right_slope = Claim(
    name="relu.right_slope",
    kind="lemma",
    says="the slope at 0 from the right is 1",
    start=quotient,
    steps=(Step(sp.S.One, leading_term, because="the quotient is 1 for every h > 0"),),
    relation="limit",
    source=GOODFELLOW,
    uses=("relu.right_quotient",),
    given=(h > 0,),
    wrong_twins=(WrongTwin(sp.S.Zero, "the slope is that from the left"),),
)

left_slope = Claim(
    name="relu.left_slope",
    kind="lemma",
    says="the slope at 0 from the left is 0",
    start=quotient,
    steps=(Step(sp.S.Zero, leading_term, because="the quotient is 0 for every h < 0"),),
    relation="limit",
    source=GOODFELLOW,
    uses=("relu.left_quotient",),
    given=(h < 0,),
    wrong_twins=(WrongTwin(sp.S.One, "the slope is that from the right"),),
)

central_quotient = Claim(
    name="relu.central_quotient",
    kind="lemma",
    says="central differences give 1/2 at the kink, whatever the step: no smaller step shows that there is a kink",
    start=(sp.Max(0, h) - sp.Max(0, -h)) / (2 * h),
    steps=(Step(sp.S.Half, condition, because="max(0, h) − max(0, −h) is h for either sign"),),
    source=GOODFELLOW,
    uses=("relu.forward",),
    given=(sp.Ne(h, 0),),
    wrong_twins=(WrongTwin(sp.S.Zero, "central differences are taken to give the convention"),),
)

supports = Claim(
    name="relu.supports",
    kind="lemma",
    says="a line of slope g from 0 to 1 through the kink lies nowhere above the rectifier: g is a subgradient at 0",
    start=rectified - g * z,
    steps=(
        Step(
            (1 - g) * sp.Max(0, z) + g * sp.Max(0, -z),
            algebra,
            because="Z is max(0, Z) − max(0, −Z)",
        ),
    ),
    relation="≥",
    source=ROCKAFELLAR,
    uses=("relu.forward",),
    given=(g >= 0, g <= 1),
    wrong_twins=(
        WrongTwin(z, "slopes g + 1 above 1 are allowed too"),
        WrongTwin(-z, "slopes g − 1 below 0 are allowed too"),
    ),
)

too_steep = Claim(
    name="relu.too_steep",
    kind="lemma",
    says="a line of slope g > 1 through the kink is above the rectifier to the right of 0: g is no subgradient",
    start=g * z - rectified,
    steps=(Step((g - 1) * z, condition, because="for Z > 0 the larger of 0 and Z is Z"),),
    relation=">",
    source=ROCKAFELLAR,
    uses=("relu.supports",),
    given=(z > 0, g > 1),
    wrong_twins=(WrongTwin(z, "slopes above 1 are taken to be slopes above 2"),),
)

falling = Claim(
    name="relu.falling",
    kind="lemma",
    says="a line of slope g < 0 through the kink is above the rectifier to the left of 0: g is no subgradient",
    start=g * z - rectified,
    steps=(Step(g * z, condition, because="for Z < 0 the larger of 0 and Z is 0"),),
    relation=">",
    source=ROCKAFELLAR,
    uses=("relu.supports",),
    given=(z < 0, g < 0),
    wrong_twins=(WrongTwin(-z, "slopes below 0 are taken to be slopes below −1"),),
)

not_negative = Claim(
    name="relu.not_negative",
    kind="lemma",
    says="no value of the rectifier is negative",
    start=rectified,
    relation="≥",
    source=GOODFELLOW,
    uses=("relu.forward",),
    wrong_twins=(WrongTwin(sp.Abs(z), "the rectifier is taken for the absolute value"),),
)

unbounded = Claim(
    name="relu.unbounded",
    kind="lemma",
    says="the rectifier is nowhere below Z, and so has no upper bound: it does not confine its output to an interval",
    start=rectified - z,
    steps=(Step(sp.Max(0, -z), algebra, because="subtract Z from both sides of the maximum"),),
    relation="≥",
    source=GOODFELLOW,
    uses=("relu.forward",),
    wrong_twins=(WrongTwin(-2 * z, "the rectifier is taken to be above −Z, as the absolute value is"),),
)
