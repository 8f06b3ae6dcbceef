"""Which loss is meant: a scalar of the program's own, or one of those that people mean where theirs has none."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from nnref.checking.watching.calculus.graph import VIEWS, Graph, as_bits, base_of, bits_of
from nnref.checking.watching.calculus.slopes import GUARD, slopes, value_of
from nnref.checking.watching.meaning.micro_batches import of_one_step
from nnref.checking.watching.meaning.optimisers import entered
from nnref.checking.watching.meaning.other_parts import beginning
from nnref.checking.watching.meaning.parameters import Meeting, Roles
from nnref.checking.watching.meaning.targets import key_of
from nnref.checking.watching.meaning.updates import replaceable
from nnref.checking.watching.recording.memory import positions
from nnref.checking.watching.recording.tape import Node, words

Array = np.ndarray[Any, Any]
Tape = Sequence[Node]

NEAR = 8
"""How many operations before a scalar are looked at to see that it is an accuracy or a distance."""

OWN_LOSS = "own"
"""What a loss of the program's own is called."""

OWN = 6
"""Losses of the program's own that are tried, the first ones."""


@dataclass(frozen=True, eq=False)
class Loss:
    """A loss that may be meant. seeds give, in each run, ∂loss/∂(some values); node is the program's own scalar.

    Where the program adds up the gradients of micro-batches, the loss is the sum of theirs, and node is the first.
    unweighted says that its terms are losses of several outputs, with weights that the program does not say.
    distance says that it is made of absolute values, and no Huber error: more often printed than trained on.
    given is the program's own slope of a loss that is not known; rule says that it is the difference of labels and of
    outputs that are those of a step, as in the perceptron's rule.
    """

    name: str
    seeds: tuple[dict[int, Array], ...]
    node: Node | None = None
    distance: bool = False
    unweighted: bool = False
    given: Node | None = None
    rule: bool = False


def losses(role: Roles, tapes: Sequence[Tape]) -> list[Loss]:
    """The program's own losses, then the standard ones of its last outputs, then of all of them."""
    found = [
        Loss(OWN_LOSS, tuple({n.index: np.ones(n.shape) for n in terms} for _ in tapes), terms[0], distance)
        for absolute in (False, True)
        for terms in own_sums(role, absolute)
        for distance in (absolute and not is_proper(role, tapes[0], terms[0], but="absolute error"),)
    ]
    if not found and len(role.labels) > 1 and len(terms := own(role, whole=False)) > 1:
        ones = {n.index: np.ones(n.shape) for n in terms}
        found = [Loss(OWN_LOSS, tuple(ones for _ in tapes), terms[0], unweighted=True)]
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
    """Is an output made of another? Not where it is the array of that one, written over by the next example."""
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
    """The program's own losses: those of micro-batches whose gradients are added up together, the others one by one."""
    alone = own(role, distances)
    together = of_one_step(role, alone)
    within = [n for loss in alone if loss not in together for n in within_monotone(loss)]
    return [*([together] if together else []), *([n] for n in (*alone, *within) if n not in together)][:OWN]


MONOTONE = words("sqrt exp log square power")
"""Functions of a loss that are shown in its place: a root mean squared error, a perplexity."""


def within_monotone(loss: Node) -> Iterator[Node]:
    """The scalars of which a scalar is such a function: which one is trained on, the gradients say."""
    while loss.op in MONOTONE and len(loss.inputs) == 1 and loss.inputs[0].real:
        loss = loss.inputs[0]
        yield loss


def own(role: Roles, distances: bool = False, whole: bool = True) -> list[Node]:
    """Scalars that depend on the labels and on every parameter, and that no update is made of; measures are none.

    distances asks for those instead that are made of absolute values; without whole, some parameter is enough.
    """
    graph, found = role.graph, []
    into, after = role.into_updates, role.after
    users = graph.users
    passed = {n.index for u in role.updates for n in entered(role, u.step)} - {m.at.index for m in role.meetings}
    gradients = sum(1 << k for k in passed if graph.depends(k, role.parameters))

    outputs = sum({1 << m.output.index for m in role.meetings})

    def candidate(node: Node) -> bool:
        scalar = (
            role.of_labels[node.index] and node.index > role.begin and np.prod(node.shape, dtype=int) == 1 and node.real
        )
        made_of_gradients = bool(graph.above[node.index] & gradients)
        later = node.index > role.last and not graph.above[node.index] & outputs  # another run from the same beginning
        used = into >> node.index & 1 and node.op != "sqrt"  # the slope of a root is divided by it
        return scalar and not after[node.index] and not used and not made_of_gradients and not later

    replaced = {u.new.index for u in replaceable(graph) if u.new is not None}
    back = passed_back(role)
    for node in graph.tape:
        if not candidate(node) or node.op in SHOWN or chosen(node) or node.index in replaced:
            continue
        if (graph.above[node.index] | 1 << node.index) & back:
            continue
        if any(after[n.index] and np.prod(n.shape, dtype=int) > 1 for n in users[node.index]):
            continue  # a bias whose first value was not seen meets the new parameters
        if is_difference(role, node) or is_step(role, node) or is_margin(role, node):
            continue
        mine = graph.above[node.index] & role.parameters
        if not mine or (whole and mine != role.parameters):
            continue
        if measured_by(node, role) != ({"abs"} if distances else set()):
            continue
        if not any(candidate(m) for m in used_by(graph, node)):
            found.append(node)
    return found


