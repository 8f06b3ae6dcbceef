"""The slope with which a program begins its backward pass, taken as given where its loss is unknown.

Everything computed from it is judged as usual. A slope that a known loss would have without a mistake does not qualify:
where labels are subtracted from outputs, the slope has to be a multiple of the difference, by weights that depend on no
parameter, or the outputs are those of a step function.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from nnref.checking.watching.calculus.factors import half_of_the_digits, multiple
from nnref.checking.watching.calculus.graph import VIEWS, bits_of
from nnref.checking.watching.calculus.rules import FLAT
from nnref.checking.watching.calculus.slopes import Choice
from nnref.checking.watching.meaning.losses import Loss
from nnref.checking.watching.meaning.optimisers import entered
from nnref.checking.watching.meaning.parameters import Roles
from nnref.checking.watching.meaning.standard_losses import STANDARD, seeds_of, stripped
from nnref.checking.watching.recording.tape import Node
from nnref.checking.watching.verdict.judging import under, uphill
from nnref.checking.watching.verdict.verdicts import Judged, Reading

Array = np.ndarray[Any, Any]
Tape = Sequence[Node]

NEAR = 8
"""Number of values before an output, of its size, at which a backward pass may begin: a sigmoid has 5."""

FIRST = 2
"""Number of the first values that depend on all parameters, which are the scores, however far before the output."""

NAME = "not known"
"""Name of a loss of which only the initial slope is known."""

RULE = "none that has a slope: the perceptron's rule"
"""Name of a rule that passes back the difference of a step function's outputs and their labels."""


ALONE = 8
"""Number of outputs above which the slope of a single one is not tried, as each example has one of its own."""


@dataclass(frozen=True, eq=False)
class Beginning:
    """An output, a value before it that depends on all parameters, and a candidate for the slope of that value.

    more are those of the other examples, where each has a forward pass of its own by the same lines.
    """

    bare: Node
    output: Node
    slope: Node
    more: tuple[Beginning, ...] = ()

    def seeds(self, tape: Tape, sign: int = 1) -> dict[int, Array] | None:
        """The candidates as slopes of a run; None where one is no finite number."""
        parts = (self, *self.more)
        values = [tape[part.slope.index].value for part in parts]
        if any(value is None or not np.isfinite(np.asarray(value, float)).all() for value in values):
            return None
        known = zip(parts, values, strict=True)
        return {p.output.index: sign * np.asarray(v, float).reshape(p.output.shape) for p, v in known}


def beginnings(role: Roles) -> Iterator[Beginning]:
    """The outputs, the values before them that depend on all parameters, and candidates for the slopes of these."""
    bares = list(dict.fromkeys(bare for bare, _ in stripped(role)))
    made = (role.graph.tape[k] for k in bits_of(role.into_updates) if role.of_labels[k] and k > role.begin)
    slopes = [n for n in made if role.graph.depends(n.index, role.parameters)]
    for bare in bares if len(bares) <= ALONE else ():
        for output in before_output(role, bare):
            yield from (Beginning(bare, output, n) for n in slopes if np.prod(n.shape) == np.prod(output.shape))
    for alike in by_line(bares).values():
        if len(alike) > 1:
            yield from beginnings_of_all(role, alike, slopes)


def before_output(role: Roles, bare: Node) -> list[Node]:
    """The values before an output that depend on all parameters: the first ones, and those near it."""
    graph, parameters, size = role.graph, role.parameters, int(np.prod(bare.shape, dtype=int))
    chain = [graph.tape[k] for k in bits_of(graph.above[bare.index] | (1 << bare.index))]
    whole = [n for n in chain if (graph.above[n.index] | (1 << n.index)) & parameters == parameters]
    # Several outputs may be the columns of one value, which is as many times larger.
    outputs = [n for n in whole if np.prod(n.shape, dtype=int) % size == 0 and not role.of_labels[n.index]]
    return list(dict.fromkeys((*outputs[:FIRST], *outputs[-NEAR:])))


def beginnings_of_all(role: Roles, bares: Sequence[Node], slopes: Sequence[Node]) -> Iterator[Beginning]:
    """The beginnings of outputs that one line makes for one example after the other, all examples at once."""
    before = [before_output(role, bare) for bare in bares]
    if len({len(outputs) for outputs in before}) > 1:
        return
    lines = by_line(slopes).values()
    for outputs in zip(*before, strict=True):
        if len(by_line(outputs)) > 1:
            continue
        for found in lines:
            times, rest = divmod(len(found), len(bares))
            if rest or np.prod(found[0].shape) != np.prod(outputs[0].shape):
                continue
            for k in range(times):
                first, *more = map(Beginning, bares, outputs, found[k::times])
                yield replace(first, more=tuple(more))


def by_line(nodes: Iterable[Node]) -> dict[tuple[object, ...], list[Node]]:
    """Values by the operation of the program that made them."""
    found: dict[tuple[object, ...], list[Node]] = {}
    for node in nodes:
        found.setdefault((node.site, node.op, node.shape), []).append(node)
    return found


