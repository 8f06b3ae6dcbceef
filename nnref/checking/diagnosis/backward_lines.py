"""A line of the backward pass, and the mistakes that can be made on it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from math import inf

from nnref.checking.operations import affine, record, softmax_cross_entropy
from nnref.checking.operations.rounding import Precision
from nnref.checking.operations.running_error import WithError
from nnref.checking.reference.forward_errors import ForwardErrors
from nnref.checking.results.diagnosis import Mistake
from nnref.shapes import Array

LINES = {
    "labels": "Y",
    "outputs": "P",
    "loss": "dZ",
    "dA": "dA",
    "slope": "dZ",
    "batch": "dZ",
    "dW": "g",
    "db": "g",
    "gradient": "g",
}
"""The lines of a backward pass, in the order they run, and the quantity that each one makes."""

TOP, HIDDEN = ("labels", "outputs", "loss", "batch"), ("dA", "slope", "batch")
"""The lines that lead to dZ of the last layer, and to dZ of a hidden one."""


@dataclass(frozen=True, eq=False)
class BackwardState:
    """The backward pass at layer l: what the lines so far, right or wrong, have made.

    dZs holds dZ of this layer and of those above; theta is "W" or "b" on the lines of one gradient, and yours are all
    the gradients that were given.
    """

    numbers: ForwardErrors
    l: int
    yours: Mapping[str, Array | None]
    dZs: Mapping[int, WithError] = field(default_factory=dict)
    theta: str = ""
    Y: WithError | None = None
    P: WithError | None = None
    dA: WithError | None = None
    dZ: WithError | None = None
    g: WithError | None = None

    @property
    def activation(self) -> str:
        """The activation of this hidden layer, or of the one below where this is the last."""
        names = self.numbers.case.activation
        return names[min(self.l, len(names)) - 1] if names else ""

    def put(self, line: str, made: WithError) -> BackwardState:
        """The state after a line has made its quantity."""
        return replace(self, **{LINES[line]: made})  # type: ignore[arg-type]  # the field that the line makes


Make = Callable[..., WithError]
"""A wrong line's result, linear in the unknown number s in it, if it has one."""


@dataclass(frozen=True)
class Prediction:
    """One way to write a mistake: what it makes, the detail, and the range of its unknown number, if it has one."""

    make: Make
    detail: str = ""
    between: tuple[float, float] | None = None

    @property
    def unknown(self) -> bool:
        """Does it have an unknown number, such as a leaky slope, to be fitted to the gradients?"""
        return self.between is not None


@dataclass(frozen=True)
class BackwardMistake(Mistake):
    """One entry of the catalogue: predict(place) yields the ways to make it there; none, where the shapes forbid it."""

    predict: Callable[[BackwardState], Iterator[Prediction]]


AFFINE, LOSS = affine.RECORD.writing.gradients, softmax_cross_entropy.RECORD.writing.gradients  # type: ignore[union-attr]

RIGHT = {
    "labels": (LOSS["dZ"], "softmax_cross_entropy.dZ"),
    "outputs": (LOSS["dZ"], "softmax_cross_entropy.dZ"),
    "loss": (LOSS["dZ"], "softmax_cross_entropy.dZ"),
    "dA": (AFFINE["dA"], "affine.dA"),
    "slope": ("dZ{l} = dA{l} * {slope}", "{activation}.dZ"),
    "batch": (AFFINE["dW"], "affine.dW"),
    "dW": (AFFINE["dW"], "affine.dW"),
    "db": (AFFINE["db"], "affine.db"),
    "gradient": ("{theta}{l} = {theta}{l} - alpha * d{theta}{l}", "sgd.update"),
}
"""The right line and its claim; that of a slope is in the record of the activation."""


def mistake(
    key: str, line: str, wrong: str, right: str | None = None
) -> Callable[[Callable[[BackwardState], Iterator[Prediction]]], BackwardMistake]:
    """Decorate a function that predicts wrong numbers, as a mistake; its docstring says what is done.

    The right line is that of its place unless given.
    """

    def named(predict: Callable[[BackwardState], Iterator[Prediction]]) -> BackwardMistake:
        says = " ".join((predict.__doc__ or "").split())
        return BackwardMistake(key, line, says, wrong, right or RIGHT[line][0], RIGHT[line][1], predict)

    return named


def right_line(line: str, at: BackwardState) -> WithError:
    """The right line's result, from the results of the lines above it."""
    n, l = at.numbers, at.l
    match line:
        case "labels":
            return n.Y
        case "outputs":
            return n.P
        case "loss":
            return (known(at.P) - known(at.Y)) / n.N
        case "dA":
            return n.W[l + 1].T @ at.dZs[l + 1]
        case "slope":
            return activation_slope(at, l) * known(at.dA)
        case "dW":
            return known(at.dZ) @ n.A[l - 1].T
        case "db":
            return known(at.dZ).sum(axis=1)
    return known(at.dZ if line == "batch" else at.g)


def activation_slope(at: BackwardState, l: int) -> WithError:
    """The derivative of layer l's activation."""
    Z, A = at.numbers.Z[l], at.numbers.A[l]
    return record.slope(at.numbers.case.activation[l - 1], Z, A, Precision(at.numbers.u, 0.0))


def known(quantity: WithError | None) -> WithError:
    """A quantity that the lines above have made."""
    assert quantity is not None
    return quantity


ANY = (-inf, inf)
"""Any unknown number."""