SHOWN = words("view array round")
"""Operations by which a loss is shown; it is the loss itself that is trained on."""


def passed_back(role: Roles) -> int:
    """Slopes that are passed back through weights, as bits: of what labels and outputs met in, times a parameter.

    Where data are labels, as a critic's, all that goes forward through a second layer is that too.
    """
    graph, found = role.graph, 0
    met = as_bits(m.at.index for m in role.meetings if m.at.real)  # what is drawn from outputs is no slope
    for node in () if role.unlabelled else graph.tape[role.begin + 1 :]:
        if node.op not in JOINS or not role.of_labels[node.index]:
            continue
        slope = any(graph.depends(m.index, met) for m in node.inputs)
        if slope and any(role.parameters >> base_of(m).index & 1 for m in node.inputs):
            found |= 1 << node.index
    return found


JOINS = words("matmul dot inner einsum tensordot vdot")
"""Operations by which weights come in, and by which slopes are passed back through them."""


def used_by(graph: Graph, node: Node) -> Iterator[Node]:
    """What is made of a value, be it of a copy, as float(x) is, of a view, or of the value rounded."""
    for user in graph.users[node.index]:
        if user.op in SHOWN:
            yield from used_by(graph, user)
        else:
            yield user


def same_labels(role: Roles, loss: Node) -> bool:
    """Is a loss made of the labels, all and no others, that the step learns from?"""
    learnt = {key_of(m.labels) for m in role.meetings}
    return learnt == {key_of(m.labels) for m in met_in(role, loss)}


def concerns(role: Roles, loss: Node) -> bool:
    """Is a loss of this step: made of what its outputs are made of in the step, or of its labels?

    That of one example, printed between two steps, says nothing of the batch that the second one learns from.
    """
    graph, known = role.graph, role.parameters
    shared = (k for k in bits_of(graph.above[loss.index] & role.outputs) if k > role.begin)
    return any(graph.depends(k, known) and not known >> k & 1 for k in shared) or same_labels(role, loss)


def met_in(role: Roles, loss: Node) -> Iterator[Meeting]:
    """Where outputs meet labels on the way to a loss."""
    graph = role.graph
    for k in bits_of(graph.above[loss.index] | 1 << loss.index):
        node = graph.tape[k]
        forward = [m for m in node.inputs if not role.of_labels[m.index] and graph.depends(m.index, role.parameters)]
        labels = [m for m in node.inputs if role.of_labels[m.index] and not graph.above[m.index] & role.parameters]
        if forward and labels:
            yield Meeting(forward[0], labels[0], node)


def chosen(node: Node) -> bool:
    """Is this one entry of a larger array, as P[i, y[i]] is, or of many that are gone through? It is no loss."""
    if node.kwargs.get("each"):
        return True
    return node.op in ("item", "entry") and bool(node.inputs) and np.prod(node.inputs[0].shape, dtype=int) > 1


def is_difference(role: Roles, node: Node) -> bool:
    """Is this a label minus an output, or a multiple of it? It grows for ever, and nobody goes down it."""
    graph, parameters = role.graph, role.parameters
    while node.op in VIEWS or node.op in ("multiply", "divide", "negative"):
        learning = [m for m in node.inputs if graph.depends(m.index, parameters)]
        if len(learning) != 1 or (node.op == "divide" and learning[0] is not node.args[0]):
            return False
        node = learning[0]
    alone = (role.of_labels[m.index] and not graph.above[m.index] & parameters for m in node.inputs)
    return node.op == "subtract" and len(node.inputs) == 2 and any(alone)


def is_margin_alone(role: Roles, meeting: Meeting) -> bool:
    """Does a label of 1 or -1 multiply an output only to ask on which side it is, and goes that into no update?"""
    sides = np.abs(np.asarray(meeting.labels.value, float)) == 1
    return meeting.at.op == "multiply" and not role.into_updates >> meeting.at.index & 1 and bool(sides.all())


