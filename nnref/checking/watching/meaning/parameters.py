"""Labels, outputs and parameters, found by what the program does with them.

The labels are the leaf that meets a value made of the most parameters. A parameter is an array that depends on no label
and that the program replaces by itself plus or minus something that depends on the labels and on the parameter.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from itertools import islice

import numpy as np

from nnref.checking.watching.calculus.graph import VIEWS, Graph, base_of
from nnref.checking.watching.meaning.likely_labels import CANDIDATES, LIKELIHOOD, candidates
from nnref.checking.watching.meaning.several_labels import of_both_outputs
from nnref.checking.watching.recording.tape import Node, words

MADE_ON_THE_WAY = words("arange zeros ones empty full linspace zeros_like ones_like empty_like eye identity")
"""Leaves that a program makes to index and to fill; they are the labels only where nothing else is."""


SHORT = "self."
"""What is left out of a name that is shown."""


@dataclass(frozen=True, eq=False)
class Update:
    """One replacement of a parameter: new = old − step, or old + step where sign is −1.

    step is what the optimiser made of the gradient. new is None where the program only returns the gradient.
    """

    old: Node
    step: Node
    new: Node | None
    sign: int
    name: str = ""

    @cached_property
    def base(self) -> Node:
        """The parameter, of which `old` may be a view or an entry."""
        return base_of(self.old)

    @property
    def end(self) -> Node:
        """The last value of the update."""
        return self.new or self.step


@dataclass(frozen=True, eq=False)
class Meeting:
    """Where a value that depends on parameters and no label meets one that depends on labels and no parameter."""

    output: Node
    labels: Node
    at: Node


@dataclass(frozen=True, eq=False)
class Roles:
    """What the values of one step are to the program. of_labels[k] says whether value k depends on the labels.

    labels are the values from which they come: a leaf, or those parts of a table that show one column. The step begins
    after value `begin`. idle are new values that are computed and that the next step does not use.
    """

    graph: Graph
    labels: tuple[Node, ...]
    of_labels: Sequence[bool]
    updates: tuple[Update, ...]
    meetings: tuple[Meeting, ...]
    begin: int = -1
    idle: tuple[Update, ...] = ()

    @cached_property
    def parameters(self) -> int:
        """The parameters, as a set of bits."""
        return sum({1 << u.base.index for u in self.updates})

    @cached_property
    def into_updates(self) -> int:
        """Everything that the updates are made of, as bits."""
        found = 0
        for update in self.updates:
            found |= self.graph.above[update.step.index] | (1 << update.step.index)
        return found

    @cached_property
    def last(self) -> int:
        """The index of the last value of the step."""
        return max(update.end.index for update in self.updates)

    @cached_property
    def after(self) -> list[bool]:
        """Which values are made of an updated parameter."""
        new = sum({1 << u.new.index for u in self.updates if u.new is not None})
        return [self.graph.depends(n.index, new) for n in self.graph.tape]


def roles(graph: Graph, pairs: Sequence[tuple[str, Node, Node]] = ()) -> Roles | None:
    """The labels, parameters and outputs of the first step on a tape; None where nothing is updated by labels."""
    found: list[tuple[tuple[object, ...], Roles]] = []
    for labels in islice(candidates(graph), CANDIDATES):
        role = step(graph, labels, pairs)
        if role is None:
            continue
        reached = [bin((graph.above[m.output.index] | 1 << m.output.index) & role.parameters) for m in role.meetings]
        own = {u.base.index for u in role.updates}
        if len(own) > 1 and all(m.output.index in own for m in role.meetings):
            continue  # what only parameters meet are the data
        key: tuple[object, ...] = (
            any(m.output.index not in own for m in role.meetings),
            max(bits.count("1") for bits in reached),
            labels[0].leaf == "labels",
            any(compares(m) for m in role.meetings),
            all(is_kept(graph, u) for u in role.updates),  # h = W x + b replaces no b
            -min(u.end.index for u in role.updates),
            labels[0].leaf not in MADE_ON_THE_WAY,
            labels[0].leaf != "random",
            -sum(role.of_labels[: role.last + 1]),
            -LIKELIHOOD.get(labels[0].leaf, 6),
        )
        found.append((key, role))
    if not found:
        return None
    key, best = max(found, key=lambda pair: pair[0])
    if (together := all_made_there(graph, best, pairs)) is not None:
        return only_what_reaches(together)
    for other, role in found:
        if other[0] == key[0] and made_of(role, best):
            best = role
    for labels, bases in of_both_outputs(best, [role for _, role in found]):
        both = step(graph, labels, pairs)
        if both is not None and {u.base.index for u in both.updates} >= bases:
            return only_what_reaches(both)
    return only_what_reaches(best)


def compares(meeting: Meeting) -> bool:
    """May this be where labels meet outputs? What is added is a bias, and one number that multiplies many, a rate."""
    scales = meeting.at.op in ("multiply", "divide") and np.prod(meeting.labels.shape, dtype=int) == 1
    return meeting.at.op != "add" and not (scales and np.prod(meeting.output.shape, dtype=int) > 1)


def is_kept(graph: Graph, update: Update) -> bool:
    """Does the new value get a name, or is it written into an array, as W[k] -= step does?"""
    new = update.new
    return new is None or bool(new.names) or any(n.op == "put" for n in graph.users[new.index])


def all_made_there(graph: Graph, best: Roles, pairs: Sequence[tuple[str, Node, Node]]) -> Roles | None:
    """The same with all leaves as labels that were made where these were, example by example; None if that is none."""
    first = best.labels[0]
    there = tuple(n for n in graph.tape if n.leaf == first.leaf and n.site == first.site and n.shape == first.shape)
    if len(best.labels) > 1 or not first.leaf or not first.site.line or len(there) < 2:
        return None
    role = step(graph, there, pairs)
    own = {u.base.index for u in role.updates} if role is not None else set()
    if role is None or not {u.base.index for u in best.updates} <= own:
        return None
    return role if any(m.output.index not in own for m in role.meetings) else None


def made_of(role: Roles, other: Roles) -> bool:
    """Are the labels of the other made of these alone, as 1 - y is of y?"""
    (labels, *more), (others, *_) = role.labels, other.labels
    return not more and not labels.leaf and bool(role.graph.above[others.index] >> labels.index & 1)


def step(
    graph: Graph, labels: tuple[Node, ...], pairs: Sequence[tuple[str, Node, Node]] = (), begin: int = -1
) -> Roles | None:
    """What the values after `begin` are, with these labels; None if no parameter is updated by them."""
    bits = sum({1 << n.index for n in labels})
    by_labels = (u for u in replaceable(graph) if u.end.index > begin and graph.depends(u.step.index, bits))
    if not pairs and all(graph.depends(u.old.index, bits) for u in by_labels):
        return None
    of_labels = graph.dependent(bits)
    found, idle = updates(graph, of_labels, pairs, begin)
    role = Roles(graph, labels, of_labels, found, (), begin, idle)
    met = tuple(meetings(role)) if found else ()
    return replace(role, meetings=met) if met else None


def next_step(role: Roles) -> Roles | None:
    """The step after one: what was computed until then, and depends on parameters, is what this one begins from."""
    graph = role.graph
    old = [n.index for n in graph.tape[: role.last + 1] if graph.depends(n.index, role.parameters)]
    after = step(Graph(graph.tape, graph.cut | frozenset(old)), role.labels, (), role.last)
    if after is None:
        return None
    seen = set(old)
    mine = [u for u in after.updates if u.base.index not in seen or any(continues(b, u) for b in role.updates)]
    return only_what_reaches(replace(after, updates=tuple(mine))) if mine else None


def continues(before: Update, now: Update) -> bool:
    """Is this the update of what the other one made?"""
    base, new = now.base, before.new
    return new is not None and (base is base_of(new) or (base.op == "put" and new in base.inputs))


def updates(
    graph: Graph, of_labels: Sequence[bool], pairs: Sequence[tuple[str, Node, Node]], begin: int
) -> tuple[tuple[Update, ...], tuple[Update, ...]]:
    """The first replacement of every parameter, or of every part of one; and those that take no parameter's place."""
    found: dict[tuple[int, ...], Update] = {}
    for name, old, gradient in pairs:
        if gradient.index < len(of_labels) and of_labels[gradient.index] and not of_labels[old.index]:
            found[old.index, -1] = Update(old, gradient, None, 1, name)
    paired = {key[0]: u for key, u in found.items()}
    for update in replaceable(graph):
        if update.end.index <= begin or not of_labels[update.step.index] or of_labels[update.old.index]:
            continue
        if (pair := paired.get(update.base.index)) is None:
            found.setdefault(key_of(update.old), update)
        elif update.old is pair.old and times(update.step, pair.step) and takes_its_place(graph, update):
            # What the program itself does with a gradient that it returns says more: which way it goes, and how far.
            found[pair.old.index, -1] = replace(update, name=pair.name)
    first = [u for u in found.values() if not any(averages(graph, u, o) for o in found.values())]
    whole = [u for u in first if not superseded(graph, u, first)]
    whole = [u for u in whole if not any(is_velocity(graph, u, o) for o in whole)]
    placed = {id(u): takes_its_place(graph, u) for u in whole}
    bases = sum({1 << u.base.index for u in whole if placed[id(u)]})
    own = [u for u in whole if not graph.above[u.base.index] & bases]
    idle = [u for u in own if placed[id(u)] is None and not bases >> u.base.index & 1]
    return tuple(u for u in own if placed[id(u)]), tuple(idle)


