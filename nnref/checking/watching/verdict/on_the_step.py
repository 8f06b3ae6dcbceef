"""Between gradient and step: a gradient of another value, and mistakes in the optimiser."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from nnref.checking.watching.calculus.factors import multiple
from nnref.checking.watching.calculus.graph import Array
from nnref.checking.watching.meaning.optimisers import entered, in_one, steps_as_an_optimiser
from nnref.checking.watching.recording.tape import Node
from nnref.checking.watching.verdict.right_values import Search
from nnref.checking.watching.verdict.verdicts import Judged


def gradient_of_another(search: Search, row: Judged) -> Node | None:
    """The slope that a step is computed from, if it is that of another value; None if it is the parameter's.

    The slopes of a polynomial's coefficients are similar: each is one of these sums, and they differ in the terms.
    """
    chain = [n for n in entered(search.role, row.update.step) if not search.forward >> n.index & 1]
    first = next((n for n in reversed(chain) if search.right(n)), None)
    if first is None or first is row.update.step or is_gradient(search, row, first):
        return None
    after = (n for n in search.backward(row.update.step) if n.index > first.index)
    used = next((n for n in after if not search.beyond_doubt >> n.index & 1), row.update.end)
    made = next(n for n in chain if n.site == first.site or n.site.line == first.site.line)
    return used if search.beyond_doubt >> first.index & 1 else made if search.right(made) else first


def of_optimiser(search: Search, row: Judged, wrong: Node) -> tuple[Node, bool] | None:
    """The first value after a right gradient that does not follow it; None if the gradient is wrong.

    A value that all of the step passes through is wrong if its signs are not the gradient's, or if it is smaller where
    that is larger; of the statements that it is made of, the first one is that is neither so nor an average of squares.
    Where the optimiser computes several values from the gradient and remembers older ones, or adds a decay, the mistake
    is at or after the first of them, which the False beside it says.
    """
    made = [n for n in entered(search.role, row.update.step) if search.values(n) is not None]
    at = next((k for k, n in enumerate(made) if k and is_gradient(search, row, n)), None)
    if at is None or wrong.index <= made[at].index:
        return None
    bit = 1 << made[at].index
    chain = [n for n in search.backward(row.update.step) if n is not made[at] and search.graph.depends(n.index, bit)]
    first = next(((n, False) for n in chain if n.site.line), None)
    for node in () if any(search.decays(n, row.update.base) for n in made[:at]) else reversed(made[:at]):
        if not follows(search, row, node):
            before = [n for n in chain if search.graph.above[node.index] >> n.index & 1 and search.ends_statement(n)]
            if any(n.site.line != node.site.line for n in before) and remembers(search, chain):
                return first
            astray = [n for n in before if not (follows(search, row, n) or squares(search, row, n))]
            return (astray[0], True) if astray else (node, True) if node is not made[0] else first
    return first


def follows(search: Search, row: Judged, node: Node) -> bool:
    """Has a value the gradient's signs, or the opposite ones, and does it grow with it as a step does?"""
    laid_out = laid_by(search, row, node)
    return any(steps_as_an_optimiser([turn * v for v in laid_out], in_one(row.truth)) for turn in (1, -1))


def squares(search: Search, row: Judged, node: Node) -> bool:
    """Is a value nowhere below 0, and larger where the gradient is larger, by its square at most?

    Or is it the inverse of such a value? A sum is none: what falls where the gradient is larger, no optimiser adds up.
    """
    inverse = node.op in ("divide", "power", "reciprocal")
    laid_out = list(zip(laid_by(search, row, node), in_one(row.truth), strict=True))
    return all(grows(v, g) for v, g in laid_out) or (inverse and all(grows(invert(v), g) for v, g in laid_out))


def grows(values: Array, gradient: Array) -> bool:
    """Are values finite, not negative, and larger where a gradient is larger, by its square at most?"""
    x, g = np.ravel(values), np.abs(np.ravel(gradient))
    if not np.isfinite(x).all() or (x < 0).any():
        return False
    order = np.argsort(g, kind="stable")[g[np.argsort(g, kind="stable")] > LEAST * g.max(initial=0.0)]
    x, by_square = x[order], x[order] / g[order] ** 2
    rises = not (np.diff(x) < -LEAST * x.max(initial=0.0)).any()
    return rises and not (np.diff(by_square) > LEAST * by_square.max(initial=0.0)).any()


