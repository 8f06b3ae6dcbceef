"""Labels, outputs and parameters, found by what the program does with them.

The labels are the leaf that meets the value that depends on the most parameters. A parameter is an array that depends
on no label, and that the program replaces by itself ± something that depends on the labels and on the parameter.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property, partial
from itertools import islice

import numpy as np

from nnref.checking.watching.calculus.graph import Graph, as_bits, base_of, bits_of
from nnref.checking.watching.meaning.likely_labels import CANDIDATES, LIKELIHOOD, label_candidates, minus
from nnref.checking.watching.meaning.other_parts import beginning, other_parts, tables_of_rows, without_later_parts
from nnref.checking.watching.meaning.several_labels import of_both_outputs
from nnref.checking.watching.meaning.updates import (
    Update,
    additions,
    goes_on,
    is_done_again,
    is_kept,
    keeps_its_name,
    key_of_parameter,
    number,
    replaceable,
    superseded,
    takes_its_place,
    times,
    velocities,
    without_averages,
    without_parts,
)
from nnref.checking.watching.recording.tape import Node, nodes_of, words

MADE_ON_THE_WAY = words("arange zeros ones empty full linspace zeros_like ones_like empty_like eye identity")
"""Arrays made for indexing or filling; they are taken for labels only if nothing else can be."""


@dataclass(frozen=True, eq=False)
class Meeting:
    """Where a value that depends on parameters and no label meets one that depends on labels and no parameter."""

    output: Node
    labels: Node
    at: Node


@dataclass(frozen=True, eq=False)
class Roles:
    """The roles of the values in one step. of_labels[k] says whether value k depends on the labels.

    labels are their sources: a leaf, or the selections of one column of a table. The step begins after value `begin`.
    idle are updated values that the next step does not use. In a program without labels, such as a critic, unlabelled
    is set and labels are some of the data.
    """

    graph: Graph
    labels: tuple[Node, ...]
    of_labels: Sequence[bool]
    updates: tuple[Update, ...]
    meetings: tuple[Meeting, ...]
    begin: int = -1
    idle: tuple[Update, ...] = ()
    unlabelled: bool = False

    @cached_property
    def parameters(self) -> int:
        """The parameters, as a set of bits."""
        return as_bits(u.base.index for u in self.updates)

    @cached_property
    def compared(self) -> list[Meeting]:
        """The meetings with outputs; what meets a parameter itself, its rows or its decay are data."""
        own = {u.base.index for u in self.updates}
        return [m for m in self.meetings if base_of(m.output).index not in own and not is_decay(self, m)]

    @cached_property
    def outputs(self) -> int:
        """The outputs that meet labels, with their ancestors, as a bit set."""
        found = 0
        for meeting in self.meetings:
            found |= self.graph.above[meeting.output.index] | (1 << meeting.output.index)
        return found

    @cached_property
    def into_updates(self) -> int:
        """The ancestors of all updates, as a bit set."""
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
        """For every value: does it depend on an updated parameter?"""
        new = as_bits(u.new.index for u in self.updates if u.new is not None)
        return self.graph.dependent(new)


def roles_of_step(graph: Graph, pairs: Sequence[tuple[str, Node, Node]] = ()) -> Roles | None:
    """The labels, parameters and outputs of the first step on a tape; None where nothing is updated by labels."""
    found, data_alone = list[Roles](), list[Roles]()
    for labels in islice(label_candidates(graph), CANDIDATES):
        role = step(graph, labels, pairs)
        if role is not None and may_be_labels(role):
            alone = len({u.base.index for u in role.updates}) > 1 and not role.compared
            (data_alone if alone else found).append(role)  # what only meets parameters is data
    return only_what_reaches(with_further_labels(found, pairs)) if found else of_density(data_alone)


def may_be_labels(role: Roles) -> bool:
    """Can these be the labels of a first step: no data, no velocity, no initial state and no parameter?"""
    labels = role.labels
    if begins_late(role.graph, role) or any(read_beside(labels[0], u.base) for u in role.updates):
        return False
    if is_velocity_of_zero(role) or are_learnt(role.graph, labels, role):
        return False
    # The initial state of a recurrent network is made on the way, and added to its input, as a drawn bias is.
    return labels[0].leaf not in {*MADE_ON_THE_WAY, "random"} or any(map(compares, role.meetings))


def evidence(role: Roles) -> tuple[object, ...]:
    """What speaks for these labels, to be compared with others: the first difference decides."""
    above, leaf = role.graph.above, role.labels[0].leaf
    reached = (((above[m.output.index] | 1 << m.output.index) & role.parameters).bit_count() for m in role.meetings)
    return (
        bool(role.compared),
        max(reached),
        leaf == "labels",
        any(compares(m) for m in role.meetings),
        all(is_kept(role.graph, u) for u in role.updates),  # h = W x + b replaces no b
        -min(u.end.index for u in role.updates),
        leaf not in MADE_ON_THE_WAY,
        leaf != "random",
        any(m.at.op == "subtract" for m in role.meetings),
        -sum(role.of_labels[: role.last + 1]),
        -LIKELIHOOD.get(leaf, 6),
    )


def with_further_labels(found: Sequence[Roles], pairs: Sequence[tuple[str, Node, Node]]) -> Roles:
    """The roles with most evidence; with further labels, tables or outputs of the step, where there are any."""
    best = max(found, key=evidence)
    graph = best.graph
    if (together := all_made_there(graph, best, found, pairs)) is not None:
        return together
    for role in found:
        if bool(role.compared) == bool(best.compared) and made_of(role, best):
            best = role
    if (more := with_all_rows(graph, best, pairs)) is not None:
        return more
    for labels, bases in of_both_outputs(best, found):
        both = step(graph, labels, pairs)
        if both is not None and {u.base.index for u in both.updates} >= bases:
            return both
    return best


def with_all_rows(graph: Graph, best: Roles, pairs: Sequence[tuple[str, Node, Node]]) -> Roles | None:
    """The roles in a step on tables updated by rows, such as word vectors; None if fewer tables are learnt so.

    The indices of rows are the only data: there are no labels, and the loss is the program's own.
    """
    tables = as_bits(tables_of_rows(graph))
    if not tables & ~best.parameters:
        return None
    first = (n for n in graph.tape[: best.last] if n.op == "item")
    rows = (n for n in first if tables >> beginning(base_of(n.args[0])).index & 1)
    places = {m.index: m for n in rows for m in nodes_of(n.args[1]) if m.leaf != "constant"}
    labels = tuple(places[k] for k in sorted(places))
    role = step(graph, labels, pairs) if labels else None
    if role is None or best.parameters & ~role.parameters or role.parameters == best.parameters:
        return None
    return replace(role, unlabelled=True)


def begins_late(graph: Graph, role: Roles) -> bool:
    """Was every parameter updated before on the same lines? Then this is not the first step."""
    made = {u.new.index: u.end.site for u in replaceable(graph) if u.new is not None}
    return all(u.new is not None and made.get(u.base.index) == u.end.site for u in role.updates)


def of_density(found: Sequence[Roles]) -> Roles | None:
    """The data of a density model, such as a mixture of Gaussians, without labels: the data meet only parameters.

    A parameter such as a mean is subtracted from them; data that are only multiplied by weights belong to a network.
    """
    subtracted = [role for role in found if any(m.at.op == "subtract" for m in role.meetings)]
    likely = subtracted or [replace(role, unlabelled=True) for role in found]
    return max(likely, key=lambda role: (len(role.updates), not role.labels[0].leaf), default=None)


def are_learnt(graph: Graph, labels: tuple[Node, ...], role: Roles) -> bool:
    """Are these labels also replaced by themselves ± something that depends on parameters?

    An expression y - p without a name, or with another, does not replace y.
    """
    mine = {n.index for n in labels}
    steps = (
        u for u in replaceable(graph) if made_of_alone(u.base, mine) and graph.depends(u.step.index, role.parameters)
    )
    return any(goes_on(graph, u) or keeps_its_name(u) for u in steps)


def made_of_alone(node: Node, those: set[int]) -> bool:
    """Is a value one of those, or one scaled and shifted by numbers, as random() - 0.5 is?"""
    while node.index not in those:
        made = [m for m in node.inputs if m.leaf != "constant"]
        if len(made) != 1 or node.op not in ("add", "subtract", "multiply", "divide"):
            return False
        node = made[0]
    return True


def read_beside(label: Node, base: Node) -> bool:
    """Were both numbers read from one file on one line? Then they are data, even if one is rescaled."""
    return label.leaf == base.leaf == "parsed" and label.site == base.site


def is_velocity_of_zero(role: Roles) -> bool:
    """Are these labels a velocity that is initially the number 0, and meets only values of the parameters' shapes?"""
    shapes = {u.base.shape for u in role.updates}
    alone = all(np.size(m.labels.value) == 1 and m.labels.value == 0 for m in role.meetings)
    added = all(m.at.op in ("add", "subtract") and m.at.shape in shapes for m in role.meetings)
    return alone and added and any(np.prod(m.at.shape, dtype=int) > 1 for m in role.meetings)


