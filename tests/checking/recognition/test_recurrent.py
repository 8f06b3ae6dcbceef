"""Are recurrent layers recognised as people write them, and is the mistake in their backward pass named?"""

import inspect
from functools import partial

import numpy as np
import pytest

import nnref
from tests.support.mistaken import alike
from tests.support.quick import some

FEW = 4
"""Entries at which a wrong gradient is asked of differences: the mistake is named by all of them."""


def r(*shape, seed=0):
    return np.random.default_rng([seed, *shape]).standard_normal(shape)


def sigma(z):
    return 1 / (1 + np.exp(-z))


def rnn(x, h0, Wx, Wh, b):
    H = [h0]
    for t in range(x.shape[1]):
        H.append(np.tanh(x[:, t] @ Wx + H[-1] @ Wh + b))
    return np.stack(H[1:], axis=1)


def rnn_back(x, h0, Wx, Wh, b, dout, *, carry=True, add=True, slope=True, now=False, turned=True, own=True):
    H = np.concatenate([h0[:, None], rnn(x, h0, Wx, Wh, b)], axis=1)
    dx, dWx, dWh, db, dh = np.zeros_like(x), 0 * Wx, 0 * Wh, 0 * b, 0 * h0
    T = x.shape[1]
    for t in reversed(range(T)):
        d = (dout[:, t] if own or t == T - 1 else 0) + (dh if carry else 0)
        dz = d * (1 - H[:, t + 1] ** 2) if slope else d
        dx[:, t] = dz @ Wx.T
        before = H[:, t + 1] if now else H[:, t]
        dWx, dWh, db = (
            (old if add else 0) + new for old, new in ((dWx, x[:, t].T @ dz), (dWh, before.T @ dz), (db, dz.sum(0)))
        )
        dh = dz @ (Wh.T if turned else Wh)
    return dx, dh, dWx, dWh, db


def lstm(x, h0, Wx, Wh, b):
    h, c, m, H = h0, 0 * h0, h0.shape[1], []
    for t in range(x.shape[1]):
        a = x[:, t] @ Wx + h @ Wh + b
        i, f, o, g = sigma(a[:, :m]), sigma(a[:, m : 2 * m]), sigma(a[:, 2 * m : 3 * m]), np.tanh(a[:, 3 * m :])
        c = f * c + i * g
        h = o * np.tanh(c)
        H.append(h)
    return np.stack(H, axis=1)


def lstm_back(x, h0, Wx, Wh, b, dout, *, cell=True, slope_f=True, slope_g=True, tanh_c=True):
    h, c, m, kept = h0, 0 * h0, h0.shape[1], []
    for t in range(x.shape[1]):
        a = x[:, t] @ Wx + h @ Wh + b
        i, f, o, g = sigma(a[:, :m]), sigma(a[:, m : 2 * m]), sigma(a[:, 2 * m : 3 * m]), np.tanh(a[:, 3 * m :])
        new = f * c + i * g
        kept.append((h, c, i, f, o, g, np.tanh(new)))
        h, c = o * np.tanh(new), new
    dx, dWx, dWh, db, dh, dc = np.zeros_like(x), 0 * Wx, 0 * Wh, 0 * b, 0 * h0, 0 * h0
    for t in reversed(range(x.shape[1])):
        h, c, i, f, o, g, T = kept[t]
        d = dout[:, t] + dh
        dc = (dc if cell else 0) + d * o * (1 - T * T if tanh_c else 1)
        df = dc * c * (f * (1 - f) if slope_f is True else f if slope_f else 1)
        dg = dc * i * (1 - g * g if slope_g else 1)
        da = np.concatenate([dc * g * i * (1 - i), df, d * T * o * (1 - o), dg], axis=1)
        dx[:, t], dh = da @ Wx.T, da @ Wh.T
        dWx, dWh, db, dc = dWx + x[:, t].T @ da, dWh + h.T @ da, db + da.sum(0), dc * f
    return dx, dh, dWx, dWh, db


def gru(x, h, Wz, Uz, bz, Wr, Ur, br, Wh, Uh, bh):
    """One step as in the paper, in columns: the reset gate is applied to the state, and z says what is new."""
    z, s = sigma(Wz @ x + Uz @ h + bz), sigma(Wr @ x + Ur @ h + br)
    g = np.tanh(Wh @ x + Uh @ (s * h) + bh)
    return (1 - z) * h + z * g


