"""Are gated units, rotary positions, affine layers and the kin of convolution recognised, and their mistakes named?"""

import inspect
from functools import partial

import numpy as np
import pytest
from scipy.special import erf

import nnref
from tests.support.mistaken import alike
from tests.support.quick import some

FEW = 4
"""Entries at which a wrong gradient is asked of differences: the mistake is named by all of them."""


def r(*shape, seed=0):
    return np.random.default_rng([seed, *shape]).standard_normal(shape)


def sigma(z):
    return 1 / (1 + np.exp(-z))


def dsilu(z):
    return sigma(z) * (1 + z * (1 - sigma(z)))


def swiglu(x, W, V, O):
    g, f = x @ W, x @ V
    return (g * sigma(g) * f) @ O


def swiglu_back(x, W, V, O, dY, *, slope=dsilu, gate=True, paths=2):
    g, f = x @ W, x @ V
    dA = dY @ O.T
    dg, df = dA * f * slope(g), dA * (g * sigma(g) if gate else g)
    n = x.shape[-1]
    dW, dV, dO = (
        a.reshape(-1, a.shape[-1]).T @ b.reshape(-1, b.shape[-1]) for a, b in ((x, dg), (x, df), (g * sigma(g) * f, dY))
    )
    assert dW.shape == (n, g.shape[-1])
    return dg @ W.T + (df @ V.T if paths == 2 else 0), dW, dV, dO


def geglu(x):
    f, g = np.split(x, 2, axis=-1)
    return f * g * (1 + erf(g / np.sqrt(2))) / 2


def geglu_back(x, dY, *, features=True):
    f, g = np.split(x, 2, axis=-1)
    Phi, phi = (1 + erf(g / np.sqrt(2))) / 2, np.exp(-g * g / 2) / np.sqrt(2 * np.pi)
    return np.concatenate([dY * g * Phi, dY * (f if features else 1) * (Phi + g * phi)], axis=-1)


ANGLES = np.arange(4)[:, None] * 10000.0 ** (-np.arange(3) / 3)


def rope(x):
    """Rotate half, (batch, positions, heads, width), positions along axis 1."""
    a, b = np.split(x, 2, axis=-1)
    cos, sin = np.cos(ANGLES)[:, None], np.sin(ANGLES)[:, None]
    return np.concatenate([a * cos - b * sin, b * cos + a * sin], axis=-1)


def rope_back(x, dY, *, sign=-1, other=1, sines=1):
    a, b = np.split(dY, 2, axis=-1)
    cos, sin = np.cos(ANGLES)[:, None], sign * sines * np.sin(ANGLES)[:, None]
    return np.concatenate([a * cos - b * sin, b * cos + other * a * sin], axis=-1)


def neighbours(x, cos, sin):
    """Pairs side by side, (positions, width)."""
    out = np.empty_like(x)
    out[:, ::2], out[:, 1::2] = x[:, ::2] * cos - x[:, 1::2] * sin, x[:, 1::2] * cos + x[:, ::2] * sin
    return out


def affine(x, w, b):
    return x @ w + b


def affine_back(x, w, dout, *, mean=1, last=False):
    dw, db = x.reshape(-1, x.shape[-1]).T @ dout.reshape(-1, dout.shape[-1]), dout.reshape(-1, dout.shape[-1]).sum(0)
    return dout @ w.T, dw / mean, dout[-1] if last else db / mean


def columns_back(W, A, dZ, *, turned=True, whole=False):
    db = np.full((len(W), 1), dZ.sum()) if whole else dZ.sum(axis=1, keepdims=True)
    return (W.T if turned else W) @ dZ, dZ @ A.T, db


def depthwise(x, w):
    """Stride 2, padding 1; images (N, C, H, W), a filter (C, 1, I, J) a channel."""
    X = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    windows = np.lib.stride_tricks.sliding_window_view(X, w.shape[2:], axis=(2, 3))[:, :, ::2, ::2]
    return np.einsum("ncpqij,cij->ncpq", windows, w[:, 0])


def depthwise_back(x, w, dY, *, flip=False, stride=2):
    X = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    dX, dW = np.zeros_like(X), np.zeros_like(w)
    K = w[:, 0, ::-1, ::-1] if flip else w[:, 0]
    I, J = w.shape[2:]
    for p, q in np.ndindex(dY.shape[2:]):
        d, at = dY[:, :, p, q, None, None], np.s_[:, :, stride * p : stride * p + I, stride * q : stride * q + J]
        dX[at] += d * K
        dW[:, 0] += (d * X[at]).sum(0)
    return dX[:, :, 1:-1, 1:-1], dW


