"""Convolution of images as networks have it (cross-correlation), at any stride, padding and dilation, for all sizes."""

import sympy as sp

from derivations.algebra.notation import N, size, tensors_of
from derivations.algebra.sums import Index, delta, tap
from derivations.prover.claim import Claim, Step, WrongTwin
from derivations.prover.rules import algebra, contract, differentiate, linear, slope
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
    seen,
    t,
    u,
    v,
    w,
    x,
    y,
)

DUMOULIN = "Dumoulin & Visin 2016, arXiv:1603.07285, §2"

D = size("D", "channels of the output")
o, r = Index("o", D), Index("r", D)

tensor = tensors_of("conv2d")
X = tensor("X", C, H, B, N, meaning="images: channels, rows, columns, examples")
W = tensor("W", D, C, I, J, meaning="kernels: output channels, channels, rows, columns")
bias = tensor("b", D, meaning="biases, one an output channel")
Y = tensor("Y", D, P, Q, N, meaning="output: channels, rows, columns, examples")
dY = tensor("dY", D, P, Q, N, meaning="gradient of the loss with respect to the output")

SHAPES = {"X": ("C", "H", "B", "N"), "W": ("D", "C", "I", "J"), "dY": ("D", "P", "Q", "N")}


def output(
    o: sp.Expr, a: Index, b: Index, t: sp.Expr, weight: sp.Expr | None = None, pixel: sp.Expr | None = None
) -> sp.Expr:
    """One output: what a window sees, weighted. A weight or a pixel may stand in for those of tap (x, y), channel k."""
    weight = W[o, k, x, y] if weight is None else weight
    pixel = X[k, i, j, t] if pixel is None else pixel
    return over(weight * looks(i, j, (a, b), (x, y)) * pixel, k, x, y, i, j)


def change(part: sp.Expr) -> sp.Expr:
    """⟨dY, part⟩, where the part is written for channel r, place (p, q), example t."""
    return over(dY[r, p, q, t] * part, r, p, q, t)


whole = output(r, p, q, t) + bias[r]

forward = Claim(
    name="conv2d.forward",
    kind="definition",
    says="each output is the sum over a window of the image, weighted by the kernel of its channel; and a bias",
    names=Y[o, a, b, s],
    start=output(o, a, b, s) + bias[o],
    shapes={"X": SHAPES["X"], "W": SHAPES["W"], "b": ("D", "1"), **MOVED, "": SHAPES["dY"]},
    source=DUMOULIN,
)

by_tap = over(dY[o, p, q, t] * looks(i, j, (p, q), (u, v)) * X[c, i, j, t], p, q, t, i, j)
unmoved = tap(i, p + u - padding) * tap(j, q + v - padding)
flipped = tap(i, seen(p, I + 1 - u)) * tap(j, seen(q, J + 1 - v))

dW = Claim(
    name="conv2d.dW",
    kind="gradient",
    says="each weight gets the sum of dY times the pixel it saw, over all windows and examples",
    start=slope(change(whole), W[o, c, u, v]),
    steps=(
        Step(
            change(output(r, p, q, t, weight=slope(W[r, k, x, y], W[o, c, u, v]))),
            linear,
            because="dY, the images and b do not depend on W",
        ),
        Step(
            change(output(r, p, q, t, weight=delta(r, o) * delta(k, c) * delta(x, u) * delta(y, v))),
            differentiate,
            because="a weight changes with itself only",
        ),
        Step(by_tap, contract, because="one output channel, one channel and one tap remain"),
    ),
    shapes={**SHAPES, **MOVED, "": SHAPES["W"]},
    source=DUMOULIN,
    of="conv2d.forward",
    wrt="W",
    uses=("conv2d.forward",),
    wrong_twins=(
        WrongTwin(over(dY[o, p, q, t] * unmoved * X[c, i, j, t], p, q, t, i, j), "stride and dilation are forgotten"),
        WrongTwin(
            over(
                dY[o, p, q, t] * tap(i, seen(p, u) + padding) * tap(j, seen(q, v) + padding) * X[c, i, j, t],
                p,
                q,
                t,
                i,
                j,
            ),
            "the padding is forgotten",
        ),
        WrongTwin(over(dY[o, p, q, t] * flipped * X[c, i, j, t], p, q, t, i, j), "the gradient is flipped"),
        WrongTwin(by_tap / N, "the mean over the batch is taken a second time"),
    ),
)

