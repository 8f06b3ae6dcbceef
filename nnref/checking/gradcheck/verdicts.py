"""The verdict on one tensor's gradient: right, wrong, or cannot tell, each entry in multiples of its own error bar."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np

from nnref.checking.gradcheck.loss import JITTER, PerturbedLoss, drift, signs, size
from nnref.checking.gradcheck.slopes import (
    DECIDES,
    DifferenceStep,
    Line,
    best_step,
    central,
    excess,
    pair,
    power,
    secant,
    slope_of,
)
from nnref.checking.gradcheck.workers import Workers
from nnref.checking.results.findings import SURE
from nnref.precision import gathered, unit
from nnref.shapes import Array

RIGHT, UNTOLD, WRONG = 0, 1, 2

BATCH = 64
"""Length assumed of the longest sum, if no dimension of the tensor is longer: the batch size is not known here."""

HALF = 4.0
"""Roundings allowed to a result in half precision and its inputs: noise.SAFE."""

MOVED = 32
"""Sample size of the entries whose slopes are measured again at moved parameters: finds a 10 % minority that moves
more with probability 0.97."""

ASKED = 1
"""Doubtful entries that are measured again: one is enough to expose a loss that is not reproducible."""

AGAIN = 3
"""Further measurements of rounding where one does not explain a gap. By cancelling signs, one measurement is below a
quarter of the usual, which SURE allows for, with probability 1/5; four in a row are with probability 1/600."""

LOOKED = 8
"""Entries at which the step of a tensor is found: the four with the largest gradient and four others. Two may sit at
kinks, since the upper quartile is taken."""

SHRUNK = 0.25 ** np.arange(1, 7)
"""Factors by which parameters are shrunk until no unit is saturated: 1/4, 1/16, … 1/4096."""

CONFIRMED = 32
"""Sample size where more than a quarter of a tensor looks wrong: if all of the sample are wrong, so is the rest. Finds
a 10 % minority of right ones with probability 0.97."""


@dataclass
class Truths:
    """The slopes at some places of one tensor, their error bars, and the slopes to either side of a kink, else nan.

    jump is 1 where the loss jumps and so has no slope.
    """

    value: Array
    e: Array
    low: Array
    high: Array
    jump: Array

    @classmethod
    def of(cls, value: Array, e: float | Array) -> Truths:
        """Slopes without kinks."""
        low, high = np.full((2, *value.shape), np.nan)
        return cls(value, np.broadcast_to(e, value.shape).copy(), low, high, np.zeros(value.shape))

    def put(self, where: Array, rows: Array) -> None:
        """Replace some places by rows (value, e, low, high, jump)."""
        self.value[where], self.e[where], self.low[where], self.high[where], self.jump[where] = rows.T


@dataclass
class JudgedTensor:
    """A judged tensor: the slopes and verdicts of its places, and the rounding error of the gradient.

    An error bar decides something only if it is small beside scale.
    """

    truths: Truths
    verdicts: Array
    r: float
    scale: float


@dataclass
class Tensor:
    """One parameter, its gradient a (flat, float64), the same from float64 parameters, and what is known of both."""

    loss: PerturbedLoss
    index: int
    name: str
    A: Array
    analytic: bool
    workers: Workers
    rng: np.random.Generator
    a: Array = field(default_factory=lambda: np.zeros(0))
    places: Array = field(default_factory=lambda: np.zeros(0, int))
    fine: Array | None = None
    coarse: bool = False
    step: DifferenceStep | None = None
    reasons: dict[int, str] = field(default_factory=dict)
    kept: Array = field(default_factory=lambda: np.zeros(0, bool))
    judged: JudgedTensor | None = None
    tied: str = ""

    @property
    def u(self) -> float:
        """The unit roundoff of the dtype in which the parameter was declared."""
        return unit(self.A.dtype)

    @property
    def sums(self) -> float:
        """The number of roundings assumed to accumulate in the longest sum behind an entry; 4 in half precision.

        Kernels accumulate bfloat16 and float16 in float32, and round once at the end.
        """
        return HALF if self.A.dtype.itemsize < 4 else gathered(max((BATCH, *self.A.shape)))

    def steps(self) -> DifferenceStep:
        """The step for differences, found when it is first needed, at large entries and at some others."""
        if self.step is None:
            known = np.abs(np.nan_to_num(self.a[self.places], posinf=0, neginf=0))
            largest = self.places[np.argsort(-known, kind="stable")[: LOOKED // 2]]
            others = self.rng.permutation(np.setdiff1d(self.places, largest))[: LOOKED - len(largest)]
            self.step = best_step(self.loss, self.index, np.concatenate([largest, others]))
        return self.step


def imaginaries(loss: PerturbedLoss, tensor: int, places: Array) -> Array:
    """The slopes by the complex step, one row a place."""
    return np.array([loss.imaginary(tensor, int(k)) for k in places])


def pairs(loss: PerturbedLoss, tensor: int, places: Array, *, h: float) -> Array:
    """L(θ + h e_k) and L(θ − h e_k), one row a place."""
    return np.array([pair(loss, tensor, int(k), h) for k in places])


def closely(loss: PerturbedLoss, tensor: int, places: Array, *, step: DifferenceStep, scale: float) -> Array:
    """The slopes from several steps, kinks looked for: rows (value, e, low, high, jump)."""
    rows = []
    for k in map(int, places):
        own = step if step_moves_parameter(loss, tensor, k, step.h) else replace(step, h=first_step_at(loss, tensor, k))
        first = pair(loss, tensor, k, own.h)
        D = central(first, own.h)  # not finite if the step leaves the loss's domain; smaller ones may not
        noise = own.noise + float(rounding_of_moved(loss, tensor, k)) * (abs(D) if np.isfinite(D) else scale)
        s = slope_of(Line(partial(loss.entry, tensor, k), loss.at, noise, loss.u), own, scale, first)
        rows.append((s.value, s.e, *(s.between or (np.nan, np.nan)), float(s.jump)))
    return np.array(rows)


def step_moves_parameter(loss: PerturbedLoss, tensor: int, k: int | Array, h: float) -> Array:
    """Is (θ + h) − θ equal to h to at least half of the digits?"""
    return h * h > 2.0**-53 * np.square(loss.arrays[tensor].reshape(-1)[k])


def first_step_at(loss: PerturbedLoss, tensor: int, k: int) -> float:
    """The largest step for one entry, by its own size, where the tensor's step would be lost in rounding."""
    return power(loss.u**0.2 * abs(float(loss.arrays[tensor].flat[k])))


