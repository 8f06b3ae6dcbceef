"""The dZ of a person's own backward pass, known by what was made of it, whatever it is called and however scaled."""

from __future__ import annotations

from collections.abc import Iterator

from nnref.checking.diagnosis.forward_passes import alike
from nnref.checking.homework.assignments import dZ_variable
from nnref.checking.homework.mistake_line import array_variables
from nnref.checking.homework.recognition import Reading
from nnref.checking.reading.names import canonical
from nnref.shapes import Array


def recorded_dZ(reading: Reading) -> dict[str, Array]:
    """The dZ of the layers where it can be told, as columns and in the scale of the mean loss: {"dZ2": …}.

    An array is dZ if both dW and db were made of it, with or without the 1/N of the mean; or one of them, if the array
    is also called so, or is the one variable in both lines. A name alone proves nothing: people count layers from 0
    and from 1, and overwrite. Where arrays contradict one another, none is taken.
    """
    found = {}
    for l in range(1, len(reading.sizes)):
        both, either = [], []
        for name, V in arrays_of_dZ_shape(reading, l):
            dW, db = (scale_of_dZ(reading, l, theta, V) for theta in "Wb")
            if dW and dW == db:
                both.append(dW * V)
            elif bool(dW) != bool(db) and name_fits(reading, name, l):
                either.append((dW or db or 0.0) * V)
        chosen = both or either
        if chosen and all(alike(V, chosen[0], reading.dtype) for V in chosen):
            found[f"dZ{l}"] = chosen[0]
    return found


def arrays_of_dZ_shape(reading: Reading, l: int) -> Iterator[tuple[str, Array]]:
    """The arrays among the backward function's variables that have the shape of dZ, as columns, with their names."""
    shape = (reading.sizes[l], reading.X.shape[1])
    for name, A in array_variables(reading.backward_pass.variables):
        columns = A.reshape(-1, 1) if A.ndim == 1 else A.T if reading.convention.data == "rows" else A
        if columns.dtype.kind == "f" and columns.shape == shape and columns.any():
            yield name, columns.astype("float64")


def scale_of_dZ(reading: Reading, l: int, theta: str, V: Array) -> float | None:
    """1 or 1/N, by which the right line makes the gradient that was given of V as dZ; None if neither does."""
    assert reading.case is not None
    g = reading.gradients.get(f"{theta}{l}")
    made = V @ reading.case.A[f"A{l - 1}"].T if theta == "W" else V.sum(axis=1, keepdims=True)
    if g is None or g.shape != made.shape or not made.any():
        return None
    return next((c for c in (1.0, 1 / V.shape[1]) if alike(g, c * made, reading.dtype)), None)


def name_fits(reading: Reading, name: str, l: int) -> bool:
    """Is an array called dZ of this layer, or is it the one variable that the lines of dW and db share?"""
    return canonical(name.rpartition(".")[2].strip("[]'\"")) == f"dZ{l}" or name == dZ_variable(reading, l)
