"""Calling a person's function with arguments chosen by their names."""

from __future__ import annotations

import ast
import dis
import inspect
from collections.abc import Callable, Iterator, Mapping
from types import CodeType
from typing import Any

from nnref.checking.reading import loading
from nnref.checking.reading.names import HIDDEN_WIDTH, ROLES, WIDTHS, canonical, numbers_in_name, plain_name
from nnref.checking.reading.source import Source


class Unbound(Exception):
    """The function `of` has arguments `names` of unknown role."""

    def __init__(self, of: str, names: list[str]) -> None:
        super().__init__(f"{of} takes {', '.join(names)}, which no known name fits")
        self.names = names


class UnmadeParameters(Exception):
    """Parameters that nothing in a file makes, or that fit together in no way."""


class Pool:
    """The values available as arguments: by exact name, and by role."""

    def __init__(self, roles: dict[str, Any], named: dict[str, Any] | None = None) -> None:
        self.roles = {"one": 1, "zero": 0.0, "false": False, "rate": 1.0, "seed": 0} | roles
        self.named: dict[str, Any] = {}
        for name, value in (named or {}).items():
            self.named.setdefault(plain_name(name), value)
            if spelling := canonical(name):
                self.named.setdefault(plain_name(spelling), value)

    def find(self, name: str) -> tuple[bool, Any]:
        """Whether there is a value for an argument's name, and that value."""
        keys = [plain_name(name), plain_name(canonical(name) or name)]
        for key in keys:
            if key in self.named:
                return True, self.named[key]
        role = ROLES.get(keys[0])
        return (True, self.roles[role]) if role in self.roles else (False, None)


def call(
    function: Callable[..., Any],
    pool: Pool,
    order: tuple[str, ...] = (),
    by_use: Mapping[str, str] | None = None,
    settings: tuple[str, ...] = (),
) -> Any:
    """function(…) with every argument bound; what has a default and an unknown name keeps it.

    order gives the roles of arguments with unknown names, if exactly as many are left; by_use gives the role of an
    argument where its use shows more than its name; settings are further roles whose defaults are kept.
    Errors: Unbound; whatever the function raises.
    """
    given, left, by_use = {}, [], by_use or {}
    played = {by_use.get(name, ROLES.get(plain_name(name))) for name in named_parameters(function)}
    order = tuple(role for role in order if role not in played)
    for name, parameter in named_parameters(function).items():
        fits, value = pool.find(name)
        if by_use.get(name) in pool.roles:
            fits, value = True, pool.roles[by_use[name]]
        default = parameter.default
        if fits and not (default is not parameter.empty and keeps_default(name, default, settings)):
            given[name] = value
        elif default is parameter.empty:
            left.append(name)
    if left and len(left) <= len(order) and all(role in pool.roles for role in order[: len(left)]):
        given |= {name: pool.roles[role] for name, role in zip(left, order, strict=False)}
        left = []
    if left:
        raise Unbound(getattr(function, "__name__", "the function"), left)
    positional = [
        given.pop(n) for n, p in named_parameters(function).items() if p.kind is p.POSITIONAL_ONLY and n in given
    ]
    return function(*positional, **given)


def keeps_default(name: str, default: Any, settings: tuple[str, ...]) -> bool:
    """Settings that a person gave a value keep it; data, rates and counts of steps are ours."""
    role = ROLES.get(plain_name(name))
    return role in ("zero", "false", "activation", "seed", "scale", *settings) and default is not None


def named_parameters(function: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    """The named parameters of a function, without *args and **kwargs."""
    try:
        found = inspect.signature(function).parameters
    except (TypeError, ValueError):
        return {}
    return {n: p for n, p in found.items() if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)}


def build(
    make: Callable[..., Any],
    name: str,
    source: Source | None,
    namespace: dict[str, Any],
    widths: list[int],
    data: tuple[Any, Any] | None = None,
) -> tuple[Any, bool]:
    """The result of a function that makes parameters or a network; True if its widths are the file's own.

    First as the file calls it, if those arguments are plain; else its arguments are bound to the widths given, or to
    the data, where an object is made with them.
    """
    for args, kwargs in calls(name, source, namespace):
        try:
            return make(*args, **kwargs), True
        except Exception:
            continue
    wanted = named_parameters(make)
    given: dict[str, Any] = {}
    left = []
    hidden = [n for n in wanted if WIDTHS.get(plain_name(n)) is None and HIDDEN_WIDTH.match(plain_name(n))]
    for argument, parameter in wanted.items():
        fits, value = width(argument, hidden, widths)
        role = ROLES.get(plain_name(argument))
        if not fits and data and role in ("X", "Y"):
            fits, value = True, data[role == "Y"]
        if parameter.default is not parameter.empty:
            continue
        if not fits:
            left.append(argument)
        given[argument] = value
    if left:
        raise Unbound(name, left)
    return make(**given), not given


def width(argument: str, hidden: list[str], widths: list[int]) -> tuple[bool, Any]:
    """The width to pass for an argument of such a function."""
    if argument in hidden:
        ordered = sorted(hidden, key=numbers_in_name)
        return True, widths[1 + min(ordered.index(argument), len(widths) - 3)]
    values = {
        "input width": widths[0],
        "output width": widths[-1],
        "hidden widths": list(widths[1:-1]),
        "widths": list(widths),
        "rate": 1.0,
        "seed": 0,
        "scale": 0.1,
        "activation": "relu",
    }
    role = WIDTHS.get(plain_name(argument))
    return role is not None, values.get(role or "")


def calls(name: str, source: Source | None, namespace: dict[str, Any]) -> Iterator[tuple[list[Any], dict[str, Any]]]:
    """The arguments of every call of a name in the file, where all of them are plain."""
    if source is None:
        return
    for node in source.nodes:
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute):
            called = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
            if called != name:
                continue
            try:
                yield (
                    [loading.value(a, namespace) for a in node.args],
                    {k.arg: loading.value(k.value, namespace) for k in node.keywords if k.arg},
                )
            except LookupError:
                continue


def globals_of(code: CodeType) -> Iterator[str]:
    """The names that a function, and what is defined within it, looks up in its module."""
    for step in dis.get_instructions(code):
        if step.opname in ("LOAD_GLOBAL", "LOAD_NAME"):
            yield str(step.argval)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from globals_of(constant)
