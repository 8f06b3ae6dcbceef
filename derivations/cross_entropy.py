"""The cross-entropy of one example, l = −Σ_i y_i log p_i, for probabilities p and labels y."""

import sympy as sp

from derivations.algebra.logits import P, Y, dl, i, k, l_each, label, logit, prob
from derivations.algebra.notation import s, t
from derivations.algebra.sums import total
from derivations.prover.claim import Claim, Step, WrongTwin
from derivations.prover.rules import definition, differentiate, linear, log_rule, logarithm, slope
from derivations.softmax import IS_SOFTMAX, S

GOODFELLOW = "Goodfellow, Bengio & Courville 2016, §3.13"

z, p, y = logit, prob, label

forward = Claim(
    name="cross_entropy.forward",
    kind="definition",
    says="for each example, minus the logarithm of the probability of each class, weighted by its label",
    names=l_each[s],
    start=-total(Y[i, s] * sp.log(P[i, s]), i),
    shapes={"P": ("K", "N"), "Y": ("K", "N"), "": ("1", "N")},
    source=GOODFELLOW,
)

dP = Claim(
    name="cross_entropy.dP",
    kind="gradient",
    says="the gradient with respect to the probabilities is −y/p, in the columns where the loss changes",
    start=slope(total(dl[t] * -total(Y[k, t] * sp.log(P[k, t]), k), t), P[i, s]),
    steps=(
        Step(
            -total(dl[t] * total(Y[k, t] * slope(sp.log(P[k, t]), P[i, s]), k), t),
            linear,
            because="dl and the labels do not depend on P",
        ),
        Step(
            -total(dl[t] * total(Y[k, t] * (slope(P[k, t], P[i, s]) / P[k, t]), k), t),
            log_rule(P[k, t], P[i, s]),
            because="the slope of log v is v′ / v",
        ),
        Step(-Y[i, s] / P[i, s] * dl[s], differentiate, because="only the entry of class i and example s changes"),
    ),
    shapes={"P": ("K", "N"), "Y": ("K", "N"), "dl": ("1", "N"), "": ("K", "N")},
    source=GOODFELLOW,
    of="cross_entropy.forward",
    wrt="P",
    uses=("cross_entropy.forward",),
    wrong_twins=(
        WrongTwin(Y[i, s] / P[i, s] * dl[s], "the sign is flipped"),
        WrongTwin(-Y[i, s] * sp.log(P[i, s]) * dl[s], "the logarithm is not differentiated"),
        WrongTwin((P[i, s] - Y[i, s]) * dl[s], "the gradient with respect to the logits"),
    ),
)

nonnegative = Claim(
    name="cross_entropy.nonnegative",
    kind="lemma",
    relation="≥",
    says="cross-entropy is never negative: labels are not, and no probability exceeds one",
    start=-total(y[i] * sp.log(p[i]), i),
    given=(sp.Ge(y[i], 0), sp.Gt(p[i], 0), sp.Le(p[i], 1)),
    source=GOODFELLOW,
    uses=("cross_entropy.forward", "softmax.positive", "softmax.at_most_one"),
    wrong_twins=(WrongTwin(total(y[i], i), "a certain answer is taken to cost something"),),
)

of_softmax = Claim(
    name="cross_entropy.of_softmax",
    kind="lemma",
    says="of a softmax, the cross-entropy is log-sum-exp less the label's logit: no quotient, no log of a small number",
    start=-total(y[i] * sp.log(p[i]), i),
    steps=(
        Step(-total(y[i] * sp.log(sp.exp(z[i]) / S), i), definition, because="p_i is exp z_i over the sum"),
        Step(
            total(y[i], i) * sp.log(S) - total(y[i] * z[i], i),
            logarithm,
            because="the logarithm of a quotient; the sum is the same for every class",
        ),
    ),
    where=IS_SOFTMAX,
    source="Blanchard, Higham & Higham 2021, §1",
    uses=("cross_entropy.forward", "softmax.forward"),
    wrong_twins=(
        WrongTwin(sp.log(S) - total(y[i] * z[i], i), "labels are taken to sum to one without being given"),
        WrongTwin(total(y[i] * z[i], i) - total(y[i], i) * sp.log(S), "the sign is flipped"),
    ),
)
