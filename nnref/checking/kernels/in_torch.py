"""PyTorch, as the checks of kernels use it. It is not imported here."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from nnref.checking.gradcheck.border import GradcheckError, framed
from nnref.checking.kernels.framework import Framework, Leaves, finest, one
from nnref.shapes import Array


class Torch(Framework):
    """PyTorch: functions of tensors, and subclasses of torch.autograd.Function."""

    called = "PyTorch"

    def __init__(self) -> None:
        self.torch: Any = sys.modules["torch"]

    @contextmanager
    def drawing(self) -> Iterator[None]:
        """A context in which random numbers begin at the seed; afterwards the caller's generator is as it was."""
        if self.seed is None:
            yield
            return
        with self.torch.random.fork_rng():
            self.torch.manual_seed(self.seed)
            yield

    def owns(self, A: Any) -> bool:
        """Is it an array of this library?"""
        return isinstance(A, self.torch.Tensor)

    def wide(self, A: Any) -> Any:
        """In float64, on its device."""
        return A.detach().to(self.torch.float64)

    def cast(self, A: Any, like: Any) -> Any:
        """In the dtype of another."""
        return A.to(like.dtype)

    def host(self, A: Any) -> Array:
        """In numpy, for the report alone."""
        A = A.detach()
        return (A.to(self.torch.float64) if A.is_floating_point() else A).cpu().numpy()

    def guest(self, A: Array, like: Any) -> Any:
        """From numpy, on the device of another."""
        return self.torch.as_tensor(np.ascontiguousarray(A)).reshape(A.shape).to(like.device)

    def copy(self, A: Any) -> Any:
        """A copy."""
        return A.detach().clone()

    def output(self, f: Callable[..., Any], given: Sequence[Any]) -> Any:
        """What f returns, without a graph."""
        with self.torch.no_grad(), self.drawing():
            return one(framed("the function", lambda: f(*given)), self)

    def several(
        self, f: Callable[..., Any], given: Sequence[Any], wrt: Sequence[int], leaves: Leaves
    ) -> list[tuple[str, Any, bool]]:
        """All that f returns, by name, and whether it requires a gradient where what is in wrt does."""
        moved = [A.detach().requires_grad_() if k in wrt else A for k, A in enumerate(given)]
        with self.torch.enable_grad():
            try:
                found = leaves(framed("the function", lambda: f(*moved)))
            except GradcheckError as error:
                advice = "Try wrt= with the arguments that have a gradient." if "requires_grad" in str(error) else ""
                raise GradcheckError(f"{error} {advice}".rstrip()) from error
        return [(name, A, bool(getattr(A, "requires_grad", False))) for name, A in found]

    def joined(self, arrays: Sequence[Any]) -> Any:
        """Arrays as one vector."""
        return self.torch.cat([A.reshape(-1).to(finest(arrays)) for A in arrays])

    def same(self, A: Any, B: Any) -> bool:
        """Are the numbers the same?"""
        A = A.detach()
        return bool(self.torch.equal(self.torch.nan_to_num(A), self.torch.nan_to_num(B)))

    def put_back(self, A: Any, old: Any) -> None:
        """The numbers of old where A is."""
        A.detach().copy_(old)

    def vjp(self, f: Callable[..., Any], given: Sequence[Any], wrt: Sequence[int], dY: Any) -> tuple[Any, list[Any]]:
        """The output, and the gradients as the library takes them."""
        torch = self.torch
        leaves = [A.detach().requires_grad_() if k in wrt else A for k, A in enumerate(given)]

        def taken() -> tuple[Any, Any]:
            with torch.enable_grad(), self.drawing():
                Y = one(f(*leaves), self)
            if not Y.requires_grad:
                raise GradcheckError(
                    "the output does not depend on the arguments for PyTorch: is something detached, or did forward "
                    "run without torch.autograd.Function.apply?"
                )
            return Y.detach(), torch.autograd.grad(Y, [leaves[k] for k in wrt], dY, allow_unused=True)

        Y, found = framed("the backward pass", taken)
        return Y, list(found)
