"""How each library takes a vector-Jacobian product, makes numbers finer, and shows them. None is imported here."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from copy import copy
from typing import Any

import numpy as np

from nnref.arrays import namespace
from nnref.checking.gradcheck.border import GradcheckError, framed
from nnref.checking.operations.kernel_arithmetic import UNITS
from nnref.shapes import Array

SEED = 0
"""What is drawn is the same in every run, so that a failure can be had again."""

Leaves = Callable[[Any], list[tuple[str, Any]]]
"""What a function returned, by name."""


class Framework:
    """A library of the array API, such as CuPy or numpy, which takes no vjp of its own."""

    called = "this library"
    seed: int | None = None
    """Of the random numbers that a function draws; None leaves them as they come."""

    def seeded(self) -> Framework:
        """The same library, in which every call of a function draws the same random numbers, if it can be told to."""
        made = copy(self)
        made.seed = SEED
        return made

    def drawing(self) -> AbstractContextManager[Any]:
        """A context in which random numbers begin at the seed, if there is one."""
        return nullcontext()

    def owns(self, A: Any) -> bool:
        """Is it an array of this library?"""
        return hasattr(A, "dtype") and hasattr(A, "shape")

    def floating(self, A: Any) -> bool:
        """Does it hold real floating-point numbers?"""
        return dtype_name(A) in ("float16", "bfloat16", "float32", "float64")

    def precise(self) -> AbstractContextManager[Any]:
        """A context in which float64 is float64."""
        return nullcontext()

    def wide(self, A: Any) -> Array:
        """The same numbers in float64, on the same device."""
        return namespace(A).astype(A, namespace(A).float64)

    def cast(self, A: Array, like: Any) -> Any:
        """A float64 array rounded to the dtype of another."""
        return namespace(A).astype(A, like.dtype)

    def whole(self, A: Any) -> Any:
        """Whole numbers as they are, where the truth is."""
        return A

    def host(self, A: Any) -> Array:
        """The numbers as a numpy array, float64 if they are floating: for the report alone."""
        if hasattr(A, "get") and not isinstance(A, np.ndarray):  # CuPy
            A = A.get()
        A = np.asarray(A)
        return A if A.dtype.kind in "iub" else A.astype("float64")

    def guest(self, A: Array, like: Any) -> Any:
        """A numpy array of any kind as an array of this library, on the device of another, in its own dtype."""
        return namespace(like).asarray(A)

    def drawn(self, shape: tuple[int, ...], like: Any, rng: np.random.Generator) -> Any:
        """Numbers without pattern, in the dtype and on the device of another array."""
        return self.cast(self.guest(np.asarray(rng.standard_normal(shape)), like), like)

    def copy(self, A: Any) -> Any:
        """A copy, laid out alike where it can be."""
        return namespace(A).asarray(A, copy=True)

    def output(self, f: Callable[..., Any], given: Sequence[Any]) -> Any:
        """What f returns."""
        return framed("the function", lambda: f(*given))

    def several(
        self, f: Callable[..., Any], given: Sequence[Any], wrt: Sequence[int], leaves: Leaves
    ) -> list[tuple[str, Any, bool]]:
        """All that f returns, by name, and whether it can be differentiated as far as the library knows."""
        return [(name, A, True) for name, A in leaves(framed("the function", lambda: f(*given)))]

    def joined(self, arrays: Sequence[Any]) -> Any:
        """Arrays as one vector, in the finest of their dtypes."""
        xp, kind = namespace(arrays[0]), finest(arrays)
        return xp.concat([xp.astype(xp.reshape(A, (-1,)), kind) for A in arrays])

    def same(self, A: Any, B: Any) -> bool:
        """Are the numbers the same, NaN as NaN?"""
        xp = namespace(A)
        alike = A == B
        return bool(xp.all(alike | (xp.isnan(A) & xp.isnan(B)) if self.floating(A) else alike))

    def put_back(self, A: Any, old: Any) -> None:
        """The numbers of old where A is."""
        A[...] = old

    def vjp(self, f: Callable[..., Any], given: Sequence[Any], wrt: Sequence[int], dY: Any) -> tuple[Any, list[Any]]:
        """The output, and the gradients of ⟨dY, f⟩ with respect to some of what f is given, as the library takes them.

        Errors: GradcheckError where the library has none.
        """
        raise GradcheckError(
            f"{type(given[0]).__module__.split('.')[0]} takes no gradients itself: try check_vjp(f, vjp, arguments), "
            "with vjp(x, dY)."
        )


class Torch(Framework):
    """PyTorch: functions of tensors, and subclasses of torch.autograd.Function."""

    called = "PyTorch"

    def __init__(self) -> None:
        self.torch: Any = sys.modules["torch"]

    @contextmanager
    def drawing(self) -> Iterator[None]:
        """Random numbers that begin at the seed; those of the caller go on as if nothing had been drawn."""
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
            found = leaves(framed("the function", lambda: f(*moved)))
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


class Jax(Framework):
    """JAX: functions, jax.custom_vjp and jitted ones."""

    called = "JAX"

    def __init__(self) -> None:
        self.jax: Any = sys.modules["jax"]

    def owns(self, A: Any) -> bool:
        """Is it an array of this library?"""
        return isinstance(A, self.jax.Array)

    def precise(self) -> AbstractContextManager[Any]:
        """JAX knows float64 only where it is told."""
        if hasattr(self.jax, "enable_x64"):
            return self.jax.enable_x64(True)
        from jax.experimental import enable_x64  # before JAX 0.8

        return enable_x64(True)

    def wide(self, A: Any) -> Any:
        """In float64, on its device; of a CPU as numpy sees it, which has nothing to compile."""
        return np.asarray(A).astype("float64") if self.beside(A) else A.astype("float64")

    def beside(self, A: Any) -> bool:
        """Is it where numpy is?"""
        return isinstance(A, np.ndarray) or next(iter(A.devices())).platform == "cpu"

    def whole(self, A: Any) -> Any:
        """Whole numbers where the truth is."""
        return np.asarray(A) if self.beside(A) else A

    def cast(self, A: Any, like: Any) -> Any:
        """In the dtype of another."""
        return self.guest(np.asarray(A).astype(like.dtype), like) if self.beside(A) else A.astype(like.dtype)

    def guest(self, A: Array, like: Any) -> Any:
        """From numpy, on the device of another."""
        with self.precise():
            return self.jax.device_put(A, next(iter(like.devices())))

    def copy(self, A: Any) -> Any:
        """A copy."""
        return A  # nobody can write into it

    def same(self, A: Any, B: Any) -> bool:
        """Are the numbers the same? Nobody can have changed them."""
        return True

    def joined(self, arrays: Sequence[Any]) -> Any:
        """Arrays as one vector, traced or not."""
        return self.jax.numpy.concatenate([A.reshape(-1).astype(finest(arrays)) for A in arrays])

    def output(self, f: Callable[..., Any], given: Sequence[Any]) -> Any:
        """What f returns, without a graph."""
        return one(framed("the function", lambda: f(*given)), self)

    def vjp(self, f: Callable[..., Any], given: Sequence[Any], wrt: Sequence[int], dY: Any) -> tuple[Any, list[Any]]:
        """The output, and the gradients as the library takes them."""

        def of(*moved: Any) -> Any:
            places = list(given)
            for k, A in zip(wrt, moved, strict=True):
                places[k] = A
            return one(f(*places), self)

        def taken() -> tuple[Any, Any]:
            Y, back = self.jax.vjp(of, *(given[k] for k in wrt))
            return Y, back(dY.astype(Y.dtype))

        Y, found = framed("the backward pass", taken)
        return Y, list(found)


class TensorFlow(Framework):
    """TensorFlow, and Keras on it: tf.custom_gradient and keras.ops.custom_gradient. Compared in numpy, on the host."""

    called = "TensorFlow"

    def __init__(self) -> None:
        self.tf: Any = sys.modules["tensorflow"]

    def owns(self, A: Any) -> bool:
        """Is it an array of this library?"""
        return self.tf.is_tensor(A) or isinstance(A, self.tf.Variable)

    def wide(self, A: Any) -> Array:
        """In float64, on its device."""
        return A if isinstance(A, np.ndarray) else self.tf.cast(A, "float64").numpy()

    def whole(self, A: Any) -> Any:
        """Whole numbers where the truth is."""
        return self.host(A)

    def cast(self, A: Any, like: Any) -> Any:
        """In the dtype of another."""
        return self.tf.cast(self.tf.convert_to_tensor(A), like.dtype)

    def host(self, A: Any) -> Array:
        """In numpy, for the report alone."""
        return A if isinstance(A, np.ndarray) else np.asarray(self.wide(A) if self.floating(A) else A.numpy())

    def guest(self, A: Array, like: Any) -> Any:
        """From numpy, on the device of another."""
        return self.tf.convert_to_tensor(A)

    def copy(self, A: Any) -> Any:
        """A copy."""
        return self.tf.identity(A)

    def same(self, A: Any, B: Any) -> bool:
        """Are the numbers the same? A tensor's are; a variable may have been assigned to."""
        return not isinstance(A, self.tf.Variable) or bool(np.array_equal(self.host(A), self.host(B), equal_nan=True))

    def put_back(self, A: Any, old: Any) -> None:
        """The numbers of old in a variable."""
        A.assign(old)

    def joined(self, arrays: Sequence[Any]) -> Any:
        """Arrays as one vector."""
        return self.tf.concat([self.tf.cast(self.tf.reshape(A, [-1]), finest(arrays)) for A in arrays], 0)

    def output(self, f: Callable[..., Any], given: Sequence[Any]) -> Any:
        """What f returns, without a graph."""
        return one(framed("the function", lambda: f(*given)), self)

    def vjp(self, f: Callable[..., Any], given: Sequence[Any], wrt: Sequence[int], dY: Any) -> tuple[Any, list[Any]]:
        """The output, and the gradients as the library takes them."""

        def taken() -> tuple[Any, Any]:
            leaves = [self.tf.convert_to_tensor(A) if k in wrt else A for k, A in enumerate(given)]
            with self.tf.GradientTape() as tape:
                for k in wrt:
                    tape.watch(leaves[k])
                Y = one(f(*leaves), self)
            return Y, tape.gradient(Y, [leaves[k] for k in wrt], output_gradients=self.tf.cast(dY, Y.dtype))

        Y, found = framed("the backward pass", taken)
        return Y, [None if g is None else self.tf.convert_to_tensor(g) for g in found]