def taken_as_given(role: Roles, tapes: Sequence[Tape], choice: Choice) -> Reading | None:
    """The verdicts under the first slope that may be given; None where there is none, or nothing is right under it.

    A slope under which all is right, or goes up, is preferred; else the one under which most is right.
    """
    found: list[Reading] = []
    for begin in sorted(beginnings(role), key=lambda b: (b.slope.index, b.output.index)):
        if any(begin.seeds(tape) is None for tape in tapes):
            continue
        sign = sign_of_slope(role, tapes, begin)
        seeds = tuple(begin.seeds(tape, sign) or {} for tape in tapes)
        rule = is_of_a_rule(role, tapes, begin)
        loss = Loss(RULE if rule else NAME, seeds, given=begin.slope, rule=rule)
        reading = under(role, tapes, loss, choice, None)
        if reading is None or not any(row.own if rule else is_evidence(role, row, begin.slope) for row in reading.rows):
            continue
        if not may_be_given(role, tapes, begin, choice):
            continue
        if reading.all_right or uphill(reading):
            return reading
        found.append(reading)
    return max(found, key=lambda r: r.fits, default=None)


def is_evidence(role: Roles, row: Judged, slope: Node) -> bool:
    """Is a gradient right, and not merely the given slope itself or a multiple of it?"""
    made = {n.index for n in entered(role, row.update.step)}
    return bool(row.own) and row.truth[0].size > 1 and slope.index not in made


def is_of_a_rule(role: Roles, tapes: Sequence[Tape], begin: Beginning) -> bool:
    """Is the slope a multiple of the difference of labels and a step function's outputs?"""
    differences = None if smooth(role, begin.bare) else difference(role, tapes, begin.bare)
    equal = [] if differences is None else equals(role, tapes, begin.slope, differences)
    weights = weights_of(role, begin.slope, equal)
    return weights is not None and all(alone(role, m) for m in weights)


def sign_of_slope(role: Roles, tapes: Sequence[Tape], begin: Beginning) -> int:
    """1 for a slope whose negative moves outputs towards their labels, as p − y does; −1 for the opposite sign.

    If it is no such difference, the signs at large and small labels decide. If it is weighted, as by a reward, the
    update's sign is taken to be right.
    """
    differences = difference(role, tapes, begin.bare)
    equal = [] if differences is None else equals(role, tapes, begin.slope, differences)
    weights = weights_of(role, begin.slope, equal)
    if differences is not None and weights is not None and all(alone(role, m) for m in weights):
        values = [np.asarray(tape[begin.slope.index].value, float).ravel() for tape in tapes]
        signs = np.sign(sum(v @ d.ravel() for v, d in zip(values, differences, strict=True)))
        return 1 if signs > 0 else -1
    if differences is not None and weights is None and (apart := kept_apart(tapes, begin, differences)):
        return apart
    turns = {u.sign for u in role.updates if role.graph.depends(u.step.index, 1 << begin.slope.index)}
    return -1 if turns == {-1} else 1


def kept_apart(tapes: Sequence[Tape], begin: Beginning, differences: Sequence[Array]) -> int:
    """1 where a slope is negative for all large labels and positive for all small ones, −1 for the reverse, else 0."""
    ways = set()
    for tape, d in zip(tapes, differences, strict=True):
        labels = np.asarray(tape[begin.bare.index].value, float).ravel() - np.ravel(d)
        slope = np.asarray(tape[begin.slope.index].value, float).ravel()
        large = labels > labels.mean()
        if slope.size != labels.size or not large.any() or large.all():
            return 0
        ways |= {*np.sign(slope[~large]), *(-np.sign(slope[large]))}
    return int(ways.pop()) if len(ways) == 1 else 0


def alone(role: Roles, node: Node) -> bool:
    """Is a value made of numbers that are written out, and of nothing else?"""
    made = bits_of(role.graph.above[node.index] | (1 << node.index))
    return all(role.graph.tape[k].leaf in ("", "constant") for k in made)


def equals(role: Roles, tapes: Sequence[Tape], slope: Node, differences: Sequence[Array]) -> list[Node]:
    """The ancestors of a slope that are multiples of the difference of outputs and labels."""
    tolerance = half_of_the_digits(role.graph)
    chain = (role.graph.tape[k] for k in bits_of(role.graph.above[slope.index] | (1 << slope.index)))
    return [n for n in chain if role.of_labels[n.index] and is_multiple(n, tapes, differences, tolerance)]


def difference(role: Roles, tapes: Sequence[Tape], bare: Node) -> list[Array] | None:
    """Output minus labels in every run; None where they are of unlike shapes."""
    pairs = [pair for pair in stripped(role) if pair[0] is bare]
    with np.errstate(all="ignore"):
        seeds = [seeds_of(pairs, tape, STANDARD["squared error"]) for tape in tapes]
    found = [s[bare.index] for s in seeds if s is not None and bare.index in s]
    return found if len(found) == len(tapes) else None


