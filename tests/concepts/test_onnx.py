"""Does an exported network, run by onnxruntime, give the logits of the reference within the rounding of both?"""

import numpy as np
import pytest

import nnref
from nnref import batch_norm, layer_norm, max_pool, rnn
from nnref import onnx as exchange
from nnref.checking.operations.running import Running, noting
from nnref.checking.reference.trees import REACH, running_input
from nnref.layer import ACTIVATIONS, Layer, activations, affine_layer, all_names
from nnref.parameters import mapped
from nnref.positions import images, mean_over_positions, per_position
from nnref.precision import unit
from nnref.shapes import trusted
from tests.conftest import require
from tests.support.general import GENERAL, N, drawn, handed_over

RECURRENT = (rnn.layer(3, 4), per_position(layer_norm.layer(4)), mean_over_positions(), affine_layer(4, 3))
NETWORKS = handed_over(exchange.ACTIVATIONS_OF_ONNX)
del NETWORKS["batch_norm"]


def out_of(model, given):
    """What onnxruntime makes of the examples."""
    runtime = require("onnxruntime")
    session = runtime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {"X": given})[0]


def room(layers, theta, X):
    """How far rounding may take each logit of two passes in float32, in whatever order they add."""
    exact = mapped(lambda p: p.astype("float64"), theta)
    with trusted(), noting(typical=True), np.errstate(all="ignore"):
        Z = activations(layers, tuple(mapped(Running, theta_l) for theta_l in exact), running_input(X))[-1]
    return 2 * REACH * unit("float32") * Z.e


def agrees(layers, theta, X, shape):
    """Are the logits those of the reference? What comes out without the last bias is not."""
    model = exchange.to_onnx(layers, theta, shape)
    gap = abs(out_of(model, exchange.rows(layers, X)).T - nnref.forward(layers, theta, X))
    return bool((gap <= room(layers, theta, X)).all())


def test_every_activation_and_every_layer_that_can_be_exported_is_in_a_network_here():
    """A layer that nothing exports is named here. An activation without operators is refused by its name."""
    assert exchange.ACTIVATIONS_OF_ONNX.keys() <= ACTIVATIONS.keys()
    networks = [*(layers for layers, _ in NETWORKS.values()), RECURRENT, nnref.transformer(blocks=1)]
    exported = {name for layers in networks for name in all_names(layers)}
    assert {*exchange.MAKERS, *exchange.ACTIVATIONS_OF_ONNX} - exported == set()


@pytest.mark.parametrize("name", NETWORKS)
def test_onnxruntime_gives_the_logits_of_the_reference(name, rng):
    require("onnx")
    layers, shape, theta, X, _ = drawn(name, rng, "float32")
    assert agrees(layers, theta, X, shape)


@pytest.mark.parametrize(
    "layers", [nnref.transformer(blocks=1), nnref.cnn(), RECURRENT], ids=["patches", "windows", "time"]
)
def test_networks_of_patches_of_windows_and_of_time_are_exported_too(layers, rng):
    require("onnx")
    theta = mapped(lambda p: (p + 0.1 * rng.standard_normal(p.shape)).astype("float32"), nnref.initialise(layers))
    shape = (3, 5) if layers is RECURRENT else (784,)
    assert agrees(layers, theta, rng.standard_normal((*shape, N)).astype("float32"), shape)


def test_probabilities_are_the_softmax_of_the_logits_of_a_trained_network(rng):
    require("onnx")
    labels = np.arange(320) % 3
    X = (rng.standard_normal((320, 6)) * 30 + 60 + 100 * np.eye(3, 6)[labels]).clip(0, 255).astype("uint8")
    data = nnref.Dataset(X[:256], labels[:256], X[256:], labels[256:], source="blobs", classes=3)
    run = nnref.train(data, nnref.mlp([6, 5, 3]), epochs=20, batch_size=16, progress=False)
    P = out_of(exchange.to_onnx(run.layers, run.parameters, softmax=True), X[256:].astype("float32") / 255)
    assert P.sum(axis=1) == pytest.approx(np.ones(64), rel=1e-6)
    assert (P.argmax(axis=1) == labels[256:]).mean() == run.test_accuracy > 0.6


def test_a_wrong_bias_or_a_wrong_order_would_be_seen(rng):
    """The room for rounding hides no mistake of a layout."""
    require("onnx")
    layers, shape, theta, X, _ = drawn("images", rng, "float32")
    turned = mapped(lambda p: p[:, ::-1] if p.shape == (3, 16) else p, theta)
    lost = mapped(lambda p: p * (p.shape != (3, 1)), theta)
    for wrong in (turned, lost):
        gap = abs(
            out_of(exchange.to_onnx(layers, wrong, shape), exchange.rows(layers, X)).T - nnref.forward(layers, theta, X)
        )
        assert (gap > 10 * room(layers, theta, X)).any()


@pytest.mark.parametrize(
    ("layers", "says"),
    [
        ((images(1, 4, 4), max_pool.layer(2, 1, padding=1)), r"windows of 2 × 1 and padding=1: onnxruntime"),
        ((batch_norm.layer(3),), "depends on the batch.*batch_norm_inference.layer"),
        (
            (affine_layer(3, 2), Layer("swirl", *[lambda *_: ()] * 4)),
            "known for 'swirl'. Known are affine",
        ),
        ((GENERAL["windows"][0][0],), r"pass that of one, .*shape=\(3, 32, 32\)"),
    ],
)
def test_what_cannot_be_exported_is_refused_by_name(layers, says):
    require("onnx")
    theta = tuple(layer.init(np.random.default_rng(0)) for layer in layers)
    with pytest.raises(ValueError, match=says):
        exchange.to_onnx(layers, theta, (3,) if layers[0].name == "batch_norm" else None)
