"""One step of a GRU, from its weighted sums: h = (1 − σ(Zz)) g + σ(Zz) H0, g = tanh(Zn + σ(Zr) Un).

Zn is what the input gives to the candidate and Un what the state before gives, as in cuDNN, PyTorch and Keras with
reset_after. The weighted sums are affine: affine.dW and the like answer for them.
"""

from typing import NamedTuple

from nnref import sigmoid, tanh
from nnref.shapes import Array, matrix, same_shape


class Gates(NamedTuple):
    """What a step computes on its way: reset and update gate, and the candidate."""

    R: Array
    Z: Array
    G: Array


def forward(Zr: Array, Zz: Array, Zn: Array, Un: Array, H0: Array) -> Array:
    """The state after one step: the update gate's share of the state before, and the rest from the candidate.

    Shapes: Zr (m, N), Zz (m, N), Zn (m, N), Un (m, N), H0 (m, N) -> (m, N)
    Errors: ShapeError if the shapes differ.
    Proof: derivations/gru_cell.py, claim gru_cell.forward.  See Cho et al. 2014, arXiv:1406.1078.
    """
    gates = _gates(Zr, Zz, Zn, Un, H0)
    return (1 - gates.Z) * gates.G + gates.Z * H0


def dZr(Zr: Array, Zz: Array, Zn: Array, Un: Array, H0: Array, dY: Array) -> Array:
    """Gradient of the loss with respect to the weighted sums of the reset gate: dZn ∘ Un ∘ R (1 − R).

    Shapes: Zr (m, N), Zz (m, N), Zn (m, N), Un (m, N), H0 (m, N), dY (m, N) -> (m, N)
    Units: loss per unit of weighted sum.
    Errors: ShapeError if the shapes differ.
    Proof: derivations/gru_cell.py, claim gru_cell.dZr.
    """
    gates = _gates(Zr, Zz, Zn, Un, H0)
    return sigmoid.dZ(gates.R, _of_candidate(gates, dY) * Un)


def dZz(Zr: Array, Zz: Array, Zn: Array, Un: Array, H0: Array, dY: Array) -> Array:
    """Gradient of the loss with respect to the weighted sums of the update gate: dY ∘ (H0 − G) ∘ Z (1 − Z).

    Shapes: Zr (m, N), Zz (m, N), Zn (m, N), Un (m, N), H0 (m, N), dY (m, N) -> (m, N)
    Units: loss per unit of weighted sum.
    Errors: ShapeError if the shapes differ.
    Proof: derivations/gru_cell.py, claim gru_cell.dZz.
    """
    gates = _gates(Zr, Zz, Zn, Un, H0)
    same_shape(H0=H0, dY=dY)
    return sigmoid.dZ(gates.Z, dY * (H0 - gates.G))


def dZn(Zr: Array, Zz: Array, Zn: Array, Un: Array, H0: Array, dY: Array) -> Array:
    """Gradient of the loss with respect to what the input gives to the candidate: dY ∘ (1 − Z) ∘ (1 − G²).

    Shapes: Zr (m, N), Zz (m, N), Zn (m, N), Un (m, N), H0 (m, N), dY (m, N) -> (m, N)
    Units: loss per unit of weighted sum.
    Errors: ShapeError if the shapes differ.
    Proof: derivations/gru_cell.py, claim gru_cell.dZn.
    """
    return _of_candidate(_gates(Zr, Zz, Zn, Un, H0), dY)


def dUn(Zr: Array, Zz: Array, Zn: Array, Un: Array, H0: Array, dY: Array) -> Array:
    """Gradient of the loss with respect to what the state before gives to the candidate: dZn ∘ R.

    Shapes: Zr (m, N), Zz (m, N), Zn (m, N), Un (m, N), H0 (m, N), dY (m, N) -> (m, N)
    Units: loss per unit of weighted sum.
    Errors: ShapeError if the shapes differ.
    Proof: derivations/gru_cell.py, claim gru_cell.dUn.
    """
    gates = _gates(Zr, Zz, Zn, Un, H0)
    return _of_candidate(gates, dY) * gates.R


def dH0(Zr: Array, Zz: Array, Zn: Array, Un: Array, H0: Array, dY: Array) -> Array:
    """Gradient of the loss with respect to the state before, as it is kept: dY ∘ Z.

    What comes back through the weighted sums, which the state before also feeds, is to be added.

    Shapes: Zr (m, N), Zz (m, N), Zn (m, N), Un (m, N), H0 (m, N), dY (m, N) -> (m, N)
    Units: loss per unit of state.
    Errors: ShapeError if the shapes differ.
    Proof: derivations/gru_cell.py, claim gru_cell.dH0.
    """
    gates = _gates(Zr, Zz, Zn, Un, H0)
    same_shape(H0=H0, dY=dY)
    return dY * gates.Z


def _gates(Zr: Array, Zz: Array, Zn: Array, Un: Array, H0: Array) -> Gates:
    """The gates and the candidate."""
    matrix(Zr=Zr)
    for name, Z in (("Zz", Zz), ("Zn", Zn), ("Un", Un), ("H0", H0)):
        same_shape(Zr=Zr, **{name: Z})
    R = sigmoid.forward(Zr)
    return Gates(R, sigmoid.forward(Zz), tanh.forward(Zn + R * Un))


def _of_candidate(gates: Gates, dY: Array) -> Array:
    """The gradient with respect to what stands in the candidate's tanh."""
    same_shape(G=gates.G, dY=dY)
    return tanh.dZ(gates.G, dY * (1 - gates.Z))
