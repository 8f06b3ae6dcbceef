"""Does a formula run in running numbers say how far rounding moves it, neither too little nor far too much?"""

import numpy as np
import pytest

from nnref import attention, conv2d, gelu, group_norm, l2_normalize, layer_norm, lstm_cell, max_pool, softmax, softplus
from nnref.checking.operations.running import Running
from nnref.precision import gathered, unit
from nnref.shapes import trusted
from nnref.windows import largest

R = np.random.default_rng(11)


def r(*shape):
    return R.standard_normal(shape)


IMAGES, KERNELS, SUMS = r(2, 7, 6, 3), r(4, 2, 3, 3), tuple(r(7, 5) for _ in range(5))

FORMULAS = {
    "layer_norm.forward": (layer_norm.forward, (r(7, 5), r(7, 1), r(7, 1))),
    "layer_norm.dX": (layer_norm.dX, (r(7, 5), r(7, 1), r(7, 5))),
    "group_norm.dX": (group_norm.dX, (r(2, 3, 6, 4), r(2, 3), r(2, 3, 6, 4))),
    "l2_normalize.dX": (l2_normalize.dX, (r(7, 5), r(7, 5))),
    "softmax.forward": (softmax.forward, (r(7, 5),)),
    "attention.dQ": (attention.dQ, (r(5, 4), r(5, 4), r(5, 3), np.tri(5), r(5, 3))),
    "conv2d.forward": (lambda *at: conv2d.forward(*at, 2, 1), (IMAGES, KERNELS, r(4, 1))),
    "conv2d.dW": (lambda *at: conv2d.dW(*at, 2, 1), (IMAGES, KERNELS, r(4, 4, 3, 3))),
    "conv2d.dX": (lambda *at: conv2d.dX(*at, 2, 1), (IMAGES, KERNELS, r(4, 4, 3, 3))),
    "lstm_cell.dZf": (lstm_cell.dZf, (*SUMS, r(2, 7, 5))),
    "gelu.dZ": (gelu.dZ, (r(7, 5), r(7, 5))),
    "softplus.forward": (softplus.forward, (r(7, 5),)),
}


def multiples(name, scale=1.0):
    """How far float32 is from float64, in units of what the running error allows."""
    formula, arrays = FORMULAS[name]
    rough = [A.astype("float32") for A in arrays]
    exact = [A.astype("float64") for A in rough]
    with trusted():
        run = formula(*map(Running, exact))
        found = abs(formula(*rough) - formula(*exact)) / (unit("float32") * scale * run.e)
    assert (run.value == formula(*exact)).all()
    return float(found.max())


@pytest.mark.parametrize("name", FORMULAS)
def test_rounding_stays_within_the_running_error_and_a_thousandth_of_it_is_too_little(name):
    longest = max(A.size for A in FORMULAS[name][1])
    assert multiples(name) <= gathered(longest)
    assert multiples(name, 1e-3) > gathered(longest)


def test_what_only_moves_numbers_rounds_nothing():
    """Max pooling picks a pixel: its error is the pixel's own."""
    X = r(2, 6, 6, 3)
    with trusted():
        Y = max_pool.forward(Running(X), largest(Running(X), 2, 2, 2), 2)
    assert (Y.value == max_pool.forward(X, largest(X, 2, 2, 2), 2)).all()
    assert (Y.e == 0).all()
