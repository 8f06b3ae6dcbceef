"""Layers in styles that were not met before: other deviations, a matrix a gate, single precision within double."""

from functools import partial

import numpy as np
import pytest
from scipy.special import erf

import nnref
from tests.support.quick import some

R = np.random.default_rng(11)


def r(*shape):
    return R.standard_normal(shape)


def sigma(z):
    return 1 / (1 + np.exp(-z))


def softmax(x):
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def unbiased(gain, shift, h):
    """Layer norm of columns, by the deviation over n − 1."""
    return gain * (h - h.mean(axis=0)) / h.std(axis=0, ddof=1) + shift


def unbiased_back(gain, shift, h, dY, *, weight=1, over=1):
    s = h.std(axis=0, ddof=1)
    xh, d = (h - h.mean(axis=0)) / s, dY * gain**weight
    dh = (d - d.mean(axis=0) - xh * (d * xh).sum(axis=0) / (len(h) - over)) / s
    return (dY * xh).sum(axis=1, keepdims=True), dY.sum(axis=1, keepdims=True), dh


def batch_columns(Z, gamma, beta):
    return gamma * (Z - Z.mean(axis=1, keepdims=True)) / np.sqrt(Z.var(axis=1, keepdims=True) + 1e-8) + beta


def batch_columns_back(Z, gamma, beta, dZ, *, sum=np.sum):
    s = 1 / np.sqrt(Z.var(axis=1, keepdims=True) + 1e-8)
    xh, d = (Z - Z.mean(axis=1, keepdims=True)) * s, dZ * gamma
    dX = s * (d - d.mean(axis=1, keepdims=True) - xh * (d * xh).mean(axis=1, keepdims=True))
    return dX, sum(dZ * xh, axis=1, keepdims=True), sum(dZ, axis=1, keepdims=True)


def instance(x):
    return (x - x.mean((1, 2), keepdims=True)) / np.sqrt(x.var((1, 2), keepdims=True) + 1e-5)


def instance_back(x, dY, *, count=None):
    s, n = 1 / np.sqrt(x.var((1, 2), keepdims=True) + 1e-5), count or x.shape[1] * x.shape[2]
    xh = (x - x.mean((1, 2), keepdims=True)) * s
    return s * (dY - dY.sum((1, 2), keepdims=True) / n - xh * (dY * xh).sum((1, 2), keepdims=True) / n)


def length(v):
    return v / np.linalg.norm(v, axis=1, keepdims=True)


def length_back(v, dY, *, divided=True):
    n = np.linalg.norm(v, axis=1, keepdims=True)
    d = dY - v / n * (v / n * dY).sum(axis=1, keepdims=True)
    return d / n if divided else d


def pool(x):
    X, (H, W) = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1))), x.shape[2:]
    return sum(X[:, :, u : u + H, v : v + W] for u in range(3) for v in range(3)) / 9


def pool_back(x, dY, *, first=1, count=9):
    H, W = x.shape[2:]
    X = np.zeros((*x.shape[:2], H + 2, W + 2))
    for u, v in np.ndindex(3, 3):
        X[:, :, u : u + H, v : v + W] += dY / count
    return X[:, :, first : first + H, first : first + W]


def attention(K, Q, V):
    return softmax(Q @ K.T / np.sqrt(K.shape[1])) @ V


def attention_back(K, Q, V, dY, *, scale=1, whole=True):
    """Of float32 arguments Q Kᵀ is a float32, and a float64 from the division on."""
    P, dP = softmax(Q @ K.T / np.sqrt(K.shape[1])), dY @ V.T
    dS = P * (dP - (P * dP).sum(axis=1, keepdims=True)) if whole else P * (1 - P) * dP
    dS = dS / np.sqrt(K.shape[1]) ** scale
    return dS.T @ Q, dS @ K, P.T @ dY


def lstm(x, h, c, Wf, bf, Wi, bi, Wg, bg, Wo, bo):
    """A matrix and a bias a gate, columns, the state above the input."""
    z = np.concatenate([h, x])
    C = sigma(Wf @ z + bf) * c + sigma(Wi @ z + bi) * np.tanh(Wg @ z + bg)
    return np.concatenate([sigma(Wo @ z + bo) * np.tanh(C), C])


