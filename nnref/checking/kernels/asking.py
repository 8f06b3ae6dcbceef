"""How a function or a module becomes a function of arrays by position, with their names and which have a gradient."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Any

import numpy as np

from nnref.arrays import namespace
from nnref.checking.gradcheck.border import GradcheckError
from nnref.checking.kernels.case import KernelCase
from nnref.checking.kernels.framework import Framework, dtype_name
from nnref.checking.kernels.frameworks import callable_of, framework_of
from nnref.checking.operations.embedding_kernel import PADDED

Rebuild = Callable[[Iterator[Any]], Any]
"""Puts leaves, in order, back into what they were taken from."""


@dataclass
class Asked:
    """A function of leaves by position, the leaves and their names, and plain numbers among its arguments, such as ε.

    packed(leaves) gives a module's parameters, and the positional and keyword arguments as the function takes them. own
    are the positions of a module's trainable parameters, fixed those of the others.
    """

    f: Callable[..., Any]
    packed: Callable[[Sequence[Any]], tuple[list[Any], list[Any], dict[str, Any]]]
    leaves: list[Any]
    names: list[str]
    own: list[int] = field(default_factory=list)
    fixed: list[int] = field(default_factory=list)
    numbers: list[Any] = field(default_factory=list)


def is_array(A: Any) -> bool:
    """Is it an array of some library, and not a numpy scalar?"""
    return hasattr(A, "dtype") and hasattr(A, "shape") and not isinstance(A, np.generic)


def holds_arrays(value: Any) -> bool:
    """Is it a nesting of lists, tuples and mappings with an array in it?"""
    if isinstance(value, Mapping):
        return any(is_array(part) or holds_arrays(part) for part in value.values())
    return isinstance(value, tuple | list) and any(is_array(part) or holds_arrays(part) for part in value)


def taken_apart(value: Any, name: str) -> tuple[list[tuple[str, Any]], Rebuild]:
    """The leaves of an argument by name, and a function that rebuilds it; an argument without arrays is one leaf."""
    if not holds_arrays(value):
        return [(name, value)], next
    keys = list(value) if isinstance(value, Mapping) else list(range(len(value)))
    label = "{}.{}" if isinstance(value, Mapping) else "{}[{}]"
    parts = [taken_apart(value[key], label.format(name, key)) for key in keys]

    def rebuilt(leaves: Iterator[Any]) -> Any:
        made = [build(leaves) for _, build in parts]
        if isinstance(value, Mapping):
            whole = dict(zip(keys, made, strict=True))
            return whole if type(value) is dict else type(value)(whole)  # type: ignore[call-arg]
        return type(value)(*made) if hasattr(value, "_fields") else type(value)(made)

    return [leaf for leaves, _ in parts for leaf in leaves], rebuilt


def taken(function: Any, arguments: Any) -> Asked:
    """The function and its arguments as a function of leaves by position.

    Errors: GradcheckError for an argument that the function does not take.
    """
    f, names, own = unbound(function)
    if isinstance(arguments, Mapping):
        given, places = by_name(f, names, arguments)
    else:
        given = dict(named_places(names, arguments))
        places = list(given)
    parts = {name: taken_apart(value, name) for name, value in given.items()}
    leaves = [leaf for name in given for leaf in parts[name][0]]
    count = len(leaves)

    def packed(values: Sequence[Any]) -> tuple[list[Any], list[Any], dict[str, Any]]:
        several = iter(values[:count])
        made = {name: parts[name][1](several) for name in given}
        by_place, by_key = [made[name] for name in places], {k: v for k, v in made.items() if k not in places}
        return list(values[count:]), by_place, by_key

    def of_leaves(*values: Any) -> Any:
        arrays, by_place, by_key = packed(values)
        return f(arrays, *by_place, **by_key) if own else f(*by_place, **by_key)

    asked = Asked(of_leaves, packed, [A for _, A in leaves], [name for name, _ in leaves])
    if own:
        asked.leaves += own.arrays
        asked.names += own.names
        asked.own = [count + k for k, learns in enumerate(own.learn) if learns]
        asked.fixed = [count + k for k, learns in enumerate(own.learn) if not learns]
        asked.numbers = own.numbers
    return asked


def named_places(names: list[str], arguments: Any) -> Iterator[tuple[str, Any]]:
    """The positional arguments under the function's own names for them, or x0, x1, …"""
    values = list(arguments) if isinstance(arguments, tuple | list) else [arguments]
    for k, value in enumerate(values):
        yield (names[k] if k < len(names) else f"x{k}"), value


