"""Which values of a backward pass are right: one multiple, in every run, of some ∂L/∂(forward value)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property

import numpy as np

from nnref.checking.watching.calculus.factors import ALIKE, half_of_the_digits, multiple
from nnref.checking.watching.calculus.graph import VIEWS, Array, base_of, bits_of
from nnref.checking.watching.calculus.multiples import Multiples
from nnref.checking.watching.calculus.slopes import backward, slopes
from nnref.checking.watching.meaning.optimisers import entered
from nnref.checking.watching.meaning.parameters import Roles
from nnref.checking.watching.recording.tape import Node
from nnref.checking.watching.verdict.decay_terms import made_alone, terms_of_decay
from nnref.checking.watching.verdict.judging import Tape
from nnref.checking.watching.verdict.unseen import unseen_by
from nnref.checking.watching.verdict.verdicts import Reading

ADDING = {"add", "subtract", "put", "add.at"}
"""Operations that add the parts of a slope."""

USES = 64
"""Most uses of one value that are told apart, such as the time steps of a recurrent network."""


ENOUGH = 200
"""Values of the way to right gradients, the first ones, whose factors are looked at: loops make the same ones again."""


class Search:
    """Which values of one step are right: one multiple, in every run, of some ∂L/∂(forward value)."""

    def __init__(self, role: Roles, tapes: Sequence[Tape], reading: Reading) -> None:
        self.role, self.tapes, self.reading = role, tapes, reading
        self.graph = role.graph
        self.tolerance = half_of_the_digits(role.graph)
        self._found: dict[int, tuple[int, float] | None] = {}
        self._all: dict[int, list[tuple[int, float]]] = {}
        self._factors: dict[int, tuple[float, ...]] = {}
        self._parts: dict[int, list[list[Array]]] = {}
        self._used: dict[int, list[int]] = {}
        self._multiples: dict[int, Multiples | None] = {}
        self._known_parts: dict[int, tuple[list[tuple[int, int, list[Array]]], Multiples | None]] = {}

    @cached_property
    def truths(self) -> dict[int, list[int]]:
        """The values with a known slope in every run, by their size."""
        found: dict[int, list[int]] = {}
        for k in self.reading.slopes[0]:
            within = all(k in g for g in self.reading.slopes) and not is_nameless_opposite(self.graph.tape[k])
            if within and not self.role.after[k]:
                found.setdefault(int(np.prod(self.graph.tape[k].shape)), []).append(k)
        return found

    def values(self, node: Node) -> list[Array] | None:
        """A value in every run; None where it was written over."""
        found = [tape[node.index].value for tape in self.tapes]
        return None if any(v is None for v in found) else [np.asarray(v, float) for v in found]

    def right(self, node: Node) -> bool:
        """Is the value a multiple of a true slope?"""
        return self.match(node) is not None

    def match(self, node: Node) -> tuple[int, float] | None:
        """The value whose slope this is, and the factor; None if there is none."""
        if node.index not in self._found:
            self._found[node.index] = next(self.matches(node), None)
        return self._found[node.index]

    def matches(self, node: Node) -> Iterator[tuple[int, float]]:
        """All of them."""
        given = self.values(node)
        size = int(np.prod(node.shape))
        if given is None or not (node.real or isinstance(node.value, int)) or size * len(self.tapes) < 2:
            return
        for k in self.likely(size, given):
            for known in (self.reading.slopes, self.of_data):
                truth = [g[k] for g in known if k in g]
                found = (multiple(given, way, self.tolerance) for way in laid(truth, node.shape)) if truth else ()
                if c := next((c for c in found if c), None):
                    yield k, c
                    break

    def all_matches(self, node: Node) -> list[tuple[int, float]]:
        """All of them, found once: of one number, there are as many as numbers were computed."""
        if node.index not in self._all:
            self._all[node.index] = list(self.matches(node))
        return self._all[node.index]

    def likely(self, size: int, given: Sequence[Array]) -> list[int]:
        """The values of this size whose slope an array may be a multiple of, by a first comparison."""
        if size not in self._multiples:
            slopes, keys = self.reading.slopes, self.truths.get(size, [])
            alike = len({tuple(g[k].size for g in slopes) for k in keys}) == 1
            known = [(k, [g[k] for g in slopes]) for k in keys]
            self._multiples[size] = Multiples(known, self.tolerance) if alike else None
        found = self._multiples[size]
        if found is None:
            return self.truths.get(size, [])
        chosen = found.of(given)
        beside = {k for g in self.of_data for k in g if g[k].size == size} - set(chosen)
        return sorted({*chosen, *beside}, key=self.place.__getitem__) if beside else chosen

    @cached_property
    def place(self) -> dict[int, int]:
        """The rank of each value with a known slope."""
        return {k: at for keys in self.truths.values() for at, k in enumerate(keys)}

    @cached_property
    def beyond_doubt(self) -> int:
        """The ancestors of right gradients and of the program's own loss, as a bit set.

        Where gradients are clipped by their common norm, a step depends on the other gradients too.
        """
        found = 0
        for row in self.reading.rows:
            if row.verdict == "ok" and not row.silent and row.own is not None:
                gradient = ([*entered(self.role, row.update.step)][-1:] or [row.update.step])[0]
                found |= self.graph.above[gradient.index] & ~self.unseen_by(gradient) | (1 << gradient.index)
        if (given := self.reading.loss.given) is not None:  # it is taken as it stands
            found |= self.graph.above[given.index] | (1 << given.index)
        return found | self.forward

    def unseen_by(self, gradient: Node) -> int:
        """The values, as bits, that a right gradient is made of and says nothing of."""
        if not (unseen := unseen_by(self.role, self.tapes, gradient, 0, self.reading.choice)):
            return 0
        right = sum(1 << k for k in bits_of(unseen) if self.right(self.graph.tape[k]))
        return unseen_by(self.role, self.tapes, gradient, right, self.reading.choice)

    @cached_property
    def right_factors(self) -> list[float]:
        """The factors of the right gradients, as they enter their optimisers."""
        found: list[float] = []
        for row in self.reading.rows:
            if row.verdict == "ok" and not row.silent:
                found += self.factors([*entered(self.role, row.update.step)][-1])[:1]
        return found

    @cached_property
    def right_scales(self) -> list[float]:
        """The sizes of the factors of values that end a statement on the way to right gradients."""
        found = [abs(c) for c in self.right_factors]
        rows = [row for row in self.reading.rows if row.verdict == "ok" and not row.silent]
        nodes = {n.index: n for row in rows for n in self.backward(row.update.step) if self.ends_statement(n)}
        for node in list(nodes.values())[:ENOUGH]:
            for c in self.factors(node):
                if not any(abs(abs(c) / d - 1) <= ALIKE for d in found):
                    found.append(abs(c))
        return found

    @cached_property
    def forward(self) -> int:
        """The program's own loss and its ancestors, as a bit set: they depend on labels, but are no slopes."""
        loss = self.reading.loss.node
        return 0 if loss is None else self.graph.above[loss.index] | (1 << loss.index)

    @cached_property
    def of_data(self) -> tuple[dict[int, Array], ...]:
        """The slopes of the loss without its decay, of the parameters that have one."""
        loss = self.reading.loss.node
        terms = [] if loss is None else [n.index for n in terms_of_decay(self.role, loss)]
        if not terms:
            return ()
        wanted = self.graph.dependent(self.role.parameters)
        made = []
        for tape, known in zip(self.tapes, self.reading.slopes, strict=True):
            seeds = {k: known[k] for k in terms if k in known}
            found = slopes(tape, seeds, wanted, self.reading.choice)[0] if seeds else {}
            bases = [row.update.base.index for row in self.reading.rows]
            made.append({k: known[k] - found[k] for k in bases if k in known and k in found})
        return tuple(made)

    def accumulated(self, node: Node) -> bool:
        """Is the value a part of a slope: by one of several uses, or by the last few of them?"""
        if self.is_placed(node):
            return True
        new = {u.new for u in self.role.updates}
        added = any(n.op in ADDING and n not in new for n in self.uses_of_views(node))
        return added and any(self.factors_of_parts(node))

    def uses_of_views(self, node: Node) -> Iterator[Node]:
        """The uses of a value and of its views, other than views."""
        for n in self.graph.users[node.index]:
            yield from self.uses_of_views(n) if n.op in VIEWS else (n,)

    def is_placed(self, node: Node) -> bool:
        """Is the slope of a row, or a part of it, written where that row lies in its table?"""
        if node.op != "put" or not isinstance(part := node.args[1], Node):
            return False
        rows = {k for k, _ in (*self.matches(part), *self.uses_of_part(part))}
        return any(self.graph.tape[k].op == "view" and self.graph.tape[k].args[1] == node.args[2] for k in rows)

    def is_one_of_many(self, node: Node) -> bool:
        """Is this an array that is still being filled, whose last written part is no slope?

        That it equals a slope then says little: where an image is black, sums over different regions agree.
        """
        part = node.args[1] if node.op == "put" else None
        onward = any(n.op == "put" and n.args[0] is node for n in self.graph.users[node.index])
        return onward and isinstance(part, Node) and not self.right(base_of(part))

    def is_of_one_run(self, node: Node) -> bool:
        """Is the value 0 in all runs but one? Then it is a multiple of anything that is 0 in the same runs."""
        given = self.values(node) or []
        return len(given) > 1 and sum(bool(v.any()) for v in given) < 2

    def factors_of_parts(self, node: Node) -> Iterator[float]:
        """The factors with which a value is a part of a slope: by one of several uses, or by the last few."""
        given = self.values(node)
        if given is None:
            return
        for _, _, part in self.likely_parts(node, given):
            found = (multiple(given, way, self.tolerance) for way in laid(part, node.shape))
            yield from (c for c in found if c)

    def uses_of_part(self, node: Node) -> Iterator[tuple[int, Node]]:
        """The values whose slope by one use this is, up to a factor; and that use."""
        given = self.values(node)
        if given is None:
            return
        for k, j, part in self.likely_parts(node, given):
            uses = self.uses(k)
            if j < len(uses) and any(multiple(given, way, self.tolerance) for way in laid(part, node.shape)):
                yield k, uses[j]

    def likely_parts(self, node: Node, given: Sequence[Array]) -> list[tuple[int, int, list[Array]]]:
        """The parts of slopes that a node may be a multiple of: the value, the number of the part, and the part."""
        size = int(np.prod(node.shape))
        if size not in self._known_parts:
            parts = [(k, j, part) for k in self.with_uses(node) for j, part in enumerate(self.parts(k))]
            alike = len({tuple(np.size(A) for A in part) for _, _, part in parts}) == 1
            arrays = [(at, part) for at, (_, _, part) in enumerate(parts)]
            self._known_parts[size] = parts, Multiples(arrays, self.tolerance) if alike else None
        parts, chosen = self._known_parts[size]
        return parts if chosen is None else [parts[at] for at in chosen.of(given)]

    def uses(self, k: int) -> list[Node]:
        """The uses of a value; [] where there is only one, or more than USES."""
        users = [n for n in self.graph.users[k] if all(n.index in g for g in self.reading.slopes)]
        lost = {n.index for n in self.reading.lost}
        return [n for n in users if n.index not in lost] if 1 < len(users) <= USES else []

    def with_uses(self, node: Node) -> list[int]:
        """The values of the size of a node that are used more than once: their slopes are sums."""
        size = int(np.prod(node.shape))
        if size not in self._used:
            self._used[size] = [k for k in self.truths.get(size, []) if self.parts(k)]
        return self._used[size]

    def belongs(self, node: Node, k: int) -> bool:
        """Is the value a part of the slope of value k?"""
        given = self.values(node)
        laid_parts = (way for part in self.parts(k) for way in laid(part, node.shape))
        return given is not None and any(multiple(given, way, self.tolerance) for way in laid_parts)

    def parts(self, k: int) -> list[list[Array]]:
        """The slopes of a value by each of its uses, and their partial sums from the last use; [] for a single use."""
        if k not in self._parts:
            single = [self.by_use(k, n.index) for n in self.uses(k)]
            sums = [[sum(run) for run in zip(*single[j:], strict=True)] for j in range(1, len(single) - 1)]
            self._parts[k] = [*single, *sums]
        return self._parts[k]

    def by_use(self, k: int, user: int) -> list[Array]:
        """The slope of a value by one of its uses, in every run."""
        made = []
        for tape, known in zip(self.tapes, self.reading.slopes, strict=True):
            node = tape[user]
            parts = backward(node, known[user].reshape(node.shape), self.reading.choice)
            made.append(sum((np.asarray(p, float) for m, p in parts if m.index == k), np.zeros(tape[k].shape)))
        return made

    def factors(self, node: Node) -> tuple[float, ...]:
        """The factors with which a value is a slope: of ∂L/∂z; and, in a sigmoid 1 / (1 + exp(-z)), of −∂L/∂(−z)."""
        if node.index not in self._factors:
            found: list[float] = []
            whole = [c for _, c in self.all_matches(node)]
            for c in (*whole, *self.factors_of_parts(node)):
                if not any(abs(c / other - 1) <= ALIKE for other in found):
                    found.append(c)
            self._factors[node.index] = tuple(found)
        return self._factors[node.index]

    def jump(self, node: Node) -> float | None:
        """The ratio of a value's factor to its input's, 1 if possible; None where one of them is no slope."""
        made_of = [m for m in node.inputs if self.is_backward(m)]
        if not all(self.graph.depends(m.index, self.role.parameters) for m in made_of):
            return None  # labels are no slope, even where one equals a multiple of one
        before = [self.factors(m) for m in made_of]
        if not before or not all(before):
            return None
        jumps = [c / d for c in self.factors(node) for d in before[0]]
        for jump in jumps:
            same = all(any(abs(c / d / jump - 1) <= ALIKE for c in self.factors(node) for d in ds) for ds in before[1:])
            if same and abs(jump - 1) <= ALIKE:
                return 1.0
        return jumps[0] if jumps and len(before) == 1 else None

    def is_backward(self, node: Node) -> bool:
        """Do labels go into a value? Where there are none, is it no part of the forward pass?"""
        if self.role.unlabelled and self.forward >> node.index & 1:
            return False
        return self.role.of_labels[node.index]

    def ends_statement(self, node: Node) -> bool:
        """Has a value a name, or is something made of it on another line? Half a slope is none on the way to a name."""
        return bool(node.names) or any(n.site.line != node.site.line for n in self.graph.users[node.index])

    def is_off(self, node: Node, ratio: float) -> bool:
        """Has a value as many times the factor of what right gradients are made of, of either sign; or is none right?

        Half the slope of a root, on the way to that of what it is the root of, is no mistake.
        """
        known = [abs(c * ratio) for c in self.right_scales]
        return not known or any(abs(abs(c) / d - 1) <= ALIKE for c in self.factors(node) for d in known)

    def by_chance(self, node: Node) -> bool:
        """Is a product a slope by another factor than its input's, though no number in it explains that?

        (1 - t) dA is no slope of Z with t = tanh(Z), but twice that of a part of t = (exp(2 Z) - 1) / (exp(2 Z) + 1).
        """
        beside = [m for m in node.inputs if not self.role.of_labels[m.index]]
        if node.op not in ("multiply", "divide") or len(beside) != 1 or len(node.inputs) != 2:
            return False
        if not self.graph.depends(beside[0].index, self.role.parameters):
            return False
        jump = self.jump(node)
        return jump is not None and abs(jump - 1) > ALIKE and not (self.right_scales and self.is_off(node, 1.0))

    def decays(self, node: Node, base: Node) -> bool:
        """Is a multiple of the parameter, or of a part of it, added to something that depends on labels?"""
        parts = [m for m in node.inputs if not self.role.of_labels[m.index]]
        if len(node.inputs) != 2 or len(parts) != 1 or not self.graph.depends(parts[0].index, 1 << base.index):
            return False
        return self.values(parts[0]) is not None and made_alone(self.role, parts[0], base)

    def backward(self, step: Node) -> list[Node]:
        """The ancestors of a step that depend on labels and parameters, in order."""
        bits = self.graph.above[step.index] | (1 << step.index)
        tape = self.graph.tape
        mine = (tape[k] for k in bits_of(bits) if self.role.of_labels[k] and k > self.role.begin)
        wanted = self.graph.dependent(self.role.parameters)
        return [n for n in mine if wanted[n.index]]