def lstm_back(x, h, c, Wf, bf, Wi, bi, Wg, bg, Wo, bo, dY, *, carried="dc + dh", slope=True, before=True, forget=True):
    z, m = np.concatenate([h, x]), len(h)
    f, i, g, o = sigma(Wf @ z + bf), sigma(Wi @ z + bi), np.tanh(Wg @ z + bg), sigma(Wo @ z + bo)
    C = f * c + i * g
    through = dY[:m] * o * (1 - np.tanh(C) ** 2)
    dc = {"dc + dh": dY[m:] + through, "dh": through, "dc": 1 * dY[m:]}[carried]
    df = dc * (c if before else C) * (f * (1 - f) if slope else 1)
    di, dg, do = dc * g * i * (1 - i), dc * i * (1 - g * g), dY[:m] * np.tanh(C) * o * (1 - o)
    gates = [df, di, dg, do]
    back = sum(W.T @ d for W, d in zip((Wf, Wi, Wg, Wo), gates, strict=True))
    parameters = [part for d in gates for part in (d @ z.T, d.sum(axis=1, keepdims=True))]
    return back[m:], back[:m], dc * f if forget else dc, *parameters


def karpathy(X, W):
    """Biases, weights of the input and of the state in one matrix; time first, examples as rows."""
    return np.stack([step[0] for step in karpathy_steps(X, W)])


def karpathy_steps(X, W):
    m = W.shape[1] // 4
    h = c = np.zeros((X.shape[1], m))
    for x in X:
        z = np.concatenate([np.ones((len(x), 1)), x, h], axis=1)
        i, f, o, g = np.split(z @ W, 4, axis=1)
        i, f, o, g, before = sigma(i), sigma(f), sigma(o), np.tanh(g), c
        c = f * c + i * g
        h = o * np.tanh(c)
        yield h, c, before, z, i, f, o, g


def karpathy_back(X, W, dY, *, cell=True, add=True):
    dW, dX, dh, dc = np.zeros_like(W), np.zeros_like(X), 0, 0
    for t, (_, c, before, z, i, f, o, g) in reversed(list(enumerate(karpathy_steps(X, W)))):
        dh = dY[t] + dh
        dc = dc + dh * o * (1 - np.tanh(c) ** 2)
        slopes = [dc * g * i * (1 - i), dc * before * f * (1 - f), dh * np.tanh(c) * o * (1 - o), dc * i * (1 - g * g)]
        da = np.concatenate(slopes, axis=1)
        dW = z.T @ da + (dW if add else 0)
        dz, dc = da @ W.T, dc * f if cell else 0
        dX[t], dh = dz[:, 1 : 1 + X.shape[2]], dz[:, 1 + X.shape[2] :]
    return dX, dW


def gelu(x):
    return x * (1 + erf(x / np.sqrt(2))) / 2


def gelu_slope(x):
    return (1 + erf(x / np.sqrt(2))) / 2 + x * np.exp(-x * x / 2) / np.sqrt(2 * np.pi)


def gelu_tanh(x):
    return x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))) / 2


def gelu_tanh_slope(x):
    T = np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))
    return (1 + T) / 2 + x / 2 * (1 - T * T) * np.sqrt(2 / np.pi) * (1 + 3 * 0.044715 * x * x)


def quick_slope(x):
    s = sigma(1.702 * x)
    return s + 1.702 * x * s * (1 - s)


def by_slope(right):
    return lambda x, dY, *, slope=right: (slope(x) * dY).astype(x.dtype)


def elu(x):
    return np.where(x > 0, x, 0.7 * np.expm1(np.minimum(x, 0)))


def squared(p, t):
    return ((p - t) ** 2).mean()


def squared_back(p, t, dY, *, count=None):
    d = 2 * dY * (p - t) / (count or p.size)
    return d, -d


def packed(inp):
    """Two heads of one array (batch, positions, 3 · 6), causal, in loops: llm.c's."""
    out = np.zeros((*inp.shape[:2], 6))
    for b, t, h in np.ndindex(len(inp), inp.shape[1], 2):
        q, K, V = (inp[b, : t + 1, 6 * k + 3 * h : 6 * k + 3 * h + 3] for k in range(3))
        out[b, t, 3 * h : 3 * h + 3] = softmax(K @ q[t] / np.sqrt(3)) @ V
    return out


