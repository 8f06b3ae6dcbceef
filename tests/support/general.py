"""Networks of general layers, in which every layer that other libraries have comes once; dimensions are distinct."""

import numpy as np

import nnref
from nnref import (
    avg_pool,
    batch_norm,
    batch_norm_inference,
    conv2d,
    embedding,
    flatten,
    layer_norm,
    max_pool,
    multi_head,
    rms_norm,
)
from nnref.layer import ACTIVATIONS, activation, affine_layer, chain, residual
from nnref.parameters import mapped
from nnref.positions import images, mean_over_positions, per_position

N, WORDS, PLACES = 7, 9, 6


def between(*layers):
    """An affine layer, the layers on six features, and an affine one to three classes."""
    return (affine_layer(5, 6), *layers, affine_layer(6, 3)), (5,)


def handed_over(activations):
    """The networks whose activation is one of these, and all that are more than one activation."""
    return {name: net for name, net in GENERAL.items() if name.split()[0] not in {*ACTIVATIONS} - {*activations}}


STATISTICS = (
    np.array([[0.5], [-1.0], [2.0], [0.1], [0.0], [-0.3]]),
    np.array([[0.5], [1.0], [2.0], [0.7], [1.5], [3.0]]),
)
GENERAL = {
    **{name: between(activation(name)) for name in (*ACTIVATIONS, "leaky_relu 0.2", "elu 0.7")},
    "norms": between(layer_norm.layer(6), rms_norm.layer(6)),
    "batch_norm": between(batch_norm.layer(6)),
    "batch_norm_inference": between(batch_norm_inference.layer(*STATISTICS)),
    "images": (
        (
            images(3, 6, 5),
            conv2d.layer(3, 4, 3, 2, 2, 1),
            per_position(batch_norm_inference.layer(*(s[:4] for s in STATISTICS))),
            per_position(ACTIVATIONS["relu"]),
            avg_pool.layer(2, 2, 1),
            flatten.layer(),
            layer_norm.layer(16),
            affine_layer(16, 3),
        ),
        (90,),
    ),
    "windows": (
        (
            conv2d.layer(2, 4, 3, 3, 1, 1),
            max_pool.layer(3, 3, 1, 1),
            conv2d.layer(4, 3, 2, 2, 1, 0, 2),
            avg_pool.layer(2, 2, 1, 1),
            flatten.layer(),
            affine_layer(60, 3),
        ),
        (2, 6, 5),
    ),
    "text": (
        (
            per_position(embedding.layer(WORDS, 8)),
            residual(chain(per_position(layer_norm.layer(8)), multi_head.layer(8, 2, causal=True))),
            residual(
                per_position(chain(layer_norm.layer(8), affine_layer(8, 10), ACTIVATIONS["silu"], affine_layer(10, 8)))
            ),
            mean_over_positions(),
            affine_layer(8, 3),
        ),
        (WORDS, PLACES),
    ),
}
"""By name: the layers, and the shape of an example."""


def drawn(name, rng, dtype="float64"):
    """Layers, the shape of an example, parameters without a zero, examples and labels."""
    layers, shape = GENERAL[name]
    theta = mapped(lambda p: (p + 0.1 * rng.standard_normal(p.shape)).astype(dtype), nnref.initialise(layers))
    X = rng.standard_normal((*shape, N))
    if name == "text":
        X = nnref.one_hot(rng.integers(0, WORDS, PLACES * N), WORDS, dtype).reshape(WORDS, PLACES, N)
    return layers, shape, theta, X.astype(dtype), nnref.one_hot(np.arange(N) % 3, 3, dtype)
