"""The article's network for one example: every layer a column, and what each name stands for down to the weights.

mlp.py has the same for a batch. Here there is no 1/N and no sum over examples, as in the article.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import sympy as sp

from derivations.algebra.notation import Activation, L, size, tensor
from derivations.algebra.sums import Index, ShapeError, Tensor, Where, total
from derivations.mlp import WIDTHS
from derivations.output.printing import plain

TAGS = ("♯", "□")
"""Marks at the end of the names in a network that is not the one of symbolic widths."""


@dataclass(frozen=True)
class Network:
    """Tensors of the network: index l is the layer, 0 the input; W[0] and b[0] are not there."""

    widths: tuple[sp.Expr, ...]
    W: tuple[Tensor, ...]
    b: tuple[Tensor, ...]
    Z: tuple[Tensor, ...]
    A: tuple[Tensor, ...]
    Y: Tensor

    def index(self, l: int, letter: str) -> Index:
        """An index over the neurons of layer l."""
        return Index(letter, self.widths[l])

    @property
    def given(self) -> tuple[sp.Basic, ...]:
        """The labels sum to one."""
        k = self.index(3, "k")
        return (sp.Eq(total(self.Y[k], k), 1),)

    def below(self, l: int) -> Where:
        """What stands between the loss and the weights of layer l: Z of that layer too, and all above."""
        r, k = self.index(3, "r"), self.index(3, "k")
        names: dict[sp.Expr, sp.Expr] = {
            L: -total(self.Y[k] * sp.log(self.A[3][k]), k),
            self.A[3][r]: sp.exp(self.Z[3][r]) / total(sp.exp(self.Z[3][k]), k),
        }
        for layer in range(3, l - 1, -1):
            r, k = self.index(layer, "r"), self.index(layer - 1, "k")
            names[self.Z[layer][r]] = total(self.W[layer][r, k] * self.A[layer - 1][k], k) + self.b[layer][r]
            if layer > l:
                names[self.A[layer - 1][k]] = Activation(self.Z[layer - 1][k])
        return names


def network(widths: tuple[Any, ...], tag: str = "") -> Network:
    """The tensors of a network with these widths, input first."""
    widths = tuple(map(sp.sympify, widths))

    def layer(letter: str, l: int, *shape: sp.Expr, latex: str, meaning: str) -> Tensor:
        return tensor(f"{letter}{l}{tag}", *shape, latex=f"{latex}^{{[{l}]}}", meaning=f"{meaning} of layer {l}")

    X = tensor(f"x0{tag}", widths[0], latex="X", meaning="the input, a column of pixels")
    Y = tensor(f"y3{tag}", widths[3], latex="Y", meaning="the label of one example")
    W, b, Z, A = [X], [X], [X], [X]
    for l, (n, m) in enumerate(pairwise(widths), 1):
        W.append(layer("W", l, m, n, latex="W", meaning="weights"))
        b.append(layer("b", l, m, latex="b", meaning="biases"))
        Z.append(layer("z", l, m, latex="Z", meaning="weighted sums of one example"))
        A.append(layer("a", l, m, latex="A", meaning="activations of one example"))
    return Network(widths, tuple(W), tuple(b), tuple(Z), tuple(A), Y)


ARTICLE = (784, 128, 64, 10)
"""The article's own widths."""

SYMBOLS = network(WIDTHS)
NUMBERS = network(ARTICLE, TAGS[0])
h = size("h", "neurons of either hidden layer")
SQUARE = network((WIDTHS[0], h, h, WIDTHS[3]), TAGS[1])
"""Both hidden layers are of one width, so that a product with the wrong layer's activations fits."""


def named(M: sp.MatrixExpr) -> str:
    """How a message writes a matrix."""
    return plain(M).replace("+ (-1) ", "− ")


def times(first: sp.MatrixExpr, *rest: sp.MatrixExpr) -> sp.MatrixExpr:
    """The product as it is written, from left to right. ShapeError if it does not fit."""
    for factor in rest:
        if first.cols != factor.rows:
            raise ShapeError(f"{named(first)} has {first.cols} columns and {named(factor)} has {factor.rows} rows")
        first = first * factor
    return first


def hadamard(first: sp.MatrixExpr, second: sp.MatrixExpr) -> sp.MatrixExpr:
    """The product entry by entry. ShapeError if the two differ in shape."""
    if first.shape != second.shape:
        shapes = (" × ".join(map(str, M.shape)) for M in (first, second))
        raise ShapeError(f"{named(first)} is {next(shapes)} and {named(second)} is {next(shapes)}")
    return sp.HadamardProduct(first, second)


def shape(M: sp.MatrixExpr) -> sp.Tuple:
    """Its rows and columns."""
    return sp.Tuple(*M.shape)
