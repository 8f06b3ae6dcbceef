"""A residual connection, A + branch(A): the gradient is dZ itself and what comes back through the branch."""

from derivations.algebra.notation import Activation as f
from derivations.algebra.notation import ActivationSlope as df
from derivations.algebra.notation import N, i, k, l, n, s, t, tensors_of
from derivations.algebra.sums import delta, total
from derivations.prover.claim import Claim, Step, WrongTwin
from derivations.prover.rules import contract, differentiate, linear, slope

HE = "He et al. 2016, arXiv:1603.05027, §2"

tensor = tensors_of("residual")
A = tensor("A", n, N, meaning="the input, a column an example")
W = tensor("W", n, n, meaning="weights of the branch, which may be any")
dZ = tensor("dZ", n, N, meaning="gradient of the loss with respect to the output")

through = total(W[k, i] * dZ[k, s], k) * df(A[i, s])
"""What comes back through the branch."""

both_paths = Claim(
    name="residual.both_paths",
    kind="lemma",
    says="with a branch W f(A), of any W and f, the gradient of A is dZ itself and that of the branch, added up",
    start=slope(total(total(dZ[k, t] * (A[k, t] + total(W[k, l] * f(A[l, t]), l)), t), k), A[i, s]),
    steps=(
        Step(
            total(total(dZ[k, t] * (slope(A[k, t], A[i, s]) + total(W[k, l] * slope(f(A[l, t]), A[i, s]), l)), t), k),
            linear,
            because="the slope of a sum is the sum of the slopes: one path for each summand",
        ),
        Step(
            total(
                total(
                    dZ[k, t]
                    * (delta(k, i) * delta(t, s) + total(W[k, l] * delta(l, i) * delta(t, s) * df(A[l, t]), l)),
                    t,
                ),
                k,
            ),
            differentiate,
            because="an entry of A changes with itself only",
        ),
        Step(dZ[i, s] + through, contract, because="one entry remains on either path"),
    ),
    source=HE,
    uses=("affine.dA",),
    wrong_twins=(
        WrongTwin(through, "the skip is forgotten in the backward pass"),
        WrongTwin(dZ[i, s], "the branch is forgotten in the backward pass"),
        WrongTwin(2 * dZ[i, s] + through, "the skip is counted twice: a gradient was overwritten in place"),
    ),
)
