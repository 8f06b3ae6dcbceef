"""AdamW: Adam's step, and a share of the parameter taken away beside it."""

from nnref import adam
from nnref.shapes import Array


def update(
    theta: Array,
    m: Array,
    v: Array,
    step: int,
    alpha: float = 0.001,
    beta1: float = 0.9,
    beta2: float = 0.999,
    eps: float = 1e-8,
    decay: float = 0.01,
) -> Array:
    """The parameter after a step, θ − α (m̂ / (√v̂ + ε) + λ θ). Of the decay m and v know nothing.

    Shapes: theta (m, n), m (m, n), v (m, n), step (), alpha (), beta1 (), beta2 (), eps (), decay () -> (m, n)
    Errors: ShapeError and ValueError as adam.update.
    Proof: derivations/adamw.py, claim adamw.update.  See Loshchilov & Hutter 2019, arXiv:1711.05101, algorithm 2.
    """
    return adam.update(theta, m, v, step, alpha, beta1, beta2, eps) - alpha * decay * theta
