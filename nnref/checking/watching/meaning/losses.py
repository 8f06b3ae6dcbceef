"""Which loss is meant: a scalar of the program, or a standard loss where the program has none."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from nnref.checking.watching.calculus.factors import ALIKE
from nnref.checking.watching.calculus.graph import VIEWS, Graph, as_bits, base_of, bits_of
from nnref.checking.watching.calculus.slopes import slopes, value_of
from nnref.checking.watching.meaning.micro_batches import of_one_step, of_other_examples
from nnref.checking.watching.meaning.of_units import without_units
from nnref.checking.watching.meaning.optimisers import entered
from nnref.checking.watching.meaning.other_parts import beginning
from nnref.checking.watching.meaning.parameters import Meeting, Roles
from nnref.checking.watching.meaning.standard_losses import STANDARD, bare, seeds_of, stripped
from nnref.checking.watching.meaning.targets import key_of_labels
from nnref.checking.watching.meaning.updates import replaceable
from nnref.checking.watching.recording.memory import positions
from nnref.checking.watching.recording.tape import Node, words

Array = np.ndarray[Any, Any]
Tape = Sequence[Node]

NEAR = 8
"""Number of operations before a scalar that are examined to recognise an accuracy or a distance."""

OWN_LOSS = "own"
"""Name of the program's own loss."""

OWN = 6
"""Most losses of the program that are tried."""


@dataclass(frozen=True, eq=False)
class Loss:
    """A candidate for the loss. seeds are, in each run, ∂loss/∂(some values); node is the program's own scalar.

    With gradients accumulated over micro-batches, the loss is the sum of theirs and node is the first. unweighted says
    that its terms are losses of several outputs, whose weights are unknown. distance says that it consists of absolute
    values, other than in Huber's loss: more often printed than trained on. given is a slope of the program whose loss
    is unknown; rule says that it is the difference of labels and a step function's outputs, as in the perceptron's
    rule; grows, that it is minus the program's own scalar, a likelihood.
    """

    name: str
    seeds: tuple[dict[int, Array], ...]
    node: Node | None = None
    distance: bool = False
    unweighted: bool = False
    given: Node | None = None
    rule: bool = False
    grows: bool = False


def losses(role: Roles, tapes: Sequence[Tape]) -> list[Loss]:
    """The program's own losses, then standard ones of its last outputs, then of all outputs; computed once."""
    _, _, found = role.graph.once(("losses", id(role), id(tapes)), lambda: (role, tapes, all_losses(role, tapes)))
    return found


def all_losses(role: Roles, tapes: Sequence[Tape]) -> list[Loss]:
    """The same, computed."""
    found = [
        Loss(OWN_LOSS, tuple({n.index: np.ones(n.shape) for n in terms} for _ in tapes), terms[0], distance)
        for absolute in (False, True)
        for terms in own_sums(role, absolute)
        if not is_movement(role, tapes, terms[0])
        for distance in (absolute and not is_proper(role, tapes[0], terms[0], but="absolute error"),)
    ]
    parts = [n for n in own(role, whole=False) if not is_movement(role, tapes, n)] if not found else []
    if len(role.labels) > 1 and len(parts) > 1:
        ones = {n.index: np.ones(n.shape) for n in parts}
        found = [Loss(OWN_LOSS, tuple(ones for _ in tapes), parts[0], unweighted=True)]
    outputs = stripped(role)
    if outputs and all(is_margin_alone(role, meeting) for _, meeting in outputs):
        return [*found, *hinges(outputs, tapes)]
    last = [o for o in outputs if not any(goes_into(role.graph, o[0], p[0]) for p in outputs)]
    groups = [last, *([outputs] if len(last) < len(outputs) <= 4 else [])]
    for group in groups:
        for name, slope in STANDARD.items():
            with np.errstate(all="ignore"):
                seeds = [seeds_of(group, tape, slope) for tape in tapes]
            given = tuple(s for s in seeds if s is not None and all(np.isfinite(g).all() for g in s.values()))
            if len(given) == len(tapes) and given[0]:
                found.append(Loss(name, given))
    return found


