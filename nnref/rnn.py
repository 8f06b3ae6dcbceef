"""A recurrent layer, h = tanh(W h⁰ + U x + b) at every step: one step and its gradients, and the layer over time."""

from typing import Any, NamedTuple

import numpy as np

from nnref import affine, tanh, xavier
from nnref.arrays import device_of, namespace
from nnref.layer import Layer
from nnref.shapes import Array, ShapeError, column, composable, of_shape, same_batch, tensor


class Rnn(NamedTuple):
    """The parameters of the layer, and, in the same places, their gradients: W (m, m), U (m, n) and b (m, 1)."""

    W: Array
    U: Array
    b: Array


def forward(X: Array, H0: Array, W: Array, U: Array, b: Array) -> Array:
    """The state after one step, tanh(W H0 + U X + b 1ᵀ).

    Shapes: X (n, N), H0 (m, N), W (m, m), U (m, n), b (m, 1) -> (m, N)
    Errors: ShapeError if shapes do not fit.
    Proof: derivations/rnn.py, claim rnn.forward.  See Elman 1990; Goodfellow et al. 2016, §10.2.
    """
    same_batch(X=X, H0=H0)
    composable(W=W, H0=H0)
    composable(U=U, X=X)
    of_shape((H0.shape[0], H0.shape[0]), W=W)
    column(H0.shape[0], b=b)
    return tanh.forward(W @ H0 + U @ X + b)


def dW(X: Array, H0: Array, W: Array, U: Array, b: Array, dY: Array) -> Array:
    """Gradient of the loss with respect to the weights of the state: dZ H0ᵀ, to be added up over the steps.

    dY is all that comes back to the state: from the output of this step, and from later ones (dH0 of the next).

    Shapes: X (n, N), H0 (m, N), W (m, m), U (m, n), b (m, 1), dY (m, N) -> (m, m)
    Units: loss per unit of weight.
    Errors: ShapeError as `forward`, or if dY has not the shape of the state.
    Proof: derivations/rnn.py, claim rnn.dW.  See Werbos 1990; Goodfellow et al. 2016, §10.2.2.
    """
    return affine.dW(H0, _dZ(X, H0, W, U, b, dY))


def dU(X: Array, H0: Array, W: Array, U: Array, b: Array, dY: Array) -> Array:
    """Gradient of the loss with respect to the weights of the input: dZ Xᵀ, to be added up over the steps.

    Shapes: X (n, N), H0 (m, N), W (m, m), U (m, n), b (m, 1), dY (m, N) -> (m, n)
    Units: loss per unit of weight.
    Errors: ShapeError as `forward`, or if dY has not the shape of the state.
    Proof: derivations/rnn.py, claim rnn.dU.
    """
    return affine.dW(X, _dZ(X, H0, W, U, b, dY))


def db(X: Array, H0: Array, W: Array, U: Array, b: Array, dY: Array) -> Array:
    """Gradient of the loss with respect to the biases: the sum of dZ over examples, to be added up over the steps.

    Shapes: X (n, N), H0 (m, N), W (m, m), U (m, n), b (m, 1), dY (m, N) -> (m, 1)
    Units: loss per unit of bias.
    Errors: ShapeError as `forward`, or if dY has not the shape of the state.
    Proof: derivations/rnn.py, claim rnn.db.
    """
    return affine.db(_dZ(X, H0, W, U, b, dY))


def dX(X: Array, H0: Array, W: Array, U: Array, b: Array, dY: Array) -> Array:
    """Gradient of the loss with respect to the input of this step: Uᵀ dZ.

    Shapes: X (n, N), H0 (m, N), W (m, m), U (m, n), b (m, 1), dY (m, N) -> (n, N)
    Units: loss per unit of input.
    Errors: ShapeError as `forward`, or if dY has not the shape of the state.
    Proof: derivations/rnn.py, claim rnn.dX.
    """
    return affine.dA(U, _dZ(X, H0, W, U, b, dY))


def dH0(X: Array, H0: Array, W: Array, U: Array, b: Array, dY: Array) -> Array:
    """Gradient of the loss with respect to the state before: Wᵀ dZ, to be added to what that step's output gets.

    Shapes: X (n, N), H0 (m, N), W (m, m), U (m, n), b (m, 1), dY (m, N) -> (m, N)
    Units: loss per unit of state.
    Errors: ShapeError as `forward`, or if dY has not the shape of the state.
    Proof: derivations/rnn.py, claim rnn.dH0.
    """
    return affine.dA(W, _dZ(X, H0, W, U, b, dY))


def layer(n: int, m: int) -> Layer:
    """The layer over time, from (n, T, N) to the states (m, T, N): T steps, the state before the first is 0.

    Backward it goes through all T steps, the last first: the gradient of a state is that of its output and Wᵀ dZ of
    the step after (rnn.every_length). Nothing is cut off.

    Shapes: A (n, T, N) -> (m, T, N)
    """

    def states(theta: Any, A: Array) -> list[Array]:
        _sequence(n, A)
        xp = namespace(A)
        H = [xp.zeros((m, A.shape[2]), dtype=A.dtype, **device_of(A))]
        for step in range(A.shape[1]):
            H.append(forward(A[:, step, :], H[-1], *theta))
        return H

    def both(theta: Any, A: Array, Z: Array, dZ: Array) -> tuple[Rnn, Array]:
        of_shape((m, *A.shape[1:]), dZ=dZ)
        H, xp = states(theta, A), namespace(A)
        later, total, inputs = 0 * H[0], [0 * p for p in theta], []
        for step in range(A.shape[1] - 1, -1, -1):
            X, dY = A[:, step, :], dZ[:, step, :] + later
            slope = tanh.dZ(H[step + 1], dY)
            parts = affine.dW(H[step], slope), affine.dW(X, slope), affine.db(slope)
            total = [sum_ + part for sum_, part in zip(total, parts, strict=True)]
            inputs.append(affine.dA(theta[1], slope))
            later = affine.dA(theta[0], slope)
        return Rnn(*total), xp.stack(inputs[::-1], axis=1)

    def init(rng: Any) -> Rnn:
        W, U = (xavier.scale(k, m) * rng.standard_normal((m, k)) for k in (m, n))
        return Rnn(W=W, U=U, b=np.zeros((m, 1)))

    return Layer(
        "rnn",
        init=init,
        forward=lambda theta, A: namespace(A).stack(states(theta, A)[1:], axis=1),
        dtheta=lambda theta, A, Z, dZ: both(theta, A, Z, dZ)[0],
        dA=lambda theta, A, Z, dZ: both(theta, A, Z, dZ)[1],
        both=both,
    )


def _sequence(n: int, A: Array) -> None:
    """Refuse an input that has not n features at each step."""
    tensor("features, steps, examples", A=A)
    if A.shape[0] != n:
        raise ShapeError(f"A has {A.shape[0]} features, its first axis; this layer takes {n}.")


def _dZ(X: Array, H0: Array, W: Array, U: Array, b: Array, dY: Array) -> Array:
    """The gradient with respect to the weighted sums of the step."""
    H = forward(X, H0, W, U, b)
    of_shape(tuple(H.shape), dY=dY)
    return tanh.dZ(H, dY)
