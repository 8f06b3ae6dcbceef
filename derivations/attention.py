"""Scaled dot-product attention under any mask, for all sizes: what comes back to V, Q and K.

A mask is any positive number, or 0, that multiplies an exponential: 1 and 0 for causal attention, exp(bias) for a bias
that is added to the scores. T queries and U keys of width d, values of width e; a row a position.
"""

import sympy as sp

from derivations.algebra.notation import size, tensors_of
from derivations.algebra.sums import Entry, Index, delta, total
from derivations.prover.claim import Claim, Step, WrongTwin
from derivations.prover.rules import algebra, contract, definition, differentiate, matrix_product, slope

VASWANI = "Vaswani et al. 2017, arXiv:1706.03762, §3.2.1"

T, U = size("T", "queries, positions, or steps in time"), size("U", "keys and values")
d, e = size("d", "width of a query, of a key and of an embedding"), size("e", "width of a value")
q, r = Index("q", T), Index("r", T)
k, u, v = Index("k", U), Index("u", U), Index("v", U)
c, b = Index("c", d), Index("b", d)
w, x = Index("w", e), Index("x", e)

tensor = tensors_of("attention")
Q = tensor("Q", T, d, meaning="queries, a row a position")
K = tensor("K", U, d, meaning="keys, a row a position")
V = tensor("V", U, e, meaning="values, a row a position")
M = tensor("M", T, U, meaning="mask: 0 where a key is not seen, else a positive number, mostly 1")
P = tensor("P", T, U, meaning="weights: softmax of each row of scores, under the mask")
Y = tensor("Y", T, e, meaning="output: each row a mean of the values")
dY = tensor("dY", T, e, meaning="gradient of the loss with respect to the output")
dP = tensor("dP", T, U, meaning="gradient with respect to the weights")
dS = tensor("dS", T, U, meaning="gradient with respect to the scores")


def score(q: sp.Expr, k: sp.Expr) -> sp.Expr:
    """Query q times key k, over √d."""
    return total(Q[q, b] * K[k, b], b) / sp.sqrt(d)


def weight(q: sp.Expr, k: sp.Expr) -> sp.Expr:
    """The softmax of row q of the scores at key k, under the mask."""
    return M[q, k] * sp.exp(score(q, k)) / total(M[q, v] * sp.exp(score(q, v)), v)


def output(q: sp.Expr, x: sp.Expr) -> sp.Expr:
    """Row q of the output: the values, weighted."""
    return total(weight(q, u) * V[u, x], u)


def change(part: sp.Expr) -> sp.Expr:
    """⟨dY, part⟩, where the part is written for query r and entry x of a value."""
    return total(total(dY[r, x] * part, x), r)


def through(q: sp.Expr, k: sp.Expr) -> sp.Expr:
    """The gradient with respect to weight (q, k), written out."""
    return total(dY[q, w] * V[k, w], w)


def row(q: sp.Expr) -> sp.Expr:
    """Row q of P times the same row of dP, written out."""
    return total(weight(q, u) * through(q, u), u)


WEIGHTS = {P[q, k]: weight(q, k)}
WHERE = {**WEIGHTS, dP[q, k]: through(q, k), dS[q, k]: P[q, k] * (dP[q, k] - total(P[q, u] * dP[q, u], u))}
SHAPES = {"Q": ("T", "d"), "K": ("U", "d"), "V": ("U", "e"), "M": ("T", "U")}

forward = Claim(
    name="attention.forward",
    kind="definition",
    says="each query takes the mean of the values, weighted by the softmax of its scores among the keys it sees",
    names=Y[q, w],
    start=output(q, w),
    steps=(
        Step(total(P[q, u] * V[u, w], u), definition, because="P are the weights"),
        Step(Entry(P.matrix * V.matrix, q, w), matrix_product, because="row q of P times column w of V"),
    ),
    where=WEIGHTS,
    shapes=SHAPES | {"": ("T", "e")},
    source=VASWANI,
    wrong_twins=(
        WrongTwin(
            total(sp.exp(score(q, u)) * V[u, w], u) / total(sp.exp(score(q, v)), v), "the mask is used backward only"
        ),
        WrongTwin(
            total(M[q, u] * sp.exp(score(q, u) * sp.sqrt(d)) * V[u, w], u)
            / total(M[q, v] * sp.exp(score(q, v) * sp.sqrt(d)), v),
            "the scores are not divided by √d",
        ),
        WrongTwin(
            total(M[q, u] * sp.exp(score(q, u)) / total(sp.exp(score(q, v)), v) * V[u, w], u),
            "the mask is put on after the softmax: the weights no longer add up to 1",
        ),
    ),
)

