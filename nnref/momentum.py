"""Momentum, and Nesterov's: a step against a sum of the gradients, each weighing less the longer ago it was."""

from nnref.shapes import Array, positive, same_shape


def accumulate(velocity: Array, dtheta: Array, mu: float = 0.9) -> Array:
    """The velocity after one more gradient: μ v + dθ. It starts at 0.

    Shapes: velocity (m, n), dtheta (m, n), mu () -> (m, n)
    Errors: ShapeError if the shapes differ.
    Proof: derivations/momentum.py, claim momentum.accumulate.  See Sutskever et al. 2013, §2.
    """
    same_shape(velocity=velocity, dtheta=dtheta)
    return mu * velocity + dtheta


def update(theta: Array, velocity: Array, alpha: float) -> Array:
    """The parameter after a step against the velocity, θ − α v. The velocity is the one after this step's gradient.

    Shapes: theta (m, n), velocity (m, n), alpha () -> (m, n)
    Errors: ShapeError if the shapes differ; ValueError if alpha is not positive.
    Proof: derivations/momentum.py, claim momentum.update.  See Sutskever et al. 2013, §2.
    """
    same_shape(theta=theta, velocity=velocity)
    positive(alpha=alpha)
    return theta - alpha * velocity


def nesterov(theta: Array, velocity: Array, dtheta: Array, alpha: float, mu: float = 0.9) -> Array:
    """The parameter after Nesterov's step in the form frameworks use, θ − α (dθ + μ v), v after this step's gradient.

    Shapes: theta (m, n), velocity (m, n), dtheta (m, n), alpha (), mu () -> (m, n)
    Errors: ShapeError if the shapes differ; ValueError if alpha is not positive.
    Proof: derivations/momentum.py, claim momentum.nesterov.  See Sutskever et al. 2013, §2.
    """
    same_shape(theta=theta, velocity=velocity)
    same_shape(theta=theta, dtheta=dtheta)
    positive(alpha=alpha)
    return theta - alpha * (dtheta + mu * velocity)