def times(step: Node, gradient: Node) -> bool:
    """Is a step a gradient, or a number times it?"""
    number = any(m is not gradient and np.prod(m.shape, dtype=int) > 1 for m in map(base_of, step.inputs))
    return step is gradient or (step.op in ("multiply", "divide") and gradient in step.inputs and not number)


def key_of(node: Node) -> tuple[int, ...]:
    """A parameter, or the part of it that a view or an entry shows. A copy of the whole of it is no other one."""
    base = base_of(node)
    if node is base or not node.args or node.op == "array":
        return (base.index,)
    return base.index, hash(str(node.args[1:])) if node.op in ("view", "item", "entry") else 0


@lru_cache(maxsize=4)
def replaceable(graph: Graph) -> tuple[Update, ...]:
    """Every old − step and old + step where the step depends on the old, which is made of floats."""
    return tuple(update for node in graph.tape for update in replacements(graph, node))


def replacements(graph: Graph, node: Node) -> Iterator[Update]:
    """Old − step and old + step, the step made of the old too."""
    if node.op not in ("subtract", "add") or len(node.args) != 2 or node.kwargs.get("where", True) is not True:
        return
    ways = ((0, 1, 1),) if node.op == "subtract" else ((0, 1, -1), (1, 0, -1))
    for i, j, sign in ways:
        old, step = node.args[i], node.args[j]
        if not isinstance(old, Node) or not isinstance(step, Node) or old.shape != node.shape or not number(old):
            continue
        if graph.above[step.index] >> base_of(old).index & 1:
            yield Update(old, step, node, sign)


