"""Where a factor comes in that the gradients of other parameters do not have."""

from __future__ import annotations

from collections.abc import Iterator
from functools import reduce
from operator import and_, or_

from nnref.checking.watching.calculus.factors import ALIKE, multiple
from nnref.checking.watching.calculus.graph import PLACES
from nnref.checking.watching.meaning.optimisers import entered
from nnref.checking.watching.recording.tape import Node
from nnref.checking.watching.verdict.filled import is_filled, jump_of_filled
from nnref.checking.watching.verdict.on_the_step import is_gradient
from nnref.checking.watching.verdict.right_values import Search
from nnref.checking.watching.verdict.shared_factors import alike_factors
from nnref.checking.watching.verdict.signs import stays_turned, turned_twice
from nnref.checking.watching.verdict.verdicts import Judged


def first_jump(search: Search, row: Judged, ratio: float) -> Node | None:
    """The first value of this row alone whose factor jumps against its inputs as the row's does against the others'.

    Ancestors of a right row are left out: the slope of a variance may be twice what is on the way to it. Of a sign only
    those of all right rows are, for the next layer may turn it back.
    """
    if abs(ratio - 1) <= ALIKE:
        return None
    if alike_factors(ratio, -1.0) and (node := turned_twice(search, row)) is not None:
        return node
    seen = [r.update.step.index for r in search.reading.rows if r.verdict == "ok" and not r.silent]
    above = [search.graph.above[k] for k in seen]
    right = reduce(and_ if alike_factors(ratio, -1.0) else or_, above) if above else 0
    for node in search.backward(row.update.step):
        if (node.op in PLACES and not is_filled(search, node)) or right >> node.index & 1:
            continue
        jump = jump_of_filled(search, node) if node.op in PLACES else search.jump(node)
        if jump is None or abs(jump / ratio - 1) > ALIKE or not search.is_off(node, ratio):
            continue
        if ratio > 0 or stays_turned(search, row, node):
            return node
    return None


def first_of_new_factor(search: Search, row: Judged) -> Node | None:
    """The first ancestor of this row alone with a factor that no ancestor of a right row has."""
    right = [r for r in search.reading.rows if r.verdict != "WRONG" and r.factor]
    mine = search.backward(row.update.step)
    made = {n.index for n in entered(search.role, row.update.step)}
    seen: set[int] = set()
    usual: list[float] = []
    for r in right:
        for node in search.backward(r.update.step):
            seen.add(node.index)
            if (found := search.match(node)) is not None:
                usual.append(found[1])
    for node in mine:
        if node.index in seen or node.index in made or (node.op in PLACES and not is_filled(search, node)):
            continue
        found = search.match(node)
        if found is not None and usual and not any(abs(found[1] / c - 1) <= ALIKE for c in usual):
            return node
    return None


def ratios_on_the_way(search: Search, row: Judged) -> Iterator[tuple[Node, float]]:
    """The values from the step back to the gradient, each with its ratio to the next."""
    chain = [n for n in entered(search.role, row.update.step) if search.values(n) is not None]
    if row.inner is not None:  # between the step and the gradient stands an optimiser
        chain = chain[next((k for k, n in enumerate(chain) if is_gradient(search, row, n)), 0) :]
    for node, before in zip(chain, [*chain[1:], None], strict=True):
        values = search.values(node)
        older = search.values(before) if before is not None else None
        ratio = None
        if older is not None and values is not None:
            ratio = multiple([v.ravel() for v in values], [v.ravel() for v in older], search.tolerance)
        yield node, ratio or 0.0
        if ratio is None:
            return
