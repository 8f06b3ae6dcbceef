"""Does TensorFlow, which shares no code with us, give the same gradients?"""

import numpy as np
import pytest

import nnref
from nnref.checking.reference import noise
from nnref.layer import Affine
from tests.concepts.test_gradients import drawn
from tests.conftest import require
from tests.support.networks import NETWORKS
from tests.support.tensorflow_operations import operation, there_is


def tape(sizes, activation, theta, X, Y):
    """The gradients by tf.GradientTape, in float64 and in TensorFlow's own convention of rows."""
    tf = require("tensorflow")
    variables = [tf.Variable(p) for t in theta if isinstance(t, Affine) for p in t]
    with tf.GradientTape() as recorded:
        A = tf.constant(X.T)
        for l in range(len(sizes) - 1):
            A = tf.linalg.matmul(A, variables[2 * l], transpose_b=True) + tf.transpose(variables[2 * l + 1])
            A = operation(tf, activation, Z=A) if l < len(sizes) - 2 else A
        losses = tf.nn.softmax_cross_entropy_with_logits(labels=Y.T.astype("float64"), logits=A)
        loss = tf.reduce_mean(losses)
    return [g.numpy() for g in recorded.gradient(loss, variables)]


@pytest.mark.parametrize("network", NETWORKS, ids=str)
def test_gradient_tape_agrees_within_the_rounding_of_both(network, rng):
    sizes, activation, _ = network
    layers, theta, X, Y = drawn(*network, rng)
    ours = nnref.named(nnref.gradients(layers, theta, X, Y))
    scale = nnref.named(noise.scale(layers, theta, X, Y, "float64"))
    if not there_is(require("tensorflow"), activation.split()[0]):
        pytest.skip(f"TensorFlow has no {activation}")
    theirs = dict(zip(ours, tape(sizes, activation, theta, X, Y), strict=True))
    for p, G in ours.items():
        S = np.where(scale[p] > 0, scale[p], np.finfo("float64").tiny)
        assert (noise.multiples(G, theirs[p], S, "float64") <= noise.allowed(layers, theta, X.shape[1])).all(), p
