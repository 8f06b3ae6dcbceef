"""The article's equations about the output layer, in its order, read for one example: to dW3 and db3."""

from __future__ import annotations

import sympy as sp

from derivations.algebra.notation import L, c, x
from derivations.article.example import times
from derivations.article.example_gradients import (
    by_weight,
    entry_of_weights,
    error,
    f,
    has_shape,
    of_biases,
    of_weights,
    output_factors,
    undifferentiated,
    unsummed,
    weights,
)
from derivations.article.judging import Quotation as Q
from derivations.article.judging import Statement
from derivations.prover.rules import slope

ORDER = "the chain rule's factors have one to three indices; which are summed is not written"
NO_BATCH = "one example; a batch adds the examples up and divides by N"


def d(above: str, l: int, below: str, m: int) -> str:
    """∂above/∂below in the article's LaTeX."""
    return rf"\frac{{\partial {above}^{{[{l}]}}}}{{\partial {below}^{{[{m}]}}}}"


def dL(below: str, m: int) -> str:
    """∂L/∂below in the article's LaTeX."""
    return rf"\frac{{\partial L}}{{\partial {below}^{{[{m}]}}}}"


U, V = f(x), 1 + sp.exp(c * x)
QUOTIENT = Statement(slope(U / V, x), (V * slope(U, x) - U * slope(V, x)) / V**2)
CHAIN3 = Statement(
    lambda net: slope(L, net.W[3][net.index(3, "r"), net.index(2, "j")]),
    output_factors,
    given=lambda net: net.given,
    where=lambda net: net.below(3),
)
ERROR_IS_SLOPE = Statement(
    lambda net: slope(L, net.Z[3][net.index(3, "r")]),
    lambda net: net.A[3][net.index(3, "r")] - net.Y[net.index(3, "r")],
    given=lambda net: net.given,
    where=lambda net: net.below(4),
)
DIAGONAL = Statement(
    ERROR_IS_SLOPE.left,
    lambda net: net.A[3][net.index(3, "r")] * (1 - net.A[3][net.index(3, "r")]),
    given=lambda net: net.given,
    where=lambda net: net.below(4),
)
REPAIRED = "the article repairs the order itself, below"

OUTPUT = (
    Q("dW3.question", "Output layer", rf"{dL('W', 3)} = \;?", note="a question: it asserts nothing"),
    Q(
        "dW3.chain",
        "Output layer",
        rf"{dL('W', 3)} = {dL('A', 3)}{d('A', 3, 'Z', 3)}{d('Z', 3, 'W', 3)}",
        (CHAIN3,),
        "mlp.dW3",
        ORDER,
        (of_weights(3, unsummed),),
    ),
    Q(
        "SD.words",
        "Output layer",
        rf"{dL('A', 3)}{d('A', 3, 'Z', 3)} = \text{{derivative of softmax with respect to }} A^{{[3]}}",
        (DIAGONAL,),
        "mlp.dZ3",
        corrected=ERROR_IS_SLOPE.right,
        note=(
            "it is the gradient of the loss with respect to Z; the derivative of softmax is a 10 × 10 "
            "matrix, and with respect to Z"
        ),
    ),
    Q(
        "dW3.Z",
        "Output layer",
        rf"{d('Z', 3, 'W', 3)} = \frac{{\partial (W^{{[3]}}A^{{[2]}} + b^{{[3]}}}}{{\partial W^{{[3]}}}}",
        (by_weight(3, True),),
        "affine.dW",
        "a bracket is opened and not closed, and an equation stands as a term of the chain",
        (Statement(CHAIN3.left, by_weight(3, True).left, given=CHAIN3.given, where=CHAIN3.where),),
    ),
    Q(
        "dW3.SD",
        "Output layer",
        r"= (SD)A^{[2]}",
        (of_weights(3, lambda net: times(error(net), net.A[2].matrix)),),
        "mlp.dW3",
        corrected=entry_of_weights(3),
        note=REPAIRED,
    ),
)
QUOTIENT_RULE = Q(
    "quotient",
    "Derivative of softmax",
    (
        r"\frac{\partial}{\partial x}\frac{u}{v} = \frac{v\frac{\partial u}{\partial x} - "
        r"u\frac{\partial v}{\partial x}}{v^2}"
    ),
    (QUOTIENT,),
    "softmax.jacobian",
)

PARTIAL = "∂ is missing above: L/∂Z is a number over a differential; ∂L/∂Z is meant"
OUTPUT_END = (
    Q(
        "dW3.partial",
        "Output layer",
        rf"{dL('A', 3)}{d('A', 3, 'Z', 3)}{d('Z', 3, 'W', 3)} = \frac{{L}}{{\partial Z^{{[3]}}}}{d('Z', 3, 'W', 3)}",
        (of_weights(3, weights(3)),),
        "mlp.dW3",
        PARTIAL,
        (undifferentiated("W", lambda net: net.A[2][net.index(2, "j")]),),
    ),
    Q(
        "dW3.untransposed",
        "Output layer",
        r"= (A^{[3]} - Y)A^{[2]}",
        (of_weights(3, lambda net: times(error(net), net.A[2].matrix)),),
        "mlp.dW3",
        corrected=entry_of_weights(3),
        note=REPAIRED,
    ),
    Q(
        "dW3.shapes",
        "Output layer",
        r"(A^{[3]} - Y): (10 \times 1),\; A^{[2]}: (64 \times 1),\; A^{[2]^T}: (1 \times 64)",
        (
            has_shape(error, 10, 1),
            has_shape(lambda net: net.A[2].matrix, 64, 1),
            has_shape(lambda net: net.A[2].matrix.T, 1, 64),
        ),
    ),
    Q(
        "dW3",
        "Output layer",
        rf"{dL('W', 3)} = (A^{{[3]}} - Y)A^{{[2]^T}}",
        (of_weights(3, weights(3)),),
        "mlp.dW3",
        note=NO_BATCH,
    ),
    Q("dW3.shape", "Output layer", r"\therefore shape = (10 \times 64)", (has_shape(weights(3), 10, 64),), "mlp.dW3"),
    Q(
        "db3.partial",
        "Output layer",
        rf"{dL('A', 3)}{d('A', 3, 'Z', 3)}{d('Z', 3, 'b', 3)} = \frac{{L}}{{\partial Z^{{[3]}}}}{d('Z', 3, 'b', 3)}",
        (of_biases(3, error),),
        "mlp.db3",
        PARTIAL,
        (undifferentiated("b", lambda net: sp.S.One),),
    ),
    Q(
        "db3",
        "Output layer",
        r"(A^{[3]} - Y)(1) = A^{[3]} - Y",
        (of_biases(3, error),),
        "mlp.db3",
        note="(1) is the identity; a batch needs the sum over its examples and 1/N",
    ),
)
