"""Weight decay as a term of the loss: λ/2 times the sum of the squares of W, whose gradient is λ W."""

from nnref.arrays import namespace
from nnref.shapes import Array, matrix


def forward(W: Array, decay: float) -> Array:
    """What decay adds to the loss: half of it times the sum of the squares of the weights.

    Shapes: W (m, n), decay () -> ()
    Proof: derivations/weight_decay.py, claim weight_decay.forward.  See Krogh & Hertz 1991.
    """
    matrix(W=W)
    total: Array = decay / 2 * namespace(W).sum(W * W)
    return total


def dW(W: Array, decay: float) -> Array:
    """Gradient of that term with respect to the weights, decay W: added to the gradient of the data, once.

    Shapes: W (m, n), decay () -> (m, n)
    Units: loss per unit of weight.
    Proof: derivations/weight_decay.py, claim weight_decay.dW.
    """
    matrix(W=W)
    return decay * W
