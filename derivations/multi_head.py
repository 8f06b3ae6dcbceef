"""Attention of several heads under any mask: each head is an attention of its own, for each example of the batch.

G heads of width d, T queries and U keys. The queries, keys and values of all heads come from the input by matrices, and
their outputs, one below the other, go through one more: those are affine layers. The scores are divided by the root of
the width of a head, not of the whole.
"""

import sympy as sp

from derivations.algebra.notation import N, i, n, s, size, t, tensors_of
from derivations.algebra.sums import Index, delta, total
from derivations.attention import T, U, d, e
from derivations.prover.claim import Claim, Step, WrongTwin
from derivations.prover.rules import contract, definition, differentiate, linear, slope

VASWANI = "Vaswani et al. 2017, arXiv:1706.03762, §3.2.2"

G = size("G", "groups of channels, or heads")
g, h = Index("g", G), Index("h", G)
q, r = Index("q", T), Index("r", T)
k, u, v = Index("k", U), Index("u", U), Index("v", U)
c, b = Index("c", d), Index("b", d)
w, x = Index("w", e), Index("x", e)

tensor = tensors_of("multi_head")
Q = tensor("Q", G, d, T, N, meaning="queries: heads, width, positions, examples")
K = tensor("K", G, d, U, N, meaning="keys: heads, width, positions, examples")
V = tensor("V", G, e, U, N, meaning="values: heads, width, positions, examples")
M = tensor("M", T, U, meaning="mask: 0 where a key is not seen, else a positive number, mostly 1")
P = tensor("P", G, T, U, N, meaning="weights of each head: softmax of each query's scores, under the mask")
Y = tensor("Y", G, e, T, N, meaning="output of each head")
dY = tensor("dY", G, e, T, N, meaning="gradient of the loss with respect to the output")
dP = tensor("dP", G, T, U, N, meaning="gradient with respect to the weights")
dS = tensor("dS", G, T, U, N, meaning="gradient with respect to the scores")

SHAPES = {"Q": ("G", "d", "T", "N"), "K": ("G", "d", "U", "N"), "V": ("G", "e", "U", "N"), "M": ("T", "U")}
OUT = ("G", "e", "T", "N")


def score(g: sp.Expr, q: sp.Expr, k: sp.Expr, s: sp.Expr) -> sp.Expr:
    """Query q times key k of a head, over √d."""
    return total(Q[g, b, q, s] * K[g, b, k, s], b) / sp.sqrt(d)


def weight(g: sp.Expr, q: sp.Expr, k: sp.Expr, s: sp.Expr) -> sp.Expr:
    """The softmax of the scores of query q at key k, under the mask."""
    below = total(M[q, v] * sp.exp(score(g, q, v, s)), v)
    return M[q, k] * sp.exp(score(g, q, k, s)) / below


def output(g: sp.Expr, x: sp.Expr, q: sp.Expr, s: sp.Expr) -> sp.Expr:
    """Entry x of the output of a head at query q: its values, weighted."""
    return total(weight(g, q, u, s) * V[g, x, u, s], u)


def change(part: sp.Expr) -> sp.Expr:
    """⟨dY, part⟩, where the part is written for head h, entry x, query r, example t."""
    return total(total(total(total(dY[h, x, r, t] * part, t), r), x), h)


def through(g: sp.Expr, q: sp.Expr, k: sp.Expr, s: sp.Expr) -> sp.Expr:
    """The gradient with respect to a weight, written out."""
    return total(dY[g, w, q, s] * V[g, w, k, s], w)


def of_score(g: sp.Expr, q: sp.Expr, k: sp.Expr, s: sp.Expr) -> sp.Expr:
    """The gradient with respect to a score before √d, written out."""
    row = total(weight(g, q, u, s) * through(g, q, u, s), u)
    return weight(g, q, k, s) * (through(g, q, k, s) - row)


ROW = total(P[g, q, u, s] * dP[g, q, u, s], u)
WEIGHTS = {P[g, q, k, s]: weight(g, q, k, s)}
WHERE = {**WEIGHTS, dP[g, q, k, s]: through(g, q, k, s), dS[g, q, k, s]: P[g, q, k, s] * (dP[g, q, k, s] - ROW)}

forward = Claim(
    name="multi_head.forward",
    kind="definition",
    says="in each head by itself, each query takes the mean of the values, by the softmax of its scores",
    names=Y[g, w, q, s],
    start=output(g, w, q, s),
    steps=(Step(total(P[g, q, u, s] * V[g, w, u, s], u), definition, because="P are the weights of the heads"),),
    where=WEIGHTS,
    shapes=SHAPES | {"": OUT},
    source=VASWANI,
    wrong_twins=(
        WrongTwin(
            output(g, w, q, s).xreplace({1 / sp.sqrt(d): 1 / sp.sqrt(d * G)}),
            "the scores are divided by the root of the whole width, not of a head's",
        ),
    ),
)

