"""A user's layer: a forward function and its vjp, both called with copies of all arrays."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from nnref.checking.gradcheck.border import GradcheckError, array, array_from
from nnref.checking.gradcheck.gradcheck import gradcheck
from nnref.checking.gradcheck.roles import DY, OUTPUT, Roles, called_by_name
from nnref.checking.results.report import GradcheckReport
from nnref.shapes import Array


@dataclass
class GivenLayer:
    """A forward function and a vjp, called with copies, and the names of the arguments that the vjp modified."""

    forward: Callable[..., Any]
    vjp: Callable[..., Any]
    names: tuple[str, ...]
    roles: Roles
    wrote: set[str] = field(default_factory=set)

    def output(self, arguments: Mapping[str, Any]) -> Array:
        """The output of forward for copies of the arguments, as an array, real or complex."""
        Y = array_from(called_by_name("forward", self.forward, copies(arguments)), "the output of forward")
        return Y if Y.dtype.kind == "c" else array(Y, "the output of forward")

    def gradients(self, arguments: Mapping[str, Any], dY: Array) -> dict[str, Any]:
        """What vjp returns for these arguments and this dY, by name."""
        Y = self.output(arguments)  # first, for a layer that keeps what it needs from its last forward pass
        values = {**arguments, DY: dY, OUTPUT: Y} if DY not in arguments else {**arguments, OUTPUT: Y}
        before = {name: dY if given == DY else values[given] for name, given in self.roles.items()}
        passed = copies(before)
        found = by_name(called_by_name("vjp", self.vjp, passed), self.names)
        for name, given in self.roles.items():
            if isinstance(passed[name], np.ndarray) and not same_everywhere(passed[name], before[name]):
                self.wrote.add(given)
        return copies(found)

    def report(self, arguments: Mapping[str, Any], dY: Array, options: Mapping[str, Any]) -> GradcheckReport:
        """The check at these arguments and this dY."""

        def gradients(moved: dict[str, Any]) -> dict[str, Any]:
            # Where the check calls the vjp with float64 arguments, dY must be float64 too.
            wide = all(np.asarray(A).dtype in ("float64", "complex128") for A in moved.values())
            kind = ("complex128" if np.iscomplexobj(dY) else "float64") if wide else None
            return self.gradients({**arguments, **moved}, np.asarray(dY, kind))

        at = {name: arguments[name] for name in self.names}
        return gradcheck(Inner(self, dict(arguments), wide_of(dY)), at, gradients, **options)


class Inner:
    """The loss ⟨dY, forward(x)⟩, whose gradient is the vector-Jacobian product."""

    def __init__(self, layer: GivenLayer, arguments: dict[str, Any], dY: Array) -> None:
        self.layer, self.arguments, self.dY = layer, arguments, dY

    def __call__(self, moved: dict[str, Array]) -> Array:
        """The sum of dY times the output; a real dY is not conjugated, so that a complex step passes."""
        Y = self.layer.output({**self.arguments, **moved})
        if Y.shape != self.dY.shape:
            raise GradcheckError(f"forward returned shape {self.dY.shape} and then {Y.shape} for the same arguments.")
        if self.dY.dtype.kind == "c":
            return np.asarray((self.dY.conj() * Y).sum().real)
        return np.asarray((self.dY * Y).sum())


def copies(values: Mapping[str, Any]) -> dict[str, Any]:
    """Copies of the arrays; anything else as it is."""
    return {name: A.copy() if isinstance(A, np.ndarray) else A for name, A in values.items()}


def same_everywhere(A: Array, B: Array) -> bool:
    """Are the numbers unchanged?"""
    return A.dtype == object or np.array_equal(A, B, equal_nan=A.dtype.kind in "fc")


def wide_of(dY: Array) -> Array:
    """Double precision."""
    return dY.astype("complex128" if dY.dtype.kind == "c" else "float64")


def by_name(gradients: Any, names: tuple[str, ...]) -> dict[str, Any]:
    """What vjp returned, by name."""
    if isinstance(gradients, Mapping):
        if missing := [name for name in names if name not in gradients]:
            raise GradcheckError(
                f"vjp should return a gradient for {missing}; {list(gradients)} came. None is welcome."
            )
        return {name: gradients[name] for name in names}
    several = gradients if isinstance(gradients, tuple) or len(names) > 1 else (gradients,)
    if not isinstance(several, tuple | list) or len(several) != len(names):
        came = f"{len(several)}" if isinstance(several, tuple | list) else type(gradients).__name__
        raise GradcheckError(f"vjp should return one gradient for each of {list(names)}; {came} came.")
    return dict(zip(names, several, strict=True))
