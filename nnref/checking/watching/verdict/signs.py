"""Steps that go up the loss: the first value of the other sign than the update asks for."""

from __future__ import annotations

from nnref.checking.watching.calculus.factors import multiple
from nnref.checking.watching.meaning.optimisers import entered
from nnref.checking.watching.recording.tape import Node
from nnref.checking.watching.verdict.right_values import PLACES, Search
from nnref.checking.watching.verdict.verdicts import Judged


def is_turned_on_the_way(search: Search, row: Judged) -> bool:
    """Is a step minus a multiple of the gradient from which it is made, as -rate * g is, which is then added?"""
    made = [*entered(search.role, row.update.step)][-1]
    step, gradient = search.values(row.update.step), search.values(made)
    if step is None or gradient is None:
        return False
    c = multiple([v.ravel() for v in step], [v.ravel() for v in gradient], search.tolerance)
    return c is not None and c < 0


def first_turned(search: Search, row: Judged) -> Node | None:
    """The first of the last values before the gradient that are minus a slope, where the optimiser asks for one."""
    made = [*entered(search.role, row.update.step)][-1]
    found = None
    for node in search.backward(made):
        factors = [c for k, c in search.matches(node) if search.graph.tape[k].op != "negative"]
        if node.op not in PLACES and factors and not search.forward >> node.index & 1:
            found = (found or node) if all(c < 0 for c in factors) else None
    return found


def turned(search: Search, row: Judged) -> Node | None:
    """The first value of the other sign than the update asks for: old − step wants the slope, old + step minus that.

    The slope of -z, where a sigmoid is 1 / (1 + exp(-z)), tells nothing where the value is one of z too. None where all
    values are slopes from the first one on: then it is the update that goes the wrong way.
    """
    so_far = False
    for node in search.backward(row.update.step):
        found = [c for k, c in search.matches(node) if search.graph.tape[k].op != "negative"] or search.factors(node)
        so_far = so_far or any(c * row.update.sign > 0 for c in found)
        if node.op in PLACES - {"put_at"} or search.forward >> node.index & 1 or not found:
            continue
        if all(c * row.update.sign < 0 for c in found):
            return node if so_far or found[0] < 0 else None
    return None
