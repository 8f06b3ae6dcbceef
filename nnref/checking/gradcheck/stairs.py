"""What rounding does to a loss: its noise, and the stair on which a rounded loss stands."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from nnref.shapes import Array

SPACINGS = (2.0**10, 2.0**16, 2.0**22, 2.0**33)
"""Distances, in unit roundoffs, between the points at which the loss is looked at to see its rounding. A log of 1 + x
is a staircase for small x: points within one stair would show no noise at all, so the widest is about 1e-6."""

GROWS = 8.0
"""How much more the loss is scattered at some distance than at another, where it is rounding: the spreads of nine
points, each known to a factor of two or so. Over any two of the distances a kink's share grows 64 times or more."""

POINTS = 9
"""How many points lie on one line: five fourth differences."""

LINES = 3
"""Lines on which the rounding of the loss is looked at. The median decides, since one line may cross a kink."""

STAIRS = 2
"""Lines on which a stair is looked for: the loss may not change along one of them."""

STAIR = 8.0
"""Noise assumed of a loss that does not change along any line, in unit roundoffs of 1: twice the larger of what is
known of such losses. That is u for log(1 + x), and 2 u √L for the square (1 − y)² of a saturated unit, 4 u up to L =
4, beyond which 2 u L says more."""

COARSE = 64.0
"""Unit roundoffs of the loss. A stair above this is no rounding of the dtype that the loss is in (loss.JITTER)."""

REACH = (-40, 0, 10, 30, 60, 100)
"""Distances, as powers of two of a tensor's size, at which a loss that has not changed yet is evaluated."""

FINEST = -56
"""The least distance tried, as a power of two of a tensor's size: 2^-53 is half a spacing of float64, and this is an
eighth of that."""


WIDE = tuple(2.0**k for k in range(-20, -4, 3))
"""Distances, in sizes of a tensor, over which a loss that never stands still is searched for steps."""

SEVERAL = 16.0
"""How many times the noise the scatter of steps is: the noise is four standard deviations, and this is four times
four."""

NEAR = -43
"""The power of two, in sizes of a tensor, of the least distance at which rounding is looked at: 2^10 · 2^-53."""


@dataclass(frozen=True)
class Rounding:
    """noise is what rounding may do to one evaluation; spacing shows it; stair is the height of a coarse stair, or 0.

    changes is the least distance, in sizes of the tensors, at which the loss was seen to change; infinite if none was.
    """

    noise: float
    spacing: float
    stair: float
    changes: float


def measured(
    L: Callable[[list[Array]], float],
    arrays: list[Array],
    at: float,
    u: float,
    rng: np.random.Generator,
    like: Rounding | None,
) -> Rounding:
    """The rounding of the loss, which is at, at these arrays; like is that at others, whose spacing is then enough."""
    if like:
        seen = scatter(L, arrays, at, like.spacing, rng, lines=1)
        return Rounding(max(like.noise, 2 * u * abs(at), seen), like.spacing, like.stair, like.changes)
    seen, spacing, still = 0.0, u * SPACINGS[0], STAIR * u * max(1.0, abs(at))
    scattered = {wide: scatter(L, arrays, at, wide, rng) for wide in (u * k for k in SPACINGS if u * k < 1e-2)}
    # Rounding does not grow with the distance, but for stairs; what grows beyond is a kink that was crossed.
    if 4 * still < max(scattered.values()) <= GROWS * min(scattered.values()):
        # A sum whose terms nearly cancel is off by more than it is large. Not so a jump at the point itself, beside
        # which nothing is scattered.
        still = max(still, min(scatter(L, arrays, at, wide, rng, first=1) for wide in scattered))
    for wide, found in scattered.items():
        if seen < found <= 4 * max(seen, still):
            seen, spacing = found, wide
    stair, changes = 0.0, np.inf
    for _ in range(STAIRS):
        height, where = first_change(L, arrays, at, max(COARSE * u * abs(at), seen, still), rng)
        stair, changes = max(stair, height), min(changes, where)
        if np.log2(changes) < NEAR:
            break  # there is nothing to stand on
    if stair:
        # Points four stairs apart fall on different ones, and their smooth part leaves only the fourth power.
        spacing = max(spacing, 4 * changes)
        seen = max(seen, stair, scatter(L, arrays, at, spacing, rng))
    return Rounding(max(2 * u * abs(at), seen or STAIR * u), spacing, stair, changes)


