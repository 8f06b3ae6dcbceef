"""The dZ of a person's own backward pass, recognised by the gradients computed from it, whatever its name and scale."""

from __future__ import annotations

from collections.abc import Iterator

from nnref.checking.diagnosis.forward_passes import same_up_to_rounding
from nnref.checking.homework.assignments import dZ_variable
from nnref.checking.homework.mistake_line import array_variables
from nnref.checking.homework.recognition import NetworkReading
from nnref.checking.reading.names import canonical
from nnref.shapes import Array


def recorded_dZ(reading: NetworkReading) -> dict[str, Array]:
    """The dZ of the layers where it can be told, as columns and in the scale of the mean loss: {"dZ2": …}.

    An array is dZ if both dW and db are what the formulas make of it, with or without the mean's 1/N. One of the two is
    enough if the array is named dZ, or is the only variable in both lines. A name alone proves nothing: layers are
    counted from 0 or from 1, and variables are overwritten. Where two arrays qualify and differ, neither is taken.
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
        if chosen and all(same_up_to_rounding(V, chosen[0], reading.dtype) for V in chosen):
            found[f"dZ{l}"] = chosen[0]
    return found


def arrays_of_dZ_shape(reading: NetworkReading, l: int) -> Iterator[tuple[str, Array]]:
    """The arrays among the backward function's variables that have the shape of dZ, as columns, with their names."""
    shape = (reading.sizes[l], reading.X.shape[1])
    for name, A in array_variables(reading.backward_pass.variables):
        columns = A.reshape(-1, 1) if A.ndim == 1 else A.T if reading.convention.data == "rows" else A
        if columns.dtype.kind == "f" and columns.shape == shape and columns.any():
            yield name, columns.astype("float64")


def scale_of_dZ(reading: NetworkReading, l: int, theta: str, V: Array) -> float | None:
    """The factor, 1 or 1/N, with which V as dZ gives the person's gradient by the right formula; None if neither."""
    assert reading.case is not None
    g = reading.gradients.get(f"{theta}{l}")
    made = V @ reading.case.A[f"A{l - 1}"].T if theta == "W" else V.sum(axis=1, keepdims=True)
    if g is None or g.shape != made.shape or not made.any():
        return None
    return next((c for c in (1.0, 1 / V.shape[1]) if same_up_to_rounding(g, c * made, reading.dtype)), None)


def name_fits(reading: NetworkReading, name: str, l: int) -> bool:
    """Is an array called dZ of this layer, or is it the one variable that the lines of dW and db share?"""
    return canonical(name.rpartition(".")[2].strip("[]'\"")) == f"dZ{l}" or name == dZ_variable(reading, l)
