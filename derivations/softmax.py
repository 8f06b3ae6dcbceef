"""The softmax p_i = exp z_i / Σ_k exp z_k of K classes, and log-sum-exp, of which it is the gradient."""

import sympy as sp

from derivations.algebra.logits import K, P, Z, dP, i, j, k, logit, lse, prob
from derivations.algebra.notation import c, number, s
from derivations.algebra.sums import Index, delta, total, total_but
from derivations.prover.claim import Claim, Step, WrongTwin
from derivations.prover.rules import (
    algebra,
    by,
    condition,
    contract,
    definition,
    differentiate,
    log_rule,
    logarithm,
    quotient_rule,
    slope,
    split,
)

GOODFELLOW = "Goodfellow, Bengio & Courville 2016, §6.2.2.3"

z, p = logit, prob
S = total(sp.exp(z[k]), k)


def softmax(i: Index) -> sp.Expr:
    """p_i in terms of the logits."""
    return sp.exp(z[i]) / S


IS_SOFTMAX = {p[i]: softmax(i)}
"""p stands for the softmax of z."""

forward = Claim(
    name="softmax.forward",
    kind="definition",
    says="every class gets its share of the sum of the exponentials of its column",
    names=P[i, s],
    start=sp.exp(Z[i, s]) / total(sp.exp(Z[k, s]), k),
    shapes={"Z": ("K", "N"), "": ("K", "N")},
    source=GOODFELLOW,
)

same_class = Claim(
    name="softmax.same_class",
    kind="lemma",
    says="case j = i of the Jacobian: p_i changes with z_i by p_i (1 − p_i)",
    start=slope(softmax(i), z[i]),
    steps=(
        Step(
            (S * slope(sp.exp(z[i]), z[i]) - sp.exp(z[i]) * slope(S, z[i])) / S**2,
            quotient_rule(sp.exp(z[i]), S, z[i]),
            because="u = exp z_i over v = Σ exp z_k",
        ),
        Step(
            (S * sp.exp(z[i]) - sp.exp(z[i]) * sp.exp(z[i])) / S**2,
            differentiate,
            because="exp is its own slope, and of the sum only the term k = i depends on z_i",
        ),
        Step(
            sp.exp(z[i]) / S * (total_but(sp.exp(z[k]), k, i) / S),
            split,
            because="the sum less exp z_i is the sum over all other classes",
        ),
        Step(sp.exp(z[i]) / S * (1 - sp.exp(z[i]) / S), split, because="and that, over the whole sum, is 1 − p_i"),
        Step(p[i] * (1 - p[i]), definition, because="p_i is exp z_i over the sum"),
    ),
    where=IS_SOFTMAX,
    source=GOODFELLOW,
    uses=("softmax.forward",),
    wrong_twins=(
        WrongTwin(p[i], "the denominator is taken for a constant"),
        WrongTwin(p[i] * (1 + p[i]), "a sign is lost in the quotient rule"),
    ),
)

other_class = Claim(
    name="softmax.other_class",
    kind="lemma",
    says="case j ≠ i of the Jacobian: p_i changes with z_j by −p_i p_j",
    start=slope(softmax(i), z[j]),
    steps=(
        Step(
            (S * slope(sp.exp(z[i]), z[j]) - sp.exp(z[i]) * slope(S, z[j])) / S**2,
            quotient_rule(sp.exp(z[i]), S, z[j]),
            because="u = exp z_i over v = Σ exp z_k",
        ),
        Step(
            (S * sp.exp(z[i]) * delta(i, j) - sp.exp(z[i]) * sp.exp(z[j])) / S**2,
            differentiate,
            because="exp z_i depends on z_j only if j is i, and of the sum only the term k = j does",
        ),
        Step(-sp.exp(z[i]) * sp.exp(z[j]) / S**2, condition, because="j is not i"),
        Step(-p[i] * p[j], definition, because="one factor of the square for each exponential"),
    ),
    given=(sp.Ne(i, j),),
    where=IS_SOFTMAX,
    source=GOODFELLOW,
    uses=("softmax.forward",),
    wrong_twins=(
        WrongTwin(sp.S.Zero, "classes are taken to be independent: only the diagonal is kept"),
        WrongTwin(p[i] * p[j], "the sign is flipped"),
    ),
)

