"""Do networks of general layers pass the gate, learn, go on after a stop, and fail where one gradient is wrong?"""

import json
from pathlib import Path

import numpy as np
import pytest

import nnref
from derivations.output import verdict
from derivations.prover.proof import claims
from nnref import affine, cli, conv2d, flatten, layer_norm, max_pool, multi_head, network, patch_embedding
from nnref.architectures import NETWORKS, described
from nnref.checking.reference import trees, truth
from nnref.layer import ACTIVATIONS, Layer, affine_layer, all_names, chain
from nnref.parameters import mapped, named
from nnref.positions import images, mean_over_positions, per_position
from nnref.running import folder, gate

SMALL = nnref.cnn(side=12, classes=3, channels=(2, 3), kernel=3)

FORMER = nnref.transformer(side=6, classes=3, patch=3, width=4, heads=2, blocks=1)

SEQUENCE = (
    images(3, 4, 1),
    per_position(affine_layer(3, 4)),
    nnref.residual(
        chain(per_position(layer_norm.layer(4)), per_position(ACTIVATIONS["tanh"]), per_position(affine_layer(4, 4)))
    ),
    flatten.layer(),
    affine_layer(16, 3),
)
"""Layers within layers: a residual of a chain, at every position."""


@pytest.fixture
def proofs_are_kept(own_cache):
    """As after a first run: the command need not prove the claims here."""
    if not verdict.recall("claims"):
        verdict.keep("claims", {name: claim.uses for name, claim in claims().items()})


@pytest.fixture
def digits(rng):
    """Three kinds of images of 12 × 12 pixels, a bright spot in another corner each, on noise."""
    labels = np.arange(90) % 3
    pixels = rng.random((90, 12, 12)) * 0.3
    for image, label in zip(pixels, labels, strict=True):
        image[(0, 0, 8)[label] : (4, 4, 12)[label], (0, 8, 0)[label] : (4, 12, 4)[label]] += 0.7
    X = pixels.reshape(90, 144).astype("float32").T
    return nnref.Dataset.from_columns(X[:, :72], labels[:72], X[:, 72:], labels[72:], source="spots")


def at(layers, n, rng, dtype="float64", N=24):
    """Parameters without a constant, and a batch of columns with labels."""
    theta = mapped(lambda p: (p + 0.3 * rng.standard_normal(p.shape)).astype(dtype), network.initialise(layers))
    return theta, rng.standard_normal((n, N)).astype(dtype), nnref.one_hot(np.arange(N) % 3, 3, dtype)


@pytest.mark.parametrize(
    ("layers", "n"), [(SMALL, 144), (FORMER, 36), (SEQUENCE, 12)], ids=["cnn", "transformer", "sequence"]
)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_every_gradient_of_a_network_of_general_layers_passes_the_gate(layers, n, dtype, rng):
    theta, X, Y = at(layers, n, rng, dtype)
    found = gate.check(layers, theta, X, Y)
    assert found.ok, found
    assert found.checked == sum(p.size for p in named(theta).values())
    assert {entry.parameter for entry in found.entries} == set(named(theta))
    assert 0 < found.worst < found.allowed


