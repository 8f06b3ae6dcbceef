"""Clipping by norm: a gradient longer than a limit is shortened to it, and keeps its direction."""

from nnref.arrays import namespace, real
from nnref.shapes import Array, matrix, positive


def forward(G: Array, limit: float) -> Array:
    """The gradient times limit / ‖G‖ where it is longer than the limit, else as it is.

    ‖G‖ is the root of the sum of all squares. To clip several gradients together, pass them as one column: shortened
    each by itself, they would no longer point where they did.

    Shapes: G (m, n), limit () -> (m, n)
    Errors: ValueError if the limit is not positive and finite.
    Proof: derivations/clip_by_norm.py, claim clip_by_norm.forward.  See Pascanu et al. 2013, arXiv:1211.5063, §3.2.
    """
    matrix(G=G)
    positive(limit=limit)
    xp = namespace(G)
    length = xp.sqrt(xp.sum(G * G))
    # Divided by the larger of the two, a gradient of 0 stays 0 and is not 0/0.
    return G * (limit / xp.where(real(length) > limit, length, 0 * length + limit))