def packed_back(inp, dout, *, scale=1, whole=True):
    d = np.zeros_like(inp)
    for b, t, h in np.ndindex(len(inp), inp.shape[1], 2):
        q, K, V = (np.s_[b, : t + 1, 6 * k + 3 * h : 6 * k + 3 * h + 3] for k in range(3))
        p, do = softmax(inp[K] @ inp[q][t] / np.sqrt(3)), dout[b, t, 3 * h : 3 * h + 3]
        dp = inp[V] @ do
        ds = (p * (dp - p @ dp) if whole else p * (1 - p) * dp) / np.sqrt(3) ** scale
        d[q][t] += inp[K].T @ ds
        d[K] += np.outer(ds, inp[q][t])
        d[V] += np.outer(p, do)
    return d


def gpt(idx, wte, wpe):
    return wte[idx] + wpe[: idx.shape[1]]


def gpt_back(idx, wte, wpe, dout, *, lost=False, sum=np.sum):
    words, positions = np.zeros_like(wte), np.zeros_like(wpe)
    if lost:
        words[idx] += dout
    else:
        np.add.at(words, idx, dout)
    positions[: idx.shape[1]] = sum(dout, axis=0)
    return words, positions


GPT = (np.array([[0, 2, 2, 1], [3, 2, 0, 0]]), r(5, 3), r(6, 3))
LSTM = (r(3, 2), r(4, 2), r(4, 2), *(part for _ in range(4) for part in (r(4, 7), r(4, 1))))
SINGLE = tuple(r(*shape).astype("float32") for shape in ((5, 3), (4, 3), (5, 2)))
FORGOTTEN, TWICE = "the gain γ is forgotten", "the gain γ is applied twice"

TABLE = [
    ("layer_norm over axis 0, ε = 0, over n − 1", unbiased, unbiased_back, (r(5, 1), r(5, 1), r(5, 3))),
    ("batch_norm over axis 1, ε = 1e-08", batch_columns, batch_columns_back, (r(4, 6), r(4, 1), r(4, 1))),
    ("instance_norm over axes 1, 2", instance, instance_back, (r(2, 3, 4, 2),)),
    ("l2_normalize over axis 1", length, length_back, (r(4, 3),)),
    ("avg_pool, windows of 3 × 3, stride 1, padding 1", pool, pool_back, (r(2, 2, 5, 4),)),
    ("attention", attention, attention_back, SINGLE),
    ("attention, causal, 2 heads, of one array", packed, packed_back, (r(2, 4, 18),)),
    ("an embedding, its words as rows, with positions", gpt, gpt_back, GPT),
    ("a step of an LSTM, its gates in the order figo", lstm, lstm_back, LSTM),
    ("an LSTM over 3 steps, its gates in the order ifog", karpathy, karpathy_back, (r(3, 2, 3), r(8, 16) / 2)),
    ("gelu, entry by entry", gelu, by_slope(gelu_slope), (r(4, 5),)),
    ("gelu_tanh, entry by entry", gelu_tanh, by_slope(gelu_tanh_slope), (r(4, 5).astype("float32"),)),
    ("elu 0.7, entry by entry", elu, by_slope(lambda x: np.where(x > 0, 1, 0.7 * np.exp(x))), (r(4, 5),)),
    (
        "leaky_relu 0.15",
        lambda x: np.maximum(0.15 * x, x),
        by_slope(lambda x: np.where(x > 0, 1, 0.15)),
        (r(4, 5),),
    ),
    ("squared error, entry by entry, averaged", squared, squared_back, (r(4, 3), r(4, 3))),
]
BY_NAME = {row[0]: row for row in TABLE}

