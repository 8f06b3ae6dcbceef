"""The article's equations about the softmax of one example and its loss, in its order: the Jacobian, then a − y."""

from __future__ import annotations

import sympy as sp

from derivations.algebra.logits import K, i, j, k, l
from derivations.algebra.logits import label as y
from derivations.algebra.logits import logit as z
from derivations.algebra.notation import tensor
from derivations.algebra.sums import delta, total, total_but
from derivations.article.judging import Quotation as Q
from derivations.article.judging import Statement
from derivations.prover.rules import slope

a = tensor("a", K, meaning="the output of one example, the softmax of z, as the article names it")

e = sp.exp
S = total(e(z[k]), k)
OTHERS = total_but(e(z[k]), k, i)
REST = total_but(e(z[k]), k, i, j)
SHARE = {a[i]: e(z[i]) / S}
"""a stands for the softmax of z."""

DIFFER = (sp.Ne(i, j),)
ONE_LABEL = (sp.Eq(total(y[k], k), 1),)
UNNAMED = total(e(z[i]), k)
"""Σ e^{z_i} with i held fixed, as it is outside the sum: K e^{z_i}."""

WHICH_SUM = "one sign Σ stands for the sum over all k and for that over k ≠ i"
FREE_AND_SUMMED = "i is the class asked about and the index summed over; Σ_k e^{z_k} is meant"


def s(left: sp.Basic, right: sp.Basic, *given: sp.Basic) -> tuple[Statement, ...]:
    """Left = right, where a is the softmax of z."""
    return (Statement(left, right, given=given, where=SHARE),)


def quotient(fraction: sp.Expr) -> sp.Expr:
    """∂/∂z_i of a fraction, as a question."""
    return slope(fraction, z[i])


SAME = quotient(e(z[i]) / (e(z[i]) + OTHERS))
OTHER = slope(e(z[i]) / (e(z[i]) + e(z[j]) + REST), z[j])
FRACTION = e(z[i]) / (e(z[i]) + e(z[j]) + REST)

SECTION = "Derivative of softmax"

