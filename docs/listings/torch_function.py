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


Z = torch.randn(3, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
print(nnref.check_vjp(SoftSign.apply, (Z,)))
