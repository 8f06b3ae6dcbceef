"""The article's equations from the hidden layers back to the update, in its order, read for one example."""

from __future__ import annotations

import sympy as sp

from derivations.algebra.notation import L, i, r, x
from derivations.algebra.sums import Entry, total
from derivations.article.example import shape, times
from derivations.article.example_gradients import (
    as_many,
    as_power,
    by_input,
    by_sum,
    by_weight,
    chained,
    delta_of,
    entry_of_biases,
    entry_of_weights,
    error,
    f,
    has_shape,
    in_article_order,
    mask,
    of_biases,
    of_weights,
    outer_first,
    sums_by_matrices,
    weights,
)
from derivations.article.judging import Quotation as Q
from derivations.article.judging import Statement
from derivations.article.output_layer import NO_BATCH, ORDER, REPAIRED, d, dL
from derivations.prover.rules import slope
from derivations.sgd import alpha, change, dtheta, theta, updated


def chain(l: int, letter: str) -> str:
    """The chain rule of the article for layer l, from the gradient of the layer above."""
    return rf"{dL(letter, l)} = {dL('Z', l + 1)}{d('Z', l + 1, 'A', l)}{d('A', l, 'Z', l)}{d('Z', l, letter, l)}"


WRITTEN = {2: r"(A^{[3]} - Y)W^{[3]}ReLU'(Z^{[2]})", 1: r"(A^{[3]} - Y)W^{[3]}ReLU'(Z^{[2]})W^{[2]}ReLU'(Z^{[1]})"}
INPUT = {2: "A^{[1]}", 1: "X"}
BELOW = {2: "A^1", 1: "X"}


def hidden(l: int) -> tuple[Q, ...]:
    """The lines that the article writes for both hidden layers, up to the product in the order of the chain."""
    return (weights_by_chain(l), *slopes_above(l), *slopes_within(l), weights_in_order(l))


def weights_by_chain(l: int) -> Q:
    """∂L/∂W of a hidden layer as the chain rule's product, in the order of the chain."""
    return Q(
        f"dW{l}.chain",
        f"Layer {l}",
        chain(l, "W"),
        (of_weights(l, weights(l)),),
        f"mlp.dW{l}",
        ORDER,
        (of_weights(l, lambda net: times(chained(net, l), net.A[l - 1].matrix)),),
    )


def slopes_above(l: int) -> tuple[Q, ...]:
    """How the layer above takes the hidden layer's A, and its slope."""
    section, above = f"Layer {l}", l + 1
    return (
        Q(
            f"dW{l}.Z",
            section,
            rf"Z^{above} = W^{above}A^{l} + b^{above}",
            (sums_by_matrices(above),),
            "affine.forward",
            "layers are written as powers",
            (as_power(above),),
        ),
        Q(f"dW{l}.input", section, rf"{d('Z', above, 'A', l)} = W^{{[{above}]}}", (by_input(above),), "affine.dA"),
    )


def slopes_within(l: int) -> tuple[Q, ...]:
    """The slopes of the hidden layer itself: of its A by Z, of its Z by W, and what its Z is."""
    section = f"Layer {l}"
    return (
        Q(
            f"dW{l}.mask",
            section,
            rf"{d('A', l, 'Z', l)} = ReLU'(Z^{l})",
            (by_sum(l, True),),
            "relu.dZ",
            "it is a diagonal matrix with ReLU' on its diagonal, which makes the product one entry by entry",
            (by_sum(l, False),),
        ),
        Q(
            f"dW{l}.weight",
            section,
            rf"{d('Z', l, 'W', l)} = {INPUT[l]}",
            (by_weight(l, True),),
            "affine.dW",
            "true of each neuron's own row of W only",
            (by_weight(l, False),),
        ),
        Q(
            f"dW{l}.below",
            section,
            rf"Z^{l} = W^{l}{BELOW[l]} + b^{l}",
            (sums_by_matrices(l),),
            "affine.forward",
            "layers are written as powers" if l > 1 else "",
            (as_power(l),),
        ),
    )


def weights_in_order(l: int) -> Q:
    """∂L/∂W of a hidden layer in the article's own order, which is repaired."""
    return Q(
        f"dW{l}.order",
        f"Layer {l}",
        rf"{dL('W', l)} = {WRITTEN[l]}{INPUT[l]}",
        (of_weights(l, lambda net: times(in_article_order(net, l), net.A[l - 1].matrix)),),
        f"mlp.dW{l}",
        corrected=entry_of_weights(l),
        note=REPAIRED,
    )


