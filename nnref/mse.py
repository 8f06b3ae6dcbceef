"""The mean squared error over all entries, and its gradient 2 (O − T) / (n N)."""

from nnref.arrays import namespace
from nnref.shapes import Array, same_shape


def forward(O: Array, T: Array) -> Array:
    """The mean over all entries of (O − T)². No half is put in front, and the mean runs over outputs and examples.

    Shapes: O (n, N), T (n, N) -> ()
    Errors: ShapeError if outputs and targets differ in shape: numpy would subtract a row from every column, unasked.
    Proof: derivations/mse.py, claim mse.forward.  See Goodfellow et al. 2016, §5.1.4.
    """
    same_shape(O=O, T=T)
    return namespace(O).mean((O - T) * (O - T))


def dO(O: Array, T: Array) -> Array:
    """Gradient of the loss with respect to the outputs: 2 (O − T) / (n N).

    Shapes: O (n, N), T (n, N) -> (n, N)
    Units: loss per unit of output.
    Errors: ShapeError if outputs and targets differ in shape.
    Proof: derivations/mse.py, claim mse.dO.
    """
    same_shape(O=O, T=T)
    n, N = O.shape
    return 2 * (O - T) / (n * N)
