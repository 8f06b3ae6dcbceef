"""The network's gradients for one example, right and as the article writes them."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import sympy as sp

from derivations import affine
from derivations.algebra.notation import A, Activation, ActivationSlope, L, N, dZ, m, n
from derivations.algebra.sums import Entry, Index, ShapeError, Tensor, delta, total
from derivations.article.example import Network, hadamard, shape, times
from derivations.article.judging import Side, Statement
from derivations.prover.limits import h
from derivations.prover.rules import slope

f, df = Activation, ActivationSlope


def error(net: Network) -> sp.MatrixExpr:
    """A3 − Y."""
    return net.A[3].matrix - net.Y.matrix


def mask(net: Network, l: int) -> sp.MatrixExpr:
    """ReLU'(Z) of layer l, a column."""
    return net.Z[l].matrix.applyfunc(df)


def delta_of(net: Network, l: int) -> sp.MatrixExpr:
    """∂L/∂Z of layer l, in the order that fits."""
    if l == 3:
        return error(net)
    return hadamard(times(net.W[l + 1].matrix.T, delta_of(net, l + 1)), mask(net, l))


def place(net: Network, l: int) -> tuple[Index, Index]:
    """Row and column of one entry of W of layer l."""
    return net.index(l, "r"), net.index(l - 1, "j")


def entry(M: sp.MatrixExpr, parameter: Tensor, *at: Index) -> Entry:
    """The entry of a matrix that should have the shape of the parameter. ShapeError if it has not."""
    if M.shape != parameter.matrix.shape:
        shapes = (" × ".join(map(str, shape)) for shape in (M.shape, parameter.matrix.shape))
        raise ShapeError(f"the right side is {next(shapes)} and {parameter.name} is {next(shapes)}")
    return Entry(M, *at)


def of_weights(l: int, right: Callable[[Network], sp.MatrixExpr]) -> Statement:
    """∂L/∂W of layer l is this matrix."""
    return Statement(
        lambda net: slope(L, net.W[l][place(net, l)]),
        lambda net: entry(right(net), net.W[l], *place(net, l)),
        given=lambda net: net.given,
        where=lambda net: net.below(l),
    )


def of_biases(l: int, right: Callable[[Network], sp.MatrixExpr]) -> Statement:
    """∂L/∂b of layer l is this column."""
    return Statement(
        lambda net: slope(L, net.b[l][net.index(l, "r")]),
        lambda net: entry(right(net), net.b[l], net.index(l, "r")),
        given=lambda net: net.given,
        where=lambda net: net.below(l),
    )


def weights(l: int) -> Callable[[Network], sp.MatrixExpr]:
    """∂L/∂W of layer l: ∂L/∂Z times the transposed input."""
    return lambda net: times(delta_of(net, l), net.A[l - 1].matrix.T)


def entry_of_weights(l: int) -> Side:
    """The right answer for ∂L/∂W of layer l, entry by entry."""
    return lambda net: Entry(weights(l)(net), net.index(l, "r"), net.index(l - 1, "j"))


def entry_of_biases(l: int) -> Side:
    """The right answer for ∂L/∂b of layer l, entry by entry."""
    return lambda net: Entry(delta_of(net, l), net.index(l, "r"))


def has_shape(build: Callable[[Network], sp.MatrixExpr], rows: int, columns: int) -> Statement:
    """The matrix is rows × columns at the article's own sizes."""
    return Statement(lambda net: shape(build(net)), sp.Tuple(rows, columns))


def weighted(net: Network, l: int, neuron: sp.Expr) -> sp.Expr:
    """Z of one neuron of layer l."""
    k = net.index(l - 1, "k")
    return total(net.W[l][neuron, k] * net.A[l - 1][k], k) + net.b[l][neuron]


def by_input(l: int) -> Statement:
    """∂z_r/∂a_j is W_rj."""
    return Statement(
        lambda net: slope(weighted(net, l, place(net, l)[0]), net.A[l - 1][place(net, l)[1]]),
        lambda net: net.W[l][place(net, l)],
    )


def by_weight(l: int, whole: bool) -> Statement:
    """∂z_q/∂W_rj is δ_qr a_j; without δ it is said of every q."""

    def right(net: Network) -> sp.Basic:
        one = delta(net.index(l, "q"), net.index(l, "r")) if whole else sp.S.One
        return one * net.A[l - 1][net.index(l - 1, "j")]

    return Statement(
        lambda net: slope(weighted(net, l, net.index(l, "q")), net.W[l][net.index(l, "r"), net.index(l - 1, "j")]),
        right,
    )