def invert(values: Array) -> Array:
    """1 / x, infinite where x is 0."""
    with np.errstate(all="ignore"):
        return 1 / np.asarray(values, float)


LEAST = 1e-6
"""Part of the largest entry below which a difference is rounding, and a gradient none."""


def laid_by(search: Search, row: Judged, node: Node) -> Sequence[Array]:
    """A value in the shape of the true gradient, in every run; as infinite where it has another size."""
    given = search.values(node) or [np.full(t.shape, np.inf) for t in row.truth]
    return in_one(
        [
            np.reshape(v, t.shape) if v.size == t.size else np.full(t.shape, np.inf)
            for v, t in zip(given, row.truth, strict=True)
        ]
    )


def remembers(search: Search, chain: Sequence[Node]) -> bool:
    """Is something added on the way to a step that is not 0 now, as the memory of an optimiser after its first step?"""
    beside = (m for n in chain if n.op in ("add", "subtract") for m in n.inputs if not search.role.of_labels[m.index])
    return any(m.shape and np.any(m.value) and np.isfinite(m.value).all() for m in beside)


def turned_by_optimiser(search: Search, row: Judged) -> Node | None:
    """The operation that flips the sign of a right gradient in the optimiser, and does not in right rows."""
    right = [r for r in search.reading.rows if r.verdict == "ok" and r.inner is not None]
    if row.inner is None or not right:
        return None
    usual = Counter(n.op for n in turns_after(search, right[0]))
    found = [n for n in turns_after(search, row) if usual[n.op] < 1]
    return found[0] if len(found) == 1 else None


def turns_after(search: Search, row: Judged) -> list[Node]:
    """The values between gradient and step whose entries all have the opposite sign of their input."""
    at = next((n for n in entered(search.role, row.update.step) if is_gradient(search, row, n)), None)
    if at is None:
        return []
    chain = [n for n in search.backward(row.update.step) if search.graph.depends(n.index, 1 << at.index)]
    signs = {n.index: sign_beside(search, row, n) for n in chain}
    return [n for n in chain if any(signs[n.index] * signs.get(m.index, 0) < 0 for m in n.inputs)]


def sign_beside(search: Search, row: Judged, node: Node) -> int:
    """The common sign of all entries relative to the true gradient's; 0 if there is none."""
    given = search.values(node)
    if given is None or any(np.size(v) != t.size for v, t in zip(given, row.truth, strict=True)):
        return 0
    pairs = zip(given, row.truth, strict=True)
    signs = {s for v, t in pairs for s in np.unique(np.sign(np.ravel(v)) * np.sign(np.ravel(t))) if s}
    return int(signs.pop()) if len(signs) == 1 else 0


def below_zero(search: Search, row: Judged) -> Node | None:
    """The accumulation of a gradient, not squared, whose negative value a square root or logarithm is taken of."""
    gradient = [*entered(search.role, row.update.step)][-1]
    for node in search.backward(row.update.step):
        given = node.inputs[0] if len(node.inputs) == 1 else None
        if node.op not in ("sqrt", "log") or given is None or not is_below(search, given):
            continue
        path = [given]
        while before := [m for m in path[-1].inputs if m is not gradient and is_below(search, m)]:
            path.append(before[0])
        made = [n for n in reversed(path) if n.shape == given.shape and not is_gradient(search, row, n)]
        return next((n for n in (*made, *path) if n in made or n.op in ("add", "subtract")), path[-1])
    return None


def is_below(search: Search, node: Node) -> bool:
    """Is an entry of a value below 0?"""
    given = search.values(node)
    return given is not None and any(bool((np.nan_to_num(v) < 0).any()) for v in given)


def is_gradient(search: Search, row: Judged, node: Node) -> bool:
    """Is the value a multiple of the row's truth?"""
    values = search.values(node)
    flat = [t.ravel() for t in row.truth]
    return values is not None and multiple([v.ravel() for v in values], flat, search.tolerance) is not None
