"""What a check needs of a library of arrays: a vjp, arrays in float64, and numbers for the report."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from copy import copy
from typing import Any

import numpy as np

from nnref.arrays import namespace
from nnref.checking.gradcheck.border import GradcheckError, framed
from nnref.checking.operations.kernel_arithmetic import UNITS
from nnref.shapes import Array

SEED = 0
"""Seed of all that is drawn: the same in every run, so that failures can be reproduced."""

Leaves = Callable[[Any], list[tuple[str, Any]]]
"""What a function returned, by name."""


class Framework:
    """A library of the array API without a vjp of its own, such as CuPy or numpy."""

    called = "this library"
    seed: int | None = None
    """Seed of the random numbers that the function draws; None leaves them random."""

    def seeded(self) -> Framework:
        """The same library, in which every call of a function draws the same random numbers, if it can be told to."""
        made = copy(self)
        made.seed = SEED
        return made

    def drawing(self) -> AbstractContextManager[Any]:
        """A context in which random numbers begin at the seed, if there is one."""
        return nullcontext()

    def owns(self, A: Any) -> bool:
        """Is it an array of this library?"""
        return hasattr(A, "dtype") and hasattr(A, "shape")

    def floating(self, A: Any) -> bool:
        """Does it hold real floating-point numbers?"""
        return dtype_name(A) in ("float16", "bfloat16", "float32", "float64")

    def precise(self) -> AbstractContextManager[Any]:
        """A context in which float64 is float64."""
        return nullcontext()

    def wide(self, A: Any) -> Array:
        """The same numbers in float64, on the same device."""
        return namespace(A).astype(A, namespace(A).float64)

    def cast(self, A: Array, like: Any) -> Any:
        """A float64 array rounded to the dtype of another."""
        return namespace(A).astype(A, like.dtype)

    def whole(self, A: Any) -> Any:
        """Integers, unchanged, where the truth is computed."""
        return A

    def host(self, A: Any) -> Array:
        """The numbers as a numpy array, float64 if they are floating: for the report alone."""
        if hasattr(A, "get") and not isinstance(A, np.ndarray):  # CuPy
            A = A.get()
        A = np.asarray(A)
        return A if A.dtype.kind in "iub" else A.astype("float64")

    def guest(self, A: Array, like: Any) -> Any:
        """A numpy array of any kind as an array of this library, on the device of another, in its own dtype."""
        return namespace(like).asarray(A)

    def drawn(self, shape: tuple[int, ...], like: Any, rng: np.random.Generator) -> Any:
        """Numbers without pattern, in the dtype and on the device of another array."""
        return self.cast(self.guest(np.asarray(rng.standard_normal(shape)), like), like)

    def copy(self, A: Any) -> Any:
        """A copy, laid out alike where it can be."""
        return namespace(A).asarray(A, copy=True)

    def output(self, f: Callable[..., Any], given: Sequence[Any]) -> Any:
        """What f returns."""
        return framed("the function", lambda: f(*given))

    def several(
        self, f: Callable[..., Any], given: Sequence[Any], wrt: Sequence[int], leaves: Leaves
    ) -> list[tuple[str, Any, bool]]:
        """All that f returns, by name, each with whether the library says that it can be differentiated."""
        return [(name, A, True) for name, A in leaves(framed("the function", lambda: f(*given)))]

    def joined(self, arrays: Sequence[Any]) -> Any:
        """Arrays as one vector, in the finest of their dtypes."""
        xp, kind = namespace(arrays[0]), finest(arrays)
        return xp.concat([xp.astype(xp.reshape(A, (-1,)), kind) for A in arrays])

    def same(self, A: Any, B: Any) -> bool:
        """Are the numbers the same, NaN as NaN?"""
        xp = namespace(A)
        alike = A == B
        return bool(xp.all(alike | (xp.isnan(A) & xp.isnan(B)) if self.floating(A) else alike))

    def put_back(self, A: Any, old: Any) -> None:
        """Write the numbers of old into A."""
        A[...] = old

    def vjp(self, f: Callable[..., Any], given: Sequence[Any], wrt: Sequence[int], dY: Any) -> tuple[Any, list[Any]]:
        """The output, and the gradients of ⟨dY, f⟩ with respect to the arguments in wrt, as the library computes them.

        Errors: GradcheckError where the library has none.
        """
        raise GradcheckError(
            f"{type(given[0]).__module__.split('.')[0]} takes no gradients itself: try check_vjp(f, vjp, arguments), "
            "with vjp(x, dY)."
        )


def one(Y: Any, framework: Framework) -> Any:
    """The output, if it is one array."""
    if isinstance(Y, tuple | list) and len(Y) == 1:
        Y = Y[0]
    if not framework.owns(Y):
        raise GradcheckError(f"the function should return arrays of {framework.called}; {type(Y).__name__} came.")
    return Y


def finest(arrays: Sequence[Any]) -> Any:
    """The finest dtype among arrays."""
    return min(arrays, key=lambda A: UNITS[dtype_name(A)]).dtype


def dtype_name(A: Any) -> str:
    """The name of an array's dtype in every library: "bfloat16" of torch.bfloat16."""
    kind = getattr(A, "dtype", None)
    return str(getattr(kind, "name", kind)).rsplit(".", 1)[-1]
