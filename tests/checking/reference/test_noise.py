"""Is the running-error scale right? Correct code never exceeds it, judged against balls, and no term of it is idle."""

import functools
from itertools import product

import numpy as np
import pytest

import nnref
from nnref.checking.reference import balls, noise
from nnref.layer import ACTIVATIONS
from nnref.network import named
from tests import fuzz_noise
from tests.conftest import require
from tests.support.quick import some
from tests.support.terms import changed

SUITE = 2_000
"""Networks fuzzed with --long; python -m tests.fuzz_noise goes on for as long as one likes."""

EACH = 100
"""Networks fuzzed with --long of each activation there is."""


def test_no_correct_network_exceeds_what_rounding_may_do(record_property, draws):
    require("flint")
    networks = draws(100, SUITE, ci=200)
    result = fuzz_noise.told(fuzz_noise.summary(fuzz_noise.fuzz(networks)))
    record_property("figure", result["figure"])
    assert not result["alarms"]
    assert result["judged"] > 0.95 * networks
    assert {*fuzz_noise.REGIMES, *fuzz_noise.DRAWN, "float32", "float64"} == result["worst"].keys()


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_no_correct_network_of_any_one_activation_exceeds_it(activation, record_property, draws):
    """Found by what its module defines, and judged by its own record."""
    require("flint")
    networks = draws(15, EACH, ci=30)
    result = fuzz_noise.told(fuzz_noise.summary(fuzz_noise.fuzz(networks, of=activation)))
    record_property("figure", result["figure"])
    assert not result["alarms"]
    assert result["judged"] > 0.9 * networks


def test_what_is_left_out_is_named_by_layer_unit_and_example():
    require("flint")
    found = next(f for f in map(fuzz_noise.examined, range(SUITE)) if f.left_out)
    assert f"network {found.k}: unit " in found.left_out[0]
    assert ", example " in found.left_out[0]


PRODUCT = "self.size(x, E_x) @ (self.size(y, E_y) + E_y) + E_x @ abs(y) + self.underflow * terms"
SMOOTH = "(slope.e + p.size(slope.value, slope.e)) * p.size(dA.value, dA.e)"
NEEDED = {
    "a product and its additions": (PRODUCT, PRODUCT.replace("(self.size(y, E_y) + E_y)", "E_y")),
    "x times the error of y": (PRODUCT, PRODUCT.replace("(self.size(y, E_y) + E_y)", "self.size(y, E_y)")),
    "the error of x times y": (PRODUCT, PRODUCT.replace(" + E_x @ abs(y)", "")),
    "both errors": (PRODUCT, PRODUCT.replace("self.size(x, E_x)", "abs(x)").replace("self.size(y, E_y)", "abs(y)")),
    "a product that underflows": (PRODUCT, PRODUCT.replace(" + self.underflow * terms", "")),
    "a factor that underflowed": ("((abs(y) + E_y) > 0)", "(abs(y) > 0)"),
    "adding b": (" + abs(theta.b)", ""),
    "db: the errors of dZ": ("(p.size(dZ, E_dZ) + E_dZ).sum", "abs(dZ).sum"),
    "relu: the error of Z": ('Z > 0, else 0."""\n    return mask(Z.value) * Z.e', '"""\n    return 0 * Z.e'),
    "relu: the error of dA": ("abs(slope.value) * dA.e + rounded", "0 * dA.e + rounded"),
    "an activation's slope times the error of Z": ("steepest(Z.value, p.reach * Z.e) * Z.e + ", ""),
    "the steepest slope within reach": ("steepest(Z.value, p.reach * Z.e)", "steepest(Z.value, 0 * Z.e)"),
    "what an activation rounds": ("roundings / SAFE * (abs(A) + ", "roundings / SAFE * (0 * abs(A) + "),
    "an activation that underflows": ("(abs(A) + p.underflow * (abs(A) + Z.e > 0))", "abs(A)"),
    "tanh: A² from a wrong A": ("(2 * abs(A.value) + p.reach * A.e) * A.e", "p.reach * A.e * A.e"),
    "tanh: the square of an error": ("(2 * abs(A.value) + p.reach * A.e) * A.e", "2 * abs(A.value) * A.e"),
    "sigmoid: A (1 − A) from a wrong A": ("(abs(1 - 2 * A.value) + p.reach * A.e) * A.e", "p.reach * A.e * A.e"),
    "sigmoid: the square of an error": ("(abs(1 - 2 * A.value) + p.reach * A.e) * A.e", "abs(1 - 2 * A.value) * A.e"),
    "dZ: the error of dA": (f"abs(slope.value) * dA.e + {SMOOTH}", SMOOTH),
    "dZ: the error of the slope": (SMOOTH, "abs(slope.value) * p.size(dA.value, dA.e)"),
    "dZ underflows": (" + p.underflow * (abs(dA.value) + dA.e > 0)", ""),
    "softmax: the error of the logit": ("2 + abs(shifted) + E)", "2 + abs(shifted))"),
    "softmax: the errors of the other logits": (
        "moves = r + np.logaddexp(0, softmax.log_sum_exp(log_P + log_expm1(r)))",
        "moves = r",
    ),
    "softmax: its own error beside the others'": ("moves = r + np.logaddexp", "moves = np.logaddexp"),
    "softmax: beyond first order": ("log_P + log_expm1(moves)", "log_P + np.log(moves)"),
    "softmax: the sum and the quotient": ("reach + P + moved + 3", "reach + 3"),
    "softmax underflows": (" + 3 * p.underflow)", ")"),
    "the length of sums": ("return max(SAFE, longest + 2.0)", "return max(SAFE, 2 * longest**0.5)"),
}
"""Terms of S by what they stand for: take one out, and some correct network is called wrong."""

