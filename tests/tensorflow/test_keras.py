"""Does a network go to Keras and come back with the same numbers, and is what Keras has beside refused by name?"""

import numpy as np
import pytest

import nnref
from nnref import patch_embedding, rnn
from nnref.checking.reference import noise, trees
from nnref.layer import affine_layer
from nnref.parameters import mapped
from nnref.positions import images
from nnref.tensorflow.outward import ACTIVATIONS_OF_KERAS
from tests.conftest import require
from tests.support.general import GENERAL, N, drawn, handed_over
from tests.support.quick import some


@pytest.fixture
def keras():
    require("tensorflow")
    return require("keras")


@pytest.fixture
def exchange(keras):
    return require("nnref.tensorflow")


def step_of(model, R, Y, training):
    """The logits, the loss, and the gradient of every variable, by TensorFlow's tape."""
    import tensorflow as tf

    with tf.GradientTape() as tape:
        logits = model(R, training=training)
        loss = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(Y.T, logits))
    gradients = tape.gradient(loss, model.trainable_variables)
    return logits.numpy(), float(loss), [tf.convert_to_tensor(g).numpy() for g in gradients]


def out(tensor):
    return tensor.numpy()


def furthest(ours, theirs, S):
    """The largest difference of two trees in units of rounding; where nothing rounds, they are equal."""
    ours, theirs, S = (nnref.named(tree) for tree in (ours, theirs, S))
    assert {name: G.shape for name, G in ours.items()} == {name: G.shape for name, G in theirs.items()}
    found = [noise.multiples(theirs[p], ours[p], np.maximum(S[p], np.finfo("float64").tiny), "float64") for p in ours]
    return max(float(multiples.max()) for multiples in found)


@pytest.mark.parametrize("name", some(handed_over(ACTIVATIONS_OF_KERAS), 6))
def test_keras_has_the_same_logits_loss_and_gradients_and_comes_back_to_the_bit(name, exchange, rng):
    layers, shape, theta, X, Y = drawn(name, rng)
    model, R = exchange.to_keras(layers, theta, shape), exchange.rows(layers, X)
    training = name == "batch_norm"
    logits, loss, gradients = step_of(model, R, Y, training)
    ours = nnref.forward(layers, theta, X)
    assert np.allclose(logits.T, ours, rtol=1e-13, atol=1e-13)
    assert loss == pytest.approx(float(nnref.loss(layers, theta, X, Y)), rel=1e-14)
    S, allowed = trees.scale(layers, theta, X, Y, "float64")
    G = nnref.gradients(layers, theta, X, Y)
    assert furthest(G, exchange.parameters_of(model, layers, gradients), S) <= allowed
    back, parameters = exchange.from_keras(model, training)
    assert [same.tolist() for same in exchange.weights_of(back, parameters, shape)] == [
        same.tolist() for same in exchange.weights_of(layers, theta, shape)
    ]
    assert np.array_equal(nnref.forward(back, parameters, exchange.columns(back, R)), ours)


def test_a_hundred_steps_of_keras_end_where_ours_do(exchange, keras, rng):
    """The rate is a power of two: Keras keeps it in single precision, in which 0.1 is another number."""
    import tensorflow as tf

    layers, shape, theta, X, Y = drawn("images", rng)
    model, R = exchange.to_keras(layers, theta, shape), exchange.rows(layers, X)
    optimiser = keras.optimizers.SGD(0.125)
    variables = model.trainable_variables
    optimiser.build(variables)

    @tf.function
    def step():
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(Y.T, model(R)))
        optimiser.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))

    for _ in range(100):
        step()
        theta = mapped(lambda p, g: p - 0.125 * g, theta, nnref.gradients(layers, theta, X, Y))
    ours, theirs = nnref.named(theta), nnref.named(exchange.from_keras(model)[1])
    for p, value in ours.items():
        assert abs(theirs[p] - value).max() <= 1e-10 * abs(value).max(), p


def test_a_keras_model_as_people_write_it_is_read_and_a_softmax_at_its_end_is_the_losss(exchange, keras, rng):
    keras.utils.set_random_seed(0)
    convolution = keras.layers.Conv2D(4, 3, padding="same", activation="relu", dtype="float64")
    model = keras.Sequential(
        [
            keras.Input((8, 6, 3), dtype="float64"),
            convolution,
            keras.layers.BatchNormalization(dtype="float64"),
            keras.layers.MaxPooling2D(dtype="float64"),
            keras.layers.Dropout(0.5, dtype="float64"),
            keras.layers.Flatten(dtype="float64"),
            keras.layers.Dense(5, activation="tanh", dtype="float64"),
            keras.layers.Dense(3, activation="softmax", dtype="float64"),
        ]
    )
    R = rng.standard_normal((N, 8, 6, 3))
    layers, theta = exchange.from_keras(model)
    P = np.exp(nnref.forward(layers, theta, exchange.columns(layers, R)))
    assert np.allclose((P / P.sum(axis=0)).T, out(model(R)), rtol=1e-12)
    names = ["conv2d", "per_position", "per_position", "max_pool", "flatten", "affine", "tanh", "affine"]
    assert [layer.name for layer in layers] == names
    with pytest.raises(ValueError, match=r"Dropout 'dropout.*drops in training is random"):
        exchange.from_keras(model, training=True)
    model.layers[3].rate = 0.0
    layers, theta = exchange.from_keras(model, training=True)
    P = np.exp(nnref.forward(layers, theta, exchange.columns(layers, R)))
    assert np.allclose((P / P.sum(axis=0)).T, out(model(R, training=True)), rtol=1e-12)


