"""Activations of which Keras's own, in double precision, has constants of single precision: off by 1e-8."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from nnref.gelu_tanh import CUBIC, ROOT

FORMULAS: dict[str, Any] = {
    "gelu": lambda ops, x: x * (1 + ops.erf(x * 2**-0.5)) / 2,
    "gelu_tanh": lambda ops, x: x * (1 + ops.tanh(ROOT * (x + CUBIC * x * x * x))) / 2,
    "leaky_relu": lambda ops, x, slope: ops.where(x > 0, x, slope * x),
}
"""By name: the formula in Keras's operations. A Python number takes the precision of the tensor beside it."""


@cache
def exact_layer() -> Any:
    """The class of a Keras layer that computes one of these, which Keras saves, and loads once this was called."""
    import keras

    @keras.saving.register_keras_serializable(package="nnref")
    class Exact(keras.layers.Layer):  # type: ignore[misc]
        """One of the formulas, with the numbers that choose its parameters."""

        def __init__(self, function: str, numbers: Sequence[float] = (), **options: Any) -> None:
            super().__init__(**options)
            self.function, self.numbers = function, list(numbers)

        def call(self, x: Any) -> Any:
            """The formula, entry by entry."""
            return FORMULAS[self.function](keras.ops, x, *self.numbers)

        def compute_output_shape(self, shape: Any) -> Any:
            """The shape stays."""
            return shape

        def get_config(self) -> dict[str, Any]:
            """What the layer is made again from."""
            return {**super().get_config(), "function": self.function, "numbers": self.numbers}

    return Exact
