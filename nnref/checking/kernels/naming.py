"""Which mistake is it, and where? One of the form's catalogue, terms missing from a sum, a factor, a coarse sum."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import inf, isnan, prod
from typing import Any

import numpy as np

from nnref.arrays import namespace
from nnref.checking.kernels.case import KernelCase
from nnref.checking.kernels.judge import JudgedGradient, bounds, host, shaped
from nnref.checking.kernels.places import region_in_words
from nnref.checking.kernels.recognise import KnownKernel
from nnref.checking.operations.kernel_arithmetic import UNITS, KernelPrecision, Plain, flags
from nnref.checking.operations.kernel_form import Change, Summed
from nnref.checking.results.findings import SURE, Finding, described, patterns
from nnref.shapes import Array, ShapeError

TILES = (1024, 512, 256, 128, 64, 32, 16, 8)
"""Block sizes of kernels: sums lose the terms that remain after the whole blocks."""

MANY = 256
"""Length of a sum up to which every head and tail of it is tried as the part that was left out."""

ENTRIES = 1 << 18
"""Entries of a gradient that are examined for a factor or another order, at most."""

LARGE = 1 << 21
"""Entries beyond which only the likeliest tails are tried, so that naming a mistake takes seconds."""


SAME = 1e-9
"""Relative to the largest entry: a prediction this near the truth cannot be told from it at these arguments."""


ROWS = 8
"""Fewest rows from which a standard error is computed."""


@dataclass
class Question:
    """One gradient that is not right, and what is needed to explain it."""

    case: KernelCase
    known: KnownKernel
    dY: Any
    j: JudgedGradient
    accumulate: str

    @property
    def bad(self) -> Any:
        """The entries to explain, on the device."""
        return self.j.wrong | self.j.untold

    @property
    def axes(self) -> tuple[str, ...]:
        """The names of the gradient's last axes."""
        return self.known.form.axes.get(self.j.role, ())


def findings(q: Question, further: Callable[[Question], Finding | None]) -> tuple[Finding, ...]:
    """Sentences on a gradient that is not right: what was done wrong, or where, or both.

    further looks for a mistake that is not in the form's catalogue.
    """
    xp = namespace(q.j.a)
    bad = host(q.case, q.bad).astype(bool)
    place = region_in_words(bad, q.axes)
    lost = int(xp.sum(xp.astype(~xp.isfinite(q.j.a), xp.int64)))
    if lost:
        said = f"{lost} {'entry is' if lost == 1 else 'entries are'} not finite"
        return (Finding("nan", f"{place}: {said}" if place else said),)
    if found := mistake(q, None) or further(q) or left_out(q) or pattern(q, np.ones_like(bad)):
        return (found,)
    if (not place or place.startswith(("only", "within")) or bad.ndim < 2) and (coarse := coarsely_added(q)):
        return (coarse,)
    if place:
        inside = mistake(q, q.bad) or pattern(q, bad)
        return (Finding("block", f"{place}: {inside.says}" if inside else place),)
    return ()


def fits(q: Question, w: Any, room: Any, mask: Any) -> float:
    """The largest distance from a prediction, relative to the error allowed: at most 1 if that explains it."""
    xp = namespace(w)
    share = abs(q.j.a - w) / xp.maximum(room, 0 * room + 2.0**-1070)
    if mask is not None:
        share = xp.where(mask, share, 0 * share)
    found = float(xp.max(share))
    return inf if isnan(found) else found


def mistake(q: Question, mask: Any) -> Finding | None:
    """The mistake of the form's catalogue that gives this gradient, everywhere or within the mask."""
    best, least = None, 1.0
    for one in q.known.form.mistakes:
        if one.of and q.j.role not in one.of:
            continue
        made = predicted(q, Change(one.key))
        if made is None:
            continue
        w, room = made
        share = fits(q, w, room, mask)
        if share <= least and nearer(q, w):
            best, least = Finding("mistake", one.says), share
            if share < 0.5:
                break
    return best


def predicted(q: Question, change: Change) -> tuple[Any, Any] | None:
    """The gradient that a mistake gives, and its rounding error; None where the mistake cannot be made here."""
    try:
        with np.errstate(all="ignore"):
            w, likely, _ = bounds(q.case, q.known, q.dY, q.known.precision(q.case, q.accumulate), change)[q.j.role]
    except (ShapeError, ZeroDivisionError):
        return None
    own = KernelPrecision.of(q.j.dtype, "float64")
    return w, likely + own.coarse * (abs(w) + likely) + own.grain


