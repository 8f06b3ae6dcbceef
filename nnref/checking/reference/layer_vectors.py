"""Known answers of every layer of the handbook: small arrays, and its functions' values there, to 50 digits.

The answers come from the claims, evaluated in mpmath to more digits than are shown, not from nnref's functions. The
inputs are binary fractions, written exactly.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import numpy as np

from nnref import bridge
from nnref.shapes import Array

DIGITS = 50
"""Significant decimal digits of the answers."""

FORMAT = "nnref known answers of layers 1"

IMAGES = {"C": 2, "H": 3, "B": 4, "D": 2, "I": 2, "J": 3, "P": 2, "Q": 2}
"""The sizes of images: at stride 2 and padding 1, those of H × B have P × Q windows of I × J."""

SIZES = {"m": 2, "n": 3, "N": 2, "G": 2, "F": 2, "K": 3, "T": 2, "U": 3, "d": 2, "e": 3, **IMAGES}
"""What the letters of the shapes stand for."""

WHOLE = {"stride": 2, "padding": 1, "dilation": 1, "step": 3} | {name: SIZES[name] for name in "HBIJ"}
"""Arguments that are whole numbers."""

Draw = Callable[[tuple[int, ...], np.random.Generator], Array]


def any_number(shape: tuple[int, ...], rng: np.random.Generator) -> Array:
    """Odd multiples of 1/16 between −2 and 2: of both signs, never 0 nor at a kink, and exact in float16 too."""
    drawn: Array = (2 * rng.integers(-16, 16, shape) + 1) / 16
    return drawn


def positive(shape: tuple[int, ...], rng: np.random.Generator) -> Array:
    """Odd multiples of 1/16 between 0 and 1."""
    drawn: Array = (2 * rng.integers(0, 8, shape) + 1) / 16
    return drawn


def probabilities(shape: tuple[int, ...], rng: np.random.Generator) -> Array:
    """Columns of positive numbers that add up to 1 exactly: a sixteenth each, and the rest in any one."""
    n, N = shape
    found = np.full(shape, 1 / 16)
    found[rng.integers(0, n, N), np.arange(N)] += 1 - n / 16
    return found


def one_hot(shape: tuple[int, ...], rng: np.random.Generator) -> Array:
    """Columns with a single one."""
    chosen: Array = np.eye(shape[0])[:, rng.integers(0, shape[0], shape[1])]
    return chosen


def mask(shape: tuple[int, ...], rng: np.random.Generator) -> Array:
    """Ones and zeros; the first row and the first column are ones, so that every query sees a key."""
    found = rng.integers(0, 2, shape) * 1.0
    found[0], found[:, 0] = 1, 1
    return found


def choice(shape: tuple[int, ...], rng: np.random.Generator) -> Array:
    """One tap of each window."""
    *windows, I, J = shape
    chosen: Array = np.eye(I * J)[rng.integers(0, I * J, windows)].reshape(shape)
    return chosen


SPECIAL: dict[str, Draw] = {
    "M": mask,
    "mask": lambda shape, rng: rng.integers(0, 2, shape) * 1.0,
    "S": choice,
    "P": probabilities,
    "Y": one_hot,
    "v": positive,
    "variance": positive,
    "embedding.O": one_hot,
    "kl_divergence.Y": probabilities,
}
"""Arguments that need special values, by their name, or by the concept's name and theirs."""


NUMBERS = {"anyOf": [{"type": "string", "pattern": r"^-?[0-9.]+(e[+-]?[0-9]+)?$"}, {"type": "array"}]}

SCHEMA = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "nnref known answers: layers",
    "type": "object",
    "required": ["format", "digits", "cases"],
    "properties": {
        "format": {"const": FORMAT},
        "digits": {"const": DIGITS},
        "cases": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["function", "given", "answer"],
                "additionalProperties": False,
                "properties": {
                    "function": {"type": "string"},
                    "given": {"type": "object", "additionalProperties": NUMBERS},
                    "answer": NUMBERS,
                },
            },
        },
    },
}
"""What layers.json looks like. Arrays are nested lists of decimal strings, numbers are strings."""


def functions_with_answers() -> list[str]:
    """The functions that have known answers: all that take an array, in alphabetical order."""
    return sorted(name for name, shapes in bridge.formulas().items() if any(shapes.values()))


def arguments(name: str, shapes: dict[str, tuple[str, ...]]) -> dict[str, Any]:
    """The arguments of a function. One argument is the same for all functions of a concept that take it."""
    return {p: argument(name.partition(".")[0], p, shape) for p, shape in shapes.items() if p}


def argument(concept: str, symbol: str, shape: tuple[str, ...]) -> Any:
    """One argument: a whole number, a float, or an array."""
    rng = np.random.default_rng(list(f"{concept} {symbol}".encode()))
    if not shape:
        return WHOLE.get(symbol, float(positive((), rng)))
    draw = SPECIAL.get(f"{concept}.{symbol}") or SPECIAL.get(symbol) or any_number
    return draw(tuple(extent(size) for size in shape), rng)


def extent(size: str) -> int:
    """The number that a size stands for: a letter, a number, or a product of letters."""
    return math.prod(SIZES.get(factor) or int(factor) for factor in size.split("*"))


def case(name: str) -> dict[str, Any]:
    """A function, its exact arguments, and its answer to DIGITS digits; arrays are nested lists."""
    shapes = bridge.formulas()[name]
    given = arguments(name, shapes)
    shape = tuple(extent(size) for size in shapes[""])
    answer = nested(entries(name, given, shape), shape)
    return {"function": name, "given": {p: exact(A) for p, A in given.items()}, "answer": answer}


def entries(name: str, given: dict[str, Any], shape: tuple[int, ...]) -> Iterator[str]:
    """The entries of the answer, row by row."""
    import mpmath as mp

    value = bridge.symbolic_value(name, given)
    with mp.workdps(DIGITS + 20):
        for index in np.ndindex(shape):
            yield mp.nstr(mp.mpf(value(*index)), DIGITS, strip_zeros=True)


def nested(found: Iterator[str], shape: tuple[int, ...]) -> Any:
    """Entries in order as lists of lists."""
    return [nested(found, shape[1:]) for _ in range(shape[0])] if shape else next(found)


def exact(A: Any) -> Any:
    """A number or an array of binary fractions, as decimals that are exactly it."""
    return [exact(part) for part in A] if np.ndim(A) else str(Decimal(float(A)))


def arrays(cases: list[dict[str, Any]]) -> dict[str, Array]:
    """The cases as the nearest float64: NAME.symbol is an argument of a function, NAME its answer."""
    found = {f"{c['function']}.{p}": np.array(A, "float64") for c in cases for p, A in c["given"].items()}
    return found | {c["function"]: np.array(c["answer"], "float64") for c in cases}
