"""Flattening: the pixels of each image as one column, channel by channel, row by row; backward, each to its place."""

import sympy as sp

from derivations.algebra.notation import N, tensors_of
from derivations.algebra.sums import Index, delta, tap
from derivations.prover.claim import Claim, Step, WrongTwin
from derivations.prover.rules import contract, differentiate, slope
from derivations.windows import B, C, H, c, h, i, j, k, over, s, t, w

GOODFELLOW = "Goodfellow, Bengio & Courville 2016, §9.1"

f, g = Index("f", C * H * B), Index("g", C * H * B)

tensor = tensors_of("flatten")
X = tensor("X", C, H, B, N, meaning="images: channels, rows, columns, examples")
Y = tensor("Y", C * H * B, N, meaning="the pixels of each image, a column an example")
dY = tensor("dY", C * H * B, N, meaning="gradient of the loss with respect to the output")

IMAGES, COLUMNS = ("C", "H", "B", "N"), ("B*C*H", "N")


def place(c: Index, h: Index, w: Index) -> sp.Expr:
    """Where pixel (h, w) of channel c stands in the column."""
    return sp.expand(((c - 1) * H + h - 1) * B + w)


forward = Claim(
    name="flatten.forward",
    kind="definition",
    says="the pixels of an image one after the other: all of a channel, row by row, then the next channel",
    names=Y[f, s],
    start=over(tap(f, place(k, i, j)) * X[k, i, j, s], k, i, j),
    shapes={"X": IMAGES, "": COLUMNS},
    source=GOODFELLOW,
)

dX = Claim(
    name="flatten.dX",
    kind="gradient",
    says="each pixel gets the gradient of its place in the column: nothing is added up, and nothing lost",
    start=slope(over(dY[g, t] * tap(g, place(k, i, j)) * X[k, i, j, t], g, t, k, i, j), X[c, h, w, s]),
    steps=(
        Step(
            over(
                dY[g, t] * tap(g, place(k, i, j)) * delta(k, c) * delta(i, h) * delta(j, w) * delta(t, s),
                g,
                t,
                k,
                i,
                j,
            ),
            differentiate,
            because="a pixel changes with itself only",
        ),
        Step(dY[place(c, h, w), s], contract, because="one pixel of one example remains, and it has one place"),
    ),
    shapes={"X": IMAGES, "dY": COLUMNS, "": IMAGES},
    source=GOODFELLOW,
    of="flatten.forward",
    wrt="X",
    uses=("flatten.forward",),
    wrong_twins=(
        WrongTwin(dY[((h - 1) * B + w - 1) * C + c, s], "the column is read as if the channels came last"),
        WrongTwin(dY[((c - 1) * B + w - 1) * H + h, s], "the column is read column by column, not row by row"),
    ),
)
