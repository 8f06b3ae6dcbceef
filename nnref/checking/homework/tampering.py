"""The functions that decide a verdict, remembered before a file runs: a file that changes any is not judged there."""

from __future__ import annotations

import sys
from typing import Any

JUDGES = frozenset({"nnref", "numpy", "json", "hmac", "builtins", "math"})
"""The packages whose functions decide a verdict."""


def originals() -> dict[tuple[str, ...], Any]:
    """Every function and class of nnref, numpy, json, hmac and Python itself, by module and name."""
    found: dict[tuple[str, ...], Any] = {}
    for name, module in list(sys.modules.items()):
        package = name.partition(".")[0]
        if package in JUDGES and module is not None:
            values = {key: value for key, value in vars(module).items() if callable(value)}
            found |= {(name, key): value for key, value in values.items()}
            if package == "nnref":
                for key, value in values.items():
                    found |= parts_of(name, key, value)
    return found


def parts_of(name: str, attribute: str, value: Any) -> dict[tuple[str, ...], Any]:
    """The code of a function of nnref, and the methods of a class of it."""
    if isinstance(value, type):
        return {(name, attribute, key): part for key, part in vars(value).items() if callable(part) or key == "ok"}
    return {(name, attribute, "__code__"): code} if (code := getattr(value, "__code__", None)) else {}


def tampered(before: dict[tuple[str, ...], Any]) -> str:
    """The name of one that was replaced since; "" if none was."""
    for (name, attribute, *rest), value in before.items():
        now = vars(sys.modules.get(name, object)).get(attribute) if name in sys.modules else None
        if rest:
            now = now.__dict__.get(rest[0]) if isinstance(now, type) else getattr(now, rest[0], None)
        if now is not value:
            return ".".join((name, attribute, *rest))
    return ""
