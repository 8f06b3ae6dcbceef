"""PyTorch's own operations at drawn shapes, on any device, and a way to give one a backward pass of our own."""

from dataclasses import dataclass

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

    def places(rng, dtype):
        n = some(rng)
        return tensor(rng, dtype, n, some(rng, 40)), torch.as_tensor(rng.integers(0, n, (3, some(rng, 60)))).to(DEVICE)

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
        Kernel("embedding", lambda E, words: F.embedding(words, E), places, own_dtype),
        Kernel("conv2d", lambda x, w: F.conv2d(x, w, stride=2, padding=1), images),
    ]


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
