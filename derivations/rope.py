"""Rotary positions: each pair of features is turned by an angle that grows with the position; back, by the same angle.

X has the first entries of all pairs, then the second ones, as in "rotate half": pair k is (X[1, k], X[2, k]).
"""

import sympy as sp

from derivations.algebra.notation import number, size, tensors_of
from derivations.algebra.sums import Index, delta, total
from derivations.attention import T
from derivations.prover.claim import Claim, Step, WrongTwin
from derivations.prover.rules import algebra, contract, differentiate, slope

SU = "Su et al. 2021, arXiv:2104.09864, §3.2.2"

d = size("d", "width of a query, of a key and of an embedding")
p = Index("p", 2)
k, c = Index("k", d), Index("c", d)
q, t = Index("q", T), Index("t", T)

tensor = tensors_of("rope")
X = tensor("X", 2, d, T, meaning="queries or keys in pairs: first or second of a pair, pairs, positions")
Theta = tensor("Theta", d, T, meaning="the angle of each pair at each position", latex=r"\Theta")
Y = tensor("Y", 2, d, T, meaning="the pairs, turned")
dY = tensor("dY", 2, d, T, meaning="gradient of the loss with respect to the output")

SHAPES = {"X": ("2", "d", "T"), "Theta": ("d", "T"), "dY": ("2", "d", "T")}


def first(k: sp.Expr, t: sp.Expr) -> sp.Expr:
    """The first of pair k at position t, turned."""
    return sp.cos(Theta[k, t]) * X[1, k, t] - sp.sin(Theta[k, t]) * X[2, k, t]


def second(k: sp.Expr, t: sp.Expr) -> sp.Expr:
    """The second."""
    return sp.sin(Theta[k, t]) * X[1, k, t] + sp.cos(Theta[k, t]) * X[2, k, t]


def of_pair(first: sp.Expr, second: sp.Expr) -> sp.Expr:
    """The entry p of a pair."""
    return sp.KroneckerDelta(p, 1) * first + sp.KroneckerDelta(p, 2) * second


def turned(sign: int, k: sp.Expr, t: sp.Expr) -> sp.Expr:
    """The gradient of a pair, turned by the angle, or back by it."""
    cos, sin = sp.cos(Theta[k, t]), sign * sp.sin(Theta[k, t])
    return of_pair(cos * dY[1, k, t] - sin * dY[2, k, t], sin * dY[1, k, t] + cos * dY[2, k, t])


forward = Claim(
    name="rope.forward",
    kind="definition",
    says="each pair of features is turned by its angle",
    names=Y[p, k, q],
    start=of_pair(first(k, q), second(k, q)),
    shapes={"X": SHAPES["X"], "Theta": SHAPES["Theta"], "": SHAPES["X"]},
    source=SU,
)

by_entry = dY[1, c, t] * of_pair(sp.cos(Theta[c, t]), -sp.sin(Theta[c, t])) + dY[2, c, t] * of_pair(
    sp.sin(Theta[c, t]), sp.cos(Theta[c, t])
)

dX = Claim(
    name="rope.dX",
    kind="gradient",
    says="the gradient is turned back: a rotation's transpose is the rotation by the opposite angle",
    start=slope(total(total(dY[1, c, t] * first(c, t) + dY[2, c, t] * second(c, t), t), c), X[p, k, q]),
    steps=(
        Step(
            total(total(delta(c, k) * delta(t, q) * by_entry, t), c),
            differentiate,
            because="an entry moves both entries of its own pair, and no other",
        ),
        Step(turned(-1, k, q), contract, because="one pair at one position remains"),
    ),
    shapes={"Theta": SHAPES["Theta"], "dY": SHAPES["dY"], "": SHAPES["X"]},
    source=SU,
    of="rope.forward",
    wrt="X",
    uses=("rope.forward",),
    wrong_twins=(
        WrongTwin(turned(1, k, q), "turned on, not back"),
        WrongTwin(
            of_pair(sp.cos(Theta[k, q]) * dY[1, k, q], sp.cos(Theta[k, q]) * dY[2, k, q]),
            "the other entry of the pair is forgotten",
        ),
    ),
)

x1, x2 = number("x_1", "first of a pair of a query"), number("x_2", "second of a pair of a query")
y1, y2 = number("y_1", "first of a pair of a key"), number("y_2", "second of a pair of a key")
alpha, beta = number("angle_q", "the query's angle"), number("angle_k", "the key's angle")

relative = Claim(
    name="rope.relative",
    kind="lemma",
    says="the score of a turned query and a turned key depends on the difference of their angles only",
    start=(sp.cos(alpha) * x1 - sp.sin(alpha) * x2) * (sp.cos(beta) * y1 - sp.sin(beta) * y2)
    + (sp.sin(alpha) * x1 + sp.cos(alpha) * x2) * (sp.sin(beta) * y1 + sp.cos(beta) * y2),
    steps=(
        Step(
            sp.cos(alpha - beta) * (x1 * y1 + x2 * y2) + sp.sin(alpha - beta) * (x1 * y2 - x2 * y1),
            algebra,
            because="cos (α − β) is cos α cos β + sin α sin β, and sin (α − β) likewise",
        ),
    ),
    source=SU,
    uses=("rope.forward",),
    wrong_twins=(
        WrongTwin(x1 * y1 + x2 * y2, "both are taken to be turned alike"),
        WrongTwin(
            sp.cos(alpha + beta) * (x1 * y1 + x2 * y2) + sp.sin(alpha + beta) * (x1 * y2 - x2 * y1),
            "the angles are added, not subtracted",
        ),
    ),
)