def hinges(outputs: Sequence[tuple[Node, Meeting]], tapes: Sequence[Tape]) -> Iterator[Loss]:
    """The hinge of margins that decide whether an example is learnt from, be it one alone, with a label of 1."""
    seeds = [seeds_of(outputs, tape, lambda A, Y: -Y * (Y * A < 1)) for tape in tapes]
    if len(given := tuple(s for s in seeds if s)) == len(tapes):
        yield Loss("hinge", given)


def is_margin(role: Roles, node: Node) -> bool:
    """Is this a label times an output that has no name, as y * (x @ w) >= 1 begins with? It decides, and is no loss."""
    if node.names or node.op != "multiply" or len(node.inputs) != 2:
        return False
    graph = role.graph
    label, output = sorted(node.inputs, key=lambda m: graph.depends(m.index, role.parameters))
    made = [graph.tape[k].leaf for k in bits_of(graph.above[label.index] | (1 << label.index)) if graph.tape[k].leaf]
    given = not graph.depends(label.index, role.parameters) and any(leaf != "constant" for leaf in made)
    return given and not output.op.startswith("log")


def is_step(role: Roles, node: Node) -> bool:
    """Is this what an entry of a parameter is moved by, where the entries are gone through one by one?"""
    for user in role.graph.users[node.index]:
        for old in user.inputs if user.op in ("subtract", "add") else ():
            array = beginning(base_of(old.args[0]) if old.op in ("item", "entry", "view") and old.args else old)
            if old is not node and array is not old and role.parameters >> array.index & 1:
                return True
    return False


def is_proper(role: Roles, tape: Tape, loss: Node, but: str = "") -> bool:
    """Is the program's own loss one of those that people mean, but for one, with the labels that it takes?"""
    graph = role.graph
    met: dict[int, tuple[Node, Meeting]] = {}
    for meeting in met_in(role, loss):
        met.setdefault(bare(meeting.output, role).index, (bare(meeting.output, role), meeting))
    wanted = graph.dependent(role.parameters)
    own_slopes, _ = slopes(tape, {loss.index: np.ones(loss.shape)}, wanted)
    for standard in (slope for name, slope in STANDARD.items() if name != but):
        seeds = seeds_of(list(met.values()), tape, standard)
        if not seeds or any(k not in own_slopes for k in seeds):
            continue
        # One number is a multiple of any other: what is to be told apart from something is seen at all outputs at once.
        groups = [list(seeds)] if but else [[k] for k in seeds]
        if all(alike(*(np.concatenate([np.ravel(s[k]) for k in g]) for s in (own_slopes, seeds))) for g in groups):
            return not but or sum(seeds[k].size for k in seeds) > 1
    return False


def alike(a: Array, b: Array) -> bool:
    """Is one array a multiple of another, to half of the digits?"""
    x, y = np.ravel(a), np.ravel(b)
    norm = float(np.linalg.norm(x) * np.linalg.norm(y))
    return bool(np.isfinite(norm)) and norm > 0 and float(x @ y) >= norm * (1 - float(np.finfo(float).eps) ** 0.5)


def is_measure(node: Node, role: Roles) -> bool:
    """Is this an accuracy, which nobody takes the slope of, or a mean distance, which few do?"""
    return bool(measured_by(node, role))


def measured_by(node: Node, role: Roles) -> set[str]:
    """The operations near a scalar, on outputs and not on labels alone, by which accuracies and distances are made."""
    near: set[str] = set()
    todo = [(node, 0)]
    while todo:
        n, depth = todo.pop()
        near |= {n.op} if role.graph.depends(n.index, role.parameters) else set()
        if depth < NEAR:
            todo += [(m, depth + 1) for m in n.inputs if role.of_labels[m.index]]
    return near & {"abs", "equal", "argmax", "not_equal", "round", "int"}


def stripped(role: Roles) -> list[tuple[Node, Meeting]]:
    """The outputs: what meets the labels, without log, 1 −, clip and the small numbers that guard them.

    One that is compared with several labels, as with all words around one, is there as often.
    """
    found: dict[tuple[int, int], tuple[Node, Meeting]] = {}
    labels = sum({1 << n.index for n in role.labels})
    for meeting in role.meetings:
        output = bare(meeting.output, role)
        met = role.graph.above[meeting.labels.index] | (1 << meeting.labels.index)
        key = output.index, met & labels
        if key not in found or plainer(meeting, found[key][1]):
            found[key] = output, meeting
    return list(found.values())


def plainer(a: Meeting, b: Meeting) -> bool:
    """Does one meeting show the labels themselves sooner than the other: in a difference, and not as 1 - y?"""
    return (a.at.op == "subtract", a.labels.op != "subtract") > (b.at.op == "subtract", b.labels.op != "subtract")


