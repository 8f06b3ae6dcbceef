"""What is known of a called function: its rule's name, and whether it draws, writes or only inspects."""

from __future__ import annotations

import functools
import operator
import random
from collections.abc import Callable
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import Any

import numpy as np

from nnref.checking.watching.recording.tape import words
from nnref.checking.watching.recording.values import Array

OPERATOR: dict[str, Callable[..., Any]] = {
    "add": operator.add, "subtract": operator.sub, "multiply": operator.mul, "divide": operator.truediv,
    "matmul": operator.matmul, "power": operator.pow, "floor_divide": operator.floordiv, "remainder": operator.mod,
    "bitwise_and": operator.and_, "bitwise_or": operator.or_, "bitwise_xor": operator.xor,
    "left_shift": operator.lshift, "right_shift": operator.rshift, "negative": operator.neg,
    "positive": operator.pos, "invert": operator.invert, "less": operator.lt, "greater": operator.gt,
    "less_equal": operator.le, "greater_equal": operator.ge, "equal": operator.eq, "not_equal": operator.ne,
}  # fmt: skip

IN_PLACE: dict[str, Callable[..., Any]] = {
    "add": operator.iadd, "subtract": operator.isub, "multiply": operator.imul, "divide": operator.itruediv,
    "matmul": operator.imatmul, "power": operator.ipow, "floor_divide": operator.ifloordiv,
    "remainder": operator.imod, "bitwise_and": operator.iand, "bitwise_or": operator.ior,
    "bitwise_xor": operator.ixor, "left_shift": operator.ilshift, "right_shift": operator.irshift,
}  # fmt: skip
"""The functions of the in-place operators."""

LOOKS = frozenset(["shape", "ndim", "size", "result_type", "array_equal", "allclose", "isclose", "shares_memory"])
"""Functions of numpy that only inspect: their results are no recorded values."""

FRESH = frozenset(["zeros", "ones", "empty", "eye", "identity", "arange", "linspace", "tri", "indices", "fromfunction"])
LIKE = frozenset(["zeros_like", "ones_like", "empty_like"])
"""Functions that depend only on the shape of their argument."""

DRAWS = words(
    "rand randn random random_sample ranf sample standard_normal normal uniform randint integers random_integers "
    "binomial truncated_normal lognormal exponential gauss beta normalvariate randrange gamma laplace poisson"
)
"""Functions that draw random numbers from sizes and scales alone."""

WRITERS = {"fill", "sort", "put", "partition", "resize", "itemset", "setfield"}
"""Methods of an array that write into it."""

WRITING = {"copyto", "put", "place", "putmask", "fill_diagonal", "put_along_axis", "shuffle", "at"}
"""Functions that write into their first argument."""

SEEDS = {"seed", "default_rng", "RandomState", "Random", "SeedSequence"}

NAMES = {
    "absolute": "abs", "fabs": "abs", "amax": "max", "amin": "min", "pow": "power", "true_divide": "divide",
    "float_power": "power", "asarray": "array", "asanyarray": "array", "ascontiguousarray": "array", "arctan": "atan",
    "asfortranarray": "array", "asfarray": "array", "mat": "array", "matrix": "array", "asmatrix": "array",
    "float": "array", "float64": "array", "float32": "array", "concat": "concatenate", "around": "round",
    "round_": "round", "permute_dims": "transpose", "flatten": "ravel", "item": "ravel", "tolist": "array",
    "copy": "array", "astype": "array", "conjugate": "array", "conj": "array", "vdot": "inner", "fsum": "sum",
    "row_stack": "vstack", "multi_dot": "dot", "sqrt": "sqrt", "product": "prod",
}  # fmt: skip
"""The common name of equivalent operations."""


def hashable(function: Any) -> bool:
    """Can the function be looked up?"""
    return isinstance(function, BuiltinFunctionType | FunctionType | type | np.ufunc) or callable(
        getattr(function, "__wrapped__", None)
    )


