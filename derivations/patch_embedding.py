"""Patches as positions: each patch of an image times one matrix, and what is learnt for its position, for all sizes."""

import sympy as sp

from derivations.algebra.notation import N, tensors_of
from derivations.algebra.sums import Index, delta, tap
from derivations.conv2d import D, o, r
from derivations.prover.claim import Claim, Step, WrongTwin
from derivations.prover.rules import contract, differentiate, linear, slope
from derivations.windows import C, I, J, P, Q, a, b, c, k, over, p, q, s, t, u, v, x, y

DOSOVITSKIY = "Dosovitskiy et al. 2021, arXiv:2010.11929, §3.1"

h, w = Index("h", I * P), Index("w", J * Q)

tensor = tensors_of("patch_embedding")
X = tensor("X", C, I * P, J * Q, N, meaning="images of P × Q patches of I × J pixels")
W = tensor("W", D, C, I, J, meaning="what each pixel of a patch gives to each feature")
E = tensor("E", D, P, Q, meaning="what is learnt for each position")
Y = tensor("Y", D, P, Q, N, meaning="features of each patch of each example")
dY = tensor("dY", D, P, Q, N, meaning="gradient of the loss with respect to the output")

SHAPES = {
    "X": ("C", "I*P", "J*Q", "N"),
    "W": ("D", "C", "I", "J"),
    "E": ("D", "P", "Q"),
    "dY": ("D", "P", "Q", "N"),
}


def row(p: sp.Expr, x: sp.Expr) -> sp.Expr:
    """The row of pixel row x of the patches in row p."""
    return (p - 1) * I + x


def column(q: sp.Expr, y: sp.Expr) -> sp.Expr:
    """The column of pixel column y of the patches in column q."""
    return (q - 1) * J + y


def pixel(k: sp.Expr, p: sp.Expr, q: sp.Expr, x: sp.Expr, y: sp.Expr, t: sp.Expr) -> sp.Expr:
    """Pixel (x, y) of patch (p, q)."""
    return X[k, row(p, x), column(q, y), t]


def output(o: sp.Expr, p: sp.Expr, q: sp.Expr, t: sp.Expr) -> sp.Expr:
    """One feature of one patch: its pixels, weighted, and what its position has of its own."""
    return over(W[o, k, x, y] * pixel(k, p, q, x, y, t), k, x, y) + E[o, p, q]


def change(part: sp.Expr) -> sp.Expr:
    """⟨dY, part⟩, where the part is written for feature r, patch (p, q), example t."""
    return over(dY[r, p, q, t] * part, r, p, q, t)


forward = Claim(
    name="patch_embedding.forward",
    kind="definition",
    says="each feature of a patch is the sum over its pixels, weighted alike in every patch; and that of its position",
    names=Y[o, a, b, s],
    start=output(o, a, b, s),
    shapes={name: SHAPES[name] for name in ("X", "W", "E")} | {"": SHAPES["dY"]},
    source=DOSOVITSKIY,
)

dW = Claim(
    name="patch_embedding.dW",
    kind="gradient",
    says="each weight gets the sum of dY times the pixel it saw, over all patches and examples",
    start=slope(change(output(r, p, q, t)), W[o, c, u, v]),
    steps=(
        Step(
            change(over(delta(r, o) * delta(k, c) * delta(x, u) * delta(y, v) * pixel(k, p, q, x, y, t), k, x, y)),
            differentiate,
            because="a weight changes with itself only",
        ),
        Step(over(dY[o, p, q, t] * pixel(c, p, q, u, v, t), p, q, t), contract, because="one weight remains"),
    ),
    shapes={"X": SHAPES["X"], "W": SHAPES["W"], "dY": SHAPES["dY"], "": SHAPES["W"]},
    source=DOSOVITSKIY,
    of="patch_embedding.forward",
    wrt="W",
    uses=("patch_embedding.forward",),
    wrong_twins=(
        WrongTwin(
            over(dY[o, p, q, t] * X[c, (u - 1) * P + p, (v - 1) * Q + q, t], p, q, t),
            "patches are cut by the wrong reshape: every P-th pixel, not I beside each other",
        ),
        WrongTwin(over(dY[o, p, q, t] * pixel(c, p, q, u, v, t), p, q, t) / (P * Q), "the mean over the patches"),
    ),
)

dE = Claim(
    name="patch_embedding.dE",
    kind="gradient",
    says="each position gets the sum of dY over the examples: it is added in every one",
    start=slope(change(output(r, p, q, t)), E[o, a, b]),
    steps=(
        Step(
            change(delta(r, o) * delta(p, a) * delta(q, b)),
            differentiate,
            because="what is learnt for a position changes with itself only",
        ),
        Step(over(dY[o, a, b, t], t), contract, because="one feature of one position remains"),
    ),
    shapes={"dY": SHAPES["dY"], "": SHAPES["E"]},
    source=DOSOVITSKIY,
    of="patch_embedding.forward",
    wrt="E",
    uses=("patch_embedding.forward",),
    wrong_twins=(
        WrongTwin(over(dY[o, a, b, t], t) / N, "the mean over the batch is taken a second time"),
        WrongTwin(over(dY[o, p, q, t], p, q, t), "the positions are added up, as for a bias"),
    ),
)

dX = Claim(
    name="patch_embedding.dX",
    kind="gradient",
    says="each pixel gets the features of its own patch back, by the weights of its place in it",
    start=slope(change(output(r, p, q, t)), X[c, h, w, s]),
    steps=(
        Step(
            change(over(W[r, k, x, y] * slope(pixel(k, p, q, x, y, t), X[c, h, w, s]), k, x, y)),
            linear,
            because="W, E and dY do not depend on the images",
        ),
        Step(
            over(dY[r, p, q, s] * W[r, c, x, y] * tap(h, row(p, x)) * tap(w, column(q, y)), r, p, q, x, y),
            differentiate,
            because="a pixel changes with itself only, and is in one place of one patch",
        ),
    ),
    shapes={"X": SHAPES["X"], "W": SHAPES["W"], "dY": SHAPES["dY"], "": SHAPES["X"]},
    source=DOSOVITSKIY,
    of="patch_embedding.forward",
    wrt="X",
    uses=("patch_embedding.forward",),
    wrong_twins=(
        WrongTwin(
            over(dY[r, p, q, s] * W[r, c, x, y] * tap(h, (x - 1) * P + p) * tap(w, (y - 1) * Q + q), r, p, q, x, y),
            "the patches are put back by the wrong reshape",
        ),
    ),
)
