"""All entries of a gradient at once: its slope along directions of random signs (sampling.direction)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from nnref.checking.gradcheck.slopes import Line, Step, complex_slope, first_step, power, slope_of
from nnref.checking.gradcheck.verdicts import Tensor
from nnref.checking.results.entry import Entry
from nnref.checking.results.findings import SURE, Finding
from nnref.checking.results.sampling import missed_along
from nnref.precision import gathered
from nnref.shapes import Array


@dataclass(frozen=True)
class Seen:
    """One direction: what the gradient says of it, the slope, and what may lie between the two."""

    yours: float
    true: float
    bar: float

    @property
    def gap(self) -> float:
        """How many bars lie between; infinite where one is no number."""
        gap = abs(self.yours - self.true)
        return float(gap / self.bar) if np.isfinite(gap) and self.bar > 0 else 0.0 if gap == 0 else float("inf")


def judged_along(t: Tensor, entry: Entry, count: int, rng: np.random.Generator) -> Entry:
    """The entry of a tensor whose looked-at entries are right, with what so many directions say of all others."""
    if entry.verdict != "ok" or not t.A.size or t.judged is None:
        return entry
    with np.errstate(all="ignore"):  # a loss that overflows beside the point is seen in what is found there
        seen = [one for one in (along(t, sign(t.A, rng)) for _ in range(count)) if one is not None]
    worst = max(seen, key=lambda one: one.gap, default=None)
    if worst is not None and worst.gap > SURE:
        says = (
            f"along a direction of random signs yours is {worst.yours:.6g} and the slope {worst.true:.6g}: entries "
            f"that were not checked are wrong"
        )
        return replace(entry, verdict="WRONG", wrong=1, where=(Finding("direction", says), *entry.where))
    told = [one for one in seen if one.gap <= 1]
    bar = max((one.bar for one in told), default=np.inf)
    says = (
        f"and along {len(told)} of {count} directions of random signs: an entry that is off by more than {bar:.2g} is "
        f"missed with chance {missed_along(len(told)):.2g}"
    )
    return replace(entry, where=(*entry.where, Finding("direction", says)))


def sign(A: Array, rng: np.random.Generator) -> Array:
    """A direction of random signs."""
    return np.where(rng.random(A.shape) < 0.5, -1.0, 1.0)


def along(t: Tensor, direction: Array) -> Seen | None:
    """The slope along a direction within the tensor; None at a kink, where there are two.

    Errors of the entries add up along random signs as independent ones do, however they hang together.
    """
    assert t.judged is not None
    n, yours = t.A.size, float((t.a * direction.reshape(-1)).sum())
    room = gathered(n) * (t.judged.r + t.u * float(np.abs(t.a).max(initial=0)))
    if t.analytic:
        return Seen(yours, complex_slope(t.loss, t.index, direction), room)
    line = Line(partial(t.loss.along, t.index, direction), t.loss.at, t.loss.noise, t.loss.u)
    h = power(first_step(t.loss, t.A) / max(1.0, float(np.sqrt(n))))
    found = slope_of(line, Step(h, 0.0, 0.0, t.loss.noise), max(abs(yours), room), line.pair(h))
    return None if found.between or found.jump else Seen(yours, found.value, found.e + room)