def grouped(x, w, b, groups=2):
    """Valid, stride 1, in groups; images (N, C, H, W), filters (D, C / groups, I, J)."""
    parts = zip(np.split(x, groups, 1), np.split(w, groups), np.split(b, groups), strict=True)
    views = ((np.lib.stride_tricks.sliding_window_view(X, W.shape[2:], axis=(2, 3)), W, B) for X, W, B in parts)
    return np.concatenate([np.einsum("ncpqij,dcij->ndpq", V, W) + B[:, None, None] for V, W, B in views], axis=1)


def grouped_back(x, w, b, dY, groups=2, *, roll=0):
    dX, dW = np.zeros_like(x), np.zeros_like(w)
    C, D = x.shape[1] // groups, len(w) // groups
    for g in range(groups):
        of, to = np.s_[g * D : (g + 1) * D], np.s_[g * C : (g + 1) * C]
        K = np.roll(w, roll * D, axis=0)[of]
        for p, q in np.ndindex(dY.shape[2:]):
            here = np.s_[:, to, p : p + w.shape[2], q : q + w.shape[3]]
            dX[here] += np.einsum("nd,dcij->ncij", dY[:, of, p, q], K)
            dW[of] += np.einsum("nd,ncij->dcij", dY[:, of, p, q], x[here])
    return dX, dW, dY.sum((0, 2, 3))


def transposed(x, w, b, stride=2):
    """Images (N, C, P, Q), filters (C, D, I, J), no padding."""
    size = [stride * (n - 1) + k for n, k in zip(x.shape[2:], w.shape[2:], strict=True)]
    Y = np.zeros((len(x), w.shape[1], *size)) * x.flat[0]
    for p, q in np.ndindex(x.shape[2:]):
        at = np.s_[:, :, stride * p : stride * p + w.shape[2], stride * q : stride * q + w.shape[3]]
        Y[at] += np.einsum("nc,cdij->ndij", x[:, :, p, q], w)
    return Y + b[:, None, None]


def transposed_back(x, w, dY, stride=2, *, flip=False):
    dX, dW = np.zeros_like(x), np.zeros_like(w)
    K = w[:, :, ::-1, ::-1] if flip else w
    for p, q in np.ndindex(x.shape[2:]):
        at = np.s_[:, :, stride * p : stride * p + w.shape[2], stride * q : stride * q + w.shape[3]]
        dX[:, :, p, q] = np.einsum("ndij,cdij->nc", dY[at], K)
        dW += np.einsum("nc,ndij->cdij", x[:, :, p, q], dY[at])
    return dX, dW, dY.sum((0, 2, 3))


