"""Is every gradient of the network right? Against forward passes alone, in units of rounding."""

import numpy as np
import pytest

import nnref
from derivations.prover.proof import claims
from nnref import affine, layer, relu, sigmoid, softmax, softmax_cross_entropy
from nnref.checking.operations import record
from nnref.checking.reference import noise, truth
from nnref.network import activations, rounded
from tests.support.networks import NETWORKS
from tests.support.records import with_slope, wrong_slopes


def drawn(sizes, activation, N, rng, dtype="float64", size=1.0):
    """A network at a point where nothing is zero by accident: signed inputs, biases that are not zero."""
    layers = nnref.mlp(sizes, activation)
    theta = tuple(
        nnref.Affine((size * t.W).astype(dtype), rng.standard_normal(t.b.shape).astype(dtype)) if t else ()
        for t in nnref.initialise(layers, int(rng.integers(1 << 30)))
    )
    X = rng.standard_normal((sizes[0], N)).astype(dtype)
    return layers, theta, X, nnref.one_hot(rng.integers(0, sizes[-1], N), sizes[-1])


def worst(layers, theta, X, Y):
    """The largest difference from the truth as a share of what is allowed."""
    G, T = nnref.named(nnref.gradients(layers, theta, X, Y)), nnref.named(truth.gradient(layers, theta, X, Y))
    S = nnref.named(noise.scale(layers, theta, X, Y, X.dtype))
    bound = noise.allowed(layers, theta, X.shape[1])
    return max(float(noise.multiples(G[p], T[p], S[p], X.dtype, truth.FLOOR).max()) for p in G) / bound


def undecided(layers, theta, X):
    """Whether rounding puts some unit on the other side of a kink."""
    exact = tuple(rounded(t, "float64") for t in theta)
    pairs = zip(layers, activations(layers, theta, X), activations(layers, exact, X.astype("float64")), strict=False)
    return any(((a > k.at) != (b > k.at)).any() for made, a, b in pairs for k in record.kinks(made.name))


@pytest.mark.parametrize("network", NETWORKS, ids=str)
def test_every_gradient_is_within_rounding_of_the_truth(network, rng):
    assert worst(*drawn(*network, rng)) <= 1


@pytest.mark.parametrize("activation", layer.ACTIVATIONS)
def test_random_networks_of_all_depths_and_scales_raise_no_alarm(activation, rng, draws):
    for _ in range(draws(20, 60, ci=60)):
        sizes = [int(n) for n in rng.integers(1, 10, rng.integers(2, 10))]
        dtype, size = str(rng.choice(["float32", "float64"])), float(10 ** rng.uniform(-3, 2))
        case = drawn(sizes, activation, int(rng.integers(1, 9)), rng, dtype, size)
        if not undecided(*case[:3]):
            with np.errstate(over="ignore", under="ignore"):
                assert worst(*case) <= 1, (sizes, dtype, size)


def test_the_truth_agrees_with_central_differences(rng):
    layers, theta, X, Y = drawn([4, 6, 5, 3], "tanh", 5, rng)
    T = truth.gradient(layers, theta, X, Y)[2].W
    h = 1e-5
    for i, j in np.ndindex(T.shape):
        E = np.zeros_like(T)
        E[i, j] = h
        up, down = (
            nnref.loss(layers, (*theta[:2], theta[2]._replace(W=theta[2].W + s * E), *theta[3:]), X, Y) for s in (1, -1)
        )
        # h² / 6 times a third derivative of order one, and rounding of a loss of order one divided by h
        assert abs((up - down) / (2 * h) - T[i, j]) < h * h + 4 * noise.unit("float64") * abs(up) / h


