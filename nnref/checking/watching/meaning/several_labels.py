"""Labels of several outputs: a network with two tasks, each of which updates a part of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from nnref.checking.watching.recording.tape import Node

Roles = Any
"""parameters.Roles, of which this is a part: that module imports this one."""


def of_both_outputs(best: Roles, others: Sequence[Roles]) -> Iterator[tuple[tuple[Node, ...], set[int]]]:
    """The roles with the labels of two outputs of one network, and all parameters that either updates.

    The second output must have its own parameters. Something that goes into the first output and follows other values
    than its labels, such as the running scale of the outputs, is no second task.
    """
    mine = {u.base.index for u in best.updates}
    for other in others:
        more = {u.base.index for u in other.updates}
        given = not any(
            r.graph.above[n.index] & r.parameters for r in (best, other) for n in (*best.labels, *other.labels)
        )
        apart = not in_outputs(best, other.labels) and not in_outputs(other, best.labels)
        shared = other.outputs & best.parameters
        own = any(not best.outputs >> base & 1 for base in more - mine)
        if given and apart and shared and own and mine - more:
            yield (*best.labels, *other.labels), mine | more


def in_outputs(role: Roles, labels: Sequence[Node]) -> bool:
    """Does an output depend on one of these labels?"""
    return bool(role.outputs & sum({1 << n.index for n in labels}))
