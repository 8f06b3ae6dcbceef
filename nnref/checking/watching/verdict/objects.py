"""Objects with a value and its slope, as in a small autograd library: the first wrong contribution to a slope.

Which attribute holds the slope of which is found by the numbers: in several objects, one is a multiple of the other's
slope. Then each contribution added to a slope must be that of one use of the value, each use once.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from nnref.checking.watching.calculus.factors import ALIKE, multiple
from nnref.checking.watching.calculus.graph import Array, bits_of
from nnref.checking.watching.calculus.slopes import backward
from nnref.checking.watching.recording.tape import Node, Site
from nnref.checking.watching.verdict.meant_for import made_by
from nnref.checking.watching.verdict.odd_terms import missing_uses
from nnref.checking.watching.verdict.right_values import ADDING, USES, Search, laid

SETS = "this sets the slope, and what other uses had added to it before is lost"
NO_PART = "what is added here is not the slope by this use, though what it is made of is right"
FILLING = ("put", "put_at")
"""Operations that write into an array."""

NO_SLOPE = "the slope that begins here is a value of the forward pass, and no slope"


@dataclass(frozen=True)
class Part:
    """A value that was set as an object's slope, or that includes an addition to it: when, and where."""

    time: int
    whole: Node
    site: Site


@dataclass
class Holder:
    """An object: the values of its attributes, and its successive slopes, in order."""

    values: dict[str, Part] = field(default_factory=dict)
    slopes: dict[str, list[Part]] = field(default_factory=lambda: defaultdict(list))


def wrong_part(search: Search) -> tuple[Node, Site, str, bool] | None:
    """The first wrong contribution to a slope: its value, its site, the message, and whether its inputs are right.

    None if there is none. All earlier contributions are right. A slope by one use alone may lack that of another layer.
    """
    found = holders(search)
    pair, factor = kept_apart(search, found)
    if pair is None:
        return None
    data, grad = pair
    if not any(part.whole.op == "add" for holder in found.values() for part in holder.slopes.get(grad, [])):
        return None  # layers store slopes, but add nothing to them
    parts = [
        (part.time, part, wrong, says)
        for holder in found.values()
        if data in holder.values
        for part, wrong, says in faults(search, holder.values[data].whole, holder.slopes.get(grad, []), factor)
    ]
    if not parts:
        return None
    _, part, wrong, says = min(parts, key=lambda p: p[0])
    taken = [h.values[grad] for h in found.values() if grad in h.values]
    for other in taken if says is NO_PART else ():
        if search.graph.depends(wrong.index, 1 << other.whole.index):
            return wrong, other.site, NO_SLOPE, True
    slopes = {p.whole.index for holder in found.values() for p in holder.slopes.get(grad, []) if p is not part}
    node = within(search, wrong, slopes, factor) if says is NO_PART else wrong
    for m in node.inputs if says is NO_PART and node.op not in ADDING else ():
        alone = search.role.of_labels[m.index] and not search.right(m) and m.site.line
        if alone and (missing := missing_uses(search, m)):
            return m, m.site, missing, False
    return node, node.site if node is not part.whole and node.site.line else part.site, says, True


def holders(search: Search) -> Mapping[int, Holder]:
    """The objects of the step."""
    role, found = search.role, defaultdict[int, Holder](Holder)
    for node in search.graph.tape[: role.last + 1]:
        for held in node.held:
            known = all(node.index in slopes for slopes in search.reading.slopes)
            if known and not role.after[node.index]:
                found[held.owner].values[held.attribute] = Part(held.time, node, held.site)
            elif held.time > role.begin and not role.after[node.index]:
                found[held.owner].slopes[held.attribute].append(Part(held.time, node, held.site))
    for holder in found.values():
        for parts in holder.slopes.values():
            parts.sort(key=lambda part: part.time)
    return found


def kept_apart(search: Search, found: Mapping[int, Holder]) -> tuple[tuple[str, str] | None, float]:
    """The attributes that hold a value and its slope, and the factor of the latter; 1 where exact slopes occur."""
    met: Counter[tuple[str, str]] = Counter()
    factors: dict[tuple[str, str], list[float]] = defaultdict(list)
    for holder in found.values():
        for data, value in ((name, part.whole) for name, part in holder.values.items()):
            for grad, parts in holder.slopes.items():
                given = search.values(parts[-1].whole) if not parts[-1].whole.leaf else None
                if given is not None and (c := factor_of(search, given, truth(search, value))):
                    met[data, grad] += 1
                    factors[data, grad].append(c)
    if not met or max(met.values()) < 2:
        return None, 1.0
    best = max(met, key=lambda pair: met[pair])
    itself = sum(abs(c - 1) <= ALIKE for c in factors[best]) > 1
    usual = max(factors[best], key=lambda c: sum(abs(c / d - 1) <= ALIKE for d in factors[best]))
    return best, 1.0 if itself and search.reading.loss.node is not None else usual


