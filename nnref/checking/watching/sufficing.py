"""Is enough of a program on the tape: two steps, or one that is long, and that the next one is like?"""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence

import numpy as np

from nnref.checking.reading.source import Source
from nnref.checking.watching.calculus.graph import Graph, bits_of
from nnref.checking.watching.meaning.parameters import Roles, next_step
from nnref.checking.watching.recording.tape import Node
from nnref.checking.watching.verdict.on_the_way import updated as updates_by_name

PLENTY = 600
"""Values of which the first step is less than half, where no second step is seen: each may make labels of its own."""

GIVEN = ("data", "labels", "table", "constant", "arange", "unknown")
"""Leaves that no program means to learn."""

SCALES = ("multiply", "divide", "array", "ravel", "reshape", "transpose", "view")
"""Operations by which drawn weights become parameters: a multiple, another type or shape."""

SHIFTS = ("add", "subtract")
"""Operations by which a number is added to all that was drawn."""

LONG = 8000
"""Values of a step after which no second one is waited for, if nothing goes from this step into that one's gradients.
"""

FILLED = ("zeros", "ones", "empty", "full", "zeros_like", "ones_like", "empty_like", "constant", "written")
"""Leaves in which a program may sum up."""


def suffices_for(role: Roles | None, tape: Sequence[Node], sources: Sequence[Source]) -> bool:
    """Are there two whole steps on the tape, or one and so much more that a second one would be seen?

    It is not a whole one while the program updates by name what went into the outputs, and did not come to that yet.
    """
    if role is None:
        return False
    if role.last >= LONG:
        left, _ = left_over(role, sources)
        if not left and begins_anew(role, sources):
            return True
    after = next_step(role)
    if after is not None and len(after.updates) >= len(role.updates):
        return True
    if len(tape) <= max(PLENTY, 2 * (role.last + 1)):
        return False
    left, known = left_over(role, sources)
    return not (left and known)


def begins_anew(role: Roles, sources: Sequence[Source]) -> bool:
    """Is every array that gradients are summed up in made in the step itself, as it will be in the next one?

    And does every step move something? One that was made before the step, or under a condition, may be kept for the
    next step: a sum that is never set back to zero, a momentum.
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
    """Is it an array that is written into, or a number to which something that depends on labels is added?"""
    if leaf.leaf not in ("constant", "written"):
        return True
    users = (n for n in role.graph.users[leaf.index] if n.op in ("add", "subtract", "entry"))
    return not np.any(leaf.value) and any(n.op == "entry" or role.of_labels[n.index] for n in users)


def is_conditional(node: Node, sources: Sequence[Source]) -> bool:
    """Is a value made under an `if` of its function, as a memory of gradients is that is made when it is first used?"""
    here = (n for source in sources if node.site.file.endswith(source.name) for n in source.nodes)
    line = node.site.line
    return any(isinstance(n, ast.If | ast.IfExp | ast.Try) and n.lineno <= line <= (n.end_lineno or line) for n in here)


def left_over(role: Roles, sources: Sequence[Source]) -> tuple[list[Node], bool]:
    """What went into the outputs, may be learnt, and was not updated; and whether the program updates it by name."""
    tape, updated, outputs = role.graph.tape, 0, 0
    for update in role.updates:
        updated |= role.graph.above[update.base.index] | (1 << update.base.index)
    for meeting in role.meetings:
        outputs |= role.graph.above[meeting.output.index]
    left = [tape[k] for k in bits_of(outputs & ~updated) if tape[k].leaf not in ("", *GIVEN)]
    left = [n for n in left if n.real and np.prod(n.shape, dtype=int) > 1]
    named = set().union(*map(updates_by_name, sources)) if left else set()
    known = any(named & spoken(update.base) for update in role.updates)
    return [n for n in left if not known or named & words_of_leaf(role.graph, n)], known


def words_of_leaf(graph: Graph, leaf: Node) -> set[str]:
    """The words in the names of a leaf, and of its copies and multiples."""
    return set().union(*map(spoken, copies_and_multiples(graph, leaf)))


def copies_and_multiples(graph: Graph, leaf: Node) -> list[Node]:
    """A leaf, and what is made of it and of numbers alone: copies and multiples, as 2 * np.random.rand(3, 4) - 1 is."""
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
