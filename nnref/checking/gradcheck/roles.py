"""What each parameter of a vjp stands for, found by trying: an argument of the forward function, dY, or the output."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from itertools import islice, permutations
from typing import Any

from nnref.checking.gradcheck.border import GradcheckError, framed

DY, OUTPUT = "dY", "the output of forward"

MANY = 60
"""Number of ways to call a vjp that are tried: all there are for four unknown parameters and two arguments."""

Roles = dict[str, str]
"""What each parameter of a vjp is given: the name of an argument, DY or OUTPUT."""


def parameters_of(function: Callable[..., Any]) -> list[inspect.Parameter]:
    """The parameters of a function; *args for one without a signature, such as a numpy ufunc."""
    try:
        return list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        return [inspect.Parameter("arguments", inspect.Parameter.VAR_POSITIONAL)]


def called_by_name(who: str, function: Callable[..., Any], values: Mapping[str, Any]) -> Any:
    """The function with its parameters by name, or by place where it takes them only so."""
    parameters = parameters_of(function)
    if any(p.kind is p.VAR_POSITIONAL for p in parameters):
        return framed(who, lambda: function(*values.values()))
    by_place = [p.name for p in parameters if p.kind is p.POSITIONAL_ONLY and p.name in values]
    by_name = {name: value for name, value in values.items() if name not in by_place}
    return framed(who, lambda: function(*(values[name] for name in by_place), **by_name))


def possible_roles(vjp: Callable[..., Any], arguments: Mapping[str, Any]) -> list[Roles]:
    """Every assignment of roles to a vjp's parameters, the likeliest first.

    A parameter with an argument's name is that argument. Of the others one must be dY; the rest are arguments under
    other names, or the output. Their names only decide what is tried first.
    Errors: GradcheckError for a vjp that takes *args, or nothing that could be dY.
    """
    parameters = parameters_of(vjp)
    if any(p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD) for p in parameters):
        raise GradcheckError("vjp should name what it takes; *args or **kwargs came. Try lambda x, dY: kernel(x, dY).")
    known = {p.name: p.name for p in parameters if p.name in arguments}
    unknown = [p.name for p in parameters if p.name not in arguments and p.default is p.empty]
    if not unknown:
        came = [p.name for p in parameters]
        raise GradcheckError(f"vjp should take dY beside the arguments {list(arguments)}; it takes {came}.")
    free = [name for name in arguments if name not in known]
    return [known | roles for roles in islice(assignments(unknown, free), MANY)]


def assignments(unknown: list[str], free: list[str]) -> Iterator[Roles]:
    """The unknown parameters as dY, free arguments and the output; names that begin with d or g as dY first."""
    slots = sorted(unknown, key=lambda name: (not name.startswith("d"), not name.startswith("g")))
    for slot in slots:
        others = [name for name in unknown if name != slot]
        for given in permutations([*free, OUTPUT], len(others)):
            yield {slot: DY} | dict(zip(others, given, strict=True))


OUTPUTS = {"y", "a", "p", "s", "h", "out", "output", "result"}
"""Names, in lower case, that usually mean the output."""


def is_taken_for_output(roles: Roles) -> bool:
    """Is a parameter read as the output although it is not named so? It may be meant as an argument."""
    return any(given == OUTPUT and name.lower() not in OUTPUTS for name, given in roles.items())


def in_words(roles: Roles) -> str:
    """What was given under another name than its own, for a report.

    >>> in_words({"x": "x", "z": OUTPUT, "g": DY})
    'the output of forward as z, dY as g'
    """
    return ", ".join(f"{given} as {name}" for name, given in roles.items() if name != given)