def by_sum(l: int, whole: bool) -> Statement:
    """∂a_q/∂z_r is δ_qr f'(z_r); without δ it is said of every pair."""

    def right(net: Network) -> sp.Basic:
        one = delta(net.index(l, "q"), net.index(l, "r")) if whole else sp.S.One
        return one * df(net.Z[l][net.index(l, "r")])

    return Statement(lambda net: slope(f(net.Z[l][net.index(l, "q")]), net.Z[l][net.index(l, "r")]), right)


def repeated(net: Network, l: int, neuron: Index, times_left: int) -> sp.Expr:
    """W applied to the input of layer l again and again. ShapeError unless W is square."""
    if times_left == 0:
        return net.A[l - 1][neuron]
    k = net.index(l - 1, f"k{times_left}")
    return total(net.W[l][neuron, k] * repeated(net, l, k, times_left - 1), k)


def as_power(l: int) -> Statement:
    """Z of layer l with W read as the power of a matrix."""
    return Statement(
        lambda net: weighted(net, l, net.index(l, "r")),
        lambda net: repeated(net, l, net.index(l, "r"), l) + net.b[l][net.index(l, "r")],
    )


def sums_by_matrices(l: int) -> Statement:
    """Z = W A + b of layer l."""
    return Statement(
        lambda net: weighted(net, l, net.index(l, "r")),
        lambda net: Entry(times(net.W[l].matrix, net.A[l - 1].matrix) + net.b[l].matrix, net.index(l, "r")),
    )


def output_factors(net: Network) -> sp.Basic:
    """Σ_k Σ_l (−y_k/a_k) (a_k (δ_kl − a_l)) (δ_lr a2_j)."""
    k, l, r, j = net.index(3, "k"), net.index(3, "l"), net.index(3, "r"), net.index(2, "j")
    y, a = net.Y, net.A[3]
    return total(total(-y[k] / a[k] * (a[k] * (delta(k, l) - a[l])) * delta(l, r) * net.A[2][j], l), k)


def unsummed(net: Network) -> sp.MatrixExpr:
    """∂L/∂W3 by factors that all have the index r of the row: −y_r/a_r · a_r (1 − a_r) · a2_j, and no sum."""
    a = net.A[3].matrix
    return times(sp.HadamardProduct(-net.Y.matrix, sp.OneMatrix(*a.shape) - a), net.A[2].matrix.T)


def chained(net: Network, l: int) -> sp.MatrixExpr:
    """The factors of the chain rule down to layer l as matrices in their order. ShapeError, as they do not fit."""
    return times(delta_of(net, l + 1), net.W[l + 1].matrix, mask(net, l))


def undifferentiated(letter: str, last: Callable[[Network], sp.Expr]) -> Statement:
    """∂L/∂W or ∂L/∂b of the output layer as L over a change h of Z, times what Z changes by."""
    return Statement(
        lambda net: slope(L, (net.W if letter == "W" else net.b)[3][parameter_place(net, letter)]),
        lambda net: L / h * last(net),
        given=lambda net: net.given,
        where=lambda net: net.below(3),
    )


def parameter_place(net: Network, letter: str) -> tuple[Index, ...]:
    """The place of one weight, or of one bias, of the output layer."""
    return place(net, 3) if letter == "W" else (net.index(3, "r"),)


def in_article_order(net: Network, l: int) -> sp.MatrixExpr:
    """The factors from left to right as the article first writes them."""
    factors = [error(net), net.W[3].matrix, mask(net, 2)]
    return times(*factors) if l == 2 else times(*factors, net.W[2].matrix, mask(net, 1))


def outer_first(l: int) -> Callable[[Network], sp.MatrixExpr]:
    """The line with the product of matrices taken before ∘, as one without brackets may be read."""
    return lambda net: hadamard(
        times(net.W[l + 1].matrix.T, delta_of(net, l + 1)), times(mask(net, l), net.A[l - 1].matrix.T)
    )


def fitting(square: bool) -> tuple[list[sp.MatrixExpr], list[sp.MatrixExpr]]:
    """The products of dZ and A, each transposed or not, in either order, of the shape of W; and those that are dW.

    For one example, or with as many neurons here as in the layer before and as examples.
    """
    at = {n: m, N: m} if square else {N: sp.S.One}
    first, second = (sp.MatrixSymbol(T.name, *(dim.xreplace(at) for dim in T.shape)) for T in (dZ, A))
    pairs = list(product((first, first.T), (second, second.T)))
    pairs += [(right, left) for left, right in pairs]
    shape_of_W = (first.rows, second.rows)
    fits = [L * R for L, R in pairs if L.cols == R.rows and (L.rows, R.cols) == shape_of_W]
    gradient = affine.dW.result.args[0].xreplace({dZ.matrix: first, A.matrix: second})
    return fits, [M for M in fits if gradient == M]


def as_many(square: bool) -> Statement:
    """As many products fit as are right."""
    fits, right = fitting(square)
    return Statement(sp.Integer(len(fits)), sp.Integer(len(right)))
