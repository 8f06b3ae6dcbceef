"""The choices in a slope: at ties of max, at guards within logarithms, and of what is held fixed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from nnref.checking.watching.calculus.graph import bits_of, is_drawn_number
from nnref.checking.watching.calculus.guards import guard
from nnref.checking.watching.calculus.slopes import Choice, value_of
from nnref.checking.watching.meaning.losses import Loss
from nnref.checking.watching.meaning.parameters import Roles
from nnref.checking.watching.recording.tape import Node
from nnref.checking.watching.verdict.decay_terms import terms_of_decay
from nnref.checking.watching.verdict.ties import tied_largest

Tape = Sequence[Node]


def choices(role: Roles, tapes: Sequence[Tape], likely: Sequence[Loss]) -> Iterator[Choice]:
    """The slopes that may be meant: where a maximum has equal values, and of an own loss with guards of its logarithms.

    Then those of an own loss in which the largest of several outputs is a target that is held fixed; last, those in
    which the worth of an action is, beside the logarithm of its probability, as an actor's whose critic learns too.
    """
    ties = (0.0, 1.0, 0.5) if tied_anywhere(role, tapes) else (0.0,)
    equals = ("share", "first") if tied_largest(role, tapes) else ("share",)
    yield from (Choice(tie, equals=of) for of in equals for tie in ties)
    above = 0
    for loss in likely:
        above |= 0 if loss.node is None else role.graph.above[loss.node.index]
    logs = (n for n in role.graph.tape if n.op in ("log", "log2", "log10") and above >> n.index & 1)
    if any(guard(node.args[0]) for node in logs):
        yield Choice(guards=True)
    maxima = [n for n in role.graph.tape if n.op == "max" and above >> n.index & 1 and not is_shift(role, n)]
    own = [loss.node for loss in likely if loss.node is not None]
    if any(role.graph.depends(n.index, role.parameters) and goes_in_beside(role, n, own) for n in maxima):
        yield Choice(held=True)
    if fixed := frozenset(pair for node in own for pair in advantages(role, node)):
        yield Choice(fixed=fixed)


def advantages(role: Roles, loss: Node) -> Iterator[tuple[int, int]]:
    """Where a loss multiplies the logarithm of what a draw chose by something else that parameters went into."""
    graph = role.graph
    for node in (graph.tape[k] for k in bits_of(graph.above[loss.index])):
        if node.op != "multiply" or len(node.inputs) != 2:
            continue
        for likely, worth in (node.inputs, node.inputs[::-1]):
            if graph.depends(worth.index, role.parameters) and is_of_a_draw(role, likely):
                yield node.index, worth.index


def is_of_a_draw(role: Roles, node: Node) -> bool:
    """Is this ± the logarithm of a probability, and was that one drawn by such probabilities?"""
    while node.op in ("negative", "log", "view", "array", "reshape") and node.inputs:
        if node.op == "log":
            chosen = unguarded(node.inputs[0])
            places = chosen.inputs[1:] if chosen.op == "item" else ()
            drawn = (role.graph.tape[k] for m in places for k in (m.index, *bits_of(role.graph.above[m.index])))
            return any(is_drawn_number(n) for n in drawn)
        node = node.inputs[0]
    return False


def unguarded(node: Node) -> Node:
    """Through a guard, as in log(p + 1e-8), to what it is added to."""
    while node.op == "add" and len(node.inputs) == 1:
        node = node.inputs[0]
    return node


def is_shift(role: Roles, largest: Node) -> bool:
    """Is a maximum only subtracted from its own values, as before a softmax? Then it is no target."""
    of = largest.args[0]
    return all(n.op == "subtract" and n.args[0] is of for n in role.graph.users[largest.index])


def goes_in_beside(role: Roles, largest: Node, own: Sequence[Node]) -> bool:
    """Is a maximum taken of a network that also gives an output, so that one network gives both?

    Or of one that goes into a loss of the program, as where a copy of the network gives the maximum.
    """
    todo, seen = (
        [*(m.output for m in role.meetings), *own],
        {n.index for node in own for n in terms_of_decay(role, node)},
    )
    while todo:
        node = todo.pop()
        if node.index not in seen and node.op != "max":
            seen.add(node.index)
            todo += node.inputs
    mine = role.graph.above[largest.index] & role.parameters
    return all(k in seen for k in bits_of(mine))


def tied_anywhere(role: Roles, tapes: Sequence[Tape]) -> bool:
    """Is there a max(a, b) in the step with a = b somewhere? There both one-sided slopes are right."""
    for tape in tapes:
        for node in tape[role.begin + 1 : role.last + 1]:
            if node.op in ("maximum", "minimum") and len(node.args) > 1:
                a, b = (np.asarray(value_of(x)) for x in node.args[:2])
                if a.dtype.kind in "fiub" and b.dtype.kind in "fiub" and bool((a == b).any()):
                    return True
    return False