jacobian = Claim(
    name="softmax.jacobian",
    kind="lemma",
    says="whether j is i or not, p_i changes with z_j by p_i (δ_ij − p_j)",
    start=slope(softmax(i), z[j]),
    steps=(
        Step(
            (S * slope(sp.exp(z[i]), z[j]) - sp.exp(z[i]) * slope(S, z[j])) / S**2,
            quotient_rule(sp.exp(z[i]), S, z[j]),
            because="u = exp z_i over v = Σ exp z_k",
        ),
        Step(
            (S * delta(i, j) * sp.exp(z[i]) - sp.exp(z[i]) * sp.exp(z[j])) / S**2,
            differentiate,
            because="exp z_i depends on z_j only if j is i, and of the sum only the term k = j does",
        ),
        Step(
            sp.exp(z[i]) / S * (delta(i, j) - sp.exp(z[j]) / S),
            algebra,
            because="divide by the square of the sum, one factor each",
        ),
        Step(p[i] * (delta(i, j) - p[j]), definition, because="p_i is exp z_i over the sum"),
    ),
    where=IS_SOFTMAX,
    source=GOODFELLOW,
    uses=("softmax.forward", "softmax.same_class", "softmax.other_class"),
    wrong_twins=(
        WrongTwin(p[i] * (1 - p[i]) * delta(i, j), "only the diagonal is kept"),
        WrongTwin(p[i] * (delta(i, j) - p[i]), "the index of the second p is the first's"),
        WrongTwin(p[i] * (delta(i, j) + p[j]), "the sign is flipped"),
    ),
)

sums_to_one = Claim(
    name="softmax.sums_to_one",
    kind="lemma",
    says="the probabilities of one example sum to one",
    start=total(p[i], i),
    steps=(
        Step(total(softmax(i), i), definition, because="p_i is exp z_i over the sum"),
        Step(
            sp.S.One,
            algebra,
            because="the denominator is the same for every class: the numerators sum to it, by whatever letter",
        ),
    ),
    where=IS_SOFTMAX,
    source=GOODFELLOW,
    uses=("softmax.forward",),
    wrong_twins=(WrongTwin(K, "every class is given probability one"),),
)

positive = Claim(
    name="softmax.positive",
    kind="lemma",
    relation=">",
    says="every probability is positive: exponentials are, and so is a sum of them",
    start=p[i],
    steps=(Step(softmax(i), definition, because="p_i is exp z_i over the sum"),),
    where=IS_SOFTMAX,
    source=GOODFELLOW,
    uses=("softmax.forward",),
    wrong_twins=(WrongTwin(1 / K, "every class is taken to have at least an equal share"),),
)

at_most_one = Claim(
    name="softmax.at_most_one",
    kind="lemma",
    relation="≥",
    says="no probability exceeds one; with two classes or more it stays below, for the others keep a part",
    start=1 - p[i],
    steps=(
        Step(1 - softmax(i), definition, because="p_i is exp z_i over the sum"),
        Step(total_but(sp.exp(z[k]), k, i) / S, split, because="the sum less exp z_i is that of the other classes"),
    ),
    where=IS_SOFTMAX,
    source=GOODFELLOW,
    uses=("softmax.forward",),
    wrong_twins=(WrongTwin(sp.Rational(1, 2), "no class is taken to have more than half"),),
)

keeps_order = Claim(
    name="softmax.keeps_order",
    kind="lemma",
    says="p_i / p_j = exp(z_i − z_j), which is above 1 just when z_i is above z_j: the largest logit wins",
    start=p[i] / p[j],
    steps=(
        Step(softmax(i) / softmax(j), definition, because="p_i is exp z_i over the sum"),
        Step(sp.exp(z[i] - z[j]), algebra, because="the two denominators are one"),
    ),
    where=IS_SOFTMAX,
    source=GOODFELLOW,
    uses=("softmax.forward",),
    wrong_twins=(WrongTwin(sp.exp(z[j] - z[i]), "order is reversed"),),
)

shift = Claim(
    name="softmax.shift",
    kind="lemma",
    says="adding one number to all logits changes nothing, so the largest may be taken away before exp",
    start=sp.exp(z[i] + c) / total(sp.exp(z[k] + c), k),
    steps=(Step(softmax(i), algebra, because="exp(z + c) is exp c exp z; exp c comes out of the sum, and cancels"),),
    source="Blanchard, Higham & Higham 2021, §1",
    uses=("softmax.forward",),
    wrong_twins=(WrongTwin(sp.exp(c) * softmax(i), "the shift is taken out of the numerator only"),),
)