def test_a_wrong_layout_would_be_seen(exchange, rng):
    """Keras flattens channels last: kernels that are not put in that order give other logits."""
    layers, shape, theta, X, _ = drawn("images", rng)
    model = exchange.to_keras(layers, theta, shape)
    model.trainable_variables[-2].assign(theta[-1].W.T)
    model.trainable_variables[-4].assign(theta[-2].gamma[::-1, 0])
    assert abs(out(model(X.T)).T - nnref.forward(layers, theta, X)).max() > 0.1


def test_a_saved_model_is_loaded_with_the_same_numbers(exchange, keras, rng, tmp_path):
    layers, shape, theta, X, _ = drawn("gelu_tanh", rng)
    model = exchange.to_keras(layers, theta, shape)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    assert np.array_equal(out(again(X.T)), out(model(X.T)))


@pytest.mark.parametrize(
    ("layers", "says"),
    [
        (
            (patch_embedding.layer(1, 4, 2, 2, 2, 2),),
            "computes 'patch_embedding'. Those it has are affine",
        ),
        ((rnn.layer(3, 4),), "no layer that computes 'rnn'"),
        ((images(2, 3, 4), GENERAL["windows"][0][0], GENERAL["images"][0][5]), "followed by an affine layer"),
        ((GENERAL["windows"][0][0],), r"pass that of one, .*shape=\(3, 32, 32\)"),
    ],
)
def test_what_keras_has_not_is_refused_by_name(layers, says, exchange):
    shape = {"patch_embedding": (1, 4, 4), "rnn": (3, 5)}.get(layers[0].name)
    with pytest.raises(ValueError, match=says):
        exchange.to_keras(layers, nnref.initialise(layers), shape)


def refused(keras):
    """Models that the handbook has no layers for, and what is said of each."""
    given, L = keras.Input((4,)), keras.layers
    images = keras.Input((7, 8, 2))
    shared = L.Dense(4, name="twice")

    class Own(L.Dense):
        pass

    yield given, Own(3, name="mine")(given), "Own 'mine': a class of your own; the handbook's layers"
    yield given, L.Dense(3, use_bias=False)(given), "use_bias should be True; False came"
    yield given, L.Dense(3, activation="selu")(given), "its activation 'selu' is none of the handbook's"
    yield given, L.Dense(3, activation="softmax")(L.Dense(4, activation="softmax")(given)), "'softmax' is none"
    yield given, L.Dense(3, kernel_regularizer="l2")(given), "kernel_regularizer should be None"
    yield given, L.Dense(3, trainable=False)(given), "trainable should be True; False came"
    yield given, L.Dense(3, dtype="mixed_float16")(given), "computes in another precision than it keeps"
    yield given, L.Dropout(0.1)(L.Dense(3, dtype="float64")(given)), "Dropout .*computes in float32, and the other"
    yield given, L.Add()([given, L.Dropout(0.1)(given)]), "adds what it began with to itself"
    yield given, shared(shared(given)), "Dense 'twice': it is used twice"
    yield given, L.Concatenate()([L.Dense(2)(given), given]), "several inputs, and is no residual"
    yield given, L.Add()([L.Dense(2)(given), L.Dense(2)(given)]), "should add a branch to what it began with"
    yield (
        given,
        L.UnitNormalization()(given),
        "UnitNormalization .*that Keras has are Activation, Av",
    )
    yield images, L.Conv2D(3, 2, strides=(1, 2))(images), "strides should be the same for rows and columns"
    yield images, L.Conv2D(4, 3, groups=2)(images), "groups should be 1; 2 came"
    yield images, L.Conv2D(3, 2, padding="same")(images), None
    yield images, L.Conv2D(3, 3, strides=2, padding="same")(images), "lies unevenly around images"
    yield images, L.AveragePooling2D(3, 1, padding="same")(images), "leaves the padding out"
    yield images, L.BatchNormalization(axis=1)(images), "axis should be -1, the features; 1 came"


def test_what_the_handbook_has_not_is_refused_by_name(exchange, keras):
    for given, out, says in refused(keras):
        model = keras.Model(given, out)
        if says is not None:
            with pytest.raises(ValueError, match=says):
                exchange.from_keras(model)
    with pytest.raises(ValueError, match="not built"):
        exchange.from_keras(keras.Sequential([keras.layers.Dense(3)]))


