"""Is a function recognised as the layer that it is, by its numbers, and is the mistake in its backward pass named?"""

import inspect
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from scipy.special import erf

import nnref
from nnref.checking.reading.source import read_source
from nnref.checking.recognition import layers
from nnref.checking.recognition.layers import recognised
from nnref.checking.watching.calls.layer_report import layers_judged
from tests.support.mistaken import alike
from tests.support.quick import some

R = np.random.default_rng(7)
EPS = 1e-5


def r(*shape):
    return R.standard_normal(shape)


def sigma(z):
    return 1 / (1 + np.exp(-z))


def softmax(x, axis=-1):
    e = np.exp(x - x.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


def layer_norm(x, g, b):
    return (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + EPS) * g + b


def layer_norm_back(x, g, dY, *, weight=1, mean=1, keep=True, raw=False, constant=False):
    s = 1 / np.sqrt(x.var(-1, keepdims=True) + EPS)
    xh = (x - x.mean(-1, keepdims=True)) * s
    d = dY * g**weight
    m, v = d.mean(-1, keepdims=True), (d * xh).mean(-1, keepdims=True)
    dx = s * d if constant else s * (d - mean * m - xh * (v if keep else v.T))
    return dx, (dY * (x if raw else xh)).sum(0), dY.sum(0)


def batch_norm(x, g, b):
    shape = (1, -1, 1, 1)
    mean, var = x.mean((0, 2, 3), keepdims=True), x.var((0, 2, 3), keepdims=True)
    return (x - mean) / np.sqrt(var + EPS) * g.reshape(shape) + b.reshape(shape)


def batch_norm_back(x, g, dY, *, constant=False, unbiased=False):
    axes, n = (0, 2, 3), x.size // x.shape[1]
    s = 1 / np.sqrt(x.var(axes, keepdims=True) + EPS)
    xh, d = (x - x.mean(axes, keepdims=True)) * s, dY * g.reshape(1, -1, 1, 1)
    v = (d * xh).sum(axes, keepdims=True) / (n - 1 if unbiased else n)
    dx = s * d if constant else s * (d - d.mean(axes, keepdims=True) - xh * v)
    return dx, (dY * xh).sum(axes), dY.sum(axes)


def conv(x, w, b, stride=2, pad=1):
    P, Q = ((n + 2 * pad - k) // stride + 1 for n, k in zip(x.shape[2:], w.shape[2:], strict=True))
    X = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    Y = np.zeros((len(x), len(w), P, Q))
    for i in range(P):
        for j in range(Q):
            window = X[:, :, i * stride : i * stride + w.shape[2], j * stride : j * stride + w.shape[3]]
            Y[:, :, i, j] = np.einsum("ncij,dcij->nd", window, w) + b
    return Y


def conv_back(x, w, dY, stride=2, pad=1, *, flip=False, flip_dw=False, add=True, crop=True):
    X = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    dX, dW = np.zeros_like(X), np.zeros_like(w)
    K = w[:, :, ::-1, ::-1] if flip else w
    for i in range(dY.shape[2]):
        for j in range(dY.shape[3]):
            at = np.s_[:, :, i * stride : i * stride + w.shape[2], j * stride : j * stride + w.shape[3]]
            part = np.einsum("nd,dcij->ncij", dY[:, :, i, j], K)
            dX[at] = dX[at] + part if add else part
            dW += np.einsum("nd,ncij->dcij", dY[:, :, i, j], X[at])
    first = pad if crop else 0
    dX = dX[:, :, first : first + x.shape[2], first : first + x.shape[3]]
    return dX, dW[:, :, ::-1, ::-1] if flip_dw else dW, dY.sum((0, 2, 3))


def attention(q, k, v):
    S = q @ np.swapaxes(k, -1, -2) / np.sqrt(q.shape[-1])
    return softmax(np.where(np.tri(S.shape[-1], dtype=bool), S, -np.inf)) @ v


def attention_back(q, k, v, dY, *, scale=1, mask=True, jacobian=True):
    c = 1 / np.sqrt(q.shape[-1])
    S = q @ np.swapaxes(k, -1, -2) * c
    P = softmax(np.where(np.tri(S.shape[-1], dtype=bool), S, -np.inf) if mask else S)
    dP = dY @ np.swapaxes(v, -1, -2)
    dS = P * (dP - (P * dP).sum(-1, keepdims=True)) if jacobian else P * (1 - P) * dP
    return dS @ k * c**scale, np.swapaxes(dS, -1, -2) @ q * c**scale, np.swapaxes(P, -1, -2) @ dY


def lstm(x, h, c, W, b):
    a = np.concatenate([h, x], axis=1) @ W + b
    f, i, g, o = np.split(a, 4, axis=1)
    C = sigma(f) * c + sigma(i) * np.tanh(g)
    return np.stack([sigma(o) * np.tanh(C), C])


def lstm_back(x, h, c, W, b, dY, *, slope=True, carried=True, before=True):
    hx = np.concatenate([h, x], axis=1)
    f, i, g, o = np.split(hx @ W + b, 4, axis=1)
    f, i, g, o = sigma(f), sigma(i), np.tanh(g), sigma(o)
    C = f * c + i * g
    dc = dY[1] + dY[0] * o * (1 - np.tanh(C) ** 2) if carried else 1 * dY[1]
    df = dc * (c if before else C) * (f * (1 - f) if slope else 1)
    do = dY[0] * np.tanh(C) * o * (1 - o)
    da = np.concatenate([df, dc * g * i * (1 - i), dc * i * (1 - g * g), do], axis=1)
    d = da @ W.T
    return d[:, h.shape[1] :], d[:, : h.shape[1]], dc * f, hx.T @ da, da.sum(0)


MASK = np.random.default_rng(3).random((6, 5)) < 0.7


def dropped(x):
    return x * MASK / 0.7


def gelu(x):
    return x * (1 + erf(x / np.sqrt(2))) / 2


def pool(x):
    windows = np.lib.stride_tricks.sliding_window_view(x, (3, 3), axis=(2, 3))[:, :, ::2, ::2]
    return windows.max((4, 5))


def pool_back(x, dY, *, add=True, largest=True):
    dX = np.zeros_like(x)
    for n, c, i, j in np.ndindex(dY.shape):
        window = x[n, c, 2 * i : 2 * i + 3, 2 * j : 2 * j + 3]
        u, v = np.unravel_index((window if largest else -window).argmax(), (3, 3))
        dX[n, c, 2 * i + u, 2 * j + v] = dY[n, c, i, j] + (dX[n, c, 2 * i + u, 2 * j + v] if add else 0)
    return dX


def softmax_back(x, dY, *, jacobian=True, axis=-1):
    s = softmax(x)
    return s * (dY - (s * dY).sum(axis, keepdims=True)) if jacobian else s * (1 - s) * dY


WORDS = np.array([[1, 1, 3], [0, 3, 5]])


def embed_back(C, dY, *, last=False):
    dC = np.zeros_like(C)
    if last:
        dC[WORDS] += dY
    else:
        np.add.at(dC, WORDS, dY)
    return dC


NORM, BATCH = (r(5, 5), r(5), r(5)), (r(4, 3, 2, 5), r(3), r(3))
CONV, HEADS = (r(3, 2, 7, 6), r(4, 2, 3, 3), r(4)), tuple(r(2, 3, 5, 4) for _ in range(3))
LSTM = (r(3, 4), r(3, 5), r(3, 5), r(9, 20), r(20))

RIGHT = {
    "layer_norm over axis 1": (layer_norm, layer_norm_back, NORM),
    "batch_norm over axes 0, 2, 3": (batch_norm, batch_norm_back, BATCH),
    "conv2d, stride 2, padding 1": (conv, conv_back, CONV),
    "attention, causal": (attention, attention_back, HEADS),
    "a step of an LSTM, its gates in the order figo": (lstm, lstm_back, LSTM),
    "dropout at a rate of 0.3": (dropped, lambda x, dY: dY * MASK / 0.7, (r(6, 5),)),
    "max_pool, windows of 3 × 3, stride 2": (pool, pool_back, (r(2, 2, 7, 5),)),
    "softmax along axis 1": (softmax, softmax_back, (r(5, 5),)),
}

WRONG = [
    ("layer_norm over axis 1", {"weight": 0}, "the gain γ is forgotten in the gradient of the input"),
    ("layer_norm over axis 1", {"weight": 2}, "the gain γ is applied twice"),
    ("layer_norm over axis 1", {"mean": 2}, "the mean is subtracted twice"),
    ("layer_norm over axis 1", {"mean": 0}, "what goes back through the mean is missing"),
    ("layer_norm over axis 1", {"keep": False}, "the statistics of one row are used along a column"),
    ("layer_norm over axis 1", {"constant": True}, "the statistics are taken for constants"),
    ("layer_norm over axis 1", {"raw": True}, "the gradient of the gain has the input"),
    ("batch_norm over axes 0, 2, 3", {"constant": True}, "the statistics are taken for constants"),
    ("batch_norm over axes 0, 2, 3", {"unbiased": True}, "the means are over n − 1"),
    ("conv2d, stride 2, padding 1", {"flip": True}, "the filter is turned round in the gradient of the images"),
    ("conv2d, stride 2, padding 1", {"flip_dw": True}, "the gradient of the filter is turned round"),
    ("conv2d, stride 2, padding 1", {"add": False}, "dX[…] = should be dX[…] +="),
    ("conv2d, stride 2, padding 1", {"crop": False}, "the padding is missing in the backward pass"),
    ("conv2d, stride 2, padding 1", {"stride": 1}, "the stride is missing in the backward pass"),
    ("attention, causal", {"scale": 0}, "the scale 1/√d is missing"),
    ("attention, causal", {"scale": 2}, "the scale 1/√d is applied twice"),
    ("attention, causal", {"mask": False}, "the backward pass leaves out the mask of the forward pass"),
    ("attention, causal", {"jacobian": False}, "the softmax's slope is taken as P (1 − P)"),
    ("a step of an LSTM, its gates in the order figo", {"slope": False}, "the slope of the forget gate, f (1 − f)"),
    ("a step of an LSTM, its gates in the order figo", {"carried": False}, "what comes back through h = o tanh(c)"),
    ("a step of an LSTM, its gates in the order figo", {"before": False}, "has the cell after the step"),
    ("max_pool, windows of 3 × 3, stride 2", {"add": False}, "dX[…] = should be dX[…] +="),
    ("max_pool, windows of 3 × 3, stride 2", {"largest": False}, "dY goes to the smallest pixel"),
    ("softmax along axis 1", {"jacobian": False}, "the slope is s (1 − s), entry by entry"),
    ("softmax along axis 1", {"axis": 0}, "the sum Σ P dY is along the other axis"),
]


def by_name(layer):
    """The arguments of a layer's forward function."""
    forward, _, arrays = RIGHT[layer]
    return dict(inspect.signature(forward).bind(*arrays).arguments)


def checked(layer, **options):
    """What check_vjp says of a layer whose vjp is called with these options."""
    forward, vjp, _ = RIGHT[layer]
    return nnref.check_vjp(forward, partial(vjp, **options), by_name(layer))


def said(report):
    """What is said of a layer's mistake, by argument."""
    return {entry.name: f.says for entry in report.entries for f in entry.where if f.kind == "layer"}


@pytest.mark.parametrize("layer", RIGHT)
def test_a_right_layer_is_recognised_and_nothing_is_said_against_it(layer):
    report = checked(layer)
    assert report.ok, report
    assert f"forward is {layer}" in report.method
    assert "of what rounding may do to its closed form" in report.method
    assert said(report) == {}


@pytest.mark.parametrize(("layer", "options", "says"), some(WRONG, 6))
def test_a_mistake_is_named_in_the_words_of_its_layer(layer, options, says):
    report = checked(layer, **options)
    first, *others = said(report).values()
    assert says in first, report
    assert "or else" not in first
    assert all(other.startswith("the same mistake") for other in others)


def test_a_dropout_mask_that_is_drawn_anew_or_not_rescaled_is_named():
    rng = np.random.default_rng(0)
    anew = nnref.check_vjp(dropped, lambda x, dY: dY * (rng.random(x.shape) < 0.7) / 0.7, (r(6, 5),))
    assert "the mask is drawn anew" in said(anew)["x"]
    bare = nnref.check_vjp(dropped, lambda x, dY: dY * MASK, (r(6, 5),))
    assert "what is kept is not divided by 1 − rate" in said(bare)["x"]


def test_repeated_words_that_are_lost_are_named():
    arrays = {"C": r(6, 4), "ix": WORDS}
    right, wrong = (
        nnref.check_vjp(lambda C, ix: C[ix], lambda C, dY, k=k: embed_back(C, dY, last=k), arrays)
        for k in (False, True)
    )
    assert right.ok
    assert "use np.add.at" in said(wrong)["C"]


def test_the_slope_of_another_activation_is_named_and_dY_that_is_ignored():
    x = r(4, 5)
    other = nnref.check_vjp(gelu, lambda x, dY: dY * sigma(x) * (1 + x * (1 - sigma(x))), (x,))
    assert "the slope is that of another activation" in said(other)["x"]
    alone = nnref.check_vjp(lambda x: np.tanh(x), lambda x, dY: 1 - np.tanh(x) ** 2, (x,))
    assert "dY is not multiplied by it" in said(alone)["x"]


def test_a_mistake_that_no_catalogue_has_gets_no_name():
    """A wrong name is worse than none: the input's gradient is off by a smooth function of the input."""
    for layer in ("layer_norm over axis 1", "softmax along axis 1", "conv2d, stride 2, padding 1"):
        forward, vjp, _ = RIGHT[layer]
        arguments = by_name(layer)

        def odd(dY, vjp=vjp, given=arguments):
            needed = set(inspect.signature(vjp).parameters) & set(given)
            made = vjp(**{name: given[name] for name in needed}, dY=dY)
            x, *rest = made if isinstance(made, tuple) else (made,)
            return (x * (1 + 1e-3 * np.sin(x)), *rest)

        report = nnref.check_vjp(forward, odd, arguments)
        assert report.wrong
        assert said(report) == {}


@pytest.mark.parametrize("f", [lambda x: np.tanh(x) * x, lambda x: x @ np.ones((5, 5)), lambda x: np.cumsum(x, 1)])
def test_a_function_that_is_no_layer_is_none(f):
    x = r(5, 5)
    assert recognised(lambda a: f(**a), {"x": x}, f(x)) is None


@pytest.mark.parametrize("layer", RIGHT)
def test_no_two_mistakes_of_a_layer_have_the_same_numbers(layer):
    """Else a name would be a guess."""
    forward, _, arrays = RIGHT[layer]
    assert alike(lambda a: forward(**a), by_name(layer), r(*forward(*arrays).shape)) == []


def test_every_layer_with_a_catalogue_is_found():
    names = {known.name for known in layers.layers()}
    assert names >= {
        "activation",
        "affine",
        "attention",
        "conv2d",
        "conv_transpose",
        "dropout",
        "embedding",
        "group_norm",
        "grouped_conv2d",
        "losses",
        "lstm_cell",
        "pooling",
        "recurrent",
        "rope",
        "self_attention",
        "softmax",
        "swiglu",
    }


FILE = """
import numpy as np


def layernorm_forward(x, gamma, beta):
    mu, inv = x.mean(axis=-1, keepdims=True), 1 / np.sqrt(x.var(axis=-1, keepdims=True) + 1e-5)
    return gamma * (x - mu) * inv + beta, (x, gamma, mu, inv)


def layernorm_backward(dout, cache):
    x, gamma, mu, inv = cache
    return inv * dout * gamma, (dout * (x - mu) * inv).sum(axis=0), dout.sum(axis=0)
"""


def test_a_file_of_layers_is_told_the_mistake_of_the_layer(tmp_path):
    path = tmp_path / "layers.py"
    path.write_text(FILE)
    found = layers_judged(path, read_source(path))
    assert "that of gamma and beta is right: the statistics are taken for constants" in found.diagnoses[0].says


NAMED = {
    "rnn": "what comes back from the step after is not added",
    "lstm": "the slope of a gate has one of its two factors alone",
    "groupnorm": "what goes back through the variance is missing",
    "AvgPool": "the division by the number of pixels in a window is missing",
    "SelfAttention": "the scale 1/√d is missing",
    "Embedding": "words that stand at several places keep one of them",
    "gru_step": "what the update gate keeps of the state is missing",
    "depthwise": "the filter is turned round in the gradient of the images",
    "RMSNorm": "sums stand where means belong",
    "SwiGLU": "the slope of the gate is σ (1 − σ)",
}
"""What is said of each wrong layer of a file; that of a step of the RNN is right."""


@pytest.mark.long
def test_each_layer_of_a_file_is_told_its_own_mistake():
    path = Path(__file__).parents[2] / "unseen" / "layers_as_written.py"
    found = layers_judged(path, read_source(path))
    said = {diagnosis.quantity: diagnosis.says for diagnosis in found.diagnoses}
    assert said.keys() == NAMED.keys()
    for name, sentence in NAMED.items():
        assert sentence in said[name], name


def gelu_tanh(x):
    return x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))) / 2


