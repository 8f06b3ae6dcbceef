"""Softmax under a mask, column by column: p_i = m_i exp z_i / Σ_k m_k exp z_k."""

from nnref.arrays import namespace, real
from nnref.shapes import Array, matrix, same_shape, seen


def forward(Z: Array, M: Array) -> Array:
    """The probabilities of every example among what it sees: 0 where the mask is 0.

    The mask is 1 and 0, or any positive numbers, such as exp(bias): they multiply the exponentials.

    Shapes: Z (n, N), M (n, N) -> (n, N)
    Errors: ShapeError if Z and M differ in shape; ValueError if an entry of M is negative or a column sees nothing.
    Proof: derivations/masked_softmax.py, claim masked_softmax.forward.  See Vaswani et al. 2017, §3.2.3.
    """
    matrix(Z=Z)
    same_shape(Z=Z, M=M)
    seen(0, M=M)
    xp = namespace(Z)
    # The largest of what is seen is subtracted: one that is not seen could leave 0/0.
    largest = xp.max(xp.where(real(M) > 0, real(Z), 0 * real(Z) - xp.inf), axis=0, keepdims=True)
    E = M * xp.exp(xp.where(real(M) > 0, Z - largest, 0 * Z))
    return E / xp.sum(E, axis=0, keepdims=True)


def dZ(Z: Array, M: Array, dP: Array) -> Array:
    """Gradient of the loss with respect to the scores: P ∘ (dP − Σ P dP), which is 0 where nothing is seen.

    Shapes: Z (n, N), M (n, N), dP (n, N) -> (n, N)
    Units: loss per unit of score.
    Errors: ShapeError if shapes differ; ValueError if an entry of M is negative or a column sees nothing.
    Proof: derivations/masked_softmax.py, claim masked_softmax.dZ.
    """
    same_shape(Z=Z, dP=dP)
    P = forward(Z, M)
    return P * (dP - namespace(Z).sum(P * dP, axis=0, keepdims=True))
