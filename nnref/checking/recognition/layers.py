"""Somebody's function as a layer of the handbook: the one whose outputs are its outputs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

import numpy as np

from nnref.checking import operations
from nnref.checking.operations.known import KnownLayer, LayerReading, Tried
from nnref.checking.operations.running import Running
from nnref.precision import gathered, unit
from nnref.shapes import Array, trusted

SEED = 5
"""Seed of the arguments at which a function is recognised: the same in every run."""

ROOM = 16.0
"""Multiple of the reference's rounding within which an output is recognised, as operations may have another order."""

LARGE = 1 << 23
"""Largest size of an argument of a function that is tried: each reading costs a few passes over it."""

PLAIN = 2.0**-26
"""Relative gap beyond which a reading is rejected before its rounding errors are computed."""

FEW = 3
"""Number of arguments of most layers; of a function with more, those that do not change the output are found first."""

MASKED = -1e4
"""In a mask that is added to scores, smaller entries stand for minus infinity."""


@dataclass(frozen=True)
class Recognised:
    """A layer, and how the function's arguments and output lie beside its own.

    positive says that a constant positive argument, such as a variance of ones, is replaced by positive numbers only.
    """

    known: KnownLayer
    reading: LayerReading
    positive: bool = False

    def truth(self, arguments: Mapping[str, Any], dY: Array) -> dict[str, Running]:
        """The closed form of every gradient, with its running error."""
        return self.known.slopes(self.reading, running(arguments), Running(dY))


def layers() -> Iterator[KnownLayer]:
    """Every layer of which the checks know how people write it, in alphabetical order of the files."""
    for module in iter_modules(operations.__path__):
        found = getattr(import_module(f"{operations.__name__}.{module.name}"), "KNOWN", None)
        if isinstance(found, KnownLayer):
            yield found


def recognised(call: Callable[[Mapping[str, Any]], Array], arguments: Mapping[str, Any], Y: Array) -> Recognised | None:
    """The layer that a function is, or None. call(arguments) is its output, and Y that at the arguments themselves.

    The function is called in double precision, whatever the dtypes of the arguments.
    """
    given, positive = widened(arguments), False
    there = drawn(given)
    if not eligible(there, Y):
        return None
    try:
        with np.errstate(all="ignore"):
            at_there = np.asarray(call(there), "float64")
            if not np.isfinite(at_there).all():
                positive, there = True, drawn(given, positive=True)
                at_there = np.asarray(call(there), "float64")
            at_given = np.asarray(call(given), "float64")
            tried = without_idle(Tried(there, at_there, call))
    except Exception:  # a stranger's function may reject arguments that it was not written for
        return None
    if not tried.Y.shape == at_given.shape == Y.shape or not np.isfinite(tried.Y).all():
        return None
    with trusted(), np.errstate(all="ignore"):
        for known in layers():
            for reading in known.readings(tried):
                found = Recognised(known, reading, positive)
                if same(found, there, tried.Y) and same(found, given, at_given):
                    return found
    return None


def without_idle(tried: Tried) -> Tried:
    """The function without arguments that never change its output, such as running statistics in training."""
    arguments = tried.arguments
    idle = [
        name
        for name in tried.floats
        if len(tried.floats) > FEW and np.array_equal(tried.call({**arguments, name: arguments[name] + 1}), tried.Y)
    ]
    if not idle:
        return tried
    rest = {name: A for name, A in arguments.items() if name not in idle}
    return Tried(rest, tried.Y, lambda moved: tried.call({**arguments, **moved}))


def eligible(arguments: Mapping[str, Any], Y: Array) -> bool:
    """Are the arguments and the output small enough, and real?"""
    arrays = [Y, *(A for A in arguments.values() if isinstance(A, np.ndarray))]
    return all(0 < A.size <= LARGE and A.dtype.kind in "fiub" for A in arrays) and Y.dtype.kind == "f"


