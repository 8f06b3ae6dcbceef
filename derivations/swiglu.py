"""SwiGLU, entry by entry: features F times the SiLU of its gate G; both come from the layer's input by matrices."""

import sympy as sp

from derivations.algebra.notation import N, i, n, tensors_of
from derivations.algebra.notation import s as t
from derivations.prover.claim import Claim, Step, WrongTwin
from derivations.prover.rules import definition, differentiate, product_rule, slope

SHAZEER = "Shazeer 2020, arXiv:2002.05202, §2"

tensor = tensors_of("swiglu")
gates = tensor("G", n, N, meaning="gates, before their SiLU")
features = tensor("F", n, N, meaning="features that the gates let through")
sigmoids = tensor("S", n, N, meaning="sigmoids of the gates")
A = tensor("A", n, N, meaning="the output")
dA = tensor("dA", n, N, meaning="gradient of the loss with respect to the output")

G, F, S, a, da = gates[i, t], features[i, t], sigmoids[i, t], A[i, t], dA[i, t]
sigma = 1 / (1 + sp.exp(-G))
SHAPES = dict.fromkeys(("G", "F", "dA", ""), ("n", "N"))

forward = Claim(
    name="swiglu.forward",
    kind="definition",
    says="the gate times its sigmoid, times the value",
    names=a,
    start=G * sigma * F,
    steps=(Step(G * S * F, definition, because="S is the sigmoid of the gate"),),
    where={S: sigma},
    shapes={name: SHAPES[name] for name in ("G", "F", "")},
    source=SHAZEER,
    wrong_twins=(
        WrongTwin(S * F, "a sigmoid gate, as in GLU"),
        WrongTwin(F / (1 + sp.exp(-F)) * G, "gate and value are exchanged"),
    ),
)

dG = Claim(
    name="swiglu.dG",
    kind="gradient",
    says="the value times the slope of SiLU at the gate",
    start=da * slope(G * sigma * F, G),
    steps=(
        Step(
            da * (G * slope(sigma * F, G) + sigma * F * slope(G, G)),
            product_rule(G, sigma * F, G),
            because="A is G times the rest",
        ),
        Step(da * F * (G * sigma * (1 - sigma) + sigma), differentiate, because="σ' is σ (1 − σ)"),
        Step(da * F * S * (1 + G * (1 - S)), definition, because="S is the sigmoid of the gate"),
    ),
    where={S: sigma},
    shapes=SHAPES,
    source=SHAZEER,
    of="swiglu.forward",
    wrt="G",
    uses=("swiglu.forward", "silu.dZ"),
    wrong_twins=(
        WrongTwin(da * F * S, "the product rule is forgotten: the sigmoid is taken for the slope"),
        WrongTwin(da * S * (1 + G * (1 - S)), "the value is forgotten"),
        WrongTwin(da * F * S * (1 - S), "the gate is taken for a plain sigmoid"),
    ),
)

dF = Claim(
    name="swiglu.dF",
    kind="gradient",
    says="the SiLU of the gate: what was let through goes back through",
    start=da * slope(G * sigma * F, F),
    steps=(
        Step(da * G * sigma, differentiate, because="A is linear in F"),
        Step(da * G * S, definition, because="S is the sigmoid of the gate"),
    ),
    where={S: sigma},
    shapes=SHAPES,
    source=SHAZEER,
    of="swiglu.forward",
    wrt="F",
    uses=("swiglu.forward",),
    wrong_twins=(
        WrongTwin(da * G, "the sigmoid is forgotten"),
        WrongTwin(da * S, "the gate itself is forgotten"),
    ),
)