KNOWN = {"torch": Torch, "jax": Jax, "tensorflow": TensorFlow}
"""The libraries that take vjps, by the module that the caller has imported."""


def framework_of(arguments: Sequence[Any]) -> Framework | None:
    """The library whose arrays these are; None where they are numpy's alone, or no arrays.

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
    """Is the module there whole, and not half imported?"""
    wanted = {"torch": "Tensor", "jax": "vjp", "tensorflow": "GradientTape"}[name]
    return hasattr(sys.modules[name], wanted)


def one(Y: Any, framework: Framework) -> Any:
    """The output, if it is one array."""
    if isinstance(Y, tuple | list) and len(Y) == 1:
        Y = Y[0]
    if not framework.owns(Y):
        raise GradcheckError(f"the function should return arrays of {framework.called}; {type(Y).__name__} came.")
    return Y


def finest(arrays: Sequence[Any]) -> Any:
    """The finest dtype among arrays."""
    return min(arrays, key=lambda A: UNITS[dtype_name(A)]).dtype


def dtype_name(A: Any) -> str:
    """The name of an array's dtype in every library: "bfloat16" of torch.bfloat16."""
    kind = getattr(A, "dtype", None)
    return str(getattr(kind, "name", kind)).rsplit(".", 1)[-1]


def callable_of(function: Any) -> tuple[Callable[..., Any], list[str]]:
    """What to call, and the names of its arguments by place: of a class of torch.autograd.Function, its apply.

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
    """The names of what a function takes by place."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return []
    if any(p.kind is p.VAR_POSITIONAL for p in parameters):
        return []
    return [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]


@contextmanager
def untouched(framework: Framework, given: Sequence[Any], names: Sequence[str]) -> Iterator[list[str]]:
    """The names of the arguments that were written into, known after the block; each is put right again."""
    before = [framework.copy(A) if framework.owns(A) else A for A in given]
    wrote: list[str] = []
    yield wrote
    for A, old, name in zip(given, before, names, strict=True):
        if framework.owns(A) and not framework.same(A, old):
            wrote.append(name)
            framework.put_back(A, old)
