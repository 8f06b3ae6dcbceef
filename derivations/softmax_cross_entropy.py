"""The loss: the mean over the batch of the cross-entropy of the softmax of the logits. Its gradient is (P − Y) / N."""

import sympy as sp

from derivations import softmax
from derivations.algebra.logits import K, P, Y, Z, i, j, k, l, label, logit, prob
from derivations.algebra.notation import L, N, s, t, tensor
from derivations.algebra.sums import Entry, delta, total
from derivations.prover.claim import Claim, Step, WrongTwin
from derivations.prover.rules import (
    algebra,
    by,
    condition,
    contract,
    definition,
    differentiate,
    linear,
    logarithm,
    matrix_product,
    slope,
)
from derivations.softmax import IS_SOFTMAX, S

GOODFELLOW = "Goodfellow, Bengio & Courville 2016, §6.2.2.3"

z, p, y = logit, prob, label
v = tensor("v", K, meaning="any direction in which the logits may be moved")

ONE_LABEL = sp.Eq(total(y[k], k), 1)
ONE_LABEL_EACH = sp.Eq(total(Y[k, t], k), 1)
"""The labels of an example sum to one."""

IS_SOFTMAX_OF_COLUMN = {P[i, s]: sp.exp(Z[i, s]) / total(sp.exp(Z[k, s]), k)}


def cost(p: sp.Expr) -> sp.Expr:
    """−Σ_l y_l log p_l, for p_l given in terms of l."""
    return -total(y[l] * sp.log(p), l)


forward = Claim(
    name="softmax_cross_entropy.forward",
    kind="definition",
    says="the mean over the batch of log-sum-exp less the label's logit; the 1/N of the whole network is taken here",
    names=L,
    start=-total(total(Y[k, s] * sp.log(P[k, s]), k), s) / N,
    steps=(
        Step(
            -total(total(Y[k, s] * sp.log(sp.exp(Z[k, s]) / total(sp.exp(Z[j, s]), j)), k), s) / N,
            definition,
            because="the probabilities are the softmax of the logits",
        ),
        Step(
            total(total(Y[k, s], k) * sp.log(total(sp.exp(Z[j, s]), j)) - total(Y[k, s] * Z[k, s], k), s) / N,
            logarithm,
            because="the logarithm of a quotient",
        ),
        Step(
            total(sp.log(total(sp.exp(Z[j, s]), j)) - total(Y[k, s] * Z[k, s], k), s) / N,
            condition,
            because="the labels of every example sum to one",
        ),
    ),
    given=(ONE_LABEL_EACH,),
    where=IS_SOFTMAX_OF_COLUMN,
    shapes={"Z": ("K", "N"), "Y": ("K", "N"), "": ()},
    source=GOODFELLOW,
    uses=("cross_entropy.forward", "softmax.forward", "cross_entropy.of_softmax"),
    wrong_twins=(
        WrongTwin(
            total(sp.log(total(sp.exp(Z[j, s]), j)) - total(Y[k, s] * Z[k, s], k), s),
            "the sum over the batch, not its mean",
        ),
    ),
)

dz = Claim(
    name="softmax_cross_entropy.dz",
    kind="lemma",
    says="for one example, the gradient with respect to the logits is p − y",
    start=slope(cost(sp.exp(z[l]) / S), z[i]),
    steps=(
        Step(
            slope(total(y[l], l) * sp.log(S) - total(y[l] * z[l], l), z[i]),
            logarithm,
            because="the logarithm of a quotient",
        ),
        Step(
            total(y[l], l) * slope(sp.log(S), z[i]) - total(y[l] * slope(z[l], z[i]), l),
            linear,
            because="the labels do not depend on the logits",
        ),
        Step(
            total(y[l], l) * p[i] - total(y[l] * slope(z[l], z[i]), l),
            by(softmax.log_sum_exp_gradient, {j: i}),
            because="the gradient of log-sum-exp is the softmax",
        ),
        Step(total(y[l], l) * p[i] - y[i], differentiate, because="of the sum only the term l = i depends on z_i"),
        Step(p[i] - y[i], condition, because="the labels of one example sum to one"),
    ),
    given=(ONE_LABEL,),
    where=IS_SOFTMAX,
    source=GOODFELLOW,
    uses=("cross_entropy.of_softmax", "softmax.log_sum_exp_gradient"),
    wrong_twins=(
        WrongTwin(p[i] + y[i], "the sign of the label is flipped"),
        WrongTwin((p[i] - y[i]) * p[i] * (1 - p[i]), "the slope of a sigmoid is left over from squared error"),
        WrongTwin(y[i] - p[i], "the sign is flipped"),
    ),
)