JACOBIAN = (
    Q(
        "softmax.derivative",
        SECTION,
        r"\frac{\partial A^{[3]}}{\partial Z^{[3]}} = \frac{\partial a_i}{\partial z_i}",
        s(slope(e(z[i]) / S, z[j]), a[i] * (delta(i, j) - a[j])),
        "softmax.jacobian",
        "the Jacobian has an entry for every pair, ∂a_i/∂z_j; with i twice only its diagonal is named",
        s(slope(e(z[i]) / S, z[j]), slope(e(z[i]) / S, z[i])),
    ),
    Q(
        "softmax.split",
        SECTION,
        r"ai = \frac{e^{z_i}}{e^{z_i} + e^{z_j} + \sum_{k \ne (i, j)} e^{z_k}}",
        s(a[i], FRACTION, *DIFFER),
        "softmax.forward",
        "for j = i the same term is counted twice, so this is case 2 only",
        s(a[i], FRACTION),
    ),
    Q(
        "case1.question",
        SECTION,
        r"\frac{\partial}{\partial z_i}\left(\frac{e^{z_i}}{e^{z_i} + \sum_{k \ne j} e^{z_k}}\right)",
        s(SAME, slope(e(z[i]) / S, z[i])),
        "softmax.same_class",
    ),
    Q(
        "case1.1",
        SECTION,
        r"\frac{(e^{z_i} + \sum e^{z_k})(e^{z_i}) - (e^{z_i})(e^{z_i} + 0)}{(e^{z_i} + \sum e^{z_k})^2}",
        s(SAME, ((e(z[i]) + OTHERS) * e(z[i]) - e(z[i]) ** 2) / (e(z[i]) + OTHERS) ** 2),
        "softmax.same_class",
        WHICH_SUM,
        s(SAME, ((e(z[i]) + S) * e(z[i]) - e(z[i]) ** 2) / (e(z[i]) + S) ** 2),
    ),
    Q(
        "case1.2",
        SECTION,
        r"\frac{e^{z_i}\not{e^{z_i}} + e^{z_i}\sum{e^{z_k} - e^{z_i}\not{e^{z_i}}}}{(e^{z_i} + \sum e^{z_k})^2}",
        s(SAME, (e(z[i]) ** 2 + e(z[i]) * OTHERS - e(z[i]) ** 2) / (e(z[i]) + OTHERS) ** 2),
        "softmax.same_class",
        f"{WHICH_SUM}; the braces put the last term under Σ; two terms cancel, though factors are struck out",
        s(SAME, (e(z[i]) ** 2 + e(z[i]) * total_but(e(z[k]) - e(z[i]) ** 2, k, i)) / (e(z[i]) + OTHERS) ** 2),
    ),
    Q(
        "case1.3",
        SECTION,
        r"\frac{e^{z_i}\sum e^{z_k}}{(\sum e^{z_i})^2}",
        s(SAME, e(z[i]) * OTHERS / S**2),
        "softmax.same_class",
        WHICH_SUM,
        s(SAME, e(z[i]) * S / S**2),
    ),
    Q(
        "case1.4",
        SECTION,
        r"\frac{e^{z_i}}{\sum e^{z_i}} \frac{\sum e^{z_k}}{\sum e^{z_i}}",
        s(SAME, e(z[i]) / S * (OTHERS / S)),
        "softmax.same_class",
        WHICH_SUM,
        s(SAME, e(z[i]) / S * (S / S)),
    ),
    Q(
        "case1.a_i",
        SECTION,
        r"\frac{e^{z_i}}{\sum e^{z_i}} = a_i",
        s(a[i], e(z[i]) / S),
        "softmax.forward",
        FREE_AND_SUMMED,
        s(a[i], e(z[i]) / UNNAMED),
    ),
    Q(
        "case1.others",
        SECTION,
        r"\frac{\sum_{k \ne i} e^{z_k}}{\sum e^{z_i}} = 1 - a_i",
        s(OTHERS / S, 1 - a[i]),
        "softmax.at_most_one",
        FREE_AND_SUMMED,
        s(OTHERS / UNNAMED, 1 - a[i]),
    ),
    Q(
        "case1.rest",
        SECTION,
        r"1 - \frac{e^{z_i}}{\sum e^{z_i}} = 1 - a_i",
        s(1 - e(z[i]) / S, 1 - a[i]),
        "softmax.forward",
        FREE_AND_SUMMED,
        s(1 - e(z[i]) / UNNAMED, 1 - a[i]),
    ),
    Q(
        "case1",
        SECTION,
        r"\frac{\partial}{\partial z_i}\left(\frac{e^{z_i}}{e^{z_i} + \sum_{k \ne j} e^{z_k}}\right) = a_i (1 - a_i)",
        s(SAME, a[i] * (1 - a[i])),
        "softmax.same_class",
    ),
    Q(
        "case2.question",
        SECTION,
        r"\frac{\partial a_i}{\partial z_j}\left(\frac{e^{z_i}}{e^{z_i} + e^{z_j} + \sum_{k \ne i,j} e^{z_k}}\right)",
        s(OTHER, slope(e(z[i]) / S, z[j]), *DIFFER),
        "softmax.other_class",
        "∂/∂z_j is meant: as written, the derivative of a_i is multiplied by a_i",
        s(OTHER * FRACTION, slope(e(z[i]) / S, z[j]), *DIFFER),
    ),
    Q(
        "case2.1",
        SECTION,
        (
            r"\frac{(e^{z_i} + e^{z_j} + \sum_{k \ne i,j} e^{z_k})(0) - (e^{z_i})(e^{z_j} + 0)}{(e^{z_i} + "
            r"e^{z_j} + \sum_{k \ne i,j} e^{z_k})^2}"
        ),
        s(OTHER, -e(z[i]) * e(z[j]) / (e(z[i]) + e(z[j]) + REST) ** 2, *DIFFER),
        "softmax.other_class",
    ),
    Q(
        "case2.2",
        SECTION,
        r"\frac{-e^{z_i}e^{z_j}}{(\sum e^{z_i})^2}",
        s(OTHER, -e(z[i]) * e(z[j]) / S**2, *DIFFER),
        "softmax.other_class",
        FREE_AND_SUMMED,
        s(OTHER, -e(z[i]) * e(z[j]) / UNNAMED**2, *DIFFER),
    ),
    Q(
        "case2.3",
        SECTION,
        r"-\frac{e^{z_i}}{\sum e^{z_i}}\frac{e^{z_j}}{\sum e^{z_i}}",
        s(OTHER, -(e(z[i]) / S) * (e(z[j]) / S), *DIFFER),
        "softmax.other_class",
        FREE_AND_SUMMED,
        s(OTHER, -(e(z[i]) / UNNAMED) * (e(z[j]) / UNNAMED), *DIFFER),
    ),
    Q(
        "case2.a_j",
        SECTION,
        r"\frac{e^{z_j}}{\sum e^{z_i}} = a_j",
        s(e(z[j]) / S, a[j]),
        "softmax.forward",
        FREE_AND_SUMMED,
        s(e(z[j]) / UNNAMED, a[j]),
    ),
    Q(
        "case2",
        SECTION,
        (
            r"\frac{\partial a_i}{\partial z_j}\left(\frac{e^{z_i}}{e^{z_i} + e^{z_j} + \sum_{k \ne i,j} "
            r"e^{z_k}}\right) = -a_i a_j"
        ),
        s(OTHER, -a[i] * a[j], *DIFFER),
        "softmax.other_class",
        "∂/∂z_j is meant: as written, the derivative of a_i is multiplied by a_i",
        s(OTHER * FRACTION, -a[i] * a[j], *DIFFER),
    ),
    Q(
        "cases",
        SECTION,
        r"\frac{\partial a_i}{\partial z_j} = \begin{cases} -a_i a_j & i \ne j \\ a_i(1 - a_i) & i = j \end{cases}",
        s(slope(e(z[i]) / S, z[j]), (1 - delta(i, j)) * (-a[i] * a[j]) + delta(i, j) * a[i] * (1 - a[i])),
        "softmax.jacobian",
    ),
)

