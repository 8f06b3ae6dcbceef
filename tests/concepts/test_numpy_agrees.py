"""Does numpy compute what the claims say? The result of a claim, to 50 digits, against the function of its name."""

import inspect
from itertools import product

import mpmath as mp
import numpy as np
import pytest
import sympy as sp

import nnref
from derivations.prover.proof import claims
from derivations.prover.sizes import terms as terms_of
from nnref import bridge
from nnref.checking.reference import noise
from nnref.layer import ACTIVATIONS
from tests.support import cases
from tests.support.quick import pairs

pytestmark = pytest.mark.figure  # the report shows them as witnesses of the claims that they name
BOUND = [claim for claim in claims().values() if claim.kind in ("definition", "gradient")]
CONCEPTS = [claim for claim in BOUND if claim.of is not None or claim.kind == "definition"]
NETWORK = [claim for claim in BOUND if claim not in CONCEPTS]
SIZES = [
    {"m": 3, "n": 4, "N": 5, "G": 2, "F": 3, "K": 4, "P": 4, "T": 3, "U": 4, "d": 2, "e": 5},
    {"m": 3, "n": 3, "N": 3, "G": 2, "F": 2, "K": 3, "P": 2, "T": 3, "U": 3, "d": 3, "e": 3},
    {"m": 1, "n": 1, "N": 1, "G": 1, "F": 1, "K": 1, "P": 1, "T": 1, "U": 1, "d": 1, "e": 1},
    {"m": 2, "n": 7, "N": 1, "G": 3, "F": 1, "K": 7, "P": 2, "T": 2, "U": 5, "d": 4, "e": 1},
]

IMAGES = [(3, 7, 6, 2, 2, 3, 2), (2, 3, 3, 2, 2, 2, 2), (1, 1, 1, 1, 2, 2, 1), (2, 4, 6, 1, 2, 3, 2)]
"""C, H, B, D, I, J and Q: at stride 2, padding 1 and dilation 2 the output has P rows and Q columns."""

SIZES = [sizes | dict(zip("CHBDIJQ", image, strict=True)) for sizes, image in zip(SIZES, IMAGES, strict=True)]

ENTRIES = 60
"""Entries of an image that are compared, drawn at random."""

TERMS = 100_000
"""Fewer are compared where each is a long sum, so that a claim takes a second or two: these are the terms of all."""

ROUNDINGS = 4
"""Units of rounding allowed for each operation of a formula, of the size of what stands in it."""


def drawn(claim, sizes, rng):
    """Arguments for the claim's function: signed, probabilities for P, a one-hot Y, a positive rate, a whole n."""
    arrays = {}
    for name in inspect.signature(bridge.function(claim.name)).parameters:
        shape = [cases.extent(d, sizes) for d in claim.shapes[name]]
        any_number = lambda shape, rng: rng.integers(-16, 17, shape) / 8  # noqa: E731
        arrays[name] = cases.SPECIAL.get(name, any_number if shape else cases.positive)(shape, rng)
    for name in ("P", "Y"):
        if name in arrays:
            n, N = arrays[name].shape
            P = rng.dirichlet(np.ones(n), N).T
            whole = name == "P" or claim.name.startswith("kl_divergence")  # whose logarithm of Y is taken
            arrays[name] = P if whole else nnref.one_hot(rng.integers(0, n, N), n, "float64")
    window = {name: sizes[name] for name in arrays if name in ("I", "J", "H", "B")}
    neurons = {"n": 50, "m": 20}  # where a function takes no array of them
    return {name: A if claim.shapes[name] else neurons.get(name, A) for name, A in arrays.items()} | window


def room(claim, arrays):
    """What rounding may do, in units of u: every operation, sums over each size, of the largest number that occurs.

    exp turns an absolute error of its argument into a relative one, which is why that argument counts too.
    """
    largest = max([1.0, *(float(np.abs(A).max()) for A in arrays.values())])
    size = max(s for A in arrays.values() for s in (1, *np.shape(A)))
    return ROUNDINGS * size * (claim.result.count_ops() + 1) * largest**3 * noise.unit("float64")