def truth(search: Search, value: Node) -> list[Array]:
    """The slope of a value, in every run."""
    return [known[value.index].reshape(value.shape) for known in search.reading.slopes]


def factor_of(search: Search, given: Sequence[Array], true: Sequence[Array]) -> float | None:
    """C with given = c · truth, in any layout; 0 if both are 0, None if there is none."""
    if given[0].size != true[0].size:
        return None
    found = (multiple(given, way, search.tolerance) for way in laid(true, given[0].shape))
    return next((c for c in found if c is not None), None)


def faults(search: Search, value: Node, parts: Sequence[Part], factor: float) -> Iterator[tuple[Part, Node, str]]:
    """Wrong contributions to a slope, and assignments that overwrite earlier ones; with their value and message."""
    users = [n for n in search.graph.users[value.index] if all(n.index in g for g in search.reading.slopes)]
    if len(users) > USES or any(n in search.reading.lost for n in users):
        return  # too many to be told apart
    whole_uses = [search.by_use(value.index, use.index) for use in users] or [truth(search, value)]
    open_ = [piece for use in users for piece in pieces(search, value, use)] or whole_uses
    before: Node | None = None
    filled = {
        p.whole for p in parts for n in search.graph.users[p.whole.index] if n.op in FILLING and n.args[0] is p.whole
    }
    for part in parts:
        whole = part.whole
        if whole in filled:
            continue  # d = dout.copy(); d[z <= 0] = 0 is one part
        if whole.leaf:
            before = whole
            continue
        term = added(search, whole, before)
        if term is None and before is not None and not before.leaf and before is not whole:
            yield part, whole, SETS
            return
        if before is not whole and (given := search.values(term or whole)) is not None:
            which = next((k for k, one in enumerate(open_) if fits(search, given, one, factor)), None)
            together = (*whole_uses, truth(search, value))
            if which is None and not any(fits(search, given, one, factor) for one in together):
                yield part, term or whole, NO_PART
                return
            if which is not None and len(open_) > 1:
                open_.pop(which)
        before = whole


def pieces(search: Search, value: Node, use: Node) -> Iterator[list[Array]]:
    """The slopes of a value by one use: two if it is used twice there, as in e * e."""
    made = []
    for tape, known in zip(search.tapes, search.reading.slopes, strict=True):
        node = tape[use.index]
        parts = backward(node, known[use.index].reshape(node.shape), search.reading.choice)
        made.append([np.asarray(part, float).reshape(value.shape) for m, part in parts if m.index == value.index])
    most = max(map(len, made))
    for k in range(most):
        yield [parts[k] if k < len(parts) else np.zeros(value.shape) for parts in made]


def fits(search: Search, given: Sequence[Array], one: Sequence[Array], factor: float) -> bool:
    """Does a contribution equal this part of the slope, up to the factor of all slopes?"""
    c = factor_of(search, given, one)
    return c is not None and (c == 0 or abs(c / factor - 1) <= ALIKE)


def added(search: Search, whole: Node, before: Node | None) -> Node | None:
    """The addend in a sum with the object's previous or initial slope; None where it is no such sum."""
    if whole.op != "add" or len(whole.inputs) != 2:
        return None
    for old, new in (whole.inputs, whole.inputs[::-1]):
        if old is before or (before is None and made_by(old).leaf):
            return new
    return None


def within(search: Search, term: Node, slopes: set[int], factor: float) -> Node:
    """The first wrong value between stored slopes and the contribution computed from them."""
    above = search.graph.above
    held = 0
    for k in slopes:
        if k < term.index and above[term.index] >> k & 1:
            held |= above[k] | (1 << k)
    inside = [k for k in bits_of(above[term.index] & ~held) if search.role.of_labels[k] and k > search.role.begin]
    inside = [k for k in inside if search.graph.depends(k, search.role.parameters) and not search.forward >> k & 1]
    right = [k for k in inside if any(abs(c / factor - 1) <= ALIKE for c in search.factors(search.graph.tape[k]))]
    excused = 0
    for k in right:
        excused |= above[k] | (1 << k)
    return next((search.graph.tape[k] for k in inside if not excused >> k & 1), term)
