"""Is the running-error scale right? Correct code never exceeds it, judged against balls, and no term of it is idle."""

import functools
import types
from itertools import product
from pathlib import Path

import numpy as np
import pytest

import nnref
from nnref.checking.reference import balls, noise
from nnref.network import named
from tests import fuzz_noise
from tests.conftest import require

SUITE = 2_000
"""Networks fuzzed at every run; python -m tests.fuzz_noise goes on for as long as one likes."""


def test_no_correct_network_exceeds_what_rounding_may_do(record_property):
    require("flint")
    result = fuzz_noise.told(fuzz_noise.summary(fuzz_noise.fuzz(SUITE)))
    record_property("figure", result["figure"])
    assert not result["alarms"]
    assert result["judged"] > 0.95 * SUITE
    assert {*fuzz_noise.REGIMES, "relu", "sigmoid", "tanh", "float32", "float64"} == result["worst"].keys()


def test_what_is_left_out_is_named_by_layer_unit_and_example():
    require("flint")
    found = next(f for f in map(fuzz_noise.examined, range(SUITE)) if f.left_out)
    assert f"network {found.k}: unit " in found.left_out[0]
    assert ", example " in found.left_out[0]


X_HAT, Y_HAT = "size(x, E_x, dtype, c)", "size(y, E_y, dtype, c)"
PRODUCT = f"{X_HAT} @ ({Y_HAT} + E_y) + E_x @ abs(y) + underflow(dtype) * terms"
NEEDED = {
    "a product and its additions": (PRODUCT, PRODUCT.replace(f"({Y_HAT} + E_y)", "E_y")),
    "x times the error of y": (PRODUCT, PRODUCT.replace(f"({Y_HAT} + E_y)", Y_HAT)),
    "the error of x times y": (PRODUCT, PRODUCT.replace(" + E_x @ abs(y)", "")),
    "both errors": (PRODUCT, PRODUCT.replace(X_HAT, "abs(x)").replace(Y_HAT, "abs(y)")),
    "a product that underflows": (PRODUCT, PRODUCT.replace(" + underflow(dtype) * terms", "")),
    "a factor that underflowed": ("((abs(y) + E_y) > 0)", "(abs(y) > 0)"),
    "adding b": (" + abs(theta.b)", ""),
    "db: the errors of dZ": ("(size(dZ, E_dZ, dtype, c) + E_dZ).sum", "abs(dZ).sum"),
    "relu: the error of Z": ("return slope * E + np.where", "return 0 * E + np.where"),
    "relu: the error of dA": ("return slope * dA, slope * E_dA + np", "return slope * dA, 0 * E_dA + np"),
    "an activation's slope times the error of Z": ("steepest(name, abs(A) - c * unit(dtype) * E) * E + ", ""),
    "the steepest slope within reach": ("abs(A) - c * unit(dtype) * E", "abs(A)"),
    "what an activation rounds": ("2 * (abs(Z) + ", "2 * (0 * abs(Z) + "),
    "an activation that underflows": ("(abs(Z) + underflow(dtype) * (abs(Z) + E > 0))", "abs(Z)"),
    "tanh: A² from a wrong A": ("(2 * abs(A) + reach * E) * E", "reach * E * E"),
    "tanh: the square of an error": ("(2 * abs(A) + reach * E) * E", "2 * abs(A) * E"),
    "sigmoid: A (1 − A) from a wrong A": ("(abs(1 - 2 * A) + reach * E) * E", "reach * E * E"),
    "sigmoid: the square of an error": ("(abs(1 - 2 * A) + reach * E) * E", "abs(1 - 2 * A) * E"),
    "dZ: the error of dA": ("slope * E_dA + (E_slope", "(E_slope"),
    "dZ: the error of the slope": ("(E_slope + size(slope, E_slope, dtype, c))", "slope"),
    "dZ underflows": (" + underflow(dtype) * (abs(dA) + E_dA > 0)", ""),
    "softmax: the error of the logit": ("2 + abs(shifted) + E)", "2 + abs(shifted))"),
    "softmax: the errors of the other logits": (
        "moves = r + np.logaddexp(0, softmax.log_sum_exp(log_P + log_expm1(r)))",
        "moves = r",
    ),
    "softmax: its own error beside the others'": ("moves = r + np.logaddexp", "moves = np.logaddexp"),
    "softmax: beyond first order": ("log_P + log_expm1(moves)", "log_P + np.log(moves)"),
    "softmax: the sum and the quotient": ("reach + P + moved + 3", "reach + 3"),
    "softmax underflows": (" + 3 * underflow(dtype)", ""),
    "the length of sums": ("return max(SAFE, longest + 2.0)", "return max(SAFE, 2 * longest**0.5)"),
}
"""Terms of S by what they stand for: take one out, and some correct network is called wrong."""

