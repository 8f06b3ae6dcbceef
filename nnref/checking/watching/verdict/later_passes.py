"""Gradients of a second forward pass within a step, as of a generator after its critic: they have another loss."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from nnref.checking.watching.calculus.graph import Graph
from nnref.checking.watching.meaning.parameters import Roles
from nnref.checking.watching.verdict.verdicts import Judged

SAYS = "made by a second forward pass, after other parameters were updated: its loss is not that of the first"


def of_later_passes(role: Roles, rows: Sequence[Judged]) -> list[Judged]:
    """The rows; those computed from a second forward pass, through parameters already updated, are left open."""
    later = second_pass(role) if any(role.after[row.update.step.index] for row in rows) else 0

    def apart(row: Judged) -> bool:
        return row.verdict == "WRONG" and bool(role.graph.above[row.update.step.index] & later)

    return [
        replace(row, verdict="cannot tell", note=SAYS, factor=None, inner=None) if apart(row) else row for row in rows
    ]


def second_pass(role: Roles) -> int:
    """Values computed from an updated parameter and something else that depend on labels only through the update.

    A backward pass that uses an updated parameter by mistake is none: its slopes depend on the labels.
    """
    tape = role.graph.tape[: role.last + 1]
    new = {u.new.index for u in role.updates if u.new is not None}
    cut = {n.index for n in tape if n.index in new or (n.op == "put" and any(m.index in new for m in n.inputs))}
    graph = Graph(tape, role.graph.cut | frozenset(cut))
    bits = sum(1 << k for k in cut)
    labelled = graph.dependent(sum({1 << n.index for n in role.labels}))
    found = 0
    for node in tape:
        if node.index in cut or labelled[node.index] or node.op == "put":
            continue
        inside = [m for m in node.inputs if graph.depends(m.index, bits)]
        if inside and any(
            graph.depends(m.index, role.parameters) or m.leaf != "constant" for m in node.inputs if m not in inside
        ):
            found |= 1 << node.index
    return found
