"""PyTorch's own operations at drawn shapes, and backward passes of them with mistakes planted, on any device."""

from dataclasses import dataclass
from math import pi, sqrt

import numpy as np

DEVICE = "cpu"
"""Where the tensors are: tests.device moves them."""


@dataclass
class Kernel:
    """An operation: its name, f, a drawing of its arguments draw(rng, dtype), and the dtype it adds up in, if told."""

    name: str
    f: object
    draw: object
    accumulate: object = lambda dtype: None


def described(torch):
    """The device in words."""
    return torch.cuda.get_device_name() if DEVICE == "cuda" else "CPU"


def drawer(torch):
    """Numbers without pattern: tensor(rng, dtype, *shape)."""

    def tensor(rng, dtype, *shape, size=1.0):
        return torch.as_tensor(size * rng.standard_normal(shape)).to(getattr(torch, dtype)).to(DEVICE)

    return tensor


def own_dtype(dtype):
    """PyTorch's layer norm on a CPU adds the gradients of weight and bias up in the dtype of its input."""
    return dtype if DEVICE == "cpu" and dtype != "float32" else None


def operations(torch):
    """PyTorch's operations and the shapes that they are drawn in."""
    F, tensor = torch.nn.functional, drawer(torch)
    sdpa = F.scaled_dot_product_attention

    def some(rng, most=200):
        return int(rng.integers(1, most))

    def rows(rng, dtype, more=0, size=1.0):
        N, C = some(rng, 60), some(rng) + 1
        lead = (N,) if rng.random() < 0.7 else (2, N)
        return (tensor(rng, dtype, *lead, C, size=size), *(tensor(rng, dtype, C) for _ in range(more)))

    def labelled(rng, dtype):
        N, C = some(rng, 60) + 1, some(rng) + 2
        y = rng.integers(0, C, N)
        y[1:][rng.random(N - 1) < 0.1] = -100
        return tensor(rng, dtype, N, C, size=2.0), torch.as_tensor(y).to(DEVICE)

    def heads(rng, dtype):
        B, H, T, d = some(rng, 3), some(rng, 4), some(rng, 40), int(rng.choice([8, 16, 32]))
        return tuple(tensor(rng, dtype, B, H, T, d) for _ in range(3))

    def images(rng, dtype):
        N, C, D, H, W = some(rng, 4), some(rng, 5), some(rng, 6), some(rng, 12) + 3, some(rng, 12) + 3
        return tensor(rng, dtype, N, C, H, W), tensor(rng, dtype, D, C, 3, 3, size=0.3)

    return [
        Kernel("softmax", lambda x: F.softmax(x, -1), lambda rng, dtype: rows(rng, dtype, size=2.0)),
        Kernel("layer_norm", lambda x, w, b: F.layer_norm(x, w.shape, w, b), lambda *a: rows(*a, more=2), own_dtype),
        Kernel("rms_norm", lambda x, w: F.rms_norm(x, w.shape, w, 1e-6), lambda *a: rows(*a, more=1)),
        Kernel("gelu", F.gelu, lambda *a: rows(*a, size=2.0)),
        Kernel("cross_entropy", F.cross_entropy, labelled),
        Kernel("attention", lambda q, k, v: sdpa(q, k, v), heads),
        Kernel("attention, causal", lambda q, k, v: sdpa(q, k, v, is_causal=True), heads),
        Kernel("conv2d", lambda x, w: F.conv2d(x, w, stride=2, padding=1), images),
    ]


