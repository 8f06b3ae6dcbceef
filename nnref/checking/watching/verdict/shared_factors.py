"""A wrong factor that several gradients share: the one line where it enters."""

from __future__ import annotations

from nnref.checking.watching.calculus.factors import ALIKE, multiple
from nnref.checking.watching.calculus.graph import PLACES
from nnref.checking.watching.meaning.optimisers import entered
from nnref.checking.watching.recording.tape import Node
from nnref.checking.watching.verdict.right_values import Search
from nnref.checking.watching.verdict.verdicts import Judged


def put_to_others(search: Search, row: Judged, ratio: float) -> Node | None:
    """The value that gives all other rows their factor, and that this row does not depend on."""
    others = [r for r in search.reading.rows if r.verdict == "ok" and r.own]
    if len(others) < 2 or alike_factors(abs(ratio), 1.0):
        return None  # with one other row, either may be wrong; and a sign may come from another value
    if search.reading.loss.node is not None and all(alike_factors(abs(r.own or 0.0), 1.0) for r in others):
        return None  # the other rows are exact slopes of the program's own loss
    mine = {n.index for n in search.backward(row.update.step)}
    chains = [{n.index for n in search.backward(r.update.step)} for r in others]
    shared = set.intersection(*chains) - mine if chains else set()
    nodes = [search.graph.tape[k] for k in sorted(shared) if search.graph.tape[k].op not in PLACES]
    jumps = ((n, search.jump(n)) for n in nodes)
    return next((n for n, jump in jumps if jump is not None and alike_factors(abs(jump), abs(ratio))), None)


def common_cause(search: Search, row: Judged) -> list[Node]:
    """The value that all rows of one wrong factor depend on, and no right row: one mistake in place of several."""
    off = (row.own or 0.0) / (row.usual or 1.0) * (row.rate or 1.0)
    wrong = [r for r in search.reading.rows if r.verdict == "WRONG" and r.own and r.usual]
    like = [r for r in wrong if abs((r.own or 0.0) * (r.rate or 1.0) / (r.usual or 1.0) / off - 1) <= ALIKE]
    if len(like) < 2:
        return []
    made = [[*entered(search.role, r.update.step)][-1] for r in like]
    chains = [{n.index for n in search.backward(gradient)} for gradient in made]
    right = [r for r in search.reading.rows if r.verdict == "ok" and r.own]
    usual = [c for r in right for n in search.backward(r.update.step) for c in search.factors(n)]
    excused = search.beyond_doubt
    shared = [n for n in search.backward(made[0]) if n.index in set.intersection(*chains) and n.op not in PLACES]
    for node in shared:
        if any(abs(c / d - 1) <= ALIKE for c in search.factors(node) for d in usual):
            excused |= search.graph.above[node.index] | (1 << node.index)
    return [n for n in shared if not excused >> n.index & 1]


def last_shared(search: Search, row: Judged) -> Node | None:
    """The last such value: at the latest there the factor enters."""
    shared = shared_alone(search, row)
    return search.graph.tape[max(shared)] if shared else None


def first_shared(search: Search, row: Judged) -> Node | None:
    """The first such value with a line: at the earliest there the factor enters."""
    nodes = (search.graph.tape[k] for k in sorted(shared_alone(search, row)))
    return next((n for n in nodes if n.site.line and n.op not in PLACES and not search.forward >> n.index & 1), None)


def shared_alone(search: Search, row: Judged) -> set[int]:
    """The values that all gradients of one wrong factor are made of, if they are several, and no right one is."""
    own = (row.own or 0.0) / (row.usual or 1.0) * (row.rate or 1.0)
    wrong = [r for r in search.reading.rows if r.verdict == "WRONG" and r.own and r.usual]
    like = [r for r in wrong if alike_factors((r.own or 0.0) * (r.rate or 1.0) / (r.usual or 1.0), own)]
    if len(like) < 2:
        return set()
    made = [{n.index for n in search.backward([*entered(search.role, r.update.step)][-1])} for r in like]
    right = [r for r in search.reading.rows if r.verdict == "ok" and r.own]
    others = {n.index for r in right for n in search.backward(r.update.step)}
    return set.intersection(*made) - others


def not_yet_scaled(search: Search, row: Judged) -> Node | None:
    """The first value of this row alone computed from a slope that all right rows use only after scaling."""
    right = [r for r in search.reading.rows if r.verdict == "ok" and r.own is not None]
    if not right or not row.own or not row.usual:
        return None
    chains = [search.backward(r.update.step) for r in right]
    seen = {n.index for chain in chains for n in chain}
    off = row.own * (row.rate or 1.0) / row.usual
    for node in (n for n in search.backward(row.update.step) if n.index not in seen and n.op not in PLACES):
        for m in node.inputs:
            later = [n for n in chains[0] if m.index in seen and m.index < n.index < node.index and n.shape == m.shape]
            if any(search.graph.above[n.index] >> m.index & 1 and is_scaled(search, m, n, off) for n in later):
                return node
    return None


def is_scaled(search: Search, before: Node, after: Node, by: float) -> bool:
    """Is `after` the quotient of `before` by a number, and the only use of it?"""
    values = search.values(before), search.values(after)
    found = None if None in (values[0], values[1]) else multiple(values[0] or [], values[1] or [], search.tolerance)
    return found is not None and bool(found) and abs(found / by - 1) <= ALIKE


def alike_factors(a: float, b: float) -> bool:
    """Are two factors one?"""
    return abs(a / b - 1) <= ALIKE
