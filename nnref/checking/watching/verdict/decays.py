"""Sums of a slope and a decay: which of the two disagrees with the program's own loss, or is missing."""

from __future__ import annotations

import numpy as np

from nnref.checking.watching.calculus.factors import ALIKE, multiple
from nnref.checking.watching.calculus.graph import PLACES
from nnref.checking.watching.recording.tape import Node
from nnref.checking.watching.verdict.decay_terms import made_of_it_alone
from nnref.checking.watching.verdict.right_values import Search, laid
from nnref.checking.watching.verdict.verdicts import Judged

LEFT_OUT = "the slope of the decay that your loss has is not added to this"


def wrong_beside_decay(search: Search, row: Judged, joined: Node) -> tuple[Node, str] | None:
    """A multiple of the slope, where the decay added to it is exactly the loss's own; and the message.

    Without a decay, the multiple would only be another rate.
    """
    base, k = row.update.base, row.update.base.index
    labelled = [m for m in joined.inputs if search.role.of_labels[m.index]]
    both = next(
        (n for n in search.backward(row.update.step) if n.index >= joined.index and n.shape == base.shape), None
    )
    if both is None or not labelled or any(k not in g for g in search.of_data or ({},)):
        return None
    of_data = [g[k] for g in search.of_data]
    of_decay = [whole[k] - part for whole, part in zip(search.reading.slopes, of_data, strict=True)]
    made = [made_of_it_alone(search.role, base, both, tape) for tape in search.tapes]
    alone = [a for a in made if a is not None]
    if len(alone) < len(made):
        return None
    rest = [np.asarray(tape[both.index].value, float) - a for tape, a in zip(search.tapes, alone, strict=True)]
    decay, data = multiple(alone, of_decay, search.tolerance), multiple(rest, of_data, search.tolerance)
    if not decay or not data or abs(decay - 1) > ALIKE or abs(data - 1) <= ALIKE:
        return None
    chain = search.backward(labelled[-1])
    jumps = ((n, search.jump(n)) for n in chain if n.op not in PLACES)
    entered = next((n for n, jump in jumps if jump is not None and abs(jump / data - 1) <= ALIKE), None)
    like = (n for n in chain if any(abs(c / data - 1) <= ALIKE for c in search.factors(n)))
    first = entered or next(like, labelled[-1])
    says = f"this is {data:.4g} times the slope of your loss, and the decay added to it later is that of your loss"
    return first, says


def without_decay(search: Search, row: Judged) -> Node | None:
    """A slope of the loss without its decay term, if no term of parameters alone is added to it."""
    k = row.update.base.index
    if not search.of_data or any(k not in g for g in search.of_data):
        return None
    chain = search.backward(row.update.step)
    whole, of_data = [g[k] for g in search.reading.slopes], [g[k] for g in search.of_data]
    alone = next((n for n in chain if n.op not in PLACES and as_laid(search, n, of_data)), None)
    if alone is None or any(as_laid(search, n, whole) for n in chain):
        return None
    for node in chain:
        beside = [m for m in node.inputs if not search.role.of_labels[m.index]]
        adds = node.op in ("add", "subtract") and search.graph.above[node.index] >> alone.index & 1
        if adds and any(search.graph.depends(m.index, 1 << k) for m in beside) and not as_laid(search, node, of_data):
            return None
    return alone


def decay_beside(search: Search, row: Judged) -> float | None:
    """How many times the decay of the loss a step has beside its slope; None if the loss decays no whole parameter."""
    k = row.update.base.index
    if not search.of_data or any(k not in g for g in search.of_data):
        return None
    old = [np.asarray(tape[k].value, float) for tape in search.tapes]
    parts = zip(search.reading.slopes, search.of_data, strict=True)
    of_decay = [whole[k] - part[k] for whole, part in parts]
    ways = (multiple(of_decay, part, search.tolerance) for part in (old, [np.sign(w) for w in old]))
    meant = next((found for found in ways if found), None)
    return (row.decay + meant) / meant if meant else None


def as_laid(search: Search, node: Node, truth: list[np.ndarray]) -> float | None:
    """C with node = c truth in every run, however it is laid; None if there is none."""
    given = search.values(node)
    if given is None or np.prod(node.shape, dtype=int) != truth[0].size:
        return None
    return next((c for way in laid(truth, node.shape) if (c := multiple(given, way, search.tolerance))), None)


def of_another(search: Search, row: Judged) -> Node | None:
    """The sum at which something that does not depend on labels is added to the row's slope; None if there is none."""
    entry = row.entry
    if entry is None:
        return None
    for node in search.graph.users[entry.index]:
        beside = [m for m in node.inputs if m is not entry]
        if node.op in ("add", "subtract") and beside and not search.role.of_labels[beside[0].index]:
            return node if search.role.into_updates >> node.index & 1 else None
    return None
