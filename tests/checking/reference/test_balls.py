"""Do the balls hold the real gradient? By two routes, against rationals, at ties, and with mistakes planted."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

import nnref
from nnref.checking.operations import record, softmax_cross_entropy
from nnref.checking.operations.entrywise import each
from nnref.checking.operations.record import Undecided
from nnref.checking.reference import balls, noise, series, truth
from nnref.network import activations, named
from tests.concepts.test_gradients import drawn
from tests.conftest import require
from tests.support.networks import NETWORKS
from tests.support.records import planted

pytestmark = pytest.mark.usefixtures("needs_flint")


@pytest.fixture
def needs_flint():
    """A visible skip where python-flint is not installed."""
    return require("flint")


@pytest.mark.parametrize("network", NETWORKS, ids=str)
def test_the_backward_pass_and_the_power_series_enclose_the_same_numbers(network, rng):
    """Every entry, by a route that knows no formula for a derivative."""
    layers, theta, X, Y = drawn(*network, rng)
    X[0, 0] = 0
    found = series.agreement(layers, theta, X, Y)
    assert found.ok
    assert found.entries == sum(p.size for p in named(theta).values())
    assert found.radius < 1e-30


@pytest.mark.parametrize(
    ("activation", "mistake"),
    [
        ("relu", lambda Z, A: 1),
        ("sigmoid", lambda Z, A: A),
        ("tanh", lambda Z, A: 1 - A),
        ("tanh", lambda Z, A: 1 - A * A + 2.0**-60),
    ],
)
def test_a_wrong_slope_in_balls_is_seen_by_the_power_series(activation, mistake, rng, monkeypatch):
    case = drawn([4, 6, 5, 3], activation, 5, rng)
    right = record.record(activation)
    dA = lambda theta, Z, A, dA: each(lambda z, a, da: mistake(z, a) * da, Z, A, dA)  # noqa: E731
    planted(monkeypatch, right, enclosures=replace(right.enclosures, dA=dA))
    found = series.agreement(*case)
    assert not found.ok
    assert found.overlapping < found.entries


def test_a_wrong_loss_slope_in_balls_is_seen_by_the_power_series(rng, monkeypatch):
    right = softmax_cross_entropy.RECORD
    wrong = replace(right, enclosed=lambda Z, Y: (right.enclosed(Z, Y)[0], -right.enclosed(Z, Y)[1]))
    monkeypatch.setattr(softmax_cross_entropy, "RECORD", wrong)
    assert series.agreement(*drawn([4, 3], "relu", 5, rng)).overlapping == 0


def test_an_executor_finds_the_same(rng):
    case = drawn([4, 6, 3], "tanh", 2, rng)
    with ThreadPoolExecutor(1) as one:
        assert series.agreement(*case, one).overlapping == series.agreement(*case).overlapping


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("network", NETWORKS, ids=str)
def test_every_gradient_is_within_rounding_of_the_balls(network, dtype, rng):
    layers, theta, X, Y = drawn(*network, rng, dtype)
    E = balls.enclosures(layers, theta, X, Y)
    assert not balls.other_side(layers, E, activations(layers, theta, X))
    q = balls.multiples_in_balls(
        nnref.gradients(layers, theta, X, Y), E, noise.scale(layers, theta, X, Y, dtype), dtype
    )
    assert max(float(m.max()) for m in q.values()) <= noise.allowed(layers, theta, X.shape[1])


def test_the_truth_agrees_with_the_complex_step_and_its_radius_holds_the_rounded_truth(rng):
    layers, theta, X, Y = drawn([4, 6, 5, 3], "tanh", 5, rng)
    T, radius = (named(part) for part in balls.truth(layers, theta, X, Y)[:2])
    nearest = named(balls.gradient(layers, theta, X, Y)[0])
    C, S = named(truth.gradient(layers, theta, X, Y)), named(noise.scale(layers, theta, X, Y, "float64"))
    for p in T:
        assert (T[p] == nearest[p]).all()
        assert (radius[p] <= np.spacing(abs(T[p]))).all()
        assert (radius[p] >= np.spacing(abs(T[p])) / 2).all()
        assert (noise.multiples(C[p], T[p], S[p], "float64", radius[p]) <= noise.allowed(layers, theta, 5)).all()


def test_two_equal_classes_give_a_gradient_of_exact_rationals():
    """With W = 0 and two classes every p is 1/2, so the gradient is a rational that needs no analysis."""
    layers = nnref.mlp([2, 2])
    theta = (nnref.Affine(np.zeros((2, 2)), np.zeros((2, 1))),)
    X = np.array([[0.1, 3.0, -7.0], [0.0, 0.3, 0.2]])
    G, E = balls.gradient(layers, theta, X, nnref.one_hot([0, 1, 1], classes=2))
    x = [[Fraction(v) for v in row] for row in X.tolist()]
    exact = [sum(s * v for s, v in zip((-1, 1, 1), row, strict=True)) / Fraction(6) for row in x]
    assert G[0].W[0].tolist() == [float(v) for v in exact]  # Python rounds a fraction correctly
    assert G[0].b[:, 0].tolist() == [float(Fraction(1, 6)), float(Fraction(-1, 6))]
    with balls.precision(300):
        assert E.loss.contains(require("flint").arb(2).log())


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_nearest_rounds_once_with_ties_to_even_and_knows_when_it_cannot(dtype):
    arb = require("flint").arb
    u = noise.unit(dtype)
    with balls.precision(400):
        tie, hair = 1 + arb(u), arb(2) ** -300
        exact = [tie, tie - hair, tie + hair, 1 + 3 * arb(u), -tie - hair, arb(2) ** -1074 * 0.75, arb(10) ** 400]
        down, up = 1.0, 1.0 + 2 * u
        smallest = 5e-324 if dtype == "float64" else 0.0
        assert balls.nearest_floats(exact, dtype).tolist() == [down, down, up, 1 + 4 * u, -up, smallest, np.inf]
        balls_at = require("flint").arb_mat(1, 3, [arb(0.5), tie + arb(0, hair.upper()), tie + hair])
        assert balls.nearest(balls_at, dtype)[1].tolist() == [[True, False, True]]


def test_rounding_to_float32_agrees_with_fractions(rng):
    """Every number here is within 2⁻⁹⁰ of a midpoint, where rounding to float64 first lands on it."""
    arb = require("flint").arb
    with balls.precision(200):
        for _ in range(300):
            k, below = int(rng.integers(1 << 23)), int(rng.integers(-1, 2))
            exact = Fraction(2 * k + 1, 1 << 24) + 1 + Fraction(below, 1 << 90)
            ball = arb(exact.numerator) / exact.denominator
            floor = Fraction(2 * k, 1 << 24) + 1
            up = exact - floor > Fraction(1, 1 << 24) or (below == 0 and k % 2 == 1)
            assert balls.nearest_floats([ball], "float32")[0] == float(floor + (Fraction(2, 1 << 24) if up else 0))


def test_a_unit_exactly_at_its_kink_has_slope_zero():
    layers, theta, X, Y = drawn([4, 6, 3], "relu", 5, np.random.default_rng(0))
    X[:, 1] = 0
    theta = (theta[0]._replace(b=np.zeros((6, 1))), *theta[1:])
    E = balls.enclosures(layers, theta, X, Y)
    assert all(E.A[1][i, 1].is_zero() and E.dA[1][i, 1].is_zero() for i in range(6))
    assert not balls.other_side(layers, E, activations(layers, theta, X))


def test_precision_is_raised_until_a_cancelling_unit_is_decided():
    layers = nnref.mlp([3, 1, 2])
    theta = (nnref.Affine(np.array([[1e30, 1e-30, -1e30]]), np.zeros((1, 1))), (), nnref.initialise(layers)[2])
    E = balls.enclosures(layers, theta, np.ones((3, 1)), nnref.one_hot([0], classes=2), bits=64)
    assert E.bits > 64
    assert E.A[2][0, 0] > 0
    X = np.ones((3, 1))
    assert balls.other_side(layers, E, activations(layers, theta, X)) == [(1, 0, 0)]


def test_what_no_precision_decides_is_named(monkeypatch):
    """tanh 1 + tanh(−1) is 0, but no ball around it is: the second layer's rectifier cannot be decided."""
    from nnref.layer import ACTIVATIONS

    monkeypatch.setattr(balls, "LIMIT", 512)
    (first, second, last) = (nnref.mlp([1, 2])[0], nnref.mlp([2, 1])[0], nnref.mlp([1, 2])[0])
    layers = (first, ACTIVATIONS["tanh"], second, ACTIVATIONS["relu"], last)
    theta = (
        nnref.Affine(np.array([[1.0], [-1.0]]), np.zeros((2, 1))),
        (),
        nnref.Affine(np.array([[1.0, 1.0]]), np.zeros((1, 1))),
        (),
        nnref.Affine(np.ones((2, 1)), np.zeros((2, 1))),
    )
    with pytest.raises(Undecided, match=r"example 0: unit 0 of layer 2, 512 bits: .* neither side of the kink"):
        balls.enclosures(layers, theta, np.ones((1, 1)), nnref.one_hot([0], classes=2))


