"""The forms in which a gradient enters an optimiser's averages: itself, minus its mean over an axis, or with decay."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from nnref.checking.watching.calculus.factors import half_of_the_digits, with_part
from nnref.checking.watching.meaning.optimisers import centred
from nnref.checking.watching.meaning.parameters import Roles
from nnref.checking.watching.meaning.updates import Update
from nnref.checking.watching.recording.tape import Node
from nnref.checking.watching.verdict.verdicts import Laid

CENTRED = "its mean over an axis is taken out of it before the step (gradient centralisation)"


def going_on(
    role: Roles, update: Update, gradient: Node, laid: Laid, tapes: Sequence[Sequence[Node]]
) -> Iterator[tuple[Laid, float, str]]:
    """The forms in which a gradient may enter: the values in every run, the decay, and a note."""
    yield laid, 0.0, ""
    if (less := centred(role, update.step, gradient)) is not None:
        yield values(tapes, less, laid), 0.0, CENTRED
    old = [np.asarray(tape[update.old.index].value, float) for tape in tapes]
    for node in decayed(role, update, gradient):
        whole = values(tapes, node, laid)
        both = with_part(whole, laid, old, half_of_the_digits(role.graph))
        if both is not None and both[0] > 0:
            yield whole, both[1] / both[0], ""


def decayed(role: Roles, update: Update, gradient: Node) -> Iterator[Node]:
    """The sums of a gradient and a term of its parameter: one for each average, if the sum has no name."""
    graph = role.graph
    for node in graph.users[gradient.index]:
        others = [m for m in node.inputs if m is not gradient and not role.of_labels[m.index]]
        inside = graph.above[update.step.index] >> node.index & 1 and node.shape == gradient.shape
        if node.op in ("add", "subtract") and inside and any(graph.depends(m.index, role.parameters) for m in others):
            yield node


def values(tapes: Sequence[Sequence[Node]], node: Node, laid: Laid) -> Laid:
    """A value in every run, laid as others are."""
    given = zip((tape[node.index].value for tape in tapes), laid, strict=True)
    return tuple(np.asarray(value, float).reshape(v.shape) for value, v in given)