def goes_into(graph: Graph, output: Node, other: Node) -> bool:
    """Does an output depend on another? Not where it is that one's array, overwritten for the next example."""
    if not graph.above[other.index] >> output.index & 1:
        return False
    node, left = other, np.ones(np.prod(output.shape, dtype=int), bool)
    while node is not output:
        part = node.args[1] if node.op == "put" else None
        if not isinstance(part, Node) or graph.above[part.index] >> output.index & 1:
            return True
        left[positions(*node.args[2:])] = False
        node = node.args[0]
    return bool(left.any())


def own_sums(role: Roles, distances: bool) -> list[list[Node]]:
    """The program's own losses; those of accumulated micro-batches as one sum, the others by themselves."""
    alone = own(role, distances)
    together = of_one_step(role, alone)
    within = [n for loss in alone if loss not in together for n in within_monotone(loss)]
    return [*([together] if together else []), *([n] for n in (*alone, *within) if n not in together)][:OWN]


MONOTONE = words("sqrt exp log square power")
"""Functions of a loss that are reported in its place, as a root mean squared error or a perplexity."""


def within_monotone(loss: Node) -> Iterator[Node]:
    """The scalars behind such a function; which of them is trained on is found by the gradients."""
    while loss.op in MONOTONE and len(loss.inputs) == 1 and loss.inputs[0].real:
        loss = loss.inputs[0]
        yield loss


def own(role: Roles, distances: bool = False, whole: bool = True) -> list[Node]:
    """Scalars that depend on the labels and on every parameter, and that no update depends on; no accuracies.

    distances asks for those of absolute values instead; without whole, dependence on some parameter is enough.
    """
    graph, found = role.graph, []
    into, after = role.into_updates, role.after
    users = graph.users
    passed = {n.index for u in role.updates for n in entered(role, u.step)} - {m.at.index for m in role.meetings}
    gradients = sum(1 << k for k in passed if graph.depends(k, role.parameters) and not role.unlabelled)

    of_slopes = attributes_of_slopes(role)
    outputs = sum({1 << m.output.index for m in role.meetings})
    changes, moved = as_bits(node.index for node in graph.tape if is_change(node)), of_other_examples(role)
    for node in graph.tape[role.begin + 1 : role.last + 1]:
        moved |= graph.above[node.index] if is_change(node, role) else 0

    def candidate(node: Node) -> bool:
        scalar = (
            role.of_labels[node.index] and node.index > role.begin and np.prod(node.shape, dtype=int) == 1 and node.real
        )
        made_of_gradients = bool(graph.above[node.index] & gradients)
        later = node.index > role.last and not graph.above[node.index] & outputs  # run again from the same start
        used = into >> node.index & 1 and node.op != "sqrt"  # the slope of a root is divided by it
        used = used and not {h.attribute for h in node.held} > of_slopes > set()  # self.grad = self.data, for a 1
        changed = graph.depends(node.index, changes) or bool(moved >> node.index & 1)
        return scalar and not after[node.index] and not used and not made_of_gradients and not later and not changed

    replaced = {u.new.index for u in replaceable(graph) if u.new is not None}
    back = passed_back(role)
    for node in graph.tape:
        if not candidate(node) or node.op in SHOWN or is_entry(node) or node.index in replaced:
            continue
        if node.held and all(held.attribute in of_slopes for held in node.held):
            continue  # where objects hold their values and slopes, as those of an input
        if (graph.above[node.index] | 1 << node.index) & back:
            continue
        if any(after[n.index] and np.prod(n.shape, dtype=int) > 1 for n in users[node.index]):
            continue  # a bias without a recorded first value meets the new parameters
        if is_difference(role, node) or is_step(role, node) or is_margin(role, node) or is_size(role, node):
            continue
        mine = graph.above[node.index] & role.parameters
        if not mine or (whole and mine != role.parameters):
            continue
        if measured_by(node, role) != ({"abs"} if distances else set()):
            continue
        if not any(candidate(m) for m in used_by(graph, node)):
            found.append(node)
    return without_units(role, found)


def attributes_of_slopes(role: Roles) -> set[str]:
    """The attributes by which objects of the program hold what they are moved along, as p.grad is."""
    held = (next((n.held for n in entered(role, u.step) if n.held), []) for u in role.updates)
    return {one.attribute for some in held for one in some}