def compares(meeting: Meeting) -> bool:
    """Can this be a meeting of labels and outputs? An addend is a bias, and a number times an array a rate.

    A sum with a negated operand is a difference, as in a class with a - b = a + b * -1.
    """
    scales = meeting.at.op in ("multiply", "divide") and np.prod(meeting.labels.shape, dtype=int) == 1
    added = meeting.at.op == "add" and not (minus(meeting.labels) or minus(meeting.output))
    return not added and not (scales and np.prod(meeting.output.shape, dtype=int) > 1)


def all_made_there(
    graph: Graph, best: Roles, found: Sequence[Roles], pairs: Sequence[tuple[str, Node, Node]]
) -> Roles | None:
    """The same roles with all labels that were made on the same line, example by example; None if that does not work.

    Values computed from labels, such as -y, count only if several are computed on that line in the step.
    """
    first = best.labels[0]
    kind = (first.leaf, first.op, first.site, first.shape)
    alike = (n for n in graph.tape if (n.leaf, n.op, n.site, n.shape) == kind)
    there = tuple(n for n in alike if n.leaf or not graph.above[n.index] & best.parameters)
    if len(best.labels) > 1 or not first.site.line or len(there) < 2:
        return None
    mine = {n for n in there if n.index <= best.last}
    computed = not first.leaf and not all(is_part(n, base_of(first)) for n in there)
    if computed and (len(mine) < 2 or not mine <= {n for role in found for n in role.labels}):
        return None
    role = without_data(step(graph, there, pairs), pairs)
    bits = role.parameters if role is not None else 0
    if role is None or not all(graph.depends(u.base.index, bits) for u in best.updates):
        return None  # the update of a later example depends on that of the first
    return role if role.compared else None