def name_of(function: Any) -> str:
    """The name of a function or method."""
    return str(getattr(function, "__name__", type(function).__name__))


def rule_name(name: str, function: Any) -> str:
    """The name under which an operation has its rule: np.sum, x.sum and math.fsum are one."""
    owner = getattr(function, "__self__", None)
    if isinstance(owner, np.ufunc):
        return f"{NAMES.get(owner.__name__, owner.__name__)}.{name}"
    module = getattr(function, "__module__", None) or ""
    known = module.split(".")[0] in ("numpy", "math", "scipy", "builtins", "operator", "array_api_compat", "")
    known = known or isinstance(function, np.ufunc) or isinstance(owner, np.ndarray | np.generic)
    return NAMES.get(name, name) if known else f"{module}.{name}"


def again(name: str, first: Any, *args: Any, **kwargs: Any) -> Any:
    """The method of that name, called once more."""
    return getattr(first, name)(*args, **kwargs)


def kth_result(call: Callable[..., Any], k: int) -> Callable[..., Any]:
    """The k-th of several results."""
    return functools.partial(result_of_call, call, k)


def result_of_call(call: Callable[..., Any], k: int, /, *args: Any, **kwargs: Any) -> Any:
    """The same, of a call that is made now."""
    return call(*args, **kwargs)[k]


def container(function: Any) -> bool:
    """Is this a method of a list, a dictionary or a set? np.append is none, for all its name."""
    owner = getattr(function, "__self__", None)
    return owner is not None and not isinstance(owner, np.ndarray | np.generic | ModuleType)


def as_once(value: Any) -> Any:
    """An array of one entry as a number, as older versions of numpy converted it; others unchanged."""
    return value.reshape(()) if isinstance(value, np.ndarray) and value.ndim and value.size == 1 else value


def filled_in(text: Any, given: Any) -> Any:
    """A text % what it is given, where arrays of one entry are numbers, as older versions of numpy converted them."""
    try:
        return text % given
    except TypeError:
        return text % (tuple(map(as_once, given)) if isinstance(given, tuple) else as_once(given))


def random_maker(function: Any) -> bool:
    """Does the function seed or make a generator of random numbers?"""
    module = str(getattr(function, "__module__", "") or "")
    owner = getattr(function, "__self__", None)
    return module.startswith(("numpy.random", "random")) or isinstance(owner, np.random.RandomState | random.Random)


def kind_of(op: str) -> str:
    """The kind of a leaf that a call without recorded arguments made."""
    name = op.split("[", maxsplit=1)[0].rsplit(".", maxsplit=1)[-1]
    return "random" if name in DRAWS or name in ("permutation", "choice", "shuffle") else name


def written_array(name: str, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Array | None:
    """The array into which a call writes, if it does."""
    out = kwargs.get("out")
    out = out[0] if isinstance(out, tuple) else out
    if isinstance(out, np.ndarray):
        return out
    owner = getattr(function, "__self__", None)
    if name in WRITERS and isinstance(owner, np.ndarray):
        return owner
    if isinstance(function, np.ufunc) and len(args) > function.nin and isinstance(args[function.nin], np.ndarray):
        return args[function.nin]
    if name in WRITING and args and isinstance(args[0], np.ndarray) and not isinstance(owner, np.ndarray):
        return None if isinstance(function, FunctionType) and not of_numpy(function) else args[0]
    if name == "nan_to_num" and kwargs.get("copy") is False and args and isinstance(args[0], np.ndarray):
        return args[0]
    return None


def of_numpy(function: Any) -> bool:
    """Is this one of numpy's functions? scikit-learn's shuffle writes into nothing, as it is answered."""
    return str(getattr(function, "__module__", "") or "").startswith("numpy")


def without_out(kwargs: dict[str, Any]) -> dict[str, Any]:
    """The arguments without the array to write into."""
    return {k: v for k, v in kwargs.items() if k != "out"}
