"""Kinks of several variables: ties of a maximum or a sort, an absolute difference, and units that are exactly 0.

At a kink, a right gradient is that of one of the smooth pieces that meet there, or a mean of several. So along every
direction, not only along the axes, it must lie between the slopes of these pieces. The pieces are found at random
points near the kink.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from nnref.checking.gradcheck.loss import PerturbedLoss, size
from nnref.checking.gradcheck.slopes import DECIDES, FINER, KINK, power
from nnref.checking.gradcheck.verdicts import RIGHT, UNTOLD, WRONG, JudgedTensor, Tensor
from nnref.checking.results.findings import SURE
from nnref.shapes import Array

PIECES = 256
"""Points near a kink at which a piece is looked for, until one is found. In a sort of six tied entries two of them have
30 pairs of ranks; one pair is missed by all of the points with chance 0.02 %."""

SEEDS = 4
"""Tied entries of a tensor from which partners are looked for: a gradient that gives each of the tied all of the slope
is wrong at any of them."""

PARTNERS = 8
"""Entries tied with one that are looked for at most, as in a window of 3 × 3. Where there are more, too many pieces
meet to be found by chance, and nothing is said of them."""

FEW = 5
"""Partners up to which two tied entries are moved by themselves: PIECES says how surely their pieces are found."""

STUBBORN = 4
"""Entries outside all pieces after which the other entries of a tensor keep their verdicts."""

Move = tuple[int, int, float]
"""A tensor, a flat place in it, and the share of the step by which it is moved."""


@dataclass
class Kinked:
    """An entry at a kink: where it is, its gradient, the slopes known of it, and how well."""

    t: Tensor
    i: int

    @property
    def place(self) -> tuple[int, int]:
        """The tensor and the flat place."""
        return self.t.index, int(self.t.places[self.i])

    @property
    def yours(self) -> float:
        """The gradient that was given."""
        return float(self.t.a[self.place[1]])

    @property
    def bar(self) -> float:
        """The error bar of the slopes."""
        assert self.t.judged
        return float(self.t.judged.truths.e[self.i] + self.t.judged.r)


def settle(tensors: list[Tensor], rng: np.random.Generator) -> dict[int, JudgedTensor]:
    """Judge what lies at kinks by all pieces that meet there: the tensors, counted from 0, whose verdicts changed."""
    judged = [t for t in tensors if t.judged and t.step]
    kinked = [Kinked(t, int(i)) for t in judged if t.judged for i in np.flatnonzero(~np.isnan(t.judged.truths.low))]
    if not kinked:
        return {}
    near = Near(judged[0].loss, step_near(judged), rng)
    changed = [k for k in kinked if sharpened(near, k)] + list(widened(near, kinked))
    accepted = [k for k in kinked if k.t.judged and k.t.judged.verdicts[k.i] == RIGHT]
    changed += torn(near, accepted, rng)
    return {k.t.index: k.t.judged for k in changed if k.t.judged}


def step_near(judged: list[Tensor]) -> float:
    """The step near a kink: halfway, in powers, between that of differences, which may reach the next kink, and the
    least at which rounding leaves 1 % of 1 % of the slope.
    """
    loss, h = judged[0].loss, min(t.step.h for t in judged if t.step)
    least = KINK * loss.noise / (DECIDES**2 * max(t.judged.scale for t in judged if t.judged))
    return power(np.sqrt(h * min(h, least)))


class Near:
    """The loss near a kink: at several entries moved at once, and at points of the pieces that meet there."""

    def __init__(self, loss: PerturbedLoss, h: float, rng: np.random.Generator) -> None:
        self.loss, self.h, self.rng = loss, h, rng

    def at(self, moves: list[Move], h: float, loss: PerturbedLoss | None = None) -> float:
        """The loss after these moves, of h each."""
        loss = loss or self.loss
        kept = [loss.arrays[tensor].flat[k] for tensor, k, _ in moves]
        try:
            for tensor, k, share in moves:
                loss.arrays[tensor].flat[k] += share * h
            return float(np.real(loss.counted(loss.arrays)))
        finally:
            for (tensor, k, _), before in zip(moves, kept, strict=True):
                loss.arrays[tensor].flat[k] = before

    def sides(self, moves: list[Move]) -> tuple[float, float]:
        """The one-sided slopes along these moves, the lower one first."""
        up, down = (
            (
                4 * FINER * (self.at(moves, s * self.h / FINER) - self.loss.at)
                - (self.at(moves, s * self.h) - self.loss.at)
            )
            / (3 * self.h)
            for s in (1, -1)
        )
        return min(up, -down), max(up, -down)

    def pieces(self, moves: list[Move]) -> Iterator[float]:
        """The slopes along these moves at the points nearby."""
        h = self.h / FINER**2
        for arrays in nearby(self.loss.arrays, self.h, self.rng):
            point = self.loss.twin(arrays)
            yield (self.at(moves, h, point) - self.at(moves, -h, point)) / (2 * h)
            self.loss.evaluations += 2

    def within(
        self, moves: list[Move], yours: float, low: float, high: float, room: float
    ) -> tuple[float, float] | None:
        """None if yours lies between the slopes of all pieces along these moves; else these slopes."""
        if low - room <= yours <= high + room:
            return None
        for slope in self.pieces(moves):
            low, high = (min(low, slope), max(high, slope)) if np.isfinite(slope) else (low, high)
            if low - room <= yours <= high + room:
                return None
        return low, high

    def interact(self, one: Move, others: list[Move]) -> bool:
        """Do these kink together? Then moving both changes the loss by more than both changes, in proportion to h."""

        def beyond(h: float) -> float:
            return self.at([one, *others], h) - self.at([one], h) - self.at(others, h) + self.loss.at

        for sign in (1.0, -1.0):
            others = [(tensor, k, sign * abs(share)) for tensor, k, share in others]
            far, near = beyond(self.h), beyond(self.h / FINER)
            # Curvature leaves 1/16 of it at a quarter of the step, and a kink 1/4.
            if abs(near) > max(SURE * 4 * self.loss.noise, abs(far) / (2 * FINER)):
                return True
        return False


def nearby(arrays: list[Array], h: float, rng: np.random.Generator) -> Iterator[list[Array]]:
    """Points at most h away, in units of each tensor: all of one tensor up or down, and every entry by chance."""
    for k in range(len(arrays)):
        for sign in (-1, 1):
            yield [A + sign * h * size(A) * (i == k) for i, A in enumerate(arrays)]
    for _ in range(PIECES):
        yield [A + h * size(A) * rng.uniform(-1, 1, A.shape) for A in arrays]


def sharpened(near: Near, k: Kinked) -> bool:
    """Measure one-sided slopes anew where they could not decide because their steps had reached other kinks."""
    state = k.t.judged
    if not state or state.truths.e[k.i] <= DECIDES * state.scale:
        return False
    low, high = near.sides([(*k.place, 1.0)])
    e = KINK * near.loss.noise / near.h
    if not (np.isfinite(low) and e <= DECIDES * state.scale):
        state.verdicts[k.i] = UNTOLD
        k.t.reasons[k.i] = f"at a kink whose slopes are known to within {state.truths.e[k.i]:.2g}"
        return True
    state.truths.put(np.array([k.i]), np.array([[(low + high) / 2, e, low, high, 0.0]]))
    beyond = max(low - k.yours, k.yours - high)
    state.verdicts[k.i] = RIGHT if beyond <= k.bar else WRONG if beyond > SURE * k.bar else UNTOLD
    return True


def widened(near: Near, kinked: list[Kinked]) -> Iterator[Kinked]:
    """The entries outside both one-sided slopes that equal the slope of another piece, and so are right."""
    stubborn: dict[int, int] = {}
    for k in kinked:
        state = k.t.judged
        if not state or state.verdicts[k.i] == RIGHT or state.truths.jump[k.i] or not np.isfinite(k.yours):
            continue
        if stubborn.get(k.t.index, 0) >= STUBBORN:
            continue
        low, high = float(state.truths.low[k.i]), float(state.truths.high[k.i])
        if near.within([(*k.place, 1.0)], k.yours, low, high, k.bar + DECIDES**2 * state.scale) is None:
            state.verdicts[k.i] = RIGHT
            k.t.reasons.pop(k.i, None)
            yield k
        elif k.yours == 0:
            state.verdicts[k.i] = UNTOLD
            k.t.reasons[k.i] = (
                "at a kink, where 0 is none of the slopes that meet there, but may be a convention for it"
            )
            yield k
        else:
            stubborn[k.t.index] = stubborn.get(k.t.index, 0) + 1


def torn(near: Near, kinked: list[Kinked], rng: np.random.Generator) -> Iterator[Kinked]:
    """Entries accepted one by one that are the slope of no piece when tied entries are moved together."""
    for tensor in {k.t.index for k in kinked}:
        own = [k for k in kinked if k.t.index == tensor]
        for one in [own[int(i)] for i in rng.permutation(len(own))[:SEEDS]]:
            for group in groups_to_move(one, partners(near, one, [k for k in kinked if k is not one])):
                moves = [(*k.place, share) for k, share in group]
                yours = sum(share * k.yours for k, share in group)
                state = one.t.judged
                assert state
                room = SURE * sum(k.bar for k, _ in group) + DECIDES * state.scale
                outside = near.within(moves, yours, *near.sides(moves), room)
                if outside:
                    what = "tied entries" if len(group) > 2 or group[1][1] > 0 else "two entries at one kink"
                    slopes = range_in_words(*outside)
                    why = f"{what} get {yours:.4g} together; moved together, they have a slope of {slopes}"
                    yield from blamed(group, why)
                    break


def blamed(group: list[tuple[Kinked, float]], why: str) -> Iterator[Kinked]:
    """The entries of a wrong group; undecided where all are 0, which may be a convention."""
    convention = all(k.yours == 0 for k, _ in group)
    for k, _ in group:
        if k.t.judged:
            k.t.judged.verdicts[k.i] = UNTOLD if convention else WRONG
            if convention:
                k.t.reasons[k.i] = f"at a kink: {why}"
            else:
                k.t.tied = why
            yield k


def range_in_words(low: float, high: float) -> str:
    """A range of slopes, or one."""
    first, last = (f"{x + 0.0:.4g}" for x in (low, high))  # + 0 turns −0 into 0
    return first if first == last else f"{first} to {last}"


def groups_to_move(one: Kinked, others: list[Kinked]) -> Iterator[list[tuple[Kinked, float]]]:
    """Groups to move together: an entry with each other one, in equal and opposite directions, and with all of them."""
    if len(others) > PARTNERS:
        return
    for other in others[:2] if len(others) <= FEW else []:
        yield [(one, 1.0), (other, 1.0)]
        yield [(one, 1.0), (other, -1.0)]
    if len(others) > 1:
        yield [(one, 1.0), *((other, 1.0) for other in others)]


def partners(near: Near, one: Kinked, others: list[Kinked]) -> list[Kinked]:
    """Some of the entries tied with a given one, found by halving."""
    if not others or not near.interact((*one.place, 1.0), [(*k.place, 1.0) for k in others]):
        return []
    if len(others) == 1:
        return others
    half = len(others) // 2
    found = partners(near, one, others[:half])
    if len(found) < PARTNERS:
        found += partners(near, one, others[half:])
    return found or others  # as where two of four tied are chosen: one interacts with the rest, and with none alone
