"""The softmax p_i = exp(z_i) / Σ_k exp(z_k): so far what it is for two classes, where no sum is left."""

import sympy as sp

from derivations.claim import Claim, Step, WrongTwin
from derivations.notation import entry, z

w = entry("V", "the other class's weighted sum")

two_classes = Claim(
    name="softmax.two_classes",
    kind="lemma",
    says="for two classes the softmax is the sigmoid of the difference of their weighted sums",
    start=sp.exp(z) / (sp.exp(z) + sp.exp(w)),
    steps=(
        Step(1 / (1 + sp.exp(w) / sp.exp(z)), because="numerator and denominator divided by exp(z)"),
        Step(1 / (1 + sp.exp(-(z - w))), because="a quotient of exponentials is that of the difference"),
    ),
    shapes={},
    source="Goodfellow, Bengio & Courville 2016, §6.2.2.3",
    uses=("sigmoid.forward",),
    wrong_twins=(
        WrongTwin(1 / (1 + sp.exp(z - w)), "the probability of the other class"),
        WrongTwin(1 / (1 + sp.exp(-z)), "the other class is taken to have weighted sum 0"),
    ),
)
