"""How far a step goes along its gradient: the numbers between the two, of which some are rates.

A program may step its weights and its biases, or its layers, at rates of their own, and some of them by an optimiser.
So gradients are compared, and not steps, wherever the steps are of one kind: the same operations, but for the rate.
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
"""Operations that leave a value as it is where it keeps within a limit."""

PRODUCTS = words("dot matmul outer")
"""Operations that make a gradient, of which one factor may hold the rate: 0.1 * X.T @ dZ."""


@dataclass(frozen=True, eq=False)
class WayToStep:
    """From a gradient to its step. rate is the product of the fractional numbers that multiply it, without signs.

    kind holds all else that scales it, in no order, and one "rate" for each such number; numbers are those of both.
    named says that the program gives the gradient a name, remembers that the step holds a multiple of older steps,
    returned that there is no step.
    """

    rate: float
    kind: tuple[str, ...]
    numbers: tuple[float, ...]
    named: bool
    remembers: bool
    returned: bool


def way_to_step(role: Roles, update: Update, value: Node, optimised: bool) -> WayToStep:
    """From the value that is a multiple of the slope back to what the program calls the gradient."""
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
    """What a value is a multiple of, or shows, and the number: a "rate", if it is fractional and multiplies."""
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
    """Of the numbers that a number is a product of, those that outputs are made of: an input that is written out."""
    if not isinstance(number, Node):
        return []
    begun = 0
    for update in role.updates:
        begun |= role.graph.above[update.base.index]
    if role.outputs & ~begun & (1 << number.index):
        return [number] if size(number) else []
    return [n for m in number.inputs for n in within(role, m)] if number.op == "multiply" else []


def size(number: Node) -> float:
    """How large a number is."""
    return abs(float(np.ravel(np.asarray(value_of(number)))[0]))


def is_factor(role: Roles, node: Node, number: object) -> bool:
    """Is a number that a number is multiplied by a part of its slope, as an input or a unit is, and no rate?"""
    if node.shape or not isinstance(number, Node):
        return False
    above = role.graph.above[number.index] | (1 << number.index)
    return any(role.graph.tape[k].leaf not in ("", "constant") for k in bits_of(above))


def let_through(role: Roles, node: Node) -> Node | None:
    """What a limit was laid on that it did not reach: the value is as it was. None if there is none."""
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
    """The newest part of a sum with a multiple of what was there before, as m = 0.9 m + g is; None if it is none."""
    if node.op not in ("add", "subtract") or len(node.inputs) != 2:
        return None
    new = [m for m in node.inputs if role.of_labels[m.index]]
    old = [m for m in node.inputs if not role.of_labels[m.index]]
    if len(new) != 1 or old[0].op != "multiply" or new[0].shape != node.shape:
        return None
    return None if role.graph.depends(old[0].index, 1 << update.base.index) else new[0]


def of_one_kind(ways: Sequence[WayToStep], known: Sequence[bool]) -> list[tuple[list[int], bool]]:
    """The steps that can be compared: their places, and whether they are compared by their gradients alone.

    Those that remember, those that do not, and gradients that are returned are sorts of their own, unless the program
    names all gradients. Where steps of one sort are scaled by unlike operations, all of each step is compared: one of
    them may have forgotten a division. known says which of them are a multiple of a slope; the others are put where
    they can do no harm.
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