def bare(node: Node, role: Roles) -> Node:
    """log(A), log(A + ε), 1 − A, clip(A), A.copy(): A; but A + b where b is a parameter that began as a number."""

    def counts(part: Node) -> bool:
        return part.leaf != "constant" or bool(role.parameters >> part.index & 1)

    while True:
        first = node.args[0] if node.args else None
        if node.op in ("log", "log2", "log10", "array", "clip") and isinstance(first, Node):
            node = first
        elif node.op in ("add", "subtract", "maximum", "minimum", "negative"):
            nodes = [a for a in node.args if isinstance(a, Node) and counts(a)]
            rest = [float(value_of(a)) for a in node.args if a not in nodes and np.ndim(value_of(a)) == 0]
            guards = all(0 < abs(c) < GUARD or 0 < abs(1 - abs(c)) < GUARD for c in rest)
            if len(nodes) != 1 or len(rest) != len(node.args) - 1 or (node.op.startswith("m") and not guards):
                return node
            node = nodes[0]
        else:
            return node


def seeds_of(
    group: Sequence[tuple[Node, Meeting]], tape: Tape, slope: Callable[[Array, Array], Array]
) -> dict[int, Array] | None:
    """∂loss/∂outputs in one run; None if labels and outputs do not fit together."""
    found: dict[int, Array] = {}
    for output, meeting in group:
        A = np.asarray(tape[output.index].value, float)
        Y = one_hot(tape[output.index], met_labels(tape, meeting), tape[meeting.at.index])
        if Y is None or Y.shape != A.shape:
            return None
        found[output.index] = found.get(output.index, 0.0) + slope(A, Y)
    return found


def met_labels(tape: Tape, meeting: Meeting) -> Node:
    """The labels that are met there in this run: a list that is shuffled has others at this place of the tape.

    Minus the labels, as in -Y / P, are the labels.
    """
    here, place = tape[meeting.at.index].inputs, meeting.at.inputs.index(meeting.labels)
    met = here[place] if place < len(here) else tape[meeting.labels.index]
    return met.inputs[0] if met.op == "negative" and met.inputs else met


def one_hot(output: Node, labels: Node, at: Node) -> Array | None:
    """The labels as an array of the output's shape; indices become ones."""
    A, v = np.asarray(output.value), np.asarray(labels.value)
    if at.op in ("item", "put_at", "entry") or (v.dtype.kind in "iu" and v.shape != A.shape and at.op != "subtract"):
        try:
            Y = np.zeros(A.shape)
            Y[value_of(at.args[1])] = 1
        except (IndexError, TypeError, ValueError):
            return None
        return Y
    if v.size == A.size == 1:
        return v.astype(float).reshape(A.shape)  # w @ x - y[i] where y has a column
    try:
        return np.broadcast_to(v.astype(float), A.shape)
    except ValueError:
        return None


def softmax(A: Array, Y: Array) -> Array:
    """Softmax over the axis along which the labels are distributions."""
    axis = -1 if np.allclose(Y.sum(-1), 1) else 0
    E = np.exp(A - A.max(axis, keepdims=True))
    return E / E.sum(axis, keepdims=True)


STANDARD: dict[str, Callable[[Array, Array], Array]] = {
    "squared error": lambda A, Y: A - Y,
    "cross-entropy": lambda A, Y: np.where(Y != 0, -Y / np.where(A == 0, 1, A), 0.0),
    "binary cross-entropy": lambda A, Y: (A - Y) / np.where(A * (1 - A) == 0, 1, A * (1 - A)),
    "hinge": lambda A, Y: -Y * (Y * A < 1) if (Y < 0).any() else A * np.nan,
    "softmax cross-entropy of scores": lambda A, Y: softmax(A, Y) - Y if A.ndim else A * np.nan,
    "sigmoid cross-entropy of scores": lambda A, Y: 1 / (1 + np.exp(-A)) - Y,
    "Huber error of width 1": lambda A, Y: np.clip(A - Y, -1, 1),
    "absolute error": lambda A, Y: np.sign(A - Y),
}
"""∂loss/∂output of the losses that people mean, up to a factor."""


def describe(loss: Loss, where: Callable[[int], str]) -> str:
    """The loss in words."""
    if loss.node is None:
        return f"{loss.name} (no loss of the program's own)"
    name = next(iter(loss.node.names), "")
    return f"the program's own loss{f' {name}' if name else ''}, {where(loss.node.site.line)}"


__all__ = ["STANDARD", "Loss", "bits_of", "describe", "losses", "own", "stripped"]