MISTAKES = {
    "dW: sign": (affine, "dW", lambda A, dZ: -dZ @ A.T),
    "dW: one example short": (affine, "dW", lambda A, dZ: dZ[:, 1:] @ A[:, 1:].T),
    "dW: 1e-6 of weight decay": (affine, "dW", lambda A, dZ: dZ @ A.T + 1e-6),
    "dW: computed in float32": (affine, "dW", lambda A, dZ: (dZ.astype("f4") @ A.T.astype("f4")).astype("f8")),
    "db: sign": (affine, "db", lambda dZ: -dZ.sum(axis=1, keepdims=True)),
    "db: averaged": (affine, "db", lambda dZ: dZ.mean(axis=1, keepdims=True)),
    "db: summed over neurons too": (affine, "db", lambda dZ: np.full((len(dZ), 1), dZ.sum())),
    "dA: sign": (affine, "dA", lambda W, dZ: -W.T @ dZ),
    "relu: mask missing": (relu, "dZ", lambda Z, dA: dA),
    "relu: mask inverted": (relu, "dZ", lambda Z, dA: np.where(Z > 0, 0, dA)),
    "relu: leaky": (relu, "dZ", lambda Z, dA: np.where(Z > 0, dA, 0.01 * dA)),
    "loss: sign": (softmax_cross_entropy, "dZ", lambda Z, Y: (Y - softmax.forward(Z)) / Z.shape[1]),
    "loss: 1/N missing": (softmax_cross_entropy, "dZ", lambda Z, Y: softmax.forward(Z) - Y),
    "loss: divided by the classes": (softmax_cross_entropy, "dZ", lambda Z, Y: (softmax.forward(Z) - Y) / len(Z)),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_planted_mistake_is_seen(mistake, rng, monkeypatch):
    module, name, wrong = MISTAKES[mistake]
    case = drawn([4, 6, 5, 3], "relu", 5, rng)
    assert worst(*case) <= 1
    monkeypatch.setattr(module, name, wrong)
    assert worst(*case) > 100


@pytest.mark.parametrize(
    ("activation", "formula"),
    [(name, f) for name in layer.ACTIVATIONS for f in wrong_slopes(name)],
    ids=lambda x: x if isinstance(x, str) else x.text,
)
def test_a_wrong_slope_is_seen(activation, formula, rng):
    """Of every activation, each wrong formula that its record knows, at dense points."""
    layers, *case = drawn([4, 6, 5, 3], activation, 5, rng)
    assert worst(layers, *case) <= 1
    assert worst(with_slope(layers, formula), *case) > 100


def test_a_gradient_that_should_be_exactly_zero_must_be(rng):
    layers, theta, X, Y = drawn([4, 6, 3], "relu", 5, rng)
    X[2] = 0
    G, S = nnref.gradients(layers, theta, X, Y), noise.scale(layers, theta, X, Y, "float64")
    assert (S[0].W[:, 2] == 0).all()
    assert (G[0].W[:, 2] == 0).all()
    wrong = G[0].W + 5e-324
    assert noise.multiples(wrong, truth.gradient(layers, theta, X, Y)[0].W, S[0].W, "float64")[0, 2] == np.inf


def test_the_unit_is_that_of_the_precision_in_use():
    assert noise.unit("float64") == 2.0**-53
    assert noise.unit("float32") == 2.0**-24
    assert noise.allowed(*_of_width(2), N=2) == noise.SAFE
    assert noise.allowed(*_of_width(2500), N=2) == 2502


def _of_width(n):
    layers = nnref.mlp([n, 2])
    return layers, nnref.initialise(layers)


def test_the_slope_of_relu_at_zero_is_zero_for_numbers_and_for_complex_steps():
    Z = np.zeros((1, 1))
    assert relu.dZ(Z, np.ones((1, 1))) == 0
    for step in (1j * truth.H, -1j * truth.H):
        assert relu.forward(Z + step) == 0


def test_nan_is_not_hidden_by_an_activation():
    Z = np.array([[np.nan]])
    for made in layer.ACTIVATIONS.values():
        assert np.isnan(made.forward((), Z)).all(), made.name
        assert np.isnan(made.dA((), Z, made.forward((), Z), np.ones((1, 1)))).all(), made.name


def test_activations_and_loss_survive_logits_of_a_thousand():
    Z = np.array([[1000.0, -1000.0], [-1000.0, -1000.0], [0.0, -1000.0]])
    Y = nnref.one_hot([0, 1], classes=3)
    with np.errstate(all="raise", under="ignore"):
        assert softmax.forward(Z)[:, 0].tolist() == [1, 0, 0]
        assert softmax_cross_entropy.forward(Z, Y) == pytest.approx(np.log(3) / 2, rel=4 * noise.unit("float64"))
        assert sigmoid.forward(Z)[:, 0].tolist() == [1, 0, 0.5]
        for made in layer.ACTIVATIONS.values():
            A = made.forward((), Z)
            assert np.isfinite(A).all(), made.name
            assert np.isfinite(made.dA((), Z, A, np.ones_like(Z))).all(), made.name
    assert softmax_cross_entropy.forward(Z, nnref.one_hot([1, 1], classes=3)) == pytest.approx(1000 + np.log(3) / 2)


def test_softmax_and_cross_entropy_apart_give_what_they_give_together(rng):
    from nnref import cross_entropy

    Z, Y = rng.standard_normal((4, 5)), nnref.one_hot(rng.integers(0, 4, 5), classes=4)
    P, dl = softmax.forward(Z), np.full((1, 5), 1 / 5)
    together = softmax_cross_entropy.dZ(Z, Y)
    apart = softmax.dZ(P, cross_entropy.dP(P, Y, dl))
    assert cross_entropy.forward(P, Y).mean() == pytest.approx(softmax_cross_entropy.forward(Z, Y), rel=1e-14)
    assert abs(apart - together).max() <= 16 * noise.unit("float64")


def test_nothing_is_modified_in_place(rng):
    layers, theta, X, Y = drawn([4, 6, 5, 3], "relu", 5, rng)
    arrays = [X, Y, *nnref.named(theta).values()]
    before = [A.copy() for A in arrays]
    nnref.gradients(layers, theta, X, Y)
    assert all((A == B).all() for A, B in zip(arrays, before, strict=True))


def test_the_layers_look_their_functions_up_at_each_call(monkeypatch):
    monkeypatch.setattr(relu, "forward", lambda Z: Z + 1)
    assert layer.ACTIVATIONS["relu"].forward((), np.zeros((1, 1))) == 1


def test_the_table_of_networks_has_the_activations_people_use_and_each_has_its_slope_proved():
    found = {activation for _, activation, _ in NETWORKS}
    assert found >= {"relu", "sigmoid", "tanh", "leaky_relu"}
    assert {f"{activation}.dZ" for activation in found} <= claims().keys()
