"""Transposed convolution: what conv2d does backward, as a forward pass; its own backward pass is a convolution.

X has P rows, as conv2d's output has; the output has H rows, which X and the stride leave open: it is given.
"""

import sympy as sp

from derivations.algebra.notation import N, tensors_of
from derivations.algebra.sums import delta, tap
from derivations.conv2d import D, o, r
from derivations.prover.claim import Claim, Step, WrongTwin
from derivations.prover.rules import contract, differentiate, slope
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
    padding,
    q,
    s,
    t,
    u,
    v,
    w,
    x,
    y,
)

DUMOULIN = "Dumoulin & Visin 2016, arXiv:1603.07285, §4"

tensor = tensors_of("conv_transpose")
X = tensor("X", C, P, Q, N, meaning="images: channels, rows, columns, examples")
W = tensor("W", C, D, I, J, meaning="kernels: channels, output channels, rows, columns")
bias = tensor("b", D, meaning="biases, one an output channel")
Y = tensor("Y", D, H, B, N, meaning="output: channels, rows, columns, examples")
dY = tensor("dY", D, H, B, N, meaning="gradient of the loss with respect to the output")

SHAPES = {"X": ("C", "P", "Q", "N"), "W": ("C", "D", "I", "J"), "dY": ("D", "H", "B", "N")}
SIZE = {"H": (), "B": ()}


def output(o: sp.Expr, h: sp.Expr, w: sp.Expr, t: sp.Expr) -> sp.Expr:
    """One output: every pixel of X whose window holds it, weighted by the tap that does; and a bias."""
    return over(X[k, p, q, t] * W[k, o, x, y] * looks(h, w, (p, q), (x, y)), k, p, q, x, y) + bias[o]


def change(part: sp.Expr) -> sp.Expr:
    """⟨dY, part⟩, where the part is written for channel r, place (i, j), example t."""
    return over(dY[r, i, j, t] * part, r, i, j, t)


forward = Claim(
    name="conv_transpose.forward",
    kind="definition",
    says="each pixel of X is spread over its window, by the kernel of its channel, and added up; and a bias",
    names=Y[o, h, w, s],
    start=output(o, h, w, s),
    shapes={"X": SHAPES["X"], "W": SHAPES["W"], "b": ("D", "1"), **SIZE, **MOVED, "": SHAPES["dY"]},
    source=DUMOULIN,
    uses=("conv2d.dX",),
)


def gradient(name: str, wrt: sp.Indexed, moved: sp.Expr, end: sp.Expr, says: str, *twins: WrongTwin) -> Claim:
    """The gradient with respect to X, W or b: moved is how an output (r, i, j, t) changes with it."""
    return Claim(
        name=f"conv_transpose.d{name}",
        kind="gradient",
        says=says,
        start=slope(change(output(r, i, j, t)), wrt),
        steps=(
            Step(change(moved), differentiate, because="an entry changes with itself only"),
            Step(end, contract, because="one entry remains"),
        ),
        shapes={"dY": SHAPES["dY"], "": ("D", "1")} if name == "b" else {**SHAPES, **MOVED, "": SHAPES[name]},
        source=DUMOULIN,
        of="conv_transpose.forward",
        wrt=name,
        uses=("conv_transpose.forward",),
        wrong_twins=twins,
    )


dX = gradient(
    "X",
    X[c, a, b, s],
    over(
        delta(k, c) * delta(p, a) * delta(q, b) * delta(t, s) * W[k, r, x, y] * looks(i, j, (p, q), (x, y)),
        k,
        p,
        q,
        x,
        y,
    ),
    over(dY[r, i, j, s] * W[c, r, x, y] * looks(i, j, (a, b), (x, y)), r, i, j, x, y),
    "a convolution of dY with the same kernels, not flipped, at the same stride",
    WrongTwin(
        over(dY[r, i, j, s] * W[c, r, x, y] * tap(i, a + x - padding) * tap(j, b + y - padding), r, i, j, x, y),
        "stride and dilation are forgotten in the backward pass",
    ),
)
dW = gradient(
    "W",
    W[c, o, u, v],
    over(
        delta(k, c) * delta(r, o) * delta(x, u) * delta(y, v) * X[k, p, q, t] * looks(i, j, (p, q), (x, y)),
        k,
        p,
        q,
        x,
        y,
    ),
    over(X[c, p, q, t] * dY[o, i, j, t] * looks(i, j, (p, q), (u, v)), p, q, i, j, t),
    "each weight gets the sum of each pixel of X times dY where that weight put it",
    WrongTwin(
        over(X[c, p, q, t] * dY[o, i, j, t] * looks(i, j, (p, q), (u, v)), p, q, i, j, t) / N,
        "the mean over the batch is taken a second time",
    ),
)
db = gradient(
    "b",
    bias[o],
    delta(r, o),
    over(dY[o, i, j, t], i, j, t),
    "each bias gets the sum of dY over all places and examples",
    WrongTwin(over(dY[o, i, j, t], i, j, t) / (H * B), "the mean over the places is taken"),
)
