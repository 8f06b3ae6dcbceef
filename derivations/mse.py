"""The mean squared error over all entries, and its gradient 2 (O − Y) / (n N)."""

import sympy as sp

from derivations.algebra.notation import L, N, i, k, n, s, t, tensors_of
from derivations.algebra.sums import delta, total
from derivations.prover.claim import Claim, Step, WrongTwin
from derivations.prover.rules import algebra, contract, differentiate, linear, slope

GOODFELLOW = "Goodfellow, Bengio & Courville 2016, §5.1.4"

tensor = tensors_of("mse")
O = tensor("O", n, N, meaning="outputs, a column an example")
T = tensor("T", n, N, meaning="targets, a column an example")


def mean(part: sp.Expr) -> sp.Expr:
    """The mean over all entries, the part written for entry k of example t."""
    return total(total(part, k), t) / (n * N)


squares = mean((O[k, t] - T[k, t]) ** 2)

forward = Claim(
    name="mse.forward",
    kind="definition",
    says="the mean over all entries of the squared error",
    names=L,
    start=squares,
    steps=(
        Step(
            mean(O[k, t] ** 2) - 2 * mean(O[k, t] * T[k, t]) + mean(T[k, t] ** 2),
            algebra,
            because="the square of a difference",
        ),
    ),
    shapes={"O": ("n", "N"), "T": ("n", "N"), "": ()},
    source=GOODFELLOW,
    wrong_twins=(
        WrongTwin(squares * n, "the mean runs over the batch only"),
        WrongTwin(squares / 2, "a half is put in front, as some programs do"),
    ),
)

dO = Claim(
    name="mse.dO",
    kind="gradient",
    says="twice the error over the number of entries",
    start=slope(squares, O[i, s]),
    steps=(
        Step(
            mean(slope((O[k, t] - T[k, t]) ** 2, O[i, s])), linear, because="a mean's slope is the mean of the slopes"
        ),
        Step(
            mean(2 * (O[k, t] - T[k, t]) * delta(k, i) * delta(t, s)),
            differentiate,
            because="the slope of a square is twice what is squared; an entry of O changes with itself only",
        ),
        Step(2 * (O[i, s] - T[i, s]) / (n * N), contract, because="only k = i and t = s remain"),
    ),
    shapes={"O": ("n", "N"), "T": ("n", "N"), "": ("n", "N")},
    source=GOODFELLOW,
    of="mse.forward",
    wrt="O",
    uses=("mse.forward",),
    wrong_twins=(
        WrongTwin((O[i, s] - T[i, s]) / (n * N), "the 2 is forgotten"),
        WrongTwin(2 * (O[i, s] - T[i, s]) / N, "the mean is taken over the batch only, and the loss over all entries"),
        WrongTwin(2 * (T[i, s] - O[i, s]) / (n * N), "the sign is flipped"),
    ),
)
