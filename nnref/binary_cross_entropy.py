"""Binary cross-entropy of logits: the mean over all entries, and its gradient (σ(Z) − T) / (n N)."""

from nnref import sigmoid
from nnref.arrays import namespace, real
from nnref.shapes import Array, same_shape


def forward(Z: Array, T: Array) -> Array:
    """The mean over all entries of −T log σ(Z) − (1 − T) log(1 − σ(Z)).

    Shapes: Z (n, N), T (n, N) -> ()
    Units: nats.
    Errors: ShapeError if logits and targets differ in shape.
    Proof: derivations/binary_cross_entropy.py, claim binary_cross_entropy.forward.
    """
    same_shape(Z=Z, T=T)
    xp = namespace(Z)
    # log(1 + exp(−Z)) + (1 − T) Z is max(Z, 0) − T Z + log(1 + exp(−|Z|)): exp never overflows.
    is_positive = real(Z) > 0
    softplus = xp.log1p(xp.exp(xp.where(is_positive, -Z, Z)))
    return xp.mean(xp.where(is_positive, Z, 0 * Z) - T * Z + softplus)


def dZ(Z: Array, T: Array) -> Array:
    """Gradient of the loss with respect to the logits: (σ(Z) − T) / (n N).

    Shapes: Z (n, N), T (n, N) -> (n, N)
    Units: loss per unit of logit.
    Errors: ShapeError if logits and targets differ in shape.
    Proof: derivations/binary_cross_entropy.py, claim binary_cross_entropy.dZ.
    """
    same_shape(Z=Z, T=T)
    n, N = Z.shape
    return (sigmoid.forward(Z) - T) / (n * N)
