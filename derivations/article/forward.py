"""The article's equations from the data to the loss, in its order, read as mathematics."""

from __future__ import annotations

import sympy as sp

from derivations.algebra.logits import i, j
from derivations.algebra.logits import k as class_
from derivations.algebra.logits import label as y
from derivations.algebra.logits import logit as z
from derivations.algebra.notation import A, Activation, W, b, k, number, ones, r, s, x
from derivations.algebra.sums import Entry, delta, total, total_but
from derivations.article.example import ARTICLE, Network, shape, times
from derivations.article.judging import Quotation as Q
from derivations.article.judging import Statement
from derivations.article.softmax import LOSS, SHARE, S, a
from derivations.conventions import A_rows
from derivations.prover.rules import slope
from derivations.shapes import shape_table

other = number("x2", "another pixel")
PIXEL = (sp.Ge(x, 0), sp.Le(x, 255))
SHAPES = shape_table(ARTICLE)


def same(left: sp.Basic, right: sp.Basic) -> tuple[Statement, ...]:
    """Left = right, with nothing to be unfolded."""
    return (Statement(left, right),)


DATA = (
    Q("data.reshape", "Data", r"28 \times 28 = 784", same(sp.Integer(28) ** 2, sp.Integer(ARTICLE[0]))),
    Q(
        "data.scale",
        "Data",
        r"x / 255 \in [0, 1]",
        (
            Statement(x / 255, sp.S.Zero, "≥", PIXEL),
            Statement(x / 255, sp.S.One, "≤", PIXEL, form=(255 - x) / 255),
        ),
        note="which is the same as scaling W1: conventions.scaled_pixels",
    ),
    Q(
        "data.relative",
        "Data",
        r"\frac{x / 255}{x' / 255} = \frac{x}{x'}",
        (Statement((x / 255) / (other / 255), x / other),),
    ),
    Q(
        "data.transpose",
        "Data",
        r"(N, 784)^T = (784, N)",
        (Statement(lambda net: shape(A_rows.matrix.T), lambda net: shape(A.matrix)),),
        "conventions.rows_forward",
    ),
    Q(
        "layers",
        "Data",
        r"4 \text{ layers: } 784, 128, 64, 10",
        same(sp.Integer(len(ARTICLE)), sp.Integer(4)),
        note="three of them have weights",
    ),
)

SIGMOID = 1 / (1 + sp.exp(-x))
TANH = (sp.exp(x) - sp.exp(-x)) / (sp.exp(x) + sp.exp(-x))
POSITIVE = (sp.Ge(x, 0),)


def activations_of_layer(l: int) -> Statement:
    """A of a layer is f of its Z, entry by entry: what the network makes of the name."""
    return Statement(
        lambda net: net.A[l][net.index(l, "k")],
        lambda net: Activation(net.Z[l][net.index(l, "k")]),
        where=lambda net: net.below(1),
    )


