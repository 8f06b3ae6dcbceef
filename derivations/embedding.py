"""An embedding: a column for every word, looked up. Its gradient adds up over all places where the word stands."""

import sympy as sp

from derivations.algebra.notation import N, n, size, t, tensors_of
from derivations.algebra.sums import Entry, Index, delta, total
from derivations.prover.claim import Claim, Step, WrongTwin
from derivations.prover.rules import contract, differentiate, matrix_product, slope

BENGIO = "Bengio et al. 2003, Journal of Machine Learning Research 3, §2"

d = size("d", "width of a query, of a key and of an embedding")
w, v = Index("w", n), Index("v", n)
c, b = Index("c", d), Index("b", d)
s = Index("s", N)

tensor = tensors_of("embedding")
E = tensor("E", d, n, meaning="embeddings, a column a word")
O = tensor("O", n, N, meaning="1 where place t holds word w, else 0: a column a place")
Y = tensor("Y", d, N, meaning="the embedding of the word at each place")
dY = tensor("dY", d, N, meaning="gradient of the loss with respect to the output")


def looked_up(c: sp.Expr, t: sp.Expr) -> sp.Expr:
    """Entry c of the embedding of the word at place t."""
    return total(E[c, v] * O[v, t], v)


def change(part: sp.Expr) -> sp.Expr:
    """⟨dY, part⟩, where the part is written for entry b of place t."""
    return total(total(dY[b, t] * part, t), b)


forward = Claim(
    name="embedding.forward",
    kind="definition",
    says="the column of the word that stands at each place",
    names=Y[c, s],
    start=looked_up(c, s),
    steps=(Step(Entry(E.matrix * O.matrix, c, s), matrix_product, because="row c of E times column s of O"),),
    shapes={"E": ("d", "n"), "O": ("n", "N"), "": ("d", "N")},
    source=BENGIO,
    wrong_twins=(WrongTwin(total(E[c, v], v), "every word is added up"),),
)

dE = Claim(
    name="embedding.dE",
    kind="gradient",
    says="dY Oᵀ: each word gets the sum of the gradients of all places where it stands",
    start=slope(change(looked_up(b, t)), E[c, w]),
    steps=(
        Step(
            change(total(delta(b, c) * delta(v, w) * O[v, t], v)),
            differentiate,
            because="an entry of E changes with itself only",
        ),
        Step(total(dY[c, t] * O[w, t], t), contract, because="only b = c and v = w remain"),
        Step(Entry(dY.matrix * O.matrix.T, c, w), matrix_product, because="row c of dY times row w of O"),
    ),
    shapes={"O": ("n", "N"), "dY": ("d", "N"), "": ("d", "n")},
    source=BENGIO,
    of="embedding.forward",
    wrt="E",
    uses=("embedding.forward",),
    wrong_twins=(
        WrongTwin(total(dY[c, t] * O[w, t], t) / N, "the mean over the places is taken"),
        WrongTwin(total(dY[c, t], t), "every place is added to every word"),
        WrongTwin(
            total(dY[c, t] * O[w, t], t) / total(O[w, t], t),
            "repeated words do not add up, as by dE[:, words] += dY in numpy: one place, or their mean, stands for all",
        ),
    ),
)
