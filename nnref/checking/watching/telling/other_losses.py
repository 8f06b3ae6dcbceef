"""A loss that a program computes with its new parameters, and that is another than the one it steps along."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from nnref.checking.watching.calculus.graph import bits_of
from nnref.checking.watching.meaning.losses import OWN_LOSS, is_proper, met_in, own
from nnref.checking.watching.meaning.parameters import Roles, next_step
from nnref.checking.watching.meaning.targets import key_of
from nnref.checking.watching.recording.tape import Node
from nnref.checking.watching.verdict.judging import judge
from nnref.checking.watching.watch import Watched


def other_loss(watched: Watched, role: Roles) -> Iterator[str]:
    """A loss of the file that is computed after the update, where the gradients fit a standard one and not this one.

    It has to be one that people mean, made of the labels that the step learns from, before or after they are changed
    entry by entry: what is looked at besides, and losses of other examples, are none.
    """
    reading, after = watched.steps[0].readings[0], next_step(role)
    if reading.loss.node is not None or not reading.all_right or after is None or after.last >= len(watched.tapes[0]):
        return
    mine = [loss for loss in own(after) if of_its_labels(after, loss) and is_proper(after, watched.tapes[0], loss)]
    if not mine:
        return
    readings = judge(after, watched.tapes, role, OWN_LOSS)
    if readings and not any(r.all_right for r in readings):
        line = watched.source.where(mine[0].site.line)
        yield f"{line} computes another loss, with the new parameters: these gradients are not its slopes"


def of_its_labels(role: Roles, loss: Node) -> bool:
    """Is a loss made of labels that the step learns from, or of what those are made of, or make, entry by entry?"""
    learnt = set[object]().union(*(made_of(role, m.labels) for m in role.meetings))
    met = [m.labels for m in met_in(role, loss)]
    return bool(met) and all(key_of(labels) in learnt or is_made_of_labels(role, labels) for labels in met)


def made_of(role: Roles, labels: Node) -> set[object]:
    """The labels, and the values of their shape that they are made of."""
    nodes = (role.graph.tape[k] for k in bits_of(role.graph.above[labels.index]))
    return {key_of(n) for n in (labels, *nodes) if n.shape == labels.shape}


def is_made_of_labels(role: Roles, node: Node) -> bool:
    """Is a value, as 1 - y is, made of labels that the step learns from?"""
    return not made_of(role, node).isdisjoint({key_of(m.labels) for m in role.meetings})


def no_loss(watched: Watched) -> str:
    """Why no loss is judged beside the gradients: the file has none, or none within the steps that were watched.

    Or it has one, and the gradients are nearer to those of another.
    """
    known = (reading.loss.node for reading in watched.steps[0].readings)
    if (mine := next((node for node in known if node is not None), None)) is not None:
        return f"less of the backward pass fits the file's own, in {watched.source.where(mine.site.line)}"
    after = next_step(watched.steps[0].roles)
    late = own(after) if after is not None and after.last < len(watched.tapes[0]) else []
    if late:
        where = watched.source.where(late[0].site.line)
        return f"the file has none before the update; {where} computes one with the new parameters"
    named = (names_made(node) for source in watched.sources for node in source.nodes)
    spoken = any(LOSSES.search(name.lower()) for names in named for name in names)
    return "none is computed in the steps that were watched" if spoken else "the file has none"


LOSSES = re.compile("loss|cost|entropy|objective|likelihood|nll|mse")
"""Words by which people name a loss."""


def names_made(node: ast.AST) -> list[str]:
    """The name of a function that is defined, or those that are assigned to."""
    if isinstance(node, ast.FunctionDef):
        return [node.name]
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AugAssign) else []
    return [ast.unparse(target) for target in targets]