def rounding_of_moved(loss: PerturbedLoss, tensor: int, k: int | Array) -> Array:
    """The rounding error of a moved parameter θ_k + h."""
    return 2.0**-53 * np.abs(loss.arrays[tensor].reshape(-1)[k])


def judge_tensor(t: Tensor) -> JudgedTensor:
    """The tensor with its verdicts; both are kept, since kinks are settled for all tensors together."""
    truths, bent = first_look(t)
    scale = size_of(t, truths) or least_change(t)
    r = rounding(t, truths, scale)
    verdicts = verdict(t, truths, r, scale)
    if not t.analytic and (verdicts != RIGHT).any():
        r = max(r, rounding(t, truths, scale, looked=True))
        verdicts = verdict(t, truths, r, scale)
    if r and explicable(t, truths, verdicts, r):
        r = max(r, *(rounding(t, truths, scale, looked=True) for _ in range(AGAIN)))
        verdicts = verdict(t, truths, r, scale)
    look_closely(t, truths, verdicts, bent, r, scale)
    doubt(t, truths, verdicts, r)
    excuse(t, truths, verdicts, r, scale)
    t.judged = JudgedTensor(truths, verdicts, r, scale)
    return t.judged


def explicable(t: Tensor, truths: Truths, verdicts: Array, r: float) -> bool:
    """Is some gap small enough to be explained if rounding was underestimated?"""
    gap = np.abs(t.a[t.places] - truths.value)
    return bool(((verdicts != RIGHT) & (gap <= SURE * SURE * (truths.e + r))).any())


