"""Softmax under a mask, column by column: p_i = m_i exp z_i / Σ_k m_k exp z_k, for any mask."""

import sympy as sp

from derivations.algebra.notation import N, i, k, l, n, s, t, tensors_of
from derivations.algebra.sums import Index, delta, total
from derivations.prover.claim import Claim, Step, WrongTwin
from derivations.prover.rules import algebra, contract, definition, differentiate, slope

VASWANI = "Vaswani et al. 2017, arXiv:1706.03762, §3.2.3"

v = Index("v", n)
tensor = tensors_of("masked_softmax")
Z = tensor("Z", n, N, meaning="scores, a column an example")
M = tensor("M", n, N, meaning="mask: 0 where an entry is not seen, else a positive number, mostly 1")
P = tensor("P", n, N, meaning="weights: what the masked softmax gives")
dP = tensor("dP", n, N, meaning="gradient of the loss with respect to the weights")


def weight(k: sp.Expr, t: sp.Expr) -> sp.Expr:
    """The masked softmax of column t at entry k."""
    return M[k, t] * sp.exp(Z[k, t]) / total(M[l, t] * sp.exp(Z[l, t]), l)


WHERE = {P[i, s]: weight(i, s)}
inner = total(P[k, s] * dP[k, s], k)

forward = Claim(
    name="masked_softmax.forward",
    kind="definition",
    says="every entry that is seen gets its share of the sum of those that are seen",
    names=P[i, s],
    start=weight(i, s),
    shapes={"Z": ("n", "N"), "M": ("n", "N"), "": ("n", "N")},
    source=VASWANI,
)

dZ = Claim(
    name="masked_softmax.dZ",
    kind="gradient",
    says="P ∘ (dP − Σ P dP), masked or not: where P is 0, so is the gradient",
    start=slope(total(total(dP[k, t] * weight(k, t), k), t), Z[i, s]),
    steps=(
        Step(
            total(total(dP[k, t] * weight(k, t) * delta(t, s) * (delta(k, i) - weight(i, t)), k), t),
            differentiate,
            because="of a quotient whose numerator holds z_k and whose denominator holds every z of the column",
        ),
        Step(
            dP[i, s] * weight(i, s) - weight(i, s) * total(dP[k, s] * weight(k, s), k),
            contract,
            because="only column s; the numerator has only k = i",
        ),
        Step(weight(i, s) * (dP[i, s] - total(weight(k, s) * dP[k, s], k)), algebra, because="the weight is common"),
        Step(P[i, s] * (dP[i, s] - inner), definition, because="P are the weights"),
    ),
    where=WHERE,
    shapes={"Z": ("n", "N"), "M": ("n", "N"), "dP": ("n", "N"), "": ("n", "N")},
    source=VASWANI,
    of="masked_softmax.forward",
    wrt="Z",
    uses=("masked_softmax.forward", "softmax.dZ"),
    wrong_twins=(
        WrongTwin(P[i, s] * (1 - P[i, s]) * dP[i, s], "only the diagonal of the Jacobian is kept"),
        WrongTwin(P[i, s] * (dP[i, s] - total(dP[k, s], k)), "the sum is not weighted by P"),
        WrongTwin(M[i, s] * (dP[i, s] - inner), "the mask stands where the weights should"),
    ),
)
