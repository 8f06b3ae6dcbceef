"""Binary cross-entropy of logits: the mean over all entries, and its gradient (σ(Z) − T) / (n N)."""

import sympy as sp

from derivations.algebra.notation import L, N, i, k, n, s, t, tensors_of
from derivations.algebra.sums import total
from derivations.prover.claim import Claim, Step, WrongTwin
from derivations.prover.rules import algebra, definition, differentiate, logarithm, slope

GOODFELLOW = "Goodfellow, Bengio & Courville 2016, §6.2.2.2"

tensor = tensors_of("binary_cross_entropy")
Z = tensor("Z", n, N, meaning="logits, a column an example")
T = tensor("T", n, N, meaning="the probability that each answer is yes: 0 or 1, or between")
S = tensor("S", n, N, meaning="sigmoids of the logits")


def yes(z: sp.Expr) -> sp.Expr:
    """σ(z)."""
    return 1 / (1 + sp.exp(-z))


def no(z: sp.Expr) -> sp.Expr:
    """1 − σ(z), written so that it does not cancel."""
    return sp.exp(-z) / (1 + sp.exp(-z))


def mean(part: sp.Expr) -> sp.Expr:
    """The mean over all entries, the part written for entry k of example t."""
    return total(total(part, k), t) / (n * N)


WHERE = {S[i, s]: yes(Z[i, s])}
cost = -mean(T[k, t] * sp.log(yes(Z[k, t])) + (1 - T[k, t]) * sp.log(no(Z[k, t])))
of_logits = mean(sp.log(1 + sp.exp(-Z[k, t])) + (1 - T[k, t]) * Z[k, t])

forward = Claim(
    name="binary_cross_entropy.forward",
    kind="definition",
    says="the mean over all entries of −T log σ(Z) − (1 − T) log(1 − σ(Z)), which needs no logarithm of a small number",
    names=L,
    start=cost,
    steps=(Step(of_logits, logarithm, because="the logarithm of a quotient; log exp(−Z) is −Z"),),
    shapes={"Z": ("n", "N"), "T": ("n", "N"), "": ()},
    source=GOODFELLOW,
    wrong_twins=(
        WrongTwin(-mean(T[k, t] * sp.log(yes(Z[k, t]))), "the answers that should be no are left out"),
        WrongTwin(of_logits * n, "the mean runs over the batch only"),
        WrongTwin(mean(sp.log(1 + sp.exp(-Z[k, t])) + T[k, t] * Z[k, t]), "T stands where 1 − T should"),
    ),
)

dZ = Claim(
    name="binary_cross_entropy.dZ",
    kind="gradient",
    says="the sigmoid of the logit less the target, over the number of entries",
    start=slope(cost, Z[i, s]),
    steps=(
        Step(slope(of_logits, Z[i, s]), logarithm, because="the logarithm of a quotient; log exp(−Z) is −Z"),
        Step(
            (1 - T[i, s] - sp.exp(-Z[i, s]) / (1 + sp.exp(-Z[i, s]))) / (n * N),
            differentiate,
            because="an entry of the loss depends on its own logit only",
        ),
        Step((1 / (1 + sp.exp(-Z[i, s])) - T[i, s]) / (n * N), algebra, because="1 − σ(−Z) is σ(Z)"),
        Step((S[i, s] - T[i, s]) / (n * N), definition, because="S is the sigmoid of the logits"),
    ),
    where=WHERE,
    shapes={"Z": ("n", "N"), "T": ("n", "N"), "": ("n", "N")},
    source=GOODFELLOW,
    of="binary_cross_entropy.forward",
    wrt="Z",
    uses=("binary_cross_entropy.forward",),
    wrong_twins=(
        WrongTwin(
            (S[i, s] - T[i, s]) * S[i, s] * (1 - S[i, s]) / (n * N), "the sigmoid's slope is multiplied in once more"
        ),
        WrongTwin((S[i, s] - T[i, s]) / N, "the mean is taken over the batch only"),
        WrongTwin((T[i, s] - S[i, s]) / (n * N), "the sign is flipped"),
    ),
)