def first_look(t: Tensor) -> tuple[Truths, Array]:
    """A first measurement at every place, by complex step or difference; and whether the loss is unusually curved."""
    t.kept = np.zeros(len(t.places), bool)  # the complex step was not contradicted by differences
    if t.analytic:
        value = t.workers.map(imaginaries, t.loss, t.index, t.places)
        return Truths.of(value, 0.0), np.zeros(len(value), bool)
    step = t.steps()
    up, down = t.workers.map(pairs, t.loss, t.index, t.places, h=step.h).T
    D = np.where(step_moves_parameter(t.loss, t.index, t.places, step.h), (up - down) / (2 * step.h), np.nan)
    noise = (
        step.noise + excess(t.loss.at, t.loss.u, (up, down)) + rounding_of_moved(t.loss, t.index, t.places) * np.abs(D)
    )
    # A kink within h shows in one-sided slopes that differ by more than curvature makes them differ elsewhere.
    bent = np.abs(up + down - 2 * t.loss.at) / step.h > SURE * (step.sides + noise / step.h)
    return Truths.of(D, np.nan_to_num(noise / step.h + SURE * step.bend, nan=np.inf)), bent


def size_of(t: Tensor, truths: Truths) -> float:
    """The largest entry of the gradient, given or true: the scale that an error bar is compared with."""
    return max(float(np.abs(x[np.isfinite(x)]).max(initial=0)) for x in (t.a, truths.value))


def least_change(t: Tensor) -> float:
    """The scale where given and true slopes are all 0: the smallest secant slope of the loss in this tensor."""
    line = Line(partial(t.loss.along, t.index, signs(t.A)), t.loss.at, t.loss.noise, t.loss.u)
    return secant(line, size(t.A))


def rounding(t: Tensor, truths: Truths, scale: float, looked: bool = False) -> float:
    """The error that rounding in the declared dtype may cause in this tensor's gradient.

    It is measured at a few places as the change of the true slopes when every parameter moves by one unit roundoff, as
    in a rounded forward pass; a sum of k terms accumulates 2 √k of those. In float64 the bars of the differences are
    far larger: there it is measured only at places that are examined closely, and beyond their noise.
    """
    if not t.analytic and t.A.dtype.itemsize >= 8 and not looked:
        return float(t.sums * t.u * scale)
    some = np.unique(np.linspace(0, len(t.places) - 1, min(MOVED, len(t.places))).astype(int))
    moved = t.loss.twin([B * (1 + t.u * t.rng.choice([-1, 1], B.shape)) for B in t.loss.arrays])
    if t.analytic:
        there = imaginaries(moved, t.index, t.places[some])
    else:
        h = t.steps().h
        there = (pairs(moved, t.index, t.places[some], h=h) @ [1, -1]) / (2 * h)
    t.loss.evaluations += moved.evaluations
    gaps = np.abs(there - truths.value[some])
    if looked and not t.analytic:
        gaps = np.maximum(0, gaps - 2 * truths.e[some])
    return float(t.sums * (t.u * scale + gaps[np.isfinite(gaps)].max(initial=0)))


def verdict(t: Tensor, truths: Truths, r: float, scale: float) -> Array:
    """Right, wrong, or cannot tell, for every place."""
    a, bar = t.a[t.places], truths.e + r
    gap = np.abs(a - truths.value)
    # First what rounding of the declared dtype decides; a bar that is too large decides nothing.
    decides = bar <= max(DECIDES, SURE * t.sums * t.u) * scale
    between = (truths.low - bar <= a) & (a <= truths.high + bar)
    beyond = (a < truths.low - SURE * bar) | (a > truths.high + SURE * bar)
    kinked = ~np.isnan(truths.low)
    # Where the loss does not change at any distance, 0 is exact.
    right = np.where(kinked, between, (gap <= bar) & decides | (gap == 0) & (scale == 0)) & (truths.jump == 0)
    wrong = np.where(kinked, beyond, gap > SURE * bar) | ~np.isfinite(a)
    return np.where(right, RIGHT, np.where(wrong, WRONG, UNTOLD))