def planted(torch):
    """Mistakes: name, operation's f, arguments' drawing, wrong backward(dY, *arguments) -> gradients, words to find."""
    F = torch.nn.functional
    r = drawer(torch)
    N, n, T, d = 40, 100, 24, 16

    def softmax(change):
        def back(g, x):
            P = torch.softmax(x, -1)
            return (change(P, g),)

        return lambda x: F.softmax(x, -1), lambda rng, dt: (r(rng, dt, N, n, size=2.0),), back

    def norm(change, centred=True):
        def back(g, x, w, *b):
            m = x.mean(-1, keepdim=True) if centred else 0 * x[:, :1]
            inverse = ((x - m).square().mean(-1, keepdim=True) + 1e-5).rsqrt()
            return change(
                {"x": x, "w": w, "g": g, "r": inverse, "h": (x - m) * inverse, "gw": g * w, "centred": centred}
            )

        if centred:
            return (
                lambda x, w, b: F.layer_norm(x, (n,), w, b),
                lambda rng, dt: (r(rng, dt, N, n), r(rng, dt, n), r(rng, dt, n)),
                back,
            )
        return lambda x, w: F.rms_norm(x, (n,), w, 1e-5), lambda rng, dt: (r(rng, dt, N, n), r(rng, dt, n)), back

    def dx(v, g=None, mean=1.0, along=1.0, cols=None, cols_h=None, mean_by=n, inverse=None, h=None):
        g, i, h = v["gw"] if g is None else g, v["r"] if inverse is None else inverse, v["h"] if h is None else h
        of_mean = (g if cols is None else g[:, :cols]).sum(-1, keepdim=True) / mean_by if v["centred"] else 0
        of_h = ((g * h) if cols_h is None else (g * h)[:, :cols_h]).sum(-1, keepdim=True) / n
        return i * (g - mean * of_mean - along * h * of_h)

    def ln(change):
        """A wrong dx beside the right others, or a dictionary of wrong ones."""

        def all_of(v):
            made = change(v)
            made = made if isinstance(made, dict) else {"x": made}
            made = {"x": dx(v), "w": (v["g"] * v["h"]).sum(0), "b": v["g"].sum(0)} | made
            return tuple(made.values()) if v["centred"] else (made["x"], made["w"])

        return all_of

    def attend(change, causal=False):
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

        return (
            lambda q, k, v: F.scaled_dot_product_attention(q, k, v, is_causal=causal),
            lambda rng, dt: tuple(r(rng, dt, 2, 3, T, d) for _ in range(3)),
            back,
        )

    def losses(change):
        def back(g, z, y):
            kept = y >= 0
            P, O = torch.softmax(z, -1), torch.zeros_like(z)
            O[kept, y[kept]] = 1
            return (change(g, P, O, kept[:, None].to(z.dtype), z), None)

        def draw(rng, dt):
            y = torch.as_tensor(rng.integers(0, n, N)).to(DEVICE)
            y[::7] = -100
            return r(rng, dt, N, n, size=2.0), y

        return lambda z, y: F.cross_entropy(z, y), draw, back

    def slope(change):
        return F.gelu, lambda rng, dt: (r(rng, dt, N, n, size=2.0),), lambda g, x: (g * change(x),)

    def convolved(change):
        G = torch.nn.grad

        def back(g, x, w):
            how = {"stride": 2, "padding": 1}
            made = {"x": G.conv2d_input(x.shape, w, g, **how), "w": G.conv2d_weight(x, w.shape, g, **how)}
            return tuple((made | change(x, w, g, G, how, made)).values())

        return (
            lambda x, w: F.conv2d(x, w, stride=2, padding=1),
            lambda rng, dt: (r(rng, dt, 6, 4, 11, 13), r(rng, dt, 5, 4, 3, 3)),
            back,
        )

    def put(A, index, value):
        A = A.clone()
        A[index] = value if not callable(value) else value(A[index])
        return A

    Phi = lambda x: (1 + torch.erf(x / sqrt(2))) / 2  # noqa: E731
    soft = lambda P, g: P * (g - (P * g).sum(-1, keepdim=True))  # noqa: E731
    rms = lambda change: norm(ln(change), centred=False)  # noqa: E731
    lnorm = lambda change: norm(ln(change))  # noqa: E731
    return {
        "softmax, a tail of 4 left out": (
            softmax(lambda P, g: P * (g - (P * g)[:, :96].sum(-1, keepdim=True))),
            "columns 96..99",
        ),
        "softmax, P (1 − P)": (softmax(lambda P, g: P * (1 - P) * g), "diagonal"),
        "softmax, no sum": (softmax(lambda P, g: P * g), "not subtracted"),
        "softmax, tail not written": (softmax(lambda P, g: put(soft(P, g), np.s_[:, 96:], 0.0)), "columns 96..99"),
        "softmax, last rows not written": (softmax(lambda P, g: put(soft(P, g), np.s_[32:], 0.0)), "rows 32..39"),
        "softmax, one tile wrong": (
            softmax(lambda P, g: put(soft(P, g), np.s_[16:32, 32:48], lambda A: 2 * A)),
            "rows 16..31, columns 32..47",
        ),
        "softmax, 1.01 times": (softmax(lambda P, g: 1.01 * soft(P, g)), "1.01|101/100"),
        "softmax, nan in a row": (softmax(lambda P, g: put(soft(P, g), np.s_[7], float("nan"))), "row 7"),
        "layer norm, weight forgotten": (lnorm(lambda v: dx(v, g=v["g"])), "weight is forgotten"),
        "layer norm, weight twice": (lnorm(lambda v: dx(v, g=v["gw"] * v["w"])), "weight twice"),
        "layer norm, mean not subtracted": (lnorm(lambda v: dx(v, mean=0.0)), "mean of w dY is not subtracted"),
        "layer norm, mean twice": (lnorm(lambda v: dx(v, mean=2.0)), "subtracted twice"),
        "layer norm, no second term": (lnorm(lambda v: dx(v, along=0.0)), "is forgotten"),
        "layer norm, a tail of 8 left out of the mean": (lnorm(lambda v: dx(v, cols=92)), "columns 92..99"),
        "layer norm, a tail of 4 left out of the other sum": (lnorm(lambda v: dx(v, cols_h=96)), "columns 96..99"),
        "layer norm, ε forgotten": (
            lnorm(
                lambda v: dx(
                    v,
                    inverse=(q := (v["x"] - v["x"].mean(-1, keepdim=True))).square().mean(-1, keepdim=True).rsqrt(),
                    h=q * q.square().mean(-1, keepdim=True).rsqrt(),
                )
            ),
            "ε is forgotten",
        ),
        "layer norm, dw averaged": (lnorm(lambda v: {"w": (v["g"] * v["h"]).mean(0)}), "averaged"),
        "layer norm, dw of x": (lnorm(lambda v: {"w": (v["g"] * v["x"]).sum(0)}), "not normalised"),
        "layer norm, one row left out of dw": (lnorm(lambda v: {"w": (v["g"] * v["h"])[1:].sum(0)}), "row 0"),
        "layer norm, rows of the last block left out of db": (
            lnorm(lambda v: {"b": v["g"][:32].sum(0)}),
            "rows 32..39",
        ),
        "RMS norm, weight twice in the sum": (
            rms(lambda v: v["r"] * (v["gw"] - v["h"] * (v["gw"] * v["w"] * v["h"]).mean(-1, keepdim=True))),
            "twice in the mean",
        ),
        "RMS norm, weight forgotten": (rms(lambda v: dx(v, g=v["g"])), "weight is forgotten"),
        "RMS norm, a sum for a mean": (rms(lambda v: dx(v, along=float(n))), "sum over the row where its mean"),
        "RMS norm, mean subtracted": (
            rms(lambda v: dx(v) - v["r"] * v["gw"].mean(-1, keepdim=True)),
            "as in layer norm",
        ),
        "RMS norm, weight in dw": (rms(lambda v: {"w": (v["gw"] * v["h"]).sum(0)}), "does not belong"),
        "cross-entropy, divided by all rows": (losses(lambda g, P, O, kept, z: g * (P - O) * kept / N), "all rows"),
        "cross-entropy, ignored rows": (losses(lambda g, P, O, kept, z: g * (P - O) / kept.sum()), "-100|−100"),
        "cross-entropy, dY forgotten": (
            losses(lambda g, P, O, kept, z: (P - O) * kept / kept.sum()),
            "comes in|times the truth",
        ),
        "cross-entropy, label forgotten": (losses(lambda g, P, O, kept, z: g * P * kept / kept.sum()), "label"),
        "GELU, the tanh approximation": (
            slope(
                lambda x: (
                    0.5 * (1 + (t := torch.tanh(sqrt(2 / pi) * (x + 0.044715 * x**3))))
                    + 0.5 * x * (1 - t * t) * sqrt(2 / pi) * (1 + 0.134145 * x * x)
                )
            ),
            "the slope of gelu_tanh",
        ),
        "GELU, Φ alone": (slope(Phi), "the slope is Φ(Z);"),
        "GELU, no √(2π)": (slope(lambda x: Phi(x) + x * torch.exp(-x * x / 2)), "Φ(Z) + Z exp(-Z²/2);"),
        "attention, scale forgotten": (
            attend(lambda v: {"q": v["dS"] @ v["k"], "k": v["dS"].mT @ v["q"]}),
            "forgotten going back",
        ),
        "attention, scale twice": (attend(lambda v: {"q": v["made"]["q"] * v["scale"]}), "twice"),
        "attention, the last 8 keys left out": (
            attend(lambda v: {"q": v["dS"][..., :-8] @ v["k"][..., :-8, :] * v["scale"]}),
            "keys 16..23",
        ),
        "attention, no row sums": (attend(lambda v: {"q": (v["P"] * v["dP"]) @ v["k"] * v["scale"]}), "row sums"),
        "attention, dS not transposed": (attend(lambda v: {"k": v["dS"] @ v["q"] * v["scale"]}), "transposed"),
        "attention, one head not written": (attend(lambda v: {"v": put(v["made"]["v"], np.s_[:, 1], 0.0)}), "head"),
        "attention, the last batch wrong": (
            attend(lambda v: {"v": put(v["made"]["v"], np.s_[1], lambda A: 2 * A)}),
            "batch",
        ),
        "attention causal, mask forgotten": (
            attend(lambda v: {"v": torch.softmax(v["q"] @ v["k"].mT * v["scale"], -1).mT @ v["g"]}, causal=True),
            "mask is forgotten",
        ),
        "attention causal, last queries left out": (
            attend(lambda v: {"v": v["P"][..., :16, :].mT @ v["g"][..., :16, :]}, causal=True),
            "queries 16..23",
        ),
        "conv2d, filter flipped": (
            convolved(lambda x, w, g, G, how, m: {"x": G.conv2d_input(x.shape, w.flip(-1, -2), g, **how)}),
            "flipped",
        ),
        "conv2d, dw flipped": (convolved(lambda x, w, g, G, how, m: {"w": m["w"].flip(-1, -2)}), "flipped|reversed"),
        "conv2d, one image left out": (
            convolved(lambda x, w, g, G, how, m: {"w": G.conv2d_weight(x[1:], w.shape, g[1:], **how)}),
            "image 0",
        ),
        "conv2d, averaged": (convolved(lambda x, w, g, G, how, m: {"w": m["w"] / 6}), "averaged"),
    }


def wrapped(torch, f, back):
    """F with a backward pass of its own, computed in float32 and rounded once."""

    class Planted(torch.autograd.Function):
        @staticmethod
        def forward(ctx, *given):
            ctx.save_for_backward(*given)
            return f(*given)

        @staticmethod
        def backward(ctx, g):
            wide = [A.float() if A.is_floating_point() else A for A in ctx.saved_tensors]
            found = back(g.float(), *wide)
            return tuple(None if A is None else A.to(B.dtype) for A, B in zip(found, ctx.saved_tensors, strict=True))

    return Planted