def test_an_exact_zero_must_be_one(rng):
    layers, theta, X, Y = drawn([4, 6, 3], "relu", 5, rng)
    X[2] = 0
    E, S = balls.enclosures(layers, theta, X, Y), noise.scale(layers, theta, X, Y, "float64")
    G = nnref.gradients(layers, theta, X, Y)
    assert (balls.multiples_in_balls(G, E, S, "float64")["W1"][:, 2] == 0).all()
    G[0].W[:, 2] = 5e-324
    assert (balls.multiples_in_balls(G, E, S, "float64")["W1"][:, 2] == np.inf).all()
    G[0].W[:, 2] = np.nan
    assert (balls.multiples_in_balls(G, E, S, "float64")["W1"] == np.inf).all()


def test_the_quotient_is_rounded_up(rng):
    """A gradient off by exactly 3 u S, where both are powers of two, is 3 units, and never less."""
    layers, theta, X, Y = drawn([2, 2], "relu", 3, rng)
    G, E = balls.gradient(layers, theta, X, Y)
    S = (nnref.Affine(np.full((2, 2), 2.0**-3), np.full((2, 1), 2.0**-3)),)
    off = (nnref.Affine(G[0].W + 3 * 2.0**-56 * 1024, G[0].b),)
    q = balls.multiples_in_balls(off, E, S, "float64")["W1"]
    for i, j in np.ndindex(2, 2):
        g = E.gradients["W1"][i, j]
        with balls.precision(300):
            real = abs(require("flint").arb(float(off[0].W[i, j])) - g) * 2**56
        assert float(real.lower()) <= q[i, j] <= float(real.upper()) * (1 + 1e-12)


