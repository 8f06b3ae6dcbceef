"""Layer normalisation: every example less the mean of its features, over their deviation, for all sizes n and N."""

import sympy as sp

from derivations.algebra.notation import N, eps, i, j, n, s, t, tensors_of
from derivations.algebra.sums import Index, total
from derivations.normalisation import Normalised
from derivations.prover.claim import Claim, Step, WrongTwin
from derivations.prover.rules import algebra, definition

BA = "Ba, Kiros & Hinton 2016, arXiv:1607.06450"

tensor = tensors_of("layer_norm")
X = tensor("X", n, N, meaning="the layer's input, a column an example")
gamma = tensor("gamma", n, meaning="gains, one a feature", latex=r"\gamma")
beta = tensor("beta", n, meaning="shifts, one a feature", latex=r"\beta")
dY = tensor("dY", n, N, meaning="gradient of the loss with respect to the output")

norm = Normalised(
    concept="layer_norm",
    source=BA,
    X=X,
    gamma=gamma,
    beta=beta,
    dY=dY,
    Y=tensor("Y", n, N, meaning="the layer's output"),
    r=tensor("r", N, meaning="one over the deviation of each example"),
    Xhat=tensor("Xhat", n, N, meaning="the normalised input", latex=r"\hat{X}"),
    inner=(i,),
    outer=(s,),
    place=lambda inner, outer: (*inner, *outer),
    channel=lambda inner, outer: inner,
    shapes={"X": ("n", "N"), "gamma": ("n", "1"), "beta": ("n", "1"), "eps": (), "": ("n", "N")},
)

g = Index("g", n)
Xhat, r = norm.Xhat, norm.r
without_gamma = r[s] * (dY[i, s] - total(dY[g, s], g) / n - Xhat[i, s] * total(dY[g, s] * Xhat[g, s], g) / n)

forward = norm.forward("each example less the mean of its features, over their deviation; then a gain and a shift")
dX = norm.dX(WrongTwin(without_gamma, "γ is forgotten in the backward pass"))
dgamma = norm.dgamma(
    (i,), (t,), WrongTwin(total(dY[i, t] * X[i, t], t), "the input X stands where the normalised input should")
)
dbeta = norm.dbeta((i,), (t,), WrongTwin(total(total(dY[j, t], t), j), "the sum runs over the features too"))

v = tensors_of("layer_norm")("x", n, meaning="any example", latex="x")
a, b = Index("a", n), Index("b", n)
mean = total(v[b], b) / n
spread = total((v[a] - mean) ** 2, a) / n

ones = Claim(
    name="layer_norm.ones",
    kind="lemma",
    says="the normalised entries add up to 0, whatever x is: with γ = 1, a check with dY = 1 sees nothing",
    start=total((v[j] - mean) * (spread + eps) ** sp.Rational(-1, 2), j),
    steps=(Step(sp.S.Zero, algebra, because="the deviations from a mean add up to 0, and share one divisor"),),
    source=BA,
    uses=("layer_norm.forward",),
    wrong_twins=(WrongTwin((spread + eps) ** sp.Rational(-1, 2), "one deviation is taken for the sum of all"),),
)

length = Claim(
    name="layer_norm.length",
    kind="lemma",
    says="the squares of the normalised entries add up to n (1 − ε r²): below n, by what ε takes",
    start=total((v[j] - mean) ** 2, j) / (spread + eps),
    steps=(Step(n * (1 - eps / (spread + eps)), algebra, because="n times the variance, over the variance and ε"),),
    source=BA,
    uses=("layer_norm.forward",),
    wrong_twins=(WrongTwin(n, "ε is forgotten"),),
)

with_gamma = r[s] * (
    gamma[i] * dY[i, s]
    - total(gamma[g] * dY[g, s], g) / n
    - Xhat[i, s] * total(gamma[g] * dY[g, s] * Xhat[g, s], g) / n
)

gain_of_one = Claim(
    name="layer_norm.gain_of_one",
    kind="lemma",
    says="where γ = 1, as it is at first, the gradient is the one in which γ is forgotten: no check sees the mistake",
    start=with_gamma,
    steps=(Step(without_gamma, definition, because="γ is 1"),),
    where={gamma[i]: sp.S.One},
    source=BA,
    uses=("layer_norm.dX",),
    wrong_twins=(WrongTwin(r[s] * dY[i, s], "mean and variance are taken for constants: that is seen all the same"),),
)
