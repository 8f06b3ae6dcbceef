import numpy as np

import nnref


def softplus(Z):
    return np.log1p(np.exp(Z))


def softplus_vjp(Z, dA):
    return dA / (1 + np.exp(Z))  # the sign of the exponent is wrong


Z = np.random.default_rng(0).standard_normal((3, 4))
print(nnref.check_vjp(softplus, softplus_vjp, {"Z": Z}))
