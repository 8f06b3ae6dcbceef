"""Mistakes in the activation's derivative, by which dA becomes dZ."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from nnref import sigmoid
from nnref.checking.diagnosis.backward_lines import Make, Place, Prediction, mistake, slope, some
from nnref.checking.reference.running_error import Carried


def logistic(Z: Carried) -> Carried:
    """The sigmoid of carried numbers."""
    A = sigmoid.forward(Z.value)
    return Carried(A, A * (1 - A) * Z.e + 2 * A, Z.u)


Values = Callable[[Place], Carried]


def derivatives(Z: Values, A: Values) -> Iterator[tuple[str, Values]]:
    """What people take for a derivative, from the weighted sums Z and the activations A."""

    def times_rest(V: Values) -> Values:
        return lambda at: V(at) * (1 - V(at))

    def less_square(V: Values) -> Values:
        return lambda at: 1 - V(at) * V(at)

    def tanh_of(V: Values) -> Values:
        return lambda at: V(at).rounded(np.tanh(V(at).value), 1.0)

    def logistic_of(V: Values) -> Values:
        return lambda at: logistic(V(at))

    def positive(V: Values) -> Values:
        return lambda at: Carried.exact((V(at).value > 0).astype("float64"), V(at).u)

    yield "Z > 0", positive(Z)
    yield "A > 0", positive(A)
    yield "1 - tanh(Z)²", less_square(tanh_of(Z))
    yield "1 - tanh(A)²", less_square(tanh_of(A))
    yield "σ(Z) (1 - σ(Z))", times_rest(logistic_of(Z))
    yield "σ(A) (1 - σ(A))", times_rest(logistic_of(A))
    yield "1 - A²", less_square(A)
    yield "A (1 - A)", times_rest(A)
    yield "1 - Z²", less_square(Z)
    yield "Z (1 - Z)", times_rest(Z)
    yield "σ(Z)", logistic_of(Z)


OWN = {"relu": (), "tanh": ("1 - tanh(A)²", "1 - Z²"), "sigmoid": ("σ(A) (1 - σ(A))", "Z (1 - Z)")}
"""The activation's own derivative at the wrong place: of A for Z, or of Z for A."""

ITSELF = {"sigmoid": "σ(Z)"}
"""What is the activation itself, and the derivative of another only by its formula."""


def here(line: Callable[..., Carried]) -> Make:
    """A wrong slope, times dA."""
    return lambda at, s: line(at) * some(at.dA)


def Z_of(at: Place) -> Carried:
    """The weighted sums of this layer."""
    return at.numbers.Z[at.l]


def A_of(at: Place) -> Carried:
    """The activations of this layer."""
    return at.numbers.A[at.l]


@mistake("slope.missing", "slope", "dZ{l} = dA{l}")
def slope_missing(at: Place) -> Iterator[Prediction]:
    """The activation's derivative is missing."""
    yield Prediction(lambda at, s: some(at.dA))


@mistake("slope.inverted", "slope", "dZ{l} = dA{l} * (Z{l} <= 0)")
def slope_inverted(at: Place) -> Iterator[Prediction]:
    """The mask is the wrong way round."""
    if at.activation == "relu":
        yield Prediction(lambda at, s: some(at.dA).where(Z_of(at).value <= 0))
        yield Prediction(lambda at, s: some(at.dA).where(Z_of(at).value < 0), "Z < 0")


@mistake("slope.at_zero", "slope", "dZ{l} = dA{l} * (Z{l} >= 0)")
def slope_at_zero(at: Place) -> Iterator[Prediction]:
    """The mask lets the exact zeros through: ReLU'(0) is 0 here, as in the forward pass max(0, Z)."""
    if at.activation == "relu":
        yield Prediction(lambda at, s: some(at.dA).where(Z_of(at).value >= 0))
        yield Prediction(lambda at, s: some(at.dA) * np.where(Z_of(at).value == 0, 0.5, Z_of(at).value > 0), "1/2 at 0")


@mistake("slope.leaky", "slope", "dZ{l} = dA{l} * np.where(Z{l} > 0, 1, 0.01)")
def slope_leaky(at: Place) -> Iterator[Prediction]:
    """The derivative is that of a leaky rectifier."""
    if at.activation == "relu":
        yield Prediction(lambda at, s: some(at.dA) * np.where(Z_of(at).value > 0, 1, s), "slope {s}", (0, 1))


