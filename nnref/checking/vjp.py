"""Is a vector-Jacobian product right? A layer or a kernel, checked as the gradient of the loss ⟨dY, f(x)⟩."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from nnref.checking.border import GradcheckError, array, floating, framed, read, unit
from nnref.checking.gradcheck import gradcheck
from nnref.checking.report import GradcheckReport
from nnref.shapes import Array

SEED = 0
"""dY is the same in every run, so that a failure can be had again."""


def check_vjp(
    forward: Callable[..., Any],
    vjp: Callable[..., Any],
    arguments: Mapping[str, Any],
    *,
    wrt: str | tuple[str, ...] | None = None,
    dY: Array | None = None,
    **options: Any,
) -> GradcheckReport:
    """Is vjp the vector-Jacobian product of forward? Checked as the gradient of the loss ⟨dY, forward(**arguments)⟩.

    forward is the truth, called with float64 copies; it need not be the kernel's own, and a float32 or bfloat16 vjp is
    judged in the unit of the arguments it is given. vjp takes, by name, whichever arguments it needs, dY (any other
    name that opens with d) and, if it wants it, the output (any name left over); it returns one gradient, or one for
    every name in wrt, in that order or by name. wrt None means every floating-point argument; dY None is drawn from a
    fixed seed, dense and without pattern, in the coarsest dtype of those. Options are those of gradcheck.
    Errors: GradcheckError for what cannot be checked.
    """
    names = differentiated(arguments, wrt)
    at = {name: array(arguments[name], name) for name in names}
    Y = output(forward, arguments)
    coarsest = max((A.dtype for A in at.values()), key=unit)
    if dY is None:
        dY = np.random.default_rng(SEED).standard_normal(Y.shape).astype(coarsest)
    elif np.shape(dY) != Y.shape:
        raise GradcheckError(f"dY should have the shape of the output, {Y.shape}; {np.shape(dY)} came.")
    passed, slot, outputs = roles(vjp, arguments)

    def gradients(moved: dict[str, Any]) -> dict[str, Any]:
        now = {**arguments, **moved}
        # From float64 arguments the kernel is asked what float64 gives, so dY must not be coarser than they are.
        wide = all(np.asarray(A).dtype == "float64" for A in moved.values())
        roles = {slot: np.asarray(dY, "float64" if wide else None)}
        roles |= {name: now[name] for name in passed if name in now}
        roles |= {name: output(forward, now) for name in outputs}
        return by_name(called(vjp, roles), names)

    return gradcheck(Inner(forward, dict(arguments), np.asarray(dY, "float64")), at, gradients, **options)


class Inner:
    """The loss ⟨dY, forward(x)⟩, whose gradient is the vector-Jacobian product."""

    def __init__(self, forward: Callable[..., Any], arguments: dict[str, Any], dY: Array) -> None:
        self.forward, self.arguments, self.dY = forward, arguments, dY

    def __call__(self, moved: dict[str, Array]) -> Array:
        """The sum of dY times the output; real dY, so that a complex step passes."""
        Y = output(self.forward, {**self.arguments, **moved})
        if Y.shape != self.dY.shape:
            raise GradcheckError(f"forward returned shape {self.dY.shape} and then {Y.shape} for the same arguments.")
        return np.asarray((self.dY * Y).sum())


def output(forward: Callable[..., Any], arguments: Mapping[str, Any]) -> Array:
    """The output of forward as an array, real or complex."""
    Y = framed("forward", lambda: forward(**arguments))
    Y = read(Y, "the output of forward")
    return Y if Y.dtype.kind == "c" else array(Y, "the output of forward")


def differentiated(arguments: Mapping[str, Any], wrt: str | tuple[str, ...] | None) -> tuple[str, ...]:
    """The names of the arguments to check: those of wrt, or every floating-point one."""
    if wrt is None:
        names = tuple(name for name, A in arguments.items() if floating(np.asarray(A).dtype))
        if not names:
            raise GradcheckError(f"arguments should hold a floating-point array to move; {list(arguments)} hold none.")
        return names
    names = (wrt,) if isinstance(wrt, str) else tuple(wrt)
    if unknown := [name for name in names if name not in arguments]:
        raise GradcheckError(f"wrt should name arguments among {list(arguments)}; {unknown} came.")
    return names


def roles(vjp: Callable[..., Any], arguments: Mapping[str, Any]) -> tuple[list[str], str, list[str]]:
    """The parameters of vjp: arguments that it takes, the one that is dY, and those that are the output."""
    try:
        parameters = inspect.signature(vjp).parameters
    except (TypeError, ValueError) as error:
        raise GradcheckError(
            "vjp does not say what it takes; wrap it, as in lambda x, dY: kernel(x, dY), with names of arguments."
        ) from error
    if any(p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD) for p in parameters.values()):
        raise GradcheckError("vjp should name what it takes; *args or **kwargs came. Try lambda x, dY: kernel(x, dY).")
    others = [name for name, p in parameters.items() if name not in arguments and p.default is p.empty]
    slot = next((name for name in others if name.startswith("d")), None)
    if slot is None:
        raise GradcheckError(f"vjp should take dY, under a name that opens with d; it takes {list(parameters)}.")
    return [name for name in parameters if name in arguments], slot, [name for name in others if name != slot]


def called(vjp: Callable[..., Any], values: dict[str, Any]) -> Any:
    """Vjp with its parameters by name, or by place where it takes them only so."""
    parameters = inspect.signature(vjp).parameters
    by_place = [values.pop(name) for name, p in parameters.items() if p.kind is p.POSITIONAL_ONLY]
    return framed("vjp", lambda: vjp(*by_place, **values))


def by_name(gradients: Any, names: tuple[str, ...]) -> dict[str, Any]:
    """What vjp returned, one gradient a name."""
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