def may_be_given(role: Roles, tapes: Sequence[Tape], begin: Beginning, choice: Choice) -> bool:
    """Is this the slope of no known loss, nor a mistaken form of one?"""
    above = role.graph.above[begin.slope.index] | (1 << begin.slope.index)
    met = [m for m in role.meetings if above >> m.at.index & 1 and m.at.op in ("subtract", "add")]
    if (differences := difference(role, tapes, begin.bare)) is None:
        return not met and smooth(role, begin.slope)
    if not (equal := equals(role, tapes, begin.slope, differences)):
        size = np.prod(begin.bare.shape, dtype=int)
        return smooth(role, begin.slope) and not any(np.prod(m.at.shape, dtype=int) == size for m in met)
    weights = weights_of(role, begin.slope, equal)
    if weights is None or any(smooth(role, m) for m in weights):
        return False
    known = (is_slope(role, tapes, begin, choice, name, differences) for name in PROPER)
    return not smooth(role, begin.bare) or any(known)


def is_squashed_otherwise(role: Roles, tapes: Sequence[Tape], begin: Beginning) -> bool:
    """Is this the difference of outputs and labels times a function of the outputs, such as error * a * (1 + a)?

    Then that function is meant as an activation's slope. Only losses of an exponential mean have such slopes rightly.
    """
    differences = difference(role, tapes, begin.bare)
    equal = [] if differences is None else equals(role, tapes, begin.slope, differences)
    weights = weights_of(role, begin.slope, equal)
    of_outputs = weights is not None and any(smooth(role, m) and not role.of_labels[m.index] for m in weights)
    return of_outputs and begin.bare.op not in ("exp", "log", "log1p", "logaddexp", "square", "power")


PROPER = ("squared error", "cross-entropy", "binary cross-entropy", "softmax cross-entropy of scores")
"""Losses with the slope outputs − labels, with respect to the outputs or to the input of their activation."""


def is_multiple(node: Node, tapes: Sequence[Tape], truth: Sequence[Array], tolerance: float) -> bool:
    """Is a value one multiple of others in all runs, in any layout?"""
    values = [tape[node.index].value for tape in tapes]
    if any(v is None or np.size(v) != t.size for v, t in zip(values, truth, strict=True)):
        return False
    return bool(multiple([np.ravel(v) for v in values], [t.ravel() for t in truth], tolerance))


def is_slope(
    role: Roles,
    tapes: Sequence[Tape],
    begin: Beginning,
    choice: Choice,
    name: str,
    differences: Sequence[Array],
) -> bool:
    """Is the difference of outputs and labels the slope of this known loss with respect to the same value?"""
    pairs = [pair for pair in stripped(role) if pair[0] is begin.bare]
    with np.errstate(all="ignore"):
        seeds = [seeds_of(pairs, tape, STANDARD[name]) for tape in tapes]
    given = tuple(s for s in seeds if s and all(np.isfinite(g).all() for g in s.values()))
    reading = under(role, tapes, Loss(name, given), choice, None) if len(given) == len(tapes) else None
    k = begin.output.index
    if reading is None or any(k not in s for s in reading.slopes):
        return False
    truth = [s[k].ravel() for s in reading.slopes]
    return bool(multiple([d.ravel() for d in differences], truth, half_of_the_digits(role.graph)))


def weights_of(role: Roles, slope: Node, equal: Sequence[Node]) -> list[Node] | None:
    """The factors from the difference of outputs and labels to a slope that is a product of it; None if it is none."""
    ends = sum(1 << n.index for n in equal)
    node, found = slope, list[Node]()
    while not ends >> node.index & 1:
        inside = [m for m in node.inputs if role.graph.depends(m.index, ends)]
        if len(inside) != 1 or node.op not in PRODUCTS:
            return None
        found += [m for m in node.inputs if m is not inside[0]]
        node = inside[0]
    return found


PRODUCTS = VIEWS | {"multiply", "divide", "negative", "put", "where"}
"""Operations that multiply or keep entries, each by itself."""


def smooth(role: Roles, node: Node) -> bool:
    """Does a value depend smoothly on a parameter, and not only through a comparison or a drawn integer?"""
    todo, seen = [node], set[int]()
    while todo:
        n = todo.pop()
        if n.index in seen or not role.graph.depends(n.index, role.parameters):
            continue
        seen.add(n.index)
        if role.parameters >> n.index & 1:
            return True
        whole = isinstance(n.value, int) or getattr(n.value, "dtype", np.dtype(float)).kind in "iub"
        if whole or n.op in FLAT or n.op == "chosen":
            continue
        todo += [m for m in n.inputs if not (n.op == "where" and m is n.args[0])]
    return False
