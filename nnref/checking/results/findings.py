"""Patterns in a wrong gradient: where it is wrong and how, as data with a sentence each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from nnref.checking.results.factor import digits_known, fitted
from nnref.checking.results.rearranged import orders
from nnref.shapes import Array

SURE = 4.0
"""Gap, in error bars, above which an entry is wrong: as in gradcheck/verdicts.py."""

CHANCE = 1e-2
"""A ratio is called p/q only if a random number would be as near to a fraction of denominator at most q with less than
this probability: about q² fractions lie between 0 and 1, each with an interval of the ratio's error."""

BLOCKS = (128, 64, 32, 16, 8)
"""Usual tile widths of kernels, which often go wrong in the remainder after the last whole tile."""


LISTED = 6
"""Most ranges that a sentence lists."""

ORDINALS = {2: "second", 3: "third", 4: "fourth", 5: "fifth"}
"""Strides in words; larger ones in figures."""


@dataclass(frozen=True)
class Finding:
    """One pattern: its kind, such as "ratio" or "tail", and the sentence for a person."""

    kind: str
    says: str


def readings_of_shape(g: Array, shape: tuple[int, ...]) -> Iterator[tuple[Finding, Array]]:
    """What a gradient of the wrong shape may be, with the values it then gives for the right one, likeliest first."""
    both = f"shape {g.shape} for {shape}"
    if g.shape == shape[::-1]:
        yield Finding("transposed", f"{both}: transposed"), g.T
    if g.size == int(np.prod(shape)):
        yield Finding("shape", both), g.reshape(shape)
    if g.ndim == len(shape):
        extra = tuple(k for k, (n, m) in enumerate(zip(g.shape, shape, strict=True)) if n != m)
        if all(shape[k] == 1 for k in extra):
            axes = " and ".join(map(str, extra))
            yield Finding("unreduced", f"{both}: axis {axes} not summed"), g.sum(axis=extra, keepdims=True)
    if g.ndim == len(shape) + 1:
        for k in range(g.ndim):
            if g.shape[:k] + g.shape[k + 1 :] == shape:
                yield Finding("unreduced", f"{both}: axis {k} not summed"), g.sum(axis=k)
    try:
        yield Finding("shape", both), np.broadcast_to(g, shape)
    except ValueError:  # by numpy's rules it does not broadcast
        return


def shapes(yours: tuple[int, ...], expected: tuple[int, ...]) -> Finding:
    """What a gradient of one shape where another is expected may be."""
    found = (finding for finding, _ in readings_of_shape(np.zeros(yours), expected))
    return next(found, Finding("shape", f"shape {yours} for {expected}"))


def patterns(a: Array, t: Array, e: Array, bar: Array, checked: Array, wrong: Array) -> tuple[Finding, ...]:
    """The findings for a tensor: a yours, t the truth known to within e, bar with rounding, and two masks.

    Shapes: all alike
    """
    if checked.all() and t.size > 1 and (moved := rearranged(a, t, bar)):
        return (moved,)

    def inside(mask: Array, where: str) -> tuple[Finding, ...]:
        return tuple(contents(a[mask], t[mask], e[mask], bar[mask], where))

    if wrong[checked].all():
        return inside(checked, "everywhere")
    # Where the truth is 0 a factor does not show: a tensor wrong by one factor is right in those entries.
    if np.isfinite(a[checked]).all() and (whole := inside(checked, "everywhere")):
        return whole
    held, found = inside(wrong, "there"), region(wrong, checked)
    if found and held:
        first = found[0]
        found = (Finding(first.kind, f"{first.says}: {held[0].says}"), *found[1:])
    return found or held


