"""Cross-entropy with smoothed labels: (1 − α) Y + α/K in place of Y, K the number of classes."""

from nnref import softmax_cross_entropy
from nnref.shapes import Array, formula, matrix, one_hot_columns


def forward(Z: Array, Y: Array, smoothing: float) -> Array:
    """The mean over the batch of the cross-entropy with (1 − α) Y + α/K for labels.

    Shapes: Z (K, N), Y (K, N), smoothing () -> ()
    Units: nats.
    Errors: ShapeError if Y is not one column per example; ValueError if one does not sum to one, or α is not in [0, 1].
    Proof: derivations/label_smoothing.py, claim label_smoothing.forward.  See Szegedy et al. 2016, §7.
    """
    return softmax_cross_entropy.forward(Z, _smoothed(Z, Y, smoothing))


def dZ(Z: Array, Y: Array, smoothing: float) -> Array:
    """Gradient of the loss with respect to the logits: (P − (1 − α) Y − α/K) / N, where P = softmax(Z).

    Shapes: Z (K, N), Y (K, N), smoothing () -> (K, N)
    Units: loss per unit of logit.
    Errors: ShapeError if Y is not one column per example; ValueError if one does not sum to one, or α is not in [0, 1].
    Proof: derivations/label_smoothing.py, claim label_smoothing.dZ.  See Szegedy et al. 2016, §7.
    """
    return softmax_cross_entropy.dZ(Z, _smoothed(Z, Y, smoothing))


def _smoothed(Z: Array, Y: Array, smoothing: float) -> Array:
    """The smoothed labels, whose columns sum to one as those of Y do (label_smoothing.sums_to_one)."""
    matrix(Z=Z)
    one_hot_columns(Z, Y)
    if not 0 <= smoothing <= 1:
        raise ValueError(
            f"{formula()}smoothing, the share that is spread, should lie between 0 and 1; {smoothing} came. Try 0.1."
        )
    return (1 - smoothing) * Y + smoothing / Z.shape[0]
