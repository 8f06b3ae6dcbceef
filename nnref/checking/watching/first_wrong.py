"""The first wrong line: whose inputs are right and whose output is not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from nnref.checking.watching.graph import VIEWS, Array, bits_of
from nnref.checking.watching.judging import ALIKE, Judged, Reading, Tape, half_of_the_digits, multiple
from nnref.checking.watching.optimisers import entered
from nnref.checking.watching.parameters import Roles
from nnref.checking.watching.slopes import slopes
from nnref.checking.watching.tape import Node, Site

PLACES = VIEWS | {"put", "item", "entry", "assign", "put_at"}
"""Operations that only move values: what is wrong in them was wrong before."""


LINEAR = VIEWS | {"dot", "matmul", "add", "subtract", "sum", "put", "einsum", "tensordot", "concatenate"}
"""Operations by which a layer is made of its weights, before its activation."""


@dataclass(frozen=True, eq=False)
class Mistake:
    """The first wrong value of one parameter's gradient: its node, the site to point to, and the kind of mistake.

    certain says that everything the value was made of is right; else the mistake is at or after that line. used is the
    site where a wrong factor is used, if that is another line.
    """

    node: Node
    site: Site
    row: Judged
    kind: str
    says: str
    certain: bool = True
    used: Site | None = None


class Search:
    """Which values of one step are right: one multiple, in every run, of some ∂L/∂(forward value)."""

    def __init__(self, role: Roles, tapes: Sequence[Tape], reading: Reading) -> None:
        self.role, self.tapes, self.reading = role, tapes, reading
        self.graph = role.graph
        self.tolerance = half_of_the_digits(role.graph)
        self._found: dict[int, tuple[int, float] | None] = {}

    @cached_property
    def truths(self) -> dict[int, list[int]]:
        """The values whose slope is known in every run, by their size."""
        found: dict[int, list[int]] = {}
        for k in self.reading.slopes[0]:
            if not self.role.after[k] and all(k in g for g in self.reading.slopes):
                found.setdefault(int(np.prod(self.graph.tape[k].shape)), []).append(k)
        return found

    def values(self, node: Node) -> list[Array] | None:
        """A value in every run; None where it was written over."""
        found = [tape[node.index].value for tape in self.tapes]
        return None if any(v is None for v in found) else [np.asarray(v, float) for v in found]

    def right(self, node: Node) -> bool:
        """Is the value a multiple of a slope?"""
        return self.match(node) is not None

    def match(self, node: Node) -> tuple[int, float] | None:
        """The value of which this is the slope, and the factor; None if it is the slope of none."""
        if node.index not in self._found:
            self._found[node.index] = next(self.matches(node), None)
        return self._found[node.index]

    def matches(self, node: Node) -> Iterator[tuple[int, float]]:
        """All of them."""
        given = self.values(node)
        size = int(np.prod(node.shape))
        if given is None or not (node.real or isinstance(node.value, int)) or size * len(self.tapes) < 2:
            return
        for k in self.truths.get(size, []):
            truth = [g[k] for g in self.reading.slopes]
            found = (multiple(given, way, self.tolerance) for way in laid(truth, node.shape))
            if c := next((c for c in found if c), None):
                yield k, c

    def backward(self, step: Node) -> list[Node]:
        """What a step is made of and depends on labels and parameters, in the order it was made."""
        bits = self.graph.above[step.index] | (1 << step.index)
        tape = self.graph.tape
        mine = (tape[k] for k in bits_of(bits) if self.role.of_labels[k] and k > self.role.begin)
        return [n for n in mine if self.graph.depends(n.index, self.role.parameters)]


def laid(truth: Sequence[Array], shape: tuple[int, ...]) -> Iterator[list[Array]]:
    """A slope as it may be laid: as it is, flat, or transposed."""
    mine = truth[0].shape
    if [n for n in mine if n > 1] == [n for n in shape if n > 1] or len(shape) != len(mine) or len(mine) != 2:
        yield list(truth)
    if len(mine) == 2 and (mine == shape[::-1] or len(shape) != 2):
        yield [t.T for t in truth]


def mistakes(role: Roles, tapes: Sequence[Tape], reading: Reading) -> list[Mistake]:
    """The first mistake of every wrong row, the earliest first, each line once."""
    search = Search(role, tapes, reading)
    found = [located(search, row) for row in reading.rows if row.verdict == "WRONG"]
    ordered = sorted(found, key=lambda m: m.node.index)
    seen: set[tuple[str, int]] = set()
    kept = []
    for mistake in ordered:
        if (place := (mistake.site.file, mistake.site.line)) not in seen:
            seen.add(place)
            kept.append(mistake)
    return kept


def located(search: Search, row: Judged) -> Mistake:
    """The first wrong value of a row."""
    step, new = row.update.step, row.update.end
    if row.kind == "adds up":
        node = next((n for n in entered(search.role, step) if n.op in ("add", "put") and n is not step), step)
        return Mistake(node, node.site, row, "adds up", row.note)
    own = row.factor or row.inner
    if own is not None and own < 0 and row.usual is not None and abs(row.usual / own - 1) <= ALIKE:
        node = turned(search, row) or new
        return Mistake(node, node.site, row, "sign", "the step goes up the loss: the sign is wrong")
    if own is not None:
        return of_factor(search, row)
    wrong = first_of(search, step)
    if wrong is None:
        return Mistake(step, new.site, row, "update", "the gradient is right, and what is made of it here is not")
    return described(search, row, wrong)


def turned(search: Search, row: Judged) -> Node | None:
    """The first value of the other sign than the update asks for: old − step wants the slope, old + step minus that."""
    for node in search.backward(row.update.step):
        found = search.match(node)
        if node.op not in PLACES and found is not None and found[1] * row.update.sign < 0:
            return node
    return None


def of_factor(search: Search, row: Judged) -> Mistake:
    """A gradient that is right but for a factor: where a factor comes in that the others do not have."""
    early = new_factor(search, row)
    if early is not None:
        return Mistake(early, early.site, row, "factor", row.note)
    chain = list(ratios(search, row))
    others = [ratio for r in search.reading.rows if r.verdict == "ok" and r.factor for _, ratio in ratios(search, r)]
    strange = [n for n, ratio in chain if ratio and not any(abs(ratio / o - 1) <= ALIKE for o in others if o)]
    made = chain[-1][0] if chain else row.update.step
    node = strange[-1] if strange else made
    return Mistake(node, node.site, row, "factor", row.note)


def new_factor(search: Search, row: Judged) -> Node | None:
    """The first value that went into this row alone, and whose factor no value has that went into a right row."""
    right = [r for r in search.reading.rows if r.verdict == "ok" and r.factor]
    mine = search.backward(row.update.step)
    made = {n.index for n in entered(search.role, row.update.step)}
    seen: set[int] = set()
    usual: list[float] = []
    for r in right:
        for node in search.backward(r.update.step):
            seen.add(node.index)
            if (found := search.match(node)) is not None:
                usual.append(found[1])
    for node in mine:
        if node.index in seen or node.index in made or node.op in PLACES:
            continue
        found = search.match(node)
        if found is not None and usual and not any(abs(found[1] / c - 1) <= ALIKE for c in usual):
            return node
    return None


def ratios(search: Search, row: Judged) -> Iterator[tuple[Node, float]]:
    """The values from the step back to where the gradient was made, and by which factor each differs from the next."""
    chain = [n for n in entered(search.role, row.update.step) if search.values(n) is not None]
    if row.inner is not None:  # between the step and the gradient stands an optimiser
        chain = chain[next((k for k, n in enumerate(chain) if is_gradient(search, row, n)), 0) :]
    for node, before in zip(chain, [*chain[1:], None], strict=True):
        values = search.values(node)
        older = search.values(before) if before is not None else None
        ratio = None
        if older is not None and values is not None:
            ratio = multiple([v.ravel() for v in values], [v.ravel() for v in older], search.tolerance)
        yield node, ratio or 0.0
        if ratio is None:
            return


def is_gradient(search: Search, row: Judged, node: Node) -> bool:
    """Is the value a multiple of the row's truth?"""
    values = search.values(node)
    flat = [t.ravel() for t in row.truth]
    return values is not None and multiple([v.ravel() for v in values], flat, search.tolerance) is not None


