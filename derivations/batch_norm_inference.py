"""Batch normalisation at inference: mean and variance are fixed numbers, and the layer is affine in X."""

import sympy as sp

from derivations.algebra.notation import N, eps, i, k, n, number, s, t, tensors_of
from derivations.algebra.sums import delta, total
from derivations.prover.claim import Claim, Step, WrongTwin
from derivations.prover.rules import contract, definition, differentiate, slope

IOFFE = "Ioffe & Szegedy 2015, arXiv:1502.03167, §3.1"

tensor = tensors_of("batch_norm_inference")
X = tensor("X", n, N, meaning="the layer's input, a column an example")
gamma = tensor("gamma", n, meaning="gains, one a feature", latex=r"\gamma")
beta = tensor("beta", n, meaning="shifts, one a feature", latex=r"\beta")
mean = tensor("mean", n, meaning="running mean of each feature", latex=r"\mu")
variance = tensor("variance", n, meaning="running variance of each feature", latex="v")
dY = tensor("dY", n, N, meaning="gradient of the loss with respect to the output")
Y = tensor("Y", n, N, meaning="the layer's output")
r = tensor("r", n, meaning="one over the deviation of each feature")
batch = tensor("batch", n, meaning="a statistic of this batch: a mean, or the variance times N/(N − 1)")
after = tensor("after", n, meaning="the running statistic after this batch", latex=r"\mu'")
momentum = number("momentum", "the weight of the newest batch in a running statistic")

NOT_NEGATIVE = (variance[k] >= 0,)
FIXED = {"mean": ("n", "1"), "variance": ("n", "1"), "eps": ()}
WHERE = {r[i]: (variance[i] + eps) ** sp.Rational(-1, 2)}


def output(k: sp.Expr, t: sp.Expr) -> sp.Expr:
    """γ (X − μ) / √(v + ε) + β."""
    return gamma[k] * (X[k, t] - mean[k]) * (variance[k] + eps) ** sp.Rational(-1, 2) + beta[k]


def change(part: sp.Expr) -> sp.Expr:
    """⟨dY, part⟩, where the part is written for feature k and example t."""
    return total(total(dY[k, t] * part, t), k)


forward = Claim(
    name="batch_norm_inference.forward",
    kind="definition",
    says="each feature less its running mean, over its running deviation; then a gain and a shift",
    names=Y[i, s],
    start=output(i, s),
    steps=(Step(gamma[i] * (X[i, s] - mean[i]) * r[i] + beta[i], definition, because="r is one over the deviation"),),
    where=WHERE,
    shapes={"X": ("n", "N"), "gamma": ("n", "1"), "beta": ("n", "1"), **FIXED, "": ("n", "N")},
    source=IOFFE,
    wrong_twins=(
        WrongTwin(gamma[i] * (X[i, s] - mean[i]) / (variance[i] + eps) + beta[i], "the root is forgotten"),
        WrongTwin(gamma[i] * X[i, s] * r[i] + beta[i] - mean[i], "the mean is subtracted after the division"),
    ),
)

dX = Claim(
    name="batch_norm_inference.dX",
    kind="gradient",
    says="γ r dY: mean and variance do not depend on X here, so that the two further terms of training are not there",
    start=slope(change(output(k, t)), X[i, s]),
    steps=(
        Step(
            change(gamma[k] * delta(k, i) * delta(t, s) * (variance[k] + eps) ** sp.Rational(-1, 2)),
            differentiate,
            because="an entry of X changes with itself only",
        ),
        Step(
            dY[i, s] * gamma[i] * (variance[i] + eps) ** sp.Rational(-1, 2),
            contract,
            because="only k = i and t = s remain",
        ),
        Step(dY[i, s] * gamma[i] * r[i], definition, because="r is one over the deviation"),
    ),
    where=WHERE,
    shapes={"gamma": ("n", "1"), "variance": ("n", "1"), "dY": ("n", "N"), "eps": (), "": ("n", "N")},
    source=IOFFE,
    of="batch_norm_inference.forward",
    wrt="X",
    uses=("batch_norm_inference.forward",),
    wrong_twins=(
        WrongTwin(dY[i, s] * r[i], "γ is forgotten"),
        WrongTwin(gamma[i] * r[i] * (dY[i, s] - total(dY[i, t], t) / N), "the mean is taken to depend on X"),
    ),
)

dgamma = Claim(
    name="batch_norm_inference.dgamma",
    kind="gradient",
    says="the sum over examples of dY (X − μ) r",
    start=slope(change(output(k, t)), gamma[i]),
    steps=(
        Step(
            change(delta(k, i) * (X[k, t] - mean[k]) * (variance[k] + eps) ** sp.Rational(-1, 2)),
            differentiate,
            because="an entry of γ changes with itself only",
        ),
        Step(
            total(dY[i, t] * (X[i, t] - mean[i]) * (variance[i] + eps) ** sp.Rational(-1, 2), t),
            contract,
            because="only k = i remains",
        ),
        Step(total(dY[i, t] * (X[i, t] - mean[i]) * r[i], t), definition, because="r is one over the deviation"),
    ),
    where=WHERE,
    shapes={
        "X": ("n", "N"),
        **{name: FIXED[name] for name in ("mean", "variance")},
        "dY": ("n", "N"),
        "eps": (),
        "": ("n", "1"),
    },
    source=IOFFE,
    of="batch_norm_inference.forward",
    wrt="gamma",
    uses=("batch_norm_inference.forward",),
    wrong_twins=(WrongTwin(total(dY[i, t] * X[i, t] * r[i], t), "the mean is not subtracted"),),
)

running = Claim(
    name="batch_norm_inference.running",
    kind="definition",
    says="a running statistic moves towards that of each batch by the momentum",
    names=after[i],
    start=(1 - momentum) * mean[i] + momentum * batch[i],
    shapes={"mean": ("n", "1"), "batch": ("n", "1"), "momentum": (), "": ("n", "1")},
    source=IOFFE,
)
