"""The network of the article: three affine layers, two activations, softmax and the mean cross-entropy; every gradient.

Each gradient is found from the one above it: dZ3 from the loss, dZ2 from dZ3, dZ1 from dZ2, and dW and db of a layer
from its dZ. L, Z, A and dZ stand for what they are made of, down to the weights: what is checked is the whole network.
"""

from __future__ import annotations

from itertools import pairwise

import sympy as sp

from derivations import softmax_cross_entropy
from derivations.algebra import logits
from derivations.algebra.notation import (
    Activation,
    ActivationSlope,
    L,
    N,
    W,
    b,
    layered,
    m,
    n,
    n0,
    n1,
    n2,
    n3,
    s,
    t,
    tensor,
)
from derivations.algebra.notation import (
    dZ as dZ_above,
)
from derivations.algebra.sums import Entry, Index, Tensor, Where, total
from derivations.prover.claim import Claim, Step, WrongTwin
from derivations.prover.rules import by, chain_rule, definition, differentiate, linear, matrix_product, slope
from derivations.shapes import shape_table

ARTICLE = "the source article, Backward Propagation; Goodfellow, Bengio & Courville 2016, §6.5"

WIDTHS = (n0, n1, n2, n3)
"""Widths of the article's network, from the input to the classes, as symbols."""

X = tensor("X", n0, N, meaning="the input, a column of pixels an example")
Y3 = tensor("Y3", n3, N, meaning="labels, a column an example, each summing to one", latex="Y")
W1, W2, W3 = (layered("W", l, m, n, meaning="weights") for l, (n, m) in enumerate(pairwise(WIDTHS), 1))
b1, b2, b3 = (layered("b", l, m, meaning="biases") for l, m in enumerate(WIDTHS[1:], 1))
Z1, Z2, Z3 = (layered("Z", l, m, N, meaning="weighted sums") for l, m in enumerate(WIDTHS[1:], 1))
A1, A2 = (layered("A", l, m, N, meaning="activations") for l, m in enumerate(WIDTHS[1:3], 1))
A3 = layered("A", 3, n3, N, meaning="probabilities, the output")
dZ1, dZ2, dZ3 = (
    layered("dZ", l, m, N, meaning="gradient of the loss with respect to the weighted sums")
    for l, m in enumerate(WIDTHS[1:], 1)
)

f, df = Activation, ActivationSlope
"""The activation of both hidden layers and its slope: any, where it has one; for ReLU, away from 0."""


def indices(l: int) -> tuple[Index, Index]:
    """Two letters for the neurons of layer l, which is the input for l = 0; no two layers share one."""
    one, two = ("ij", "kl", "pq", "ru")[l]
    return Index(one, WIDTHS[l]), Index(two, WIDTHS[l])


def affine_layer(Z: Tensor, W: Tensor, b: Tensor, A: Tensor, l: int) -> dict[sp.Expr, sp.Expr]:
    """Z of layer l stands for W A + b, entry by entry."""
    (r, _), (_, k) = indices(l), indices(l - 1)
    return {Z[r, t]: total(W[r, k] * A[k, t], k) + b[r]}


def activation_layer(A: Tensor, Z: Tensor, l: int) -> dict[sp.Expr, sp.Expr]:
    """A of layer l stands for f(Z), entry by entry."""
    r, _ = indices(l)
    return {A[r, t]: f(Z[r, t])}


def backward(dZ: Tensor, Z: Tensor, W_above: Tensor, dZ_above: Tensor, l: int) -> dict[sp.Expr, sp.Expr]:
    """The dZ of a hidden layer stands for (Wᵀ dZ) ∘ f'(Z), with W and dZ of the layer above."""
    (r, _), (_, k) = indices(l), indices(l + 1)
    return {dZ[r, t]: total(W_above[k, r] * dZ_above[k, t], k) * df(Z[r, t])}


def loss() -> dict[sp.Expr, sp.Expr]:
    """A3 stands for the softmax of Z3, L for the mean cross-entropy, dZ3 for its gradient."""
    r, k = indices(3)
    return {
        A3[r, t]: sp.exp(Z3[r, t]) / total(sp.exp(Z3[k, t]), k),
        L: -total(total(Y3[r, s] * sp.log(A3[r, s]), r), s) / N,
        dZ3[r, t]: (A3[r, t] - Y3[r, t]) / N,
    }