def is_part(node: Node, table: Node) -> bool:
    """Is a value a part of a given table, such as one row?"""
    return bool(table.leaf) and base_of(node) is table


def without_data(role: Roles | None, pairs: Sequence[tuple[str, Node, Node]] = ()) -> Roles | None:
    """The roles without labels that are data, though made on the labels' line, as the words of a text."""
    if role is None or len(role.labels) < 2 or len(role.compared) == len(role.meetings):
        return role
    data = 0
    for meeting in set(role.meetings) - set(role.compared):
        data |= role.graph.above[meeting.labels.index] | (1 << meeting.labels.index)
    labels = tuple(n for n in role.labels if not data >> n.index & 1)
    return step(role.graph, labels, pairs, role.begin) if labels else None


def made_of(role: Roles, other: Roles) -> bool:
    """Are the other's labels computed from these alone, as 1 - y from y?"""
    (labels, *more), (others, *_) = role.labels, other.labels
    return not more and not labels.leaf and bool(role.graph.above[others.index] >> labels.index & 1)


def step(
    graph: Graph, labels: tuple[Node, ...], pairs: Sequence[tuple[str, Node, Node]] = (), begin: int = -1
) -> Roles | None:
    """The roles of the values after `begin` with these labels; None if they update no parameter."""
    bits = sum({1 << n.index for n in labels})
    by_labels = (u for u in replaceable(graph) if u.end.index > begin and graph.depends(u.step.index, bits))
    if not pairs and all(graph.depends(u.old.index, bits) for u in by_labels):
        return None
    of_labels = graph.dependent(bits)
    found, idle = updates(graph, of_labels, pairs, begin)
    if not found:  # for p, g in …: p = p - rate * g, by which no parameter is changed
        found = idle = tuple(u for u in idle if u.end.of_loop)
    role = Roles(graph, labels, of_labels, found, (), begin, idle)
    met = tuple(meetings(role)) if found else ()
    if not met:
        return None
    role = replace(role, meetings=met)
    if all(is_decay(role, m) for m in met) and (beside := tuple(margins(role))):
        role = replace(role, meetings=beside)
    role = replace(role, updates=tuple(without_later_parts(graph, found)))
    role = replace(role, updates=(*role.updates, *by_labels_alone(role)))
    return replace(role, updates=(*role.updates, *other_parts(graph, of_labels, role.updates, role.outputs, begin)))


