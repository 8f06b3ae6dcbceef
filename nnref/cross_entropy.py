"""Cross-entropy of every example, l = −Σ_i y_i log p_i, for probabilities P and labels Y."""

from nnref.arrays import namespace
from nnref.shapes import Array, matrix, one_hot_columns, per_example


def forward(P: Array, Y: Array) -> Array:
    """The cross-entropy of every example, one column each: l = −Σ_i y_i log p_i. No mean is taken here.

    Shapes: P (K, N), Y (K, N) -> (1, N)
    Units: nats.
    Errors: ShapeError if Y is not one column per example; ValueError if a column of Y does not sum to one.
    Proof: derivations/cross_entropy.py, claim cross_entropy.of_softmax.  See Goodfellow et al. 2016, §3.13.
    """
    matrix(P=P)
    one_hot_columns(P, Y)
    xp = namespace(P)
    # 0 log 0 = 0: a class that the label excludes costs nothing, however small its probability.
    return -xp.sum(Y * xp.log(xp.where(Y == 0, 1, P)), axis=0, keepdims=True)


def dP(P: Array, Y: Array, dl: Array) -> Array:
    """Gradient of the loss with respect to the probabilities: −(Y / P) dl, where dl is that of each example's l.

    Shapes: P (K, N), Y (K, N), dl (1, N) -> (K, N)
    Units: loss per unit of probability.
    Errors: ShapeError if Y is not one column per example or dl is not one row of N.
    Proof: derivations/cross_entropy.py, claim cross_entropy.dP.
    """
    matrix(P=P)
    one_hot_columns(P, Y)
    per_example(P.shape[1], dl=dl)
    xp = namespace(P)
    # 0 / 0 = 0 likewise: an excluded class has no slope.
    return -Y / xp.where(Y == 0, 1, P) * dl
