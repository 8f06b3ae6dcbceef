"""Rotary positions: each pair of features is turned by an angle that grows with the position; back, by the same.

X has the first entries of all pairs, then the second ones, as in "rotate half": a matrix (2 d, T) is
X.reshape(2, d, T).
"""

from nnref.arrays import namespace
from nnref.shapes import Array, of_shape, tensor


def forward(X: Array, Theta: Array) -> Array:
    """Each pair turned by its angle: (cos Θ X₁ − sin Θ X₂, sin Θ X₁ + cos Θ X₂).

    Shapes: X (2, d, T), Theta (d, T) -> (2, d, T)
    Errors: ShapeError if X has not pairs along its first axis, or Theta not an angle for each.
    Proof: derivations/rope.py, claim rope.forward.  See Su et al. 2021, arXiv:2104.09864, §3.2.2.
    """
    tensor("first or second of a pair, pairs, positions", X=X)
    of_shape((2, *X.shape[1:]), X=X)
    of_shape(tuple(X.shape[1:]), Theta=Theta)
    xp = namespace(X)
    cos, sin, first, second = xp.cos(Theta), xp.sin(Theta), X[0, :, :], X[1, :, :]
    return xp.stack([cos * first - sin * second, sin * first + cos * second])


def dX(Theta: Array, dY: Array) -> Array:
    """Gradient of the loss with respect to the pairs: dY turned by the opposite angle.

    Shapes: Theta (d, T), dY (2, d, T) -> (2, d, T)
    Units: loss per unit of input.
    Errors: ShapeError if dY has not the shape of the pairs.
    Proof: derivations/rope.py, claim rope.dX.
    """
    of_shape((2, *Theta.shape), dY=dY)
    return forward(dY, -Theta)