def first_of(search: Search, step: Node) -> Node | None:
    """The first value that is not right and of which nothing right is made."""
    chain = search.backward(step)
    right = 0
    for node in chain:
        if search.right(node):
            right |= 1 << node.index
    excused = 0
    for k in bits_of(right):
        excused |= search.graph.above[k]
    new = {u.new for u in search.role.updates}
    for node in chain:
        bit = 1 << node.index
        if bit & (right | excused) or node in new:
            continue
        if node.op in PLACES and any(
            search.role.of_labels[m.index]
            and search.graph.depends(m.index, search.role.parameters)
            and not (1 << m.index) & (right | excused)
            for m in node.inputs
        ):
            continue
        return node
    return None


def described(search: Search, row: Judged, node: Node) -> Mistake:
    """A wrong value, and what is wrong about it as far as it can be told."""
    role = search.role
    if any(role.after[m.index] and is_new_parameter(role, m) for m in node.inputs):
        return Mistake(node, node.site, row, "stale", "the parameters were updated before they were used here")
    if row.note.startswith("shape") and node is row.update.step:
        return Mistake(node, node.site, row, "shape", row.note)
    if (before := without_slope(search, row, node)) is not None:
        says = "the activation's derivative is missing: this is ∂L/∂A, where ∂L/∂Z is meant"
        return Mistake(before, before.site, row, "no slope", says)
    factor = wrong_factor(search, node)
    if factor is not None and factor.site.line != node.site.line and not right_elsewhere(search, factor):
        says = f"the factor that is made here is wrong where it is used, on line {node.site.line}"
        return Mistake(node, factor.site, row, "factor made here", says, used=node.site)
    says = "what this line is made of is right, and what it makes is not"
    return Mistake(node, node.site, row, "value", says)