FROM_Z3: Where = loss()
FROM_A2: Where = {**FROM_Z3, **affine_layer(Z3, W3, b3, A2, 3)}
FROM_Z2: Where = {**FROM_A2, **activation_layer(A2, Z2, 2), **backward(dZ2, Z2, W3, dZ3, 2)}
FROM_A1: Where = {**FROM_Z2, **affine_layer(Z2, W2, b2, A1, 2)}
FROM_Z1: Where = {**FROM_A1, **activation_layer(A1, Z1, 1), **backward(dZ1, Z1, W2, dZ2, 1)}
FROM_X: Where = {**FROM_Z1, **affine_layer(Z1, W1, b1, X, 1)}
"""What the names stand for, from the loss down to what a gradient depends on; what lies below is any number."""

ONE_LABEL = (sp.Eq(total(Y3[(k := Index("u", n3)), s], k), 1),)
SHAPES_OF_PARAMETERS = {
    name: tuple(str(d) for d in (*T.shape, 1)[:2])
    for name, T in {"X": X, "Y": Y3, "W1": W1, "b1": b1, "W2": W2, "b2": b2, "W3": W3, "b3": b3}.items()
}


AT_THE_OUTPUT = {
    logits.K: n3,
    logits.i: Index("r", n3),
    s: t,
    logits.Z[logits.i, s]: Z3[Index("r", n3), s],
    logits.Y[logits.i, s]: Y3[Index("r", n3), s],
}
"""What the loss calls K classes, Z and Y is here the width, the weighted sums and the labels of the third layer."""


def output_gradient() -> Claim:
    """mlp.dZ3, from the claim about the loss."""
    (r, k), q = indices(3), Index("q", n3)
    cost = -total(total(Y3[q, s] * sp.log(sp.exp(Z3[q, s]) / total(sp.exp(Z3[k, s]), k)), q), s) / N
    return Claim(
        name="mlp.dZ3",
        kind="lemma",
        says="the gradient with respect to the output layer's weighted sums is (A3 − Y) / N",
        start=slope(L, Z3[r, t]),
        steps=(
            Step(slope(cost, Z3[r, t]), definition, because="the loss is the mean cross-entropy of the softmax"),
            Step(
                (A3[r, t] - Y3[r, t]) / N,
                by(softmax_cross_entropy.gradient, AT_THE_OUTPUT),
                because="the gradient of the loss with respect to its logits",
            ),
            Step(Entry((A3.matrix - Y3.matrix) / N, r, t), matrix_product, because="entry by entry"),
        ),
        given=ONE_LABEL,
        where=FROM_Z3,
        source=ARTICLE,
        uses=("softmax_cross_entropy.dZ",),
        wrong_twins=(
            WrongTwin(Entry(A3.matrix - Y3.matrix, r, t), "the 1/N of the mean is forgotten"),
            WrongTwin((A3[r, t] - Y3[r, t]) * A3[r, t] * (1 - A3[r, t]) / N, "the diagonal of the Jacobian once more"),
        ),
    )


