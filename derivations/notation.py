"""The shared vocabulary: sizes and matrices, each with its LaTeX and its meaning in one line."""

from __future__ import annotations

import sympy as sp

MEANING: dict[str, str] = {}
"""What each symbol stands for, by its name in code."""


def size(name: str, meaning: str) -> sp.Symbol:
    """A positive whole number, such as the number of examples N."""
    MEANING[name] = meaning
    return sp.Symbol(name, integer=True, positive=True)


def matrix(name: str, rows: sp.Expr, columns: sp.Expr, meaning: str) -> sp.MatrixSymbol:
    """A real matrix of symbolic shape; proof.misfits refuses products and sums of matrices that do not fit."""
    MEANING[name] = meaning
    return sp.MatrixSymbol(name, rows, columns)


m = size("m", "neurons of the layer")
n = size("n", "neurons of the layer before")
N = size("N", "examples in the batch")

W = matrix("W", m, n, "weights, a row a neuron")
b = matrix("b", m, sp.S.One, "biases, a column")
A = matrix("A", n, N, "the layer's input, a column an example")
dZ = matrix("dZ", m, N, "gradient of the loss with respect to the weighted sums")
ones = sp.OneMatrix(1, N)


def entry(name: str, meaning: str) -> sp.Symbol:
    """A real number: one entry of the matrix of that name, for functions that work entry by entry."""
    MEANING[name] = meaning
    return sp.Symbol(name, real=True)


z = entry("Z", "a weighted sum")
a = entry("A", "the activation's output")
da = entry("dA", "gradient of the loss with respect to the activation's output")
