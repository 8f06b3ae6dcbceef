"""KL(Y ‖ softmax(Z/τ)) at a temperature τ, as in distillation. Its gradient is (P − Y) / (N τ)."""

from nnref import softmax, softmax_cross_entropy
from nnref.arrays import namespace, real
from nnref.shapes import Array, matrix, one_hot_columns, positive


def forward(Z: Array, Y: Array, temperature: float = 1.0) -> Array:
    """The mean over the batch of Σ Y log(Y / P), with P the softmax of Z over the temperature.

    Distillation multiplies this by τ², so that its gradient keeps its size: that factor is not taken here.

    Shapes: Z (K, N), Y (K, N), temperature () -> ()
    Units: nats.
    Errors: ShapeError if Y is not one column per example; ValueError if one does not sum to one, or τ is not positive.
    Proof: derivations/kl_divergence.py, claim kl_divergence.forward.  See Hinton, Vinyals & Dean 2015, §2.
    """
    matrix(Z=Z)
    positive(temperature=temperature)
    one_hot_columns(Z, Y)
    xp = namespace(Y)
    # y log y is 0 at y = 0, where its limit is.
    log_Y = xp.log(xp.where(real(Y) > 0, Y, 1 + 0 * Y))
    return softmax_cross_entropy.forward(Z / temperature, Y) + xp.sum(Y * log_Y) / Z.shape[1]


def dZ(Z: Array, Y: Array, temperature: float = 1.0) -> Array:
    """Gradient of the loss with respect to the logits: (P − Y) / (N τ).

    Shapes: Z (K, N), Y (K, N), temperature () -> (K, N)
    Units: loss per unit of logit.
    Errors: ShapeError if Y is not one column per example; ValueError if one does not sum to one, or τ is not positive.
    Proof: derivations/kl_divergence.py, claim kl_divergence.dZ.  See Hinton, Vinyals & Dean 2015, §2.
    """
    matrix(Z=Z)
    positive(temperature=temperature)
    one_hot_columns(Z, Y)
    return (softmax.forward(Z / temperature) - Y) / (Z.shape[1] * temperature)
