"""The rectifier max(0, Z), entry by entry: differentiable everywhere but at 0, where 0 is the convention."""

import sympy as sp

from derivations.claim import Claim, Step, WrongTwin
from derivations.notation import da, z

GOODFELLOW = "Goodfellow, Bengio & Courville 2016, §6.3"

rectified = sp.Max(0, z)

forward = Claim(
    name="relu.forward",
    kind="definition",
    says="the positive part",
    start=rectified,
    steps=(Step(sp.Piecewise((z, z > 0), (0, True)), because="the larger of 0 and z is z exactly when z > 0"),),
    shapes={"Z": ("n", "N"), "": ("n", "N")},
    source="Goodfellow, Bengio & Courville 2016, §6.3.1",
    wrong_twins=(WrongTwin(sp.Abs(z), "the negative part is kept, with its sign changed"),),
)

dZ = Claim(
    name="relu.dZ",
    kind="gradient",
    says="where z ≠ 0 the slope is 1 for z > 0 and 0 for z < 0; at 0 there is none, and 0 is chosen",
    start=da * sp.Derivative(rectified, z),
    steps=(
        Step(
            sp.Piecewise((da, z > 0), (0, True)),
            because="on either side of 0 the function is linear, with slope 1 or 0",
        ),
    ),
    shapes={"Z": ("n", "N"), "dA": ("n", "N"), "": ("n", "N")},
    source=GOODFELLOW,
    of="relu.forward",
    wrt="Z",
    uses=("relu.forward",),
    given=(sp.Ne(z, 0),),
    wrong_twins=(
        WrongTwin(sp.Piecewise((da, z < 0), (0, True)), "the mask is inverted"),
        WrongTwin(da + 0 * z, "the mask is forgotten"),
        WrongTwin(sp.Max(0, z) * da, "the function stands where its slope should"),
    ),
)
