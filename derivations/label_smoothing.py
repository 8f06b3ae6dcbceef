"""Cross-entropy with smoothed labels: (1 − α) Y + α/K in place of Y, and the gradient (P − (1 − α) Y − α/K) / N."""

import sympy as sp

from derivations.algebra.logits import K, P, Y, Z, i, k, l
from derivations.algebra.notation import L, N, number, s, t, tensors_of
from derivations.algebra.sums import total
from derivations.prover.claim import Claim, Step, WrongTwin
from derivations.prover.rules import condition, definition, differentiate, logarithm, slope
from derivations.softmax_cross_entropy import IS_SOFTMAX_OF_COLUMN, ONE_LABEL_EACH

SZEGEDY = "Szegedy et al. 2016, arXiv:1512.00567, §7"

smoothing = number("smoothing", "the share of the label that is spread over all classes")
smooth = tensors_of("label_smoothing")("smooth", K, N, meaning="smoothed labels", latex=r"\tilde{Y}")


def smoothed(k: sp.Expr, t: sp.Expr) -> sp.Expr:
    """The smoothed label of class k of example t."""
    return (1 - smoothing) * Y[k, t] + smoothing / K


def log_p(k: sp.Expr, t: sp.Expr) -> sp.Expr:
    """The logarithm of the softmax of the logits."""
    return sp.log(sp.exp(Z[k, t]) / total(sp.exp(Z[l, t]), l))


WHERE = IS_SOFTMAX_OF_COLUMN | {smooth[i, s]: smoothed(i, s)}
cost = -total(total(smoothed(k, t) * log_p(k, t), k), t) / N
weight = (1 - smoothing) * total(Y[k, t], k) + smoothing
of_logits = total(weight * sp.log(total(sp.exp(Z[l, t]), l)) - total(smoothed(k, t) * Z[k, t], k), t) / N
weight_of_s = (1 - smoothing) * total(Y[k, s], k) + smoothing
SHAPES = {"Z": ("K", "N"), "Y": ("K", "N"), "smoothing": ()}

sums_to_one = Claim(
    name="label_smoothing.sums_to_one",
    kind="lemma",
    says="smoothed labels sum to one, as labels do",
    start=total(smooth[k, s], k),
    steps=(
        Step((1 - smoothing) * total(Y[k, s], k) + smoothing, definition, because="K classes get α/K each"),
        Step(sp.S.One, condition, because="the labels sum to one"),
    ),
    given=(ONE_LABEL_EACH,),
    where={smooth[i, s]: smoothed(i, s)},
    source=SZEGEDY,
    wrong_twins=(WrongTwin(1 + smoothing, "the label itself is not shrunk"),),
)

forward = Claim(
    name="label_smoothing.forward",
    kind="definition",
    says="the mean over the batch of log-sum-exp less the logits weighted by the smoothed labels",
    names=L,
    start=cost,
    steps=(
        Step(of_logits, logarithm, because="the logarithm of a quotient; the weights of a column are added up"),
        Step(
            total(sp.log(total(sp.exp(Z[l, t]), l)) - total(smoothed(k, t) * Z[k, t], k), t) / N,
            condition,
            because="the labels of every example sum to one",
        ),
    ),
    given=(ONE_LABEL_EACH,),
    shapes=SHAPES | {"": ()},
    source=SZEGEDY,
    uses=("softmax_cross_entropy.forward", "label_smoothing.sums_to_one"),
    wrong_twins=(
        WrongTwin(
            total(sp.log(total(sp.exp(Z[l, t]), l)) - (1 - smoothing) * total(Y[k, t] * Z[k, t], k), t) / N,
            "the part that is spread is left out",
        ),
    ),
)

dZ = Claim(
    name="label_smoothing.dZ",
    kind="gradient",
    says="softmax less the smoothed labels, over the batch",
    start=slope(cost, Z[i, s]),
    steps=(
        Step(slope(of_logits, Z[i, s]), logarithm, because="the logarithm of a quotient"),
        Step(
            (weight_of_s * sp.exp(Z[i, s]) / total(sp.exp(Z[l, s]), l) - smoothed(i, s)) / N,
            differentiate,
            because="only column s depends on Z_is",
        ),
        Step((weight_of_s * P[i, s] - smoothed(i, s)) / N, definition, because="P is the softmax of the logits"),
        Step((P[i, s] - smoothed(i, s)) / N, condition, because="the labels of an example sum to one"),
    ),
    given=(ONE_LABEL_EACH,),
    where=IS_SOFTMAX_OF_COLUMN,
    shapes=SHAPES | {"": ("K", "N")},
    source=SZEGEDY,
    of="label_smoothing.forward",
    wrt="Z",
    uses=("label_smoothing.forward", "softmax_cross_entropy.dZ"),
    wrong_twins=(
        WrongTwin((P[i, s] - Y[i, s]) / N, "the labels are not smoothed in the backward pass"),
        WrongTwin((P[i, s] - (1 - smoothing) * Y[i, s]) / N, "the part that is spread is left out"),
        WrongTwin((1 - smoothing) * (P[i, s] - Y[i, s]) / N, "the gradient is shrunk as the labels are"),
    ),
)
