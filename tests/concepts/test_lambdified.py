"""Does SymPy's own gradient of a tiny network, every weight a symbol and no claim used, equal the reference's?"""

from itertools import product

import mpmath as mp
import pytest
import sympy as sp

import nnref
from nnref.checking.reference import noise

SIZES, N = (2, 3, 2), 2
DIGITS = 40
"""Enough that the truth's own rounding is nothing beside that of float64."""

ACTIVATIONS = {"tanh": sp.tanh, "relu": lambda z: sp.Piecewise((z, z > 0), (0, True))}


def symbols(name, rows, columns):
    """A matrix of symbols, named by their places."""
    return sp.Matrix(rows, columns, lambda i, j: sp.Symbol(f"{name}_{i}_{j}", real=True))


def network():
    """X, Y and the parameters of a network of two layers, by name."""
    n, m, K = SIZES
    shapes = {"X": (n, N), "Y": (K, N), "W1": (m, n), "b1": (m, 1), "W2": (K, m), "b2": (K, 1)}
    return {name: symbols(name, *shape) for name, shape in shapes.items()}


def loss(at, activation):
    """The mean cross-entropy, written out for every example and every class."""
    examples = []
    for s in range(N):
        A = (at["W1"] * at["X"][:, s] + at["b1"]).applyfunc(ACTIVATIONS[activation])
        Z = at["W2"] * A + at["b2"]
        everyone = sum(sp.exp(z) for z in Z)
        examples.append(-sum(y * sp.log(sp.exp(z) / everyone) for y, z in zip(at["Y"][:, s], Z, strict=True)))
    return sum(examples) / N


@pytest.fixture(scope="module")
def lambdified():
    """The gradient of the loss by sp.diff, as functions to mpmath of every symbol in order."""
    at = network()
    order = [x for M in at.values() for x in M]
    entries = [x for name, M in at.items() if name not in "XY" for x in M]
    found = {}
    for activation in ACTIVATIONS:
        cost = loss(at, activation)
        slopes = [sp.diff(cost, x) for x in entries]
        found[activation] = sp.lambdify(order, slopes, "mpmath", cse=True)
    return found


def drawn(activation, rng):
    """A network at a point where nothing is zero by accident and no rectifier is near its kink."""
    layers = nnref.mlp(SIZES, activation)
    while True:
        theta = tuple(
            nnref.Affine(rng.standard_normal(p.W.shape), rng.standard_normal(p.b.shape)) if p else ()
            for p in nnref.initialise(layers)
        )
        X = rng.standard_normal((SIZES[0], N))
        if abs(theta[0].W @ X + theta[0].b).min() > 1 / 16:
            return layers, theta, X, nnref.one_hot(rng.permutation(N), SIZES[-1], "float64")


def worst(ours, case, slopes):
    """The largest |a − truth| / (u S) of a gradient, the truth being the lambdified slopes."""
    S = [s for A in nnref.named(noise.scale(*case, "float64")).values() for s in A.flat]
    a = [x for G in nnref.named(ours).values() for x in G.flat]
    gaps = [abs(mp.mpf(float(x)) - t) for x, t in zip(a, slopes, strict=True)]
    assert all(gap == 0 for gap, s in zip(gaps, S, strict=True) if s == 0)
    return max(gap / (noise.unit("float64") * float(s)) for gap, s in zip(gaps, S, strict=True) if s > 0)


def numbers(case):
    """Every number of the case, in the order of the symbols."""
    _, theta, X, Y = case
    return [float(x) for A in (X, Y, *nnref.named(theta).values()) for x in A.flat]


@pytest.mark.parametrize(("activation", "draw"), list(product(ACTIVATIONS, range(8))))
def test_the_gradients_are_those_of_sympys_diff_within_rounding(lambdified, activation, draw, rng):
    case = drawn(activation, rng)
    with mp.workdps(DIGITS):
        truth = lambdified[activation](*(mp.mpf(x) for x in numbers(case)))
        assert worst(nnref.gradients(*case), case, truth) <= noise.allowed(*case[:2], N)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_a_gradient_off_by_a_few_roundings_is_not(lambdified, activation, rng):
    """Sixteen times what is allowed, in one entry only: a matter of 1e-14."""
    layers, theta, _, _ = case = drawn(activation, rng)
    *first, last = nnref.gradients(*case)
    allowed = noise.allowed(layers, theta, N)
    last.b[-1] += 16 * allowed * noise.unit("float64") * noise.scale(*case, "float64")[-1].b[-1]
    with mp.workdps(DIGITS):
        truth = lambdified[activation](*(mp.mpf(x) for x in numbers(case)))
        assert worst((*first, last), case, truth) > allowed