def look_closely(t: Tensor, truths: Truths, verdicts: Array, bent: Array, r: float, scale: float) -> None:
    """Measure with several steps wherever the first verdict was not "right", or the loss is curved.

    At a kink the complex step gives one side's slope and a difference the mean, so doubtful places are decided here.
    Where most of a tensor is wrong, a sample confirms the rest, to bound the cost.
    """
    doubtful = np.flatnonzero((verdicts != RIGHT) | bent)
    if not len(doubtful):
        return
    ask_again(t, truths, doubtful)
    some = doubtful
    if len(doubtful) > max(CONFIRMED, len(t.places) / 4):
        some = np.sort(t.rng.permutation(doubtful)[:CONFIRMED])
    for part in (some, np.setdiff1d(doubtful, some)):
        if len(part):
            rows = t.workers.map(closely, t.loss, t.index, t.places[part], True, step=t.steps(), scale=scale)
            if t.analytic:  # keeps slopes that differences do not contradict, with the differences' bar
                same = np.isnan(rows[:, 2]) & (np.abs(rows[:, 0] - truths.value[part]) <= rows[:, 1])
                rows[same, 0], t.kept[part] = truths.value[part][same], same
            truths.put(part, rows)
            verdicts[part] = verdict(t, truths, r, scale)[part]
        if not np.isnan(truths.low[part]).all():
            t.loss.check_same()  # before a slope between the one-sided ones is accepted
        if (verdicts[part] == WRONG).all():
            return


def ask_again(t: Tensor, truths: Truths, doubtful: Array) -> None:
    """Repeat the first measurement at a few doubtful places, so that no gradient is blamed for an irreproducible loss.

    Errors: GradcheckError where the loss is another number at the same place.
    """
    some = doubtful[:ASKED]
    before = truths.value[some]
    if t.analytic:
        now, bar = imaginaries(t.loss, t.index, t.places[some]), JITTER * t.loss.u * np.abs(before)
    else:
        now = pairs(t.loss, t.index, t.places[some], h=t.steps().h) @ [1, -1] / (2 * t.steps().h)
        bar = np.full(len(some), (JITTER * t.loss.u * abs(t.loss.at) + 2 * t.steps().noise) / t.steps().h)
    for then, there in zip(before[np.abs(now - before) > bar], now[np.abs(now - before) > bar], strict=True):
        raise drift(f"its slope at one place is {then:.9g} and later {there:.9g}")


def doubt(t: Tensor, truths: Truths, verdicts: Array, r: float) -> None:
    """Turn "right" into "cannot tell" where differences are too inaccurate to confirm the complex step.

    Not where the gap is as small as rounding without cancellation.
    """
    gap = np.abs(t.a[t.places] - truths.value)
    suspects = np.flatnonzero(t.kept & (verdicts == RIGHT) & (gap > r))
    if len(suspects):
        room = r + t.sums * t.u * uncancelled(t, suspects[np.argsort(-gap[suspects])][:8])
        for k in suspects[gap[suspects] > room]:
            verdicts[k] = UNTOLD
            t.reasons[int(k)] = f"the complex step puts it off by {gap[k]:.2g}; differences cannot see so far"


