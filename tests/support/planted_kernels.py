"""Backward passes of PyTorch's operations with a mistake planted in each, and the words that a report should find."""

from math import pi, sqrt

import numpy as np

from tests.support import torch_kernels
from tests.support.torch_kernels import drawer

N, n = 40, 100
"""Rows and columns of a matrix: neither is a whole number of tiles."""

T, d = 24, 16
"""Positions, and the width of a head."""


def planted(torch):
    """Mistakes by name: f, its arguments' drawing, a wrong backward(dY, *arguments) -> gradients; and words to find."""
    return {name: mistake for of_operation in OPERATIONS for name, mistake in of_operation(torch).items()}


def put(A, index, value):
    """A with other numbers at an index: the value, or what it makes of those that stand there."""
    A = A.clone()
    A[index] = value if not callable(value) else value(A[index])
    return A


def softmax_mistakes(torch):
    """Mistakes in P ∘ (dP − 1 Σ P ∘ dP)."""

    def softmax(change):
        def back(g, x):
            P = torch.softmax(x, -1)
            return (change(P, g),)

        draw = drawer(torch)
        return lambda x: torch.nn.functional.softmax(x, -1), lambda rng, dt: (draw(rng, dt, N, n, size=2.0),), back

    def right(P, g):
        return P * (g - (P * g).sum(-1, keepdim=True))

    return {
        "softmax, a tail of 4 left out": (
            softmax(lambda P, g: P * (g - (P * g)[:, :96].sum(-1, keepdim=True))),
            "columns 96..99",
        ),
        "softmax, P (1 − P)": (softmax(lambda P, g: P * (1 - P) * g), "diagonal"),
        "softmax, no sum": (softmax(lambda P, g: P * g), "not subtracted"),
        "softmax, tail not written": (softmax(lambda P, g: put(right(P, g), np.s_[:, 96:], 0.0)), "columns 96..99"),
        "softmax, last rows not written": (softmax(lambda P, g: put(right(P, g), np.s_[32:], 0.0)), "rows 32..39"),
        "softmax, one tile wrong": (
            softmax(lambda P, g: put(right(P, g), np.s_[16:32, 32:48], lambda A: 2 * A)),
            "rows 16..31, columns 32..47",
        ),
        "softmax, 1.01 times": (softmax(lambda P, g: 1.01 * right(P, g)), "1.01|101/100"),
        "softmax, nan in a row": (softmax(lambda P, g: put(right(P, g), np.s_[7], float("nan"))), "row 7"),
    }


def norm(torch, change, centred):
    """A norm over rows whose backward pass is what change makes of its parts: layer norm, or RMS norm, not centred."""
    F, draw = torch.nn.functional, drawer(torch)

    def back(g, x, w, *b):
        m = x.mean(-1, keepdim=True) if centred else 0 * x[:, :1]
        inverse = ((x - m).square().mean(-1, keepdim=True) + 1e-5).rsqrt()
        v = {"x": x, "w": w, "g": g, "r": inverse, "h": (x - m) * inverse, "gw": g * w, "centred": centred}
        made = change(v)
        made = made if isinstance(made, dict) else {"x": made}  # a wrong dx, or several gradients by name
        made = {"x": norm_dx(v), "w": (g * v["h"]).sum(0), "b": g.sum(0)} | made
        return tuple(made.values()) if centred else (made["x"], made["w"])

    if centred:
        return (
            lambda x, w, b: F.layer_norm(x, (n,), w, b),
            lambda rng, dt: (draw(rng, dt, N, n), draw(rng, dt, n), draw(rng, dt, n)),
            back,
        )
    return lambda x, w: F.rms_norm(x, (n,), w, 1e-5), lambda rng, dt: (draw(rng, dt, N, n), draw(rng, dt, n)), back