COVERED = {
    "db: additions": ("(size(dZ, E_dZ, dtype, c) + E_dZ).sum", "E_dZ.sum", 2),
    "tanh: two roundings of the slope": ("1 - A * A, 1 + (", "1 - A * A, (", 2),
    "sigmoid: two roundings of the slope": ("A * (1 - A), A * (1 - A) + (", "A * (1 - A), (", 2),
    "dZ: rounding the product": ("(E_slope + size(slope, E_slope, dtype, c))", "E_slope", 2),
    "softmax: z − max z": ("2 + abs(shifted) + E)", "2 + E)", 3),
    "dZ of the loss: a difference and a quotient": ("return dZ, E_dZ + size(dZ, E_dZ, dtype, c)", "return dZ, E_dZ", 3),
    "softmax: exp": ("(2 + abs(shifted) + E)", "(1e-9 + abs(shifted) + E)", 5),
}
"""Terms that the count of roundings asks for while others are always nearly as large: S without one, and by which
factor at most it is smaller. What they add can hide nothing that S does not hide without them."""


@functools.cache
def without(old, new):
    """The noise module with a term taken out of its source."""
    source = Path(noise.__file__).read_text(encoding="utf-8")
    assert source.count(old) == 1, f"{old} should stand once in noise.py"
    module = types.ModuleType("noise_without")
    exec(compile(source.replace(old, new), old, "exec"), module.__dict__)
    return module


@functools.cache
def case(k, regime):
    """Network k and the gaps between its gradient and the truth, or None where nothing could be judged."""
    found, *network = fuzz_noise.network(k, regime)
    return fuzz_noise.judged(found, *network)


HARDEST = ("lost", "sure", "biases", "saturated", "underflow", "equal")
"""Regimes in which the rarer terms are needed; most are needed by one of the first hundred of all."""


@pytest.mark.parametrize("term", NEEDED)
def test_without_a_term_some_correct_network_is_called_wrong(term):
    require("flint")
    module = without(*NEEDED[term])
    for k, regime in [*product(range(200), (None,)), *product(range(3_000), HARDEST)]:
        if case(k, regime) and not fuzz_noise.share(*case(k, regime), noise=module) <= 1:
            return
    pytest.fail(f"no network needs the term of S for {term}")


@pytest.mark.parametrize("term", COVERED)
def test_a_term_that_others_cover_adds_no_more_than_a_factor(term):
    old, new, factor = COVERED[term]
    module, ratio = without(old, new), 1.0
    for k in range(400):
        _, layers, theta, X, Y = fuzz_noise.network(k)
        with np.errstate(all="ignore"):
            S, S_without = (named(m.scale(layers, theta, X, Y, X.dtype)) for m in (noise, module))
            ratio = max(ratio, *(float(np.where(S[p] > 0, S[p] / S_without[p], 1).max()) for p in S))
    assert 1 < ratio <= factor * (1 + 1e-6)


def test_a_gradient_that_is_off_by_a_few_units_of_rounding_is_seen():
    """One entry of the last bias, moved by twice what rounding may do; all others are left alone."""
    require("flint")
    for k in range(0, 40, 3):
        _, layers, theta, X, Y = fuzz_noise.network(k)
        G, S = nnref.gradients(layers, theta, X, Y), noise.scale(layers, theta, X, Y, X.dtype)
        E, bound = balls.enclosures(layers, theta, X, Y), noise.allowed(layers, theta, X.shape[1])
        b = G[-1].b.astype("float64")
        b[0] += 2 * bound * noise.unit(X.dtype) * S[-1].b[0]
        q = balls.judge((*G[:-1], G[-1]._replace(b=b)), E, S, X.dtype)
        last = list(q)[-1]
        assert q[last][0] > bound
        assert (q[last][1:] <= bound).all()
