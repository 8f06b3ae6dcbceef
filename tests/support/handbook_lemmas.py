"""Both sides of every lemma of the handbook, in numpy: what is proved of a layer, beside the functions of the layer."""

import numpy as np

from nnref import (
    adam,
    adamw,
    affine,
    attention,
    clip_by_norm,
    conv2d,
    layer,
    layer_norm,
    masked_softmax,
    max_pool,
    momentum,
    multi_head,
    rnn,
    rope,
    sgd,
    xavier,
)
from nnref.windows import largest

IH = 1e-100j
"""The step of a complex step."""


def slope(f, x):
    """The derivative of f, a number or an array, with respect to every entry of x, by the complex step: x, then f."""
    steps = (IH * e.reshape(x.shape) for e in np.eye(x.size))
    columns = np.array([np.imag(f(x + step)) / IH.imag for step in steps])
    return columns.reshape((*x.shape, *columns.shape[1:]))


def normalised(x, eps):
    """A column normalised, with no gain and no shift."""
    return layer_norm.forward(x, np.ones(x.shape), np.zeros(x.shape), eps)


def weights(at, mask=None):
    """Of attention between the rows of Z, seen as queries, keys and values: the weights, dP and dS."""
    mask = np.ones((4, 4)) if mask is None else mask
    P = masked_softmax.forward((at.Z @ at.Z.T / np.sqrt(at.Z.shape[1])).T, mask.T).T
    dP = at.dZ @ at.Z.T
    return P, dP, P * (dP - (P * dP).sum(axis=1, keepdims=True))


def unseen(at):
    """dS where the mask is 0, which attention.dQ and dK are made of; and 0."""
    mask = np.tri(4)
    return weights(at, mask)[2][mask == 0], np.zeros(6)


def larger(at, z):
    """The gradient of the larger of Z and dZ with respect to Z, by max pooling entry by entry."""
    pairs = np.stack([z.ravel(), at.dZ.ravel()])[None, :, None, :]
    dX = max_pool.dX(pairs, largest(pairs, 2, 1), at.positive.reshape(1, 1, 1, -1))
    return dX[0, 0, 0].reshape(z.shape)


def subgradient(at):
    """What the maximum of a moved window gains beyond what the chosen pixel gains, and the form that shows the sign."""
    chosen = largest(at.Z[None, :, None, :], 4, 1)[0, 0, 0, :, :, 0].T
    moved = at.Z + at.V[:, :1] * at.dZ
    gains = moved.max(axis=0) - (chosen * at.Z).sum(axis=0) - (chosen * (moved - at.Z)).sum(axis=0)
    return gains, (chosen * (moved.max(axis=0) - moved)).sum(axis=0)


BOUNDS = {"max_pool.subgradient": subgradient}
"""What is never negative, and the form that shows it."""


def adam_after(g, steps, beta=0.75):
    """The mean of a gradient that stays the same, after so many steps of Adam."""
    m = np.zeros(g.shape)
    for _ in range(steps):
        m = adam.mean(m, g, beta)
    return m


def first_step(at):
    """Adam's first step from 0, and what it comes to."""
    zero, g = 0 * at.Z, at.Z
    m, v = adam.mean(zero, g, 0.75), adam.mean_square(zero, g, 0.5)
    return -adam.update(zero, m, v, 1, at.c, 0.75, 0.5, 0.125), at.c * g / (abs(g) + 0.125)


def decayed(at):
    """At Adam's first step, decay beside the step less an L2 term in the gradient; and what is claimed of that."""
    tiny, g, L2 = np.finfo("float64").tiny, at.dZ, at.dZ + at.c * at.Z
    step = lambda g, decay: adamw.update(at.Z, 0.25 * g, 0.5 * g * g, 1, 0.5, 0.75, 0.5, tiny, decay)  # noqa: E731
    return step(L2, 0.0) - step(g, at.c), 0.5 * (at.c * at.Z + np.sign(g) - np.sign(L2))


def ahead(at):
    """Plain momentum from the point behind, and the look ahead from there; and Nesterov's step in one."""
    before, now = at.dZ, momentum.accumulate(at.dZ, at.positive, 0.75)
    behind = at.Z + at.c * 0.75 * before
    return momentum.update(behind, now, at.c) - at.c * 0.75 * now, momentum.nesterov(at.Z, now, at.positive, at.c, 0.75)


def both_paths(at):
    """The gradient of a residual layer's input by the complex step, and dZ with what the branch sends back."""
    branch = layer.chain(layer.ACTIVATIONS["tanh"], layer.affine_layer(4, 4))
    theta, it = ((), layer.Affine(at.V, at.b)), layer.residual(branch)
    return slope(lambda A: (at.dZ * it.forward(theta, A)).sum(), at.Z), at.dZ + branch.dA(theta, at.Z, None, at.dZ)


def three_paths(at):
    """The gradient of self-attention's input by the complex step, and the sum of what its three matrices send back."""
    it = multi_head.layer(4, 2)
    theta = multi_head.MultiHead(at.V, at.V.T, at.V @ at.V, np.eye(4))
    A, dZ = at.Z.reshape(4, 5, 1), at.dZ.reshape(4, 5, 1)
    Q, K, V = ((W @ at.Z).reshape(2, 2, 5, 1) for W in theta[:3])
    dH, M = at.dZ.reshape(2, 2, 5, 1), np.ones((5, 5))
    back = multi_head.dQ(Q, K, V, M, dH), multi_head.dK(Q, K, V, M, dH), multi_head.dV(Q, K, M, dH)
    summed = sum(W.T @ G.reshape(4, 5) for W, G in zip(theta[:3], back, strict=True))
    return slope(lambda A: (dZ * it.forward(theta, A)).sum(), A)[:, :, 0], summed