def test_large_logits_and_tiny_probabilities_are_decided():
    """1 − p of a p that is nearly 1 is not computed as a difference, so 128 bits are enough for e^−3000."""
    layers = nnref.mlp([1, 2])
    theta = (nnref.Affine(np.array([[3000.0], [0.0]]), np.zeros((2, 1))),)
    G, E = balls.gradient(layers, theta, np.ones((1, 1)), nnref.one_hot([0], classes=2))
    assert E.bits == balls.BITS
    assert (G[0].W == 0).all()  # nearest to ∓ e^−3000, which float64 does not have
    assert not E.gradients["W1"][0, 0].is_zero()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda X, Y: (np.full_like(X, np.nan), Y), "X should be a matrix of finite float32 or float64"),
        (lambda X, Y: (X.astype(int), Y), "int64"),
        (lambda X, Y: (X[0], Y), r"shape \(5,\)"),
        (lambda X, Y: (X[:3], Y), "should have 4 rows"),
        (lambda X, Y: (X, Y.T), "one-hot"),
    ],
)
def test_what_does_not_fit_is_refused(change, message, rng):
    layers, theta, X, Y = drawn([4, 6, 3], "relu", 5, rng)
    with pytest.raises(ValueError, match=message):
        balls.enclosures(layers, theta, *change(X, Y))


def test_the_precision_is_put_back(rng):
    ctx = require("flint").ctx
    before = ctx.prec, ctx.cap
    series.agreement(*drawn([2, 2], "relu", 3, rng))
    assert (ctx.prec, ctx.cap) == before