def hidden_gradient(
    l: int, Z: Tensor, Z_above: Tensor, W_above: Tensor, b_above: Tensor, dZ_above: Tensor, where: Where
) -> Claim:
    """mlp.dZ of hidden layer l: through the affine layer above it, and its own activation."""
    (r, k), (q, _) = indices(l), indices(l + 1)
    above = total(W_above[q, k] * f(Z[k, s]), k) + b_above[q]
    back = W_above.matrix.T * dZ_above.matrix
    return Claim(
        name=f"mlp.dZ{l}",
        kind="lemma",
        says=f"the gradient goes back through layer {l + 1} by W{l + 1}ᵀ, and through the activation by its slope",
        start=slope(L, Z[r, t]),
        steps=(
            Step(
                total(total(dZ_above[q, s] * slope(Z_above[q, s], Z[r, t]), q), s),
                chain_rule(L, {Z_above[q, s]: dZ_above[q, s]}, Z[r, t]),
                because=f"the loss depends on Z{l} through Z{l + 1} alone",
            ),
            Step(
                total(total(dZ_above[q, s] * slope(above, Z[r, t]), q), s),
                definition,
                because=f"Z{l + 1} is W{l + 1} f(Z{l}) + b{l + 1}",
            ),
            Step(
                total(W_above[q, r] * dZ_above[q, t], q) * df(Z[r, t]),
                differentiate,
                because="of neurons and examples, only one term remains",
            ),
            Step(
                Entry(sp.HadamardProduct(back, Z.matrix.applyfunc(df)), r, t),
                matrix_product,
                because=f"column r of W{l + 1} times column t of dZ{l + 1}, times the slope at that entry",
            ),
        ),
        given=ONE_LABEL,
        where=where,
        source=ARTICLE,
        uses=(f"mlp.dZ{l + 1}", "affine.dA"),
        wrong_twins=(
            WrongTwin(Entry(back, r, t), "the slope of the activation is left out"),
            WrongTwin(Entry(sp.HadamardProduct(back, Z.matrix.applyfunc(f)), r, t), "f stands where its slope should"),
            WrongTwin(lambda: Entry(W_above.matrix * dZ_above.matrix, r, t), f"W{l + 1} is not transposed"),
        ),
    )


def weight_gradient(
    l: int, Z: Tensor, W: Tensor, b: Tensor, A: Tensor, dZ: Tensor, where: Where, slip: WrongTwin
) -> Claim:
    """mlp.dW of layer l."""
    (r, q), (j, k) = indices(l), indices(l - 1)
    return Claim(
        name=f"mlp.dW{l}",
        kind="gradient",
        says=f"the gradient with respect to the weights of layer {l} is dZ{l} {A.name}ᵀ, summed over the batch",
        start=slope(L, W[r, j]),
        steps=(
            Step(
                total(total(dZ[q, s] * slope(Z[q, s], W[r, j]), q), s),
                chain_rule(L, {Z[q, s]: dZ[q, s]}, W[r, j]),
                because=f"the loss depends on W{l} through Z{l} alone",
            ),
            Step(
                total(total(dZ[q, s] * slope(total(W[q, k] * A[k, s], k) + b[q], W[r, j]), q), s),
                definition,
                because=f"Z{l} is W{l} {A.name} + b{l}",
            ),
            Step(
                total(dZ[r, s] * A[j, s], s),
                differentiate,
                because="an entry of W changes with itself only, so of both sums one term remains",
            ),
            Step(Entry(dZ.matrix * A.matrix.T, r, j), matrix_product, because=f"row r of dZ{l}, row j of {A.name}"),
        ),
        given=ONE_LABEL,
        where=where,
        shapes={**SHAPES_OF_PARAMETERS, "": tuple(str(d) for d in W.shape)},
        source=ARTICLE,
        wrt=W.name,
        uses=(f"mlp.dZ{l}", "affine.dW"),
        wrong_twins=(
            WrongTwin(N * Entry(dZ.matrix * A.matrix.T, r, j), "the 1/N of the mean is forgotten"),
            WrongTwin(lambda: Entry(dZ.matrix * A.matrix, r, j), f"{A.name} is not transposed"),
            slip,
        ),
    )


def bias_gradient(l: int, Z: Tensor, W: Tensor, b: Tensor, A: Tensor, dZ: Tensor, where: Where) -> Claim:
    """mlp.db of layer l."""
    (r, q), (_, k) = indices(l), indices(l - 1)
    ones = sp.OneMatrix(N, 1)
    return Claim(
        name=f"mlp.db{l}",
        kind="gradient",
        says=f"the gradient with respect to the biases of layer {l} is dZ{l}, summed over the batch",
        start=slope(L, b[r]),
        steps=(
            Step(
                total(total(dZ[q, s] * slope(Z[q, s], b[r]), q), s),
                chain_rule(L, {Z[q, s]: dZ[q, s]}, b[r]),
                because=f"the loss depends on b{l} through Z{l} alone",
            ),
            Step(
                total(total(dZ[q, s] * slope(total(W[q, k] * A[k, s], k) + b[q], b[r]), q), s),
                definition,
                because=f"Z{l} is W{l} {A.name} + b{l}",
            ),
            Step(
                total(dZ[r, s], s),
                differentiate,
                because="an entry of b changes with itself only, so one neuron remains",
            ),
            Step(Entry(dZ.matrix * ones, r), matrix_product, because="a sum over the examples is a product with 1"),
        ),
        given=ONE_LABEL,
        where=where,
        shapes={**SHAPES_OF_PARAMETERS, "": (str(b.shape[0]), "1")},
        source=ARTICLE,
        wrt=b.name,
        uses=(f"mlp.dZ{l}", "affine.db"),
        wrong_twins=(
            WrongTwin(Entry(dZ.matrix * ones, r) / N, "the mean over the batch is taken a second time"),
            WrongTwin(total(total(dZ[q, s], q), s), "the sum runs over the neurons too"),
        ),
    )