def over_time(at):
    """The slope of a loss of all states of five steps with respect to W, and dW by backpropagation through time."""
    it, (U, b) = rnn.layer(4, 4), (at.V.T, at.b)
    A, dZ = at.Z.reshape(4, 5, 1), at.dZ.reshape(4, 5, 1)
    loss = lambda W: (dZ * it.forward(rnn.Rnn(W, U, b), A)).sum()  # noqa: E731
    theta = rnn.Rnn(at.V, U, b)
    return slope(loss, at.V), it.dtheta(theta, A, it.forward(theta, A), dZ).W


def direct(M, c, e):
    """τ and a of a program whose quantities depend on one another by M, each solved for by itself."""
    one = np.eye(len(M))
    return np.linalg.solve(one - M, e), np.linalg.solve(one - M.T, c)


def reverse_mode(at):
    """⟨c, τ⟩ and ⟨a, e⟩ of a program."""
    tau, a = direct(at.V / 8, at.z, at.v)
    return (at.z * tau).sum(), (a * at.v).sum()


def images(at):
    """⟨dY, conv X⟩ of an image of 4 × 5 pixels, and ⟨dX, X⟩."""
    X, dY, W = at.Z[None, :, :, None], at.dZ[None, :2, :3, None], at.W.T[None, None]
    moved = {"stride": 2, "padding": 1}
    Y = conv2d.forward(X, W, np.zeros((1, 1)), **moved)
    dY = dY[:, : Y.shape[1], : Y.shape[2]]
    return (dY * Y).sum(), (conv2d.dX(X, W, dY, **moved) * X).sum()


def turned(at):
    """Scores of pairs of a query and a key turned by two angles, and by the difference alone."""
    (x1, x2), (y1, y2), angles = at.Z[:2], at.Z[2:], at.dZ[:2]
    x, y = (
        rope.forward(np.stack([A, B])[:, None, :], angle[None])
        for A, B, angle in ((x1, x2, angles[0]), (y1, y2, angles[1]))
    )
    cos, sin = np.cos(angles[0] - angles[1]), np.sin(angles[0] - angles[1])
    return (x * y).sum(axis=(0, 1)), cos * (x1 * y1 + x2 * y2) + sin * (x1 * y2 - x2 * y1)


def hidden_gain(at):
    """With γ = 1, the gradient of layer norm and the same with γ forgotten; dY is any."""
    one, x = np.ones((4, 1)), at.Z
    r = 1 / np.sqrt(x.var(axis=0) + at.c)
    Xhat = layer_norm.forward(x, one, 0 * one, at.c)
    forgotten = r * (at.dZ - at.dZ.mean(axis=0) - Xhat * (at.dZ * Xhat).mean(axis=0))
    return layer_norm.dX(x, one, at.dZ, at.c), forgotten


EQUAL = {
    "adjoint.linear": lambda at: ((at.dZ * (at.W @ at.A)).sum(), (affine.dA(at.W, at.dZ) * at.A).sum()),
    "adjoint.reverse_mode": reverse_mode,
    "clip_by_norm.length": lambda at: ((clip_by_norm.forward(at.z, 1 / 64) ** 2).sum(), 1 / 64**2),
    "conv2d.adjoint": images,
    "layer_norm.gain_of_one": hidden_gain,
    "multi_head.three_paths": three_paths,
    "residual.both_paths": both_paths,
    "rnn.every_length": over_time,
    "rope.relative": turned,
    "xavier.compromise": lambda at: ((4 + 3) * xavier.scale(4, 3) ** 2 / 2, 1.0),
    "adam.bias": lambda at: (adam_after(at.Z, 5), (1 - 0.75**5) * at.Z),
    "adam.bias_at_first": lambda at: (adam_after(at.Z, 1), 0.25 * at.Z),
    "adam.first_step": first_step,
    "adamw.is_not_l2": decayed,
    "adamw.sgd_decay_is_l2": lambda at: (
        sgd.update(at.Z, at.dZ + at.c * at.Z, 0.5),
        (1 - 0.5 * at.c) * at.Z - 0.5 * at.dZ,
    ),
    "momentum.looks_ahead": ahead,
    "attention.row_sum": lambda at: (
        (weights(at)[0] * weights(at)[1]).sum(axis=1),
        (at.dZ * attention.forward(at.Z, at.Z, at.Z, np.ones((4, 4)))).sum(axis=1),
    ),
    "attention.unseen": unseen,
    "label_smoothing.sums_to_one": lambda at: (((1 - at.g[0, 0]) * at.soft + at.g[0, 0] / 4).sum(axis=0), np.ones(5)),
    "layer_norm.length": lambda at: (
        (normalised(at.z, at.c) ** 2).sum(),
        len(at.z) * (1 - at.c / (at.z.var() + at.c)),
    ),
    "max_pool.larger": lambda at: (larger(at, at.Z), np.where(at.dZ < at.Z, at.positive, 0)),
    "layer_norm.ones": lambda at: (normalised(at.z, at.c).sum(), 0.0),
}
