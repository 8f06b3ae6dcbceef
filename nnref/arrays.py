"""Which library an array belongs to: each formula is written once, for all that follow the array API standard."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np

INTEGERS = {np.dtype(f"f{k}"): np.dtype(f"i{k}") for k in (2, 4, 8)}
"""The integers of each width of floating-point number, through which its bits are seen."""


def where(condition: Any, A: Any, B: Any) -> Any:
    """np.where(condition, A, B), by bits where A and B are alike: np.where guesses every entry, and waits if wrong."""
    if (
        type(A) is not np.ndarray
        or type(B) is not np.ndarray
        or A.dtype is not B.dtype
        or A.dtype not in INTEGERS
        or not condition.shape == A.shape == B.shape
    ):
        return np.where(condition, A, B)
    bits = INTEGERS[A.dtype]
    mask = np.negative(condition.view("i1")).astype(bits)  # −1 is all ones, 0 all zeros
    a, b = A.view(bits), B.view(bits)
    mask &= a ^ b
    mask ^= b
    return mask.view(A.dtype)


NUMPY = SimpleNamespace(
    **{
        **vars(np),
        "where": where,
        # numpy's own, without the Python around them, which at 32 examples is a twelfth of a training step.
        "sum": lambda A, axis=None, keepdims=False: np.add.reduce(A, axis=axis, keepdims=keepdims),
        "max": lambda A, axis=None, keepdims=False: np.maximum.reduce(A, axis=axis, keepdims=keepdims),
        "astype": lambda A, dtype, copy=True: A.astype(dtype, copy=copy),
    }
)
"""numpy's functions by the names of the standard."""

KNOWN: dict[type, Any] = {np.ndarray: NUMPY}
"""The namespace of every type of array met so far; asking array_api_compat each time costs as much as a small sum."""


def namespace(A: Any) -> Any:
    """The array API namespace of A: exp, where, sum, … for its kind of array, traced or not.

    Errors: TypeError if A is no array of a library that array_api_compat knows.
    """
    try:
        return KNOWN[type(A)]
    except KeyError:
        return KNOWN.setdefault(type(A), asked(A))


def asked(A: Any) -> Any:
    """The namespace of an array of a type not met before."""
    if isinstance(A, np.ndarray | np.generic):
        return NUMPY
    from array_api_compat import array_namespace  # only where arrays come that are not numpy's

    xp = array_namespace(A)
    return lean_torch(xp) if type(A).__module__ == "torch" else xp


def lean_torch(xp: Any) -> Any:
    """PyTorch's own functions where they take what the formulas give: a wrapper costs more than a small sum."""
    import torch

    def maximum(A: Any, B: Any) -> Any:
        return torch.maximum(A, B) if isinstance(B, torch.Tensor) else torch.clamp(A, min=B)

    return SimpleNamespace(
        **{
            **vars(xp),
            "where": torch.where,
            "maximum": maximum,
            "take": lambda A, index, axis: torch.index_select(A, axis, index),
        }
    )


def device_of(A: Any) -> dict[str, Any]:
    """Where A is, as functions that make arrays are told it; nothing for numpy and for JAX, which finds the place."""
    xp = namespace(A)
    return {} if xp is NUMPY or "jax" in getattr(xp, "__name__", "") else {"device": A.device}


COMPLEX: dict[type, dict[Any, bool]] = {}
"""Of each type of array, which of the dtypes met so far are complex."""


def is_complex(A: Any) -> bool:
    """Whether A holds complex numbers."""
    if type(A) is np.ndarray:
        return A.dtype.kind == "c"
    known = COMPLEX.setdefault(type(A), {})
    if A.dtype not in known:
        known[A.dtype] = bool(namespace(A).isdtype(A.dtype, "complex floating"))
    return known[A.dtype]


def real(A: Any) -> Any:
    """The real part of A, which is A where its numbers are real: the standard's real takes complex numbers alone."""
    return A.real if type(A) is np.ndarray else namespace(A).real(A) if is_complex(A) else A


def erf(A: Any) -> Any:
    """The error function, 2/√π ∫ exp(−t²) dt from 0 to A, which the standard lacks: each library's own, or scipy's.

    scipy's takes complex numbers. Where a library has none, the numbers go to numpy and back.
    """
    xp = namespace(A)
    if hasattr(xp, "erf"):  # PyTorch
        return xp.erf(A)
    if "jax" in getattr(xp, "__name__", ""):
        from jax.scipy.special import erf as of_jax

        return of_jax(A)
    if "cupy" in getattr(xp, "__name__", ""):
        from cupyx.scipy.special import erf as of_cupy

        return of_cupy(A)
    from scipy.special import erf as of_scipy

    return of_scipy(A) if xp is NUMPY else xp.asarray(of_scipy(np.asarray(A)))
