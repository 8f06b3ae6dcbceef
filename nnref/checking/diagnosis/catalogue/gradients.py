"""Mistakes in dW and db, and in what is done to a gradient once it is there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import inf

import numpy as np

from nnref.checking.diagnosis.backward_lines import ANY, BackwardState, Prediction, known, mistake, right_line
from nnref.checking.diagnosis.catalogue.deltas import cast, keeping
from nnref.checking.diagnosis.catalogue.outputs import backwards, rolled
from nnref.checking.diagnosis.fit import WITNESSES, short_number
from nnref.checking.operations.running_error import WithError
from nnref.checking.reference import noise


@mistake("dW.other_activation", "dW", "dW{l} = dZ{l} @ A{l}.T")
def other_activation(at: BackwardState) -> Iterator[Prediction]:
    """The activation of another layer is used."""
    n = at.numbers
    for q in range(n.depth):
        if q != at.l - 1:
            yield Prediction(lambda at, s, q=q: known(at.dZ) @ at.numbers.A[q].T, f"A{q}")
    yield Prediction(lambda at, s: known(at.dZ) @ at.numbers.P.T, f"A{n.depth}")


@mistake("dW.before_activation", "dW", "dW{l} = dZ{l} @ Z{j}.T")
def before_activation(at: BackwardState) -> Iterator[Prediction]:
    """Z stands where its activation should."""
    if at.l > 1:
        yield Prediction(lambda at, s: known(at.dZ) @ at.numbers.Z[at.l - 1].T, "Z{j}")


@mistake("dW.unmasked", "dW", "dW{l} = dA{l} @ A{j}.T")
def dW_unmasked(at: BackwardState) -> Iterator[Prediction]:
    """The dA stands where dZ should: the activation's derivative is missing here."""
    if at.dA is not None:
        yield Prediction(lambda at, s: known(at.dA) @ at.numbers.A[at.l - 1].T)


@mistake("dW.other_dZ", "dW", "dW{l} = dZ{k} @ A{j}.T")
def dW_other_dZ(at: BackwardState) -> Iterator[Prediction]:
    """The dZ of another layer is used."""
    for q in at.dZs:
        if q > at.l:
            yield Prediction(lambda at, s, q=q: at.dZs[q] @ at.numbers.A[at.l - 1].T, f"dZ{q}")


@mistake("dW.order", "dW", "dW{l} = dZ{l} @ np.roll(A{j}, 1, axis=1).T")
def dW_order(at: BackwardState) -> Iterator[Prediction]:
    """The examples of dZ and of A are in different orders."""
    for text, f in (("+1", rolled(1, 1)), ("-1", rolled(-1, 1)), ("reversed", backwards(1))):
        yield Prediction(lambda at, s, f=f: known(at.dZ) @ at.numbers.A[at.l - 1].moved(f).T, text)


@mistake("dW.truncated", "dW", "dW{l} = dZ{l}[:, :-1] @ A{j}[:, :-1].T")
def dW_truncated(at: BackwardState) -> Iterator[Prediction]:
    """An example at the end of the batch is left out."""
    yield from keeping("dW", one=False)(at)


@mistake("dW.one_example", "dW", "dW{l} = dZ{l}[:, -1:] @ A{j}[:, -1:].T")
def dW_one_example(at: BackwardState) -> Iterator[Prediction]:
    """One example only stands for the whole batch."""
    yield from keeping("dW", one=True)(at)


@mistake("dW.of_sums", "dW", "dW{l} = dZ{l}.sum(axis=1, keepdims=True) @ A{j}.mean(axis=1, keepdims=True).T")
def dW_of_sums(at: BackwardState) -> Iterator[Prediction]:
    """The product is taken of the sums over the batch, not summed over it."""
    for text, factor in (("mean of A", 1 / at.numbers.N), ("sum of A", 1.0)):
        yield Prediction(
            lambda at, s, f=factor: known(at.dZ).sum(axis=1) @ (at.numbers.A[at.l - 1].sum(axis=1) * f).T, text
        )


@mistake("dW.entrywise", "dW", "dW{l} = dZ{l} * A{j}")
def dW_entrywise(at: BackwardState) -> Iterator[Prediction]:
    """The product is taken entry by entry; it should be a matrix product."""
    if at.numbers.A[at.l - 1].shape == known(at.dZ).shape:
        yield Prediction(lambda at, s: known(at.dZ) * at.numbers.A[at.l - 1])