def scatter(
    L: Callable[[list[Array]], float],
    arrays: list[Array],
    at: float,
    spacing: float,
    rng: np.random.Generator,
    lines: int = LINES,
    first: int = 0,
) -> float:
    """What rounding does to the loss, from its fourth differences along lines of equally spaced points.

    The smooth part of the loss leaves spacing⁴ there, which is nothing; independent roundings leave √70 of their
    standard deviation (Moré & Wild 2011). The median of some lines, since one may cross a kink; four deviations. The
    first of the points is the given one, or lies so many spacings from it.
    """
    found = []
    for _ in range(lines):
        moves = random_moves(arrays, rng)
        values = [L(moved_along(arrays, moves, i * spacing)) if i else at for i in range(first, first + POINTS)]
        found.append(spread(values))
    return 4 * float(np.nan_to_num(np.median(found), nan=0.0))


def spread(values: list[float]) -> float:
    """The standard deviation of independent roundings that would leave such fourth differences."""
    fourth = np.diff(values, 4)
    largest = float(np.abs(fourth).max(initial=0)) or 1.0  # squares may underflow, or overflow
    return largest * float(np.sqrt(((fourth / largest) ** 2).mean() / 70))


def steps_within(
    L: Callable[[list[Array]], float], arrays: list[Array], at: float, noise: float, rng: np.random.Generator
) -> float:
    """The height of the steps of a loss that is rounded in part, and so never stands still; 0 where there are none.

    Its fourth differences are larger than its noise and stay what they are over eight times the distance, while a kink
    adds eight times as much, and what is smooth more. And three intervals out of three hold a jump, which a loss that
    swings does not, nor one that jumps in a place or two.
    """
    before = 0.0
    for spacing in WIDE:
        moves = random_moves(arrays, rng)
        values = [at, *(L(moved_along(arrays, moves, i * spacing)) for i in range(1, POINTS))]
        found = 4 * spread(values)
        if not np.isfinite(found):
            return 0.0
        if before > SEVERAL * noise and found <= 2 * before:
            least = max(SEVERAL * noise, before / SEVERAL)  # what is scattered so much has steps of such a height
            heights = [jump_between(L, arrays, moves, i * spacing, (i + 1) * spacing, least) for i in (1, 4, 6)]
            if min(heights) > 0:
                return max(found, before, *heights)
        before = found
    return 0.0


def jump_between(
    L: Callable[[list[Array]], float], arrays: list[Array], moves: list[Array], low: float, high: float, least: float
) -> float:
    """How far the loss jumps somewhere between two points of a line; 0 if that is not more than least."""
    below, above = (L(moved_along(arrays, moves, t)) for t in (low, high))
    while high - low > 2.0**-50 * high and abs(above - below) > least:
        middle = (low + high) / 2
        there = L(moved_along(arrays, moves, middle))
        if abs(there - below) > abs(above - there):
            high, above = middle, there
        else:
            low, below = middle, there
    height = abs(above - below)
    return height if height > least else 0.0


def random_moves(arrays: list[Array], rng: np.random.Generator) -> list[Array]:
    """A direction in which every entry moves by its tensor's size, up or down."""
    return [rng.choice([-1.0, 1.0], A.shape) * (float(np.abs(A).max(initial=0)) or 1.0) for A in arrays]


def moved_along(arrays: list[Array], moves: list[Array], t: float) -> list[Array]:
    """The arrays after t of these moves."""
    return [A + t * move for A, move in zip(arrays, moves, strict=True)]


def first_change(
    L: Callable[[list[Array]], float], arrays: list[Array], at: float, least: float, rng: np.random.Generator
) -> tuple[float, float]:
    """How much the loss changes where it first does along one line, if that is more than least, and how far off it is.

    A continuous loss changes by little there, however long it has stood still; a rounded one by a whole step.
    """
    moves = random_moves(arrays, rng)

    def change(exponent: float) -> float:
        value = abs(L(moved_along(arrays, moves, 2.0**exponent)) - at)
        return value if np.isfinite(value) else np.inf

    low, high, height = float(FINEST), np.inf, 0.0
    for reach in REACH:
        if (height := change(reach)) > 0:
            high = float(reach)
            break
        low = float(reach)
    else:
        return 0.0, np.inf
    # Whole powers of two first; then the step itself, until no number lies between the two sides of it.
    while high - low > 2.0**-50 * max(1.0, abs(high)) and (height > least or high - low > 1):
        middle = (low + high) / 2 if high - low <= 1 else float((low + high) // 2)
        found = change(middle)
        low, high, height = (low, middle, found) if found > 0 else (middle, high, height)
        if height <= least and high < NEAR:
            break
    # What changes at once, however little it is moved, stands on no stair: it may jump at this very point.
    return (height if least < height < np.inf and low > FINEST else 0.0), 2.0**high
