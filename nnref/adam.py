"""Adam: a step against the mean of the gradients, over the root of the mean of their squares, both corrected."""

from nnref.arrays import namespace
from nnref.shapes import Array, formula, positive, same_shape


def mean(m: Array, dtheta: Array, beta1: float = 0.9) -> Array:
    """The mean of the gradients after one more: β₁ m + (1 − β₁) dθ. It starts at 0.

    Shapes: m (m, n), dtheta (m, n), beta1 () -> (m, n)
    Errors: ShapeError if the shapes differ; ValueError if beta1 is not in [0, 1).
    Proof: derivations/adam.py, claim adam.mean.  See Kingma & Ba 2015, arXiv:1412.6980, algorithm 1.
    """
    same_shape(m=m, dtheta=dtheta)
    _decays(beta1=beta1)
    return beta1 * m + (1 - beta1) * dtheta


def mean_square(v: Array, dtheta: Array, beta2: float = 0.999) -> Array:
    """The mean of the squares of the gradients after one more: β₂ v + (1 − β₂) dθ². It starts at 0.

    Shapes: v (m, n), dtheta (m, n), beta2 () -> (m, n)
    Errors: ShapeError if the shapes differ; ValueError if beta2 is not in [0, 1).
    Proof: derivations/adam.py, claim adam.mean_square.  See Kingma & Ba 2015, arXiv:1412.6980, algorithm 1.
    """
    same_shape(v=v, dtheta=dtheta)
    _decays(beta2=beta2)
    return beta2 * v + (1 - beta2) * dtheta * dtheta


def update(
    theta: Array,
    m: Array,
    v: Array,
    step: int,
    alpha: float = 0.001,
    beta1: float = 0.9,
    beta2: float = 0.999,
    eps: float = 1e-8,
) -> Array:
    """The parameter after a step, θ − α m̂ / (√v̂ + ε), with m̂ = m / (1 − β₁ᵗ) and v̂ = v / (1 − β₂ᵗ).

    m and v are those after this step's gradient, and steps are counted from 1. ε is beside the root, not under it.

    Shapes: theta (m, n), m (m, n), v (m, n), step (), alpha (), beta1 (), beta2 (), eps () -> (m, n)
    Errors: ShapeError if the shapes differ; ValueError if step is less than 1, a rate is not positive, or a decay is
    not in [0, 1).
    Proof: derivations/adam.py, claim adam.update.  See Kingma & Ba 2015, arXiv:1412.6980, algorithm 1.
    """
    same_shape(theta=theta, m=m)
    same_shape(theta=theta, v=v)
    _decays(beta1=beta1, beta2=beta2)
    positive(alpha=alpha, eps=eps)
    if step < 1:
        raise ValueError(f"{formula()}step should be 1 or more: the correction of step 0 divides by 0; {step} came.")
    return theta - alpha * (m / (1 - beta1**step)) / (namespace(v).sqrt(v / (1 - beta2**step)) + eps)


def _decays(**decays: float) -> None:
    """Refuse, by name, a decay with which a mean would not forget."""
    for name, decay in decays.items():
        if not 0 <= decay < 1:
            raise ValueError(f"{formula()}{name} should lie in [0, 1); {decay} came. Try 0.9.")