@mistake("bias.one_number", "db", "db{l} = np.sum(dZ{l})")
def one_number(at: BackwardState) -> Iterator[Prediction]:
    """Sums over examples AND neurons: one number for the whole bias."""
    yield from in_shapes(lambda dZ: dZ.sum(), "")
    m, N = known(at.dZ).shape
    yield from in_shapes(lambda dZ: dZ.sum() / (m * N), "their mean")


def in_shapes(f: Callable[[WithError], WithError], text: str) -> Iterator[Prediction]:
    """One number made of dZ: repeated for every neuron, and in the other shapes that it may have been left in."""
    yield Prediction(lambda at, s: f(known(at.dZ)).moved(lambda A: np.repeat(A, known(at.dZ).shape[0], axis=0)), text)
    for shape in ((), (1,), (1, 1)):
        yield Prediction(lambda at, s, shape=shape: reshaped(f(known(at.dZ)), shape), text)


def reshaped(made: WithError, shape: tuple[int, ...]) -> WithError:
    """The numbers, with their errors, in another shape."""
    return made.moved(lambda A: A.reshape(shape))


@mistake("bias.averaged", "db", "db{l} = np.mean(dZ{l}, axis=1, keepdims=True)")
def averaged(at: BackwardState) -> Iterator[Prediction]:
    """Averages over the batch: the mean is taken in the loss, and db is a sum."""
    if at.numbers.N > 1:
        yield Prediction(lambda at, s: right_line("db", at) / at.numbers.N)
        yield Prediction(lambda at, s: (right_line("db", at) / at.numbers.N).moved(np.ravel))


@mistake("bias.not_summed", "db", "db{l} = dZ{l}")
def not_summed(at: BackwardState) -> Iterator[Prediction]:
    """Not summed over the examples: each column is one example's."""
    if at.numbers.N > 1:
        yield Prediction(lambda at, s: known(at.dZ))
        yield Prediction(lambda at, s: known(at.dZ) / at.numbers.N, "divided by N")


@mistake("bias.wrong_axis", "db", "db{l} = np.sum(dZ{l}, axis=0)")
def wrong_axis(at: BackwardState) -> Iterator[Prediction]:
    """Sums over the neurons, not over the examples."""
    m, N = known(at.dZ).shape
    for factor in (1.0, 1 / m):
        text = "sum" if factor == 1 else "mean"
        for shape in ((1, N), (N,), (N, 1)):
            yield Prediction(lambda at, s, f=factor, shape=shape: reshaped(known(at.dZ).sum(axis=0) * f, shape), text)


@mistake("bias.keepdims", "db", "db{l} = np.sum(dZ{l}, axis=1)")
def keepdims(at: BackwardState) -> Iterator[Prediction]:
    """The numbers are right and the shape is not: numpy would add it along the wrong axis."""
    yield Prediction(lambda at, s: right_line("db", at).moved(np.ravel), "shape (m,)")
    if known(at.dZ).shape[0] > 1:
        yield Prediction(lambda at, s: right_line("db", at).T, "a row")


@mistake("bias.truncated", "db", "db{l} = np.sum(dZ{l}[:, :-1], axis=1, keepdims=True)")
def db_truncated(at: BackwardState) -> Iterator[Prediction]:
    """An example at the end of the batch is left out."""
    yield from keeping("db", one=False)(at)


@mistake("bias.one_example", "db", "db{l} = dZ{l}[:, -1:]")
def db_one_example(at: BackwardState) -> Iterator[Prediction]:
    """One example only stands for the whole batch."""
    yield from keeping("db", one=True)(at)


@mistake("bias.unmasked", "db", "db{l} = np.sum(dA{l}, axis=1, keepdims=True)")
def db_unmasked(at: BackwardState) -> Iterator[Prediction]:
    """The dA stands where dZ should: the activation's derivative is missing here."""
    if at.dA is not None:
        yield Prediction(lambda at, s: known(at.dA).sum(axis=1))


@mistake("bias.other_dZ", "db", "db{l} = np.sum(dZ{k}, axis=1, keepdims=True)")
def db_other_dZ(at: BackwardState) -> Iterator[Prediction]:
    """The dZ of another layer is summed."""
    for q in at.dZs:
        if q > at.l:
            yield Prediction(lambda at, s, q=q: at.dZs[q].sum(axis=1), f"dZ{q}")


