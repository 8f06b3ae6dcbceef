"""The affine layer Z = W A + b 1ᵀ, for all sizes m, n, N.

The loss depends on Z only, so to first order it changes by ⟨dZ, Z⟩ = tr(dZᵀ Z): the gradient with respect to W, b or A
is the derivative of that number, with dZ held fixed.
"""

import sympy as sp

from derivations.claim import Claim, Step, WrongTwin
from derivations.notation import A, W, b, dZ, ones

GOODFELLOW = "Goodfellow, Bengio & Courville 2016, §6.5.6"

Z = W * A + b * ones


def change(variable: sp.MatrixSymbol) -> sp.Derivative:
    """∂/∂variable of tr(dZᵀ Z), as a question."""
    return sp.Derivative(sp.Trace(dZ.T * Z), variable, evaluate=False)


forward = Claim(
    name="affine.forward",
    kind="definition",
    says="every neuron adds its bias to the weighted sum of its inputs, in every column",
    start=Z,
    steps=(Step(Z, because="definition"),),
    shapes={"W": ("m", "n"), "b": ("m", "1"), "A": ("n", "N"), "": ("m", "N")},
    source="Goodfellow, Bengio & Courville 2016, §6.1",
)

dW = Claim(
    name="affine.dW",
    kind="gradient",
    says="the gradient with respect to the weights is dZ Aᵀ",
    start=change(W),
    steps=(
        Step(
            sp.Derivative(sp.Trace(dZ.T * W * A), W, evaluate=False),
            because="the term with b does not depend on W",
        ),
        Step(dZ * A.T, because="tr(dZᵀ W A) = tr(A dZᵀ W), whose derivative is (A dZᵀ)ᵀ"),
    ),
    shapes={"A": ("n", "N"), "dZ": ("m", "N"), "": ("m", "n")},
    source=GOODFELLOW,
    of="affine.forward",
    wrt="W",
    uses=("affine.forward",),
    wrong_twins=(
        WrongTwin(-dZ * A.T, "the sign is flipped"),
        WrongTwin(2 * dZ * A.T, "a factor 2 is left over from a squared error"),
    ),
)

db = Claim(
    name="affine.db",
    kind="gradient",
    says="the gradient with respect to the bias is the sum of dZ over the batch",
    start=change(b),
    steps=(
        Step(
            sp.Derivative(sp.Trace(dZ.T * b * ones), b, evaluate=False),
            because="the term with W does not depend on b",
        ),
        Step(dZ * ones.T, because="every column of b 1ᵀ is b, so every column of dZ counts once"),
    ),
    shapes={"dZ": ("m", "N"), "": ("m", "1")},
    source=GOODFELLOW,
    of="affine.forward",
    wrt="b",
    uses=("affine.forward",),
    wrong_twins=(
        WrongTwin(-dZ * ones.T, "the sign is flipped"),
        WrongTwin(dZ * ones.T / dZ.shape[1], "the mean over the batch is taken a second time"),
    ),
)

dA = Claim(
    name="affine.dA",
    kind="gradient",
    says="the gradient with respect to the layer's input is Wᵀ dZ",
    start=change(A),
    steps=(
        Step(
            sp.Derivative(sp.Trace(dZ.T * W * A), A, evaluate=False),
            because="the term with b does not depend on A",
        ),
        Step(W.T * dZ, because="tr((Wᵀ dZ)ᵀ A) is linear in A, with the coefficients Wᵀ dZ"),
    ),
    shapes={"W": ("m", "n"), "dZ": ("m", "N"), "": ("n", "N")},
    source=GOODFELLOW,
    of="affine.forward",
    wrt="A",
    uses=("affine.forward",),
    wrong_twins=(
        WrongTwin(-W.T * dZ, "the sign is flipped"),
        WrongTwin(W.T * dZ / dZ.shape[1], "the mean over the batch is taken a second time"),
    ),
)