def left_out(q: Question) -> Finding | None:
    """The terms that were left out of a sum, if that is the mistake."""
    best, least, ar = None, 1.0, Plain()
    values, wide = q.known.values(q.case), q.case.framework.wide(q.dY)
    own = UNITS[q.j.dtype]
    for summed in q.known.form.sums:
        if q.j.role not in summed.of:
            continue
        n = terms(summed, values, wide)
        for start, stop in ranges_left_out(n, prod(q.j.t.shape)):
            change = Change("", {summed.key: kept(summed, q.j.t, n, start, stop)})
            with np.errstate(all="ignore"):
                made = q.known.form.gradients(ar, values, wide, q.known.settings, change)[q.j.role]
            w = shaped(made, q.case.given[q.known.places[q.j.role]])
            share = fits(q, w, 2 * q.j.likely + own * abs(w - q.j.t), None)
            if share < least and nearer(q, w):
                which = described(summed.called, np.arange(start, stop), n).says
                verb = "are" if stop - start > 1 else "is"
                comma = "," if ", " in which else ""
                best = Finding("left out", f"{which}{comma} {verb} left out of {summed.within or summed.called}")
                least = share
    return best


def nearer(q: Question, w: Any) -> bool:
    """Are the errors of the wrong entries correlated with a prediction's, and of about the same size?"""
    xp = namespace(w)
    off, way = (xp.where(q.bad, A / q.j.likely, 0 * A) for A in (q.j.a - q.j.t, w - q.j.t))
    return 0.5 < leaning(off, way)[0] < 1.5


def terms(summed: Summed, values: Any, dY: Any) -> int:
    """The number of terms of a sum."""
    shape = tuple(dY.shape if summed.over == "Y" else values[summed.over].shape)
    return prod(shape[:-1]) if summed.key == "rows" else int(shape[summed.axis])


def kept(summed: Summed, like: Any, n: int, start: int, stop: int) -> Any:
    """A mask along the summed axis: 0 for the terms from start to stop, 1 for the others."""
    line = flags(like, [float(not start <= k < stop) for k in range(n)])
    tall = {"rows": (n, 1), "queries": (n, 1), "images": (n, 1, 1, 1)}.get(summed.key)
    return namespace(like).reshape(line, tall) if tall else line


def ranges_left_out(n: int, entries: int) -> Iterator[tuple[int, int]]:
    """Ranges of terms that kernels leave out: tails, heads, blocks, single ones; the likeliest first."""
    likely = [n % tile for tile in TILES if tile < n] + [2**k for k in range(8)]
    cheap = n <= MANY and entries <= LARGE
    lengths = dict.fromkeys(length for length in (*likely, *(range(1, n) if cheap else ())) if 0 < length < n)
    yield from ((n - length, n) for length in lengths)
    yield from ((0, length) for length in lengths)
    if cheap:
        yield from ((k, k + 1) for k in range(1, n - 1))
    for tile in TILES:
        if n // tile <= 16:
            yield from ((k, k + tile) for k in range(tile, n - tile, tile))


