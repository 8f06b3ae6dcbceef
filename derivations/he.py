"""He initialisation: a rectifier halves the mean square, and weights of variance 2/n give it back.

Expected values are over the initial weights, which are independent, of mean 0 and variance w, and make every weighted
sum symmetric about 0. One neuron of this layer adds up n outputs of the layer before, each by its own weight: mu[k, l]
is the mean of the product of the outputs k and l, and δ_kl w that of their weights.
"""

import sympy as sp

from derivations.algebra.notation import Density, k, l, n, number, tensor, z
from derivations.algebra.sums import delta, total
from derivations.prover.claim import Claim, Step, WrongTwin
from derivations.prover.rules import algebra, contract, definition, integrate

HE = "He, Zhang, Ren & Sun 2015, arXiv:1502.01852, §2.2"

V = number("V", "variance of a weighted sum of the layer before")
w = number("w", "variance of the weights")
A_mean = number("Abar", "mean of an output of the layer before")
sigma = number("sigma", "standard deviation of an initial weight")
moment = tensor("mu", n, n, meaning="expected value of the product of two outputs of the layer before", latex=r"\mu")

density = Density(sp.Abs(z))


def mean(of: sp.Expr, density: sp.Expr) -> sp.Integral:
    """The expected value of a function of Z."""
    return sp.Integral(of * density, (z, -sp.oo, sp.oo))


half = Claim(
    name="he.half",
    kind="lemma",
    says="for any density symmetric about 0, the mean square of the rectified Z is half the variance of Z",
    start=mean(sp.Max(0, z) ** 2, density),
    steps=(
        Step(
            sp.Integral(z**2 * Density(z), (z, 0, sp.oo)),
            integrate,
            because="max(0, Z) is 0 on the negative half and Z on the positive one",
        ),
        Step(mean(z**2, density) / 2, integrate, because="both halves of the integral of Z² are equal"),
        Step(V / 2, definition, because="the mean of Z is 0, so that its mean square is its variance"),
    ),
    source=HE,
    uses=("relu.forward",),
    where={V: mean(z**2, density)},
    wrong_twins=(
        WrongTwin(V, "the rectifier is taken to pass everything"),
        WrongTwin(V / 4, "the half is squared too"),
    ),
)

normal = sp.exp(-(z**2) / 2) / sp.sqrt(2 * sp.pi)

half_of_normal = Claim(
    name="he.half_of_normal",
    kind="lemma",
    says="for a normal Z of variance 1 it is 1/2: the integral is worked out, as a second witness",
    start=mean(sp.Max(0, z) ** 2, normal),
    steps=(Step(sp.S.Half, integrate, because="half of the integral of Z² times the density, which is 1"),),
    source=HE,
    uses=("he.half",),
    wrong_twins=(
        WrongTwin(1 / (2 * sp.pi), "the square of the mean, and not the mean of the square"),
        WrongTwin(sp.S.Half - 1 / (2 * sp.pi), "the variance of max(0, Z), whose mean is not 0"),
    ),
)

scale = Claim(
    name="he.scale",
    kind="definition",
    says="the standard deviation of the initial weights of a layer whose input has n neurons",
    names=sigma,
    start=sp.sqrt(2 / n),
    shapes={"n": (), "": ()},
    source=HE,
)

keeps = Claim(
    name="he.keeps",
    kind="lemma",
    says="with weights of variance 2/n the weighted sums have the same variance in every layer",
    start=total(total(w * delta(k, l) * moment[k, l], l), k),
    steps=(
        Step(
            total(w * moment[k, k], k),
            contract,
            because="two different weights are independent of mean 0, so that the mean of their product is 0",
        ),
        Step(total(2 / n * V / 2, k), definition, because="the mean square of a rectified output is V/2"),
        Step(V, algebra, because="n terms, each V/n"),
    ),
    source=HE,
    uses=("he.half", "he.scale"),
    where={w: sp.sqrt(2 / n) ** 2, moment[k, l]: delta(k, l) * V / 2 + (1 - delta(k, l)) * A_mean**2},
    wrong_twins=(
        WrongTwin(V / 2, "the weights have variance 1/n: every layer halves the signal"),
        WrongTwin(2 * V / n, "the sum over the n inputs is forgotten"),
    ),
)
