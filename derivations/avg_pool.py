"""Mean pooling: the mean over each window, at any stride, padding and dilation; zeros around the image count."""

import sympy as sp

from derivations.algebra.notation import N, tensors_of
from derivations.algebra.sums import delta
from derivations.prover.claim import Claim, Step, WrongTwin
from derivations.prover.rules import contract, differentiate, linear, slope
from derivations.windows import (
    MOVED,
    B,
    C,
    H,
    I,
    J,
    P,
    Q,
    a,
    b,
    c,
    h,
    i,
    j,
    k,
    looks,
    over,
    p,
    q,
    s,
    t,
    w,
    x,
    y,
)

DUMOULIN = "Dumoulin & Visin 2016, arXiv:1603.07285, §3"

tensor = tensors_of("avg_pool")
X = tensor("X", C, H, B, N, meaning="images: channels, rows, columns, examples")
Y = tensor("Y", C, P, Q, N, meaning="the pooled images")
dY = tensor("dY", C, P, Q, N, meaning="gradient of the loss with respect to the output")

SHAPES = {"X": ("C", "H", "B", "N"), "dY": ("C", "P", "Q", "N")}
WINDOW = {"I": (), "J": (), **MOVED}


def output(pixel: sp.Expr) -> sp.Expr:
    """The mean over window (p, q) of the pixel, written for (i, j)."""
    return over(looks(i, j, (p, q), (x, y)) * pixel, x, y, i, j) / (I * J)


def change(part: sp.Expr) -> sp.Expr:
    """⟨dY, part⟩, where the part is written for channel k, place (p, q), example t."""
    return over(dY[k, p, q, t] * part, k, p, q, t)


forward = Claim(
    name="avg_pool.forward",
    kind="definition",
    says="each output is the mean of what a window sees, zeros around the image among it",
    names=Y[c, a, b, s],
    start=over(looks(i, j, (a, b), (x, y)) * X[c, i, j, s], x, y, i, j) / (I * J),
    shapes={"X": SHAPES["X"], **WINDOW, "": SHAPES["dY"]},
    source=DUMOULIN,
)

scattered = over(dY[c, p, q, s] * looks(h, w, (p, q), (x, y)), p, q, x, y)

dX = Claim(
    name="avg_pool.dX",
    kind="gradient",
    says="dY spread evenly over the window, and added up where windows overlap",
    start=slope(change(output(X[k, i, j, t])), X[c, h, w, s]),
    steps=(
        Step(change(output(slope(X[k, i, j, t], X[c, h, w, s]))), linear, because="dY does not depend on the images"),
        Step(
            change(output(delta(k, c) * delta(i, h) * delta(j, w) * delta(t, s))),
            differentiate,
            because="a pixel changes with itself only",
        ),
        Step(scattered / (I * J), contract, because="one channel, one pixel and one example remain"),
    ),
    shapes={**SHAPES, **WINDOW, "": SHAPES["X"]},
    source=DUMOULIN,
    of="avg_pool.forward",
    wrt="X",
    uses=("avg_pool.forward",),
    wrong_twins=(
        WrongTwin(scattered, "not divided by the number of pixels of a window"),
        WrongTwin(scattered / (P * Q), "divided by the number of outputs"),
        WrongTwin(
            over(dY[c, p, q, s] * looks(h, w, (p, q), (x, y)) * X[c, h, w, s], p, q, x, y) / (I * J),
            "the pixel is multiplied in",
        ),
    ),
)
