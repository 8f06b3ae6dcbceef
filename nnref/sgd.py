"""Gradient descent: θ ← θ − α ∂L/∂θ, for one parameter at a time."""

from numbers import Real

from nnref.shapes import Array, alike


def update(theta: Array, dtheta: Array, alpha: float) -> Array:
    """The parameter after one step against its gradient, θ − α dθ. A new array: theta is left as it was.

    Shapes: theta (m, n), dtheta (m, n), alpha () -> (m, n)
    Units: alpha is parameter² per loss.
    Errors: ShapeError if the gradient has another shape; ValueError if alpha is not a positive number.
    Proof: derivations/sgd.py, claim sgd.update.  See Goodfellow et al. 2016, §4.3.
    """
    alike(theta=theta, dtheta=dtheta)
    if not (type(alpha) is float or isinstance(alpha, Real)) or not 0 < alpha < float("inf"):
        raise ValueError(f"the learning rate alpha should be positive and finite; {alpha!r} came. Try 0.1.")
    step = -alpha * dtheta
    if step.dtype != theta.dtype:
        return theta + step
    step += theta  # into the array just made: a second one would cost as much as the sum
    return step