WRONG = {
    "conv2d.dW": (conv2d, "dW", SMALL, 144),
    "conv2d.db": (conv2d, "db", SMALL, 144),
    "conv2d.dX": (conv2d, "dX", SMALL, 144),
    "max_pool.dX": (max_pool, "dX", SMALL, 144),
    "multi_head.dQ": (multi_head, "_to_queries", FORMER, 36),
    "multi_head.dV": (multi_head, "_to_values", FORMER, 36),
    "patch_embedding.dE": (patch_embedding, "dE", FORMER, 36),
    "affine.dA": (affine, "dA", SEQUENCE, 12),
    "layer_norm.dX": (layer_norm, "dX", SEQUENCE, 12),
    "layer_norm.dgamma": (layer_norm, "dgamma", SEQUENCE, 12),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_gradient_that_is_a_millionth_too_large_fails_the_gate(name, rng, monkeypatch):
    """Typical errors through attention, norms and long sums leave no room for it: a bound of them would."""
    module, attribute, layers, n = WRONG[name]
    right = getattr(module, attribute)
    monkeypatch.setattr(module, attribute, lambda *arguments: right(*arguments) * (1 + 1e-6))
    theta, X, Y = at(layers, n, rng, "float32")
    found = gate.check(layers, theta, X, Y)
    assert found.failed > 0


def test_the_truth_of_general_layers_is_that_of_the_articles_network_where_both_can_tell(rng):
    """A network with layers before it that only rearrange has the very gradients of the network without them."""
    plain = nnref.mlp([12, 5, 3], "tanh")
    around = (images(3, 2, 2), flatten.layer(), *plain)
    theta, X, Y = at(plain, 12, rng, N=4)
    found = trees.gradient(around, ((), (), *theta), X, Y)
    expected = named(truth.gradient(plain, theta, X, Y))
    assert all(np.allclose(p, expected[name], rtol=1e-13, atol=1e-15) for name, p in named(found).items())


def test_an_operation_that_nobody_knows_is_refused_by_name_within_a_network_too(rng):
    def square(theta, Z):
        return Z * Z

    unknown = Layer("square", lambda rng: (), square, lambda *at: (), lambda theta, Z, A, dA: 2 * Z * dA)
    layers = (images(3, 2, 2), flatten.layer(), chain(affine_layer(12, 4), unknown), affine_layer(4, 3))
    theta, X, Y = at(layers, 12, rng)
    with pytest.raises(LookupError, match="'square'"):
        gate.check(layers, theta, X, Y)


def test_an_example_whose_pixels_tie_within_rounding_is_left_out(rng):
    """Two equal pixels of a window: either may get the gradient, and neither can be called wrong."""
    theta, X, _ = at(SMALL, 144, rng)
    X[:, 1] = 0  # every window sees the same: all of its places tie
    told = trees.decided(SMALL, theta, X)
    assert not told[1]
    assert told.any()


def test_a_convolutional_network_learns_and_a_resumed_run_has_the_same_bits(digits, tmp_path):
    settings = {"epochs": 4, "batch_size": 12, "learning_rate": 0.2, "progress": False}
    whole = nnref.train(digits, SMALL, **settings)
    assert whole.gate.ok
    assert whole.test_accuracy > 0.9
    half = nnref.train(digits, SMALL, **(settings | {"epochs": 2}), checkpoint=tmp_path / "run.npz")
    again = nnref.train(digits, SMALL, **settings, checkpoint=tmp_path / "run.npz", resume=True)
    assert half.parameters_sha256 != again.parameters_sha256 == whole.parameters_sha256


@pytest.mark.usefixtures("proofs_are_kept")
@pytest.mark.further
def test_the_command_trains_a_network_by_its_name(digits, tmp_path, capsys, monkeypatch):
    """Its pictures are those of any run, and are drawn elsewhere."""
    monkeypatch.setattr(folder, "draw", lambda *at: [])
    monkeypatch.setitem(NETWORKS, "cnn", lambda side, classes: nnref.cnn(side, classes, (2, 3), 3))
    path = tmp_path / "spots.npz"
    pixels = [
        (255 * rows.reshape(-1, 12, 12)).round().astype("uint8") for rows in (digits.rows_train, digits.rows_test)
    ]
    np.savez(path, x_train=pixels[0], y_train=digits.y_train, x_test=pixels[1], y_test=digits.y_test)
    options = ["--network", "cnn", "--epochs", "1", "--batch-size", "12", "--quiet", "--json"]
    status = cli.main(["train", "--data", str(path), "--runs", str(tmp_path / "runs"), *options])
    found = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert status == 0, found
    assert found["gate"]["ok"]
    about = json.loads((Path(found["run"]) / "settings.json").read_text())["layers"]
    assert about == {"network": "cnn", "side": 12, "classes": 10}


@pytest.mark.parametrize("name", NETWORKS)
def test_a_run_says_which_network_it_was_and_that_is_made_again(name):
    layers = NETWORKS[name](28, 10)
    again = folder.made_again(described(layers, 28, 10))
    assert list(all_names(again)) == list(all_names(layers))
    assert described(nnref.mnist_mlp(), 28, 10) is None


def test_what_is_no_network_is_refused(digits):
    from nnref.running.train import fitting

    with pytest.raises(ValueError, match="network should be one of mlp, cnn"):
        fitting(digits, name="rnn")
    with pytest.raises(ValueError, match="too small for 2 stages"):
        nnref.cnn(side=8, kernel=5)
    with pytest.raises(nnref.ShapeError, match="columns of 3 × 2 × 2 = 12 pixels"):
        images(3, 2, 2).forward((), np.ones((11, 2)))


def test_layers_of_positions_are_the_vjp_of_their_forward_pass(rng):
    for layer, shape in (
        (images(2, 3, 2), (12, 4)),
        (flatten.layer(), (2, 3, 2, 4)),
        (mean_over_positions(), (3, 5, 4)),
        (per_position(affine_layer(3, 2)), (3, 5, 4)),
    ):
        theta, A = mapped(lambda p: p + rng.standard_normal(p.shape), layer.init(rng)), rng.standard_normal(shape)
        report = nnref.check_vjp(
            lambda A, layer=layer, theta=theta: layer.forward(theta, A),
            lambda A, dY, layer=layer, theta=theta: layer.dA(theta, A, layer.forward(theta, A), dY),
            {"A": A},
        )
        assert report.ok, (layer.name, report)
