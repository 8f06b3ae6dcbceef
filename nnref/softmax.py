"""Softmax: P = exp Z / Σ exp Z, column by column, and log-sum-exp, of which it is the gradient."""

from nnref.arrays import namespace, real
from nnref.shapes import Array, matrix, same_shape


def forward(Z: Array) -> Array:
    """The probabilities of every example, p_i = exp z_i / Σ_k exp z_k.

    Shapes: Z (K, N) -> (K, N)
    Proof: derivations/softmax.py, claim softmax.forward.  See Goodfellow et al. 2016, §6.2.2.3.
    """
    matrix(Z=Z)
    xp = namespace(Z)
    # Subtracting the column maximum leaves softmax unchanged and keeps exp below overflow.
    E = xp.exp(Z - xp.max(real(Z), axis=0, keepdims=True))
    return E / xp.sum(E, axis=0, keepdims=True)


def dZ(P: Array, dP: Array) -> Array:
    """Gradient of the loss with respect to the logits, from the probabilities P: P ∘ (dP − 1 Σ_k p_k dp_k).

    Shapes: P (K, N), dP (K, N) -> (K, N)
    Units: loss per unit of logit.
    Errors: ShapeError if P and dP differ in shape.
    Proof: derivations/softmax.py, claim softmax.dZ.
    """
    same_shape(P=P, dP=dP)
    xp = namespace(P)
    return P * (dP - xp.sum(P * dP, axis=0, keepdims=True))


def log_sum_exp(Z: Array) -> Array:
    """The logarithm of the normaliser of every example, log Σ_k exp z_k.

    Shapes: Z (K, N) -> (1, N)
    Proof: derivations/softmax.py, claim softmax.log_sum_exp_gradient.  See Blanchard, Higham & Higham 2021, §1.
    """
    matrix(Z=Z)
    xp = namespace(Z)
    # log Σ exp z = M + log Σ exp(z − M) for every M; with the maximum nothing overflows and the sum is at least 1.
    M = xp.max(real(Z), axis=0, keepdims=True)
    return M + xp.log(xp.sum(xp.exp(Z - M), axis=0, keepdims=True))
