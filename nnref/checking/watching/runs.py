"""Several runs of a program: with other numbers or, where it then takes other branches, with nearby ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from nnref.checking.watching.calculus.factors import half_of_the_digits
from nnref.checking.watching.calculus.graph import Graph, base_of
from nnref.checking.watching.calculus.slopes import value_of
from nnref.checking.watching.meaning.parameters import Roles, roles_of_step
from nnref.checking.watching.meaning.targets import Understood, understood
from nnref.checking.watching.program import Run
from nnref.checking.watching.recording.tape import Node

STILL = ("data", "labels", "table", "arange", "randint")
"""Kinds of leaves that are no parameters, and are the same in all runs."""

MOVING = (*STILL, "random", "eye")
"""Kinds of leaves that are not perturbed in runs with other seeds: STILL, and those that depend on the seed."""

SPARE = 3
"""Most runs that are repeated because outputs were saturated."""

SATURATED = (
    "outputs are 0 or 1 but for rounding, or no numbers, with these weights; judged with weights a hundredth as large"
)
TIED = "the program compares numbers that are equal; judged with weights a hundredth away, where it goes one way only"
NEAR_BY = "with other numbers the program goes other ways: judged with weights a ten-thousandth away"
PARTED = "the runs part before the last update"


@dataclass
class Several:
    """The runs of one program, with the roles of the first, and the tapes to be judged.

    again repeats the program with these settings of the recorder; how are settings for all runs; apart says that labels
    were separated from data.
    """

    again: Callable[..., Run]
    runs: tuple[Run, ...]
    seen: Understood
    how: dict[str, Any]
    notes: list[str] = field(default_factory=list)

    @property
    def apart(self) -> bool:
        """Are labels and data the same leaf in the program?"""
        return bool(self.seen.places)

    @property
    def role(self) -> Roles:
        """The roles of the values in the first run."""
        assert self.seen.role is not None
        return self.seen.role

    def settle(self) -> None:
        """Replace the first run where outputs are saturated, or equal numbers were compared."""
        if self.apart:
            return
        if saturated(self.role):
            small = frozenset(u.base.index for u in self.role.updates)
            self.instead({"gentle": small}, SATURATED)
        # At `0 if z < 0 else z` with z = 0 there is no slope, and only one branch is recorded.
        ties = (k for k in self.runs[0].recorder.ties if k <= self.role.last)
        if any(self.role.graph.depends(k, self.role.parameters) for k in ties):
            self.instead({"off": frozenset(beginnings(self.role, STILL))}, TIED)

    def instead(self, more: dict[str, Any], note: str) -> None:
        """Replace the first run by another one, if the program does as much in that."""
        first, run = self.runs[0], self.again(**self.how, **more)
        other = roles_of_step(Graph(run.tape), run.recorder.pairs)
        if other is None or len(other.updates) < len(self.role.updates):
            return
        run.recorder.sufficed = first.recorder.sufficed and len(run.tape) >= len(first.tape)
        self.runs, self.seen = (run,), Understood(other, [run.tape])
        self.how |= more
        self.notes.append(note)

    def others(self, seeds: Sequence[int]) -> list[Sequence[Node]]:
        """Run the program with other seeds, or near the first run; the tapes of all, as far as they are one."""
        jitter = frozenset(beginnings(self.role, MOVING))
        first, pairs = self.runs[0], self.runs[0].recorder.pairs
        along = {**self.how, "follows": () if self.apart else first.tape}
        self.runs = (first, *self.elsewhere(seeds, {**along, "jitter": jitter}))
        if self.apart:
            known = understood([run.tape for run in self.runs], pairs)
            self.seen = known if known.role is not None else self.seen
        tapes = together(self.seen.tapes if self.apart else [run.tape for run in self.runs], self.role)
        if len(tapes) < len(self.runs) and not self.apart:
            moved = frozenset(beginnings(self.role, STILL))
            near = (first, *(self.again(**along, near=k + 1, jitter=moved) for k in range(len(seeds))))
            close = together([run.tape for run in near], self.role)
            if len(close) > 1:
                self.runs, tapes = near, close
                self.notes.append(NEAR_BY)
        if len(tapes) < len(self.runs):
            self.notes.append(PARTED)
        return tapes

    def elsewhere(self, seeds: Sequence[int], along: dict[str, Any]) -> Iterator[Run]:
        """A run for each seed; where its outputs are saturated, a further seed is tried."""
        spare = iter(range(max(seeds, default=0) + 1, max(seeds, default=0) + 1 + SPARE))
        for seed in seeds:
            run = self.again(**along, seed=seed)
            while follows(run.tape, self.runs[0].tape, self.role) and saturated(self.role, run.tape):
                if (other := next(spare, None)) is None:
                    break
                run = self.again(**along, seed=other)
            yield run


def follows(tape: Sequence[Node], first: Sequence[Node], role: Roles) -> bool:
    """Did a run execute the same operations in the step as the first one?"""
    return len(aligned([first, tape], role)[0]) > role.last


def saturated(role: Roles, tape: Sequence[Node] | None = None) -> bool:
    """Is an output a probability rounded to 0 or 1, or not finite?"""
    for meeting in role.meetings:
        output = meeting.output if tape is None else tape[meeting.output.index]
        if output.value is None or (isinstance(output.value, np.ndarray) and output.value.dtype == bool):
            continue  # the mask of a ReLU is no probability
        value = np.asarray(output.value, float)
        if not np.isfinite(value).all():
            return True
        several = value.size > 1 or is_logistic(base_of(meeting.output))
        probability = several and value.min() >= 0 and value.max() <= 1
        if probability and (is_cut(role, meeting.output, tape) or is_spent(role, meeting.output, tape)):
            return True
        if probability and is_spent_alone(role, meeting.output, value):
            return True
        if probability and ((value == 1).any() or ((value == 0).any() and value.sum(0).max() > 0.9)):
            return True
    return False


def is_logistic(node: Node) -> bool:
    """Is this 1 / (1 + exp(…)), a probability though it is one number?"""
    sums = [m for m in node.inputs if m.op == "add" and any(n.op == "exp" for n in m.inputs)]
    return node.op == "expit" or (node.op == "divide" and bool(sums))


def is_cut(role: Roles, output: Node, tape: Sequence[Node] | None) -> bool:
    """Is a probability so near 0 or 1 that the guard of its logarithm clips it, which leaves no slope?"""
    shown = base_of(output)
    for node in (shown, *role.graph.users[shown.index]):
        guards = node.op in ("clip", "maximum", "minimum") and node.shape == output.shape
        cut = node if tape is None or node.index >= len(tape) else tape[node.index]
        given = node.inputs[0] if node.inputs else node
        given = given if tape is None or given.index >= len(tape) else tape[given.index]
        if (
            guards
            and cut.value is not None
            and given.value is not None
            and not np.array_equal(np.asarray(cut.value), np.asarray(given.value))
        ):
            return True
    return False


def is_spent(role: Roles, output: Node, tape: Sequence[Node] | None) -> bool:
    """Is a probability so near 1 that 1 − p, in a logarithm, has lost half of its digits?"""
    shown = (output, base_of(output))
    for rest in role.graph.users[shown[1].index]:
        if rest.op != "subtract" or rest.args[1] not in shown or np.size(value_of(rest.args[0])) > 1:
            continue
        logs = [n for n in role.graph.users[rest.index] if n.op in ("log", "log2", "log10", "divide")]
        seen = rest if tape is None or rest.index >= len(tape) else tape[rest.index]
        if logs and seen.value is not None and bool((np.abs(seen.value) < half_of_the_digits(role.graph)).any()):
            return True
    return False


def is_spent_alone(role: Roles, output: Node, value: np.ndarray) -> bool:
    """Is a probability of its own so near to 1 that 1 − p has, where no logarithm says what the loss is?

    The slope of the loss that may be meant is divided by it.
    """
    users = (
        n for m in (output, base_of(output)) for k in (m, *role.graph.users[m.index]) for n in role.graph.users[k.index]
    )
    axes = [axis for axis, n in enumerate(value.shape) if n > 1]
    if any(n.op in ("log", "log2", "log10") for n in users) or any(np.allclose(value.sum(k), 1) for k in axes):
        return False
    return bool((1 - value < half_of_the_digits(role.graph)).any())


def together(tapes: Sequence[Sequence[Node]], role: Roles) -> list[Sequence[Node]]:
    """The tapes to judge together: all up to their first difference, or the first alone if that comes too early."""
    found = aligned(tapes, role)
    return found if len(found[0]) > role.last else [tapes[0]]


def aligned(tapes: Sequence[Sequence[Node]], role: Roles) -> list[Sequence[Node]]:
    """The tapes up to their first difference: as long as they have the same operations on the same lines.

    Values that depend on parameters must also have equal shapes; in data, the number of zeros may differ.
    """
    length = min(map(len, tapes))
    for k in range(length):
        first = tapes[0][k]
        alike = all((t[k].op, t[k].site.line) == (first.op, first.site.line) for t in tapes[1:])
        same = all(t[k].shape == first.shape for t in tapes[1:])
        if not alike or (not same and role.graph.depends(k, role.parameters)):
            length = k
            break
    return [tape[:length] for tape in tapes]


def beginnings(role: Roles, still: Sequence[str]) -> set[int]:
    """The ordinals of the leaves that parameters are computed from, without those of some kinds.

    An integer is only perturbed if it is a parameter itself: otherwise it may be a number of units. What also goes into
    the steps, as the rate of an earlier update does, is the same in all runs.
    """
    found: set[int] = set()
    todo, seen = [u.base for u in role.updates], set()
    own = set(todo)
    rates = beside(role, own)
    while todo:
        node = todo.pop()
        if node.index in seen:
            continue
        seen.add(node.index)
        fixed = isinstance(node.value, int) and node not in own
        if node.leaf and node.leaf not in still and node not in role.labels and not fixed and node not in rates:
            found.add(node.deps.bit_length() - 1)
        todo += node.inputs
    return found


def beside(role: Roles, bases: set[Node]) -> set[Node]:
    """The numbers that are written out and go into the steps of a role, but not by way of its parameters."""
    todo, seen = [u.step for u in role.updates], set(bases)
    while todo:
        node = todo.pop()
        if node not in seen:
            seen.add(node)
            todo += node.inputs
    return {node for node in seen - bases if node.leaf == "constant"}
