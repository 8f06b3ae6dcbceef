"""Has enough of a program been recorded: two steps, or one long step that the next one repeats?"""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence

import numpy as np

from nnref.checking.reading.source import Source
from nnref.checking.watching.calculus.graph import Graph, bits_of
from nnref.checking.watching.meaning.later_steps import late, next_step, with_late
from nnref.checking.watching.meaning.parameters import Roles
from nnref.checking.watching.recording.tape import Node
from nnref.checking.watching.verdict.on_the_way import updated as updates_by_name

PLENTY = 600
"""Recorded values after which a single step suffices, if it is less than half of them: steps may make their own
labels."""

GIVEN = ("data", "labels", "table", "constant", "arange", "unknown")
"""Kinds of leaves that are not learnt."""

SCALES = ("multiply", "divide", "array", "ravel", "reshape", "transpose", "view")
"""Operations between random numbers and initial parameters: scaling, another type or shape."""

SHIFTS = ("add", "subtract")
"""Operations that shift random numbers by a constant."""

LONG = 8000
"""Length of a step above which no second one is awaited, if nothing is carried from it into the next gradients.
"""

FILLED = ("zeros", "ones", "empty", "full", "zeros_like", "ones_like", "empty_like", "constant", "written")
"""Kinds of leaves that a program may accumulate in."""


def suffices_for(role: Roles | None, tape: Sequence[Node], sources: Sequence[Source]) -> bool:
    """Are two whole steps on the tape, or one and so much more that a second one would have begun?

    A step is not whole while the program has an update, by name, of a parameter of the outputs that is still to come.
    """
    if role is None:
        return False
    if role.last >= LONG:
        left, _ = left_over(role, sources)
        if not left and begins_anew(role, sources):
            return True
    after = next_step(role)
    if after is not None and len(after.updates) >= len(role.updates):
        waits = with_late(role) is None and late(role, after) and len(tape) <= PLENTY + 2 * (after.last + 1)
        return not waits
    if len(tape) <= max(PLENTY, 2 * (role.last + 1)):
        return False
    left, known = left_over(role, sources)
    return not (left and known)


def begins_anew(role: Roles, sources: Sequence[Source]) -> bool:
    """Is every array that accumulates gradients created in the step itself, and so in the next one?

    And does every step update something? An array made before the step, or conditionally, may be kept for the next one,
    as a sum that is never reset, or a momentum.
    """
    graph, tape = role.graph, role.graph.tape
    if any(u.step.value is None or not np.any(u.step.value) for u in role.updates):
        return False
    made = 0
    for update in role.updates:
        made |= graph.above[update.base.index] | (1 << update.base.index)
    forward = [k for k in bits_of(role.outputs & ~made) if graph.above[k] & role.parameters]
    first = min(forward, default=len(tape))
    again = {(n.leaf, n.site) for n in tape[role.last + 1 :] if n.leaf}
    for k in bits_of(role.into_updates & ~made):
        leaf = tape[k]
        if leaf.leaf not in FILLED or not is_summed_in(role, leaf):
            continue
        if (k < first and (leaf.leaf, leaf.site) not in again) or is_conditional(leaf, sources):
            return False
    return True


def is_summed_in(role: Roles, leaf: Node) -> bool:
    """Is it an array that is written into, or a number that something depending on labels is added to?"""
    if leaf.leaf not in ("constant", "written"):
        return True
    users = (n for n in role.graph.users[leaf.index] if n.op in ("add", "subtract", "entry"))
    return not np.any(leaf.value) and any(n.op == "entry" or role.of_labels[n.index] for n in users)


def is_conditional(node: Node, sources: Sequence[Source]) -> bool:
    """Is a value created under an `if` of its function, as an optimiser's memory at its first use?"""
    here = (n for source in sources if node.site.file.endswith(source.name) for n in source.nodes)
    line = node.site.line
    return any(isinstance(n, ast.If | ast.IfExp | ast.Try) and n.lineno <= line <= (n.end_lineno or line) for n in here)


def left_over(role: Roles, sources: Sequence[Source]) -> tuple[list[Node], bool]:
    """Possible parameters of the outputs without an update, and whether the program has one, by name."""
    tape, updated, outputs = role.graph.tape, 0, 0
    for update in role.updates:
        updated |= role.graph.above[update.base.index] | (1 << update.base.index)
    for meeting in role.meetings:
        outputs |= role.graph.above[meeting.output.index]
    left = [tape[k] for k in bits_of(outputs & ~updated) if tape[k].leaf not in ("", *GIVEN)]
    anew = {(n.site, n.shape) for n in tape[role.last + 1 :] if n.leaf}  # what every step draws is no parameter
    left = [n for n in left if n.real and np.prod(n.shape, dtype=int) > 1 and (n.site, n.shape) not in anew]
    named = set().union(*map(updates_by_name, sources)) if left else set()
    known = any(named & spoken(update.base) for update in role.updates)
    return [n for n in left if not known or named & words_of_leaf(role.graph, n)], known


def words_of_leaf(graph: Graph, leaf: Node) -> set[str]:
    """The words in the names of a leaf, and of its copies and multiples."""
    return set().union(*map(spoken, copies_and_multiples(graph, leaf)))


def copies_and_multiples(graph: Graph, leaf: Node) -> list[Node]:
    """A leaf, and its copies and multiples by numbers, such as 2 * np.random.rand(3, 4) - 1."""
    found = [leaf]
    for node in found:
        for n in graph.users[node.index]:
            beside = (graph.tape[k] for k in bits_of(graph.above[n.index]))
            scaled = n.op in SCALES or (n.op in SHIFTS and all(m is node or not m.shape for m in n.inputs))
            if n not in found and scaled and all(m.leaf in ("", leaf.leaf) or not m.shape for m in beside):
                found.append(n)
    return found


def spoken(node: Node) -> set[str]:
    """The words in the names of a value."""
    return set(re.findall(r"[^\W\d]\w*", " ".join(node.names))) - {"self"}
