"""Convolution in groups: the channels of each group see only their own kernels; with one channel a group, depthwise.

An array (G C, H, B, N) is read as (G, C, H, B, N). Within a group it is conv2d, whose windows it shares.
"""

import sympy as sp

from derivations.algebra.notation import N, tensors_of
from derivations.algebra.sums import Index, delta, tap
from derivations.conv2d import D, o, r
from derivations.group_norm import G
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

KRIZHEVSKY = "Krizhevsky, Sutskever & Hinton 2012, NIPS, §3.5; Chollet 2017, arXiv:1610.02357, for one channel a group"

g, f = Index("g", G), Index("f", G)

tensor = tensors_of("grouped_conv2d")
X = tensor("X", G, C, H, B, N, meaning="images: groups, channels of a group, rows, columns, examples")
W = tensor(
    "W", G, D, C, I, J, meaning="kernels: groups, output channels of a group, channels of a group, rows, columns"
)
bias = tensor("b", G, D, meaning="biases, one an output channel")
Y = tensor("Y", G, D, P, Q, N, meaning="output: groups, channels of a group, rows, columns, examples")
dY = tensor("dY", G, D, P, Q, N, meaning="gradient of the loss with respect to the output")

SHAPES = {"X": ("G", "C", "H", "B", "N"), "W": ("G", "D", "C", "I", "J"), "dY": ("G", "D", "P", "Q", "N")}


def output(g: sp.Expr, o: sp.Expr, a: Index, b: Index, t: sp.Expr) -> sp.Expr:
    """One output: what a window of its own group sees, weighted; and a bias."""
    return over(W[g, o, k, x, y] * looks(i, j, (a, b), (x, y)) * X[g, k, i, j, t], k, x, y, i, j) + bias[g, o]


def change(part: sp.Expr) -> sp.Expr:
    """⟨dY, part⟩, where the part is written for group f, channel r, place (p, q), example t."""
    return over(dY[f, r, p, q, t] * part, f, r, p, q, t)


forward = Claim(
    name="grouped_conv2d.forward",
    kind="definition",
    says="each output is the sum over a window of its own group of channels, weighted by its kernel; and a bias",
    names=Y[g, o, a, b, s],
    start=output(g, o, a, b, s),
    shapes={"X": SHAPES["X"], "W": SHAPES["W"], "b": ("G", "D"), **MOVED, "": SHAPES["dY"]},
    source=KRIZHEVSKY,
)


def gradient(name: str, wrt: sp.Indexed, moved: sp.Expr, end: sp.Expr, says: str, twin: WrongTwin) -> Claim:
    """The gradient with respect to X, W or b: moved is how an output (f, r, p, q, t) changes with it."""
    return Claim(
        name=f"grouped_conv2d.d{name}",
        kind="gradient",
        says=says,
        start=slope(change(output(f, r, p, q, t)), wrt),
        steps=(
            Step(change(moved), differentiate, because="an entry changes with itself only, and in its own group"),
            Step(end, contract, because="one entry remains"),
        ),
        shapes={"dY": SHAPES["dY"], "": ("G", "D")} if name == "b" else {**SHAPES, **MOVED, "": SHAPES[name]},
        source=KRIZHEVSKY,
        of="grouped_conv2d.forward",
        wrt=name,
        uses=("grouped_conv2d.forward", f"conv2d.d{name}"),
        wrong_twins=(twin,),
    )


dW = gradient(
    "W",
    W[g, o, c, u, v],
    over(
        delta(f, g)
        * delta(r, o)
        * delta(k, c)
        * delta(x, u)
        * delta(y, v)
        * looks(i, j, (p, q), (x, y))
        * X[f, k, i, j, t],
        k,
        x,
        y,
        i,
        j,
    ),
    over(dY[g, o, p, q, t] * looks(i, j, (p, q), (u, v)) * X[g, c, i, j, t], p, q, t, i, j),
    "each weight gets the sum of dY times the pixel it saw, of its own group",
    WrongTwin(
        over(dY[g, o, p, q, t] * tap(i, p + u - padding) * tap(j, q + v - padding) * X[g, c, i, j, t], p, q, t, i, j),
        "stride and dilation are forgotten",
    ),
)
db = gradient(
    "b",
    bias[g, o],
    delta(f, g) * delta(r, o),
    over(dY[g, o, p, q, t], p, q, t),
    "each bias gets the sum of dY over all places and examples",
    WrongTwin(over(dY[f, o, p, q, t], f, p, q, t), "the groups are added up"),
)
dX = gradient(
    "X",
    X[g, c, h, w, s],
    over(
        W[f, r, k, x, y]
        * looks(i, j, (p, q), (x, y))
        * delta(f, g)
        * delta(k, c)
        * delta(i, h)
        * delta(j, w)
        * delta(t, s),
        k,
        x,
        y,
        i,
        j,
    ),
    over(dY[g, r, p, q, s] * W[g, r, c, x, y] * looks(h, w, (p, q), (x, y)), r, p, q, x, y),
    "every output of its group that saw a pixel passes dY back to it, by the weight it saw it with",
    WrongTwin(
        over(dY[f, r, p, q, s] * W[f, r, c, x, y] * looks(h, w, (p, q), (x, y)), f, r, p, q, x, y),
        "the outputs of all groups pass to it",
    ),
)