dV = Claim(
    name="attention.dV",
    kind="gradient",
    says="Pᵀ dY: each value gets back what it gave, by the same weights",
    start=slope(change(output(r, x)), V[k, w]),
    steps=(
        Step(
            change(total(weight(r, u) * delta(u, k) * delta(x, w), u)),
            differentiate,
            because="an entry of V changes with itself only, and the weights do not depend on V",
        ),
        Step(total(weight(q, k) * dY[q, w], q), contract, because="only u = k and x = w remain"),
        Step(total(P[q, k] * dY[q, w], q), definition, because="P are the weights"),
        Step(Entry(P.matrix.T * dY.matrix, k, w), matrix_product, because="column k of P times column w of dY"),
    ),
    where=WEIGHTS,
    shapes={name: SHAPES[name] for name in "QKM"} | {"dY": ("T", "e"), "": ("U", "e")},
    source=VASWANI,
    of="attention.forward",
    wrt="V",
    uses=("attention.forward",),
    wrong_twins=(
        WrongTwin(lambda: Entry(P.matrix * dY.matrix, k, w), "P is not transposed"),
        WrongTwin(total(sp.exp(score(q, k)) * dY[q, w], q), "the weights are not divided by their sum"),
    ),
)


def of_scores(name: str, wrt: sp.Indexed, summand: sp.Expr, over: Index, product: sp.Expr, says: str) -> Claim:
    """The gradient with respect to Q or K: dS times the other, over √d. summand is what dS_qk multiplies."""
    by_weights = total(weight(q, k) * (through(q, k) - row(q)) * summand, over) / sp.sqrt(d)
    return Claim(
        name=f"attention.d{name}",
        kind="gradient",
        says=says,
        start=slope(change(output(r, x)), wrt),
        steps=(
            Step(
                by_weights,
                differentiate,
                because=f"a score changes with an entry of {name} by an entry of the other over √d, and a row of "
                "weights with its scores by the softmax's Jacobian",
            ),
            Step(
                total(dS[q, k] * summand, over) / sp.sqrt(d), definition, because="dS is P ∘ (dP − row sums of P ∘ dP)"
            ),
            Step(product, matrix_product, because="the sum is a product of matrices"),
        ),
        where=WHERE,
        shapes=SHAPES | {"dY": ("T", "e"), "": SHAPES[name]},
        source=VASWANI,
        of="attention.forward",
        wrt=name,
        uses=("attention.forward", "softmax.jacobian"),
        wrong_twins=(
            WrongTwin(total(dS[q, k] * summand, over), "the 1/√d is forgotten in the backward pass"),
            WrongTwin(
                total(P[q, k] * dP[q, k] * summand, over) / sp.sqrt(d), "the row sum of the softmax is forgotten"
            ),
            WrongTwin(
                total(P[q, k] * (1 - P[q, k]) * dP[q, k] * summand, over) / sp.sqrt(d),
                "only the diagonal of the softmax's Jacobian is kept",
            ),
            WrongTwin(
                total(P[q, k] * (dP[q, k] - total(dP[q, u], u)) * summand, over) / sp.sqrt(d),
                "the row sum is not weighted by P",
            ),
        ),
    )


dQ = of_scores(
    "Q", Q[q, c], K[k, c], k, Entry(dS.matrix * K.matrix / sp.sqrt(d), q, c), "dS K / √d: each query gets its row of dS"
)
dK = of_scores(
    "K", K[k, c], Q[q, c], q, Entry(dS.matrix.T * Q.matrix / sp.sqrt(d), k, c), "dSᵀ Q / √d: each key its column of dS"
)

row_sum = Claim(
    name="attention.row_sum",
    kind="lemma",
    says="the row sums of P ∘ dP are those of dY ∘ Y: the backward pass needs no second look at a whole row of weights",
    start=total(P[q, k] * dP[q, k], k),
    steps=(
        Step(total(P[q, k] * through(q, k), k), definition, because="dP is dY Vᵀ"),
        Step(total(dY[q, w] * total(P[q, k] * V[k, w], k), w), algebra, because="the sums are exchanged"),
    ),
    where={dP[q, k]: through(q, k)},
    source="Dao et al. 2022, arXiv:2205.14135, §B.2",
    uses=("attention.dQ",),
    wrong_twins=(WrongTwin(total(total(P[q, k] * V[k, w], k), w), "dY is forgotten"),),
)

unseen = Claim(
    name="attention.unseen",
    kind="lemma",
    says="a key that is not seen passes nothing back: dS is a multiple of the mask",
    start=dS[q, k],
    steps=(
        Step(
            M[q, k] * (sp.exp(score(q, k)) / total(M[q, v] * sp.exp(score(q, v)), v) * (through(q, k) - row(q))),
            definition,
            because="P is a multiple of the mask, and dS of P",
        ),
    ),
    where=WHERE,
    source=VASWANI,
    uses=("attention.dQ",),
    wrong_twins=(
        WrongTwin(M[q, k] * dP[q, k], "the mask is put on dP, and the weights are forgotten"),
        WrongTwin(P[q, k] * (dP[q, k] - row(q)) * M[q, k], "the mask is put on twice"),
    ),
)
