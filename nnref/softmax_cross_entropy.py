"""The loss: mean cross-entropy of the softmax of the logits Z. Its gradient is (P − Y) / N."""

from nnref import softmax
from nnref.arrays import namespace, real
from nnref.shapes import Array, matrix, one_hot_columns


def forward(Z: Array, Y: Array) -> Array:
    """The mean over the batch of −Σ_i y_i log softmax(z)_i; the 1/N of the whole network is taken here, once.

    Shapes: Z (K, N), Y (K, N) -> ()
    Units: nats.
    Errors: ShapeError if Y is not one column per example; ValueError if a column of Y does not sum to one.
    Proof: derivations/softmax_cross_entropy.py, claim softmax_cross_entropy.forward.
    """
    matrix(Z=Z)
    one_hot_columns(Z, Y)
    xp = namespace(Z)
    # −log softmax(z)_i = log Σ exp z − z_i needs no division and no log of a rounded zero. Shifted by the maximum,
    # exp does not overflow and Σ exp z is at least 1, so that neither sum below has terms of two signs to cancel.
    Z = Z - xp.max(real(Z), axis=0, keepdims=True)
    N = Z.shape[1]
    return (xp.sum(xp.log(xp.sum(xp.exp(Z), axis=0))) - xp.sum(Y * Z)) / N


def dZ(Z: Array, Y: Array) -> Array:
    """Gradient of the loss with respect to the logits: (P − Y) / N, where P = softmax(Z).

    Shapes: Z (K, N), Y (K, N) -> (K, N)
    Units: loss per unit of logit.
    Errors: ShapeError if Y is not one column per example; ValueError if a column of Y does not sum to one.
    Proof: derivations/softmax_cross_entropy.py, claim softmax_cross_entropy.dZ.  See Goodfellow et al. 2016, §6.2.2.3.
    """
    matrix(Z=Z)
    one_hot_columns(Z, Y)
    N = Z.shape[1]
    return (softmax.forward(Z) - Y) / N
