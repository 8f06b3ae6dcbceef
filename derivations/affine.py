"""The affine layer Z = W A + b 1ᵀ, for all sizes m, n, N.

The loss depends on Z only, so to first order it changes by ⟨dZ, Z⟩ = Σ dZ_rs Z_rs: the gradient with respect to W, b
or A is the derivative of that number, with dZ held fixed.
"""

import sympy as sp

from derivations.algebra.notation import A, N, W, Z_layer, b, dZ, i, k, m, ones, q, r, s, t
from derivations.algebra.sums import Entry, delta, total
from derivations.prover.claim import Claim, Step, WrongTwin
from derivations.prover.rules import contract, differentiate, linear, matrix_product, slope

GOODFELLOW = "Goodfellow, Bengio & Courville 2016, §6.5.6"

Z = W.matrix * A.matrix + b.matrix * ones


def weighted_sum(q: sp.Expr, t: sp.Expr) -> sp.Expr:
    """Z_qt, entry by entry."""
    return total(W[q, k] * A[k, t], k) + b[q]


def change(part: sp.Expr) -> sp.Expr:
    """⟨dZ, part⟩, where the part is written for neuron q and example t."""
    return total(total(dZ[q, t] * part, t), q)


def by_matrices(variable: sp.MatrixSymbol) -> sp.Derivative:
    """∂ tr(dZᵀ Z) / ∂variable."""
    return sp.Derivative(sp.Trace(dZ.matrix.T * Z), variable, evaluate=False)


forward = Claim(
    name="affine.forward",
    kind="definition",
    says="every neuron adds its bias to the weighted sum of its inputs, in every column",
    names=Z_layer[r, s],
    start=weighted_sum(r, s),
    steps=(Step(Entry(Z, r, s), matrix_product, because="1ᵀ repeats b in every column"),),
    shapes={"W": ("m", "n"), "b": ("m", "1"), "A": ("n", "N"), "": ("m", "N")},
    source="Goodfellow, Bengio & Courville 2016, §6.1",
    wrong_twins=(
        WrongTwin(lambda: Entry(W.matrix.T * A.matrix, r, s), "the weights are transposed"),
        WrongTwin(Entry(W.matrix * A.matrix, r, s), "the bias is forgotten"),
    ),
)

dW = Claim(
    name="affine.dW",
    kind="gradient",
    says="the gradient with respect to the weights is dZ Aᵀ",
    start=slope(change(weighted_sum(q, t)), W[r, i]),
    steps=(
        Step(
            change(total(slope(W[q, k], W[r, i]) * A[k, t], k)),
            linear,
            because="dZ, A and b do not depend on W",
        ),
        Step(
            change(total(delta(q, r) * delta(k, i) * A[k, t], k)),
            differentiate,
            because="an entry of W changes with itself only",
        ),
        Step(total(dZ[r, t] * A[i, t], t), contract, because="of neurons and inputs, only q = r and k = i remain"),
        Step(Entry(dZ.matrix * A.matrix.T, r, i), matrix_product, because="row r of dZ times row i of A"),
    ),
    shapes={"A": ("n", "N"), "dZ": ("m", "N"), "": ("m", "n")},
    source=GOODFELLOW,
    of="affine.forward",
    wrt="W",
    uses=("affine.forward",),
    by_matrices=(by_matrices(W.matrix), dZ.matrix * A.matrix.T),
    wrong_twins=(
        WrongTwin(-Entry(dZ.matrix * A.matrix.T, r, i), "the sign is flipped"),
        WrongTwin(2 * Entry(dZ.matrix * A.matrix.T, r, i), "a factor 2 is left over from a squared error"),
        WrongTwin(lambda: Entry(dZ.matrix * A.matrix, r, i), "A is not transposed"),
        WrongTwin(lambda: Entry(A.matrix * dZ.matrix.T, r, i), "the product is the transpose of the gradient"),
    ),
)

db = Claim(
    name="affine.db",
    kind="gradient",
    says="the gradient with respect to the bias is the sum of dZ over the batch",
    start=slope(change(weighted_sum(q, t)), b[r]),
    steps=(
        Step(change(slope(b[q], b[r])), linear, because="dZ, W and A do not depend on b"),
        Step(change(delta(q, r)), differentiate, because="an entry of b changes with itself only"),
        Step(total(dZ[r, t], t), contract, because="of the neurons, only q = r remains"),
        Step(Entry(dZ.matrix * ones.T, r), matrix_product, because="a sum over the examples is a product with 1"),
    ),
    shapes={"dZ": ("m", "N"), "": ("m", "1")},
    source=GOODFELLOW,
    of="affine.forward",
    wrt="b",
    uses=("affine.forward",),
    by_matrices=(by_matrices(b.matrix), dZ.matrix * ones.T),
    wrong_twins=(
        WrongTwin(-Entry(dZ.matrix * ones.T, r), "the sign is flipped"),
        WrongTwin(Entry(dZ.matrix * ones.T, r) / N, "the mean over the batch is taken a second time"),
        WrongTwin(total(total(dZ[q, t], t), q), "the sum runs over the neurons too"),
    ),
)

dA = Claim(
    name="affine.dA",
    kind="gradient",
    says="the gradient with respect to the layer's input is Wᵀ dZ",
    start=slope(change(weighted_sum(q, t)), A[i, s]),
    steps=(
        Step(change(total(W[q, k] * slope(A[k, t], A[i, s]), k)), linear, because="dZ, W and b do not depend on A"),
        Step(
            change(total(W[q, k] * delta(k, i) * delta(t, s), k)),
            differentiate,
            because="an entry of A changes with itself only",
        ),
        Step(total(dZ[q, s] * W[q, i], q), contract, because="of inputs and examples, only k = i and t = s remain"),
        Step(Entry(W.matrix.T * dZ.matrix, i, s), matrix_product, because="column i of W times column s of dZ"),
    ),
    shapes={"W": ("m", "n"), "dZ": ("m", "N"), "": ("n", "N")},
    source=GOODFELLOW,
    of="affine.forward",
    wrt="A",
    uses=("affine.forward",),
    by_matrices=(by_matrices(A.matrix), W.matrix.T * dZ.matrix),
    wrong_twins=(
        WrongTwin(-Entry(W.matrix.T * dZ.matrix, i, s), "the sign is flipped"),
        WrongTwin(lambda: Entry(W.matrix * dZ.matrix, i, s), "W is not transposed"),
        WrongTwin(Entry(W.matrix.T * dZ.matrix, i, s) / m, "the sum over neurons is averaged"),
    ),
)
