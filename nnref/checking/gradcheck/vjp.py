"""Is a vector-Jacobian product right? A layer or a kernel, checked as the gradient of the loss ⟨dY, f(x)⟩."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from nnref.checking.gradcheck.border import GradcheckError, array, floating, framed, read, unit
from nnref.checking.gradcheck.gradcheck import gradcheck
from nnref.checking.results.report import GradcheckReport
from nnref.shapes import Array

SEED = 0
"""dY is the same in every run, so that a failure can be had again."""


def check_vjp(
    forward: Callable[..., Any],
    vjp: Callable[..., Any],
    arguments: Any,
    *,
    wrt: str | tuple[str, ...] | None = None,
    dY: Array | None = None,
    **options: Any,
) -> GradcheckReport:
    """Is vjp the vector-Jacobian product of forward? Checked as the gradient of the loss ⟨dY, forward(**arguments)⟩.

    arguments are by name; a tuple is taken in forward's order, and an array alone as its first. forward is the truth,
    called with float64 copies; it need not be the kernel's own, and a float32 or bfloat16 vjp is judged in the unit of
    the arguments it is given. vjp takes, by name, whichever arguments it needs, dY (any other name that opens with d)
    and, if it wants it, the output (any name left over); it returns one gradient, or one for every name in wrt, in that
    order or by name. wrt None means every floating-point argument; dY None is drawn from a fixed seed, dense and
    without pattern, in the coarsest dtype of those. Options are those of gradcheck.
    Errors: GradcheckError for what cannot be checked.
    """
    arguments = named(forward, arguments)
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
        return by_name(called("vjp", vjp, roles), names)

    report = gradcheck(Inner(forward, arguments, np.asarray(dY, "float64")), at, gradients, **options)
    if report.ok or not outputs:
        return report
    # A parameter of vjp that no argument is called after may be one of those under another name, and all is well.
    return replace(report, method=f"{report.method}; vjp was given the output of forward as {' and '.join(outputs)}")


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
    Y = called("forward", forward, arguments)
    Y = read(Y, "the output of forward")
    return Y if Y.dtype.kind == "c" else array(Y, "the output of forward")


def named(forward: Callable[..., Any], arguments: Any) -> dict[str, Any]:
    """The arguments under the names that forward gives them."""
    if isinstance(arguments, Mapping):
        return dict(arguments)
    places = arguments if isinstance(arguments, tuple | list) else (arguments,)
    if any(p.kind is p.VAR_POSITIONAL for p in parameters_of(forward)):
        raise GradcheckError(
            'forward does not name its arguments, so that vjp cannot be given them; try {"x": x} and vjp(x, dY).'
        )
    try:
        return dict(inspect.signature(forward).bind(*places).arguments)
    except TypeError as error:
        raise GradcheckError(f"arguments should be those of forward; {len(places)} came: {error}.") from error


def parameters_of(function: Callable[..., Any]) -> list[inspect.Parameter]:
    """What a function takes. One that does not say, as a ufunc of numpy, takes anything by place."""
    try:
        return list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        return [inspect.Parameter("arguments", inspect.Parameter.VAR_POSITIONAL)]


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
    parameters = parameters_of(vjp)
    if any(p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD) for p in parameters):
        raise GradcheckError("vjp should name what it takes; *args or **kwargs came. Try lambda x, dY: kernel(x, dY).")
    others = [p.name for p in parameters if p.name not in arguments and p.default is p.empty]
    slot = next((name for name in others if name.startswith("d")), None)
    if slot is None:
        came = [p.name for p in parameters]
        raise GradcheckError(f"vjp should take dY, under a name that opens with d; it takes {came}.")
    return [p.name for p in parameters if p.name in arguments], slot, [name for name in others if name != slot]


def called(who: str, function: Callable[..., Any], values: Mapping[str, Any]) -> Any:
    """The function with its parameters by name, or by place where it takes them only so."""
    parameters = parameters_of(function)
    if any(p.kind is p.VAR_POSITIONAL for p in parameters):
        return framed(who, lambda: function(*values.values()))
    by_place = [p.name for p in parameters if p.kind is p.POSITIONAL_ONLY and p.name in values]
    by_name = {name: value for name, value in values.items() if name not in by_place}
    return framed(who, lambda: function(*(values[name] for name in by_place), **by_name))


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