WRONG = [
    ("layer_norm over axis 0, ε = 0, over n − 1", {"weight": 0}, FORGOTTEN),
    ("layer_norm over axis 0, ε = 0, over n − 1", {"weight": 2}, TWICE),
    ("layer_norm over axis 0, ε = 0, over n − 1", {"over": 0}, "a mean over n stands where"),
    ("batch_norm over axis 1, ε = 1e-08", {"sum": np.mean}, "averaged where they should be summed"),
    ("instance_norm over axes 1, 2", {"count": 3}, "the means divide by the length of one axis"),
    ("l2_normalize over axis 1", {"divided": False}, "the division by the deviation is missing"),
    ("avg_pool, windows of 3 × 3, stride 1, padding 1", {"count": 1}, "the division by the number of pixels"),
    ("avg_pool, windows of 3 × 3, stride 1, padding 1", {"first": 0}, "the padding is missing"),
    ("attention", {"scale": 0}, "the scale 1/√d is missing"),
    ("attention", {"whole": False}, "P (1 − P), entry by entry"),
    ("attention, causal, 2 heads, of one array", {"scale": 0}, "the scale 1/√d is missing"),
    ("attention, causal, 2 heads, of one array", {"whole": False}, "P (1 − P), entry by entry"),
    ("an embedding, its words as rows, with positions", {"lost": True}, "use np.add.at"),
    ("an embedding, its words as rows, with positions", {"sum": np.mean}, "the positions is averaged"),
    ("an embedding, its words as rows, with positions", {"sum": lambda d, axis: d[0]}, "comes from one example"),
    ("a step of an LSTM, its gates in the order figo", {"carried": "dh"}, "is overwritten"),
    ("a step of an LSTM, its gates in the order figo", {"carried": "dc"}, "what comes back through h = o tanh(c)"),
    ("a step of an LSTM, its gates in the order figo", {"slope": False}, "the slope of the forget gate"),
    ("a step of an LSTM, its gates in the order figo", {"before": False}, "has the cell after the step"),
    ("a step of an LSTM, its gates in the order figo", {"forget": False}, "without the forget gate"),
    ("an LSTM over 3 steps, its gates in the order ifog", {"cell": False}, "the cell is not carried from step to step"),
    ("an LSTM over 3 steps, its gates in the order ifog", {"add": False}, "the sum over time is missing"),
    ("gelu, entry by entry", {"slope": quick_slope}, "its other approximation"),
    ("gelu, entry by entry", {"slope": gelu_tanh_slope}, "its other approximation"),
    ("gelu_tanh, entry by entry", {"slope": gelu_slope}, "its other approximation"),
    ("elu 0.7, entry by entry", {"slope": lambda x: np.where(x > 0, 1, np.exp(x))}, "another activation"),
    ("leaky_relu 0.15", {"slope": lambda x: np.where(x > 0, 0.15, 1)}, "the mask is the wrong way round"),
    ("squared error, entry by entry, averaged", {"count": 4}, "divided by another number than in the loss"),
]


def checked(says, **options):
    _, forward, back, arguments = BY_NAME[says]
    return nnref.check_vjp(forward, partial(back, **options), arguments)


@pytest.mark.parametrize("says", BY_NAME)
def test_a_layer_is_recognised_in_another_style(says):
    report = checked(says)
    assert report.ok, report
    assert f"forward is {says}" in report.method
    assert not [f for entry in report.entries for f in entry.where if f.kind == "layer"]


def named(case):
    """A name without the address of a function, which is another in each process."""
    says, options, sentence = case
    made = ", ".join(f"{key}={getattr(value, '__name__', value)}" for key, value in options.items())
    return f"{says}: {made}: {sentence}"


@pytest.mark.parametrize(("says", "options", "sentence"), some(WRONG, 6, ids=named))
def test_its_mistake_is_named(says, options, sentence):
    report = checked(says, **options)
    assert not report.ok
    assert sentence in next(f.says for entry in report.entries for f in entry.where if f.kind == "layer"), str(report)


def huber(p, t):
    e = p - t
    return np.where(abs(e) <= 1, e * e / 2, abs(e) - 0.5).mean()


