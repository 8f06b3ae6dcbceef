"""A recurrent layer whose backward pass drops what comes back from the step after."""

import numpy as np

import nnref


def forward(x, h0, Wx, Wh, b):
    """Rows of examples, then steps: x (N, T, D) -> states (N, T, H)."""
    states = [h0]
    for t in range(x.shape[1]):
        states.append(np.tanh(x[:, t] @ Wx + states[-1] @ Wh + b))
    return np.stack(states[1:], axis=1)


def backward(x, h0, Wx, Wh, b, dout):
    """The gradients of all five."""
    h = np.concatenate([h0[:, None], forward(x, h0, Wx, Wh, b)], axis=1)
    dx, dWx, dWh, db = np.zeros_like(x), 0 * Wx, 0 * Wh, 0 * b
    for t in reversed(range(x.shape[1])):
        dz = dout[:, t] * (1 - h[:, t + 1] ** 2)
        dx[:, t], dh = dz @ Wx.T, dz @ Wh.T
        dWx, dWh, db = dWx + x[:, t].T @ dz, dWh + h[:, t].T @ dz, db + dz.sum(axis=0)
    return dx, dh, dWx, dWh, db


r = np.random.default_rng(0).standard_normal
print(nnref.check_vjp(forward, backward, (r((2, 3, 4)), r((2, 5)), r((4, 5)), r((5, 5)), r(5))))
