"""The golden gradient: a network fixed by integer arithmetic, its correctly rounded gradient, and their SHA-256.

No BLAS, compiler or order of summation can change it, and any language can reproduce the network bit for bit:

    x ← (6364136223846793005 x + 1442695040888963407) mod 2⁶⁴, from x = 1     (Knuth 1997, §3.3.4, MMIX)
    number  = ((x >> 40) − 2²³) / 2ᵐ       a multiple of 2⁻ᵐ, exact in float32; the shift of an x gives one number
    label   = ((x >> 32) · 10) >> 32

row by row and in this order: W1 with m = 26, b1 with 26, W2 and W3 with 25, b2 and b3 with 26 (W1, b1, W2, b2, W3, b3),
then X with 23, then the labels. docs/check/vectors.md has the same as a table; a test makes the network from that page.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from nnref.checking.reference import balls
from nnref.layer import Affine
from nnref.network import MNIST_SIZES, Gradients, Layers, Parameters, mlp, one_hot
from nnref.shapes import Array

N = 32
"""Examples in the golden batch."""

PARAMETERS_SHA256 = "b3e1637e1328359feb60c5786705137ee2c619fc618e1c5a7366c52f34fb2586"
"""SHA-256 of W1, b1, W2, … as little-endian C-order float64: the first thing to compare in another language."""

BATCH_SHA256 = "29bd15abc8280ad836eafb8fae2a33a7e2832420bd03d8d3b43e2cae124b5b12"
"""SHA-256 of X, then Y, likewise."""

GRADIENT_SHA256 = "c126268e1301e243138016651869d15becacd7895599f6e8d36686717720fcc1"
"""SHA-256 of dW1, db1, dW2, … likewise, each entry the float64 nearest to the real number."""


def integers() -> Iterator[int]:
    """The stream of 64-bit integers from which everything is drawn."""
    x = 1
    while True:
        x = (6364136223846793005 * x + 1442695040888963407) % (1 << 64)
        yield x


def matrix(stream: Iterator[int], m: int, rows: int, columns: int) -> Array:
    """The next numbers of the stream, multiples of 2⁻ᵐ of either sign, as a matrix filled row by row."""
    numbers = [(next(stream) >> 40) - (1 << 23) for _ in range(rows * columns)]
    return np.array(numbers, "float64").reshape(rows, columns) / (1 << m)


def labels(stream: Iterator[int], classes: int, examples: int) -> Array:
    """The next labels of the stream."""
    return np.array([((next(stream) >> 32) * classes) >> 32 for _ in range(examples)])


def network(examples: int = N) -> tuple[Layers, Parameters, Array, Array]:
    """The golden network and batch: layers, theta, X, Y in float64, all of them exact in float32 too.

    Shapes: X (784, examples), Y (10, examples)
    """
    stream = integers()
    theta = []
    for l, (n, m) in enumerate(pairwise(MNIST_SIZES)):
        theta.append(Affine(W=matrix(stream, 26 if l == 0 else 25, m, n), b=matrix(stream, 26, m, 1)))
    X = matrix(stream, 23, MNIST_SIZES[0], examples)
    Y = one_hot(labels(stream, MNIST_SIZES[-1], examples), MNIST_SIZES[-1], "float64")
    layers = mlp(MNIST_SIZES)
    first, *rest = theta
    return layers, (first, *(part for affine in rest for part in ((), affine))), X, Y


def golden_gradient() -> Gradients:
    """The golden gradient, correctly rounded to float64."""
    return balls.gradient(*network())[0]
