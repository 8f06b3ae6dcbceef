"""The factor that most gradients of a step have: the others are wrong beside it, and by how much."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from nnref.checking.watching.calculus.factors import ALIKE, half_of_the_digits, multiple
from nnref.checking.watching.meaning.losses import Loss
from nnref.checking.watching.meaning.optimisers import entered
from nnref.checking.watching.meaning.parameters import Roles
from nnref.checking.watching.meaning.updates import parameter_name
from nnref.checking.watching.recording.tape import Node
from nnref.checking.watching.verdict.verdicts import Judged

NOT_ONE = "not of one loss"
"""The kind of verdict on gradients with two factors, where nothing says which of the two is the right one."""


@dataclass(frozen=True)
class Alike:
    """Gradients with one factor. decided holds what says that it is the right one, and likely, what leaves it open."""

    factor: float
    rows: tuple[Judged, ...]
    decided: tuple[bool, bool, int, int, bool, int]
    likely: tuple[int, int]


def ranked(
    rows: Sequence[Judged],
    late: Mapping[int, int] | None = None,
    way: Callable[[Judged], int | None] | None = None,
    written: frozenset[float] = frozenset(),
    scaled: Callable[[Judged], tuple[float, int] | None] | None = None,
) -> list[Alike]:
    """The gradients by their factors, those with the factor that is believed first.

    That is the factor that most have; where there is a draw, that by which a step goes as far as a number says that is
    written out, or, where all have one factor at first, that which is scaled less often after that; or that of the last
    layer, or of the largest array. way gives the number of factors between a gradient and its step, where the gradient
    is the slope of the program's own loss itself, and else None; scaled, the factor that a gradient has at first, and
    how often it changes. Two that are, or as many as there are of any others, are believed, as are those that go down
    the loss: one mistake goes on to all that is made after it.
    """
    groups: list[list[tuple[float, Judged]]] = []
    for f, row in [(f, row) for row in rows if (f := row.own)]:
        home = next((g for g in groups if abs(f / g[0][0] - 1) <= ALIKE), None)
        if home is None:
            groups.append([(f, row)])
        else:
            home.append((f, row))
    most = max(map(len, groups), default=0)
    nearest = max((late or {}).values(), default=0)

    firsts = [scaled(row) for g in groups for _, row in g] if scaled is not None and len(groups) > 1 else [None]
    agreed = None not in firsts and all(abs(f[0] / firsts[0][0] - 1) <= ALIKE for f in firsts if f and firsts[0])

    def weighed(group: list[tuple[float, Judged]]) -> Alike:
        several = len(groups) > 1 and len(group) >= min(2, most)
        at_end = len(groups) > 1 and any((late or {}).get(id(row), -1) == nearest for _, row in group)
        ways = [way(row) for _, row in group] if way is not None and (several or at_end) else [None]
        known = [n for n in ways if n is not None]
        exact = len(known) == len(ways)
        # A mistake goes on to all that the backward pass makes after it: the last layer is more to be trusted.
        last = max((late or {}).get(id(row), 0) for _, row in group) if len(group) >= min(2, most) and not exact else 0
        size = max(row.truth[0].size for _, row in group)
        down = several and group[0][0] > 0
        said = all(is_written(row, written) for _, row in group)
        often = max((f[1] for _, row in group if (f := scaled(row))), default=0) if agreed and scaled else 0
        decided = exact, down, len(group), -max(known) if exact else 0, said, -often
        return Alike(group[0][0], tuple(row for _, row in group), decided, (last, size))

    return sorted(map(weighed, groups), key=lambda group: (group.decided, group.likely), reverse=True)


def is_written(row: Judged, written: frozenset[float]) -> bool:
    """Does the step go as far along the slope as a number says that is written out in the program, a rate as a rule?"""
    factor = abs(row.factor or 0.0)
    return row.update.new is not None and any(abs(factor / n - 1) <= ALIKE for n in written if n)


def scalings(role: Roles, tapes: Sequence[Sequence[Node]], row: Judged) -> tuple[float, int] | None:
    """The factor that a gradient has when it is made, and how often it changes on the way to the step."""
    found = list(factors_of(role, tapes, row))
    if not found:
        return None
    return found[0], sum(abs(c / before - 1) > ALIKE for before, c in pairwise(found))


def factors_of(role: Roles, tapes: Sequence[Sequence[Node]], row: Judged) -> Iterator[float]:
    """By what a gradient is a multiple of the slope, from where it is made to its step."""
    tolerance = half_of_the_digits(role.graph)
    for node in [*entered(role, row.update.step)][::-1]:
        values = [tape[node.index].value for tape in tapes]
        if any(v is None or np.size(v) != t.size for v, t in zip(values, row.truth, strict=True)):
            continue
        if c := multiple([np.ravel(v) for v in values], [t.ravel() for t in row.truth], tolerance):
            yield c


def undecided(found: Sequence[Alike], late: Mapping[int, int]) -> bool:
    """Does nothing say which of two factors is the right one, not even that it is that of the whole last layer?"""
    if len(found) < 2 or found[0].decided != found[1].decided or found[0].factor * found[1].factor < 0:
        return False
    of_both = {id(row): k for k, group in enumerate(found[:2]) for row in group.rows}
    nearest = sorted(of_both, key=lambda row: late.get(row, -1))[-2:]
    return len({of_both[row] for row in nearest}) > 1


def of_both(found: Sequence[Alike]) -> str:
    """Two factors, where nothing says which of the two is the right one, in words."""
    two = sorted(found[:2], key=lambda group: group.rows[0].update.end.index)
    names = [", ".join(parameter_name(r.update.base, r.update.new) for r in group.rows) for group in two]
    ratio = two[1].factor / two[0].factor
    times = f"{ratio:.4g} times" if abs(ratio) >= 1 else f"1/{1 / ratio:.4g} of"
    says = f"the gradients of {names[0]} and of {names[1]} are not of one loss: beside the slopes, the second"
    return f"{says} is {times} the first, and one of the two lines is wrong"


def factors_after(role: Roles, tapes: Sequence[Sequence[Node]], loss: Loss, row: Judged) -> int | None:
    """How often the factor changes from a gradient as it is made to the slope of the own loss; None without it."""
    sign = row.update.sign if row.update.new is not None else 1
    found = list(factors_of(role, tapes, row)) if loss.node is not None else []
    exact = next((k for k, c in enumerate(found) if abs(c * sign - 1) <= ALIKE), None)
    if exact is None:
        return None
    return sum(abs(c / before - 1) > ALIKE for before, c in pairwise(found[: exact + 1]))