def test_a_network_that_learns_nothing_goes_there_too(exchange):
    layers = (GENERAL["images"][0][4],)
    assert exchange.to_keras(layers, ((),), (1, 4, 4))(np.ones((2, 4, 4, 1), "float32")).shape == (2, 3, 3, 1)


def test_gradients_of_another_number_are_refused(exchange, rng):
    layers = (affine_layer(3, 2),)
    model = exchange.to_keras(layers, nnref.initialise(layers))
    with pytest.raises(ValueError, match="2 arrays of parameters; 1 came"):
        exchange.parameters_of(model, layers, [np.zeros((3, 2))])


# A Keras model whose backward pass is somebody's own


def perceptron(keras, slope, of_bias):
    """5-6-4-3 with a rectifier and a Dense of one's own: slope(z) times dY goes back, and of_bias(dY) to the bias."""
    import tensorflow as tf

    @tf.custom_gradient
    def rectified(z):
        return tf.nn.relu(z), lambda dY: dY * slope(z)

    @tf.custom_gradient
    def affine(A, W, b):
        return A @ W + b, lambda dY: (dY @ tf.transpose(W), tf.transpose(A) @ dY, of_bias(dY))

    class Own(keras.layers.Dense):
        def call(self, A):
            return affine(A, tf.identity(self.kernel), tf.identity(self.bias))

    first = [keras.Input((5,), dtype="float64"), keras.layers.Dense(6, dtype="float64")]
    rest = [
        Own(4, dtype="float64"),
        keras.layers.Activation(rectified, dtype="float64"),
        keras.layers.Dense(3, dtype="float64"),
    ]
    return keras.Sequential([*first, keras.layers.Activation(rectified, dtype="float64"), *rest])


PLANTED = {
    "right": (lambda tf, z: tf.cast(z > 0, z.dtype), lambda tf, dY: tf.reduce_sum(dY, axis=0)),
    "slope.missing": (lambda tf, z: tf.ones_like(z), lambda tf, dY: tf.reduce_sum(dY, axis=0)),
    "bias.averaged": (lambda tf, z: tf.cast(z > 0, z.dtype), lambda tf, dY: tf.reduce_mean(dY, axis=0)),
}


@pytest.mark.parametrize("planted", PLANTED)
def test_certify_names_the_tensor_and_the_mistake_of_a_planted_custom_gradient_of_keras(planted, keras, rng):
    import tensorflow as tf

    keras.utils.set_random_seed(1)
    slope, of_bias = PLANTED[planted]
    model = perceptron(keras, lambda z: slope(tf, z), lambda dY: of_bias(tf, dY))
    X, y = rng.standard_normal((N, 5)), rng.integers(0, 3, N)
    gradients = step_of(model, X, nnref.one_hot(y, 3, "float64"), None)[2]
    cert = nnref.certify(model, X, y, gradients)
    wrong = {"right": set(), "slope.missing": {"W1", "b1", "W2", "b2"}, "bias.averaged": {"b2"}}[planted]
    assert {entry.name for entry in cert.wrong} == wrong
    assert cert.ok == (planted == "right")
    assert cert.diagnosis == (planted if wrong else None)
    assert cert.first_wrong == {"slope.missing": "dZ2", "bias.averaged": "db2"}.get(planted)


# TensorFlow as an engine of training


@pytest.fixture
def blobs(rng):
    """Three clouds of points, as pixels."""
    labels = np.arange(332) % 3
    X = (rng.standard_normal((332, 6)) * 30 + 60 + 100 * np.eye(3, 6)[labels]).clip(0, 255).astype("uint8")
    return nnref.Dataset(X[:300], labels[:300], X[300:], labels[300:], source="blobs", classes=3)


SMALL = {"layers": nnref.mlp([6, 7, 5, 3]), "epochs": 2, "batch_size": 31, "progress": False, "device": "cpu"}


def test_training_by_keras_ends_where_ours_does(keras, blobs):
    ours, theirs = (nnref.train(blobs, **SMALL, dtype="float64", engine=name) for name in ("numpy", "tensorflow"))
    assert theirs.gate.ok
    assert theirs.settings.device == "cpu:0"
    for p, value in nnref.named(ours.parameters).items():
        assert abs(nnref.named(theirs.parameters)[p] - value).max() <= 1e-10 * abs(value).max(), p
    assert theirs.loss_by_step == pytest.approx(ours.loss_by_step, rel=1e-10)
    with pytest.raises(ValueError, match=r"no device 'tpu:3'. It has .*cpu:0"):
        nnref.train(blobs, **SMALL | {"device": "tpu:3"}, engine="tensorflow")


def test_a_wrong_gradient_of_keras_stops_at_the_gate(keras, exchange, blobs, monkeypatch):
    right = exchange.parameters_of
    monkeypatch.setattr(exchange, "parameters_of", lambda *at: mapped(lambda g: 1.05 * g, right(*at)))
    with pytest.raises(nnref.GateError, match="forward passes alone say"):
        nnref.train(blobs, **SMALL, engine="tensorflow")
