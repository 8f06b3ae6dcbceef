"""Mistakes in the activation's derivative, by which dA becomes dZ: in any network, and those of each record."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache, partial

from nnref.checking.diagnosis.backward_lines import (
    RIGHT,
    BackwardMistake,
    BackwardState,
    Make,
    Prediction,
    activation_slope,
    known,
    mistake,
)
from nnref.checking.operations.record import Formula, OwnMistake, Slopes, activations, record
from nnref.checking.operations.running_error import WithError
from nnref.shapes import Array


@cache
def derivatives() -> tuple[Formula, ...]:
    """The formulas that people use for a derivative, right or wrong, of every activation with a record; each once."""
    slopes = [record(name).slopes for name in activations()]
    return tuple({formula.text: formula for s in slopes for formula in (*s.taken, *s.misplaced)}.values())


def times_dA(line: Callable[..., WithError]) -> Make:
    """A wrong slope, times dA."""
    return lambda at, s: line(at) * known(at.dA)


def prediction_of_formula(formula: Formula) -> Prediction:
    """A formula for the slope, at the weighted sums and the activations of this layer, times dA."""
    return Prediction(times_dA(lambda at: formula.of(Z_of(at), A_of(at))), formula.text)


def Z_of(at: BackwardState) -> WithError:
    """The weighted sums of this layer."""
    return at.numbers.Z[at.l]


def A_of(at: BackwardState) -> WithError:
    """The activations of this layer."""
    return at.numbers.A[at.l]


def slopes_of(at: BackwardState) -> Slopes:
    """How the slope of this layer's activation is written, right and wrong."""
    return record(at.activation).slopes


@mistake("slope.missing", "slope", "dZ{l} = dA{l}")
def slope_missing(at: BackwardState) -> Iterator[Prediction]:
    """The activation's derivative is missing."""
    yield Prediction(lambda at, s: known(at.dA))


def own_mistakes() -> tuple[BackwardMistake, ...]:
    """The mistakes that are made with some activations only, as their records tell them."""
    told: dict[str, OwnMistake] = {}
    for name in activations():
        for own in record(name).slopes.own:
            told.setdefault(own.key, own)
    return tuple(
        BackwardMistake(key, "slope", own.says, own.line, *RIGHT["slope"], predict=partial(own_ways, key))
        for key, own in told.items()
    )


def own_ways(key: str, at: BackwardState) -> Iterator[Prediction]:
    """The ways to make a mistake of this layer's activation; none, where it is another's."""
    for own in slopes_of(at).own:
        for way in own.ways if own.key == key else ():
            yield Prediction(lambda at, s, of=way.of: of(Z_of(at), known(at.dA), s), way.detail, way.between)


@mistake("slope.other_layer", "slope", "dZ{l} = dA{l} * (Z{k} > 0)")
def slope_of_another_layer(at: BackwardState) -> Iterator[Prediction]:
    """The derivative is taken at another layer."""
    n = at.numbers
    for q in range(1, n.depth):
        if q != at.l and n.Z[q].shape == n.Z[at.l].shape:
            yield Prediction(times_dA(lambda at, q=q: activation_slope(at, q)), f"at layer {q}")
    if (mask := slopes_of(at).mask) is not None:
        for q, V in ((0, n.A[0]), (n.depth, n.Z[n.depth])):
            if V.shape == n.Z[at.l].shape:
                yield Prediction(
                    lambda at, s, V=V: masked(known(at.dA), mask(V.value)), f"at {'X' if q == 0 else f'Z{q}'}"
                )


def masked(dA: WithError, mask: Array) -> WithError:
    """The product of dA with a mask; where that holds only 0 and 1, nothing is rounded."""
    return dA.where(mask) if mask.dtype == bool else dA * mask


@mistake("slope.twice", "slope", "dZ{l} = dA{l} * {slope} * {slope}")
def slope_twice(at: BackwardState) -> Iterator[Prediction]:
    """The activation's derivative is applied twice."""
    if slopes_of(at).twice:
        yield Prediction(times_dA(lambda at: activation_slope(at, at.l) * activation_slope(at, at.l)))


@mistake("slope.argument", "slope", "dZ{l} = dA{l} * (1 - Z{l}**2)")
def slope_argument(at: BackwardState) -> Iterator[Prediction]:
    """The derivative is taken at the wrong argument: a formula for A is given Z, or Z was overwritten by A."""
    yield from map(prediction_of_formula, slopes_of(at).misplaced)


@mistake("slope.other_activation", "slope", "dZ{l} = dA{l} * A{l} * (1 - A{l})")
def slope_of_another_activation(at: BackwardState) -> Iterator[Prediction]:
    """The derivative is that of another activation."""
    own = slopes_of(at).texts
    yield from (prediction_of_formula(formula) for formula in derivatives() if formula.text not in own)


@mistake("slope.activation", "slope", "dZ{l} = dA{l} * A{l}")
def slope_is_the_activation(at: BackwardState) -> Iterator[Prediction]:
    """The activation stands where its derivative should."""
    yield Prediction(times_dA(A_of), "A{l}")
    yield Prediction(times_dA(Z_of), "Z{l}")


@mistake("slope.formula", "slope", "dZ{l} = dA{l} * (1 - A{l})")
def slope_formula(at: BackwardState) -> Iterator[Prediction]:
    """The derivative's formula is miswritten."""
    yield from map(prediction_of_formula, slopes_of(at).miswritten)


SLOPES_WRONG = (
    slope_missing,
    *own_mistakes(),
    slope_of_another_layer,
    slope_twice,
    slope_argument,
    slope_of_another_activation,
    slope_is_the_activation,
    slope_formula,
)
"""The mistakes in the line of the slope, the commoner of two that look alike first."""