@mistake("bias.of_absolutes", "db", "db{l} = np.sum(np.abs(dZ{l}), axis=1, keepdims=True)")
def of_absolutes(at: BackwardState) -> Iterator[Prediction]:
    """The sizes are summed, without their signs."""
    yield Prediction(lambda at, s: WithError(abs(known(at.dZ).value), known(at.dZ).e, at.numbers.u).sum(axis=1))


def parameter(at: BackwardState) -> WithError:
    """The parameter whose gradient this is."""
    return (at.numbers.W if at.theta == "W" else at.numbers.b)[at.l]


def fits(at: BackwardState) -> bool:
    """Does the gradient so far have its parameter's shape?"""
    return known(at.g).shape == parameter(at).shape


@mistake("gradient.transposed", "gradient", "d{theta}{l} = A{j} @ dZ{l}.T", "dW{l} = dZ{l} @ A{j}.T")
def transposed_gradient(at: BackwardState) -> Iterator[Prediction]:
    """It is transposed."""
    if at.theta == "W":
        yield Prediction(lambda at, s: known(at.g).T)


@mistake("gradient.weight_decay", "gradient", "d{theta}{l} += lam * {theta}{l}")
def weight_decay(at: BackwardState) -> Iterator[Prediction]:
    """A weight decay, which the loss does not have, is added."""
    if fits(at):
        yield Prediction(lambda at, s: known(at.g) + parameter(at) * s, "{s} times the parameter", ANY)
        signs = parameter(at).moved(np.sign)
        if len(np.unique(signs.value)) > 1:  # else it is a constant, which has nothing to do with the parameter
            yield Prediction(lambda at, s: known(at.g) + signs * s, "{s} times the parameter's sign", ANY)


@mistake("gradient.updated_parameter", "gradient", "d{theta}{l} = {theta}{l} - alpha * d{theta}{l}")
def updated_parameter(at: BackwardState) -> Iterator[Prediction]:
    """The updated parameter stands where its gradient should."""
    if fits(at):
        yield Prediction(lambda at, s: parameter(at) - known(at.g) * s, "learning rate {s}", (0, inf))


NEAR = 1e-9
"""Relative error within which an entry is at the limit: a gradient read as before − after is rounded."""


@mistake("gradient.clipped", "gradient", "d{theta}{l} = np.clip(d{theta}{l}, -1, 1)")
def clipped_gradient(at: BackwardState) -> Iterator[Prediction]:
    """It is clipped, entry by entry."""
    yours = at.yours.get(f"{at.theta}{at.l}")
    if yours is None or not yours.size or yours.shape != known(at.g).shape:
        return
    limit = float(abs(yours).max())

    def clip(at: BackwardState, s: float) -> WithError:
        g = known(at.g)
        return WithError(np.clip(g.value, -limit, limit), g.e, g.u)

    # Entries within the limit show that the others were cut off; a limit that one or two entries meet may be their own
    # value, unless it is one that people write.
    at_limit = abs(yours) >= limit * (1 - NEAR)
    told = at_limit.sum() > WITNESSES or short_number(limit, noise.unit("float64") * limit) is not None
    if told and yours[~at_limit].any() and limit < abs(known(at.g).value).max():
        yield Prediction(clip, f"at {limit:.6g}")


@mistake("precision.gradient", "gradient", "d{theta}{l} = d{theta}{l}.astype(np.float32)")
def rounded_gradient(at: BackwardState) -> Iterator[Prediction]:
    """It is rounded to a lower precision."""
    for name in ("float32", "float16"):
        if noise.unit(name) > at.numbers.u:
            yield Prediction(lambda at, s, name=name: cast(known(at.g), name), name)


WEIGHTS = (
    other_activation,
    before_activation,
    dW_unmasked,
    dW_other_dZ,
    dW_order,
    dW_truncated,
    dW_one_example,
    dW_of_sums,
    dW_entrywise,
)
"""The mistakes in the line of dW."""

BIASES = (
    one_number,
    averaged,
    not_summed,
    wrong_axis,
    keepdims,
    db_truncated,
    db_one_example,
    db_unmasked,
    db_other_dZ,
    of_absolutes,
)
"""The mistakes in the line of db."""

EITHER = (transposed_gradient, clipped_gradient, weight_decay, updated_parameter, rounded_gradient)
"""The mistakes made with a gradient, of a weight or of a bias, once it is there."""