def pattern(q: Question, mask: Array) -> Finding | None:
    """A factor, zeros or another order: what the numbers within the mask show by themselves."""
    rows = max(1, ENTRIES // max(1, prod(q.j.t.shape[1:]))) if q.j.t.ndim else 1
    cut = (slice(min(rows, q.j.t.shape[0])), ...) if q.j.t.ndim else ...
    a, t, likely = (host(q.case, A[cut]) for A in (q.j.a, q.j.t, q.j.likely))
    mask = mask[cut]
    if not mask.any() or a.size == 0:
        return None
    checked = np.ones(a.shape, bool) if mask.all() else mask
    found = patterns(a, t, 0 * likely, likely / SURE, checked, checked)
    # A shift that leaves only a few entries explains anything, together with a factor.
    useful = [f for f in found if f.kind not in ("block", "tail", "entry", "shifted")]
    return useful[0] if useful else None


def coarsely_added(q: Question) -> Finding | None:
    """Is the whole error what rounding gives in a kernel that also adds up in its own coarse dtype?"""
    stored = q.case.stored
    if UNITS[stored] <= UNITS[q.accumulate]:
        return None
    made = bounds(q.case, q.known, q.dY, q.known.precision(q.case, stored))[q.j.role]
    xp = namespace(q.j.t)
    if not bool(xp.all(q.j.gap <= made[2] + UNITS[q.j.dtype] * (abs(q.j.t) + made[2]))):
        return None
    sums = [summed.within or summed.called for summed in q.known.form.sums if q.j.role in summed.of]
    which = f": {' or '.join(sums)}" if sums else ""
    return Finding(
        "accumulation",
        f"a sum is added up in {stored}{which}. It is off as such sums are, and too far for {q.accumulate} ones: "
        f'add up in {q.accumulate}, or say accumulate="{stored}" if that is meant',
    )


def unseen(q: Question) -> tuple[list[str], list[str]]:
    """Of a gradient right in every entry: mistakes that the entries together suggest, and mistakes they cannot show.

    A mistake smaller than its dtype's rounding moves no entry beyond its allowed error, but shifts many entries in the
    same direction. The coefficient c of the mistake in the errors is fitted: it is near 1 where the mistake was made,
    near 0 where not.
    """
    alike, hidden = [], []
    xp, off = namespace(q.j.t), (q.j.a - q.j.t) / q.j.likely
    for one in q.known.form.mistakes:
        if one.of and q.j.role not in one.of:
            continue
        made = predicted(q, Change(one.key))
        if made is None or not bool(xp.all(xp.isfinite(made[0]))):
            continue
        way = (made[0] - q.j.t) / q.j.likely
        moved = float(xp.max(abs(made[0] - q.j.t)))
        if float(xp.max(abs(way))) > 2 or moved <= SAME * float(xp.max(abs(q.j.t))):
            continue  # it would show in single entries, or changes nothing here
        c, by_rows, by_entries = leaning(off, way)
        by_rows = max(by_rows, by_shared(q, way))
        if abs(c - 1) + SURE * by_rows < 0.5:
            alike.append(one.says)
        elif not abs(c) + SURE * by_entries < 0.5:
            hidden.append(one.says)
    return alike, hidden


def by_shared(q: Question, way: Any) -> float:
    """The standard error of c from the rounding that all terms of a row share, in a sum over rows.

    A row's 1/root is rounded once, by at most u, and with it every term of the row; over n rows the sum is off by u /
    √n.
    """
    over = [s for s in q.known.form.sums if s.key == "rows" and q.j.role in s.of]
    if not over or len(q.j.t.shape) > 1:
        return 0.0
    n = terms(over[0], q.known.values(q.case), q.dY)
    if n < ROWS:
        return inf
    xp = namespace(way)
    common = float(xp.sum(abs(way) * abs(q.j.t / q.j.likely))) / float(xp.sum(way * way))
    return UNITS[q.case.stored] / n**0.5 * common


def leaning(off: Any, way: Any) -> tuple[float, float, float]:
    """The coefficient c of a direction in the errors; its standard errors by rows, rounded together, and by entries.

    The standard error by rows is infinite for fewer than ROWS rows.
    """
    xp = namespace(off)
    square = float(xp.sum(way * way))
    if square == 0:
        return 0.0, inf, inf
    c = float(xp.sum(off * way)) / square
    left = way * (off - c * way)
    by_entries = float(xp.sum(left * left)) ** 0.5 / square
    if left.ndim > 1:
        left = xp.sum(left, axis=-1)
    rows = prod(left.shape)
    by_rows = (float(xp.sum(left * left)) * rows / max(rows - 1, 1)) ** 0.5 / square
    return c, by_rows if rows >= ROWS else inf, by_entries


def common_factor(q: Question) -> str:
    """A factor by which all entries together are off, though none shows it by itself; "" where there is none.

    Rounding alone moves the fitted factor by at most about 4 standard errors, if entries of a row are moved together.
    """
    xp, way = namespace(q.j.t), q.j.t / q.j.likely
    square = float(xp.sum(way * way))
    if square == 0:
        return ""
    c = float(xp.sum((q.j.a - q.j.t) / q.j.likely * way)) / square
    grouped = xp.sum(abs(way), axis=-1) if way.ndim > 1 else abs(way)
    room = SURE * float(xp.sum(grouped * grouped)) ** 0.5 / square
    if not abs(c) > room:
        return ""
    digits = max(1, int(-np.log10(room)))
    return f"all entries together are {1 + c:.{digits + 1}g} times the truth"
