"""The rounding of a loss: its noise, and its stair, the steps in which a coarsely rounded loss changes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from nnref.shapes import Array

SPACINGS = (2.0**10, 2.0**16, 2.0**22, 2.0**33)
"""Distances, in unit roundoffs, between the points at which the loss is sampled to measure its rounding. log(1 + x)
changes in steps for small x, and points within one step would show no noise: so the largest is about 1e-6."""

GROWS = 8.0
"""Largest ratio of the scatter at two distances that is taken for rounding: each is estimated from nine points, to a
factor of about two. From one distance to the next, the scatter of a kink grows 64-fold or more."""

POINTS = 9
"""How many points lie on one line: five fourth differences."""

LINES = 3
"""Lines on which the rounding of the loss is measured. The median is taken, since one line may cross a kink."""

STAIRS = 2
"""Lines on which a stair is searched: along one, the loss may not change."""

STAIR = 8.0
"""Noise assumed of a loss that does not change along any line, in unit roundoffs: twice the larger of two known cases.
These are u for log(1 + x), and 2 u √L for the square (1 − y)² of a saturated unit, so 4 u up to L = 4, beyond which 2 u
L is larger."""

COARSE = 64.0
"""Height of a stair, in unit roundoffs of the loss, above which it is coarser than the loss's own dtype
(loss.JITTER)."""

REACH = (-40, 0, 10, 30, 60, 100)
"""Distances, as powers of two of a tensor's size, at which a loss that has not changed yet is evaluated."""

FINEST = -56
"""The smallest distance tried, as a power of two of a tensor's size: an eighth of 2^-53, half a spacing of float64."""


WIDE = tuple(2.0**k for k in range(-20, -4, 3))
"""Distances, in sizes of a tensor, over which a loss that changes everywhere is searched for steps."""

SEVERAL = 16.0
"""Multiple of the noise from which scatter is taken for steps: the noise is four standard deviations, this sixteen."""

NEAR = -43
"""Exponent of the smallest distance, in sizes of a tensor, at which rounding is measured: 2^10 · 2^-53."""


@dataclass(frozen=True)
class Rounding:
    """noise is the rounding error of one evaluation, spacing the distance that shows it, stair its step height or 0.

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
    """The rounding of the loss at these arrays, with value `at`; like is one elsewhere, whose spacing is reused."""
    if like:
        seen = scatter(L, arrays, at, like.spacing, rng, lines=1)
        return Rounding(max(like.noise, 2 * u * abs(at), seen), like.spacing, like.stair, like.changes)
    seen, spacing, still = 0.0, u * SPACINGS[0], STAIR * u * max(1.0, abs(at))
    scattered = {wide: scatter(L, arrays, at, wide, rng) for wide in (u * k for k in SPACINGS if u * k < 1e-2)}
    # Except for stairs, rounding does not grow with the distance: a growing scatter comes from a kink that was crossed.
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
            break  # there is no stair
    if stair:
        # Points four steps apart lie on different steps, and the smooth part leaves only a fourth-power term.
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
    """The rounding error of the loss, from fourth differences along lines of equally spaced points.

    The smooth part of the loss contributes about spacing⁴, which is negligible; independent roundings, √70 times their
    standard deviation (Moré & Wild 2011). Returned are four standard deviations, by the median of several lines, since
    one may cross a kink. The first point lies `first` spacings from the given one.
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
    largest = float(np.abs(fourth).max(initial=0)) or 1.0  # squares could underflow or overflow
    return largest * float(np.sqrt(((fourth / largest) ** 2).mean() / 70))


def steps_within(
    L: Callable[[list[Array]], float], arrays: list[Array], at: float, noise: float, rng: np.random.Generator
) -> float:
    """The height of the steps of a loss of which a part is rounded coarsely; 0 where there are none.

    The fourth differences of such a loss exceed its noise and do not grow over eight times the distance; a kink's grow
    eightfold, those of a smooth loss more. And each of three intervals holds a jump, unlike in a loss that oscillates,
    or jumps at one or two points.
    """
    before = 0.0
    for spacing in WIDE:
        moves = random_moves(arrays, rng)
        values = [at, *(L(moved_along(arrays, moves, i * spacing)) for i in range(1, POINTS))]
        found = 4 * spread(values)
        if not np.isfinite(found):
            return 0.0
        if before > SEVERAL * noise and found <= 2 * before:
            least = max(SEVERAL * noise, before / SEVERAL)  # scatter of this size comes from steps of this height
            heights = [jump_between(L, arrays, moves, i * spacing, (i + 1) * spacing, least) for i in (1, 4, 6)]
            if min(heights) > 0:
                return max(found, before, *heights)
        before = found
    return 0.0


def jump_between(
    L: Callable[[list[Array]], float], arrays: list[Array], moves: list[Array], low: float, high: float, least: float
) -> float:
    """The height of a jump of the loss between two points of a line; 0 if it is at most least."""
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
    """The first change of the loss along a line that is larger than least, and its distance.

    A continuous loss changes only a little there, even after a flat part; a rounded one by a whole step.
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
    # First by powers of two; then the step is located by bisection, down to neighbouring numbers.
    while high - low > 2.0**-50 * max(1.0, abs(high)) and (height > least or high - low > 1):
        middle = (low + high) / 2 if high - low <= 1 else float((low + high) // 2)
        found = change(middle)
        low, high, height = (low, middle, found) if found > 0 else (middle, high, height)
        if height <= least and high < NEAR:
            break
    # A loss that changes at the smallest move has no stair here: it may jump at this very point.
    return (height if least < height < np.inf and low > FINEST else 0.0), 2.0**high