LOSS = -total(y[l] * sp.log(a[l]), l)
BUT_I = total_but(y[k] * sp.log(a[k]), k, i)
GRADIENT = slope(LOSS, z[i])
CASES = total_but(y[k] * a[i], k, i)
FIRST = -y[i] * (1 - a[i]) - CASES
SECOND = -y[i] + y[i] * a[i] - CASES
THIRD = (y[i] + total_but(y[k], k, i)) * a[i] - y[i]
ALL = "Σ has no range; all classes but i are meant"


def through(sum_over: sp.Expr) -> sp.Expr:
    """−(y_i/a_i ∂a_i/∂z_i + the sum of the same over other classes)."""
    return -(y[i] / a[i] * slope(a[i], z[i]) + sum_over)


TERM = y[k] / a[k] * slope(a[k], z[i])
WORKED_OUT = -(y[i] / a[i] * (a[i] * (1 - a[i])) + total_but(y[k] / a[k] * (-a[i] * a[k]), k, i))
WORKED_OUT_FOR_ALL = -(y[i] / a[i] * (a[i] * (1 - a[i])) + total(y[k] / a[k] * (-a[i] * a[k]), k))

TO_A_MINUS_Y = (
    Q(
        "loss.split",
        "Gradient of the loss",
        r"L = -(y_i \log(a_i) + \sum_{j \ne i} y_j \log(a_j))",
        s(LOSS, -(y[i] * sp.log(a[i]) + total_but(y[j] * sp.log(a[j]), j, i))),
        "cross_entropy.forward",
    ),
    Q(
        "dz.chain",
        "Gradient of the loss",
        (
            r"\frac{\partial L}{\partial A^{[3]}} \frac{\partial A^{[3]}}{\partial Z_i} "
            r"= \frac{\partial L}{\partial Z^{[3]}}"
        ),
        s(GRADIENT, total(-y[k] / a[k] * (a[k] * (delta(k, i) - a[i])), k)),
        "softmax_cross_entropy.dz_by_jacobian",
        "the sum over the entries of A is not written: z_i moves all of them, and not a_i alone",
        s(GRADIENT, -y[i] / a[i] * (a[i] * (1 - a[i]))),
    ),
    Q(
        "dz.question",
        "Gradient of the loss",
        r"\frac{\partial L}{\partial Z^{[3]}} = -\frac{\partial}{\partial z_i}(y_i \log(a_i) + \sum y_k \log(a_k))",
        s(GRADIENT, -slope(y[i] * sp.log(a[i]) + BUT_I, z[i])),
        "softmax_cross_entropy.dz",
        f"{ALL}; announced as ∂L/∂A, it is ∂L/∂Z, and one entry of it",
        s(GRADIENT, -slope(y[i] * sp.log(a[i]) + total(y[k] * sp.log(a[k]), k), z[i])),
    ),
    Q(
        "dz.1",
        "Gradient of the loss",
        (
            r"-\left(\frac{y_i}{a_i} \frac{\partial a_i}{\partial z_i} + \sum \frac{y_k}{a_k}\frac{\partial "
            r"a_k}{\partial z_i}\right)"
        ),
        s(GRADIENT, through(total_but(TERM, k, i))),
        "softmax_cross_entropy.dz_by_jacobian",
        ALL,
        s(GRADIENT, through(total(TERM, k))),
    ),
    Q(
        "dz.2",
        "Gradient of the loss",
        r"-\left(\frac{y_i}{a_i}(a_i(1 - a_i)) + \sum \frac{y_k}{a_k}(-a_i a_k)\right)",
        s(GRADIENT, WORKED_OUT),
        "softmax_cross_entropy.dz_by_jacobian",
        ALL,
        s(GRADIENT, WORKED_OUT_FOR_ALL),
    ),
    Q(
        "dz.3",
        "Gradient of the loss",
        r"-\left(\frac{y_i}{\not{a_i}}(\not{a_i}(1 - a_i)) + \sum \frac{y_k}{\not{a_k}}(-a_i \not{a_k})\right)",
        s(GRADIENT, -(y[i] * (1 - a[i]) + total_but(-y[k] * a[i], k, i))),
        "softmax_cross_entropy.dz_by_jacobian",
        ALL,
        s(GRADIENT, -(y[i] * (1 - a[i]) + total(-y[k] * a[i], k))),
    ),
    Q(
        "dz.4",
        "Gradient of the loss",
        r"-y_i(1 - a_i) - \sum y_k a_i",
        s(WORKED_OUT, FIRST, *ONE_LABEL),
        "softmax_cross_entropy.dz_by_jacobian",
        literal=s(WORKED_OUT_FOR_ALL, -y[i] * (1 - a[i]) - total(y[k] * a[i], k)),
        corrected=-y[i] * (1 - a[i]) + CASES,
        note="minus times minus is plus, also if Σ is over every k",
    ),
    Q(
        "dz.5",
        "Gradient of the loss",
        r"-y_i + y_i a_i - \sum y_k a_i",
        s(FIRST, SECOND),
        carried=s(GRADIENT, SECOND, *ONE_LABEL)[0],
    ),
    Q(
        "dz.6",
        "Gradient of the loss",
        r"(y_i + \sum y_k) a_i - y_i",
        s(SECOND, THIRD, *ONE_LABEL),
        "softmax_cross_entropy.dz_by_jacobian",
        corrected=(y[i] - total_but(y[k], k, i)) * a[i] - y[i],
        note="the second slip of sign undoes the first: the line after it is the gradient",
    ),
    Q(
        "dz.7",
        "Gradient of the loss",
        r"a_i - y_i",
        (*s(THIRD, a[i] - y[i], *ONE_LABEL), *s(GRADIENT, a[i] - y[i], *ONE_LABEL)),
        "softmax_cross_entropy.dz",
    ),
    Q(
        "dz.one",
        "Gradient of the loss",
        r"\sum y_i = 1",
        s(total(delta(i, j), i), sp.S.One),
        note="of a label that is a single 1",
    ),
    Q(
        "dz",
        "Gradient of the loss",
        r"A^{[3]} - Y",
        s(GRADIENT, a[i] - y[i], *ONE_LABEL),
        "softmax_cross_entropy.dz",
        note="a batch needs 1/N: softmax_cross_entropy.dZ",
    ),
)