def contents(a: Array, t: Array, e: Array, bar: Array, where: str) -> Iterator[Finding]:
    """What the wrong values have in common: NaN, zeros, nonzeros where the truth is 0, a multiple of it, one number."""
    if (~np.isfinite(a)).any():
        bad = int((~np.isfinite(a)).sum())
        kind = "NaN" if np.isnan(a).any() else "infinite"
        yield Finding("nan", f"{bad} {'entry is' if bad == 1 else 'entries are'} {kind}")
    elif not a.any():
        yield Finding("zeros", "all zero")
    elif not t.any():
        still = "the loss does not change with it: does it use this, and not a copy?"
        yield Finding("unused", still if where == "everywhere" else f"the truth is 0 {where}")
    elif found := ratio(a, t, e, bar, where):
        yield found
    elif (a == a[0]).all() and (t != t[0]).any():
        yield Finding("constant", f"one number {where}, where the truth varies")


def near(a: Array, t: Array, bar: Array) -> bool:
    """Do all entries agree, within their error bars?"""
    return bool(np.isfinite(a).all() and (np.abs(a - t) <= SURE * bar).all())


def rearranged(a: Array, t: Array, bar: Array) -> Finding | None:
    """The truth in another order, times one factor maybe, if that is what it is."""
    if not (np.isfinite(a).all() and np.isfinite(t).all() and t.any()):
        return None
    for name, order in orders(a, t):
        kind, square = name.replace("axes (", "transposed ").split()[0], float((order * order).sum())
        factor = float((a * order).sum()) / square if square else 0.0
        if near(a, order, bar):
            transpose = name == "transposed"
            return Finding(kind, "the transpose of the truth" if transpose else f"the truth, {name}")
        if factor and near(a, factor * order, max(1.0, abs(factor)) * bar) and (order != t).any():
            times = simple(factor, SURE * float(bar.max(initial=0)) / np.sqrt(square))
            if times != "1":
                return Finding(kind, f"{times or unlike(factor, 1.0, 4)[0]} times the truth, {name}")
    return None


def ratio(a: Array, t: Array, e: Array, bar: Array, where: str = "everywhere") -> Finding | None:
    """The one factor between yours and the truth, if there is one and it is not 1."""
    found = fitted(a, [t], bar)
    if found is None:
        return None
    r, known = found[0].value, np.flatnonzero(t)
    # The factor's accuracy: from the scatter of the entries about it, and from an error common to all truths.
    together = abs(r) * float((e.flat[known] / np.abs(t.flat[known])).min())
    room = SURE * found[0].scatter + 2.0**-50 * abs(r) + together
    if r == 0 or abs(r - 1) <= room or not near(a, r * t, max(1.0, abs(r)) * bar):
        return None
    fraction = simple(r, room)
    if a.size == 1:
        return Finding("ratio", f"{fraction} times the truth") if fraction else None
    return Finding("ratio", f"{fraction or unlike(r, 1.0, digits_known(r, room))[0]} times the truth {where}")


def unlike(x: float, y: float, digits: int) -> tuple[str, str]:
    """Two numbers in this many digits, or in more if they would look the same.

    >>> unlike(6.25, 3.125, 4), unlike(6.25083, 6.250831, 4), unlike(0.0, 0.0, 4)
    (('6.25', '3.125'), ('6.25083', '6.250831'), ('0', '0'))
    """
    written = [(f"{x:.{n}g}", f"{y:.{n}g}") for n in range(digits, 18)]
    return next((both for both in written if both[0] != both[1]), written[0])


SHARES = ((0.01, "a hundredth"), (0.02, "a fiftieth"), (0.05, "a twentieth"), (0.1, "a tenth"), (0.25, "a quarter"))
"""Shares that have a name; 1/2 and more follow."""


def share(x: float) -> str:
    """A share of the largest entry in words: the next that has a name.

    >>> share(0.012), share(0.3), share(32.0)
    ('a fiftieth of the largest entry', 'half of the largest entry', 'many times the largest entry')
    """
    named = next((name for limit, name in (*SHARES, (0.5, "half")) if x <= limit), None)
    if named:
        return f"{named} of the largest entry"
    return "the largest entry" if x <= 1 else "many times the largest entry"