def without_slope(search: Search, row: Judged, node: Node) -> Node | None:
    """The value that is ∂L/∂A where ∂L/∂Z is meant: a gradient was made of the slope of its layer's activation."""
    if node.op not in ("dot", "matmul", "sum", "mean", "outer", "einsum", "tensordot") or not row.truth[0].any():
        return None
    base = row.update.base
    direct = {n.index for n in search.graph.tape if node_above(search, n, base)}
    for m in node.inputs:
        made = made_by(m)
        if not search.role.of_labels[made.index]:
            continue
        found = [k for k, _ in search.matches(made)]
        nearest = [k for k in found if search.graph.above[k] >> base.index & 1]
        before = [j for k in nearest for j in bits_of(search.graph.above[k]) if j in direct]
        if nearest and before and not any(k in direct for k in found):
            return made
    return None


def node_above(search: Search, node: Node, base: Node) -> bool:
    """Is a value linear in the parameter: made of it by products and sums alone?"""
    if search.role.of_labels[node.index] or not search.graph.above[node.index] >> base.index & 1:
        return False
    front = [node]
    while front:
        n = front.pop()
        if n is base or not search.graph.above[n.index] >> base.index & 1:
            continue
        if n.op not in LINEAR:
            return False
        front += n.inputs
    return True


def is_new_parameter(role: Roles, node: Node) -> bool:
    """Is this a parameter after its update, or a view of one?"""
    shown = made_by(node)
    return any(shown is u.new or (shown.op == "put" and u.new in shown.inputs) for u in role.updates)


def wrong_factor(search: Search, node: Node) -> Node | None:
    """A factor that depends on no label, was made for the backward pass alone, and is no slope of the forward pass."""
    role, graph = search.role, search.graph
    forward = 0
    for meeting in role.meetings:
        forward |= graph.above[meeting.output.index] | (1 << meeting.output.index)
    if node.op not in ("multiply", "divide"):
        return None
    for m in node.inputs:
        made = made_by(m)
        if role.of_labels[made.index] or forward >> made.index & 1 or np.prod(made.shape, dtype=int) < 2:
            continue
        if graph.depends(made.index, role.parameters) and not is_slope(search, made, forward):
            return made
    return None


def right_elsewhere(search: Search, factor: Node) -> bool:
    """Did the line that makes the factor make a right one elsewhere? Then it was given the wrong value here."""
    forward = 0
    for meeting in search.role.meetings:
        forward |= search.graph.above[meeting.output.index] | (1 << meeting.output.index)
    same = [n for n in search.graph.tape if n.site == factor.site and n is not factor and search.role.begin < n.index]
    return any(n.index < search.role.last and is_slope(search, n, forward) for n in same)


def made_by(node: Node) -> Node:
    """Through views, to what is shown."""
    while node.op in VIEWS and node.args and isinstance(node.args[0], Node):
        node = node.args[0]
    return node


def is_slope(search: Search, factor: Node, forward: int) -> bool:
    """Is the factor ∂A/∂Z, entry by entry, of some values A and Z of the forward pass?"""
    given = search.values(factor)
    tape = search.graph.tape
    size = np.prod(factor.shape, dtype=int)
    if given is None:
        return True
    outs = [k for k in bits_of(forward) if np.prod(tape[k].shape, dtype=int) == size and tape[k].op != "leaf"]
    wanted = [np.prod(n.shape, dtype=int) == size and bool(forward >> n.index & 1) for n in tape]
    for k in outs:
        found = [slopes(t, {k: np.ones(tape[k].shape)}, wanted, search.reading.tie)[0] for t in search.tapes]
        for j in found[0]:
            alike = j != k and all(j in f for f in found) and np.prod(tape[j].shape, dtype=int) == size
            if alike and multiple([g.ravel() for g in given], [f[j].ravel() for f in found], search.tolerance):
                return True
    return False