def is_size(role: Roles, node: Node) -> bool:
    """Is this the norm of an already summed value, as of a bias gradient in a gradient check?

    The norm of all differences of outputs and labels is a loss.
    """
    while node.op in ("add", "divide", "multiply") and isinstance(node.args[0], Node):
        node = node.args[0]
    of = node.inputs[0] if node.op == "norm" and node.inputs else None
    return of is not None and all(np.prod(of.shape) < np.prod(m.at.shape) for m in role.meetings)


SHOWN = words("view array round")
"""Operations that prepare a loss for display."""


def passed_back(role: Roles) -> int:
    """Slopes passed back through weights, as a bit set: values where labels met outputs, times a parameter.

    None where data are the labels, as of a critic: there the forward pass through a second layer would count too.
    """
    graph, found = role.graph, 0
    met = as_bits(m.at.index for m in role.meetings if m.at.real)  # a sample drawn from outputs is no slope
    for node in () if role.unlabelled else graph.tape[role.begin + 1 :]:
        if node.op not in JOINS or not role.of_labels[node.index]:
            continue
        slope = any(graph.depends(m.index, met) for m in node.inputs)
        if slope and any(role.parameters >> base_of(m).index & 1 for m in node.inputs):
            found |= 1 << node.index
    return found


JOINS = words("matmul dot inner einsum tensordot vdot")
"""Operations that multiply by weights, forward and backward."""


def used_by(graph: Graph, node: Node) -> Iterator[Node]:
    """The uses of a value, and of its copies (such as float(x)), views and rounded values."""
    for user in graph.users[node.index]:
        if user.op in SHOWN:
            yield from used_by(graph, user)
        else:
            yield user


def is_change(node: Node, within: Roles | None = None) -> bool:
    """Is this the change of a number: of a loss since the last step, or in a difference quotient?

    within asks for the latter: both numbers belong to one step.
    """
    if within is not None and not all(within.begin < n.index <= within.last for n in node.inputs):
        return False
    if node.op != "subtract" or len(node.args) != 2 or node.shape:
        return False
    a, b = node.args
    same = isinstance(a, Node) and isinstance(b, Node) and (a.op, a.site) == (b.op, b.site) and a is not b
    return same or any(np.ndim(v) == 0 and np.isinf(v) for v in map(value_of, (a, b)) if isinstance(v, float | int))


def same_labels(role: Roles, loss: Node) -> bool:
    """Does a loss depend on exactly the labels that the step learns from?"""
    learnt = {key_of_labels(m.labels) for m in role.meetings}
    return learnt == {key_of_labels(m.labels) for m in met_in(role, loss)}


def concerns(role: Roles, loss: Node) -> bool:
    """Does a loss belong to this step, by the inputs of its outputs or by its labels?

    The loss of one example, printed between two steps, is not that of the second step's batch.
    """
    graph, known = role.graph, role.parameters
    shared = (k for k in bits_of(graph.above[loss.index] & role.outputs) if k > role.begin)
    return any(graph.depends(k, known) and not known >> k & 1 for k in shared) or same_labels(role, loss)


def of_its_labels(role: Roles, loss: Node) -> bool:
    """Does a loss depend on labels that the step learns from, or on values that are these up to an entrywise
    function?"""
    learnt = set[object]().union(*(made_of(role, m.labels) for m in role.meetings))
    met = [m.labels for m in met_in(role, loss)]
    return bool(met) and all(key_of_labels(labels) in learnt or is_made_of_labels(role, labels) for labels in met)


def made_of(role: Roles, labels: Node) -> set[object]:
    """The labels, and the values of their shape that they were computed from."""
    nodes = (role.graph.tape[k] for k in bits_of(role.graph.above[labels.index]))
    return {key_of_labels(n) for n in (labels, *nodes) if n.shape == labels.shape}


def is_made_of_labels(role: Roles, node: Node) -> bool:
    """Is a value, such as 1 - y, computed from labels that the step learns from?"""
    return not made_of(role, node).isdisjoint({key_of_labels(m.labels) for m in role.meetings})


