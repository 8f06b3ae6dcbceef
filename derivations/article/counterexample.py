"""The smallest numbers at which a statement is false: small sizes, whole numbers, and as many of them 0 as can be."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

import mpmath as mp
import sympy as sp

from derivations.algebra.notation import Activation, ActivationSlope
from derivations.algebra.sums import TENSORS, Index, Where, all_opened, unfolded
from derivations.prover import digits
from derivations.prover.sizes import free, free_symbols

LARGEST = 3
"""The largest size at which a counterexample is looked for."""

TRIALS = 24
"""Fills of small whole numbers tried at each choice of sizes and indices."""


@dataclass(frozen=True)
class Question:
    """Is left relation right wherever the conditions hold, names standing for what where says?"""

    left: sp.Basic
    relation: str
    right: sp.Basic
    given: tuple[sp.Basic, ...]
    where: Where


def smallest(asked: Question) -> str | None:
    """The smallest sizes at which whole numbers refute the statement, and the simplest such numbers."""
    left, right = asked.left, asked.right
    names = drawn_names(asked)
    dims = {dim for name in names if name in TENSORS for dim in TENSORS[name].shape}
    between = {i for condition in asked.given if isinstance(condition.lhs, Index) for i in condition.free_symbols}
    free = free_symbols([left, right], asked.where) | between
    indices = sorted((s for s in free if isinstance(s, Index)), key=str)
    dims |= {i.dim for i in indices} | {s for s in free if s.is_integer and not isinstance(s, Index)}
    sizes = sorted({s for dim in dims for s in dim.free_symbols}, key=str)
    for chosen in sorted(product(range(1, LARGEST + 1), repeat=len(sizes)), key=lambda c: (sum(c), c)):
        at = dict(zip(sizes, chosen, strict=True))
        places = [range(1, int(i.dim.xreplace(at)) + 1) for i in indices]
        for place in product(*places):
            point = digits.Point(
                "article", at, dict(zip(indices, place, strict=True)), asked.where, functions=RECTIFIER
            )
            if found := refuting(asked, point, names):
                return described(asked, found)
    return None


def drawn_names(asked: Question) -> list[str]:
    """The tensors and numbers on which the statement rests, once every name is unfolded."""
    parts = [unfolded(all_opened(side), asked.where) for side in (asked.left, asked.right)]
    entries = {str(base.label.name) for part in parts for base in part.atoms(sp.IndexedBase)}
    plain = {s.name for part in parts for s in part.atoms(sp.Symbol) if not s.is_integer and s.name not in TENSORS}
    return sorted(entries) + sorted(plain - entries)


def refuting(asked: Question, point: digits.Point, names: list[str]) -> digits.Point | None:
    """The point with whole numbers that refute the statement, made as simple as they can be one by one."""
    keys = [(name, index) for name in names for index in entries(name, point.sizes)]
    rng = random.Random(f"{point.sizes} {point.indices}")
    for _ in range(TRIALS):
        filled = {key: mp.mpf(rng.choice((0, 1, 1, -1, 2))) for key in keys}
        for name, place in digits.units(asked.given):
            for key in (key for key in keys if key[0] == name):
                filled[key] = mp.mpf(key[1][place] == 1)
        if refutes(asked, point, filled):
            return with_values(point, simplified(asked, point, filled))
    return None


def entries(name: str, sizes: Mapping[sp.Symbol, int]) -> Iterator[tuple[int, ...]]:
    """The indices of every entry of a tensor; a number has one entry without any."""
    shape = TENSORS[name].shape if name in TENSORS else ()
    yield from product(*(range(1, int(dim.xreplace(dict(sizes))) + 1) for dim in shape))


Filled = dict[tuple[str, tuple[int, ...]], Any]


def simplified(asked: Question, point: digits.Point, filled: Filled) -> Filled:
    """Each number replaced by 0, or else by 1, where the statement stays refuted."""
    for key in filled:
        for simple in (0, 1):
            simpler = {**filled, key: mp.mpf(simple)}
            if refutes(asked, point, simpler):
                filled = simpler
                break
    return filled


def with_values(point: digits.Point, filled: Filled) -> digits.Point:
    """The point with these entries fixed."""
    arrays: dict[str, dict[tuple[int, ...], Any]] = {}
    for (name, index), number in filled.items():
        arrays.setdefault(name, {})[index] = number
    return point.at(arrays=arrays)


def refutes(asked: Question, point: digits.Point, filled: Filled) -> bool:
    """Whether the conditions hold at these numbers and the statement does not. What has no value there says nothing."""
    there = with_values(point, filled)
    left, right = asked.left, asked.right
    try:
        with mp.workdps(digits.DIGITS + digits.GUARD):
            if not all(satisfied(condition, there) for condition in asked.given):
                return False
            if asked.relation == "=":
                gap, room = digits.disagreement(left, right, there)
                return bool(gap > room)
            gap = digits.value(left, there) - digits.value(right, there)
            return bool(gap < -digits.ALGEBRA if asked.relation == "≥" else gap <= digits.ALGEBRA)
    except (ZeroDivisionError, ValueError):
        return False


def satisfied(condition: sp.Basic, at: digits.Point) -> bool:
    """Whether a condition holds: between indices at the chosen ones, otherwise at every index."""
    if isinstance(condition.lhs, Index):
        return digits.holds(condition, at)
    open_ = [s for s in free(condition) if isinstance(s, Index)]
    ranges = [range(1, int(digits.value(i.dim, at)) + 1) for i in open_]
    places = (dict(zip(open_, place, strict=True)) for place in product(*ranges))
    return all(digits.holds(condition, at.at(indices={**at.indices, **place})) for place in places)


def rectified(x: Any) -> Any:
    """max(0, x), away from its kink."""
    return x * step(x)


def step(x: Any) -> Any:
    """The slope of the rectifier. ValueError at the kink, where there is none."""
    if abs(x) < mp.mpf(10) ** -6:
        raise ValueError("the rectifier has no slope at 0")
    return mp.mpf(x > 0)


RECTIFIER: Mapping[Any, Callable[..., Any]] = {Activation: rectified, ActivationSlope: step}
"""A counterexample is one for the article's own activation."""


