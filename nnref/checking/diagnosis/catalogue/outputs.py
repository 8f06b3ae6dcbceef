"""Mistakes at the output: in the labels, in the probabilities, and in the derivative of the loss."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from nnref.checking.diagnosis.backward_lines import BackwardState, Prediction, known, mistake
from nnref.checking.diagnosis.catalogue.slopes import derivatives
from nnref.checking.operations import sigmoid
from nnref.checking.operations.running_error import WithError
from nnref.shapes import Array


def rolled(shift: int, axis: int) -> Callable[[Array], Array]:
    """Rows or columns moved round by so many places."""
    return lambda A: np.roll(A, shift, axis)


def backwards(axis: int) -> Callable[[Array], Array]:
    """Rows or columns in reverse order."""
    return lambda A: np.flip(A, axis)


@mistake("labels.class", "labels", "Y = np.roll(Y, 1, axis=0)")
def labels_off_by_a_class(at: BackwardState) -> Iterator[Prediction]:
    """The labels are off by one class."""
    for shift in (1, -1):
        yield Prediction(lambda at, s, shift=shift: at.numbers.Y.moved(rolled(shift, 0)), f"by {shift:+d}")
    yield Prediction(lambda at, s: at.numbers.Y.moved(backwards(0)), "in reverse order")


@mistake("labels.example", "labels", "Y = np.roll(Y, 1, axis=1)")
def labels_off_by_an_example(at: BackwardState) -> Iterator[Prediction]:
    """Each example has the label of another."""
    for shift in (1, -1):
        yield Prediction(lambda at, s, shift=shift: at.numbers.Y.moved(rolled(shift, 1)), f"shifted by {shift:+d}")
    yield Prediction(lambda at, s: at.numbers.Y.moved(backwards(1)), "in reverse order")


@mistake("labels.smoothed", "labels", "Y = (1 - eps) * Y + eps / K")
def labels_smoothed(at: BackwardState) -> Iterator[Prediction]:
    """The labels are smoothed."""
    K = at.numbers.classes
    yield Prediction(lambda at, s: at.numbers.Y * (1 - s) + s / K, "eps = {s}", (0, 1))


@mistake("labels.missing", "labels", "dZ{l} = P / N")
def labels_missing(at: BackwardState) -> Iterator[Prediction]:
    """The labels are never subtracted."""
    yield Prediction(lambda at, s: at.numbers.Y * 0.0)


def softmax_over(Z: WithError, axis: int | None) -> WithError:
    """Exp Z over its sum along an axis, or over everything, with an error that allows for each exponential."""
    shifted = Z.value - Z.value.max()
    E = WithError(np.exp(shifted), np.exp(shifted) * (1 + abs(shifted) + Z.e), Z.u)
    total = E.sum(axis)
    P = E.value / total.value
    return WithError(P, P * (2 + E.e / E.value + total.e / total.value), Z.u)


@mistake("softmax.axis", "outputs", "P = E / E.sum(axis=1, keepdims=True)")
def softmax_axis(at: BackwardState) -> Iterator[Prediction]:
    """Softmax is taken over the wrong axis."""
    yield Prediction(lambda at, s: softmax_over(at.numbers.Z[at.l], 1), "over the examples")
    yield Prediction(lambda at, s: softmax_over(at.numbers.Z[at.l], None), "over the whole array")


@mistake("softmax.missing", "outputs", "dZ{l} = (Z{l} - Y) / N")
def softmax_missing(at: BackwardState) -> Iterator[Prediction]:
    """The logits stand for the probabilities."""
    yield Prediction(lambda at, s: at.numbers.Z[at.l])


@mistake("softmax.sigmoid", "outputs", "P = 1 / (1 + np.exp(-Z{l}))")
def softmax_sigmoid(at: BackwardState) -> Iterator[Prediction]:
    """A sigmoid stands for softmax."""
    yield Prediction(lambda at, s: sigmoid.of(at.numbers.Z[at.l]))


@mistake("softmax.rounded", "outputs", "P = one_hot(P.argmax(axis=0))")
def softmax_rounded(at: BackwardState) -> Iterator[Prediction]:
    """The predicted class stands for the probabilities."""

    def winners(at: BackwardState, s: float) -> WithError:
        Z = at.numbers.Z[at.l].value
        return WithError.exact((Z.max(axis=0) == Z).astype("float64"), at.numbers.u)

    yield Prediction(winners)


def per_label(at: BackwardState, f: Callable[[Array], Array]) -> WithError:
    """Y f(P) where Y is not 0, with the relative error of P in f at most doubled."""
    Y, P = known(at.Y), known(at.P)
    value = np.where(Y.value == 0, 0, Y.value * f(np.where(Y.value == 0, 1, P.value)))
    relative = P.e / np.maximum(abs(P.value), np.finfo("float64").tiny)
    return WithError(value, abs(value) * (2 + 2 * relative) + abs(Y.value) * P.e, P.u)


@mistake("softmax.diagonal", "loss", "dZ{l} = -Y / P * P * (1 - P) / N")
def diagonal(at: BackwardState) -> Iterator[Prediction]:
    """The softmax Jacobian is reduced to its diagonal: each p depends on every z, and not on its own alone."""
    yield Prediction(lambda at, s: -(known(at.Y) * (1 - known(at.P))) / at.numbers.N)


@mistake("softmax.skipped", "loss", "dZ{l} = -Y / P / N")
def skipped(at: BackwardState) -> Iterator[Prediction]:
    """The gradient of the loss with respect to P is passed on as if it were that with respect to Z."""
    yield Prediction(lambda at, s: -per_label(at, lambda P: 1 / P) / at.numbers.N)


def through_softmax(at: BackwardState, dP: WithError) -> WithError:
    """P ∘ (dP − 1 Σ P ∘ dP)."""
    P = known(at.P)
    return P * (dP - (P * dP).sum(axis=0))


@mistake("loss.squared", "loss", "dZ{l} = 2 * (P - Y) * P * (1 - P) / N")
def squared(at: BackwardState) -> Iterator[Prediction]:
    """The derivative is that of the squared error, not of the cross-entropy."""
    K = at.numbers.classes
    for factor, text in ((1.0, "(P - Y)²/2"), (2.0, "(P - Y)²"), (1 / K, "its mean over classes"), (2 / K, "its mean")):

        def of(at: BackwardState, through: bool, factor: float = factor) -> WithError:
            d = (known(at.P) - known(at.Y)) * (factor / at.numbers.N)
            return through_softmax(at, d) if through else d * known(at.P) * (1 - known(at.P))

        yield Prediction(lambda at, s, of=of: of(at, True), f"{text}, through softmax")
        yield Prediction(lambda at, s, of=of: of(at, False), f"{text}, through p (1 - p)")


@mistake("loss.binary", "loss", "dP = -Y / P + (1 - Y) / (1 - P)")
def binary(at: BackwardState) -> Iterator[Prediction]:
    """The derivative is that of the binary cross-entropy, which also counts the classes that are not the label."""

    def of(at: BackwardState, s: float) -> WithError:
        P, Y = known(at.P), known(at.Y)
        rest = (1 - Y.value) * P.value / (1 - P.value)
        # p (1 − y) / (1 − p): the error of 1 − p is that of p, and enters divided by (1 − p)².
        second = WithError(rest, (1 - Y.value) * (2 * P.e + P.value) / (1 - P.value) ** 2 + 2 * rest, P.u)
        dP_P = second - Y
        return (dP_P - P * dP_P.sum(axis=0)) / at.numbers.N

    yield Prediction(of)


@mistake("loss.slope", "loss", "dZ{l} = (P - Y) / N * (Z{l} > 0)")
def output_slope(at: BackwardState) -> Iterator[Prediction]:
    """The derivative of a hidden activation is applied to the output layer, which has none."""
    for f in derivatives():
        if f.text not in ("A (1 - A)", "A > 0"):  # p (1 − p) is the squared error's, and p is never below 0
            yield Prediction(
                lambda at, s, f=f: (known(at.P) - known(at.Y)) / at.numbers.N * f.of(at.numbers.Z[at.l], known(at.P)),
                f.text,
            )


OUTPUTS = (
    labels_off_by_a_class,
    labels_off_by_an_example,
    labels_smoothed,
    labels_missing,
    softmax_axis,
    softmax_missing,
    softmax_sigmoid,
    softmax_rounded,
    diagonal,
    skipped,
    squared,
    binary,
    output_slope,
)
"""The mistakes in the lines that make dZ of the last layer, the commoner of two that look alike first."""
