"""L2 normalisation: every column over its length, for all sizes."""

import sympy as sp

from derivations.algebra.notation import N, eps, i, j, k, n, s, t, tensors_of
from derivations.algebra.sums import delta, total
from derivations.prover.claim import Claim, Step, WrongTwin
from derivations.prover.rules import contract, definition, differentiate, linear, slope

SOURCE = "Ranjan, Castillo & Chellappa 2017, arXiv:1703.09507, §4"

tensor = tensors_of("l2_normalize")
X = tensor("X", n, N, meaning="vectors, a column an example")
dY = tensor("dY", n, N, meaning="gradient of the loss with respect to the output")
Y = tensor("Y", n, N, meaning="each column over its length")
r = tensor("r", N, meaning="one over the length of each column")


def length(t: sp.Expr, e: int) -> sp.Expr:
    """The squared length of a column and ε, to the power e/2."""
    return (total(X[j, t] ** 2, j) + eps) ** sp.Rational(e, 2)


def change(part: sp.Expr) -> sp.Expr:
    """⟨dY, part⟩, where the part is written for entry k of example t."""
    return total(total(dY[k, t] * part, t), k)


WHERE = {r[s]: length(s, -1), Y[i, s]: X[i, s] * length(s, -1)}

forward = Claim(
    name="l2_normalize.forward",
    kind="definition",
    says="each column over the root of the sum of its squares and ε",
    names=Y[i, s],
    start=X[i, s] * length(s, -1),
    steps=(Step(X[i, s] * r[s], definition, because="r is one over the length"),),
    where={r[s]: length(s, -1)},
    shapes={"X": ("n", "N"), "eps": (), "": ("n", "N")},
    source=SOURCE,
    wrong_twins=(WrongTwin(X[i, s] * r[s] ** 2, "the root is forgotten"),),
)

dX = Claim(
    name="l2_normalize.dX",
    kind="gradient",
    says="r (dY − Y ⟨Y, dY⟩), column by column: what points along Y changes nothing",
    start=slope(change(X[k, t] * length(t, -1)), X[i, s]),
    steps=(
        Step(change(slope(X[k, t] * length(t, -1), X[i, s])), linear, because="dY does not depend on X"),
        Step(
            change(delta(t, s) * (delta(k, i) * length(t, -1) - X[k, t] * X[i, t] * length(t, -3))),
            differentiate,
            because="X_is changes with itself, and the squared length of its column by 2 X_is",
        ),
        Step(
            dY[i, s] * length(s, -1) - X[i, s] * length(s, -3) * total(dY[k, s] * X[k, s], k),
            contract,
            because="only this column; the direct term has only k = i",
        ),
        Step(r[s] * (dY[i, s] - Y[i, s] * total(Y[k, s] * dY[k, s], k)), definition, because="Y is X r"),
    ),
    where=WHERE,
    shapes={"X": ("n", "N"), "dY": ("n", "N"), "eps": (), "": ("n", "N")},
    source=SOURCE,
    of="l2_normalize.forward",
    wrt="X",
    uses=("l2_normalize.forward",),
    wrong_twins=(
        WrongTwin(r[s] * dY[i, s], "the length is taken for a constant"),
        WrongTwin(r[s] * (dY[i, s] - X[i, s] * total(X[k, s] * dY[k, s], k)), "X stands where Y should"),
        WrongTwin(r[s] * dY[i, s] * (1 - Y[i, s] ** 2), "only the diagonal of the Jacobian is kept"),
    ),
)
