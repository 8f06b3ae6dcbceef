"""The interface to user code: its arrays are converted, and its exceptions are reported with the user's own line."""

from __future__ import annotations

import linecache
from collections.abc import Callable
from pathlib import Path
from traceback import walk_tb
from types import TracebackType
from typing import Any

import numpy as np

from nnref.shapes import Array


class GradcheckError(ValueError):
    """What was passed cannot be checked. The message says what was expected, what came and what to try."""


def array_from(leaf: Any, name: str) -> Array:
    """Anything with __array__ or DLPack as a numpy array of its own dtype.

    Errors: GradcheckError that repeats a framework's own refusal, such as that of a tensor that requires grad.
    """
    try:
        if hasattr(leaf, "__dlpack__") and not hasattr(leaf, "__array__"):
            return np.from_dlpack(leaf)
        return np.asarray(leaf)
    except Exception as error:
        raise GradcheckError(
            f"{name} cannot be read as an array ({type(error).__name__}: {first_line(error)}). "
            f"Try .detach().cpu().numpy() on it, or whatever gives a numpy array there."
        ) from error


def array(leaf: Any, name: str) -> Array:
    """A leaf as a numpy array of floating-point numbers, bfloat16 included.

    Errors: GradcheckError for whatever cannot be read, integers, complex numbers, masked arrays, and what is no number.
    """
    if isinstance(leaf, np.ma.MaskedArray):
        raise GradcheckError(f"{name} is a masked array, whose sums leave entries out. Try .filled(0) on it.")
    A = array_from(leaf, name)
    if floating(A.dtype):
        return A
    if A.dtype.kind in "iub":
        advice = f"Try np.asarray({name.rsplit(maxsplit=1)[-1]}, dtype=float): integers would round every gradient."
    elif A.dtype.kind == "c":
        advice = "The parameter is real, and so is its gradient: try .real."
    elif callable(leaf):
        advice = "It is called: the order is loss, parameters, gradients."
    elif hasattr(leaf, "__dict__") and A.dtype == object:
        advice = f"Give the arrays of the {type(leaf).__name__} by name, as vars() of it does."
    else:
        advice = "Text, objects and rows of unequal length are no array of numbers."
    raise GradcheckError(f"{name} should hold floating-point numbers; {A.dtype} came. {advice}")


def floating(dtype: np.dtype[Any]) -> bool:
    """Is it a real floating-point type, numpy's own or one that a package adds, such as bfloat16?"""
    return dtype.kind == "f" or (dtype.kind == "V" and "float" in dtype.name)


def first_line(error: BaseException) -> str:
    """The first line of what an exception says."""
    return (str(error).splitlines() or [""])[0]


def framed(what: str, function: Callable[[], Any]) -> Any:
    """function(), its exceptions turned into one sentence that shows the user's own line.

    Errors: GradcheckError, caused by the exception; interrupts pass through.
    """
    try:
        return function()
    except GradcheckError:
        raise
    except Exception as error:
        said = first_line(error)
        raise GradcheckError(
            f"{what} raised {type(error).__name__}{': ' * bool(said)}{said}{users_line(error.__traceback__)}"
        ) from error


def users_line(traceback: TracebackType | None) -> str:
    """The innermost line of the user's own code, as " (homework.py, line 41: dZ = …)"."""
    own = [(frame, number) for frame, number in walk_tb(traceback) if not foreign(frame.f_code.co_filename)]
    if not own:
        return ""
    frame, number = own[-1]
    path = frame.f_code.co_filename
    source = linecache.getline(path, number, frame.f_globals).strip()
    return f" ({Path(path).name}, line {number}{': ' * bool(source)}{source})"


def foreign(path: str) -> bool:
    """Is it a file of nnref, of an installed package or of Python itself, and so not the user's?"""
    place = Path(path)
    here, python = Path(__file__).parents[2], Path(linecache.__file__).parent
    return here in place.parents or python in place.parents or "site-packages" in place.parts
