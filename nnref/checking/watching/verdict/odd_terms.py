"""Slopes of values with several uses: a term with another factor than the others, or a missing one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from nnref.checking.watching.calculus.factors import ALIKE
from nnref.checking.watching.calculus.graph import VIEWS
from nnref.checking.watching.recording.tape import Node
from nnref.checking.watching.verdict.right_values import ADDING, Search
from nnref.checking.watching.verdict.signs import is_turned
from nnref.checking.watching.verdict.verdicts import Judged


def odd_term(search: Search, wrong: Node, step: Node) -> Node | None:
    """The first value with a factor that the other terms of a wrong sum lack; None if all have the same.

    wrong is the first wrong value of the step, maybe a part of the sum.
    """
    if wrong.op not in TOGETHER:
        return None
    chain = search.backward(step)
    inside = {n.index for n in chain}
    whole, outer = wrong, [wrong]
    while outer:
        whole = outer[0]
        outer = [n for n in search.graph.users[whole.index] if n.index in inside and n.op in TOGETHER]
    together = list(terms(search, whole))
    found = [term.node for term in together]
    factors = [tuple(term.sign * c for c in search.factors(term.node)) for term in together]
    if len(found) < 2 or not all(factors):
        return None
    usual = max((c for c, *_ in factors), key=lambda c: (sum(has(f, c) for f in factors), *likely(search, c, step)))
    usual_terms = [t for t, f in zip(found, factors, strict=True) if has(f, usual)]
    odd = [t for t, f in zip(found, factors, strict=True) if not has(f, usual)]
    others = factors[found.index(odd[0])] if odd else ()
    if odd and (shared := common_to(search, usual_terms, odd, (usual, others), step)) is not None:
        return shared
    less_likely = bool(odd) and likely(search, usual, step) > likely(search, others[0], step)
    if not odd or len(odd) > len(usual_terms) or (len(odd) == len(usual_terms) and not less_likely):
        return None
    left = together[found.index(odd[0])].left
    if left is not None and any(has([usual, *search.right_factors], c) for c in search.factors(odd[0])):
        return left
    ratios = [c / usual for c in others]
    apart = [n for n in usual_terms if not search.graph.depends(n.index, 1 << odd[0].index)] or usual_terms
    node = where_it_jumps(search, odd[0], apart, ratios) or first_with_new_factor(search, odd[0], apart)
    if node is not None and search.forward >> node.index & 1:  # as mu is of mu²/2: the line that adds it is wrong
        return next((n for n in search.graph.users[node.index] if n.index in inside and n.op in TOGETHER), node)
    return node


def two_factors(search: Search, wrong: Node) -> Node | None:
    """The first value that not all terms of a wrong sum are made of, where each is a slope and their factors differ.

    Where odd_term finds none of them odd, either may be wrong.
    """
    together = list(terms(search, wrong)) if wrong.op in TOGETHER else []
    factors = [tuple(term.sign * c for c in search.factors(term.node)) for term in together]
    if len(together) < 2 or not all(factors) or any(all(has(f, c) for f in factors) for c in factors[0]):
        return None
    made = [{n.index for n in search.backward(term.node)} for term in together]
    alone = sorted(made[0].union(*made[1:]) - made[0].intersection(*made[1:]))
    nodes = (search.graph.tape[k] for k in alone if not search.forward >> k & 1)
    return next((n for n in nodes if n.site.line and n.op not in VIEWS), None)


def common_to(
    search: Search, many: Sequence[Node], few: Sequence[Node], factors: tuple[float, Sequence[float]], step: Node
) -> Node | None:
    """The one value that gives many terms their factor, if the few other terms are exact slopes of the own loss.

    factors are that of the many, and those of the few.
    """
    factor, others = factors
    exact = [c for c in others if True in (known := likely(search, c, step))[:2] and known[2]]
    if len(many) < 2 or not exact or likely(search, factor, step) >= likely(search, exact[0], step):
        return None
    shared = set.intersection(*({n.index for n in search.backward(t)} for t in many))
    nodes = (search.graph.tape[k] for k in sorted(shared - {n.index for t in few for n in search.backward(t)}))
    jumps = ((n, search.jump(n)) for n in nodes if n.op not in VIEWS and not search.forward >> n.index & 1)
    return next((n for n, jump in jumps if jump is not None and has([factor / exact[0]], jump)), None)


def where_it_jumps(search: Search, term: Node, others: Sequence[Node], ratios: Sequence[float]) -> Node | None:
    """The first ancestor of one term alone whose factor jumps by one of these ratios against its inputs."""
    shared = {n.index for other in others for n in search.backward(other)}
    mine = [n for n in search.backward(term) if n.index not in shared and not search.forward >> n.index & 1]
    jumps = ((n, search.jump(n)) for n in mine if n.op not in VIEWS)
    return next((n for n, jump in jumps if jump is not None and has(ratios, jump)), None)


def departure(search: Search, row: Judged, wrong: Node) -> tuple[Node, float] | None:
    """The value at which a factor comes in, and that factor; None if there is no such value.

    It is computed before the first wrong value, from slopes of the program's own loss, and is a multiple of one. A
    factor that is taken back later, as 2 by a half, counts for nothing: then an exact slope is computed from the value.
    """
    if search.reading.loss.node is None:
        return None
    chain = [n for n in search.backward(row.update.step) if n.index < wrong.index and search.ends_statement(n)]
    exact = [n for n in chain if has(search.factors(n), 1.0)]
    known = {n.index for n in exact}
    for node in chain:
        made_of = {m.index for m in statements_before(search, node)}
        if node.op in VIEWS or not made_of or not known.issuperset(made_of) or node.index in known:
            continue
        if (found := search.factors(node)) and not search.beyond_doubt >> node.index & 1:
            later = any(search.graph.above[n.index] >> node.index & 1 for n in exact)
            if not later:
                return node, found[0]
    return None


def statements_before(search: Search, node: Node) -> Iterator[Node]:
    """What the statement that makes a value takes from others, as far as labels went into it."""
    waiting, seen = [*node.inputs], set()  # no recursion: a loop that fills an array makes thousands of values
    while waiting:
        if (m := waiting.pop()).index in seen or not search.role.of_labels[m.index]:
            continue
        seen.add(m.index)
        if search.ends_statement(m):
            yield m
        else:
            waiting += m.inputs


def of_another_factor(search: Search, row: Judged, wrong: Node) -> Node | None:
    """An input of a wrong value, on an earlier line, that is a slope of the own loss only up to a factor.

    By chance it may be another slope: what is meant for a variance is half of that of its root.
    """
    if search.reading.loss.node is None or not any(has(search.factors(n), 1.0) for n in search.backward(wrong)):
        return None
    chain = [n for n in search.backward(wrong) if n is not wrong and n.op not in VIEWS]
    exact = [n for n in chain if has(search.factors(n), 1.0)]
    for node in chain:
        found = search.factors(node)
        if not found or has(found, 1.0) or has(found, -1.0) or node.site.line >= wrong.site.line:
            continue
        doubted = not search.beyond_doubt >> node.index & 1
        if doubted and not any(search.graph.above[n.index] >> node.index & 1 for n in exact):
            return node
    return None


TOGETHER = VIEWS | ADDING | {"concatenate", "hstack", "append"}
"""Operations that assemble a gradient: sums, and the concatenation of its parts."""


def likely(search: Search, factor: float, step: Node) -> tuple[bool, bool, bool]:
    """Is this factor that of a right gradient, of an exact slope of the own loss, and one of a descent step?

    Where gradients are right, their factor counts instead: the known loss may be the sum over all batches.
    """
    signs = {-u.sign if is_turned(search, u.step) else u.sign for u in search.role.updates if u.step is step}
    right = [r.own for r in search.reading.rows if r.verdict == "ok" and not r.silent and r.own]
    itself = search.reading.loss.node is not None and has(right or [1.0, -1.0], factor)
    return has(search.right_factors, factor), itself, all(factor * sign > 0 for sign in signs)


@dataclass(frozen=True)
class Term:
    """A term of a sum: its sign in it, and left, the last subtraction that gave it that; None if it is added."""

    node: Node
    sign: int
    left: Node | None


def terms(search: Search, node: Node) -> Iterator[Term]:
    """The terms of a sum: multiples of slopes, by one use or all, and values that are neither slopes nor sums."""
    waiting = [Term(node, 1, None)]
    while waiting:
        term = waiting.pop()
        if term.node.op not in TOGETHER or search.right(term.node) or search.accumulated(term.node):
            yield term
            continue
        for m in reversed(term.node.inputs):
            away = term.node.op == "subtract" and m is term.node.args[1]
            part = Term(m, -term.sign, term.node) if away else Term(m, term.sign, term.left)
            of_labels = search.role.of_labels[m.index] and m.real  # dy[label] -= 1 adds no label to a slope
            if of_labels or any(search.factors_of_parts(m)):  # as of a divergence term without labels
                waiting.append(part)


def first_with_new_factor(search: Search, term: Node, others: Sequence[Node]) -> Node | None:
    """The first ancestor of one term alone with a factor that no ancestor of the others has."""
    seen: set[int] = set()
    usual: list[float] = []
    right = [c for other in others for c in search.factors(other)]
    for other in others:
        for node in search.backward(other):
            seen.add(node.index)
            found = search.factors(node)  # of a - b, the slope by b is minus that by the difference: the one that fits
            usual += [c for c in found if has(right, c)] or found
    own = [n for n in search.backward(term) if n.index not in seen and not search.forward >> n.index & 1]
    for node in own:
        found = search.factors(node) if node is not term else ()
        if found and not any(has(usual, c) for c in found):
            return node
    return slope_of_use(search, term, own) or term


def slope_of_use(search: Search, term: Node, own: Sequence[Node]) -> Node | None:
    """The input of a term that is the slope of the use that the term is for, with its factor."""
    factors = search.factors(term)
    uses = {use.index for _, use in search.uses_of_part(term)}
    for node in term.inputs:
        if node in own and any(k in uses and has(factors, c) for k, c in search.matches(node)):
            return node
    return None


def missing_uses(search: Search, node: Node) -> str:
    """The missing uses in words, for a value that is the slope by only one use of several; "" for any other."""
    for k, use in search.uses_of_part(node):
        mine = line_of_use(search, use)
        others = sorted({line_of_use(search, n) for n in search.uses(k) if n is not use} - {mine})
        if not others:
            return f"this is the slope by one use in line {mine} alone, and those by the others are not added"
        lines = f"line{'s' if len(others) > 1 else ''} {', '.join(map(str, others))}"
        return f"this is the slope by the use in line {mine} alone: that by the use in {lines} is not added"
    return ""


def is_returned(search: Search, node: Node) -> bool:
    """Is a value used in another function than it is made in alone? That function may have to add to it."""
    users = [n for n in search.uses_of_views(node) if search.role.of_labels[n.index] and n.site.line]
    return bool(users) and all(n.site.function != node.site.function for n in users)


def line_of_use(search: Search, use: Node) -> int:
    """The line on which a value is used; for a view, that of its own use."""
    while use.op in VIEWS and (users := search.graph.users[use.index]):
        use = users[0]
    return use.site.line


def has(factors: Sequence[float], c: float) -> bool:
    """Is a factor among those?"""
    return any(abs(c / other - 1) <= ALIKE for other in factors)
