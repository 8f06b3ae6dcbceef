"""Mistakes as people make them, as data: a name, a kind, and the function that each puts in place of a right one."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count

import numpy as np

from nnref import affine, network, relu, sgd, sigmoid, softmax, softmax_cross_entropy, tanh
from nnref.layer import Affine
from nnref.running import data, shuffle, step, train
from nnref.running.data import Dataset

P = softmax.forward
split = data.split


@dataclass(frozen=True)
class Bug:
    """A mistake: what it is called, its kind, and the functions it puts in place of the right ones."""

    name: str
    kind: str
    changes: tuple[tuple[object, str, Callable], ...]
    activation: str = "relu"

    @contextmanager
    def planted(self):
        """The mistake is in place until the block ends."""
        before = [(module, name, vars(module)[name]) for module, name, _ in self.changes]
        try:
            for module, name, wrong in self.changes:
                setattr(module, name, wrong)
            yield
        finally:
            for module, name, right in before:
                setattr(module, name, right)


def bugs(kind, module, function, activation="relu", **named):
    """Several ways to get one function wrong."""
    return [Bug(name.replace("_", " "), kind, ((module, function, f),), activation) for name, f in named.items()]


def without(M, axis=0, at=-1):
    """M with one row or column set to zero."""
    M = M.copy()
    M[(slice(None),) * axis + (at,)] = 0
    return M


def cast(dtype, M):
    """M rounded through a coarser dtype, as a stray astype does."""
    return M.astype(dtype).astype(M.dtype) if M.dtype.kind == "f" else M


DW = bugs(
    "backward",
    affine,
    "dW",
    dW_negated=lambda A, dZ: -dZ @ A.T,
    dW_averaged_over_the_batch=lambda A, dZ: dZ @ A.T / A.shape[1],
    dW_doubled=lambda A, dZ: 2 * dZ @ A.T,
    dW_without_the_first_example=lambda A, dZ: dZ[:, 1:] @ A[:, 1:].T,
    dW_without_the_last_example=lambda A, dZ: dZ[:, :-1] @ A[:, :-1].T,
    dW_transposed=lambda A, dZ: A @ dZ.T,
    dW_with_a_millionth_added=lambda A, dZ: dZ @ A.T + 1e-6,
    dW_in_float32=lambda A, dZ: cast("f4", dZ @ A.T),
    dW_from_float32_activations=lambda A, dZ: dZ @ cast("f4", A).T,
    dW_without_its_last_row=lambda A, dZ: without(dZ @ A.T),
    dW_without_its_last_column=lambda A, dZ: without(dZ @ A.T, axis=1),
    dW_with_its_first_row_negated=lambda A, dZ: np.where(np.arange(len(dZ))[:, None] == 0, -1, 1) * (dZ @ A.T),
    dW_of_absolute_activations=lambda A, dZ: dZ @ abs(A).T,
    dW_with_the_inputs_reversed=lambda A, dZ: dZ @ A[::-1].T,
    dW_with_the_examples_of_A_reversed=lambda A, dZ: dZ @ A[:, ::-1].T,
    dW_of_centred_activations=lambda A, dZ: dZ @ (A - A.mean(axis=1, keepdims=True)).T,
    dW_clipped_at_a_hundredth=lambda A, dZ: np.clip(dZ @ A.T, -0.01, 0.01),
    dW_zero=lambda A, dZ: 0 * dZ @ A.T,
)
DB = bugs(
    "backward",
    affine,
    "db",
    db_negated=lambda dZ: -dZ.sum(axis=1, keepdims=True),
    db_averaged_over_the_batch=lambda dZ: dZ.mean(axis=1, keepdims=True),
    db_one_number_for_all=lambda dZ: np.full((len(dZ), 1), dZ.sum()),
    db_a_scalar=lambda dZ: np.asarray(dZ.sum()),
    db_of_shape_m=lambda dZ: dZ.sum(axis=1),
    db_not_summed=lambda dZ: dZ,
    db_of_the_last_example=lambda dZ: dZ[:, -1:],
    db_times_the_batch=lambda dZ: dZ.sum(axis=1, keepdims=True) * dZ.shape[1],
    db_zero=lambda dZ: 0 * dZ[:, :1],
)
DA = bugs(
    "backward",
    affine,
    "dA",
    dA_negated=lambda W, dZ: -W.T @ dZ,
    dA_with_W_not_transposed=lambda W, dZ: W @ dZ,
    dA_halved=lambda W, dZ: W.T @ dZ / 2,
    dA_in_float32=lambda W, dZ: cast("f4", W.T @ dZ),
    dA_without_the_last_neuron=lambda W, dZ: W[:-1].T @ dZ[:-1],
    dA_of_absolute_weights=lambda W, dZ: abs(W).T @ dZ,
    dA_with_the_examples_reversed=lambda W, dZ: (W.T @ dZ)[:, ::-1],
)
RELU = bugs(
    "backward",
    relu,
    "dZ",
    relu_slope_forgotten=lambda Z, dA: dA,
    relu_slope_inverted=lambda Z, dA: np.where(Z > 0, 0, dA),
    relu_slope_leaky=lambda Z, dA: np.where(Z > 0, dA, 0.01 * dA),
    relu_slope_by_the_sign_of_dA=lambda Z, dA: np.where(dA > 0, dA, 0),
    relu_slope_1_at_zero=lambda Z, dA: np.where(Z >= 0, dA, 0),
    relu_slope_a_half_at_zero=lambda Z, dA: np.where(Z > 0, dA, np.where(Z == 0, dA / 2, 0)),
    relu_slope_without_dA=lambda Z, dA: np.where(Z > 0, 1.0, 0.0),
    relu_slope_times_Z=lambda Z, dA: np.maximum(Z, 0) * dA,
    relu_slope_of_a_cap_at_6=lambda Z, dA: np.where((Z > 0) & (Z < 6), dA, 0),
)
SMOOTH = [
    *bugs(
        "backward",
        sigmoid,
        "dZ",
        "sigmoid",
        sigmoid_slope_A=lambda A, dA: A * dA,
        sigmoid_slope_1_minus_A=lambda A, dA: (1 - A) * dA,
        sigmoid_slope_of_tanh=lambda A, dA: (1 - A * A) * dA,
        sigmoid_slope_at_A_for_Z=lambda A, dA: sigmoid.forward(A) * (1 - sigmoid.forward(A)) * dA,
        sigmoid_slope_forgotten=lambda A, dA: dA,
    ),
    *bugs(
        "backward",
        tanh,
        "dZ",
        "tanh",
        tanh_slope_1_minus_A=lambda A, dA: (1 - A) * dA,
        tanh_slope_1_plus_A2=lambda A, dA: (1 + A * A) * dA,
        tanh_slope_of_sigmoid=lambda A, dA: A * (1 - A) * dA,
        tanh_slope_at_A_for_Z=lambda A, dA: (1 - np.tanh(A) ** 2) * dA,
        tanh_slope_taken_twice=lambda A, dA: (1 - A * A) ** 2 * dA,
    ),
]
OUTPUT = bugs(
    "backward",
    softmax_cross_entropy,
    "dZ",
    labels_minus_probabilities=lambda Z, Y: (Y - P(Z)) / Z.shape[1],
    one_over_N_forgotten=lambda Z, Y: P(Z) - Y,
    divided_by_the_classes=lambda Z, Y: (P(Z) - Y) / len(Z),
    divided_by_classes_and_N=lambda Z, Y: (P(Z) - Y) / Z.size,
    divided_by_N_minus_1=lambda Z, Y: (P(Z) - Y) / max(Z.shape[1] - 1, 1),
    divided_by_N_twice=lambda Z, Y: (P(Z) - Y) / Z.shape[1] ** 2,
    factor_of_two_of_a_square_loss=lambda Z, Y: 2 * (P(Z) - Y) / Z.shape[1],
    labels_forgotten=lambda Z, Y: P(Z) / Z.shape[1],
    slope_of_a_sigmoid_on_top=lambda Z, Y: (P(Z) - Y) * P(Z) * (1 - P(Z)) / Z.shape[1],
    softmax_over_the_batch=lambda Z, Y: (P(Z.T).T - Y) / Z.shape[1],
    softmax_forgotten=lambda Z, Y: (Z - Y) / Z.shape[1],
    softmax_not_shifted=lambda Z, Y: (np.exp(Z) / np.exp(Z).sum(axis=0) - Y) / Z.shape[1],
    labels_reversed=lambda Z, Y: (P(Z) - Y[::-1]) / Z.shape[1],
    labels_smoothed=lambda Z, Y: (P(Z) - 0.9 * Y - 0.1 / len(Y)) / Z.shape[1],
    only_the_true_class=lambda Z, Y: (P(Z) - Y) * Y / Z.shape[1],
    predictions_for_probabilities=lambda Z, Y: ((Z.max(axis=0) == Z) * 1.0 - Y) / Z.shape[1],
)
AFFINE = bugs(
    "forward",
    affine,
    "forward",
    bias_forgotten=lambda W, b, A: W @ A,
    bias_added_twice=lambda W, b, A: W @ A + 2 * b,
    bias_subtracted=lambda W, b, A: W @ A - b,
    weights_transposed=lambda W, b, A: W.T @ A + b,
    products_in_float32=lambda W, b, A: cast("f4", W @ A) + b,
    inputs_centred=lambda W, b, A: W @ (A - A.mean(axis=1, keepdims=True)) + b,
    last_weight_column_left_out=lambda W, b, A: W[:, :-1] @ A[:-1] + b,
)
ACTIVATION = [
    *bugs(
        "forward",
        relu,
        "forward",
        relu_an_absolute_value=lambda Z: np.where(Z.real < 0, -Z, Z),
        relu_leaky=lambda Z: np.where(Z.real > 0, Z, 0.01 * Z),
        relu_a_mask=lambda Z: (Z.real > 0) * 1.0,
        relu_a_minimum=lambda Z: np.where(Z.real < 0, Z, 0),
        relu_capped_at_1=lambda Z: np.where(Z.real <= 0, 0, np.where(Z.real > 1, 1, Z)),
    ),
    *bugs(
        "forward",
        sigmoid,
        "forward",
        "sigmoid",
        sigmoid_of_minus_z=lambda Z: 1 / (1 + np.exp(Z)),
        sigmoid_that_overflows=lambda Z: 1 / (1 + np.exp(-Z)),
        sigmoid_hard=lambda Z: np.clip(0.2 * Z.real + 0.5, 0, 1),
    ),
    *bugs(
        "forward",
        tanh,
        "forward",
        "tanh",
        tanh_of_half_z=lambda Z: np.tanh(Z / 2),
        tanh_a_quotient_that_overflows=lambda Z: (np.exp(Z) - np.exp(-Z)) / (np.exp(Z) + np.exp(-Z)),
    ),
    *bugs(
        "forward",
        network,
        "predict",
        predict_across_examples=lambda layers, t, X: network.forward(layers, t, X).argmax(axis=1),
        predict_least_probable=lambda layers, t, X: network.forward(layers, t, X).argmin(axis=0),
    ),
]


def cross_entropy(Z, Y, log=np.log):
    """−Σ y log p of every example."""
    shifted = Z - Z.real.max(axis=0)
    return log(np.exp(shifted).sum(axis=0)) - (Y * shifted).sum(axis=0) / np.log(np.e if log is np.log else 2)


LOSS = bugs(
    "loss",
    softmax_cross_entropy,
    "forward",
    loss_summed=lambda Z, Y: cross_entropy(Z, Y).sum(),
    loss_averaged_over_classes_too=lambda Z, Y: cross_entropy(Z, Y).sum() / Z.size,
    loss_negated=lambda Z, Y: -cross_entropy(Z, Y).mean(),
    loss_in_bits=lambda Z, Y: cross_entropy(Z, Y, np.log2).mean(),
    loss_not_shifted=lambda Z, Y: (np.log(np.exp(Z).sum(axis=0)) - (Y * Z).sum(axis=0)).mean(),
    loss_with_1e_minus_7_in_the_log=lambda Z, Y: -np.log((P(Z) * Y).sum(axis=0) + 1e-7).mean(),
    loss_of_reversed_labels=lambda Z, Y: cross_entropy(Z, Y[::-1]).mean(),
    loss_of_the_first_example=lambda Z, Y: cross_entropy(Z, Y)[0],
    loss_a_squared_distance=lambda Z, Y: ((P(Z) - Y) ** 2).sum(axis=0).mean(),
    loss_without_the_labels_term=lambda Z, Y: cross_entropy(Z, 0 * Y).mean(),
)
CONSISTENT = [  # loss and gradient agree, and are both not what is documented: only values can tell
    Bug(
        "summed in loss and gradient",
        "loss",
        (
            (softmax_cross_entropy, "forward", lambda Z, Y: cross_entropy(Z, Y).sum()),
            (softmax_cross_entropy, "dZ", lambda Z, Y: P(Z) - Y),
        ),
    ),
    Bug(
        "halved temperature in loss and gradient",
        "loss",
        (
            (softmax_cross_entropy, "forward", lambda Z, Y: cross_entropy(2 * Z, Y).mean()),
            (softmax_cross_entropy, "dZ", lambda Z, Y: 2 * (P(2 * Z) - Y) / Z.shape[1]),
        ),
    ),
    Bug(
        "bias in neither pass",
        "forward",
        (
            (affine, "forward", lambda W, b, A: W @ A),
            (affine, "db", lambda dZ: 0 * dZ[:, :1]),
        ),
    ),
    Bug(
        "leaky in both passes",
        "forward",
        (
            (relu, "forward", lambda Z: np.where(Z.real > 0, Z, 0.01 * Z)),
            (relu, "dZ", lambda Z, dA: np.where(Z > 0, dA, 0.01 * dA)),
        ),
    ),
]


def in_place(theta, dtheta, alpha):
    theta -= alpha * dtheta
    return theta


def only(keep):
    """Parameters of which only some are updated."""

    def updated(theta, dtheta, alpha):
        last = len(theta) - 1
        return tuple(
            Affine(*(p - alpha * g * keep(l == last, name) for name, p, g in zip(Affine._fields, t, d, strict=True)))
            if t
            else ()
            for l, (t, d) in enumerate(zip(theta, dtheta, strict=True))
        )

    return updated


UPDATE = bugs(
    "update",
    sgd,
    "update",
    uphill=lambda t, g, a: t + a * g,
    rate_forgotten=lambda t, g, a: t - g,
    rate_squared=lambda t, g, a: t - a * a * g,
    nothing_updated=lambda t, g, a: t.copy(),
    the_gradient_for_the_parameter=lambda t, g, a: -a * g,
    in_place=in_place,
    sign_of_the_gradient=lambda t, g, a: t - a * np.sign(g),
    gradient_normalised=lambda t, g, a: t - a * g / (np.linalg.norm(g) or 1),
    gradient_clipped=lambda t, g, a: t - a * np.clip(g, -0.01, 0.01),
    weight_decay_slipped_in=lambda t, g, a: (1 - 1e-4 * a) * t - a * g,
    step_in_float32=lambda t, g, a: t - cast("f4", a * g),
    any_rate_accepted=lambda t, g, a: t - a * g,
) + bugs(
    "update",
    step,
    "updated",
    biases_left_out=only(lambda last, name: name == "W"),
    only_the_last_layer=only(lambda last, name: last),
    last_layer_left_out=only(lambda last, name: not last),
)


def columns(f):
    """Dataset.columns, wrong."""
    return staticmethod(lambda rows, dtype="float32": f(rows).astype(dtype))


def batches_of(X_index, y_index):
    """train.batches, its indices for images and for labels made from the right ones."""

    def batches(drawn, settings, epoch):
        N, B = len(drawn.y_train), settings.batch_size
        shuffled = shuffle.order(settings, epoch, N)
        for first in range(0, N - B + 1, B):
            index = shuffled[first : first + B]
            X = drawn.columns(drawn.rows_train[X_index(index, shuffled)], settings.dtype)
            yield X, network.one_hot(drawn.y_train[y_index(index, shuffled)], drawn.classes, settings.dtype)

    return batches


def hot(f):
    """network.one_hot, wrong."""
    return lambda labels, classes=10, dtype="float32": f(np.eye(classes, dtype=dtype), np.asarray(labels), classes)


CALLS = count()
"""How often an order was asked for: the mistake that depends on it turns the order by one each time."""

DATA = [
    *bugs(
        "data",
        Dataset,
        "columns",
        pixels_not_scaled=columns(lambda rows: rows.T * 1.0),
        pixels_over_256=columns(lambda rows: rows.T / 256),
        pixels_reshaped_for_transposed=columns(lambda rows: rows.reshape(rows.shape[::-1]) / 255),
        pixels_in_integer_division=columns(lambda rows: rows.T // 255),
        pixels_centred_in_uint8=columns(lambda rows: (rows - np.uint8(128)).T / 255),
        pixels_inverted=columns(lambda rows: 1 - rows.T / 255),
        pixels_in_float16=columns(lambda rows: (rows.T / 255).astype("f2")),
        images_upside_down=columns(lambda rows: rows[:, ::-1].T / 255),
    ),
    *bugs(
        "data",
        shuffle,
        "order",
        never_shuffled=lambda settings, epoch, N: np.arange(N),
        the_same_order_every_epoch=lambda settings, epoch, N: np.random.default_rng(settings.seed).permutation(N),
        another_order_at_every_call=lambda settings, epoch, N: np.roll(np.arange(N)[::-1], next(CALLS)),
        drawn_with_replacement=lambda settings, epoch, N: np.random.default_rng([3, epoch]).integers(0, N, N),
        every_second_example_left_out=lambda settings, epoch, N: np.random.default_rng(epoch).permutation(N) // 2 * 2,
    ),
    *bugs(
        "data",
        train,
        "batches",
        labels_not_shuffled=batches_of(lambda i, s: i, lambda i, s: np.arange(len(i))),
        labels_one_batch_behind=batches_of(lambda i, s: i, lambda i, s: s[(np.searchsorted(s, i) - 1) % len(s)]),
        labels_reversed_within_a_batch=batches_of(lambda i, s: i, lambda i, s: i[::-1]),
        the_first_batch_every_time=batches_of(lambda i, s: s[: len(i)], lambda i, s: s[: len(i)]),
    ),
    *bugs(
        "data",
        network,
        "one_hot",
        labels_one_too_high=hot(lambda I, y, n: I[:, (y + 1) % n]),
        labels_counted_backwards=hot(lambda I, y, n: I[:, n - 1 - y % n]),
        labels_beyond_the_classes_accepted=hot(lambda I, y, n: I[:, y % n]),
        labels_as_rows=hot(lambda I, y, n: I[y % n]),
        labels_two_hot=hot(lambda I, y, n: np.maximum(I[:, y % n], I[:, (y + 1) % n])),
    ),
    *bugs(
        "data",
        data,
        "split",
        held_out_digits_learned_too=lambda X, y: split(X, y) and Dataset(X, y, *held(X, y), "leak"),
        held_out_digits_not_even=lambda X, y: Dataset(X[1000:], y[1000:], X[:1000:2], y[:1000:2], "uneven"),
        labels_split_another_way=lambda X, y: Dataset(*fold(X, y[::-1]), "mixed"),
    ),
]


def held(X, y):
    """The right held-out images and labels."""
    right = split(X, y)
    return right.rows_test, right.y_test


def fold(X, y):
    """Images split rightly, labels as given to another order."""
    right, other = split(X, y[::-1]), split(X, y)
    return right.rows_train, other.y_train, right.rows_test, right.y_test


KINDS = ("backward", "forward", "loss", "update", "data")
EVERY = DW + DB + DA + RELU + SMOOTH + OUTPUT + AFFINE + ACTIVATION + LOSS + CONSISTENT + UPDATE + DATA
BUGS = sorted(EVERY, key=lambda bug: KINDS.index(bug.kind))