def first_slope(role: Roles, tapes: Sequence[Tape], reading: Reading) -> Node | None:
    """The first value of the backward pass that is the slope of something; None if none is."""
    search = Search(role, tapes, reading)
    made = {n.index: n for row in reading.rows for n in search.backward(row.update.step)}
    return next((made[k] for k in sorted(made) if made[k].op not in VIEWS and search.right(made[k])), None)


def with_most_right(role: Roles, tapes: Sequence[Tape], readings: Sequence[Reading]) -> Reading:
    """The first reading, or one that differs only in slopes at ties and has more of the backward pass right.

    At max(0, z) with z = 0 either slope is right, and sums over examples may not tell them apart. If no gradient fits a
    guessed loss, the guess with more of the backward pass right is taken.
    """
    first = readings[0]
    guessed = first.loss.node is None and first.loss.given is None and not any(first.fits)
    like = [r for r in readings if r.fits == first.fits and (r.loss is first.loss or (guessed and r.loss.node is None))]
    if len(like) < 2:
        return readings[0]
    made = {n for row in like[0].rows for n in Search(role, tapes, like[0]).backward(row.update.step)}

    def count(reading: Reading) -> int:
        search = Search(role, tapes, reading)
        return sum(search.right(node) for node in made)

    return max(like, key=count)


def is_nameless_opposite(node: Node) -> bool:
    """Is this -z within an expression, as in 1 / (1 + exp(-z))? Its slope is that by z but for the sign."""
    return node.op == "negative" and not node.names and not node.held


def laid(truth: Sequence[Array], shape: tuple[int, ...]) -> Iterator[list[Array]]:
    """A slope in the possible layouts: as it is, flat, transposed."""
    mine = truth[0].shape
    if [n for n in mine if n > 1] == [n for n in shape if n > 1] or len(shape) != len(mine) or len(mine) != 2:
        yield list(truth)
    if len(mine) == 2 and (mine == shape[::-1] or len(shape) != 2):
        yield [t.T for t in truth]
