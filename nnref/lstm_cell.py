"""One step of an LSTM, from the gates' weighted sums: c = σ(Zf) C0 + σ(Zi) tanh(Zg), h = σ(Zo) tanh(c).

The output is the pair (h, c), stacked. The weighted sums are affine in the input and in h of the step before: affine.dW
and the like answer for them, and over several steps their gradients are added up.
"""

from typing import NamedTuple

from nnref import sigmoid, tanh
from nnref.arrays import namespace
from nnref.shapes import Array, matrix, of_shape, same_shape


class Gates(NamedTuple):
    """What a step computes on its way: input, forget and output gate, candidate, and the tanh of the cell."""

    I: Array
    F: Array
    O: Array
    G: Array
    T: Array


def forward(Zi: Array, Zf: Array, Zo: Array, Zg: Array, C0: Array) -> Array:
    """The output h and the cell c after one step, stacked: Y[0] is h and Y[1] is c.

    Shapes: Zi (m, N), Zf (m, N), Zo (m, N), Zg (m, N), C0 (m, N) -> (2, m, N)
    Errors: ShapeError if the shapes differ.
    Proof: derivations/lstm_cell.py, claim lstm_cell.forward.  See Gers, Schmidhuber & Cummins 2000.
    """
    gates = _gates(Zi, Zf, Zo, Zg, C0)
    return namespace(Zi).stack([gates.O * gates.T, gates.F * C0 + gates.I * gates.G])


def dZi(Zi: Array, Zf: Array, Zo: Array, Zg: Array, C0: Array, dY: Array) -> Array:
    """Gradient of the loss with respect to the weighted sums of the input gate: dc ∘ G ∘ I (1 − I).

    dc = dY[0] ∘ O (1 − T²) + dY[1]: what comes back through h, and from the next step. The two are added.

    Shapes: Zi (m, N), Zf (m, N), Zo (m, N), Zg (m, N), C0 (m, N), dY (2, m, N) -> (m, N)
    Units: loss per unit of weighted sum.
    Errors: ShapeError if the shapes differ.
    Proof: derivations/lstm_cell.py, claim lstm_cell.dZi.
    """
    gates = _gates(Zi, Zf, Zo, Zg, C0)
    return sigmoid.dZ(gates.I, _of_cell(gates, dY) * gates.G)


def dZf(Zi: Array, Zf: Array, Zo: Array, Zg: Array, C0: Array, dY: Array) -> Array:
    """Gradient of the loss with respect to the weighted sums of the forget gate: dc ∘ C0 ∘ F (1 − F).

    Shapes: Zi (m, N), Zf (m, N), Zo (m, N), Zg (m, N), C0 (m, N), dY (2, m, N) -> (m, N)
    Units: loss per unit of weighted sum.
    Errors: ShapeError if the shapes differ.
    Proof: derivations/lstm_cell.py, claim lstm_cell.dZf.
    """
    gates = _gates(Zi, Zf, Zo, Zg, C0)
    return sigmoid.dZ(gates.F, _of_cell(gates, dY) * C0)


def dZo(Zi: Array, Zf: Array, Zo: Array, Zg: Array, C0: Array, dY: Array) -> Array:
    """Gradient of the loss with respect to the weighted sums of the output gate: dY[0] ∘ T ∘ O (1 − O).

    Shapes: Zi (m, N), Zf (m, N), Zo (m, N), Zg (m, N), C0 (m, N), dY (2, m, N) -> (m, N)
    Units: loss per unit of weighted sum.
    Errors: ShapeError if the shapes differ.
    Proof: derivations/lstm_cell.py, claim lstm_cell.dZo.
    """
    gates = _gates(Zi, Zf, Zo, Zg, C0)
    of_shape((2, *gates.T.shape), dY=dY)
    return sigmoid.dZ(gates.O, dY[0, :, :] * gates.T)


def dZg(Zi: Array, Zf: Array, Zo: Array, Zg: Array, C0: Array, dY: Array) -> Array:
    """Gradient of the loss with respect to the weighted sums of the candidate: dc ∘ I ∘ (1 − G²).

    Shapes: Zi (m, N), Zf (m, N), Zo (m, N), Zg (m, N), C0 (m, N), dY (2, m, N) -> (m, N)
    Units: loss per unit of weighted sum.
    Errors: ShapeError if the shapes differ.
    Proof: derivations/lstm_cell.py, claim lstm_cell.dZg.
    """
    gates = _gates(Zi, Zf, Zo, Zg, C0)
    return tanh.dZ(gates.G, _of_cell(gates, dY) * gates.I)


def dC0(Zi: Array, Zf: Array, Zo: Array, Zg: Array, C0: Array, dY: Array) -> Array:
    """Gradient of the loss with respect to the cell before: dc ∘ F, which is dY[1] of the step before.

    Shapes: Zi (m, N), Zf (m, N), Zo (m, N), Zg (m, N), C0 (m, N), dY (2, m, N) -> (m, N)
    Units: loss per unit of cell.
    Errors: ShapeError if the shapes differ.
    Proof: derivations/lstm_cell.py, claim lstm_cell.dC0.
    """
    gates = _gates(Zi, Zf, Zo, Zg, C0)
    return _of_cell(gates, dY) * gates.F


def _gates(Zi: Array, Zf: Array, Zo: Array, Zg: Array, C0: Array) -> Gates:
    """The gates, the candidate, and the tanh of the cell."""
    matrix(Zi=Zi)
    for name, Z in (("Zf", Zf), ("Zo", Zo), ("Zg", Zg), ("C0", C0)):
        same_shape(Zi=Zi, **{name: Z})
    I, F, O, G = sigmoid.forward(Zi), sigmoid.forward(Zf), sigmoid.forward(Zo), tanh.forward(Zg)
    return Gates(I, F, O, G, tanh.forward(F * C0 + I * G))


def _of_cell(gates: Gates, dY: Array) -> Array:
    """The whole gradient with respect to the cell now: through h, and from the next step."""
    of_shape((2, *gates.T.shape), dY=dY)
    return tanh.dZ(gates.T, dY[0, :, :] * gates.O) + dY[1, :, :]
