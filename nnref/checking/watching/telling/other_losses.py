"""A loss that a program computes with the new parameters, and that is not the loss of its gradients."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from nnref.checking.watching.meaning.later_steps import next_step
from nnref.checking.watching.meaning.losses import OWN_LOSS, is_proper, of_its_labels, own
from nnref.checking.watching.meaning.parameters import Roles
from nnref.checking.watching.recording.tape import Node
from nnref.checking.watching.telling.lines import place_of
from nnref.checking.watching.verdict.judging import judge
from nnref.checking.watching.watch import Watched


def other_loss(watched: Watched, role: Roles) -> Iterator[str]:
    """A note on a loss computed after the update, where the gradients are those of a standard loss instead."""
    mine, fits = late_loss(watched, role)
    if mine is not None and not fits:
        line = place_of(watched, mine.site)
        yield f"{line} computes another loss, with the new parameters: these gradients are not its slopes"


def late_loss(watched: Watched, role: Roles) -> tuple[Node | None, bool]:
    """A loss of the file computed after the update, if any, and whether all gradients are its slopes.

    It has to be a standard loss of the labels that the step learns from, also transformed entry by entry; other
    monitored numbers, and losses of other examples, do not count.
    """
    return role.graph.once(("late loss", role.last), lambda: late_loss_of(watched, role))


def late_loss_of(watched: Watched, role: Roles) -> tuple[Node | None, bool]:
    """The same, computed."""
    reading, after = watched.steps[0].readings[0], next_step(role)
    if reading.loss.node is not None or not reading.all_right or after is None or after.last >= len(watched.tapes[0]):
        return None, False
    mine = [loss for loss in own(after) if of_its_labels(after, loss) and is_proper(after, watched.tapes[0], loss)]
    readings = judge(after, watched.tapes, role, OWN_LOSS) if mine else ()
    return (mine[0], any(r.all_right for r in readings)) if readings else (None, False)


def no_loss(watched: Watched) -> str:
    """Why no loss is judged beside the gradients: the file has none, or none within the steps that were watched.

    Or it has one, and the gradients agree better with another.
    """
    known = (reading.loss.node for reading in watched.steps[0].readings)
    if (mine := next((node for node in known if node is not None), None)) is not None:
        return f"less of the backward pass fits the file's own, in {place_of(watched, mine.site)}"
    after = next_step(watched.steps[0].roles)
    late = own(after) if after is not None and after.last < len(watched.tapes[0]) else []
    if late:
        where = place_of(watched, late[0].site)
        return f"the file has none before the update; {where} computes one with the new parameters"
    named = (names_made(node) for source in watched.sources for node in source.nodes)
    spoken = any(LOSSES.search(name.lower()) for names in named for name in names)
    return "none is computed in the steps that were watched" if spoken else "the file has none"


LOSSES = re.compile("loss|cost|entropy|objective|likelihood|nll|mse")
"""Words in the names of losses."""


def names_made(node: ast.AST) -> list[str]:
    """The names that a statement defines or assigns."""
    if isinstance(node, ast.FunctionDef):
        return [node.name]
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AugAssign) else []
    return [ast.unparse(target) for target in targets]