def same(found: Recognised, arguments: Mapping[str, Any], Y: Array) -> bool:
    """Does the layer give this output, within rounding? It is first computed without error bounds, which is cheaper."""
    try:
        near = found.known.output(found.reading, arguments)
        if near.shape != Y.shape or not (abs(near - Y) <= PLAIN * abs(Y).max(initial=0)).all():
            return False
        made = found.known.output(found.reading, running(arguments))
    except (ValueError, IndexError, TypeError):  # the reading does not fit these arguments after all
        return False
    if made.shape != Y.shape or not np.isfinite(made.value).all():
        return False
    return bool((abs(made.value - Y) <= ROOM * bar(made, "float64", arguments)).all())


def bar(of: Running, dtype: Any, arguments: Mapping[str, Any]) -> Array:
    """The rounding error allowed in a dtype; no sum has more terms than the largest argument has entries."""
    longest = max((A.size for A in arguments.values() if hasattr(A, "size")), default=1)
    return unit(dtype) * gathered(max(longest, of.size)) * of.e


def running(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The floating-point arrays with running errors."""
    return {
        name: Running(A) if isinstance(A, np.ndarray) and A.dtype.kind == "f" else A for name, A in arguments.items()
    }


def widened(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Floating-point arrays in double precision."""
    return {
        name: np.asarray(A, "float64") if isinstance(A, np.ndarray) and holds_floats(A) else A
        for name, A in arguments.items()
    }


def holds_floats(A: Array) -> bool:
    """Real floating-point numbers, or a type such as bfloat16 that a package adds."""
    return A.dtype.kind == "f" or (A.dtype.kind == "V" and "float" in A.dtype.name)


def drawn(arguments: Mapping[str, Any], signed: bool = False, positive: bool = False) -> dict[str, Any]:
    """Drawn arguments in place of floating-point ones, except masks, labels and tables of cosines and sines.

    Unless signed, arrays without negative entries, with entries in [0, 1], or with sums of one along an axis keep that
    property. A constant array becomes one of both signs, unless `positive`.
    """
    rng = np.random.default_rng(SEED)
    found = dict(arguments)
    for name, A in arguments.items():
        if isinstance(A, np.ndarray) and A.dtype.kind == "f" and A.ndim and not (labels(A) or turning(A, arguments)):
            found[name] = rng.standard_normal(A.shape) if signed else like(A, rng, positive)
    return found


def like(A: Array, rng: np.random.Generator, positive: bool = False) -> Array:
    """A drawn array with the same properties."""
    made = rng.standard_normal(A.shape)
    if (A < 0).any() or ((A.flat[0] == A).all() and not (positive and A.flat[0] > 0)):
        return made
    if (axis := shares(A)) is not None:
        made = abs(made) + 0.1
        return np.asarray(made / made.sum(axis=axis, keepdims=True))
    return np.asarray(0.05 + 0.9 * rng.random(A.shape) if (A < 1).all() else abs(made) + 0.1)


def labels(A: Array) -> bool:
    """Is it a mask, or made of −1, 0 and 1 only, with two different values?"""
    signs = bool(np.isin(A, (-1.0, 0.0, 1.0)).all()) and (A.flat[0] != A).any()
    return mask(A) or bool(signs)


def turning(A: Array, arguments: Mapping[str, Any]) -> bool:
    """Are this array and another of its shape cosines and sines of the same angles, not all equal?"""
    if (A.flat[0] == A).all():  # gains of ones beside shifts of zeros are none
        return False
    others = (B for B in arguments.values() if isinstance(B, np.ndarray) and B is not A and B.shape == A.shape)
    return any(B.dtype.kind == "f" and np.allclose(A * A + B * B, 1, rtol=1e-6) for B in others)


def shares(A: Array) -> int | None:
    """The axis along which entries sum to one, as probabilities do; None if there is none."""
    return next((k for k in range(A.ndim) if A.shape[k] > 1 and np.allclose(A.sum(axis=k), 1)), None)


def mask(A: Array) -> bool:
    """Is it a mask: of zeros and ones, or one that is added to scores?"""
    both = bool((A == 0).any() and (A != 0).any())
    return both and bool(((A == 0) | (A.max() == A) | (A < MASKED)).all())
