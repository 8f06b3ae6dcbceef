"""RMS normalisation: every example over the root of the mean of its squares, with a gain and no mean subtracted."""

import sympy as sp

from derivations.algebra.notation import N, eps, i, j, k, n, s, t, tensors_of
from derivations.algebra.sums import delta, total
from derivations.prover.claim import Claim, Step, WrongTwin
from derivations.prover.rules import contract, definition, differentiate, linear, slope

ZHANG = "Zhang & Sennrich 2019, arXiv:1910.07467"

tensor = tensors_of("rms_norm")
X = tensor("X", n, N, meaning="the layer's input, a column an example")
gamma = tensor("gamma", n, meaning="gains, one a feature", latex=r"\gamma")
dY = tensor("dY", n, N, meaning="gradient of the loss with respect to the output")
Y = tensor("Y", n, N, meaning="the layer's output")
r = tensor("r", N, meaning="one over the root mean square of each example")


def root(t: sp.Expr, e: int) -> sp.Expr:
    """The mean square of an example and ε, to the power e/2."""
    return (total(X[j, t] ** 2, j) / n + eps) ** sp.Rational(e, 2)


def change(part: sp.Expr) -> sp.Expr:
    """⟨dY, part⟩, where the part is written for feature k and example t."""
    return total(total(dY[k, t] * part, t), k)


WHERE = {r[s]: root(s, -1)}
row = total(gamma[k] * dY[k, s] * X[k, s], k) / n
"""The mean of γ dY X over the features of an example."""

forward = Claim(
    name="rms_norm.forward",
    kind="definition",
    says="each example over the root of the mean of its squares; then a gain",
    names=Y[i, s],
    start=gamma[i] * X[i, s] * root(s, -1),
    steps=(Step(gamma[i] * X[i, s] * r[s], definition, because="r is one over the root mean square"),),
    where=WHERE,
    shapes={"X": ("n", "N"), "gamma": ("n", "1"), "eps": (), "": ("n", "N")},
    source=ZHANG,
    wrong_twins=(
        WrongTwin(X[i, s] * r[s], "the gain is forgotten"),
        WrongTwin(
            gamma[i] * X[i, s] * (total(X[j, s] ** 2, j) + eps) ** sp.Rational(-1, 2),
            "the sum of squares, not the mean",
        ),
    ),
)

dX = Claim(
    name="rms_norm.dX",
    kind="gradient",
    says="r (γ dY − r² X times the mean over features of γ dY X)",
    start=slope(change(gamma[k] * X[k, t] * root(t, -1)), X[i, s]),
    steps=(
        Step(change(gamma[k] * slope(X[k, t] * root(t, -1), X[i, s])), linear, because="γ and dY do not depend on X"),
        Step(
            change(gamma[k] * delta(t, s) * (delta(k, i) * root(t, -1) - X[k, t] * X[i, t] * root(t, -3) / n)),
            differentiate,
            because="X_is changes with itself, and the mean square of its example by 2 X_is / n",
        ),
        Step(
            gamma[i] * dY[i, s] * root(s, -1) - X[i, s] * root(s, -3) * row,
            contract,
            because="only this example; the direct term has only k = i",
        ),
        Step(r[s] * (gamma[i] * dY[i, s] - X[i, s] * r[s] ** 2 * row), definition, because="r is the root's inverse"),
    ),
    where=WHERE,
    shapes={"X": ("n", "N"), "gamma": ("n", "1"), "dY": ("n", "N"), "eps": (), "": ("n", "N")},
    source=ZHANG,
    of="rms_norm.forward",
    wrt="X",
    uses=("rms_norm.forward",),
    wrong_twins=(
        WrongTwin(r[s] * gamma[i] * dY[i, s], "the root mean square is taken for a constant"),
        WrongTwin(r[s] * (gamma[i] * dY[i, s] - X[i, s] * r[s] ** 2 * row * n), "the sum over features, not the mean"),
        WrongTwin(r[s] * (gamma[i] * dY[i, s] - X[i, s] * r[s] * row), "r stands where r² should"),
        WrongTwin(
            r[s] * (gamma[i] * dY[i, s] - X[i, s] * r[s] ** 2 * total(dY[k, s] * X[k, s], k) / n),
            "the gain is forgotten in the second term",
        ),
        WrongTwin(
            r[s] * (gamma[i] * dY[i, s] - X[i, s] * r[s] ** 2 * total(gamma[i] * dY[i, t] * X[i, t], t) / n),
            "the second term is added up over the examples, not over the features",
        ),
    ),
)

dgamma = Claim(
    name="rms_norm.dgamma",
    kind="gradient",
    says="the sum over examples of dY X r",
    start=slope(change(gamma[k] * X[k, t] * root(t, -1)), gamma[i]),
    steps=(
        Step(change(delta(k, i) * X[k, t] * root(t, -1)), differentiate, because="a gain changes with itself only"),
        Step(total(dY[i, t] * X[i, t] * root(t, -1), t), contract, because="only k = i remains"),
        Step(total(dY[i, t] * X[i, t] * r[t], t), definition, because="r is one over the root mean square"),
    ),
    where=WHERE,
    shapes={"X": ("n", "N"), "dY": ("n", "N"), "eps": (), "": ("n", "1")},
    source=ZHANG,
    of="rms_norm.forward",
    wrt="gamma",
    uses=("rms_norm.forward",),
    wrong_twins=(
        WrongTwin(total(dY[i, t] * X[i, t], t), "the input stands where the normalised input should"),
        WrongTwin(total(dY[i, t] * X[i, t] * r[t], t) / N, "a mean over the batch, not a sum"),
    ),
)
