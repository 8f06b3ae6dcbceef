"""JAX, as the checks of kernels use it. It is not imported here."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any

import numpy as np

from nnref.checking.gradcheck.border import framed
from nnref.checking.kernels.framework import Framework, finest, one
from nnref.shapes import Array


class Jax(Framework):
    """JAX: functions, jax.custom_vjp and jitted ones."""

    called = "JAX"

    def __init__(self) -> None:
        self.jax: Any = sys.modules["jax"]

    def owns(self, A: Any) -> bool:
        """Is it an array of this library?"""
        return isinstance(A, self.jax.Array)

    def precise(self) -> AbstractContextManager[Any]:
        """JAX has float64 only where it is enabled."""
        if hasattr(self.jax, "enable_x64"):
            return self.jax.enable_x64(True)
        from jax.experimental import enable_x64  # before JAX 0.8

        return enable_x64(True)

    def wide(self, A: Any) -> Any:
        """In float64, on its device; on a CPU as a numpy array, for which nothing is compiled."""
        return np.asarray(A).astype("float64") if self.beside(A) else A.astype("float64")

    def beside(self, A: Any) -> bool:
        """Is it where numpy is?"""
        return isinstance(A, np.ndarray) or next(iter(A.devices())).platform == "cpu"

    def whole(self, A: Any) -> Any:
        """Whole numbers where the truth is."""
        return np.asarray(A) if self.beside(A) else A

    def cast(self, A: Any, like: Any) -> Any:
        """In the dtype of another."""
        return self.guest(np.asarray(A).astype(like.dtype), like) if self.beside(A) else A.astype(like.dtype)

    def guest(self, A: Array, like: Any) -> Any:
        """From numpy, on the device of another."""
        with self.precise():
            return self.jax.device_put(A, next(iter(like.devices())))

    def copy(self, A: Any) -> Any:
        """A copy."""
        return A  # nobody can write into it

    def same(self, A: Any, B: Any) -> bool:
        """Are the numbers the same? Nobody can have changed them."""
        return True

    def joined(self, arrays: Sequence[Any]) -> Any:
        """Arrays as one vector, traced or not."""
        return self.jax.numpy.concatenate([A.reshape(-1).astype(finest(arrays)) for A in arrays])

    def output(self, f: Callable[..., Any], given: Sequence[Any]) -> Any:
        """What f returns, without a graph."""
        return one(framed("the function", lambda: f(*given)), self)

    def vjp(self, f: Callable[..., Any], given: Sequence[Any], wrt: Sequence[int], dY: Any) -> tuple[Any, list[Any]]:
        """The output, and the gradients as the library takes them."""

        def of(*moved: Any) -> Any:
            places = list(given)
            for k, A in zip(wrt, moved, strict=True):
                places[k] = A
            return one(f(*places), self)

        def taken() -> tuple[Any, Any]:
            Y, back = self.jax.vjp(of, *(given[k] for k in wrt))
            return Y, back(dY.astype(Y.dtype))

        Y, found = framed("the backward pass", taken)
        return Y, list(found)