@mistake("slope.elu", "slope", "dZ{l} = dA{l} * np.where(Z{l} > 0, 1, np.exp(Z{l}))")
def slope_elu(at: Place) -> Iterator[Prediction]:
    """The derivative is that of an exponential linear unit."""

    def elu(at: Place, s: float) -> Carried:
        Z = Z_of(at)
        E = np.exp(np.minimum(Z.value, 0))
        return Carried(np.where(Z.value > 0, 1, E), np.where(Z.value > 0, 0, E * (1 + Z.e)), Z.u) * some(at.dA)

    if at.activation == "relu":
        yield Prediction(elu)


@mistake("slope.from_dA", "slope", "dZ{l} = dA{l} * (dA{l} > 0)")
def slope_from_dA(at: Place) -> Iterator[Prediction]:
    """The mask is taken from dA, not from Z."""
    if at.activation == "relu":
        yield Prediction(lambda at, s: some(at.dA).where(some(at.dA).value > 0))


@mistake("slope.other_layer", "slope", "dZ{l} = dA{l} * (Z{k} > 0)")
def slope_of_another_layer(at: Place) -> Iterator[Prediction]:
    """The derivative is taken at another layer."""
    n = at.numbers
    for q in range(1, n.depth):
        if q != at.l and n.Z[q].shape == n.Z[at.l].shape:
            yield Prediction(here(lambda at, q=q: slope(at, q)), f"at layer {q}")
    if at.activation == "relu":
        for q, V in ((0, n.A[0]), (n.depth, n.Z[n.depth])):
            if V.shape == n.Z[at.l].shape:
                yield Prediction(lambda at, s, V=V: some(at.dA).where(V.value > 0), f"at {'X' if q == 0 else f'Z{q}'}")


@mistake("slope.twice", "slope", "dZ{l} = dA{l} * {slope} * {slope}")
def slope_twice(at: Place) -> Iterator[Prediction]:
    """The activation's derivative is applied twice."""
    if at.activation != "relu":
        yield Prediction(here(lambda at: slope(at, at.l) * slope(at, at.l)))


@mistake("slope.argument", "slope", "dZ{l} = dA{l} * (1 - Z{l}**2)")
def slope_argument(at: Place) -> Iterator[Prediction]:
    """The derivative is taken at the wrong argument: a formula for A is given Z, or Z was overwritten by A."""
    for text, f in derivatives(Z_of, A_of):
        if text in OWN.get(at.activation, ()):
            yield Prediction(here(f), text)


@mistake("slope.other_activation", "slope", "dZ{l} = dA{l} * A{l} * (1 - A{l})")
def slope_of_another_activation(at: Place) -> Iterator[Prediction]:
    """The derivative is that of another activation."""
    for text, f in derivatives(Z_of, A_of):
        if text not in (*OWN.get(at.activation, ()), ITSELF.get(at.activation)):
            yield Prediction(here(f), text)


@mistake("slope.activation", "slope", "dZ{l} = dA{l} * A{l}")
def slope_is_the_activation(at: Place) -> Iterator[Prediction]:
    """The activation stands where its derivative should."""
    yield Prediction(here(A_of), "A{l}")
    yield Prediction(here(Z_of), "Z{l}")


@mistake("slope.formula", "slope", "dZ{l} = dA{l} * (1 - A{l})")
def slope_formula(at: Place) -> Iterator[Prediction]:
    """The derivative's formula is miswritten."""
    if at.activation != "relu":
        yield Prediction(here(lambda at: 1 - A_of(at)), "1 - A")
        yield Prediction(here(lambda at: A_of(at) * A_of(at)), "A²")
        yield Prediction(here(lambda at: A_of(at) * A_of(at) + 1), "1 + A²")
        yield Prediction(here(lambda at: A_of(at) * (A_of(at) + 1)), "A (1 + A)")


SLOPES_WRONG = (
    slope_missing,
    slope_inverted,
    slope_at_zero,
    slope_leaky,
    slope_elu,
    slope_from_dA,
    slope_of_another_layer,
    slope_twice,
    slope_argument,
    slope_of_another_activation,
    slope_is_the_activation,
    slope_formula,
)
"""The mistakes in the line of the slope, the commoner of two that look alike first."""
