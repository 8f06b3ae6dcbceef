"""Where several entries of an array are its largest, as in a window of an image that is black."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from nnref.checking.watching.calculus.factors import half_of_the_digits, multiple
from nnref.checking.watching.calculus.slopes import Choice, NoSlope, backward, slopes
from nnref.checking.watching.meaning.parameters import Roles
from nnref.checking.watching.recording.tape import Node, words
from nnref.checking.watching.verdict.verdicts import Reading

Tape = Sequence[Node]


def tied_largest(role: Roles, tapes: Sequence[Tape]) -> Node | None:
    """The first value of the forward pass that is the largest of entries of which several are equal."""
    within = range(role.begin + 1, role.last + 1)
    forward = [k for k in within if role.graph.tape[k].op in LARGEST and role.outputs >> k & 1]
    return next((role.graph.tape[k] for k in forward if any(has_equals(tape[k]) for tape in tapes)), None)


def has_equals(node: Node) -> bool:
    """Has a largest or smallest entry, or one of several, an equal beside it?"""
    try:
        ((_, share),) = backward(node, np.ones(node.shape), Choice())
    except (NoSlope, ValueError, TypeError):
        return False
    return np.count_nonzero(share) > np.prod(node.shape, dtype=int)


LARGEST = words("max min maximum.reduce minimum.reduce")
"""Operations that select the largest or smallest entries of an array."""


def given_to_each(
    role: Roles, tapes: Sequence[Tape], reading: Reading, base: Node, given: Sequence[Any]
) -> Node | None:
    """The largest of equal entries, each of which is given the whole slope of it; None if this is not the mistake.

    Then a gradient by `base` would be right if it were right to do so.
    """
    if (largest := tied_largest(role, tapes)) is None:
        return None
    wanted, each = role.graph.dependent(role.parameters), reading.choice._replace(equals="each")
    found = [slopes(t, seeds, wanted, each)[0] for t, seeds in zip(tapes, reading.loss.seeds, strict=True)]
    if any(base.index not in f for f in found):
        return None
    return largest if multiple(given, [f[base.index] for f in found], half_of_the_digits(role.graph)) else None