def number(node: Node) -> bool:
    """Is the value made of floats, or of whole numbers that were written out as a parameter's first value?"""
    return node.real or isinstance(node.value, int) or getattr(node.value, "dtype", np.dtype(bool)).kind in "iu"


def superseded(graph: Graph, update: Update, others: Sequence[Update]) -> bool:
    """Is what looks like a new parameter only a part of the step of another update of it, as dW + λ W is?"""
    new = update.new
    if new is None:
        return False
    bit = 1 << new.index
    return any(o is not update and o.base is update.base and graph.depends(o.step.index, bit) for o in others)


def averages(graph: Graph, update: Update, other: Update) -> bool:
    """Is what looks like a new parameter an average of old ones and of one with which the program has gone on?"""
    if other is update or other.new is None or other.base is not update.base:
        return False
    return graph.depends(update.step.index, 1 << other.new.index) and goes_on(graph, other)


def goes_on(graph: Graph, update: Update) -> bool:
    """Does the program compute with the new value what it computed with the old one?"""
    new = update.end
    before = {n.site for n in uses(graph, update.base) if n.index < new.index}
    return any(n.site in before and n.index > new.index for n in uses(graph, new))


def is_velocity(graph: Graph, update: Update, other: Update) -> bool:
    """Is what looks like a parameter what another one is moved by, entry by entry, as v is in W + v?"""
    todo, seen = [other.step], set[int]()
    if update.new is None or other.base is update.base or not graph.depends(other.step.index, 1 << update.new.index):
        return False
    while todo:
        node = todo.pop()
        if node is update.new:
            return True
        if node.index not in seen and node.op in BY_ENTRY and node.shape == other.step.shape:
            seen.add(node.index)
            todo += node.inputs
    return False


