"""Mistakes on the way to dZ: in the labels, the outputs, the loss, Wᵀ dZ, the activation's slope and the batch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import inf

import numpy as np

from nnref import sigmoid
from nnref.checking import noise
from nnref.checking.carried import Carried
from nnref.checking.fit import WITNESSES
from nnref.checking.place import Make, Place, Prediction, mistake, right, slope, some
from nnref.shapes import Array


def rolled(shift: int, axis: int) -> Callable[[Array], Array]:
    """Rows or columns moved round by so many places."""
    return lambda A: np.roll(A, shift, axis)


def backwards(axis: int) -> Callable[[Array], Array]:
    """Rows or columns in reverse order."""
    return lambda A: np.flip(A, axis)


@mistake("labels.class", "labels", "Y = np.roll(Y, 1, axis=0)")
def labels_off_by_a_class(at: Place) -> Iterator[Prediction]:
    """The labels are off by one class."""
    for shift in (1, -1):
        yield Prediction(lambda at, s, shift=shift: at.numbers.Y.moved(rolled(shift, 0)), f"by {shift:+d}")
    yield Prediction(lambda at, s: at.numbers.Y.moved(backwards(0)), "in reverse order")


@mistake("labels.example", "labels", "Y = np.roll(Y, 1, axis=1)")
def labels_off_by_an_example(at: Place) -> Iterator[Prediction]:
    """Each example has the label of another."""
    for shift in (1, -1):
        yield Prediction(lambda at, s, shift=shift: at.numbers.Y.moved(rolled(shift, 1)), f"shifted by {shift:+d}")
    yield Prediction(lambda at, s: at.numbers.Y.moved(backwards(1)), "in reverse order")


@mistake("labels.smoothed", "labels", "Y = (1 - eps) * Y + eps / K")
def labels_smoothed(at: Place) -> Iterator[Prediction]:
    """The labels are smoothed."""
    K = at.numbers.classes
    yield Prediction(lambda at, s: at.numbers.Y * (1 - s) + s / K, "eps = {s}", (0, 1))


@mistake("labels.missing", "labels", "dZ{l} = P / N")
def labels_missing(at: Place) -> Iterator[Prediction]:
    """The labels are never subtracted."""
    yield Prediction(lambda at, s: at.numbers.Y * 0.0)


def softmax_over(Z: Carried, axis: int | None) -> Carried:
    """Exp Z over its sum along an axis, or over everything, with an error that allows for each exponential."""
    shifted = Z.value - Z.value.max()
    E = Carried(np.exp(shifted), np.exp(shifted) * (1 + abs(shifted) + Z.e), Z.u)
    total = E.sum(axis)
    P = E.value / total.value
    return Carried(P, P * (2 + E.e / E.value + total.e / total.value), Z.u)


@mistake("softmax.axis", "outputs", "P = E / E.sum(axis=1, keepdims=True)")
def softmax_axis(at: Place) -> Iterator[Prediction]:
    """Softmax is taken over the wrong axis."""
    yield Prediction(lambda at, s: softmax_over(at.numbers.Z[at.l], 1), "over the examples")
    yield Prediction(lambda at, s: softmax_over(at.numbers.Z[at.l], None), "over the whole array")


@mistake("softmax.missing", "outputs", "dZ{l} = (Z{l} - Y) / N")
def softmax_missing(at: Place) -> Iterator[Prediction]:
    """The logits stand for the probabilities."""
    yield Prediction(lambda at, s: at.numbers.Z[at.l])


@mistake("softmax.sigmoid", "outputs", "P = 1 / (1 + np.exp(-Z{l}))")
def softmax_sigmoid(at: Place) -> Iterator[Prediction]:
    """A sigmoid stands for softmax."""
    yield Prediction(lambda at, s: logistic(at.numbers.Z[at.l]))


def logistic(Z: Carried) -> Carried:
    """The sigmoid of carried numbers."""
    A = sigmoid.forward(Z.value)
    return Carried(A, A * (1 - A) * Z.e + 2 * A, Z.u)


@mistake("softmax.rounded", "outputs", "P = one_hot(P.argmax(axis=0))")
def softmax_rounded(at: Place) -> Iterator[Prediction]:
    """The predicted class stands for the probabilities."""

    def winners(at: Place, s: float) -> Carried:
        Z = at.numbers.Z[at.l].value
        return Carried.exact((Z.max(axis=0) == Z).astype("float64"), at.numbers.u)

    yield Prediction(winners)


def per_label(at: Place, f: Callable[[Array], Array]) -> Carried:
    """Y f(P) where Y is not 0, with the relative error of P in f at most doubled."""
    Y, P = some(at.Y), some(at.P)
    value = np.where(Y.value == 0, 0, Y.value * f(np.where(Y.value == 0, 1, P.value)))
    relative = P.e / np.maximum(abs(P.value), np.finfo("float64").tiny)
    return Carried(value, abs(value) * (2 + 2 * relative) + abs(Y.value) * P.e, P.u)


@mistake("softmax.diagonal", "loss", "dZ{l} = -Y / P * P * (1 - P) / N")
def diagonal(at: Place) -> Iterator[Prediction]:
    """The softmax Jacobian is reduced to its diagonal: each p depends on every z, and not on its own alone."""
    yield Prediction(lambda at, s: -(some(at.Y) * (1 - some(at.P))) / at.numbers.N)


@mistake("softmax.skipped", "loss", "dZ{l} = -Y / P / N")
def skipped(at: Place) -> Iterator[Prediction]:
    """The gradient of the loss with respect to P is passed on as if it were that with respect to Z."""
    yield Prediction(lambda at, s: -per_label(at, lambda P: 1 / P) / at.numbers.N)


def through_softmax(at: Place, dP: Carried) -> Carried:
    """P ∘ (dP − 1 Σ P ∘ dP)."""
    P = some(at.P)
    return P * (dP - (P * dP).sum(axis=0))


@mistake("loss.squared", "loss", "dZ{l} = 2 * (P - Y) * P * (1 - P) / N")
def squared(at: Place) -> Iterator[Prediction]:
    """The derivative is that of the squared error, not of the cross-entropy."""
    K = at.numbers.classes
    for factor, text in ((1.0, "(P - Y)²/2"), (2.0, "(P - Y)²"), (1 / K, "its mean over classes"), (2 / K, "its mean")):

        def of(at: Place, through: bool, factor: float = factor) -> Carried:
            d = (some(at.P) - some(at.Y)) * (factor / at.numbers.N)
            return through_softmax(at, d) if through else d * some(at.P) * (1 - some(at.P))

        yield Prediction(lambda at, s, of=of: of(at, True), f"{text}, through softmax")
        yield Prediction(lambda at, s, of=of: of(at, False), f"{text}, through p (1 - p)")


@mistake("loss.binary", "loss", "dP = -Y / P + (1 - Y) / (1 - P)")
def binary(at: Place) -> Iterator[Prediction]:
    """The derivative is that of the binary cross-entropy, which also counts the classes that are not the label."""

    def of(at: Place, s: float) -> Carried:
        P, Y = some(at.P), some(at.Y)
        rest = (1 - Y.value) * P.value / (1 - P.value)
        # p (1 − y) / (1 − p): the error of 1 − p is that of p, and enters divided by (1 − p)².
        second = Carried(rest, (1 - Y.value) * (2 * P.e + P.value) / (1 - P.value) ** 2 + 2 * rest, P.u)
        dP_P = second - Y
        return (dP_P - P * dP_P.sum(axis=0)) / at.numbers.N

    yield Prediction(of)


@mistake("loss.slope", "loss", "dZ{l} = (P - Y) / N * (Z{l} > 0)")
def output_slope(at: Place) -> Iterator[Prediction]:
    """The derivative of a hidden activation is applied to the output layer, which has none."""
    for text, f in derivatives(lambda at: at.numbers.Z[at.l], lambda at: some(at.P)):
        if text not in ("A (1 - A)", "A > 0"):  # p (1 − p) is the squared error's, and p is never below 0
            yield Prediction(lambda at, s, f=f: (some(at.P) - some(at.Y)) / at.numbers.N * f(at), text)


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
        if text not in OWN.get(at.activation, ()):
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


@mistake("dA.not_transposed", "dA", "dA{l} = W{k} @ dZ{k}")
def not_transposed(at: Place) -> Iterator[Prediction]:
    """The weights are not transposed."""
    m, n = at.numbers.W[at.l + 1].shape
    if m == n:
        yield Prediction(lambda at, s: at.numbers.W[at.l + 1] @ at.dZs[at.l + 1])


@mistake("dA.other_weights", "dA", "dA{l} = W{l}.T @ dZ{k}")
def other_weights(at: Place) -> Iterator[Prediction]:
    """The weights of another layer are used."""
    W = at.numbers.W
    for q in W:
        if q != at.l + 1 and W[q].shape == W[at.l + 1].shape:
            yield Prediction(lambda at, s, q=q: at.numbers.W[q].T @ at.dZs[at.l + 1], f"W{q}")
        if q != at.l + 1 and W[q].shape == W[at.l + 1].shape[::-1]:
            yield Prediction(lambda at, s, q=q: at.numbers.W[q] @ at.dZs[at.l + 1], f"W{q}, not transposed")


@mistake("dA.updated_weights", "dA", "W{k} -= alpha * dW{k}; dA{l} = W{k}.T @ dZ{k}")
def updated_weights(at: Place) -> Iterator[Prediction]:
    """The weights were updated before they were used: the gradient needs those of the forward pass."""
    k, u = at.l + 1, at.numbers.u
    step = at.yours.get(f"W{k}")
    if step is not None and step.shape == at.numbers.W[k].shape and np.isfinite(step).all():
        dW = Carried(step, abs(step), u)
        yield Prediction(lambda at, s: (at.numbers.W[k] - dW * s).T @ at.dZs[k], "learning rate {s}", (0, inf))


@mistake("dA.other_dZ", "dA", "dA{l} = W{k}.T @ dZ{l}")
def other_dZ(at: Place) -> Iterator[Prediction]:
    """DZ of another layer is passed back."""
    for q in at.dZs:
        if q > at.l + 1 and at.dZs[q].shape == at.dZs[at.l + 1].shape:
            yield Prediction(lambda at, s, q=q: at.numbers.W[at.l + 1].T @ at.dZs[q], f"dZ{q}")


@mistake("dA.no_weights", "dA", "dA{l} = dZ{k}")
def no_weights(at: Place) -> Iterator[Prediction]:
    """DZ is passed back without the weights."""
    if at.dZs[at.l + 1].shape == at.numbers.Z[at.l].shape:
        yield Prediction(lambda at, s: at.dZs[at.l + 1])


def parts_of_batch(at: Place, one: bool) -> Iterator[tuple[str, Array, float]]:
    """One example alone, or all but one, at either end: how it is said, which examples, and the factor of their mean.

    An example that is left out should have had enough in it: a unit or two going missing look the same otherwise.
    """
    N, dZ = at.numbers.N, some(at.dZ).value
    for end, j in (("the last", N - 1), ("the first", 0)):
        kept = (np.arange(N) == j) if one else (np.arange(N) != j)
        left_out = dZ[:, ~kept] != 0
        if left_out.sum() > WITNESSES or left_out.all():
            yield end, kept, 1.0
            yield f"{end}, {'not divided by N' if one else 'and the mean is over the others'}", kept, N / kept.sum()


def keeping(line: str, one: bool) -> Callable[[Place], Iterator[Prediction]]:
    """What the right line makes of a part of the batch alone."""

    def predictions(at: Place) -> Iterator[Prediction]:
        for text, kept, factor in parts_of_batch(at, one):
            yield Prediction(
                lambda at, s, kept=kept, f=factor: right(line, at.put("batch", some(at.dZ).where(kept))) * f, text
            )

    return predictions


@mistake("batch.truncated", "batch", "dZ{l}[:, :-1]")
def truncated(at: Place) -> Iterator[Prediction]:
    """An example at the end of the batch is left out."""
    yield from keeping("batch", one=False)(at)


@mistake("batch.one", "batch", "dZ{l}[:, :1]")
def one_only(at: Place) -> Iterator[Prediction]:
    """One example only stands for the whole batch."""
    yield from keeping("batch", one=True)(at)


@mistake("batch.order", "batch", "dZ{l} = np.roll(dZ{l}, 1, axis=1)")
def batch_order(at: Place) -> Iterator[Prediction]:
    """The examples of dZ and of A are in different orders."""
    for shift in (1, -1):
        yield Prediction(lambda at, s, shift=shift: some(at.dZ).moved(rolled(shift, 1)), f"shifted by {shift:+d}")
    yield Prediction(lambda at, s: some(at.dZ).moved(backwards(1)), "in reverse order")


@mistake("precision.dZ", "batch", "dZ{l} = dZ{l}.astype(np.float32)")
def rounded_dZ(at: Place) -> Iterator[Prediction]:
    """The entries of dZ are rounded to a lower precision."""
    for name in ("float32", "float16"):
        if noise.unit(name) > at.numbers.u:
            yield Prediction(lambda at, s, name=name: cast(some(at.dZ), name), name)


def cast(made: Carried, name: str) -> Carried:
    """The same numbers, rounded to a lower precision and back."""
    with np.errstate(over="ignore"):
        return Carried(made.value.astype(name).astype("float64"), made.e, made.u)


@mistake("clipped.dZ", "batch", "dZ{l} = np.clip(dZ{l}, -1, 1)")
def clipped_dZ(at: Place) -> Iterator[Prediction]:
    """The entries of dZ are clipped."""
    dZ, A = some(at.dZ), at.numbers.A[at.l - 1].value
    g = at.yours.get(f"W{at.l}")
    if g is None or g.shape != (len(dZ.value), len(A)):
        return
    i = int(abs(dZ.value).max(axis=1).argmax())  # the row of the largest entry is clipped, if any is
    for limit in limits(dZ.value[i], A, g[i]):

        def clip(at: Place, s: float, limit: float = limit) -> Carried:
            dZ = some(at.dZ)
            over = abs(dZ.value) > limit
            # The limit was found from sums over the batch and is as exact as they are.
            e = np.where(over, limit * A.shape[1], dZ.e)
            return Carried(np.clip(dZ.value, -limit, limit), e, dZ.u)

        yield Prediction(clip, f"at {limit:.6g}")


def limits(row: Array, A: Array, g: Array) -> Iterator[float]:
    """The limits to which a row of dZ may have been clipped, to make A times it into g.

    Between two neighbouring sizes of its entries the clipped row is linear in the limit.
    """
    sizes = np.unique(abs(row))
    for low, high in zip(np.append(0, sizes[:-1]), sizes, strict=True):
        over = abs(row) > (low + high) / 2
        within, direction = A @ np.where(over, 0, row), A @ np.where(over, np.sign(row), 0)
        if direction.any():
            limit = float(direction @ (g - within) / (direction @ direction))
            gap = abs(within + limit * direction - g).max()
            if low < limit < high and gap <= 1e-6 * abs(g).max():  # the search decides to the last digit
                yield limit


DELTAS = (
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
    not_transposed,
    other_weights,
    updated_weights,
    other_dZ,
    no_weights,
    truncated,
    one_only,
    batch_order,
    rounded_dZ,
    clipped_dZ,
)
"""The mistakes on the way to dZ, the commoner of two that look alike first."""