def bias(l: int) -> tuple[Q, ...]:
    """The lines that the article writes for the bias of a hidden layer."""
    section, rows = f"Layer {l}", {2: 64, 1: 128}[l]
    return (
        Q(
            f"db{l}.chain",
            section,
            chain(l, "b"),
            (of_biases(l, lambda net: delta_of(net, l)),),
            f"mlp.db{l}",
            ORDER,
            (of_biases(l, lambda net: chained(net, l)),),
        ),
        Q(
            f"db{l}.order",
            section,
            rf"= {WRITTEN[l]}(1)",
            (of_biases(l, lambda net: in_article_order(net, l)),),
            f"mlp.db{l}",
            corrected=entry_of_biases(l),
            note=REPAIRED,
        ),
        Q(
            f"db{l}",
            section,
            {
                2: r"[W^{[3]^T}(A^{[3]} - Y)] \circ ReLU'(Z^{[2]})",
                1: r"W^{[2]^T}[W^{[3]^T}(A^{[3]} - Y) \circ ReLU'(Z^{[2]})] \circ ReLU'(Z^{[1]})",
            }[l],
            (of_biases(l, lambda net: delta_of(net, l)),),
            f"mlp.db{l}",
            note="one example; a batch needs the sum over its examples and 1/N",
        ),
        Q(
            f"db{l}.shape",
            section,
            rf"\therefore Shape = ({rows} \times 1)",
            (has_shape(lambda net: delta_of(net, l), rows, 1),),
            f"mlp.db{l}",
        ),
    )


def labels(l: int, letter: str) -> Q:
    """The line in the order that fits, with the shape of every factor beside it."""
    rows, columns = {2: 64, 1: 128}[l], {2: 128, 1: 784}[l]
    inner = r"[W^{[3]^T}_{(64 \times 10)}(A^{[3]} - Y)_{(10 \times 1)}"
    inner += r" \circ ReLU'(Z^{[2]})_{(64 \times 1)}]_{(64 \times 1)}"
    outer = r"W^{[2]^T}_{(128 \times 64)}" + inner + r" \circ ReLU'(Z^{[1]})_{(128 \times 1)}"
    statements = [
        has_shape(lambda net: net.W[3].matrix.T, 64, 10),
        has_shape(error, 10, 1),
        has_shape(lambda net: mask(net, 2), 64, 1),
        has_shape(lambda net: delta_of(net, l), rows, 1),
    ]
    if l == 1:
        statements.append(has_shape(lambda net: net.W[2].matrix.T, 128, 64))
    if letter == "W":
        statements += [
            has_shape(lambda net: net.A[l - 1].matrix.T, 1, columns),
            has_shape(weights(l), rows, columns),
        ]
    written = (inner if l == 2 else outer) + (rf"A^T_{{(1 \times {columns})}}" if letter == "W" else "")
    return Q(f"d{letter}{l}.labels.fitted", f"Layer {l}", written, tuple(statements), f"mlp.d{letter}{l}")


