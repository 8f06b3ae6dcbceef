"""The common factor of the gradients of a step, mostly the rate: a gradient with another one is wrong."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise

import numpy as np

from nnref.checking.watching.calculus.factors import ALIKE, factor_tolerance, half_of_the_digits, multiple
from nnref.checking.watching.calculus.graph import bits_of
from nnref.checking.watching.meaning.losses import Loss
from nnref.checking.watching.meaning.optimisers import entered
from nnref.checking.watching.meaning.parameters import Roles
from nnref.checking.watching.meaning.rates import in_product
from nnref.checking.watching.meaning.updates import parameter_name
from nnref.checking.watching.recording.tape import Node
from nnref.checking.watching.verdict.verdicts import Judged, numbers_of_examples

NOT_ONE = "not of one loss"
"""Verdict kind: gradients with two factors, and no evidence which is right."""

Group = list[Judged]
"""Gradients that have one factor."""


def most_common(rows: Sequence[Judged], apart: float = ALIKE) -> float | None:
    """The factor of most gradients, or at a tie that of the largest array; None if there is none."""
    groups = by_factor(rows, apart)
    return max(groups, key=lambda group: (parameters(group), largest(group)))[0].own if groups else None


def by_factor(rows: Sequence[Judged], apart: float = ALIKE) -> list[Group]:
    """The gradients that are multiples of the truth, grouped by factor within a tolerance."""
    found: list[Group] = []
    for row in rows:
        if row.own:
            home = next((group for group in found if equal_factors(row.own, group[0].own or 0.0, apart)), None)
            if home is None:
                found.append([row])
            else:
                home.append(row)
    return found


def parameters(group: Group) -> int:
    """The number of parameters; single numbers updated one after another on one line count as one."""
    return len({row.update.base.index if row.update.base.shape else row.update.end.site for row in group})


def largest(group: Group) -> int:
    """The size of the largest parameter."""
    return max(row.truth[0].size for row in group)


def is_itself(row: Judged) -> bool:
    """Is the gradient the slope itself, at a rate that is known? A rate of 1 / 2, times 2, is none that is known."""
    return (row.rate is not None or row.update.new is None) and equal_factors(abs(row.own or 0.0), 1.0)


def changes(factors: Sequence[float]) -> int:
    """The number of times that a factor differs from the one before it."""
    return sum(not equal_factors(after, before) for before, after in pairwise(factors))


def equal_factors(a: float, b: float, apart: float = ALIKE) -> bool:
    """Are two factors one?"""
    return b != 0 and abs(a / b - 1) <= apart


@dataclass(frozen=True, eq=False)
class Usual:
    """Finds the usual factor of a step under one loss; written are the literal numbers of the program."""

    role: Roles
    tapes: Sequence[Sequence[Node]]
    loss: Loss
    rows: Sequence[Judged]
    written: frozenset[float] = frozenset()
    first: dict[Judged, float | None] = field(default_factory=dict)

    def factor(self, rows: Sequence[Judged]) -> float | None:
        """The factor that most of these gradients have; None if none is a multiple of the truth."""
        return next((group[0].own for group in self.ranked(rows)), None)

    def ranked(self, rows: Sequence[Judged]) -> list[Group]:
        """The gradients that are multiples of the truth, grouped by factor, the most credible group first.

        First come exact slopes of the program's own loss, if they are two, or at least as many as of any other factor,
        or if one mistake would explain all others. Then those that go down the loss, since one mistake affects
        everything computed after it; then those whose step is the slope times a literal number of the program. At a tie
        without a loss, the last layer is more credible, for the same reason; then a mean before a sum, as a division is
        more easily forgotten than added; then the group with fewer factors applied, if all had one at first. If nothing
        else decides, a bias, which needs no product, comes before the largest array.
        """
        groups = by_factor(rows, factor_tolerance(self.role.graph))
        return sorted(groups, key=lambda group: self.weight(group, groups), reverse=True)

    def undecided(self, found: Sequence[Group]) -> list[Judged]:
        """The gradients of two factors, where only criteria that any step would meet decide between them; else []."""
        if len(found) < 2 or (found[0][0].own or 0.0) * (found[1][0].own or 0.0) < 0:
            return []
        first, second = (self.weight(group, found)[:-2] for group in found[:2])
        return [*found[0], *found[1]] if first == second else []

    def weight(
        self, group: Group, groups: Sequence[Group]
    ) -> tuple[bool, bool, int, bool, tuple[int, ...], bool, int, bool, int, int, int]:
        """The evidence for a group, to be compared with that for the others."""
        of_several, many = len(groups) > 1, parameters(group) >= min(2, max(map(parameters, groups)))
        at_end = any(self.layer(row) == self.last_layer for row in group)
        counts = [None] if not of_several else [self.factors_after(row) for row in group]
        counts = counts if many or at_end or self.stands_apart(group, groups) else [None]
        known = [n for n in counts if n is not None]
        exact = len(known) == len(counts)
        down = of_several and many and (group[0].own or 0.0) > 0
        drawn = of_several and not exact
        return (
            exact,
            down,
            parameters(group),
            self.loss.node is not None and all(map(is_itself, group)),
            tuple(-n for n in max(known)) if exact else (0, 0),
            self.loss.node is not None and all(map(self.is_written, group)),
            max(map(self.layer, group)) if many and not exact and any(largest(g) > 1 for g in groups) else 0,
            drawn and any(self.is_mean_of(group[0], other[0]) for other in groups),
            -max(map(self.factors_put, group)) if of_several and self.alike_at_first(groups) else 0,
            max(self.first_use(row).index for row in group) if drawn and many else 0,
            largest(group),
        )

    def stands_apart(self, group: Group, groups: Sequence[Group]) -> bool:
        """Do all other groups depend on something that this one does not, so that one mistake explains them?

        And are this group's steps the slope of the program's own loss times a literal number?
        """
        if self.loss.node is None or len(groups) != 2 or not all(map(self.is_written, group)):
            return False
        others = next(other for other in groups if other is not group)
        shared, mine = -1, 0
        for row in others:
            shared &= self.made_of(row)
        for row in group:
            mine |= self.made_of(row)
        alone = (self.role.graph.tape[k] for k in bits_of(shared & ~mine))
        return any(self.role.of_labels[n.index] and n.index > self.role.begin for n in alone)

    def made_of(self, row: Judged) -> int:
        """What a gradient is made of, as bits."""
        gradient = [*entered(self.role, row.update.step)][-1]
        return self.role.graph.above[gradient.index]

    def is_written(self, row: Judged) -> bool:
        """Is the gradient the slope itself, or its step the slope times a literal number, the rate?"""
        if equal_factors(abs(row.own or 0.0), 1.0):
            return True
        return row.update.new is not None and any(equal_factors(abs(row.factor or 0.0), n) for n in self.written)

    def alike_at_first(self, groups: Sequence[Group]) -> bool:
        """Do all gradients have one factor when first computed, so that some were scaled later?"""
        made = [self.as_made(row) or 0.0 for group in groups for row in group]
        return all(equal_factors(c, made[0]) for c in made)

    @cached_property
    def examples(self) -> set[int]:
        """The axis lengths that may be numbers of examples."""
        return numbers_of_examples(self.role)

    @cached_property
    def last_layer(self) -> int:
        """The position of the last layer's parameters."""
        return max(map(self.layer, self.rows), default=0)

    def layer(self, row: Judged) -> int:
        """The position of a parameter's first use: later means nearer the output, except for single numbers.

        A bias is used where its weights are: where the value is made that it is added to.
        """
        used = self.first_use(row)
        others = [u.base for u in self.role.updates if u is not row.update]
        product = [m.index for m in used.inputs if any(base in m.inputs for base in others)]
        return max(product, default=used.index) if used.op in ("add", "subtract") else used.index

    def first_use(self, row: Judged) -> Node:
        """The first value that a parameter goes into; the parameter itself, where there is none."""
        base = row.update.base
        return min(self.role.graph.users[base.index], key=lambda n: n.index, default=base)

    def as_made(self, row: Judged) -> float | None:
        """The first of a gradient's factors, computed once; None if it never is a multiple of the truth."""
        if row not in self.first:
            self.first[row] = next(self.factors_as_made(row), None)
        return self.first[row]

    def factors_as_made(self, row: Judged) -> Iterator[float]:
        """A gradient's factors relative to the truth: when first computed, and after each operation to its step."""
        tolerance = half_of_the_digits(self.role.graph)
        for node in reversed(list(self.since_last_product(row))):
            values = [tape[node.index].value for tape in self.tapes]
            if any(v is None or np.size(v) != t.size for v, t in zip(values, row.truth, strict=True)):
                continue
            if c := multiple([np.ravel(v) for v in values], [t.ravel() for t in row.truth], tolerance):
                rate = np.prod([n for _, n in in_product(self.role, node)])
                yield from (c,) if rate in (0.0, 1.0) else (c / float(rate), c)

    def since_last_product(self, row: Judged) -> Iterator[Node]:
        """The values between a gradient and its step, last first; of a single number, since the product with its input.

        What was multiplied by that input is no gradient yet, though a single number is a multiple of any other.
        """
        for node in entered(self.role, row.update.step):
            yield node
            beside = (m for m in node.inputs if not self.role.of_labels[m.index] and m.leaf != "constant")
            if not node.shape and node.op == "multiply" and any(beside):
                return

    def factors_put(self, row: Judged) -> int:
        """How often the factor changes between a gradient and its step."""
        return changes(list(self.factors_as_made(row)))

    def factors_after(self, row: Judged) -> tuple[int, int] | None:
        """How often the factor changes after the gradient is the slope of the own loss, and before; None if never."""
        down = (row.own or 0.0) > 0  # minus the slope is added, or its sign is flipped before the step
        made = list(self.factors_as_made(row)) if self.loss.node is not None and down else []
        at = next((k for k, c in enumerate(made) if equal_factors(abs(c), 1.0)), None)
        return None if at is None else (changes(made[at:]), changes(made[: at + 1]))

    def is_mean_of(self, row: Judged, other: Judged) -> bool:
        """Under a guessed loss summed over the examples: is one gradient that of the mean, and the other of the sum?"""
        if not row.own or not other.own:
            return False
        ratio = other.own / row.own
        n = next((n for n in self.examples if equal_factors(ratio, n)), None)
        made = self.as_made(other)
        return n is not None and made is not None and not equal_factors(abs(made) * n, 1.0)


def of_both(found: Sequence[Group]) -> str:
    """Two factors, where nothing says which of the two is the right one, in words."""
    two = sorted(found[:2], key=lambda group: group[0].update.end.index)
    names = [", ".join(parameter_name(row.update.base, row.update.new) for row in group) for group in two]
    ratio = (two[1][0].own or 0.0) / (two[0][0].own or 1.0)
    times = f"{ratio:.4g} times" if abs(ratio) >= 1 else f"1/{1 / ratio:.4g} of"
    says = f"the gradients of {names[0]} and of {names[1]} are not of one loss: beside the slopes, the second"
    return f"{says} is {times} the first, and one of the two lines is wrong"