def described(asked: Question, at: digits.Point) -> str:
    """The point as one reads it, and the two values: n = 2, y = (1, 0): the left side is −1/2, the right side 1/2."""
    left, right = asked.left, asked.right
    with mp.workdps(digits.DIGITS + digits.GUARD):
        values = digits.value(left, at), digits.value(right, at)
    named = [f"{name} = {value}" for name, value in (*at.sizes.items(), *at.indices.items())]
    named += [f"{name} = {written(values_of)}" for name, values_of in at.arrays.items()]
    first, second = map(readable, values)
    said = f"the left side is {first}, the right side {second}"
    if asked.relation != "=":
        said = f"{first} is not {asked.relation} {second}"
    return f"{', '.join(named)}: {said}" if named else said


def written(values: digits.Values) -> str:
    """A number, a tuple of numbers, or a tuple of rows."""
    if () in values:
        return readable(values[()])
    rows = {index[0] for index in values}
    if all(len(index) == 1 for index in values):
        return f"({', '.join(readable(values[(i,)]) for i in sorted(rows))})"
    inner = ({index[1:]: v for index, v in values.items() if index[0] == i} for i in sorted(rows))
    return f"({', '.join(map(written, inner))})"


def readable(x: Any) -> str:
    """A fraction with a small denominator as one; any other number to five digits."""
    if mp.isinf(x):
        return "∞" if x > 0 else "−∞"
    for q in range(1, 101):
        if abs(x * q - mp.nint(x * q)) < digits.DERIVATIVE:
            return str(sp.Rational(int(mp.nint(x * q)), q)).replace("-", "−")
    return str(mp.nstr(x, 5)).replace("-", "−")