COVERED = {
    "db: additions": ("(p.size(dZ, E_dZ) + E_dZ).sum", "E_dZ.sum", 2),
    "tanh: two roundings of the slope": ("A.value * A.value, 1 + (", "A.value * A.value, (", 2),
    "sigmoid: two roundings of the slope": ("WithError(value, value + (", "WithError(value, (", 2),
    "dZ: rounding the product": (SMOOTH, "slope.e * p.size(dA.value, dA.e)", 2),
    "softmax: z − max z": ("2 + abs(shifted) + E)", "2 + E)", 3),
    "dZ of the loss: a difference and a quotient": ("return dZ, E_dZ + p.size(dZ, E_dZ)", "return dZ, E_dZ", 3),
    "softmax: exp": ("(2 + abs(shifted) + E)", "(1e-9 + abs(shifted) + E)", 5),
}
"""Terms that the count of roundings asks for while others are always nearly as large: S without one, and by which
factor at most it is smaller. What they add can hide nothing that S does not hide without them."""


@functools.cache
def case(k, regime):
    """Network k and the gaps between its gradient and the truth, or None where nothing could be judged."""
    found, *network = fuzz_noise.network(k, regime)
    return fuzz_noise.judged(found, *network)


HARDEST = ("lost", "sure", "biases", "saturated", "underflow", "equal")
"""Regimes in which the rarer terms are needed; most are needed by one of the first hundred of all."""


RARE = {"both errors"}
"""Terms that one network in some thousands needs: tried with --long, for they take half a minute."""

LATE = {"the length of sums"}
"""Terms that no network before the hundredth needs: not in the quick run."""

TERMS = [
    *some([term for term in NEEDED if term not in RARE | LATE], 6),
    *(pytest.param(term, marks=pytest.mark.further) for term in LATE),
    *(pytest.param(term, marks=pytest.mark.long) for term in RARE),
]


@pytest.mark.parametrize("term", TERMS)
def test_without_a_term_some_correct_network_is_called_wrong(term):
    require("flint")
    for k, regime in [*product(range(200), (None,)), *product(range(3_000), HARDEST)]:
        if judged := case(k, regime):
            with changed(*NEEDED[term]):
                if not fuzz_noise.share(*judged) <= 1:
                    return
    pytest.fail(f"no network needs the term of S for {term}")


@pytest.mark.parametrize("term", COVERED)
def test_a_term_that_others_cover_adds_no_more_than_a_factor(term, draws):
    old, new, factor = COVERED[term]
    ratio = 1.0
    for k in range(draws(30, 400, ci=100)):
        _, layers, theta, X, Y = fuzz_noise.network(k)
        with np.errstate(all="ignore"):
            S = named(noise.scale(layers, theta, X, Y, X.dtype))
            with changed(old, new):
                S_without = named(noise.scale(layers, theta, X, Y, X.dtype))
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
        q = balls.multiples_in_balls((*G[:-1], G[-1]._replace(b=b)), E, S, X.dtype)
        last = list(q)[-1]
        assert q[last][0] > bound
        assert (q[last][1:] <= bound).all()
