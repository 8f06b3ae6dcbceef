"""The numbers that multiply a gradient on its way to the step, some of which are rates.

Weights, biases or layers may have rates or optimisers of their own. So gradients are compared in place of steps,
wherever the steps are of one kind: the same operations up to the rate.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from nnref.checking.watching.calculus.graph import VIEWS, base_of, bits_of
from nnref.checking.watching.calculus.slopes import value_of
from nnref.checking.watching.meaning.parameters import Roles
from nnref.checking.watching.meaning.updates import Update
from nnref.checking.watching.recording.tape import Node, words

LIMITS = words("clip maximum minimum")
"""Operations that leave a value within limits unchanged."""

PRODUCTS = words("dot matmul outer")
"""Operations that compute a gradient, of which one factor may include the rate: 0.1 * X.T @ dZ."""


@dataclass(frozen=True, eq=False)
class WayToStep:
    """From a gradient to its step. rate is the product of the fractional numbers that multiply it, without signs.

    kind is the multiset of all other factors, with one "rate" for each fractional number; numbers are the values of
    both. named says that the gradient has a name in the program; remembers, that the step includes older ones, as with
    momentum; returned, that there is no step.
    """

    rate: float
    kind: tuple[str, ...]
    numbers: tuple[float, ...]
    named: bool
    remembers: bool
    returned: bool


def way_to_step(role: Roles, update: Update, value: Node, optimised: bool) -> WayToStep:
    """The way from what the program calls the gradient to the value that is a multiple of the slope."""
    if update.new is None:
        return WayToStep(1.0, (), (), named=True, remembers=False, returned=True)
    node, found, remembers, named = value, list[tuple[str, float]](), optimised, False
    while True:
        if (newest := added_to_older(role, update, node)) is not None:
            remembers, node = True, newest
            continue
        if (unchanged := let_through(role, node)) is not None:
            node = unchanged
            continue
        factor = multiple_and_number(role, node)
        if node.names and (factor is None or node is not update.step):
            named = True
            break
        if factor is None:
            found += in_product(role, node)
            break
        node, *number = factor
        found += [(op, n) for op, n in number if op not in VIEWS]
    rate = float(np.prod([n for op, n in found if op == "rate"]))
    kind = tuple(sorted(op if op == "rate" else f"{op} {n:.12g}" for op, n in found))
    return WayToStep(rate, kind, tuple(n for _, n in found), named, remembers, returned=False)


def multiple_and_number(role: Roles, node: Node) -> tuple[Node, tuple[str, float]] | None:
    """The value that this is a multiple or view of, and the number; a "rate" if it is fractional and multiplies."""
    if not node.inputs:
        return None
    if node.op in VIEWS or node.op == "negative":
        return node.inputs[0], ("view", 1.0)
    if node.op not in ("multiply", "divide") or len(node.args) != 2:
        return None
    for array, number in (node.args, node.args[::-1]):
        known = np.size(value_of(number)) == 1 and not (isinstance(number, Node) and role.of_labels[number.index])
        if not isinstance(array, Node) or not role.of_labels[array.index] or not known or is_factor(role, node, number):
            continue
        if node.op == "divide" and array is not node.args[0]:
            return None
        n, inputs = abs(float(np.ravel(np.asarray(value_of(number)))[0])), within(role, number)
        if inputs:
            return array, ("view", 1.0) if number in inputs else ("rate", n / float(np.prod([*map(size, inputs)])))
        whole = node.op == "divide" or np.asarray(value_of(number)).dtype.kind in "iub"
        return array, (node.op if whole else "rate", n)
    return None


def within(role: Roles, number: object) -> list[Node]:
    """Of the factors of a number, those that outputs depend on, such as a literal input."""
    if not isinstance(number, Node):
        return []
    begun = 0
    for update in role.updates:
        begun |= role.graph.above[update.base.index]
    if role.outputs & ~begun & (1 << number.index):
        return [number] if size(number) else []
    return [n for m in number.inputs for n in within(role, m)] if number.op == "multiply" else []


def size(number: Node) -> float:
    """The absolute value of a number."""
    return abs(float(np.ravel(np.asarray(value_of(number)))[0]))


def is_factor(role: Roles, node: Node, number: object) -> bool:
    """Is the factor of a single number a part of its slope, as an input, a unit or a weight is, and no rate?"""
    if node.shape or not isinstance(number, Node):
        return False
    if role.graph.depends(number.index, role.parameters):
        return True
    above = role.graph.above[number.index] | (1 << number.index)
    return any(role.graph.tape[k].leaf not in ("", "constant") for k in bits_of(above))


def let_through(role: Roles, node: Node) -> Node | None:
    """The input of a clip or limit that had no effect; None for any other value."""
    given = [m for m in node.inputs if role.of_labels[m.index]]
    if node.op not in LIMITS or len(given) != 1 or node.value is None or given[0].value is None:
        return None
    return given[0] if np.array_equal(np.asarray(node.value), np.asarray(given[0].value)) else None


def in_product(role: Roles, node: Node) -> Iterator[tuple[str, float]]:
    """The rates within a product on one line, as in 0.1 * X.T @ dZ."""
    of_numbers = node.op == "multiply" and not node.shape
    for part in map(base_of, node.inputs if node.op in PRODUCTS or of_numbers else ()):
        numbers = [value_of(a) for a in part.args if not isinstance(a, Node) or a.leaf == "constant"]
        if part.op == "multiply" and not part.names and part.site.line == node.site.line:
            yield from (("rate", abs(n)) for n in numbers if isinstance(n, float))


def added_to_older(role: Roles, update: Update, node: Node) -> Node | None:
    """The new term in a sum with a multiple of an older value, as g in m = 0.9 m + g; None if it is none."""
    if node.op not in ("add", "subtract") or len(node.inputs) != 2:
        return None
    new = [m for m in node.inputs if role.of_labels[m.index]]
    old = [m for m in node.inputs if not role.of_labels[m.index]]
    if len(new) != 1 or old[0].op != "multiply" or new[0].shape != node.shape:
        return None
    return None if role.graph.depends(old[0].index, 1 << update.base.index) else new[0]


def of_one_kind(ways: Sequence[WayToStep], known: Sequence[bool]) -> list[tuple[list[int], bool]]:
    """The groups of comparable steps: their indices, and whether only the gradients are compared.

    Steps with memory, steps without, and returned gradients are separate groups, unless all gradients have names. Where
    steps of one group are scaled by different operations, the whole steps are compared, as one may lack a division.
    known says which of them are multiples of a slope; the others do not affect the groups.
    """
    sorts: dict[tuple[bool, bool], list[int]] = {}
    for k, w in enumerate(ways):
        if known[k]:
            sorts.setdefault((w.returned, w.remembers), []).append(k)
    met = [(group, len({ways[k].kind for k in group}) < 2) for group in sorts.values()]
    if len(met) > 1 and all(alike and all(ways[k].named for k in group) for group, alike in met):
        met = [(sorted(k for group, _ in met for k in group), True)]
    left = [k for k in range(len(ways)) if not known[k]]
    return [(sorted([*met[0][0], *left]), met[0][1]), *met[1:]] if met else [(left, False)]