def is_meant_too(role: Roles, tapes: Sequence[Tape], loss: Node, fits: str) -> bool:
    """Is a loss a standard one, of outputs that are computed again after meeting the same labels in the step?

    Outputs computed differently, as without dropout, are not those of the gradients. fits is the loss that the
    gradients agree with: beside another loss, a distance from the labels is only monitored.
    """
    steps, met = [bare(m.output, role) for m in role.meetings], list(met_in(role, loss))
    shown = [bare(m.output, role) for m in met if is_made_of_labels(role, m.labels)]

    def equal(a: Node, b: Node) -> bool:
        return all(np.array_equal(np.asarray(t[a.index].value), np.asarray(t[b.index].value)) for t in tapes)

    same = all(any(equal(a, b) for b in steps) for a in shown)
    found = set(losses_with_these_slopes(role, tapes[0], loss)) if same and 0 < len(shown) == len(met) else set[str]()
    return fits in found or bool(found - DISTANCES)


DISTANCES = frozenset(["squared error", "Huber error of width 1", "absolute error"])
"""Losses that people also monitor when they train on another."""


def met_in(role: Roles, loss: Node) -> Iterator[Meeting]:
    """The meetings of outputs and labels on the way to a loss."""
    graph = role.graph
    for k in bits_of(graph.above[loss.index] | 1 << loss.index):
        node = graph.tape[k]
        forward = [m for m in node.inputs if not role.of_labels[m.index] and graph.depends(m.index, role.parameters)]
        labels = [m for m in node.inputs if role.of_labels[m.index] and not graph.above[m.index] & role.parameters]
        if forward and labels:
            yield Meeting(forward[0], labels[0], node)


def is_entry(node: Node) -> bool:
    """Is this one entry of a larger array, such as P[i, y[i]], or an element of a loop? Then it is no loss."""
    if node.kwargs.get("each"):
        return True
    return node.op in ("item", "entry") and bool(node.inputs) and np.prod(node.inputs[0].shape, dtype=int) > 1


def is_movement(role: Roles, tapes: Sequence[Tape], node: Node) -> bool:
    """Is this number, in every run, the direction of a parameter's step, as with a slope computed in advance?"""
    values = [np.ravel(tape[node.index].value) for tape in tapes]
    if not all(v.size == 1 and v.dtype.kind == "f" and v.all() and np.isfinite(v).all() for v in values):
        return False
    for update in role.updates:
        for gradient in entered(role, update.step) if np.prod(update.step.shape, dtype=int) == 1 else ():
            others = [np.ravel(tape[gradient.index].value) for tape in tapes]
            if all(np.allclose(np.abs(v), np.abs(o), rtol=ALIKE, atol=0) for v, o in zip(values, others, strict=True)):
                return True
    return False


def is_difference(role: Roles, node: Node) -> bool:
    """Is this labels minus outputs, a multiple of it, or its mean? It has no minimum, and so is no loss."""
    graph, parameters = role.graph, role.parameters
    while node.op in VIEWS or node.op in ("multiply", "divide", "negative", "mean", "sum"):
        learning = [m for m in node.inputs if graph.depends(m.index, parameters)]
        if len(learning) != 1 or (node.op == "divide" and learning[0] is not node.args[0]):
            return False
        node = learning[0]
    alone = (role.of_labels[m.index] and not graph.above[m.index] & parameters for m in node.inputs)
    return node.op == "subtract" and len(node.inputs) == 2 and any(alone)


def is_margin_alone(role: Roles, meeting: Meeting) -> bool:
    """Does a label of 1 or −1 multiply an output only for a comparison, and the product go into no update?"""
    sides = np.abs(np.asarray(meeting.labels.value, float)) == 1
    return meeting.at.op == "multiply" and not role.into_updates >> meeting.at.index & 1 and bool(sides.all())


def hinges(outputs: Sequence[tuple[Node, Meeting]], tapes: Sequence[Tape]) -> Iterator[Loss]:
    """The hinge loss, for margins that decide whether an example is learnt from, be it a single one of label 1."""
    seeds = [seeds_of(outputs, tape, lambda A, Y: -Y * (Y * A < 1)) for tape in tapes]
    if len(given := tuple(s for s in seeds if s)) == len(tapes):
        yield Loss("hinge", given)


