"""Clipping by norm: a gradient longer than a limit is shortened to it, and keeps its direction."""

import sympy as sp

from derivations.algebra.notation import i, j, k, m, n, number, q, r, tensors_of
from derivations.algebra.sums import total
from derivations.prover.claim import Claim, Step, WrongTwin
from derivations.prover.rules import algebra

PASCANU = "Pascanu, Mikolov & Bengio 2013, arXiv:1211.5063, §3.2"

limit = number("limit", "the length above which a gradient is shortened", positive=True)

tensor = tensors_of("clip_by_norm")
G = tensor("G", m, n, meaning="a gradient")
Y = tensor("Y", m, n, meaning="the gradient, no longer than the limit")

g = tensor("g", n, meaning="the same gradient, or those of all parameters together, as one column", latex="g")

squares = total(total(G[q, j] ** 2, j), q)

forward = Claim(
    name="clip_by_norm.forward",
    kind="definition",
    says="the gradient times the limit over its length, where it is longer than the limit; else as it is",
    names=Y[r, i],
    start=G[r, i] * limit / sp.Max(limit, sp.sqrt(squares)),
    shapes={"G": ("m", "n"), "limit": (), "": ("m", "n")},
    source=PASCANU,
)

length = Claim(
    name="clip_by_norm.length",
    kind="lemma",
    says="shortened, it is as long as the limit: one factor for all entries, so that its direction is kept",
    start=total((g[i] * limit / sp.sqrt(total(g[k] ** 2, k))) ** 2, i),
    steps=(Step(limit**2, algebra, because="the factor is the same everywhere, and the squares cancel"),),
    source=PASCANU,
    uses=("clip_by_norm.forward",),
    wrong_twins=(
        WrongTwin(limit, "the length is taken for its square"),
        WrongTwin(n * limit**2, "each entry is shortened by itself"),
    ),
)
