import numpy as np
import torch

import nnref


class SoftSign(torch.autograd.Function):
    @staticmethod
    def forward(ctx, Z):
        ctx.save_for_backward(Z)
        return Z / (1 + Z.abs())

    @staticmethod
    def backward(ctx, dA):
        (Z,) = ctx.saved_tensors
        return 2 * dA / (1 + Z.abs()) ** 2  # twice too large


def forward(Z):
    return SoftSign.apply(torch.tensor(Z)).numpy()


def vjp(Z, dA):
    Z = torch.tensor(Z, requires_grad=True)
    SoftSign.apply(Z).backward(torch.tensor(dA))
    return Z.grad.numpy()


Z = np.random.default_rng(0).standard_normal((3, 4))
print(nnref.check_vjp(forward, vjp, {"Z": Z}))