def by_name(f: Callable[..., Any], names: list[str], arguments: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """The arguments in the function's order, and those that are positional-only.

    Errors: GradcheckError for a name that it does not have, and for a place that is left out before others.
    """
    known = list(dict.fromkeys([*names, *(p.name for p in parameters(f) if p.kind is p.KEYWORD_ONLY)]))
    if known and (strangers := [name for name in arguments if name not in known and not takes_any_name(f)]):
        raise GradcheckError(f"the function takes {', '.join(known)}; {', '.join(strangers)} came.")
    given = {name: arguments[name] for name in [*names, *arguments] if name in arguments}
    kinds = {p.name: p.kind for p in parameters(f)}
    by_place = [name for name in given if kinds.get(name) is inspect.Parameter.POSITIONAL_ONLY]
    if getattr(f, "__name__", "") == "apply" and not kinds:  # a torch.autograd.Function's, which takes no names
        by_place = list(given)
    left_out = names[: len(by_place)]
    if by_place and names and by_place != left_out:
        missing = [name for name in left_out if name not in by_place]
        raise GradcheckError(f"the function takes {', '.join(names)} by place; {', '.join(missing)} is missing.")
    return given, by_place


def parameters(f: Callable[..., Any]) -> list[inspect.Parameter]:
    """The parameters of a function without *args; [] where its signature is unknown, or is *args alone."""
    try:
        found = list(inspect.signature(f).parameters.values())
    except (TypeError, ValueError):
        return []
    return [] if any(p.kind is p.VAR_POSITIONAL for p in found) else found


def takes_any_name(f: Callable[..., Any]) -> bool:
    """Does it take **kwargs?"""
    return any(p.kind is p.VAR_KEYWORD for p in parameters(f))


@dataclass
class Own:
    """The parameters of a module: their names, the arrays, which of them learn, and numbers that the module holds."""

    names: list[str]
    arrays: list[Any]
    learn: list[bool]
    numbers: list[Any]


def unbound(function: Any) -> tuple[Callable[..., Any], list[str], Own | None]:
    """What to call, the names of its arguments, and a module's own parameters, which come before the arguments.

    Errors: GradcheckError for what cannot be called, or has no parameters yet.
    """
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(function, torch.nn.Module):
        return torch_module(function)
    if hasattr(function, "stateless_call") and hasattr(function, "trainable_variables"):
        return keras_layer(function)
    return *callable_of(function), None


def plain_numbers(owner: Any) -> list[Any]:
    """The numbers among an object's attributes, such as the ε of a norm."""
    return [value for value in vars(owner).values() if isinstance(value, float)]


def torch_module(module: Any) -> tuple[Callable[..., Any], list[str], Own]:
    """A torch.nn.Module: called with other parameters, and with copies of its buffers, so that it stays as it is."""
    torch: Any = sys.modules["torch"]
    own = dict(module.named_parameters())
    for name, A in own.items():
        if isinstance(A, torch.nn.parameter.UninitializedParameter):
            raise GradcheckError(f"{name} of the module has no shape yet: call it once before it is checked.")

    def called(values: Sequence[Any], *arguments: Any, **options: Any) -> Any:
        fine = any(A.dtype == torch.float64 for A in (*values, *arguments) if isinstance(A, torch.Tensor))
        kept = {
            name: B.detach().to(torch.float64) if fine and B.is_floating_point() else B.detach().clone()
            for name, B in module.named_buffers()
        }
        state = dict(zip(own, values, strict=True)) | kept
        return torch.func.functional_call(module, state, arguments, options)

    names = [p.name for p in parameters(module.forward)]
    numbers = [x for part in module.modules() for x in plain_numbers(part)]
    words = (getattr(part, PADDED, None) for part in module.modules())
    numbers += [(PADDED, word) for word in words if isinstance(word, int)]
    arrays = [A.detach() for A in own.values()]
    return called, names, Own(list(own), arrays, [A.requires_grad for A in own.values()], numbers)


def keras_layer(layer: Any) -> tuple[Callable[..., Any], list[str], Own]:
    """A Keras layer or model: called with other weights, so that it stays as it is."""
    variables = list(layer.trainable_variables)
    if not variables and not layer.built:
        raise GradcheckError("the layer has no weights yet: call it once before it is checked.")

    def called(values: Sequence[Any], *arguments: Any, **options: Any) -> Any:
        state = [v.value for v in layer.non_trainable_variables]
        return layer.stateless_call(list(values), state, *arguments, **options)[0]

    names = [p.name for p in parameters(layer.call)]
    own_names = [v.path.split("/", 1)[-1] if "/" in v.path else v.name for v in variables]
    arrays = [sys.modules["keras"].ops.convert_to_tensor(v) for v in variables]
    return called, names, Own(own_names, arrays, [True] * len(arrays), plain_numbers(layer))


def true_function(truth: Any, q: Asked) -> Callable[..., Any] | None:
    """The user's truth, which takes the function's arguments, as a function of the same leaves.

    The parameters of a module are those of the truth by the same names, if it is a module, else they follow by place.
    Errors: GradcheckError for a module of other parameters.
    """
    if truth is None:
        return None
    f, _, own = unbound(truth)
    names = q.names[len(q.names) - len(q.own) - len(q.fixed) :]
    if own and sorted(own.names) != sorted(names):
        raise GradcheckError(f"truth should have the parameters {', '.join(names)}; it has {', '.join(own.names)}.")

    def of_leaves(*values: Any) -> Any:
        arrays, by_place, by_key = q.packed(values)
        if own:
            return f([arrays[names.index(name)] for name in own.names], *by_place, **by_key)
        return f(*by_place, *arrays, **by_key)

    return of_leaves


def case_and_remarks(
    forward: Any, vjp: Any, arguments: Any, wrt: str | tuple[str, ...] | None, truth: Any = None
) -> tuple[KernelCase, list[str]]:
    """The case, and a sentence on each argument that is held fixed although the caller did not say so.

    Errors: GradcheckError for names that are not there, arrays of two libraries, or no array to move.
    """
    if vjp is not None and not callable(vjp):
        raise GradcheckError(f"vjp should be callable; {type(vjp).__name__} came.")
    q = taken(forward, arguments)
    framework = framework_of(q.leaves) or Framework()
    strangers = [name for name, A in zip(q.names, q.leaves, strict=True) if is_array(A) and not framework.owns(A)]
    if strangers:
        raise GradcheckError(
            f"the arguments should be arrays of one library; {listed(strangers)} numpy's beside {framework.called}'s."
        )
    case = KernelCase(q.f, q.leaves, q.names, [], framework, vjp, hints=q.numbers, truth=true_function(truth, q))
    if wrt is None:
        places, notes = differentiable(q, framework)
    else:
        wanted, notes = [wrt] if isinstance(wrt, str) else list(wrt), []
        found = {name: [k for k, own in enumerate(q.names) if own == name or inside(own, name)] for name in wanted}
        if unknown := [name for name in wanted if not found[name]]:
            raise GradcheckError(f"wrt should name arguments among {', '.join(q.names)}; {', '.join(unknown)} came.")
        places = [k for name in wanted for k in found[name]]
        if bad := [q.names[k] for k in places if not (framework.owns(q.leaves[k]) and framework.floating(q.leaves[k]))]:
            raise GradcheckError(f"wrt should name floating-point arrays; {', '.join(bad)} is none.")
    case.wrt = places
    return case, notes


def inside(own: str, name: str) -> bool:
    """Is a leaf within the argument of that name?"""
    return own.startswith((f"{name}.", f"{name}["))


def differentiable(q: Asked, framework: Framework) -> tuple[list[int], list[str]]:
    """The places of the floating-point arrays that have a gradient, and what is said of the others.

    Of the arguments those that require a gradient, where the library knows such a thing and any does; else all but
    those that hold infinities, as masks do which are added to scores.
    Errors: GradcheckError if there are none.
    """
    floating = [k for k, A in enumerate(q.leaves) if framework.owns(A) and framework.floating(A)]
    outside = [k for k in floating if k not in q.own and k not in q.fixed]
    marked = [k for k in outside if getattr(q.leaves[k], "requires_grad", False) is True]
    endless = [k for k in outside if k not in marked and hides(q.leaves[k], framework)]
    endless, notes = [] if len(endless) == len(outside) else endless, []
    if endless:
        notes.append(f"{listed([q.names[k] for k in endless])} held fixed, with infinities as a mask has them")
    if marked and len(marked) < len(outside):
        still = [q.names[k] for k in outside if k not in marked]
        notes.append(f"{listed(still)} held fixed: requires_grad is set for others")
    if frozen := [q.names[k] for k in floating if k in q.fixed]:
        notes.append(f"{listed(frozen)} held fixed: requires_grad is not set")
    places = [k for k in (marked or outside) if k not in endless] + [k for k in floating if k in q.own]
    if not places:
        kinds = ", ".join(f"{name} {dtype_name(A)}" for name, A in zip(q.names, q.leaves, strict=True) if is_array(A))
        advice = " Of complex numbers, take the real and the imaginary part as two arguments." * ("complex" in kinds)
        raise GradcheckError(
            f"the arguments should hold a floating-point array to move; {kinds or 'no array'} came.{advice}"
        )
    if not any(prod(q.leaves[k].shape) for k in places):
        raise GradcheckError(
            f"{listed([q.names[k] for k in places])} empty, so there is nothing to compare. Give some rows; "
            'shapes="odd" tries an empty batch beside them.'
        )
    return places, notes


def hides(A: Any, framework: Framework) -> bool:
    """Does an array hold −∞, as masks do, and is it finite elsewhere?"""
    with framework.precise():
        wide = framework.wide(A)
        xp = namespace(wide)
        return bool(xp.any(wide == -xp.inf)) and not bool(xp.any(xp.isnan(wide) | (wide == xp.inf)))


def listed(names: list[str]) -> str:
    """Names with their verb: "x is", "x and y are".

    >>> listed(["x"]), listed(["x", "y", "z"])
    ('x is', 'x, y and z are')
    """
    return f"{names[0]} is" if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]} are"
