"""Max pooling: of each window the largest pixel. Which one that is, is given as a choice of one tap a window.

Where the largest is alone it stays the largest as the image moves a little (max_pool.larger), and the output is linear
in the image with the choice held. Where several are alike every choice of one is a subgradient (max_pool.subgradient).
"""

import sympy as sp

from derivations.algebra.notation import N, da, n, number, tensors_of, z
from derivations.algebra.notation import i as n_i
from derivations.algebra.notation import k as n_k
from derivations.algebra.notation import l as n_l
from derivations.algebra.notation import tensor as shared
from derivations.algebra.sums import delta, total
from derivations.prover.claim import Claim, Step, WrongTwin
from derivations.prover.rules import algebra, condition, contract, definition, differentiate, linear, slope
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

BOUREAU = "Boureau, Ponce & LeCun 2010, ICML, §2"
ROCKAFELLAR = "Rockafellar 1970, Convex Analysis, §23"

tensor = tensors_of("max_pool")
X = tensor("X", C, H, B, N, meaning="images: channels, rows, columns, examples")
S = tensor("S", C, P, Q, N, I, J, meaning="the choice: 1 at the tap of each window that sees the largest pixel, else 0")
Y = tensor("Y", C, P, Q, N, meaning="the pooled images")
dY = tensor("dY", C, P, Q, N, meaning="gradient of the loss with respect to the output")

SHAPES = {"X": ("C", "H", "B", "N"), "S": ("C", "P", "Q", "N", "I", "J"), "dY": ("C", "P", "Q", "N")}


def output(pixel: sp.Expr) -> sp.Expr:
    """What the chosen tap of window (p, q) sees; the pixel is written for (i, j)."""
    return over(S[k, p, q, t, x, y] * looks(i, j, (p, q), (x, y)) * pixel, x, y, i, j)


def change(part: sp.Expr) -> sp.Expr:
    """⟨dY, part⟩, where the part is written for channel k, place (p, q), example t."""
    return over(dY[k, p, q, t] * part, k, p, q, t)


forward = Claim(
    name="max_pool.forward",
    kind="definition",
    says="each output is the pixel that the chosen tap of its window sees",
    names=Y[c, a, b, s],
    start=over(S[c, a, b, s, x, y] * looks(i, j, (a, b), (x, y)) * X[c, i, j, s], x, y, i, j),
    shapes={"X": SHAPES["X"], "S": SHAPES["S"], **MOVED, "": SHAPES["dY"]},
    source=BOUREAU,
)

sent_back = over(dY[c, p, q, s] * S[c, p, q, s, x, y] * looks(h, w, (p, q), (x, y)), p, q, x, y)

dX = Claim(
    name="max_pool.dX",
    kind="gradient",
    says="dY goes to the chosen pixel of each window, and adds up where windows overlap; all others get 0",
    start=slope(change(output(X[k, i, j, t])), X[c, h, w, s]),
    steps=(
        Step(
            change(output(slope(X[k, i, j, t], X[c, h, w, s]))),
            linear,
            because="dY does not depend on the images, and the choice is held",
        ),
        Step(
            change(output(delta(k, c) * delta(i, h) * delta(j, w) * delta(t, s))),
            differentiate,
            because="a pixel changes with itself only",
        ),
        Step(sent_back, contract, because="one channel, one pixel and one example remain"),
    ),
    shapes={**SHAPES, **MOVED, "": SHAPES["X"]},
    source=BOUREAU,
    of="max_pool.forward",
    wrt="X",
    uses=("max_pool.forward", "max_pool.larger"),
    wrong_twins=(
        WrongTwin(over(dY[c, p, q, s] * looks(h, w, (p, q), (x, y)), p, q, x, y), "every pixel of the window gets dY"),
        WrongTwin(sent_back / (I * J), "dY is spread over the window, as by mean pooling"),
    ),
)

other = number("other", "another pixel of the window")

larger = Claim(
    name="max_pool.larger",
    kind="lemma",
    says="of two pixels that differ the larger passes its gradient on and the other none",
    start=da * slope(sp.Max(z, other), z),
    steps=(Step(sp.Piecewise((da, z > other), (0, True)), differentiate, because="the larger stays so nearby"),),
    given=(sp.Ne(z, other),),
    source=BOUREAU,
    wrong_twins=(WrongTwin(da, "both get the gradient"), WrongTwin(da / 2, "it is shared, as SymPy does at a tie")),
)

weights = shared("weights", n, meaning="weights of the largest pixels of a window: they add up to 1", latex="m")
before = shared("window", n, meaning="the pixels of a window", latex="x")
after = shared("moved", n, meaning="the same pixels, moved in any way", latex="x'")
below = shared("below", n, meaning="how far each moved pixel is below the new maximum", latex="g")
top = number("top", "the largest of the moved pixels")

subgradient = Claim(
    name="max_pool.subgradient",
    kind="lemma",
    says="however moved, the maximum gains at least what the chosen pixels gain: ties or not, it is a subgradient",
    start=top - total(weights[n_k] * before[n_k], n_k) - total(weights[n_k] * (after[n_k] - before[n_k]), n_k),
    steps=(
        Step(
            top - total(weights[n_k] * (top - below[n_k]), n_k),
            definition,
            because="each moved pixel is so far below the new maximum",
        ),
        Step(
            top * (1 - total(weights[n_k], n_k)) + total(weights[n_k] * below[n_k], n_k),
            algebra,
            because="multiplied out",
        ),
        Step(total(weights[n_k] * below[n_k], n_k), condition, because="the weights add up to 1"),
    ),
    relation="≥",
    where={after[n_i]: top - below[n_i]},
    given=(sp.Ge(weights[n_l], 0), sp.Eq(total(weights[n_l], n_l), 1), sp.Ge(below[n_l], 0)),
    source=ROCKAFELLAR,
    uses=("max_pool.forward",),
    wrong_twins=(
        WrongTwin(total(below[n_k], n_k), "every pixel that ties gets the whole gradient: weights that add up to more"),
    ),
)