db = Claim(
    name="conv2d.db",
    kind="gradient",
    says="each bias gets the sum of dY over all places and examples, as it is added at each",
    start=slope(change(whole), bias[o]),
    steps=(
        Step(change(delta(r, o)), differentiate, because="a bias changes with itself only"),
        Step(over(dY[o, p, q, t], p, q, t), contract, because="one output channel remains"),
    ),
    shapes={"dY": SHAPES["dY"], "": ("D", "1")},
    source=DUMOULIN,
    of="conv2d.forward",
    wrt="b",
    uses=("conv2d.forward",),
    wrong_twins=(
        WrongTwin(over(dY[o, p, q, t], p, q, t) / (P * Q), "the mean over the places is taken"),
        WrongTwin(over(dY[o, p, q, t], p, q, t) / N, "the mean over the batch is taken a second time"),
    ),
)

by_pixel = over(dY[r, p, q, s] * W[r, c, x, y] * looks(h, w, (p, q), (x, y)), r, p, q, x, y)

dX = Claim(
    name="conv2d.dX",
    kind="gradient",
    says="every output that saw a pixel passes dY back to it, by the weight it saw it with: a scattered sum",
    start=slope(change(whole), X[c, h, w, s]),
    steps=(
        Step(
            change(output(r, p, q, t, pixel=slope(X[k, i, j, t], X[c, h, w, s]))),
            linear,
            because="dY, W and b do not depend on the images",
        ),
        Step(
            change(output(r, p, q, t, pixel=delta(k, c) * delta(i, h) * delta(j, w) * delta(t, s))),
            differentiate,
            because="a pixel changes with itself only",
        ),
        Step(by_pixel, contract, because="one channel, one pixel and one example remain"),
    ),
    shapes={**SHAPES, **MOVED, "": SHAPES["X"]},
    source=DUMOULIN,
    of="conv2d.forward",
    wrt="X",
    uses=("conv2d.forward",),
    wrong_twins=(
        WrongTwin(
            over(dY[r, p, q, s] * W[r, c, x, y] * tap(h, p + x - padding) * tap(w, q + y - padding), r, p, q, x, y),
            "stride and dilation are forgotten in the backward pass",
        ),
        WrongTwin(
            over(
                dY[r, p, q, s] * W[r, c, x, y] * tap(h, seen(p, I + 1 - x)) * tap(w, seen(q, J + 1 - y)), r, p, q, x, y
            ),
            "the kernel is flipped once too often, or not at all",
        ),
        WrongTwin(
            lambda: over(dY[r, p, q, s] * W[c, r, x, y] * looks(h, w, (p, q), (x, y)), r, p, q, x, y),
            "the channels of the kernel are exchanged",
        ),
    ),
)

seen_by = over(W[r, k, x, y] * looks(i, j, (p, q), (x, y)) * X[k, i, j, t], k, x, y, i, j)
sent_back = over(dY[r, p, q, t] * W[r, k, x, y] * looks(i, j, (p, q), (x, y)), r, p, q, x, y)

adjoint = Claim(
    name="conv2d.adjoint",
    kind="lemma",
    says="without its bias it is a linear map of the image, and dX is its transpose: ⟨dY, conv X⟩ is ⟨dX, X⟩",
    start=change(seen_by),
    steps=(
        Step(
            over(sent_back * X[k, i, j, t], k, i, j, t),
            algebra,
            because="the sums are exchanged: the same products, added up pixel by pixel",
        ),
    ),
    source=DUMOULIN,
    uses=("conv2d.dX", "adjoint.linear"),
    wrong_twins=(WrongTwin(over(sent_back * X[k, i, j, t], k, i, j, t) / N, "the mean over the batch is taken"),),
)