def norm_dx(v, g=None, mean=1.0, along=1.0, cols=None, cols_h=None, inverse=None, h=None):
    """The gradient of a norm's input, right but for what is said: a term's factor, or the columns of its sum."""
    g, i, h = v["gw"] if g is None else g, v["r"] if inverse is None else inverse, v["h"] if h is None else h
    of_mean = (g if cols is None else g[:, :cols]).sum(-1, keepdim=True) / n if v["centred"] else 0
    of_h = ((g * h) if cols_h is None else (g * h)[:, :cols_h]).sum(-1, keepdim=True) / n
    return i * (g - mean * of_mean - along * h * of_h)


def layer_norm_mistakes(torch):
    """Mistakes in a dx of three terms, and in the sums over rows of dw and db."""

    def layer_norm(change):
        return norm(torch, change, centred=True)

    def epsilon_forgotten(v):
        centred = v["x"] - v["x"].mean(-1, keepdim=True)
        inverse = centred.square().mean(-1, keepdim=True).rsqrt()
        return norm_dx(v, inverse=inverse, h=centred * inverse)

    return {
        "layer norm, weight forgotten": (layer_norm(lambda v: norm_dx(v, g=v["g"])), "weight is forgotten"),
        "layer norm, weight twice": (layer_norm(lambda v: norm_dx(v, g=v["gw"] * v["w"])), "weight twice"),
        "layer norm, mean not subtracted": (
            layer_norm(lambda v: norm_dx(v, mean=0.0)),
            "mean of w dY is not subtracted",
        ),
        "layer norm, mean twice": (layer_norm(lambda v: norm_dx(v, mean=2.0)), "subtracted twice"),
        "layer norm, no second term": (layer_norm(lambda v: norm_dx(v, along=0.0)), "is forgotten"),
        "layer norm, a tail of 8 left out of the mean": (layer_norm(lambda v: norm_dx(v, cols=92)), "columns 92..99"),
        "layer norm, a tail of 4 left out of the other sum": (
            layer_norm(lambda v: norm_dx(v, cols_h=96)),
            "columns 96..99",
        ),
        "layer norm, ε forgotten": (layer_norm(epsilon_forgotten), "ε is forgotten"),
        "layer norm, dw averaged": (layer_norm(lambda v: {"w": (v["g"] * v["h"]).mean(0)}), "averaged"),
        "layer norm, dw of x": (layer_norm(lambda v: {"w": (v["g"] * v["x"]).sum(0)}), "not normalised"),
        "layer norm, one row left out of dw": (layer_norm(lambda v: {"w": (v["g"] * v["h"])[1:].sum(0)}), "row 0"),
        "layer norm, rows of the last block left out of db": (
            layer_norm(lambda v: {"b": v["g"][:32].sum(0)}),
            "rows 32..39",
        ),
    }


def rms_norm_mistakes(torch):
    """Mistakes in the same without a mean, and without b."""

    def rms_norm(change):
        return norm(torch, change, centred=False)

    return {
        "RMS norm, weight twice in the sum": (
            rms_norm(lambda v: v["r"] * (v["gw"] - v["h"] * (v["gw"] * v["w"] * v["h"]).mean(-1, keepdim=True))),
            "twice in the mean",
        ),
        "RMS norm, weight forgotten": (rms_norm(lambda v: norm_dx(v, g=v["g"])), "weight is forgotten"),
        "RMS norm, a sum for a mean": (
            rms_norm(lambda v: norm_dx(v, along=float(n))),
            "sum over the row where its mean",
        ),
        "RMS norm, mean subtracted": (
            rms_norm(lambda v: norm_dx(v) - v["r"] * v["gw"].mean(-1, keepdim=True)),
            "as in layer norm",
        ),
        "RMS norm, weight in dw": (rms_norm(lambda v: {"w": (v["gw"] * v["h"]).sum(0)}), "does not belong"),
    }