BRACKETS = (
    "without brackets the outer product binds before ∘; "
    "the article means the brackets around what stands before the last factor"
)
SLIP = of_weights(2, lambda net: times(delta_of(net, 2), net.A[2].matrix.T))
LAYER_2 = (
    *hidden(2),
    Q(
        "relu.slope.code",
        "Layer 2",
        r"ReLU'(Z) = \texttt{Z > 0}",
        (Statement(slope(sp.Max(0, x), x), sp.Piecewise((1, x > 0), (0, True)), given=(sp.Ne(x, 0),)),),
        "relu.dZ",
        (
            "the program returns truth values, which numpy counts as 1 and 0 in a product; at 0, where "
            "there is no slope, it takes 0 (relu.convention)"
        ),
        (Statement(slope(sp.Max(0, x), x), lambda net: 1 * (x > 0), given=(sp.Ne(x, 0),)),),
    ),
    Q(
        "order.article",
        "Layer 2",
        r"\text{the shape of the right side} = \text{the shape of the left}",
        (as_many(False),),
        "affine.dW",
        note="at the article's sizes one of the products of dZ and A fits, and it is the right one",
    ),
    Q(
        "order.any",
        "Layer 2",
        r"\text{shapes determine the order}",
        (as_many(True),),
        "affine.dW",
        note=(
            "with square layers and as many examples as neurons, the left side counts the products of dZ "
            "and A that have the shape of dW, the right side those that are dW"
        ),
    ),
    Q(
        "dW2.labels",
        "Layer 2",
        r"(A^{[3]} - Y){(10 \times 1)}W^{[3]}{(10 \times 64)}ReLU'(Z^{[2]}){(64 \times 1)}A^{[1]}{(128 \times 1)}",
        (
            has_shape(error, 10, 1),
            has_shape(lambda net: net.W[3].matrix, 10, 64),
            has_shape(lambda net: mask(net, 2), 64, 1),
            has_shape(lambda net: net.A[1].matrix, 128, 1),
        ),
        note="the shapes stand on the line beside their factors",
    ),
    labels(2, "W"),
    Q(
        "dW2",
        "Layer 2",
        r"[W^{[3]^T}(A^{[3]} - Y)] \circ ReLU'(Z^{[2]})A^{[2]^T}_{(1 \times 128)}",
        (SLIP,),
        "mlp.dW2",
        corrected=entry_of_weights(2),
        note="A^{[1]} belongs here: its transpose is the one with the shape 1 × 128 that is written below it",
    ),
    Q(
        "dW2.brackets",
        "Layer 2",
        r"[\ldots] \circ ReLU'(Z^{[2]})\,A^T",
        (of_weights(2, weights(2)),),
        "mlp.dW2",
        BRACKETS,
        (of_weights(2, outer_first(2)),),
    ),
    Q("dW2.shape", "Layer 2", r"\therefore Shape = (64 \times 128)", (has_shape(weights(2), 64, 128),), "mlp.dW2"),
    *bias(2),
    labels(2, "b"),
    Q(
        "db2.dZ",
        "Layer 2",
        rf"{dL('b', 2)} = {dL('Z', 2)}",
        (
            Statement(
                lambda net: slope(L, net.Z[2][net.index(2, "r")]),
                entry_of_biases(2),
                given=lambda net: net.given,
                where=lambda net: {**net.below(3), net.A[2][net.index(2, "k")]: f(net.Z[2][net.index(2, "k")])},
            ),
            of_biases(2, lambda net: delta_of(net, 2)),
        ),
        "mlp.dZ2",
        note="for one example; over a batch ∂L/∂b is the sum of the columns",
    ),
)
LAYER_1 = (
    *hidden(1),
    Q(
        "dW1",
        "Layer 1",
        r"W^{[2]^T}[W^{[3]^T}(A^{[3]} - Y) \circ ReLU'(Z^{[2]})] \circ ReLU'(Z^{[1]})X^T",
        (of_weights(1, weights(1)),),
        "mlp.dW1",
        BRACKETS,
        (of_weights(1, outer_first(1)),),
        note=NO_BATCH,
    ),
    labels(1, "W"),
    Q("dW1.shape", "Layer 1", r"\therefore Shape = (128 \times 784)", (has_shape(weights(1), 128, 784),), "mlp.dW1"),
    Q(
        "db1.heading",
        "Layer 1",
        r"\text{for } b^{[2]}: " + dL("b", 1),
        (Statement(lambda net: shape(delta_of(net, 1)), lambda net: shape(net.b[2].matrix)),),
        "mlp.db1",
        corrected=lambda net: shape(net.b[1].matrix),
        note="what follows is for b1",
    ),
    *bias(1),
    labels(1, "b"),
)
UPDATE = (
    Q(
        "update.W",
        "Update",
        r"W^{[l]} := W^{[l]} - \alpha \frac{\partial L}{\partial W^{[l]}}",
        (Statement(updated, Entry(theta.matrix - alpha * dtheta.matrix, r, i)),),
        "sgd.update",
    ),
    Q(
        "update.b",
        "Update",
        r"b^{[l]} := b^{[l]} - \alpha \frac{\partial L}{\partial b^{[l]}}",
        (Statement(updated, Entry(theta.matrix - alpha * dtheta.matrix, r, i)),),
        "sgd.update",
    ),
    Q(
        "update.reduces",
        "Update",
        r"\text{the update reduces } L",
        (Statement(-slope(change(updated), alpha), sp.S.Zero, "≥", form=total(total(dtheta[r, i] ** 2, i), r)),),
        "sgd.decrease",
        "to first order, for a small α and where the gradient is not 0; of L = x², a step of α = 2 raises it",
        (Statement((x - alpha * 2 * x) ** 2, x**2, "≤", given=(alpha > 0,)),),
    ),
)
BACKWARD = (*LAYER_2, *LAYER_1, *UPDATE)
