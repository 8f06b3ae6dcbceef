"""Labels of several outputs: a network with two tasks learns from both, and each alone updates a part of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from nnref.checking.watching.recording.tape import Node

Roles = Any
"""parameters.Roles, of which this is a part: that module imports this one."""


def of_both_outputs(best: Roles, others: Sequence[Roles]) -> Iterator[tuple[tuple[Node, ...], set[int]]]:
    """The labels of two outputs of one network, and all parameters that either of them updates."""
    mine = {u.base.index for u in best.updates}
    for other in others:
        more = {u.base.index for u in other.updates}
        leaves = all(n.leaf for n in (*best.labels, *other.labels))
        apart = not in_outputs(best, other.labels) and not in_outputs(other, best.labels)
        shared = any(other.graph.above[m.output.index] & best.parameters for m in other.meetings)
        if leaves and apart and shared and more - mine and mine - more:
            yield (*best.labels, *other.labels), mine | more


def in_outputs(role: Roles, labels: Sequence[Node]) -> bool:
    """Is an output made of these labels?"""
    bits = sum({1 << n.index for n in labels})
    return any(role.graph.depends(m.output.index, bits) for m in role.meetings)