def another_input(l: int, dZ: Tensor, A: Tensor) -> WrongTwin:
    """The dW with the activations of another layer: the article's own slip for l = 2. Its shapes do not fit."""
    (r, _), (j, _) = indices(l), indices(l - 1)
    return WrongTwin(lambda: Entry(dZ.matrix * A.matrix.T, r, j), f"{A.name}ᵀ, of another layer")


dZ3_ = output_gradient()
dZ2_ = hidden_gradient(2, Z2, Z3, W3, b3, dZ3, FROM_Z2)
dZ1_ = hidden_gradient(1, Z1, Z2, W2, b2, dZ2, FROM_Z1)
dW3 = weight_gradient(3, Z3, W3, b3, A2, dZ3, FROM_A2, another_input(3, dZ3, A1))
db3 = bias_gradient(3, Z3, W3, b3, A2, dZ3, FROM_A2)
dW2 = weight_gradient(2, Z2, W2, b2, A1, dZ2, FROM_A1, another_input(2, dZ2, A2))
db2 = bias_gradient(2, Z2, W2, b2, A1, dZ2, FROM_A1)
dW1 = weight_gradient(1, Z1, W1, b1, X, dZ1, FROM_X, another_input(1, dZ1, A1))
db1 = bias_gradient(1, Z1, W1, b1, X, dZ1, FROM_X)


def induction_step() -> Claim:
    """Backpropagation for any depth: how the gradient passes one hidden layer, whatever lies above it."""
    Z = tensor("Z_below", n, N, meaning="weighted sums of the layer below", latex="Z")
    (r, k), q = (Index("r", n), Index("k", n)), Index("q", m)
    above = total(W[q, k] * f(Z[k, s]), k) + b[q]
    back = W.matrix.T * dZ_above.matrix
    return Claim(
        name="mlp.any_depth",
        kind="lemma",
        says=(
            "the induction step for any depth: let dZ be the gradient with respect to the weighted sums of a layer; "
            "then (Wᵀ dZ) ∘ f'(Z) is that of the layer below. The base is softmax_cross_entropy.dZ"
        ),
        start=slope(total(total(dZ_above[q, s] * above, q), s), Z[r, t]),
        steps=(
            Step(
                total(total(dZ_above[q, s] * total(W[q, k] * slope(f(Z[k, s]), Z[r, t]), k), q), s),
                linear,
                because="to first order the loss changes by ⟨dZ, W A + b⟩, and dZ, W and b do not depend on Z",
            ),
            Step(
                total(W[q, r] * dZ_above[q, t], q) * df(Z[r, t]),
                differentiate,
                because="of neurons and examples, only one term remains",
            ),
            Step(
                Entry(sp.HadamardProduct(back, Z.matrix.applyfunc(df)), r, t),
                matrix_product,
                because="column r of W times column t of dZ, times the slope at that entry",
            ),
        ),
        source=ARTICLE,
        uses=("softmax_cross_entropy.dZ", "affine.dA"),
        wrong_twins=(
            WrongTwin(Entry(back, r, t), "the slope of the activation is left out"),
            WrongTwin(lambda: Entry(W.matrix * dZ_above.matrix, r, t), "W is not transposed"),
        ),
    )


any_depth = induction_step()


SHAPES = shape_table(WIDTHS)
"""The article's table with symbolic widths: W1 is n1 × n0, b1 is n1 × 1, and so on."""
