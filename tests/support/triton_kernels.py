"""Softmax and RMS norm in Triton, with their backward passes, right and wrong: for a machine with a GPU alone."""

import torch
import triton
import triton.language as tl


@triton.jit
def softmax_forward(x, y, n, BLOCK: tl.constexpr):
    row, column = tl.program_id(0), tl.arange(0, BLOCK)
    v = tl.load(x + row * n + column, mask=column < n, other=-float("inf")).to(tl.float32)
    e = tl.exp(v - tl.max(v, 0))
    tl.store(y + row * n + column, (e / tl.sum(e, 0)).to(y.dtype.element_ty), mask=column < n)


@triton.jit
def softmax_backward(y, dy, dx, n, summed, BLOCK: tl.constexpr):
    row, column = tl.program_id(0), tl.arange(0, BLOCK)
    p = tl.load(y + row * n + column, mask=column < n, other=0.0).to(tl.float32)
    g = tl.load(dy + row * n + column, mask=column < n, other=0.0).to(tl.float32)
    s = tl.sum(tl.where(column < summed, p * g, 0.0), 0)
    tl.store(dx + row * n + column, (p * (g - s)).to(dx.dtype.element_ty), mask=column < n)


@triton.jit
def rms_norm_forward(x, w, y, r, n, eps, BLOCK: tl.constexpr):
    row, column = tl.program_id(0), tl.arange(0, BLOCK)
    v = tl.load(x + row * n + column, mask=column < n, other=0.0).to(tl.float32)
    gain = tl.load(w + column, mask=column < n, other=0.0).to(tl.float32)
    inverse = 1 / tl.sqrt(tl.sum(v * v, 0) / n + eps)
    tl.store(r + row, inverse)
    tl.store(y + row * n + column, (v * inverse * gain).to(y.dtype.element_ty), mask=column < n)


@triton.jit
def rms_norm_backward(x, w, r, dy, dx, dw, n, power, BLOCK: tl.constexpr):
    row, column = tl.program_id(0), tl.arange(0, BLOCK)
    v = tl.load(x + row * n + column, mask=column < n, other=0.0).to(tl.float32)
    gain = tl.load(w + column, mask=column < n, other=0.0).to(tl.float32)
    g = tl.load(dy + row * n + column, mask=column < n, other=0.0).to(tl.float32)
    inverse = tl.load(r + row)
    h = v * inverse
    scaled = g * gain
    in_sum = tl.where(power > 1, scaled * gain, scaled)
    mean = tl.sum(in_sum * h, 0) / n
    tl.store(dx + row * n + column, (inverse * (scaled - h * mean)).to(dx.dtype.element_ty), mask=column < n)
    tl.atomic_add(dw + column, g * h, mask=column < n)


def softmax(tail=0):
    """Softmax over rows; its backward pass leaves the last columns out of its sum."""

    class Softmax(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            x = x.contiguous()
            y, (N, n) = torch.empty_like(x), x.shape
            if N:
                softmax_forward[(N,)](x, y, n, triton.next_power_of_2(n))
            ctx.save_for_backward(y)
            return y

        @staticmethod
        def backward(ctx, dy):
            (y,) = ctx.saved_tensors
            dy, dx, (N, n) = dy.contiguous(), torch.empty_like(y), y.shape
            if N:
                softmax_backward[(N,)](y, dy, dx, n, n - tail, triton.next_power_of_2(n))
            return dx

    return Softmax


def rms_norm(power=1, strided=True):
    """RMS norm over rows; with power 2 the weight stands in its sum twice; unless strided, memory is taken as rows."""

    class RMSNorm(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x, w):
            x, w = (x.contiguous(), w.contiguous()) if strided else (x, w)
            y, (N, n) = torch.empty(x.shape, dtype=x.dtype, device=x.device), x.shape
            r = torch.empty(N, dtype=torch.float32, device=x.device)
            if N:
                rms_norm_forward[(N,)](x, w, y, r, n, 1e-6, triton.next_power_of_2(n))
            ctx.save_for_backward(x, w, r)
            return y

        @staticmethod
        def backward(ctx, dy):
            x, w, r = ctx.saved_tensors
            dy, dx, (N, n) = dy.contiguous(), torch.empty(x.shape, dtype=x.dtype, device=x.device), x.shape
            dw = torch.zeros(n, dtype=torch.float32, device=x.device)  # rows add to it in any order
            if N:
                rms_norm_backward[(N,)](x, w, r, dy, dx, dw, n, power, triton.next_power_of_2(n))
            return dx, dw.to(w.dtype)

    return RMSNorm
