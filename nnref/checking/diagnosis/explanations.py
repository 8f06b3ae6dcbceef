"""Explanations of wrong gradients: mistakes on the lines of a backward pass, their results, and their ranking."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from nnref.checking.diagnosis.backward_lines import (
    HIDDEN,
    TOP,
    BackwardMistake,
    BackwardState,
    Prediction,
    known,
    right_line,
)
from nnref.checking.diagnosis.factors import CONSTANT, Factor
from nnref.checking.operations.running_error import WithError
from nnref.checking.reference.forward_errors import ForwardErrors


@dataclass(frozen=True, eq=False)
class Fault:
    """A mistake at a quantity such as "dZ2", None if unexplained; meanings, what its fitted numbers may mean."""

    at: str
    mistakes: tuple[BackwardMistake, ...] = ()
    detail: str = ""

    @property
    def name(self) -> tuple[str, str]:
        """The quantity and the mistake; faults of one name are the same."""
        return self.at, self.mistakes[0].key if self.mistakes else ""


@dataclass(frozen=True, eq=False)
class Explanation:
    """Faults from the last layer down to layer l, their cost, and the dZ of every layer so far.

    lost says that the layers below cannot be judged, as the dZ of this one is unknown.
    """

    faults: tuple[Fault, ...] = ()
    cost: int = 0
    dZs: Mapping[int, WithError] = field(default_factory=dict)
    lost: bool = False

    @property
    def names(self) -> tuple[tuple[str, str, str], ...]:
        """What tells it from another explanation."""
        return tuple((*fault.name, fault.detail) for fault in self.faults)

    @property
    def kinds(self) -> int:
        """How many different mistakes: one that is made in every layer is likelier than a new one in each."""
        return len({(fault.name[1], fault.detail) for fault in self.faults})

    @property
    def rank(self) -> tuple[int, int, int, int]:
        """Sort key: the cheapest first, then those without a meaningless number, then those that claim least."""
        unnamed = sum(fault.mistakes[:1] in ((), (CONSTANT,)) for fault in self.faults)
        return self.cost, unnamed, self.kinds, sum(fault.at[1] in "ZA" for fault in self.faults)

    def plus(self, cost: int, *faults: Fault) -> Explanation:
        """The explanation with more faults, and their cost added."""
        return replace(self, faults=self.faults + faults, cost=self.cost + cost)


@dataclass(frozen=True, eq=False)
class Chain:
    """Predictions for some lines of one layer, evaluated in order; one of them may have an unknown number."""

    chosen: Mapping[str, tuple[BackwardMistake, Prediction]]

    @property
    def unknown(self) -> Prediction | None:
        """The prediction with an unknown number, if there is one."""
        return next((p for _, p in self.chosen.values() if p.unknown), None)

    def without(self, line: str) -> Chain:
        """The chain without the mistake on one line."""
        return Chain({other: made for other, made in self.chosen.items() if other != line})

    def run(self, at: BackwardState, lines: tuple[str, ...], s: float = 0.0) -> BackwardState:
        """The state after these lines, the chosen mistakes made and the rest right."""
        for line in lines:
            at = at.put(line, self.chosen[line][1].make(at, s) if line in self.chosen else right_line(line, at))
        return at

    def faults(self, l: int, lines: tuple[str, ...], s: float) -> tuple[Fault, ...]:
        """The faults of this chain, each at the quantity that its line makes."""
        return tuple(
            Fault(quantity_of_line(line, l), (mistake,), detail_in_words(prediction, l, s))
            for line in lines
            if line in self.chosen
            for mistake, prediction in [self.chosen[line]]
        )


RIGHT_LINES = Chain({})


def quantity_of_line(line: str, l: int) -> str:
    """The quantity that a line makes, by its name: "dA1", or "dZ3" for all that leads to the last layer's dZ."""
    return f"dA{l}" if line == "dA" else f"dZ{l}"


def detail_in_words(prediction: Prediction, l: int, s: float) -> str:
    """The detail with its numbers in it."""
    return prediction.detail.format(s=f"{s:.6g}", l=l, j=l - 1)


@dataclass(frozen=True, eq=False)
class GradientFaults:
    """One explanation of one gradient: mistakes in its own lines, and the remaining factor, None if unknown."""

    factor: Factor | None
    faults: tuple[Fault, ...]


def right_layers(numbers: ForwardErrors) -> Iterator[BackwardState]:
    """Every layer, from the last, as the right lines leave it."""
    dZs: dict[int, WithError] = {}
    for l in range(numbers.depth, 0, -1):
        at = RIGHT_LINES.run(BackwardState(numbers, l, {}, dZs), TOP if l == numbers.depth else HIDDEN)
        dZs = {**dZs, l: known(at.dZ)}
        yield at


def chains(
    mistakes: tuple[BackwardMistake, ...], at: BackwardState, lines: tuple[str, ...], faults: int
) -> Iterator[tuple[Chain, BackwardState]]:
    """Every choice of so many mistakes on different lines, with the place each leads to where its unknown is 0."""
    if not lines:
        if faults == 0:
            yield RIGHT_LINES, at
        return
    line, rest = lines[0], lines[1:]
    for chain, end in chains(mistakes, at.put(line, right_line(line, at)), rest, faults):
        yield chain, end
    if faults:
        for mistake in mistakes:
            if mistake.line == line:
                for prediction in mistake.predict(at):
                    after = at.put(line, prediction.make(at, 0.0))
                    for chain, end in chains(mistakes, after, rest, faults - 1):
                        if not (prediction.unknown and chain.unknown):
                            yield Chain({line: (mistake, prediction), **chain.chosen}), end


def right_gradient(at: BackwardState, theta: str) -> WithError:
    """The gradient that the right line makes of this dZ."""
    return right_line(f"d{theta}", at)
