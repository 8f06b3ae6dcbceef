"""Mistakes on the way from one dZ to the next: in Wᵀ dZ and in the batch; and all of those that lead to dZ."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import inf

import numpy as np

from nnref.checking.diagnosis.backward_lines import BackwardState, Prediction, known, mistake, right_line
from nnref.checking.diagnosis.catalogue.outputs import OUTPUTS, backwards, rolled
from nnref.checking.diagnosis.catalogue.slopes import SLOPES_WRONG
from nnref.checking.diagnosis.fit import WITNESSES
from nnref.checking.operations.running_error import WithError
from nnref.checking.reference import noise
from nnref.shapes import Array


@mistake("dA.not_transposed", "dA", "dA{l} = W{k} @ dZ{k}")
def not_transposed(at: BackwardState) -> Iterator[Prediction]:
    """The weights are not transposed."""
    m, n = at.numbers.W[at.l + 1].shape
    if m == n:
        yield Prediction(lambda at, s: at.numbers.W[at.l + 1] @ at.dZs[at.l + 1])


@mistake("dA.other_weights", "dA", "dA{l} = W{l}.T @ dZ{k}")
def other_weights(at: BackwardState) -> Iterator[Prediction]:
    """The weights of another layer are used."""
    W = at.numbers.W
    for q in W:
        if q != at.l + 1 and W[q].shape == W[at.l + 1].shape:
            yield Prediction(lambda at, s, q=q: at.numbers.W[q].T @ at.dZs[at.l + 1], f"W{q}")
        if q != at.l + 1 and W[q].shape == W[at.l + 1].shape[::-1]:
            yield Prediction(lambda at, s, q=q: at.numbers.W[q] @ at.dZs[at.l + 1], f"W{q}, not transposed")


@mistake("dA.updated_weights", "dA", "W{k} -= alpha * dW{k}; dA{l} = W{k}.T @ dZ{k}")
def updated_weights(at: BackwardState) -> Iterator[Prediction]:
    """The weights were updated before they were used: the gradient needs those of the forward pass."""
    k, u = at.l + 1, at.numbers.u
    step = at.yours.get(f"W{k}")
    if step is not None and step.shape == at.numbers.W[k].shape and np.isfinite(step).all():
        dW = WithError(step, abs(step), u)
        yield Prediction(lambda at, s: (at.numbers.W[k] - dW * s).T @ at.dZs[k], "learning rate {s}", (0, inf))


@mistake("dA.other_dZ", "dA", "dA{l} = W{k}.T @ dZ{above}")
def other_dZ(at: BackwardState) -> Iterator[Prediction]:
    """The dZ of another layer is passed back."""
    for q in at.dZs:
        if q > at.l + 1 and at.dZs[q].shape == at.dZs[at.l + 1].shape:
            yield Prediction(lambda at, s, q=q: at.numbers.W[at.l + 1].T @ at.dZs[q], f"dZ{q}")


@mistake("dA.no_weights", "dA", "dA{l} = dZ{k}")
def no_weights(at: BackwardState) -> Iterator[Prediction]:
    """The dZ is passed back without the weights."""
    if at.dZs[at.l + 1].shape == at.numbers.Z[at.l].shape:
        yield Prediction(lambda at, s: at.dZs[at.l + 1])


def parts_of_batch(at: BackwardState, one: bool) -> Iterator[tuple[str, Array, float]]:
    """One example alone, or all but one, at either end: in words, the examples, and the factor of their mean.

    The omitted example needs enough nonzero units: a missing unit or two would look the same.
    """
    N, dZ = at.numbers.N, known(at.dZ).value
    for end, j in (("the last", N - 1), ("the first", 0)):
        kept = (np.arange(N) == j) if one else (np.arange(N) != j)
        left_out = dZ[:, ~kept] != 0
        if left_out.sum() > WITNESSES or left_out.all():
            yield end, kept, 1.0
            yield f"{end}, {'not divided by N' if one else 'and the mean is over the others'}", kept, N / kept.sum()


def keeping(line: str, one: bool) -> Callable[[BackwardState], Iterator[Prediction]]:
    """The right line's result for a part of the batch."""

    def predictions(at: BackwardState) -> Iterator[Prediction]:
        for text, kept, factor in parts_of_batch(at, one):
            yield Prediction(
                lambda at, s, kept=kept, f=factor: right_line(line, at.put("batch", known(at.dZ).where(kept))) * f, text
            )

    return predictions


@mistake("batch.truncated", "batch", "dZ{l}[:, :-1]")
def truncated(at: BackwardState) -> Iterator[Prediction]:
    """An example at the end of the batch is left out."""
    yield from keeping("batch", one=False)(at)


@mistake("batch.one", "batch", "dZ{l}[:, :1]")
def one_only(at: BackwardState) -> Iterator[Prediction]:
    """One example only stands for the whole batch."""
    yield from keeping("batch", one=True)(at)


@mistake("batch.order", "batch", "dZ{l} = np.roll(dZ{l}, 1, axis=1)")
def batch_order(at: BackwardState) -> Iterator[Prediction]:
    """The examples of dZ and of A are in different orders."""
    for shift in (1, -1):
        yield Prediction(lambda at, s, shift=shift: known(at.dZ).moved(rolled(shift, 1)), f"shifted by {shift:+d}")
    yield Prediction(lambda at, s: known(at.dZ).moved(backwards(1)), "in reverse order")


@mistake("precision.dZ", "batch", "dZ{l} = dZ{l}.astype(np.float32)")
def rounded_dZ(at: BackwardState) -> Iterator[Prediction]:
    """The entries of dZ are rounded to a lower precision."""
    for name in ("float32", "float16"):
        if noise.unit(name) > at.numbers.u:
            yield Prediction(lambda at, s, name=name: cast(known(at.dZ), name), name)


def cast(made: WithError, name: str) -> WithError:
    """The numbers, rounded to a lower precision and back to float64; their errors stay."""
    with np.errstate(over="ignore"):
        return WithError(made.value.astype(name).astype("float64"), made.e, made.u)


@mistake("clipped.dZ", "batch", "dZ{l} = np.clip(dZ{l}, -1, 1)")
def clipped_dZ(at: BackwardState) -> Iterator[Prediction]:
    """The entries of dZ are clipped."""
    dZ, A = known(at.dZ), at.numbers.A[at.l - 1].value
    g = at.yours.get(f"W{at.l}")
    if g is None or g.shape != (len(dZ.value), len(A)):
        return
    i = int(abs(dZ.value).max(axis=1).argmax())  # the row of the largest entry is clipped, if any is
    for limit in limits(dZ.value[i], A, g[i]):

        def clip(at: BackwardState, s: float, limit: float = limit) -> WithError:
            dZ = known(at.dZ)
            over = abs(dZ.value) > limit
            # The limit was found from sums over the batch and is as exact as they are.
            e = np.where(over, limit * A.shape[1], dZ.e)
            return WithError(np.clip(dZ.value, -limit, limit), e, dZ.u)

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
            if low < limit < high and gap <= 1e-6 * abs(g).max():  # the search later compares to the last digit
                yield limit


DELTAS = (
    *OUTPUTS,
    *SLOPES_WRONG,
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