def is_margin(role: Roles, node: Node) -> bool:
    """Is this a label times an output without a name, as in y * (x @ w) >= 1? It is a margin and no loss."""
    if node.names or node.op != "multiply" or len(node.inputs) != 2:
        return False
    graph = role.graph
    label, output = sorted(node.inputs, key=lambda m: graph.depends(m.index, role.parameters))
    made = [graph.tape[k].leaf for k in bits_of(graph.above[label.index] | (1 << label.index)) if graph.tape[k].leaf]
    given = not graph.depends(label.index, role.parameters) and any(leaf != "constant" for leaf in made)
    return given and not output.op.startswith("log")


def is_step(role: Roles, node: Node) -> bool:
    """Is this a part of the step of one entry, in a loop over a parameter's entries?"""
    todo, seen = [node], {node.index}
    while todo:
        part = todo.pop()
        for user in role.graph.users[part.index]:
            for old in user.inputs if user.op in ("subtract", "add") else ():
                array = beginning(base_of(old.args[0]) if old.op in ("item", "entry", "view") and old.args else old)
                if old is not part and array is not old and role.parameters >> array.index & 1:
                    return True
            if user.op in OF_NUMBERS and user.index not in seen and np.prod(user.shape, dtype=int) == 1:
                seen.add(user.index)
                todo.append(user)
    return False


OF_NUMBERS = words("add subtract multiply divide negative")
"""Operations between the slope of an entry and its step."""


def is_proper(role: Roles, tape: Tape, loss: Node, but: str = "") -> bool:
    """Is the program's own loss a standard one, other than `but`, for its labels?"""
    return any(True for _ in losses_with_these_slopes(role, tape, loss, but))


def losses_with_these_slopes(role: Roles, tape: Tape, loss: Node, but: str = "") -> Iterator[str]:
    """The standard losses, other than `but`, that have the slopes of the program's own loss."""
    graph = role.graph
    met: dict[int, tuple[Node, Meeting]] = {}
    for meeting in met_in(role, loss):
        met.setdefault(bare(meeting.output, role).index, (bare(meeting.output, role), meeting))
    wanted = graph.dependent(role.parameters)
    own_slopes, _ = slopes(tape, {loss.index: np.ones(loss.shape)}, wanted)
    for name, standard in STANDARD.items():
        seeds = seeds_of(list(met.values()), tape, standard) if name != but else None
        if not seeds or any(k not in own_slopes for k in seeds):
            continue
        # Any number is a multiple of any other, so all outputs are compared together.
        groups = [list(seeds)] if but else [[k] for k in seeds]
        same = all(
            are_proportional(*(np.concatenate([np.ravel(s[k]) for k in g]) for s in (own_slopes, seeds)))
            for g in groups
        )
        if same and (not but or sum(np.count_nonzero(seeds[k]) for k in seeds) > 1):
            yield name


def are_proportional(a: Array, b: Array) -> bool:
    """Is one array a multiple of another, to half of the digits?"""
    x, y = np.ravel(a), np.ravel(b)
    norm = float(np.linalg.norm(x) * np.linalg.norm(y))
    return bool(np.isfinite(norm)) and norm > 0 and float(x @ y) >= norm * (1 - float(np.finfo(float).eps) ** 0.5)


def is_measure(node: Node, role: Roles) -> bool:
    """Is this an accuracy, which has no slope, or a mean distance, which is rarely trained on?"""
    return bool(measured_by(node, role))


def measured_by(node: Node, role: Roles) -> set[str]:
    """The operations of accuracies and distances shortly before a scalar, on outputs and not on labels alone."""
    near: set[str] = set()
    todo = [(node, 0)]
    while todo:
        n, depth = todo.pop()
        near |= {n.op} if role.graph.depends(n.index, role.parameters) else set()
        if depth < NEAR:
            todo += [(m, depth + 1) for m in n.inputs if role.of_labels[m.index]]
    return near & {"abs", "equal", "argmax", "not_equal", "round", "int"}


def describe(loss: Loss, where: Callable[[int], str]) -> str:
    """The loss in words."""
    if loss.node is None:
        return f"{loss.name} (no loss of the program's own)"
    name = next(iter(loss.node.names), "")
    return f"the program's own loss{f' {name}' if name else ''}, {where(loss.node.site.line)}"


__all__ = ["Loss", "describe", "losses", "own"]