BY_ENTRY = words("add subtract multiply divide negative array view")
"""How a velocity enters a step."""


def takes_its_place(graph: Graph, update: Update) -> bool | None:
    """Does the program go on with the new value? None if it goes on with the old one, False if it has another name."""
    new = update.new
    if new is None:
        return True
    if goes_on(graph, update):
        return True
    before = {n.site for n in uses(graph, update.base) if n.index < new.index}
    if any(n.site in before and n.index > new.index for n in uses(graph, update.base)):
        return None
    had, has = {last_part(n) for n in (*update.base.names, *update.old.names)}, {last_part(n) for n in new.names}
    return not had or not has or bool(had & has)


def uses(graph: Graph, node: Node) -> Iterator[Node]:
    """What is made of a value, or of a copy, a view, or the array of which it became a part."""
    todo, seen = [node], set()
    while todo:
        for user in graph.users[todo.pop().index]:
            if user.index in seen:
                continue
            seen.add(user.index)
            if user.op in VIEWS or user.op in ("put", "item"):
                todo.append(user)
            if user.op not in VIEWS and user.op != "put":
                yield user


def parameter_name(base: Node, new: Node | None = None, otherwise: str = "") -> str:
    """What the program calls a parameter."""
    names = (
        [n for n in base.names if n.startswith(SHORT)]
        or [*base.names, *(new.names if new is not None else [])]
        or [otherwise or f"line {base.site.line}"]
    )
    return names[0].removeprefix(SHORT)


def last_part(name: str) -> str:
    """What follows the last dot, or a word in brackets: W1 of self.W1 and params['W1']; [0] keeps its brackets."""
    return name.rsplit(".", 1)[-1] if "[" not in name else name[name.index("[") :].removeprefix("['").removesuffix("']")


def meetings(role: Roles) -> Iterator[Meeting]:
    """Every operation in which a value that depends on parameters and no label meets one of labels and no parameter."""
    graph, of_labels, parameters = role.graph, role.of_labels, role.parameters
    into = role.into_updates
    for node in graph.tape[role.begin + 1 : role.last + 1]:
        if not of_labels[node.index] or not into >> node.index & 1:
            continue
        forward = [m for m in node.inputs if not of_labels[m.index] and graph.depends(m.index, parameters)]
        labels = [m for m in node.inputs if of_labels[m.index] and not graph.above[m.index] & parameters]
        if forward and labels:
            yield Meeting(forward[0], labels[0], node)


def only_what_reaches(role: Roles) -> Roles | None:
    """Without what is no part of any output."""
    reached = 0
    for meeting in role.meetings:
        reached |= role.graph.above[meeting.output.index] | (1 << meeting.output.index)
    kept = tuple(u for u in role.updates if reached >> u.base.index & 1)
    functions = {u.end.site.function for u in kept}
    new = sum({1 << u.new.index for u in kept if u.new is not None})
    idle = tuple(
        u
        for u in role.idle
        if reached >> u.base.index & 1 and u.end.site.function in functions and not role.graph.above[u.end.index] & new
    )
    return replace(role, updates=kept, idle=idle) if kept else None
