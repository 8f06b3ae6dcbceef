"""Steps that go up the loss: the first value of the wrong sign."""

from __future__ import annotations

import numpy as np

from nnref.checking.watching.calculus.factors import multiple
from nnref.checking.watching.calculus.graph import PLACES
from nnref.checking.watching.meaning.optimisers import entered
from nnref.checking.watching.recording.tape import Node
from nnref.checking.watching.verdict.filled import backward_inputs, is_filled
from nnref.checking.watching.verdict.right_values import Search
from nnref.checking.watching.verdict.verdicts import Judged


def is_turned_on_the_way(search: Search, row: Judged) -> bool:
    """Is a step minus a multiple of its gradient, such as -rate * g that is then added?"""
    made = [*entered(search.role, row.update.step)][-1]
    step, gradient = search.values(row.update.step), search.values(made)
    if step is None or gradient is None:
        return False
    c = multiple([v.ravel() for v in step], [v.ravel() for v in gradient], search.tolerance)
    return c is not None and c < 0


def is_turned(search: Search, step: Node) -> bool:
    """Does a step, all in all, go against the gradient that it is made of?"""
    gradient = [*entered(search.role, step)][-1]
    pairs = zip(search.values(step) or [], search.values(gradient) or [], strict=False)
    return sum(float(np.ravel(a) @ np.ravel(b)) for a, b in pairs if np.size(a) == np.size(b)) < 0


def first_turned(search: Search, row: Judged) -> Node | None:
    """The first of the last values before the gradient that are minus a slope, where the optimiser needs a slope."""
    made = [*entered(search.role, row.update.step)][-1]
    found = None
    for node in search.backward(made):
        factors = of_outputs(search, node)
        if node.op not in PLACES and factors and not search.forward >> node.index & 1:
            found = (found or node) if all(c < 0 for c in factors) else None
    return found


def stays_turned(search: Search, row: Judged, node: Node) -> bool:
    """Do all values computed from this one, up to the gradient, keep its sign, without a flip back as in a - (-x)?

    The values that count are those of statements, and sums of two slopes: the sum of -x is no x turned back.
    """
    passed = [*entered(search.role, row.update.step)]
    made = next(n for n in passed if n.site.line == passed[-1].site.line)  # with a sign applied on its line
    after = [n for n in search.backward(made) if search.graph.depends(n.index, 1 << node.index)]
    chain = [n for n in after if n is made or search.ends_statement(n) or is_sum_of_two(search, n)]
    signs = {tuple(sorted({c > 0 for c in found})) for n in chain if (found := search.factors(n))}
    return len({s for s in signs if len(s) == 1}) < 2


def is_sum_of_two(search: Search, node: Node) -> bool:
    """Is it a sum or a difference of two values of the backward pass? It is a slope if both have their signs."""
    return node.op in ("add", "subtract") and len(backward_inputs(search, node)) > 1


def turned_twice(search: Search, row: Judged) -> Node | None:
    """The value that flips a row's sign, and that of right rows too, where a later operation of its kind flips it back.

    As with a wrong sign in the slope of an activation, which enters once for each layer.
    """
    right = [search.backward(r.update.step) for r in search.reading.rows if r.verdict == "ok" and not r.silent]
    for node in search.backward(row.update.step):
        if node.op in PLACES or not turns(search, node) or not stays_turned(search, row, node):
            continue
        again = [[n for n in chain if n.index > node.index and n.op == node.op and turns(search, n)] for chain in right]
        if right and all(node in chain and back for chain, back in zip(right, again, strict=True)):
            return node
    return None


def turns(search: Search, node: Node) -> bool:
    """Has a value, as a slope, the opposite sign of all its inputs?"""
    made_of = [m for m in node.inputs if search.role.of_labels[m.index]]
    signs = [sign_of(search, m) for m in made_of]
    return bool(signs) and sign_of(search, node) != 0 and all(s == -sign_of(search, node) for s in signs)


def sign_of(search: Search, node: Node) -> int:
    """The sign of a value as a slope; 0 if it is none or its sign is ambiguous, as for −z."""
    found = {int(np.sign(c)) for k, c in search.all_matches(node) if search.graph.tape[k].op != "negative"}
    return found.pop() if len(found) == 1 else 0


def of_outputs(search: Search, node: Node) -> list[float]:
    """By which factors a value is a slope of something that goes into outputs; of what labels went into, if of no such.

    Targets that the network itself makes have minus the slope of its outputs. That of -z tells nothing.
    """
    found = [(k, c) for k, c in search.matches(node) if search.graph.tape[k].op != "negative"]
    return [c for k, c in found if not search.role.of_labels[k]] or [c for _, c in found]


def turned(search: Search, row: Judged) -> Node | None:
    """The first value of the wrong sign: old − step needs the slope, old + step its negative.

    The slope of −z, in a sigmoid 1 / (1 + exp(-z)), does not count where the value is one of z too. None where all
    values have the right sign from the first on: then the update itself has the wrong sign.
    """
    so_far = False
    for node in search.backward(row.update.step):
        found = of_outputs(search, node) or search.factors(node)
        so_far = so_far or any(c * row.update.sign > 0 for c in found)
        moved = node.op in PLACES - {"put_at"} and not is_filled(search, node)
        if moved or search.forward >> node.index & 1 or not found:
            continue
        if all(c * row.update.sign < 0 for c in found):
            return node if so_far or found[0] < 0 else None
    return None