def cross_entropy_mistakes(torch):
    """Mistakes in (P − O) / the rows that are not ignored."""

    def cross_entropy(change):
        def back(g, z, y):
            kept = y >= 0
            P, O = torch.softmax(z, -1), torch.zeros_like(z)
            O[kept, y[kept]] = 1
            return (change(g, P, O, kept[:, None].to(z.dtype), z), None)

        def draw(rng, dt):
            y = torch.as_tensor(rng.integers(0, n, N)).to(torch_kernels.DEVICE)
            y[::7] = -100
            return drawer(torch)(rng, dt, N, n, size=2.0), y

        return lambda z, y: torch.nn.functional.cross_entropy(z, y), draw, back

    return {
        "cross-entropy, divided by all rows": (
            cross_entropy(lambda g, P, O, kept, z: g * (P - O) * kept / N),
            "all rows",
        ),
        "cross-entropy, ignored rows": (cross_entropy(lambda g, P, O, kept, z: g * (P - O) / kept.sum()), "-100|−100"),
        "cross-entropy, dY forgotten": (
            cross_entropy(lambda g, P, O, kept, z: (P - O) * kept / kept.sum()),
            "comes in|times the truth",
        ),
        "cross-entropy, label forgotten": (cross_entropy(lambda g, P, O, kept, z: g * P * kept / kept.sum()), "label"),
    }


def gelu_mistakes(torch):
    """Mistakes in the slope Φ(x) + x φ(x)."""

    def gelu(change):
        draw = drawer(torch)
        F = torch.nn.functional
        return F.gelu, lambda rng, dt: (draw(rng, dt, N, n, size=2.0),), lambda g, x: (g * change(x),)

    def Phi(x):
        return (1 + torch.erf(x / sqrt(2))) / 2

    def of_tanh_approximation(x):
        t = torch.tanh(sqrt(2 / pi) * (x + 0.044715 * x**3))
        return 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * sqrt(2 / pi) * (1 + 0.134145 * x * x)

    return {
        "GELU, the tanh approximation": (gelu(of_tanh_approximation), "the slope of gelu_tanh"),
        "GELU, Φ alone": (gelu(Phi), "the slope is Φ(Z);"),
        "GELU, no √(2π)": (gelu(lambda x: Phi(x) + x * torch.exp(-x * x / 2)), "Φ(Z) + Z exp(-Z²/2);"),
    }


def attend(torch, change, causal=False):
    """Attention whose gradients are the right ones, but for those that change makes of its parts."""

    def back(g, q, k, v):
        scale = 1 / sqrt(d)
        S = q @ k.mT * scale
        seen = torch.ones(T, T, dtype=torch.bool, device=q.device).tril()
        S = S.masked_fill(~seen, float("-inf")) if causal else S
        P = torch.softmax(S, -1)
        dP = g @ v.mT
        dS = P * (dP - (P * dP).sum(-1, keepdim=True))
        made = {"q": dS @ k * scale, "k": dS.mT @ q * scale, "v": P.mT @ g}
        known = {"q": q, "k": k, "v": v, "g": g, "P": P, "dP": dP, "dS": dS, "scale": scale, "made": made}
        return tuple((made | change(known)).values())

    draw = drawer(torch)
    return (
        lambda q, k, v: torch.nn.functional.scaled_dot_product_attention(q, k, v, is_causal=causal),
        lambda rng, dt: tuple(draw(rng, dt, 2, 3, T, d) for _ in range(3)),
        back,
    )


def attention_mistakes(torch):
    """Mistakes in the scale, in the softmax of the scores, in a transpose, and at the edges of tiles."""

    def attention(change):
        return attend(torch, change)

    return {
        "attention, scale forgotten": (
            attention(lambda v: {"q": v["dS"] @ v["k"], "k": v["dS"].mT @ v["q"]}),
            "forgotten going back",
        ),
        "attention, scale twice": (attention(lambda v: {"q": v["made"]["q"] * v["scale"]}), "twice"),
        "attention, the last 8 keys left out": (
            attention(lambda v: {"q": v["dS"][..., :-8] @ v["k"][..., :-8, :] * v["scale"]}),
            "keys 16..23",
        ),
        "attention, no row sums": (attention(lambda v: {"q": (v["P"] * v["dP"]) @ v["k"] * v["scale"]}), "row sums"),
        "attention, dS not transposed": (attention(lambda v: {"k": v["dS"] @ v["q"] * v["scale"]}), "transposed"),
        "attention, one head not written": (attention(lambda v: {"v": put(v["made"]["v"], np.s_[:, 1], 0.0)}), "head"),
        "attention, the last batch wrong": (
            attention(lambda v: {"v": put(v["made"]["v"], np.s_[1], lambda A: 2 * A)}),
            "batch",
        ),
    }


