"""The shared vocabulary: sizes, indices, tensors and functions, each with its LaTeX and its meaning in one line."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sympy as sp

from derivations.algebra.sums import TENSORS, Index, Tensor

MEANING: dict[sp.Symbol, str] = {}
"""What each size and number stands for. Tensors carry their own meaning."""


def enter(symbol: sp.Symbol, meaning: str) -> sp.Symbol:
    """The symbol, entered in the vocabulary. ValueError if it already stands for something else."""
    if (known := MEANING.setdefault(symbol, meaning)) != meaning:
        raise ValueError(f"{symbol} is already {known}; {meaning} needs another name")
    return symbol


def size(name: str, meaning: str) -> sp.Symbol:
    """A positive whole number, such as the number of examples N."""
    return enter(sp.Symbol(name, integer=True, positive=True), meaning)


def number(name: str, meaning: str, **assumptions: bool) -> sp.Symbol:
    """A real number, such as one entry of a matrix that a function takes entry by entry."""
    return enter(sp.Symbol(name, real=True, **assumptions), meaning)


def tensor(name: str, *shape: sp.Expr, meaning: str, latex: str | None = None) -> Tensor:
    """Numbers with one or two indices; the shape gives each index its dimension."""
    return Tensor(name, shape, latex or name, meaning)


def tensors_of(concept: str) -> Callable[..., Tensor]:
    """The tensors of one concept: its X may have another shape than the X of another, and is X@concept in the code.

    The letter is what the concept's function calls its argument.
    """

    def own(letter: str, *shape: sp.Expr, meaning: str, latex: str | None = None) -> Tensor:
        return Tensor(f"{letter}@{concept}", tuple(map(sp.sympify, shape)), latex or letter, meaning)

    return own


def letter_of(name: str) -> str:
    """The letter of a tensor, without the concept whose it is."""
    return name.partition("@")[0]


def layered(letter: str, l: int, *shape: sp.Expr, meaning: str) -> Tensor:
    """A tensor of layer l, written as the article writes it: W2 is W with the layer in brackets above."""
    return tensor(f"{letter}{l}", *shape, meaning=f"{meaning} of layer {l}", latex=f"{letter}^{{[{l}]}}")


n = size("n", "numbers that enter for each example: neurons of the layer before, or features")
m = size("m", "neurons of the layer")
N = size("N", "examples in the batch")
n0 = size("n0", "pixels")
n1 = size("n1", "neurons of the first hidden layer")
n2 = size("n2", "neurons of the second hidden layer")
n3 = size("n3", "neurons of the output layer, one a class")

i, j, k, l = (Index(name, n) for name in "ijkl")
"""Neurons of the layer before, or features."""

q, r, s, t = Index("q", m), Index("r", m), Index("s", N), Index("t", N)
"""Neurons of the layer; examples."""

W = tensor("W", m, n, meaning="weights, a row a neuron")
b = tensor("b", m, meaning="biases, a column")
A = tensor("A", n, N, meaning="the layer's input, a column an example")
dZ = tensor("dZ", m, N, meaning="gradient of the loss with respect to the weighted sums")
Z_layer = tensor("Z_layer", m, N, meaning="weighted sums, a column an example", latex="Z")
ones = sp.OneMatrix(1, N)

z = number("Z", "a weighted sum")
a = number("A", "the activation's output")
da = number("dA", "gradient of the loss with respect to the activation's output")
L = number("L", "the loss: a mean over the batch")
c = number("c", "any number")
eps = number("eps", "what is added below a fraction, so that nothing is divided by 0", positive=True)
x = number("x", "any number, such as one parameter or one pixel")


class Activation(sp.Function):  # type: ignore[misc]
    """f: any activation that has a slope where it is used, taken entry by entry."""

    nargs = 1
    is_real = True

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        """Its slope f'."""
        return ActivationSlope(self.args[0])

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        return rf"f\left({printer._print(self.args[0])}\right)"


class ActivationSlope(sp.Function):  # type: ignore[misc]
    """f': the slope of the activation."""

    nargs = 1
    is_real = True

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        return rf"f'\left({printer._print(self.args[0])}\right)"


class Density(sp.Function):  # type: ignore[misc]  # sympy has no types
    """p: any density on the positive half of the line; p(|x|) is then symmetric about 0."""

    nargs = 1
    is_real = True

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        return rf"p\left({printer._print(self.args[0])}\right)"


def meaning(name: str, atom: sp.Basic) -> str | None:
    """What a symbol or tensor of that name stands for: Z as a number is not Z as a matrix."""
    if isinstance(atom, sp.Symbol):
        return None if isinstance(atom, Index) else MEANING.get(atom)
    return TENSORS[name].meaning if name in TENSORS else None