def softmax(s):
    e = np.exp(s - s.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def heads(a, G=2):
    return a.reshape(*a.shape[:2], G, -1).transpose(0, 2, 1, 3)


def merged(a):
    return a.transpose(0, 2, 1, 3).reshape(a.shape[0], a.shape[2], -1)


def causal(s):
    return np.where(np.tri(s.shape[-1]) > 0, s, -1e30)


def self_attention(x, Wq, Wk, Wv, Wo):
    q, k, v = heads(x @ Wq), heads(x @ Wk), heads(x @ Wv)
    return merged(softmax(causal(q @ k.swapaxes(-1, -2) / np.sqrt(q.shape[-1]))) @ v) @ Wo


def self_attention_back(x, Wq, Wk, Wv, Wo, dY, *, mask=True, sums=True, scale=1, paths="qkv", turned=True):
    q, k, v = heads(x @ Wq), heads(x @ Wk), heads(x @ Wv)
    c = 1 / np.sqrt(q.shape[-1])
    s = q @ k.swapaxes(-1, -2) * c
    p = softmax(causal(s) if mask else s)
    o = merged(softmax(causal(s)) @ v)
    dh = heads(dY @ (Wo.T if turned else Wo))
    dp = dh @ v.swapaxes(-1, -2)
    ds = p * (dp - (p * dp).sum(-1, keepdims=True) if sums else dp)
    back = merged(ds @ k * c**scale), merged(ds.swapaxes(-1, -2) @ q * c**scale), merged(p.swapaxes(-1, -2) @ dh)
    dx = sum(d @ W.T for d, W, way in zip(back, (Wq, Wk, Wv), "qkv", strict=True) if way in paths)
    return dx, *(np.einsum("ntd,nte->de", x, d) for d in back), np.einsum("ntd,nte->de", o, dY)


TABLE = [
    (
        "self-attention, 2 heads, causal",
        self_attention,
        self_attention_back,
        (r(2, 3, 4), *(r(4, 4, seed=k) for k in range(4))),
        [
            ({"mask": False}, "the backward pass leaves out the mask"),
            ({"sums": False}, "the row sums Σ P dP are not subtracted"),
            ({"scale": 0}, "the scale 1/√d is missing"),
            ({"paths": "v"}, "what comes back through the three is to be added up"),
            ({"turned": False}, "the matrix of the output is not transposed"),
        ],
    ),
    (
        "swiglu, its gate by W",
        swiglu,
        swiglu_back,
        (r(2, 3, 4), r(4, 5), r(4, 5, seed=1), r(5, 4)),
        [
            ({"slope": lambda g: 1.0}, "the slope of the gate's activation is missing"),
            ({"slope": lambda g: sigma(g) * (1 - sigma(g))}, "the slope of the gate is σ (1 − σ)"),
            ({"gate": False}, "the gate before its activation"),
            ({"paths": 1}, "one of the two ways back is missing"),
        ],
    ),
    (
        "geglu, its gate the second half of axis 1",
        geglu,
        geglu_back,
        (r(4, 6),),
        [({"features": False}, "the features are forgotten")],
    ),
    (
        "rope, its pairs the halves of axis 3",
        rope,
        rope_back,
        (r(2, 4, 2, 6),),
        [
            ({"sign": 1}, "goes back by the opposite ones"),
            ({"other": -1}, "one of the two signs"),
            ({"sines": 0}, "the sines are missing"),
        ],
    ),
    (
        "affine, examples as rows",
        affine,
        affine_back,
        (r(2, 3, 4), r(4, 5), r(5)),
        [({"mean": 6}, "divided by the number of examples")],
    ),
    (
        "affine, examples as rows",
        affine,
        affine_back,
        (r(3, 4), r(4, 5), r(5)),
        [({"last": True}, "the sum over the batch is missing")],
    ),
    (
        "affine, examples as columns",
        lambda A, W, b: W @ A + b,
        columns_back,
        (r(4, 3), r(4, 4), r(4, 1)),
        [({"turned": False}, "the weights are not transposed"), ({"whole": True}, "one number for the whole bias")],
    ),
    (
        "conv2d depthwise, stride 2, padding 1",
        depthwise,
        depthwise_back,
        (r(2, 3, 7, 6), r(3, 1, 3, 3)),
        [({"flip": True}, "the filter is turned round in the gradient"), ({"stride": 1}, "the stride is missing")],
    ),
    (
        "conv2d in 2 groups, stride 1",
        grouped,
        grouped_back,
        (r(2, 4, 5, 4), r(6, 2, 2, 3), r(6)),
        [({"roll": 1}, "by the filters of another group")],
    ),
    (
        "conv_transpose, stride 2",
        transposed,
        transposed_back,
        (r(2, 3, 4, 3), r(3, 2, 3, 2), r(2)),
        [({"flip": True}, "the filter is turned round"), ({"stride": 1}, "the stride is missing")],
    ),
]
"""What is said of a layer, its forward and backward pass, arguments, and mistakes with their sentences."""


@pytest.mark.parametrize("row", some([(row,) for row in TABLE], 12, ids=lambda case: case[0][0]))
def test_a_layer_is_recognised_and_its_mistakes_are_named(row):
    says, forward, vjp, arrays, wrong = row
    arguments = dict(inspect.signature(forward).bind(*arrays).arguments)
    report = nnref.check_vjp(forward, vjp, arguments)
    assert report.ok, report
    assert f"forward is {says}:" in report.method, report.method
    for options, sentence in wrong:
        report = nnref.check_vjp(forward, partial(vjp, **options), arguments, entries=FEW)
        assert not report.ok
        named = [f.says for entry in report.entries for f in entry.where if f.kind == "layer"]
        assert sentence in "".join(named[:1]), (options, named)
        assert "or else" not in named[0]


def test_rope_whose_cosines_are_arguments_is_recognised():
    arguments = {"x": r(4, 6), "cos": np.cos(ANGLES), "sin": np.sin(ANGLES)}
    report = nnref.check_vjp(neighbours, lambda dY, cos, sin: neighbours(dY, cos, -sin), arguments, wrt="x")
    assert report.ok
    assert "forward is rope, its pairs the neighbours of axis 1:" in report.method


@pytest.mark.parametrize("f", [lambda x: x * 1.0, lambda x: -x, lambda x: x[::-1] * 1.0])
def test_what_turns_nothing_is_no_rope(f):
    from nnref.checking.recognition.layers import recognised

    x = r(4, 6)
    found = recognised(lambda a: f(**a), {"x": x}, f(x))
    assert found is None or found.reading.name != "rope"


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row[0])
def test_no_two_mistakes_of_a_layer_have_the_same_numbers(row):
    _, forward, _, arrays, _ = row
    arguments = dict(inspect.signature(forward).bind(*arrays).arguments)
    assert alike(lambda a: forward(**a), arguments, r(*forward(*arrays).shape, seed=9)) == []