def causal_attention_mistakes(torch):
    """Mistakes in which keys a query sees."""

    def causal(change):
        return attend(torch, change, causal=True)

    return {
        "attention causal, mask forgotten": (
            causal(lambda v: {"v": torch.softmax(v["q"] @ v["k"].mT * v["scale"], -1).mT @ v["g"]}),
            "mask is forgotten",
        ),
        "attention causal, last queries left out": (
            causal(lambda v: {"v": v["P"][..., :16, :].mT @ v["g"][..., :16, :]}),
            "queries 16..23",
        ),
    }


def conv2d_mistakes(torch):
    """Mistakes in the filter's direction and in the sum over images."""
    G, how = torch.nn.grad, {"stride": 2, "padding": 1}

    def conv2d(change):
        def back(g, x, w):
            made = {"x": G.conv2d_input(x.shape, w, g, **how), "w": G.conv2d_weight(x, w.shape, g, **how)}
            return tuple((made | change(x, w, g, made)).values())

        draw = drawer(torch)
        return (
            lambda x, w: torch.nn.functional.conv2d(x, w, **how),
            lambda rng, dt: (draw(rng, dt, 6, 4, 11, 13), draw(rng, dt, 5, 4, 3, 3)),
            back,
        )

    return {
        "conv2d, filter flipped": (
            conv2d(lambda x, w, g, m: {"x": G.conv2d_input(x.shape, w.flip(-1, -2), g, **how)}),
            "flipped",
        ),
        "conv2d, dw flipped": (conv2d(lambda x, w, g, m: {"w": m["w"].flip(-1, -2)}), "flipped|reversed"),
        "conv2d, one image left out": (
            conv2d(lambda x, w, g, m: {"w": G.conv2d_weight(x[1:], w.shape, g[1:], **how)}),
            "image 0",
        ),
        "conv2d, averaged": (conv2d(lambda x, w, g, m: {"w": m["w"] / 6}), "averaged"),
    }


def embedding_mistakes(torch):
    """Mistakes with words that stand at several places."""

    def embedding(change):
        def back(g, E, words):
            flat, dY = words.reshape(-1), g.reshape(-1, E.shape[1])
            hot = (flat[:, None] == torch.arange(len(E), device=E.device)).to(dY.dtype)
            return (change(hot, dY), None)

        def draw(rng, dt):
            words = torch.as_tensor(rng.permutation(np.arange(N) % 15)).reshape(2, -1)
            return drawer(torch)(rng, dt, 17, d), words.to(torch_kernels.DEVICE)

        return lambda E, words: torch.nn.functional.embedding(words, E), draw, back

    def last(hot):
        return hot * (hot.flip(0).cumsum(0).flip(0) == 1)

    return {
        "embedding, the last place alone": (embedding(lambda hot, g: last(hot).T @ g), "keeps one of them, the last"),
        "embedding, the mean over places": (
            embedding(lambda hot, g: (hot / hot.sum(0).clamp(min=1)).T @ g),
            "the mean of dY over them",
        ),
        "embedding, divided by the places": (embedding(lambda hot, g: hot.T @ g / N), "the number of places"),
    }


OPERATIONS = (
    softmax_mistakes,
    layer_norm_mistakes,
    rms_norm_mistakes,
    cross_entropy_mistakes,
    gelu_mistakes,
    attention_mistakes,
    causal_attention_mistakes,
    conv2d_mistakes,
    embedding_mistakes,
)
"""The mistakes of each operation."""
