"""Which library the arrays belong to; how each computes a vector-Jacobian product stands in its own file."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from nnref.checking.gradcheck.border import GradcheckError
from nnref.checking.kernels.framework import Framework
from nnref.checking.kernels.in_jax import Jax
from nnref.checking.kernels.in_tensorflow import TensorFlow
from nnref.checking.kernels.in_torch import Torch

KNOWN = {"torch": Torch, "jax": Jax, "tensorflow": TensorFlow}
"""The libraries with a vjp, by the name of the module that the caller has imported."""


def framework_of(arguments: Sequence[Any]) -> Framework | None:
    """The library of these arrays; None where all are numpy's, or none is an array.

    Errors: GradcheckError for arrays of two libraries.
    """
    met = [kind() for name, kind in KNOWN.items() if name in sys.modules and loaded(name)]
    owners = {type(own): own for own in met for A in arguments if own.owns(A)}
    if len(owners) > 1:
        names = " and ".join(own.called for own in owners.values())
        raise GradcheckError(f"the arguments should be arrays of one library; those of {names} came.")
    if owners:
        return next(iter(owners.values()))
    others = [A for A in arguments if hasattr(A, "__dlpack__") and not isinstance(A, np.ndarray | np.generic)]
    return Framework() if others and not all(hasattr(A, "__array__") and on_host(A) for A in others) else None


def on_host(A: Any) -> bool:
    """Can numpy read it as it is?"""
    try:
        np.asarray(A)
    except Exception:  # CuPy's own refusal, for one
        return False
    return True


def loaded(name: str) -> bool:
    """Is the module fully imported?"""
    wanted = {"torch": "Tensor", "jax": "vjp", "tensorflow": "GradientTape"}[name]
    return hasattr(sys.modules[name], wanted)


def callable_of(function: Any) -> tuple[Callable[..., Any], list[str]]:
    """What to call, and the names of its positional arguments; for a torch.autograd.Function that is its apply.

    Names are empty where the function does not say.
    """
    owner = getattr(function, "__self__", function)
    torch = sys.modules.get("torch")
    function_of: Any = owner if isinstance(owner, type) else None
    if torch is not None and function_of and issubclass(function_of, torch.autograd.Function):
        names = names_of(function_of.forward)
        plain = "setup_context" in vars(function_of)
        return function_of.apply, names if plain else names[1:]
    if not callable(function):
        raise GradcheckError(f"the function should be callable; {type(function).__name__} came.")
    return function, names_of(function)


def names_of(function: Any) -> list[str]:
    """The names of a function's positional arguments."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return []
    if any(p.kind is p.VAR_POSITIONAL for p in parameters):
        return []
    return [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]


@contextmanager
def arguments_untouched(framework: Framework, given: Sequence[Any], names: Sequence[str]) -> Iterator[list[str]]:
    """The names of the arguments that the block modified in place, known after it; each is restored."""
    before = [framework.copy(A) if framework.owns(A) else A for A in given]
    wrote: list[str] = []
    yield wrote
    for A, old, name in zip(given, before, names, strict=True):
        if framework.owns(A) and not framework.same(A, old):
            wrote.append(name)
            framework.put_back(A, old)