ACTIVATIONS = (
    Q(
        "activation.linear",
        "Activation",
        r"\text{linear model: } Wx + b",
        (Statement(total(W[r, k] * A[k, s], k) + b[r], Entry(W.matrix * A.matrix + b.matrix * ones, r, s)),),
        "affine.forward",
        "with b it is affine: a linear map would take 2x to twice its value",
        same(total(W[r, k] * (2 * A[k, s]), k) + b[r], 2 * (total(W[r, k] * A[k, s], k) + b[r])),
    ),
    Q(
        "activation.range",
        "Activation",
        r"\text{activation: output in an interval such as } [0, 1]",
        (Statement(sp.Max(0, x), sp.S.Zero, "≥"), Statement(sp.Max(0, x), x, given=POSITIVE)),
        "relu.unbounded",
        "an interval without an upper end counts as one: ReLU, which the network uses, has [0, ∞)",
        (Statement(sp.Max(0, x), sp.S.One, "≤"),),
    ),
    Q(
        "sigmoid",
        "Activation",
        r"\sigma(x) = \frac{1}{1 + \exp^{-x}}",
        same(SIGMOID, sp.exp(x) / (1 + sp.exp(x))),
        "sigmoid.forward",
        "exp(−x) or e^{−x} is meant: exp is a function, which is not raised to a power",
        (Statement(lambda net: 1 / (1 + sp.exp ** (-x)), SIGMOID),),
    ),
    Q(
        "sigmoid.range",
        "Activation",
        r"\sigma(x) \in (0, 1)",
        (Statement(SIGMOID, sp.S.Zero, ">"), Statement(SIGMOID, sp.S.One, "<", form=1 / (1 + sp.exp(x)))),
        "sigmoid.below_1",
    ),
    Q("tanh", "Activation", r"tanh(x) = \frac{e^x - e^{-x}}{e^x + e^{-x}}", same(sp.tanh(x), TANH), "tanh.forward"),
    Q(
        "tanh.range",
        "Activation",
        r"\tanh(x) \in (-1, 1)",
        (
            Statement(TANH, -sp.S.One, ">", form=2 * sp.exp(x) / (sp.exp(x) + sp.exp(-x))),
            Statement(TANH, sp.S.One, "<", form=2 * sp.exp(-x) / (sp.exp(x) + sp.exp(-x))),
        ),
        "tanh.below_1",
    ),
    Q(
        "relu",
        "Activation",
        r"ReLU(x) = max(0, x)",
        same(sp.Max(0, x), sp.Piecewise((x, x > 0), (0, True))),
        "relu.forward",
    ),
    Q(
        "relu.range",
        "Activation",
        r"ReLU(x) \in [0, \infty)",
        (Statement(sp.Max(0, x), sp.S.Zero, "≥"), Statement(sp.Max(0, x), x, given=POSITIVE)),
        "relu.not_negative",
        note="every number from 0 on is reached, at itself",
    ),
    Q(
        "neuron.combination",
        "Activation",
        r"\text{network} = \text{linear regression} + \text{logistic regression}",
        note="the sum of two models is not defined; a layer is the composition of an affine map and an activation",
    ),
    Q(
        "layer.linear",
        "Activation",
        r"Z = WX + b",
        (Statement(total(W[r, k] * A[k, s], k) + b[r], Entry(W.matrix * A.matrix + b.matrix * ones, r, s)),),
        "affine.forward",
        note="for N examples b is repeated in every column, W X + b 1ᵀ",
    ),
    Q(
        "layer.activation",
        "Activation",
        r"A = \sigma(Z)",
        (activations_of_layer(1),),
        "mlp.any_depth",
        "σ stands for any activation here; as the sigmoid just defined it is not ReLU",
        same(sp.Max(0, x), SIGMOID),
    ),
    Q(
        "relu.code",
        "Activation",
        r"\texttt{np.maximum(Z, 0)}",
        same(sp.Max(x, 0), sp.Piecewise((x, x > 0), (0, True))),
        "relu.forward",
    ),
    Q(
        "layer.superscript",
        "Forward",
        r"Z^{[l]}",
        note="a convention: the layer in brackets above; there is nothing to prove",
    ),
)


def parameter(name: str, *written: int) -> Statement:
    """The shape of a parameter, from the table that the proofs of affine.dW and affine.db give."""
    return Statement(sp.Tuple(*SHAPES[name]), sp.Tuple(*written))


def weighted(net: Network, l: int) -> sp.MatrixExpr:
    """W A + b of layer l, as it is written."""
    return times(net.W[l].matrix, net.A[l - 1].matrix) + net.b[l].matrix


def sums_of_layer(l: int) -> Statement:
    """Z of layer l, entry by entry and as a product of matrices."""

    def by_entries(net: Network) -> sp.Basic:
        r, k = net.index(l, "r"), net.index(l - 1, "k")
        return total(net.W[l][r, k] * net.A[l - 1][k], k) + net.b[l][r]

    return Statement(by_entries, lambda net: Entry(weighted(net, l), net.index(l, "r")))


def multiplied_by_shape(l: int) -> Statement:
    """Z of layer l, with the rows and columns beside W A and b taken for factors."""

    def by_entries(net: Network, times: sp.Expr) -> sp.Basic:
        r, k = net.index(l, "r"), net.index(l - 1, "k")
        return times * total(net.W[l][r, k] * net.A[l - 1][k], k) + times * net.b[l][r]

    return Statement(lambda net: by_entries(net, sp.S.One), lambda net: by_entries(net, net.widths[l]))


def shape_of_layer(l: int, rows: int) -> Statement:
    """W A + b of layer l is rows × 1."""
    return Statement(lambda net: shape(weighted(net, l)), sp.Tuple(rows, 1))


def activated(l: int, rows: int) -> Statement:
    """The activations of layer l have the shape of its weighted sums."""
    return Statement(lambda net: shape(net.Z[l].matrix.applyfunc(Activation)), sp.Tuple(rows, 1))


ON_THE_LINE = "the shapes stand on the line, as if 128 × 1 multiplied what is before it"