def gelu_tanh_slope(x):
    T = np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))
    return (1 + T) / 2 + x / 2 * (1 - T * T) * np.sqrt(2 / np.pi) * (1 + 3 * 0.044715 * x * x)


def elu(x):
    return np.where(x > 0, x, np.expm1(np.minimum(x, 0)))


ENTRYWISE = {
    "gelu_tanh": (gelu_tanh, gelu_tanh_slope),
    "elu": (elu, lambda x: np.where(x > 0, 1, np.exp(x))),
    "relu6": (lambda x: np.clip(x, 0, 6), lambda x: (x > 0) & (x < 6)),
}


@pytest.mark.parametrize("name", ENTRYWISE)
def test_activations_that_differ_in_part_are_recognised_and_the_slope_of_another_named(name):
    f, slope = ENTRYWISE[name]
    x = r(4, 5)
    report = nnref.check_vjp(f, lambda x, dY: dY * slope(x), (x,))
    assert report.ok
    assert f"forward is {name}, entry by entry" in report.method
    other = nnref.check_vjp(f, lambda x, dY: dY * sigma(x) * (1 + x * (1 - sigma(x))), (x,))
    assert "the slope is that of another activation" in said(other)["x"]


def test_the_other_form_of_gelu_is_named():
    x = r(4, 5)
    report = nnref.check_vjp(gelu, lambda x, dY: dY * gelu_tanh_slope(x), (x,))
    assert not report.ok
    assert said(report)["x"]