def by_labels_alone(role: Roles) -> Iterator[Update]:
    """Parameters whose step depends on labels but not on themselves, as with a hinge in an `if`.

    They go into an output, and are replaced where others are, by a value that goes into no output.
    """
    graph, known = role.graph, role.parameters
    outputs = beside_labels(role)
    functions = {(u.end.site.file, u.end.site.function) for u in role.updates}
    forward = {graph.tape[k].site for k in bits_of(outputs)}
    for node in graph.tape[role.begin + 1 :]:
        if node.op not in ("subtract", "add") or not role.of_labels[node.index] or node.site in forward:
            continue
        old, step = node.args
        if not isinstance(old, Node) or not isinstance(step, Node) or old.shape != node.shape or not number(old):
            continue
        update = Update(old, step, node, 1 if node.op == "subtract" else -1)
        mine, here = 1 << update.base.index, (node.site.file, node.site.function) in functions
        inside = bool(outputs & mine) and not outputs >> node.index & 1 and not known & mine
        if not here or not inside or role.of_labels[old.index] or graph.depends(step.index, mine):
            continue
        if not graph.above[update.base.index] & role.parameters and takes_its_place(graph, update):
            known |= mine
            yield update


def beside_labels(role: Roles) -> int:
    """Values of parameters and no label that meet a label in the step, even to be printed; with their ancestors."""
    graph, found = role.graph, 0
    for node in graph.tape[role.begin + 1 : role.last + 1]:
        for m in node.inputs if role.of_labels[node.index] else ():
            if not role.of_labels[m.index] and graph.above[m.index] & role.parameters:
                found |= graph.above[m.index] | (1 << m.index)
    return found