FORWARD = (
    Q(
        "Z1",
        "Forward",
        r"Z^{[1]} = W^{[1]}X + b^{[1]}",
        (sums_of_layer(1),),
        "affine.forward",
        note="one example; a batch needs b 1ᵀ",
    ),
    Q(
        "W1.shape",
        "Forward",
        r"W^{[1]}: (128 \times 784)",
        (parameter("W1", 128, 784),),
        "affine.dW",
        note="m neurons here, n in the layer before",
    ),
    Q(
        "b1.shape",
        "Forward",
        r"b^{[1]}: (128, 1)",
        (parameter("b1", 128, 1),),
        "affine.db",
        "called a scalar: each neuron's bias is one, b is their column",
        (parameter("b1", 1, 1),),
    ),
    Q(
        "Z1.shapes",
        "Forward",
        r"Z_{?} = W_{(128\times784)}^{[1]}X_{(784\times1)}^{[1]} + b_{(128\times1)}^{[1]}",
        (shape_of_layer(1, 128), Statement(lambda net: shape(net.A[0].matrix), sp.Tuple(784, 1))),
        "affine.forward",
        "the input is X, or A^{[0]}: with the superscript [1] it would be of the first layer",
        (Statement(lambda net: shape(times(net.W[1].matrix, net.A[1].matrix)), sp.Tuple(128, 1)),),
    ),
    Q(
        "Z1.product",
        "Forward",
        r"Z_{?} = [WX]{(128\times1)}^{[1]} + b{(128\times1)}^{[1]}",
        (Statement(lambda net: shape(times(net.W[1].matrix, net.A[0].matrix)), sp.Tuple(128, 1)),),
        "affine.forward",
        ON_THE_LINE,
        (multiplied_by_shape(1),),
    ),
    Q(
        "Z1.shape",
        "Forward",
        r"Z_{(128\times1)} = [WX + b]_{(128\times1)}^{[1]}",
        (shape_of_layer(1, 128),),
        "affine.forward",
        note="Z^{[1]} is meant on the left",
    ),
    Q("A1", "Forward", r"A_{(128\times1)}^{[1]} = ReLU(Z_{(128\times1)}^{[1]})", (activated(1, 128),), "relu.forward"),
    Q("W2.shape", "Forward", r"W^{[2]}: (64 \times 128)", (parameter("W2", 64, 128),), "affine.dW"),
    Q(
        "Z2.shapes",
        "Forward",
        r"Z_{(?)}^{[2]} = W_{(64\times128)}^{[2]}A_{(128\times1)}^{[1]} + b_{(64\times1)}^{[2]}",
        (shape_of_layer(2, 64), sums_of_layer(2)),
        "affine.forward",
    ),
    Q(
        "Z2.product",
        "Forward",
        r"Z_{(?)}^{[2]} = [WA]{(64\times1)}^{[2]} + b{(64\times1)}^{[2]}",
        (Statement(lambda net: shape(times(net.W[2].matrix, net.A[1].matrix)), sp.Tuple(64, 1)),),
        "affine.forward",
        "A is A^{[1]}: under the common superscript [2] it does not fit",
        (Statement(lambda net: shape(times(net.W[2].matrix, net.A[2].matrix)), sp.Tuple(64, 1)),),
    ),
    Q(
        "Z2.shape",
        "Forward",
        r"Z_{(64\times1)}^{[2]} = [WA + b]_{(64\times1)}^{[2]}",
        (shape_of_layer(2, 64),),
        "affine.forward",
        "A is A^{[1]}: under the common superscript [2] it does not fit",
        (Statement(lambda net: shape(times(net.W[2].matrix, net.A[2].matrix)), sp.Tuple(64, 1)),),
    ),
    Q("A2", "Forward", r"A_{(64\times1)}^{[2]} = ReLU(Z_{(64\times1)}^{[2]})", (activated(2, 64),), "relu.forward"),
    Q("W3.shape", "Forward", r"W: (10 \times 64)", (parameter("W3", 10, 64),), "affine.dW"),
    Q(
        "Z3.shapes",
        "Forward",
        r"Z_{(?)}^{[3]} = W_{(10\times64)}^{[3]}A_{(64\times1)}^{[2]} + b_{(10\times1)}^{[3]}",
        (shape_of_layer(3, 10), sums_of_layer(3)),
        "affine.forward",
    ),
    Q(
        "Z3.product",
        "Forward",
        r"Z_{(?)}^{[3]} = [WA]{(10\times1)}^{[3]} + b{(10\times1)}^{[3]}",
        (Statement(lambda net: shape(times(net.W[3].matrix, net.A[2].matrix)), sp.Tuple(10, 1)),),
        "affine.forward",
        "A is A^{[2]}: under the common superscript [3] it does not fit",
        (Statement(lambda net: shape(times(net.W[3].matrix, net.A[3].matrix)), sp.Tuple(10, 1)),),
    ),
    Q(
        "Z3.shape",
        "Forward",
        r"Z_{(10\times1)}^{[3]} = [WA + b]_{(10\times1)}^{[2]}",
        (Statement(lambda net: shape(net.Z[3].matrix), lambda net: shape(weighted(net, 2))),),
        "affine.forward",
        corrected=lambda net: shape(weighted(net, 3)),
        note="the right side carries the superscript [2]; it is layer 3",
    ),
)

