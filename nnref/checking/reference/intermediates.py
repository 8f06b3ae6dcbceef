"""The reference's own computation, with all intermediate results by name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from nnref import softmax
from nnref.layer import Affine
from nnref.network import Layers, Parameters, activations, named, rounded
from nnref.shapes import Array


@dataclass(frozen=True)
class Case:
    """The reference's own computation, in float64: columns are examples, Y is one-hot, the loss is the mean.

    Z, A, dZ and dA are by name, from "A0", which is X, to "Z3" and "dZ3" of the last layer; gradients by "W1", "b1", ….
    activation holds one name for each hidden layer.
    """

    layers: Layers
    theta: Parameters
    X: Array
    Y: Array
    activation: tuple[str, ...]
    Z: dict[str, Array]
    A: dict[str, Array]
    dZ: dict[str, Array]
    dA: dict[str, Array]
    gradients: dict[str, Array]
    P: Array

    @classmethod
    def of(cls, layers: Layers, theta: Parameters, X: Array, Y: Array) -> Case:
        """Run the reference forward and backward at theta, keeping everything.

        Shapes: X (n0, N), Y (n_L, N)
        """
        theta = tuple(rounded(theta_l, "float64") for theta_l in theta)
        X, Y = X.astype("float64"), Y.astype("float64")
        passed = activations(layers, theta, X)
        Z, A, dZ, dA = {}, {"A0": X}, {}, {}
        P = softmax.forward(passed[-1])
        d = (P - Y) / Y.shape[1]
        steps: list[Any] = [()] * len(layers)
        depth = sum(isinstance(theta_l, Affine) for theta_l in theta)
        k = depth
        for l in reversed(range(len(layers))):
            if isinstance(theta[l], Affine):
                Z[f"Z{k}"], dZ[f"dZ{k}"] = passed[l + 1], d
                steps[l], d = layers[l].vjp(theta[l], passed[l], passed[l + 1], d)
                k -= 1
                if k:
                    dA[f"dA{k}"] = d
            else:
                A[f"A{k}"] = passed[l + 1]
                _, d = layers[l].vjp(theta[l], passed[l], passed[l + 1], d)
        names = tuple(layer.name for layer in layers if layer.name != "affine")
        return cls(layers, theta, X, Y, names, Z, A, dZ, dA, named(tuple(steps)), P)
