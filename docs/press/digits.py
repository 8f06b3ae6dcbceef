"""The training run and the digit that the pages show: one run on the embedded digits, one held-out example."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

import nnref
from nnref import softmax

DOUBT = 0.8
"""The digit shown is one that the network gets right with about this probability: neither certain nor wrong."""


@cache
def data() -> Any:
    """The embedded 5,000 digits, wherever the site is built."""
    from nnref.running.data import embedded

    return embedded()


@cache
def run() -> Any:
    """The reference run on them, gate and all."""
    return nnref.train(data(), progress=False)


@cache
def chosen() -> int:
    """The held-out digit that the pages follow."""
    X, labels = data().x_test.astype("float64"), data().y_test
    P = softmax.forward(nnref.forward(run().layers, theta(), X))
    right = P.argmax(axis=0) == labels
    return int(np.where(right, abs(P.max(axis=0) - DOUBT), np.inf).argmin())


@cache
def theta() -> Any:
    """What was learned, in float64, so that every number on a page is good to all its digits."""
    from nnref.network import rounded

    return tuple(rounded(theta_l, "float64") for theta_l in run().parameters)


@cache
def example() -> tuple[Any, Any, int]:
    """The digit as a column, its label as a one-hot column, and its label."""
    k = chosen()
    label = int(data().y_test[k])
    return data().x_test[:, [k]].astype("float64"), nnref.one_hot([label]), label


@cache
def passed() -> dict[str, Any]:
    """All quantities of one forward and backward pass of the digit, by the names in the formulas."""
    from nnref import affine, relu, softmax_cross_entropy
    from nnref.network import activations

    X, Y, _ = example()
    A = activations(run().layers, theta(), X)
    found: dict[str, Any] = {"X": X, "Y": Y, "Z1": A[1], "A1": A[2], "Z2": A[3], "A2": A[4], "Z3": A[5]}
    W = {name: p for name, p in nnref.named(theta()).items() if name.startswith("W")}
    found["P"] = softmax.forward(A[5])
    found["dZ3"] = softmax_cross_entropy.dZ(A[5], Y)
    found["dZ2"] = relu.dZ(A[3], affine.dA(W["W3"], found["dZ3"]))
    found["dZ1"] = relu.dZ(A[1], affine.dA(W["W2"], found["dZ2"]))
    return found | {f"d{name}": g for name, g in nnref.named(nnref.gradients(run().layers, theta(), X, Y)).items()}