def updates(
    graph: Graph, of_labels: Sequence[bool], pairs: Sequence[tuple[str, Node, Node]], begin: int
) -> tuple[tuple[Update, ...], tuple[Update, ...]]:
    """The first update of every parameter, or of every part of one; and new values that are not used."""
    found: dict[tuple[int, ...], Update] = {}
    for name, old, gradient in pairs:
        if gradient.index < len(of_labels) and of_labels[gradient.index] and not of_labels[old.index]:
            found[old.index, -1] = Update(old, gradient, None, 1, name)
    paired = {key[0]: u for key, u in found.items()}
    onward = cache(partial(goes_on, graph))
    mine = [u for u in replaceable(graph) if u.end.index > begin]
    forward = {(n.site, base) for n, base, step in additions(graph) if not of_labels[step]}  # x + f(x), done again
    for update in mine:
        known = of_labels[update.step.index] and not of_labels[update.old.index]
        if not known or (update.end.site, update.base.index) in forward or is_done_again(graph, update):
            continue
        if (pair := paired.get(update.base.index)) is None:
            first = found.setdefault(key_of_parameter(update.old), update)
            if superseded(graph, first, [update]) and not onward(first):
                found[key_of_parameter(update.old)] = update  # g = w - C x y is the slope of a hinge, and no new w
        elif update.old is pair.old and times(update.step, pair.step) and takes_its_place(graph, update):
            # The program's own use of a returned gradient is preferred, as it shows the sign and the rate.
            found[pair.old.index, -1] = replace(update, name=pair.name)
    same: dict[int, list[Update]] = {}
    for update in found.values():
        same.setdefault(update.base.index, []).append(update)
    kept = {u for group in same.values() for u in without_parts(graph, without_averages(graph, group, onward))}
    whole = [u for u in found.values() if u in kept]
    moved = velocities(graph, whole)
    whole = [u for u in whole if u not in moved]
    placed = {id(u): takes_its_place(graph, u) for u in whole}
    bases = as_bits(u.base.index for u in whole if placed[id(u)])
    own = [u for u in whole if not graph.above[u.base.index] & bases]
    idle = [u for u in own if placed[id(u)] is None and not bases >> u.base.index & 1]
    return tuple(u for u in own if placed[id(u)]), tuple(idle)


def meetings(role: Roles) -> Iterator[Meeting]:
    """Every operation on a value that depends on parameters only and one that depends on labels only."""
    graph, of_labels, parameters = role.graph, role.of_labels, role.parameters
    into = role.into_updates
    for node in graph.tape[role.begin + 1 : role.last + 1]:
        if not of_labels[node.index] or not into >> node.index & 1:
            continue
        forward = [m for m in node.inputs if not of_labels[m.index] and graph.depends(m.index, parameters)]
        labels = [m for m in node.inputs if of_labels[m.index] and not graph.above[m.index] & parameters]
        if forward and labels:
            yield Meeting(forward[0], labels[0], node)


def is_decay(role: Roles, meeting: Meeting) -> bool:
    """Is the value that meets labels a multiple of a parameter, as in 2 λ w - y x? That is no output."""
    node = meeting.output
    while base_of(node) is node and node.op in ("multiply", "divide", "negative"):
        made = [m for m in node.inputs if role.graph.depends(m.index, role.parameters)]
        if len(made) != 1 or made[0].shape != node.shape:
            return False
        node = made[0]
    return (
        bool(role.parameters >> base_of(node).index & 1) and bool(node.shape) and meeting.at.op in ("add", "subtract")
    )


def margins(role: Roles) -> Iterator[Meeting]:
    """The products of labels and outputs that are only compared, as in the `if` of a hinge."""
    graph, of_labels = role.graph, role.of_labels
    for node in graph.tape[role.begin + 1 : role.last + 1]:
        if node.op != "multiply" or len(node.inputs) != 2 or role.into_updates >> node.index & 1:
            continue
        label, output = sorted(node.inputs, key=lambda m: not of_labels[m.index])
        made = graph.depends(output.index, role.parameters) and not graph.above[label.index] & role.parameters
        if of_labels[label.index] and not of_labels[output.index] and made:
            yield Meeting(output, label, node)


def only_what_reaches(role: Roles) -> Roles | None:
    """The roles without parameters that go into no output."""
    reached = role.outputs
    beside = {u.base.index for u in role.updates if not role.graph.depends(u.step.index, 1 << u.base.index)}
    kept = tuple(u for u in role.updates if reached >> u.base.index & 1 or (u.new and u.base.index in beside))
    functions = {u.end.site.function for u in kept}
    new = sum({1 << u.new.index for u in kept if u.new is not None})
    idle = tuple(
        u
        for u in role.idle
        if reached >> u.base.index & 1 and u.end.site.function in functions and not role.graph.above[u.end.index] & new
    )
    return replace(role, updates=kept, idle=idle) if kept else None
