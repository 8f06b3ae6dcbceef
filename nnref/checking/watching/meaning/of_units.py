"""Scalars that are computed on one line, each of another part of the parameters alone, as distances to units are."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np

from nnref.checking.watching.calculus.graph import bits_of
from nnref.checking.watching.calculus.slopes import value_of
from nnref.checking.watching.meaning.parameters import Roles
from nnref.checking.watching.recording.memory import positions
from nnref.checking.watching.recording.tape import Node, Site

Parts = dict[int, frozenset[int]]


def without_units(role: Roles, scalars: Sequence[Node]) -> list[Node]:
    """The scalars but for those of which none is a loss of the step: the next one is of other units of a map."""
    lines: dict[Site, list[Node]] = {}
    for node in scalars:
        lines.setdefault(node.site, []).append(node)
    units = {n for nodes in lines.values() if len(nodes) > 1 and are_apart(role, nodes) for n in nodes}
    return [node for node in scalars if node not in units]


def are_apart(role: Roles, nodes: Sequence[Node]) -> bool:
    """Is each of these made of parts of the parameters that none of the others is made of?"""
    parts = [parts_of(role, node) for node in nodes]
    return not any(one[k] & other[k] for one, other in combinations(parts, 2) for k in one.keys() & other.keys())


def parts_of(role: Roles, node: Node) -> Parts:
    """The entries of every parameter that a value is made of."""
    graph = role.graph
    above = graph.above[node.index] | (1 << node.index)
    found: Parts = {}
    for k in bits_of(above & role.parameters):
        base = graph.tape[k]
        users = (user for user in graph.users[k] if above >> user.index & 1)
        found[k] = frozenset[int]().union(*(entries(base, user) for user in users))
    return found


def entries(base: Node, user: Node) -> frozenset[int]:
    """The entries of an array that one of its uses shows: all, but of a part."""
    whole = np.arange(np.prod(base.shape, dtype=int))
    if user.op == "view" and user.args[0] is base:
        return frozenset(whole[positions(*user.args[1:])].ravel().tolist())
    if user.op in ("item", "entry") and user.args[0] is base:
        return frozenset(np.ravel(whole.reshape(base.shape)[value_of(user.args[1])]).tolist())
    return frozenset(whole.tolist())
