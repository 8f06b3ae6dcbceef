"""The shape of every parameter: what the layer's proof makes it, with each layer's own widths for n and m."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import sympy as sp

from derivations import affine
from derivations.algebra.notation import N, W, b, m, n
from derivations.algebra.sums import misfits


def shape_table(sizes: Sequence[sp.Expr]) -> dict[str, tuple[sp.Expr, sp.Expr]]:
    """The shape of every W and b of the network with these widths, input first, symbols or numbers.

    Each layer is the affine layer with n and m replaced by its own widths, so the shapes are those of affine.dW and
    affine.db, whose proofs make them the shapes of W and b. That the layers compose is checked by building the product.
    """
    layers = {}
    parts = []
    for l, (n_in, n_out) in enumerate(pairwise(sizes), 1):
        at = {n: sp.sympify(n_in), m: sp.sympify(n_out)}
        for name, parameter, gradient in (("W", W, affine.dW), ("b", b, affine.db)):
            shape = tuple(d.xreplace(at) for d in gradient.result.args[0].shape)
            if shape != tuple(d.xreplace(at) for d in parameter.matrix.shape):
                raise ValueError(f"the gradient of {name}{l} has shape {shape}, which is not that of {name}")
            layers[f"{name}{l}"] = shape
        parts.append(sp.MatrixSymbol(f"W{l}", *layers[f"W{l}"]))
    network = sp.MatMul(*reversed(parts), sp.MatrixSymbol("X", sizes[0], N))
    if faults := misfits(network):
        raise ValueError(f"the layers do not compose: {'; '.join(faults)}")
    return layers
