"""One case to check: a function, its arguments, and how its library computes the vector-Jacobian product."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from nnref.checking.gradcheck.border import GradcheckError
from nnref.checking.gradcheck.roles import DY, OUTPUT, Roles, called_by_name, possible_roles
from nnref.checking.kernels.framework import SEED, Framework, dtype_name
from nnref.checking.kernels.frameworks import arguments_untouched
from nnref.checking.operations.kernel_arithmetic import UNITS

SMALL = (1.0, 2.0**-5, 2.0**-10)
"""Scales of drawn rows: a forgotten ε of 1e-6 changes the result only where squares are about that small."""


@dataclass
class KernelCase:
    """A function f, its positional arguments and their names, and which of them have a gradient.

    vjp is the user's own, for a library without one; roles say what its parameters are. hints are plain numbers that a
    module holds, such as its ε; truth is a forward function in float64.
    """

    f: Callable[..., Any]
    given: list[Any]
    names: list[str]
    wrt: list[int]
    framework: Framework
    vjp: Callable[..., Any] | None = None
    roles: Roles | None = None
    wrote: set[str] = field(default_factory=set)
    hints: list[Any] = field(default_factory=list)
    truth: Callable[..., Any] | None = None

    def output(self) -> Any:
        """What f returns for these arguments."""
        return self.framework.output(self.f, self.given)

    def gradients(self, dY: Any) -> list[Any]:
        """The gradients of ⟨dY, f⟩, one for each of wrt: by the library, or by the user's vjp."""
        with arguments_untouched(self.framework, self.given, self.names) as wrote:
            found = self.by_hand(dY) if self.vjp else self.framework.vjp(self.f, self.given, self.wrt, dY)[1]
        self.wrote.update(wrote)
        return found

    def by_hand(self, dY: Any) -> list[Any]:
        """What the user's vjp returns."""
        assert self.vjp
        values = {**dict(zip(self.names, self.given, strict=True)), DY: dY}
        if self.roles is None:
            self.roles = possible_roles(self.vjp, values if DY in self.names else dict(list(values.items())[:-1]))[0]
        if OUTPUT in self.roles.values():
            values[OUTPUT] = self.output()
        found = called_by_name("vjp", self.vjp, {name: values[given] for name, given in self.roles.items()})
        names = [self.names[k] for k in self.wrt]
        if isinstance(found, dict):
            return [found.get(name) for name in names]
        several = list(found) if isinstance(found, tuple | list) else [found]
        if len(several) != len(names):
            raise GradcheckError(f"vjp should return one gradient for each of {names}; {len(several)} came.")
        return several

    def drawn_dY(self, Y: Any, seed: int = SEED) -> Any:
        """A dY like the output, dense and without pattern."""
        return self.framework.drawn(tuple(Y.shape), Y, np.random.default_rng(seed))

    def elsewhere(self, seed: int, sizes: tuple[float, ...] = SMALL) -> KernelCase:
        """The same case at drawn arguments of these shapes, each row of one of these scales.

        Only arguments with a gradient are drawn anew: initial zeros and ones would hide factors that multiply them.
        """
        rng = np.random.default_rng(seed)
        given = list(self.given)
        for k in self.wrt:
            A = given[k]
            drawn = rng.standard_normal(tuple(A.shape))
            if A.ndim > 1 or (A.ndim and k == self.wrt[0]):
                drawn = drawn * rng.choice(sizes, (*A.shape[:-1], 1))
            given[k] = self.framework.cast(self.framework.guest(np.asarray(drawn), A), A)
        return replace(self, given=given)

    @property
    def stored(self) -> str:
        """The name of the coarsest dtype among the arguments with a gradient: the one the kernel stores in."""
        return max((dtype_name(self.given[k]) for k in self.wrt), key=lambda name: UNITS[name])

    @property
    def numbers(self) -> list[Any]:
        """The arguments that are no arrays: ε, whether a mask is causal, a scale."""
        found: list[Any] = list(self.hints)
        for A in self.given:
            found += list(A) if isinstance(A, tuple | list) else [] if self.framework.owns(A) else [A]
        return found