@pytest.mark.parametrize(("claim", "sizes"), pairs(CONCEPTS, SIZES, 8, ids=lambda claim: claim.name))
def test_numpy_agrees_with_the_claim(claim, sizes, rng, draws):
    arrays = drawn(claim, sizes, rng)
    ours = np.asarray(bridge.function(claim.name)(**arrays))
    truth = bridge.symbolic_value(claim.name, arrays)
    assert ours.shape == tuple(cases.extent(d, sizes) for d in claim.shapes[""])
    allowed = room(claim, arrays)
    entries = list(np.ndindex(ours.shape))
    terms = terms_of(claim.result, {sp.Symbol(s, integer=True, positive=True): n for s, n in sizes.items()})
    for place in rng.permutation(len(entries))[: max(4, min(ENTRIES, draws(TERMS // 16, TERMS, ci=TERMS) // terms))]:
        index = entries[place]
        exact = truth(*index)
        # A quotient by a small number is larger than all it is made of: its own roundings count by its own size.
        itself = ROUNDINGS * noise.unit("float64") * abs(exact)
        assert abs(mp.mpf(float(ours[index])) - exact) <= allowed + itself, index


WIDTHS = [(4, 6, 5, 3, 7), (3, 3, 3, 3, 3), (1, 1, 1, 1, 1), (2, 5, 1, 4, 2)]
"""n0, n1, n2, n3 and N: all distinct, all equal, all one, and one among others."""


def network(widths, rng):
    n0, n1, n2, n3, N = widths
    shapes = {"X": (n0, N), "W1": (n1, n0), "b1": (n1, 1), "W2": (n2, n1), "b2": (n2, 1), "W3": (n3, n2), "b3": (n3, 1)}
    arrays = {name: rng.standard_normal(shape) / np.sqrt(shape[-1]) for name, shape in shapes.items()}
    return arrays | {"Y": nnref.one_hot(rng.integers(0, n3, N), n3, "float64")}


def units_of_noise(claim, arrays, activation, indices):
    """How far the network's gradient is from the claim, as a share of what rounding may do, at these entries."""
    layers = nnref.mlp([len(arrays["X"]), *(len(arrays[f"b{l}"]) for l in (1, 2, 3))], activation)
    theta = nnref.network.unnamed(arrays, layers)
    S = nnref.named(noise.scale(layers, theta, arrays["X"], arrays["Y"], "float64"))[claim.wrt]
    ours = bridge.function(claim.name)(**arrays, activation=activation)
    truth = bridge.symbolic_value(claim.name, arrays, activation)
    allowed = noise.allowed(layers, theta, arrays["X"].shape[1])
    gaps = [abs(mp.mpf(float(ours[index])) - truth(*index)) for index in indices]
    bounds = [allowed * noise.unit("float64") * float(S[index]) for index in indices]
    return max(
        (float(gap / bound) if bound else float(gap > 0) * np.inf) if gap else 0.0
        for gap, bound in zip(gaps, bounds, strict=True)
    )


@pytest.mark.parametrize(
    ("claim", "case"), pairs(NETWORK, list(product(WIDTHS, ACTIVATIONS)), 4, ids=lambda claim: claim.name)
)
def test_the_gradients_of_the_network_agree_with_the_claim(claim, case, rng):
    widths, activation = case
    arrays = network(widths, rng)
    assert units_of_noise(claim, arrays, activation, list(np.ndindex(arrays[claim.wrt].shape))) <= 1


@pytest.mark.long  # ten seconds; every gradient is compared at smaller sizes
@pytest.mark.parametrize("claim", [c for c in NETWORK if c.wrt == "W1"], ids=lambda claim: claim.name)
def test_at_the_articles_own_size_a_sample_of_entries_agrees(claim, rng):
    """dW1, which rests on every other quantity of the network: to 50 digits the forward pass alone takes seconds."""
    arrays = network((*nnref.network.MNIST_SIZES, 2), rng)
    shape = arrays[claim.wrt].shape
    sample = [tuple(int(rng.integers(0, d)) for d in shape) for _ in range(12)]
    assert units_of_noise(claim, arrays, "relu", sample) <= 1


@pytest.mark.parametrize("claim", NETWORK, ids=lambda claim: claim.name)
def test_a_gradient_that_is_off_by_a_millionth_disagrees_with_the_claim(claim, rng, monkeypatch):
    arrays = network(WIDTHS[0], rng)
    right = nnref.network.gradients

    def wrong(*args):
        return tuple(type(p)(*(g * (1 + 1e-6) for g in p)) if p else () for p in right(*args))

    monkeypatch.setattr(nnref.network, "gradients", wrong)
    assert units_of_noise(claim, arrays, "tanh", list(np.ndindex(arrays[claim.wrt].shape))) > 1


def test_the_gates_table_of_shapes_is_that_of_initialise():
    shapes = {p: A.shape for p, A in nnref.named(nnref.initialise(nnref.mnist_mlp())).items()}
    assert bridge.parameter_shapes(nnref.network.MNIST_SIZES) == shapes
