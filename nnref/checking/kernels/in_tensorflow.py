"""TensorFlow and Keras, as the checks of kernels use them. Neither is imported here."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from nnref.checking.gradcheck.border import framed
from nnref.checking.kernels.framework import Framework, finest, one
from nnref.shapes import Array


class TensorFlow(Framework):
    """TensorFlow, and Keras on it: tf.custom_gradient and keras.ops.custom_gradient. Compared in numpy, on the host."""

    called = "TensorFlow"

    def __init__(self) -> None:
        self.tf: Any = sys.modules["tensorflow"]

    def owns(self, A: Any) -> bool:
        """Is it an array of this library?"""
        return self.tf.is_tensor(A) or isinstance(A, self.tf.Variable)

    def wide(self, A: Any) -> Array:
        """In float64, on its device."""
        return A if isinstance(A, np.ndarray) else self.tf.cast(A, "float64").numpy()

    def whole(self, A: Any) -> Any:
        """Whole numbers where the truth is."""
        return self.host(A)

    def cast(self, A: Any, like: Any) -> Any:
        """In the dtype of another."""
        return self.tf.cast(self.tf.convert_to_tensor(A), like.dtype)

    def host(self, A: Any) -> Array:
        """In numpy, for the report alone."""
        return A if isinstance(A, np.ndarray) else np.asarray(self.wide(A) if self.floating(A) else A.numpy())

    def guest(self, A: Array, like: Any) -> Any:
        """From numpy, on the device of another."""
        return self.tf.convert_to_tensor(A)

    def copy(self, A: Any) -> Any:
        """A copy."""
        return self.tf.identity(A)

    def same(self, A: Any, B: Any) -> bool:
        """Are the numbers the same? A tensor's are; a variable may have been assigned to."""
        return not isinstance(A, self.tf.Variable) or bool(np.array_equal(self.host(A), self.host(B), equal_nan=True))

    def put_back(self, A: Any, old: Any) -> None:
        """The numbers of old in a variable."""
        A.assign(old)

    def joined(self, arrays: Sequence[Any]) -> Any:
        """Arrays as one vector."""
        return self.tf.concat([self.tf.cast(self.tf.reshape(A, [-1]), finest(arrays)) for A in arrays], 0)

    def output(self, f: Callable[..., Any], given: Sequence[Any]) -> Any:
        """What f returns, without a graph."""
        return one(framed("the function", lambda: f(*given)), self)

    def vjp(self, f: Callable[..., Any], given: Sequence[Any], wrt: Sequence[int], dY: Any) -> tuple[Any, list[Any]]:
        """The output, and the gradients as the library takes them."""

        def taken() -> tuple[Any, Any]:
            leaves = [self.tf.convert_to_tensor(A) if k in wrt else A for k, A in enumerate(given)]
            with self.tf.GradientTape() as tape:
                for k in wrt:
                    tape.watch(leaves[k])
                Y = one(f(*leaves), self)
            return Y, tape.gradient(Y, [leaves[k] for k in wrt], output_gradients=self.tf.cast(dY, Y.dtype))

        Y, found = framed("the backward pass", taken)
        return Y, [None if g is None else self.tf.convert_to_tensor(g) for g in found]