two_classes = Claim(
    name="softmax.two_classes",
    kind="lemma",
    says="for two classes the softmax is the sigmoid of the difference of their logits",
    start=sp.exp(u := number("v1", "the first of two logits")) / (sp.exp(u) + sp.exp(v := number("v2", "the second"))),
    steps=(Step(1 / (1 + sp.exp(-(u - v))), algebra, because="numerator and denominator divided by exp u"),),
    source=GOODFELLOW,
    uses=("sigmoid.forward",),
    wrong_twins=(
        WrongTwin(1 / (1 + sp.exp(u - v)), "the probability of the other class"),
        WrongTwin(1 / (1 + sp.exp(-u)), "the other class is taken to have logit 0"),
    ),
)


def through_probabilities(j: Index, s: Index) -> sp.Expr:
    """Σ_i dP_is ∂P_is/∂Z_js, with P written out."""
    return total(dP[i, s] * slope(sp.exp(Z[i, s]) / total(sp.exp(Z[k, s]), k), Z[j, s]), i)


dZ = Claim(
    name="softmax.dZ",
    kind="gradient",
    says="backwards through softmax, in each column: each dP less the mean of dP with weights P, then times P",
    start=through_probabilities(j, s),
    steps=(
        Step(
            total(dP[i, s] * P[i, s] * (delta(i, j) - P[j, s]), i),
            by(jacobian, {z[i]: Z[i, s]}),
            because="the Jacobian of one example, for column s",
        ),
        Step(P[j, s] * (dP[j, s] - total(P[i, s] * dP[i, s], i)), contract, because="δ_ij chooses the term i = j"),
    ),
    where={P[i, s]: sp.exp(Z[i, s]) / total(sp.exp(Z[k, s]), k)},
    shapes={"P": ("K", "N"), "dP": ("K", "N"), "": ("K", "N")},
    source=GOODFELLOW,
    of="softmax.forward",
    wrt="Z",
    uses=("softmax.jacobian",),
    wrong_twins=(
        WrongTwin(P[j, s] * dP[j, s], "the denominator is taken for a constant"),
        WrongTwin(P[j, s] * (1 - P[j, s]) * dP[j, s], "only the diagonal of the Jacobian is kept"),
        WrongTwin(P[j, s] * (dP[j, s] + total(P[i, s] * dP[i, s], i)), "the sign is flipped"),
    ),
)

log_sum_exp = Claim(
    name="softmax.log_sum_exp",
    kind="definition",
    says="the logarithm of the sum of the exponentials of a column, a smooth stand-in for its largest logit",
    names=lse[s],
    start=sp.log(total(sp.exp(Z[k, s]), k)),
    shapes={"Z": ("K", "N"), "": ("1", "N")},
    source="Blanchard, Higham & Higham 2021, §1",
)

log_sum_exp_shift = Claim(
    name="softmax.log_sum_exp_shift",
    kind="lemma",
    says="a number added to all logits is added to their log-sum-exp, so the largest may be set aside first",
    start=sp.log(total(sp.exp(z[k] + c), k)),
    steps=(
        Step(sp.log(sp.exp(c) * S), algebra, because="exp c comes out of the sum"),
        Step(c + sp.log(S), logarithm, because="the logarithm of a product of positive numbers"),
    ),
    source="Blanchard, Higham & Higham 2021, §1",
    uses=("softmax.log_sum_exp",),
    wrong_twins=(WrongTwin(sp.log(S), "log-sum-exp is taken to be unchanged, as softmax is"),),
)

log_sum_exp_gradient = Claim(
    name="softmax.log_sum_exp_gradient",
    kind="lemma",
    says="the gradient of log-sum-exp is the softmax",
    start=slope(sp.log(S), z[j]),
    steps=(
        Step(slope(S, z[j]) / S, log_rule(S, z[j]), because="the slope of log v is v′ / v"),
        Step(sp.exp(z[j]) / S, differentiate, because="of the sum only the term k = j depends on z_j"),
        Step(p[j], definition, because="p_j is exp z_j over the sum"),
    ),
    where=IS_SOFTMAX,
    source="Blanchard, Higham & Higham 2021, §1",
    uses=("softmax.log_sum_exp", "softmax.forward"),
    wrong_twins=(WrongTwin(1 / S, "the inner derivative is forgotten"), WrongTwin(sp.exp(z[j]), "so is 1/v")),
)