def gru_back(x, h, Wz, Uz, bz, Wr, Ur, br, Wh, Uh, bh, dout, *, kept=True, sign=1, reset=True, slope=True):
    z, s = sigma(Wz @ x + Uz @ h + bz), sigma(Wr @ x + Ur @ h + br)
    g = np.tanh(Wh @ x + Uh @ (s * h) + bh)
    dg = dout * z * (1 - g * g)
    dz = sign * dout * (g - h) * (z * (1 - z) if slope else 1)
    back = Uh.T @ dg
    ds = back * h * s * (1 - s)
    dh = (dout * (1 - z) if kept else 0) + back * (s if reset else 1) + Uz.T @ dz + Ur.T @ ds
    dx = Wz.T @ dz + Wr.T @ ds + Wh.T @ dg
    of = [
        (d @ x.T, d @ other.T, d.sum(1, keepdims=True)) for d, other in ((dz, h), (ds, h), (dg, s * h if reset else h))
    ]
    return dx, dh, *of[0], *of[1], *of[2]


def torch_gru(x, W, U, b, c, dy=None):
    """The layer of PyTorch, one sequence, gates r z n, and the reset gate behind the product; its last state."""
    m = U.shape[1]
    h = np.zeros(m)
    for t in range(len(x)):
        a, u = W @ x[t] + b, U @ h + c
        s, z = sigma(a[:m] + u[:m]), sigma(a[m : 2 * m] + u[m : 2 * m])
        g = np.tanh(a[2 * m :] + s * u[2 * m :])
        h = (1 - z) * g + z * h
    return h


RNN = (r(2, 3, 4), r(2, 5), r(4, 5), r(5, 5), r(5))
LSTM = (r(2, 3, 4), r(2, 5), r(4, 20), r(5, 20), r(20))
GRU = (r(4, 3), r(5, 3), *(r(*shape, seed=k) for k in (1, 2, 3) for shape in ((5, 4), (5, 5), (5, 1))))

RIGHT = {
    "an RNN over 3 steps": (rnn, rnn_back, RNN),
    "an LSTM over 3 steps, its gates in the order ifog": (lstm, lstm_back, LSTM),
    "a step of a GRU, its gates in the order zrn, reset before the product, z new": (gru, gru_back, GRU),
}

WRONG = [
    ("an RNN", {"carry": False}, "what comes back from the step after is not added"),
    ("an RNN", {"own": False}, "only the last step's dY goes back"),
    ("an RNN", {"add": False}, "the sum over time is missing"),
    ("an RNN", {"slope": False}, "the slope 1 − h² is missing"),
    ("an RNN", {"now": True}, "takes the state after the step"),
    ("an RNN", {"turned": False}, "the weights of the state are not transposed"),
    ("an LSTM", {"cell": False}, "the gradient of the cell is not carried"),
    ("an LSTM", {"tanh_c": False}, "the slope of tanh(c) is missing"),
    ("an LSTM", {"slope_f": False}, "the slope of the forget gate"),
    ("an LSTM", {"slope_f": "f"}, "one of its two factors alone"),
    ("an LSTM", {"slope_g": False}, "the slope of the candidate, 1 − g²"),
    ("a step of a GRU", {"kept": False}, "what the update gate keeps of the state is missing"),
    ("a step of a GRU", {"sign": -1}, "the gradient of the update gate has the wrong sign"),
    ("a step of a GRU", {"reset": False}, "the reset gate is missing"),
    ("a step of a GRU", {"slope": False}, "the slope of the update gate"),
]


def checked(layer, **options):
    """What check_vjp says of a layer whose vjp is called with these options."""
    forward, vjp, arrays = next(found for name, found in RIGHT.items() if name.startswith(layer))
    arguments = dict(inspect.signature(forward).bind(*arrays).arguments)
    return nnref.check_vjp(forward, partial(vjp, **options), arguments, **({"entries": FEW} if options else {}))


def said(report):
    """What is said of a layer's mistake, by argument."""
    return {entry.name: f.says for entry in report.entries for f in entry.where if f.kind == "layer"}


@pytest.mark.parametrize("layer", RIGHT)
def test_a_right_recurrent_layer_is_recognised(layer):
    report = checked(layer)
    assert report.ok, report
    assert f"forward is {layer}:" in report.method
    assert "of what rounding may do to its closed form" in report.method


@pytest.mark.parametrize(("layer", "options", "says"), some(WRONG, 6))
def test_a_mistake_in_a_recurrent_layer_is_named(layer, options, says):
    first, *others = said(checked(layer, **options)).values()
    assert says in first
    assert "or else" not in first
    assert all(other.startswith("the same mistake") for other in others)


@pytest.mark.parametrize("layer", RIGHT)
def test_no_two_mistakes_of_a_recurrent_layer_have_the_same_numbers(layer):
    forward, _, arrays = RIGHT[layer]
    arguments = dict(inspect.signature(forward).bind(*arrays).arguments)
    assert alike(lambda a: forward(**a), arguments, r(*forward(*arrays).shape, seed=9)) == []
