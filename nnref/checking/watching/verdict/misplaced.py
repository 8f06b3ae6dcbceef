"""Right numbers in wrong places: the index by which they are written is wrong."""

from __future__ import annotations

import numpy as np

from nnref.checking.watching.calculus.factors import multiple
from nnref.checking.watching.calculus.graph import bits_of
from nnref.checking.watching.recording.tape import Node
from nnref.checking.watching.verdict.derivatives import forward_of
from nnref.checking.watching.verdict.right_values import Search


def wrong_index(search: Search, node: Node) -> Node | None:
    """The first value, outside the forward pass, of an index that puts the numbers of a slope where others belong."""
    base, value = node.args[0], node.args[-1]
    made = [m for m in node.inputs if m is not base and m is not value and m.inputs]
    if node.op != "put_at" or not made or not is_permuted(search, node):
        return None
    above, forward = 0, forward_of(search)
    for m in made:
        above |= search.graph.above[m.index] | 1 << m.index
    computed = (search.graph.tape[k] for k in bits_of(above & ~forward))
    return next((n for n in computed if n.inputs and n.site.line and n.site.line < node.site.line), None)


def is_permuted(search: Search, node: Node) -> bool:
    """Are the entries of a value those of a slope, in another order?"""
    given, known = search.values(node), search.reading.slopes
    if given is None:
        return False
    laid = [np.sort(v.ravel()) for v in given]
    truths = ([np.sort(g[k].ravel()) for g in known] for k in search.truths.get(int(np.prod(node.shape)), []))
    return any(multiple(laid, truth, search.tolerance) for truth in truths)