def excuse(t: Tensor, truths: Truths, verdicts: Array, r: float, scale: float) -> None:
    """Turn "wrong" into "right" or "cannot tell" where the coarse dtype of a gradient may be the cause; says why.

    An entry that is right with float64 parameters is right if rounding without cancellation can be as large as the gap,
    else undecided: a mistake in the coarse code path alone would look the same. Without gradients from float64
    parameters nothing is called right here, and only gaps beyond rounding are wrong.
    """
    for k in np.flatnonzero(verdicts == UNTOLD):
        t.reasons.setdefault(int(k), reason(t, truths, int(k), r, scale))
    a, dtype = t.a[t.places], t.A.dtype.name
    suspects = np.flatnonzero((verdicts != RIGHT) & np.isfinite(a)) if t.coarse else np.arange(0)
    if not len(suspects):
        return
    gap = np.abs(a - truths.value)
    bar = truths.e + r + t.sums * t.u * uncancelled(t, suspects[np.argsort(-gap[suspects])][:8])
    if t.fine is None:
        excused, right = gap <= SURE * bar, np.zeros(len(a), bool)
        why = f"{dtype} may round so much where terms cancel; a gradient function that also takes float64 could decide"
    else:
        # In float64 an error from rounding shrinks by u64 / u, a mistake not at all: the nearer in logarithm decides.
        shrinks, left = np.sqrt(2.0**-53 / t.u), np.abs(t.fine[t.places] - truths.value)
        excused = left <= np.maximum(shrinks * gap, truths.e)
        right = excused & (gap <= bar) & (truths.e <= DECIDES * scale)
        why = f"gone with float64 parameters: rounding, or a mistake of the {dtype} path alone"
    for k in suspects:
        if right[k]:
            verdicts[k], truths.e[k] = RIGHT, bar[k] - r
            t.reasons.pop(int(k), None)
        elif excused[k] and verdicts[k] == WRONG:
            verdicts[k], t.reasons[int(k)] = UNTOLD, why


def uncancelled(t: Tensor, suspects: Array) -> float:
    """The largest slope of some places at points where units are not saturated and examples do not cancel.

    1 − A² near A = 1, P − Y near 0 and nearly vanishing sums over examples have the rounding errors of their large
    terms, which the slope at θ does not show.
    """
    h = min(t.steps().h, t.loss.u ** (1 / 3))  # θ's step may be long, for saturated units, which these are not
    found = [0.0]
    for arrays in elsewhere(t.loss.arrays, t.index):
        there = t.loss.twin(arrays)
        found += list(np.abs(pairs(there, t.index, t.places[suspects], h=h) @ [1, -1]) / (2 * h))
        t.loss.evaluations += there.evaluations
    return max(x for x in found if np.isfinite(x))


def elsewhere(arrays: list[Array], index: int) -> Iterator[list[Array]]:
    """Points far from θ at which what cancels at θ does not.

    With one tensor near 0, or all before it, later units are not saturated by it while other factors stay; with all
    near 0, nothing is saturated. A further move by the size of the tensor in question, or from θ by that of another,
    makes the examples of a batch differ.
    """
    T = range(len(arrays))
    scales = [[SHRUNK[-1] if k == small else 1.0 for k in T] for small in T]
    scales += [[SHRUNK[-1] if k <= last else 1.0 for k in T] for last in T[1:]]
    scales += [[s] * len(T) for s in SHRUNK]
    moves = [(row, index, side) for row in scales for side in (-1, 0, 1)]
    moves += [([1.0] * len(T), other, side) for other in T for side in (-1, 1)]
    for row, one, side in moves:
        moved = [s * B for s, B in zip(row, arrays, strict=True)]
        moved[one] = moved[one] + side * size(arrays[one]) * signs(arrays[one])
        yield moved


def reason(t: Tensor, truths: Truths, k: int, r: float, scale: float) -> str:
    """Why the verdict on place k is "cannot tell"."""
    if truths.jump[k]:
        return "the loss jumps here, or its slope is infinite: its slope grows as long as the step shrinks"
    if not np.isfinite(truths.value[k]):
        return "the loss is not finite beside this point"
    if truths.e[k] > DECIDES * scale:
        known = f"its slopes are known to within {truths.e[k]:.2g}"
        if stair := t.loss.rounding.stair:
            return f"the loss is rounded to steps of {stair:.2g}: {known}"
        return f"the loss rounds too much: {known}"
    if truths.e[k] + r > DECIDES * scale:
        return f"{t.A.dtype.name} rounding may move the gradient by {r:.2g}"
    return "off by more than one error bar, and less than four"