dV = Claim(
    name="multi_head.dV",
    kind="gradient",
    says="each value gets back what it gave in its head, by the same weights",
    start=slope(change(output(h, x, r, t)), V[g, w, k, s]),
    steps=(
        Step(
            change(total(weight(h, r, u, t) * delta(h, g) * delta(x, w) * delta(u, k) * delta(t, s), u)),
            differentiate,
            because="an entry of V changes with itself only, and the weights do not depend on V",
        ),
        Step(
            total(weight(g, q, k, s) * dY[g, w, q, s], q), contract, because="one value of one head and example remains"
        ),
        Step(total(P[g, q, k, s] * dY[g, w, q, s], q), definition, because="P are the weights"),
    ),
    where=WEIGHTS,
    shapes={name: SHAPES[name] for name in ("Q", "K", "M")} | {"dY": OUT, "": SHAPES["V"]},
    source=VASWANI,
    of="multi_head.forward",
    wrt="V",
    uses=("multi_head.forward",),
    wrong_twins=(
        WrongTwin(total(total(P[h, q, k, s] * dY[g, w, q, s], q), h) / G, "the weights of the heads are averaged"),
    ),
)


def of_scores(name: str, wrt: sp.Indexed, other: sp.Indexed, over: Index, says: str) -> Claim:
    """The gradient with respect to queries or keys: that of the scores times the others, over those that meet it."""
    return Claim(
        name=f"multi_head.d{name}",
        kind="gradient",
        says=says,
        start=slope(change(output(h, x, r, t)), wrt),
        steps=(
            Step(
                total(of_score(g, q, k, s) * other, over) / sp.sqrt(d),
                differentiate,
                because=f"an entry of {name} moves scores of its head and example by an entry of the other over √d, "
                "and they move their row of weights by the softmax's Jacobian",
            ),
            Step(
                total(dS[g, q, k, s] * other, over) / sp.sqrt(d),
                definition,
                because="dS is P ∘ (dP − row sums of P ∘ dP)",
            ),
        ),
        where=WHERE,
        shapes=SHAPES | {"dY": OUT, "": SHAPES[name]},
        source=VASWANI,
        of="multi_head.forward",
        wrt=name,
        uses=("multi_head.forward", "attention.dQ"),
        wrong_twins=(
            WrongTwin(
                total(dS[g, q, k, s] * other, over) / sp.sqrt(d * G),
                "the root of the whole width stands where that of a head's should",
            ),
            WrongTwin(
                total(P[g, q, k, s] * dP[g, q, k, s] * other, over) / sp.sqrt(d),
                "the row sum of the softmax is forgotten",
            ),
        ),
    )


dQ = of_scores("Q", Q[g, c, q, s], K[g, c, k, s], k, "each query gets the keys of its head, by its row of dS, over √d")
dK = of_scores(
    "K", K[g, c, k, s], Q[g, c, q, s], q, "each key gets the queries of its head, by its column of dS, over √d"
)

X = tensor("X", n, N, meaning="the input of a self-attention at one position, a column an example")
maps = [
    tensor(f"W{name}", d, n, meaning=f"what makes {what}", latex=f"W^{{{name}}}")
    for name, what in (("q", "queries"), ("k", "keys"), ("v", "values"))
]
back = [
    tensor(f"d{name}", d, N, meaning=f"gradient with respect to {what} at that position", latex=f"d{name}")
    for name, what in (("q", "the query"), ("k", "the key"), ("v", "the value"))
]
j = Index("j", n)


def path(W: sp.Expr, dZ: sp.Expr, column: sp.Expr) -> sp.Expr:
    """⟨dZ, W column⟩."""
    return total(total(dZ[b, t] * total(W[b, j] * column, j), t), b)


def returned(W: sp.Expr, dZ: sp.Expr) -> sp.Expr:
    """Wᵀ dZ at (i, s)."""
    return total(W[b, i] * dZ[b, s], b)


three_paths = Claim(
    name="multi_head.three_paths",
    kind="lemma",
    says="in self-attention the input makes queries, keys and values, and its gradient is the sum of what the three "
    "send back",
    start=slope(sum(path(W, dZ, X[j, t]) for W, dZ in zip(maps, back, strict=True)), X[i, s]),
    steps=(
        Step(
            sum(path(W, dZ, slope(X[j, t], X[i, s])) for W, dZ in zip(maps, back, strict=True)),
            linear,
            because="to first order the loss changes by ⟨dQ, Wq X⟩ + ⟨dK, Wk X⟩ + ⟨dV, Wv X⟩",
        ),
        Step(
            sum(returned(W, dZ) for W, dZ in zip(maps, back, strict=True)),
            differentiate,
            because="an entry of X changes with itself only",
        ),
    ),
    source=VASWANI,
    uses=("multi_head.dQ", "multi_head.dK", "multi_head.dV", "affine.dA"),
    wrong_twins=(
        WrongTwin(returned(maps[0], back[0]), "only the path through the queries is kept: the others overwrote it"),
        WrongTwin(returned(maps[0], back[0]) + returned(maps[1], back[1]), "the path through the values is forgotten"),
    ),
)