def simple(r: float, room: float) -> str | None:
    """The factor as the simplest fraction within its error, unless that may be chance.

    >>> simple(5.0000000001, 1e-9), simple(-1 / 7, 1e-9), simple(0.6, 1e-9), simple(0.5772156649, 1e-9)
    ('5', '-1/7', '3/5', None)
    """
    small, room = (r, room) if abs(r) < 1 else (1 / r, room / (r * r))  # a whole number is 1 / its inverse
    q = 1
    while 2 * q * q * room <= CHANCE and q <= 1000:
        p = round(small * q)
        if p and abs(p / q - small) <= room:
            return str(Fraction(p, q) if abs(r) < 1 else Fraction(q, p))
        q += 1
    return None


def region(wrong: Array, checked: Array) -> tuple[Finding, ...]:
    """Which rows, columns or indices of each axis are wrong, where every entry with all of these was checked and is."""
    places = np.nonzero(wrong)
    some = "" if checked.all() else "of those checked, "
    if len(places[0]) == 1 and not some:
        return (Finding("entry", f"only entry {tuple(int(p[0]) for p in places)}"),)
    axes = [np.unique(p) for p in places]
    if len(places[0]) == 1 or not wrong[np.ix_(*axes)][checked[np.ix_(*axes)]].all():
        return ()
    names = ("rows", "columns") if wrong.ndim == 2 else tuple(f"axis {k}, indices" for k in range(wrong.ndim))
    found = []
    for k, (name, n) in enumerate(zip(names, wrong.shape, strict=True)):
        # An index without checked entries among the others does not show where the mistake ends.
        beside = np.ix_(*axes[:k], np.arange(n), *axes[k + 1 :])
        known = np.unique(np.nonzero(checked[beside])[k])
        if len(axes[k]) < len(known):
            found.append(described(name, axes[k], n))
    return tuple(Finding(finding.kind, some + finding.says) for finding in found)


def described(name: str, axis: Array, n: int) -> Finding:
    """The indices along one axis in words: one, a range, the tail of a tiled loop, or a few."""
    first, last = int(axis[0]), int(axis[-1])
    if len(axis) == 1:
        tile = tail(first, n) if last == n - 1 else ""
        one = name.replace("indices", "index").removesuffix("s")
        return Finding("tail" if tile else "block", f"{one} {first}{tile}")
    if last - first + 1 == len(axis):
        tile = tail(first, n) if last == n - 1 else ""
        return Finding("tail" if tile else "block", f"{name} {first}..{last}{tile}")
    steps = np.diff(axis)
    if (steps == steps[0]).all() and len(axis) > 2:
        return Finding("block", every(name, int(steps[0]), first, last, n))
    breaks = np.flatnonzero(steps > 1) + 1
    runs = [f"{run[0]}" if len(run) == 1 else f"{run[0]}..{run[-1]}" for run in np.split(axis, breaks)]
    if len(runs) <= LISTED:
        return Finding("block", f"{name} {', '.join(runs)}")
    return Finding("block", f"many {name}, from {first} to {last}")


def every(name: str, step: int, first: int, last: int, n: int) -> str:
    """Indices that are equally far apart, in words.

    >>> every("rows", 2, 1, 9, 10), every("columns", 7, 0, 14, 30)
    ('every second row from 1', 'every 7th column, 0..14')
    """
    one = name.replace("indices", "index").removesuffix("s")
    which = f"every {ORDINALS.get(step, f'{step}th')} {one}" if "axis" not in one else f"{one} every {step}"
    return f"{which} from {first}" if last + step >= n else f"{which}, {first}..{last}"


def tail(first: int, n: int) -> str:
    """The largest tile after whose last multiple the indices first … n − 1 are left over, in words.

    >>> tail(96, 100), tail(95, 100), tail(0, 4)
    (', the remainder after a multiple of 32', '', '')
    """
    tile = next((b for b in BLOCKS if first > 0 and first == n - n % b), None)
    return f", the remainder after a multiple of {tile}" if tile else ""