BETWEEN = (
    Statement(a[i], sp.S.Zero, ">", where=SHARE),
    Statement(a[i], sp.S.One, "≤", where=SHARE, form=total_but(sp.exp(z[class_]), class_, i) / S),
)

SOFTMAX = (
    Q(
        "output.column",
        "Softmax",
        r"(10 \times 1)\text{: a column, or a row}",
        (Statement(lambda net: shape(net.A[3].matrix), sp.Tuple(10, 1)),),
        "softmax.forward",
        "a column is not a row",
        (Statement(lambda net: shape(net.A[3].matrix), sp.Tuple(1, 10)),),
    ),
    Q(
        "output.zero_or_one",
        "Softmax",
        r"a_i \in \{0, 1\}",
        (Statement(a[i] * (1 - a[i]), sp.S.Zero, where=SHARE),),
        "softmax.positive",
        corrected=a[i] * total_but(a[class_], class_, i),
        note="that is the label; the output lies strictly between",
    ),
    Q(
        "label.single_one",
        "Softmax",
        r"\sum_i y_i = 1",
        same(total(delta(i, j), i), sp.S.One),
        note="of a label that is a single 1",
    ),
    Q(
        "label.two",
        "Softmax",
        r"y = [0, 0, 1, 0, 0, 0, 0, 0, 0, 0]",
        same(sp.Tuple(*(sp.KroneckerDelta(d, 2) for d in range(10))), sp.Tuple(0, 0, 1, *[0] * 7)),
        note="digit d stands at place d counted from 0",
    ),
    Q("softmax.between", "Softmax", r"0 \le a_i \le 1", BETWEEN, "softmax.at_most_one"),
    Q(
        "softmax.sum",
        "Softmax",
        r"\sum_i a_i = 1",
        (Statement(total(a[i], i), sp.S.One, where=SHARE),),
        "softmax.sums_to_one",
    ),
    Q(
        "softmax.highest",
        "Softmax",
        r"z_i > z_j \Rightarrow a_i > a_j",
        (Statement(a[i] / a[j], sp.exp(z[i] - z[j]), where=SHARE),),
        "softmax.keeps_order",
        note="the class with the largest z_i, which need not be the label's",
    ),
    Q(
        "A3.shape",
        "Softmax",
        r"A_{(10\times1)}^{[3]} = softmax(Z_{(10\times1)}^{[3]})",
        (Statement(lambda net: shape(net.A[3].matrix), lambda net: shape(net.Z[3].matrix)),),
        "softmax.forward",
    ),
    Q(
        "softmax",
        "Softmax",
        r"softmax(X) = \frac{e^{x_i}}{\sum_{i=1}^{n} e^{x_i}}",
        (Statement(a[i], sp.exp(z[i]) / S, where=SHARE),),
        "softmax.forward",
        (
            "i is free above and summed below, and one entry stands for the vector; as a program it "
            "overflows unless the largest x is taken away first (softmax.shift)"
        ),
        (
            Statement(lambda net: shape(net.A[3].matrix), sp.Tuple(1, 1)),
            Statement(a[i], sp.exp(z[i]) / total(sp.exp(z[i]), class_), where=SHARE),
        ),
    ),
    Q(
        "softmax.argmax",
        "Softmax",
        r"\text{softmax: a soft version of argmax}",
        note="soft is not defined; what can be proved is softmax.keeps_order",
    ),
)

PLAIN_LOSS = -total(y[i] * sp.log(a[i]), i)

LOSSES = (
    Q(
        "error",
        "Loss",
        r"\text{error} = \text{actual} - \text{predicted}",
        (Statement(slope(LOSS, z[i]), -(y[i] - a[i]), given=(sp.Eq(total(y[class_], class_), 1),), where=SHARE),),
        "softmax_cross_entropy.dz",
        (
            "the difference is, but for its sign, the gradient of the loss; the loss that is minimised is "
            "the cross-entropy"
        ),
        (Statement(LOSS, y[i] - a[i], given=(sp.Eq(total(y[class_], class_), 1),), where=SHARE),),
    ),
    Q(
        "loss",
        "Loss",
        r"L = -\sum_{i=1}^{10} y_i \log(\hat{y_i})",
        (
            Statement(
                lambda net: Entry(-times(y.matrix.T, a.matrix.applyfunc(sp.log)), sp.S.One), PLAIN_LOSS, where=SHARE
            ),
        ),
        "cross_entropy.forward",
        note="one example; for a batch it is summed over the examples and divided by N (softmax_cross_entropy.forward)",
    ),
    Q(
        "loss.scalar",
        "Loss",
        r"L: \text{a scalar}",
        (Statement(lambda net: shape(times(net.Y.matrix.T, net.A[3].matrix.applyfunc(sp.log))), sp.Tuple(1, 1)),),
        "cross_entropy.forward",
    ),
)
