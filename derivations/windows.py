"""Windows that move over images: which pixel each tap of a window sees, at any stride, padding and dilation.

Output row a sees image row s (a − 1) + d (u − 1) + 1 − p at tap u. Where that is no row of the image, the δ that asks
for it is 0 for every row: that is what padding with zeros means, and no case is told apart.
"""

import sympy as sp

from derivations.algebra.notation import N, enter, size
from derivations.algebra.sums import Index, tap, total

C = size("C", "channels of the image")
H, B = size("H", "rows of the image"), size("B", "columns of the image")
P, Q = size("P", "places of an image, or rows of the output"), size("Q", "columns of the output")
I, J = size("I", "rows of a window"), size("J", "columns of a window")
stride, dilation = size("stride", "pixels between windows"), size("dilation", "pixels between the taps of a window")
padding = enter(
    sp.Symbol("padding", integer=True, nonnegative=True), "rows and columns of zeros around the image, on each side"
)

c, k = Index("c", C), Index("k", C)
h, i = Index("h", H), Index("i", H)
w, j = Index("w", B), Index("j", B)
a, p = Index("a", P), Index("p", P)
b, q = Index("b", Q), Index("q", Q)
u, x = Index("u", I), Index("x", I)
v, y = Index("v", J), Index("y", J)
s, t = Index("s", N), Index("t", N)


def seen(a: sp.Expr, u: sp.Expr) -> sp.Expr:
    """The row, or column, that tap u of window a sees."""
    return stride * (a - 1) + dilation * (u - 1) + 1 - padding


def looks(h: Index, w: Index, window: tuple[Index, Index], taps: tuple[Index, Index]) -> sp.Expr:
    """1 where the taps of the window see pixel (h, w), else 0."""
    return tap(h, seen(window[0], taps[0])) * tap(w, seen(window[1], taps[1]))


def over(summand: sp.Expr, *indices: Index) -> sp.Expr:
    """The sum over all the indices."""
    for index in reversed(indices):
        summand = total(summand, index)
    return summand


MOVED = {"stride": (), "padding": (), "dilation": ()}
"""The shapes of what says how a window moves."""