def halved(x):
    """Max pooling, windows of 2 × 2."""
    C, H, W = x.shape
    return x.reshape(C, H // 2, 2, W // 2, 2).max((2, 4))


def to_largest(x, dY):
    """All of dY to each pixel that is as large as the largest."""
    return np.kron(dY, np.ones((2, 2))) * (x == np.kron(halved(x), np.ones((2, 2))))


FAR = 2 + abs(r(4, 3))
HIDDEN = {
    "beyond δ Huber's slope is the sign": (huber, lambda p, t, dY: dY * np.sign(p - t) / 12, (FAR, 0 * FAR)),
    "a rectifier passes on what is positive": (lambda x: np.maximum(x, 0), lambda x, dY: dY * 1, (FAR,)),
}
"""Right at these arguments, and at others not."""


@pytest.mark.parametrize("why", HIDDEN)
def test_what_is_right_at_the_arguments_alone_is_wrong(why):
    forward, vjp, arguments = HIDDEN[why]
    report = nnref.check_vjp(forward, vjp, arguments, wrt=("p" if forward is huber else None))
    assert report.wrong, str(report)
    assert [f.kind for f in report.wrong[0].where][:2] == ["hidden", "layer"]


def test_what_a_vjp_remembers_of_the_arguments_given_is_no_mistake():
    """It is given x, and takes the mask that it made before: right here, and said to be of these arguments."""
    x = r(4, 5)
    mask = x > 0
    report = nnref.check_vjp(lambda x: np.maximum(x, 0), lambda x, dY: dY * mask, (x,))
    assert report.ok
    assert [f.kind for f in report.entries[0].where] == ["elsewhere"]


def test_pixels_that_are_alike_are_a_caution_where_there_are_none():
    report = nnref.check_vjp(halved, to_largest, (r(2, 4, 6),))
    assert report.ok
    assert "that is no subgradient" in report.entries[0].where[0].says


def with_statistics(x, gamma, beta, mean, variance):
    """Batch norm in training, which leaves its running statistics alone."""
    return gamma * (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + 1e-5) + beta + 0 * (mean + variance)


def test_gains_of_ones_beside_shifts_of_zeros_and_statistics_at_rest_are_seen_through():
    """1² + 0² is 1 too, and makes no table of cosines and sines; what moves nothing is no argument of the layer."""

    def constant(x, gamma, dY):
        return dY * gamma / np.sqrt(x.var(axis=0) + 1e-5)

    arguments = (r(7, 4), np.ones(4), np.zeros(4), np.zeros(4), np.ones(4))
    report = nnref.check_vjp(with_statistics, constant, arguments, wrt="x")
    assert "forward is batch_norm over axis 0" in report.method
    assert "statistics are taken for constants" in next(f.says for f in report.entries[0].where if f.kind == "layer")


def test_a_variance_of_ones_is_drawn_positive_and_a_function_that_changes_nothing_is_no_rectifier():
    def predicting(x, g, b, mean, variance):
        return g * (x - mean) / np.sqrt(variance + 1e-5) + b

    def back(x, g, b, mean, variance, dY):
        return dY / np.sqrt(variance + 1e-5), (dY * (x - mean) / np.sqrt(variance + 1e-5)).sum(axis=0), dY.sum(axis=0)

    arguments = (r(7, 4), 2 * np.ones(4), np.zeros(4), np.zeros(4), np.ones(4))
    report = nnref.check_vjp(predicting, back, arguments, wrt=("x", "g", "b"))
    assert "forward is batch norm at inference" in report.method
    assert "gain" in next(f.says for f in report.entries[0].where if f.kind == "layer")
    assert "forward is" not in nnref.check_vjp(lambda x: 1.0 * x, lambda x, dY: dY, (r(3, 4),)).method


def test_an_lstm_whose_two_states_come_one_after_the_other_is_recognised():
    def forward(x, h, c, Wf, bf, Wi, bi, Wg, bg, Wo, bo):
        return lstm(x, h, c, Wf, bf, Wi, bi, Wg, bg, Wo, bo).ravel()

    def back(x, h, c, Wf, bf, Wi, bi, Wg, bg, Wo, bo, dY):
        return lstm_back(x, h, c, Wf, bf, Wi, bi, Wg, bg, Wo, bo, dY.reshape(8, 2), carried="dh")

    report = nnref.check_vjp(forward, back, LSTM)
    assert "is overwritten" in next(f.says for entry in report.entries for f in entry.where if f.kind == "layer")


def test_what_has_logarithms_is_drawn_in_its_domain():
    P = softmax(r(3, 4))
    entropy = lambda p, t: -(t * np.log(p)).sum()  # noqa: E731
    T = np.eye(4)[[0, 3, 1]]
    assert nnref.check_vjp(entropy, lambda p, t, dY: -dY * t / p, (P, T), wrt="p").ok


def test_what_a_vjp_remembers_is_not_asked_of_other_arguments():
    """It is the gradient at the arguments that it closes over, and right there."""
    x = r(4, 3)
    assert nnref.check_vjp(np.tanh, lambda dY: dY * (1 - np.tanh(x) ** 2), (x,)).ok