dz_by_jacobian = Claim(
    name="softmax_cross_entropy.dz_by_jacobian",
    kind="lemma",
    says="the same by the chain rule through the probabilities, with the Jacobian of softmax",
    start=total(-y[k] / p[k] * slope(sp.exp(z[k]) / total(sp.exp(z[l]), l), z[j]), k),
    steps=(
        Step(
            total(-y[k] / p[k] * (p[k] * (delta(k, j) - p[j])), k),
            by(softmax.jacobian, {i: k}),
            because="∂L/∂p_k is −y_k/p_k, and the Jacobian says how p_k changes with z_j",
        ),
        Step(total(y[k] * (p[j] - delta(k, j)), k), algebra, because="p_k cancels"),
        Step(p[j] * total(y[k], k) - y[j], contract, because="p_j is the same in every term, and δ chooses k = j"),
        Step(p[j] - y[j], condition, because="the labels of one example sum to one"),
    ),
    given=(ONE_LABEL,),
    where=IS_SOFTMAX,
    source=GOODFELLOW,
    uses=("softmax.jacobian", "cross_entropy.dP"),
    wrong_twins=(
        WrongTwin(-y[j] * (1 - p[j]), "only the diagonal of the Jacobian is kept"),
        WrongTwin(-y[j] / p[j], "softmax is left out of the chain"),
    ),
)

gradient = Claim(
    name="softmax_cross_entropy.dZ",
    kind="gradient",
    says="for the batch, the gradient of the mean loss with respect to the logits is (P − Y) / N",
    start=slope(total(-total(Y[j, t] * sp.log(sp.exp(Z[j, t]) / total(sp.exp(Z[k, t]), k)), j), t) / N, Z[i, s]),
    steps=(
        Step(
            slope(
                total(
                    total(Y[j, t], j) * sp.log(total(sp.exp(Z[k, t]), k)) - total(Y[j, t] * Z[j, t], j),
                    t,
                )
                / N,
                Z[i, s],
            ),
            logarithm,
            because="the logarithm of a quotient",
        ),
        Step(
            (total(Y[j, s], j) * sp.exp(Z[i, s]) / total(sp.exp(Z[k, s]), k) - Y[i, s]) / N,
            differentiate,
            because="only column s depends on Z_is; there log-sum-exp changes by exp z_i over the sum",
        ),
        Step(
            (total(Y[j, s], j) * P[i, s] - Y[i, s]) / N,
            definition,
            because="that is the probability of class i in column s",
        ),
        Step((P[i, s] - Y[i, s]) / N, condition, because="the labels of every example sum to one"),
        Step(Entry((P.matrix - Y.matrix) / N, i, s), matrix_product, because="entry by entry"),
    ),
    given=(ONE_LABEL_EACH,),
    where=IS_SOFTMAX_OF_COLUMN,
    shapes={"Z": ("K", "N"), "Y": ("K", "N"), "": ("K", "N")},
    source=GOODFELLOW,
    of="softmax_cross_entropy.forward",
    wrt="Z",
    uses=("softmax_cross_entropy.forward", "softmax_cross_entropy.dz"),
    wrong_twins=(
        WrongTwin(P[i, s] - Y[i, s], "the 1/N of the mean is forgotten"),
        WrongTwin((P[i, s] - Y[i, s]) / K, "divided by the number of classes"),
        WrongTwin((Y[i, s] - P[i, s]) / N, "the sign is flipped"),
    ),
)

hessian = Claim(
    name="softmax_cross_entropy.hessian",
    kind="lemma",
    says="the second derivatives of one example's loss are diag(p) − p pᵀ, whatever the label",
    start=slope(p[i] - y[i], z[j]),
    steps=(
        Step(slope(p[i], z[j]), linear, because="the label does not depend on the logits"),
        Step(slope(sp.exp(z[i]) / S, z[j]), definition, because="p_i is exp z_i over the sum"),
        Step(p[i] * (delta(i, j) - p[j]), by(softmax.jacobian), because="the Jacobian of softmax"),
        Step(delta(i, j) * p[i] - p[i] * p[j], algebra, because="multiplied out"),
    ),
    where=IS_SOFTMAX,
    source="Boyd & Vandenberghe 2004, §3.1.5",
    uses=("softmax_cross_entropy.dz", "softmax.jacobian"),
    wrong_twins=(
        WrongTwin(delta(i, j) * p[i], "the classes are taken to be independent"),
        WrongTwin(delta(i, j) * p[i] + p[i] * p[j], "the sign is flipped"),
        WrongTwin(delta(i, j) * p[i] * (1 - p[i]), "only the diagonal is kept"),
    ),
)

convex = Claim(
    name="softmax_cross_entropy.convex",
    kind="lemma",
    relation="≥",
    says="along every direction v the loss curves upwards: vᵀ (diag(p) − p pᵀ) v is never negative",
    start=total(total(v[i] * (delta(i, j) * p[i] - p[i] * p[j]) * v[j], j), i),
    steps=(
        Step(
            total(p[i] * v[i] ** 2, i) - total(total(p[i] * p[j] * v[i] * v[j], j), i),
            contract,
            because="δ_ij chooses the term j = i",
        ),
        Step(
            total(total(p[i] * p[j] * (v[i] - v[j]) ** 2, j), i) / 2,
            condition,
            because="Σ_j p_j is one, so Σ_i p_i v_i² is Σ_i Σ_j p_i p_j v_i², and also Σ_i Σ_j p_i p_j v_j²",
        ),
    ),
    given=(sp.Gt(p[i], 0), sp.Eq(total(p[k], k), 1)),
    source="Boyd & Vandenberghe 2004, §3.1.5",
    uses=("softmax_cross_entropy.hessian", "softmax.positive", "softmax.sums_to_one"),
    wrong_twins=(WrongTwin(total(p[i] * v[i] ** 2, i) / 2, "the curvature is bounded away from 0 in every direction"),),
)
