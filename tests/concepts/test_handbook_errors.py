"""Does every refusal of the handbook say what was expected, what came and what to try? And do layers fit together?"""

import inspect
import re
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

import nnref
from nnref import (
    attention,
    avg_pool,
    batch_norm,
    batch_norm_inference,
    clip_by_norm,
    conv2d,
    conv_transpose,
    dropout,
    elu,
    embedding,
    flatten,
    group_norm,
    grouped_conv2d,
    gru_cell,
    hinge,
    huber,
    kl_divergence,
    l2_normalize,
    label_smoothing,
    layer,
    layer_norm,
    masked_softmax,
    max_pool,
    mse,
    multi_head,
    patch_embedding,
    rms_norm,
    rnn,
    rope,
    swiglu,
    xavier,
)
from nnref.checking.gradcheck.vjp import check_numpy_vjp
from nnref.windows import largest
from tests.support import cases

A, COLUMN, Y = np.ones((3, 4)), np.ones((3, 1)), nnref.one_hot([0, 1, 2, 0], 3, "float64")
IMAGE, KERNEL = np.ones((2, 5, 4, 3)), np.ones((6, 2, 3, 3))
HEADS = np.ones((2, 2, 5, 4, 3))


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (
            lambda: layer_norm.forward(A, np.ones(3), COLUMN),
            r"layer_norm\.forward: gamma should be a column, 3 × 1; \(3,\) came\. Try gamma\.reshape\(-1, 1\)\.",
        ),
        (
            lambda: layer_norm.forward(A, np.ones((4, 1)), COLUMN),
            r"4 × 1 came\. It holds one number for each of 3 rows\.",
        ),
        (lambda: group_norm.forward(np.ones((2, 3, 4, 5)), np.ones((3, 2)), np.ones((2, 3))), r"Try gamma\.T\."),
        (lambda: batch_norm.dX(A, COLUMN, A.T), r"X is 3 × 4 and dY is 4 × 3; they should have the same shape"),
        (lambda: group_norm.forward(A, COLUMN, COLUMN), r"X should have the axes \(groups, channels of a group"),
        (
            lambda: group_norm.forward(IMAGE, np.ones((5, 2)), np.ones((2, 5))),
            r"gamma should be 2 × 5; 5 × 2 came",
        ),
        (lambda: mse.forward(A, A[:1]), r"O is 3 × 4 and T is 1 × 4"),
        (lambda: attention.forward(A, A[:, :2], A, np.ones((3, 3))), r"Q has width 4 and K has 2"),
        (lambda: attention.forward(A, A, A[:2], np.ones((3, 3))), r"K has 3 rows and V has 2"),
        (lambda: attention.forward(A, A, A, np.ones((3, 4))), r"M should be 3 × 3; 3 × 4 came"),
        (lambda: attention.dQ(A, A, A, np.ones((3, 3)), A.T), r"dY should be 3 × 4; 4 × 3 came\. Try dY\.T\."),
        (lambda: embedding.forward(A, A), r"E is 3 × 4, so O should have 4 rows; it is 3 × 4"),
        (
            lambda: conv2d.forward(IMAGE, np.ones((6, 3, 3, 3)), np.ones((6, 1))),
            r"W has kernels for 3.*X has 2",
        ),
        (
            lambda: conv2d.forward(IMAGE, KERNEL, np.ones((6, 1)), dilation=2),
            r"a window of 3 columns reaches over 5, and the padded image has 4; try padding=1",
        ),
        (lambda: conv2d.dX(IMAGE, KERNEL, np.ones((6, 3, 3, 3))), r"dY should be 6 × 3 × 2 × 3"),
        (lambda: avg_pool.forward(IMAGE, 6, 1), r"a window of 6 rows reaches over 6, and the padded image has 5"),
        (
            lambda: conv_transpose.forward(IMAGE, KERNEL.transpose(1, 0, 2, 3), np.ones((6, 1)), 9, 9),
            r"X should be 2 × 7",
        ),
        (lambda: conv_transpose.dX(IMAGE, KERNEL, IMAGE), r"W has kernels for 6 channels, its first axis, and X has 2"),
        (lambda: grouped_conv2d.dW(HEADS, np.ones((3, 1, 1, 1, 1)), HEADS), r"X has 2 groups.*and W has 3"),
        (lambda: flatten.dX(IMAGE, A), r"dY should be 40 × 3; 3 × 4 came"),
        (
            lambda: patch_embedding.forward(IMAGE, np.ones((4, 2, 2, 2)), A),
            r"5 × 4, which patches of 2 × 2 do not tile",
        ),
        (lambda: patch_embedding.dW(IMAGE, np.ones((4, 3, 5, 4)), A), r"W has weights for 3 channels, and X has 2"),
        (lambda: multi_head.forward(IMAGE, IMAGE[:, :, :1], IMAGE, A), r"V should be 2 × 5 × 1 × 3"),
        (lambda: multi_head.dQ(IMAGE, IMAGE, IMAGE, np.ones((4, 4)), KERNEL), r"dY should be 2 × 5 × 4 × 3"),
        (lambda: multi_head.layer(4, 2).forward((), np.ones((3, 2, 1))), r"A has 3 features.*takes 4"),
        (lambda: rnn.forward(A, A, np.ones((3, 3)), np.ones((3, 3)), np.ones(3)), r"b should be a column, 3 × 1"),
        (lambda: rnn.forward(A, A, A, A.T, COLUMN), r"W is 3 × 4, so H0 should have 4 rows"),
        (lambda: rnn.layer(4, 2).forward((), np.ones((3, 2, 1))), r"A has 3 features.*takes 4"),
        (lambda: gru_cell.dZz(A, A, A, A, A, A.T), r"H0 is 3 × 4 and dY is 4 × 3"),
        (lambda: swiglu.forward(A, A.T), r"G is 3 × 4 and F is 4 × 3"),
        (lambda: rope.forward(np.ones((3, 2, 5)), np.ones((2, 5))), r"X should be 2 × 2 × 5"),
        (lambda: rope.dX(np.ones((2, 5)), np.ones((2, 5, 2))), r"dY should be 2 × 2 × 5"),
        (lambda: max_pool.forward(IMAGE, largest(IMAGE, 2, 2), stride=2), r"max_pool\.forward: S should be \(?2"),
    ],
)
def test_a_wrong_shape_is_named(call, says):
    with pytest.raises(nnref.ShapeError, match=says):
        call()


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (
            lambda: layer_norm.forward(A, COLUMN, COLUMN, 0.0),
            r"eps should be positive and finite; 0\.0 came",
        ),
        (lambda: rms_norm.dX(A, COLUMN, A, -1e-6), r"eps should be positive"),
        (lambda: l2_normalize.forward(A, float("nan")), r"eps should be positive"),
        (
            lambda: batch_norm_inference.forward(A, COLUMN, COLUMN, COLUMN, -COLUMN),
            r"variance should not be negative; the smallest is -1",
        ),
        (lambda: batch_norm_inference.running(COLUMN, COLUMN, 1.5), r"momentum.*between 0 and 1; 1\.5 came"),
        (lambda: label_smoothing.dZ(A, Y, 2.0), r"smoothing.*between 0 and 1; 2\.0 came"),
        (lambda: kl_divergence.forward(A, Y, 0.0), r"temperature should be positive"),
        (lambda: huber.forward(A, -1.0), r"delta should be positive"),
        (lambda: dropout.forward(A, A, 1.0), r"rate.*should lie in \[0, 1\); 1\.0 came"),
        (lambda: masked_softmax.forward(A, 0 * A), r"M has a column of zeros"),
        (lambda: attention.forward(A, A, A, np.tri(3, k=-1)), r"^attention\.forward: M has a row of zeros"),
        (lambda: masked_softmax.forward(A, -A), r"0 where nothing is seen, else positive; a negative or NaN came"),
        (
            lambda: conv2d.forward(IMAGE, KERNEL, np.ones((6, 1)), stride=0),
            r"stride should be a whole number, 1",
        ),
        (lambda: avg_pool.forward(IMAGE, 2, 2, padding=-1), r"padding should be a whole number, 0 or more; -1 came"),
        (lambda: clip_by_norm.forward(A, 0.0), r"limit should be positive and finite"),
        (lambda: multi_head.layer(6, 4), r"6 features cannot be shared by 4 heads evenly"),
        (
            lambda: multi_head.forward(IMAGE, IMAGE, IMAGE, np.tri(4, k=-1)),
            r"^multi_head\.forward: M has a row of zeros",
        ),
        (lambda: xavier.scale(0, 3), r"n should be a number of neurons of the layer, at least one; 0 came"),
        (lambda: nnref.one_hot([0, 7], classes=5), r"labels should lie in 0 … 4; 0 … 7 came"),
        (lambda: layer_norm.forward(A, COLUMN, COLUMN, None), r"eps should be positive and finite; None came"),
        (lambda: conv2d.forward(IMAGE, KERNEL, np.ones((6, 1)), padding=None), r"padding should be a whole number"),
        (lambda: elu.forward(A, -1.0), r"^elu\.forward: alpha should be positive and finite; -1\.0 came"),
        (lambda: nnref.mlp([3, 2], "elu x"), r"the activation elu takes alpha, as in 'elu 0\.1'; 'elu x' came"),
        (lambda: nnref.mlp([3, 2], "relu 3"), r"the activation relu takes no number; 'relu 3' came"),
        (lambda: nnref.cnn(side=6), r"too small for 2 stages of kernel=5; try a smaller kernel"),
        (lambda: embedding.forward(A, np.array([0, 1])), r"use nnref\.one_hot\(O, classes=4\)"),
    ],
)
def test_a_wrong_value_is_named(call, says):
    with pytest.raises(ValueError, match=says):
        call()


@pytest.mark.parametrize("call", [lambda X: hinge.forward(X), lambda X: layer_norm.dbeta(X), lambda X: conv2d.db(X)])
def test_whole_numbers_are_refused(call):
    with pytest.raises(TypeError, match="floating-point"):
        call(np.ones((2, 2), int))


SIZES = cases.SIZES | {"D": 4, "heads": 2}
"""What the letters of a layer's arguments and of its Shapes: line stand for."""

MOVED = {"stride": 2, "padding": 1, "causal": True}
"""Settings other than those that are left out."""


def shape_of_input(made, sizes):
    """The shape of a layer's input, as the Shapes: line of what makes it says."""
    letters = re.search(r"Shapes: A \((.*?)\) ->", inspect.getdoc(made))[1]
    return tuple(cases.extent(size, sizes) for size in letters.split(", "))


def made_layer(made, rng, **settings):
    """A layer with arguments of the sizes that their letters stand for; statistics are columns of features."""
    needed = [name for name, p in inspect.signature(made).parameters.items() if p.default is p.empty]
    column = [SIZES["n"], 1]
    given = {name: SIZES[name] if name in SIZES else cases.drawn(name, column, rng) for name in needed}
    return made(**given, **settings), shape_of_input(made, SIZES)


def every_layer():
    """Each module's layer, as it is with the settings left out, and with others where it has any."""
    for path in sorted(Path(nnref.__file__).parent.glob("*.py")):
        if "\ndef layer(" in path.read_text(encoding="utf-8"):
            made = import_module(f"nnref.{path.stem}").layer
            settings = {name: value for name, value in MOVED.items() if name in inspect.signature(made).parameters}
            for chosen in [{}, settings] if settings else [{}]:
                name = " ".join([path.stem, *(f"{key}={value}" for key, value in chosen.items())])
                yield name, made_layer(made, np.random.default_rng(5), **chosen)


LAYERS = dict(every_layer()) | {
    "elu 0.5": (layer.activation("elu 0.5"), (3, 4)),
    "chain": (layer.chain(conv2d.layer(2, 3, 2, 2), max_pool.layer(2, 2)), (2, 5, 4, 3)),
}
"""Every layer that a module defines, and the shape of its input: a new one is among them."""


def test_the_layers_of_all_modules_are_found():
    assert {"conv2d", "multi_head", "rnn", "batch_norm_inference"} <= LAYERS.keys()
    assert {"conv2d stride=2 padding=1", "multi_head causal=True"} <= LAYERS.keys()


@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_is_the_vjp_of_its_forward_pass(name, rng):
    it, shape = LAYERS[name]
    theta, X = it.init(rng), rng.standard_normal(shape)
    flat = leaves(theta)
    moved = [leaf + rng.standard_normal(leaf.shape) for leaf in flat]
    arguments = {"A": X} | {f"p{place}": leaf for place, leaf in enumerate(moved)}

    def parameters(parts):
        return rebuilt(theta, iter([parts[f"p{place}"] for place in range(len(flat))]))

    def forward(A, **parts):
        return it.forward(parameters(parts), A)

    def vjp(A, dZ, **parts):
        now = parameters(parts)
        dtheta, dA = it.vjp(now, A, it.forward(now, A), dZ)
        return {"A": dA} | {f"p{place}": leaf for place, leaf in enumerate(leaves(dtheta))}

    report = check_numpy_vjp(named(forward, arguments), named(vjp, arguments, "dZ"), arguments)
    assert report.ok, report


def leaves(theta):
    return [leaf for part in theta for leaf in (leaves(part) if isinstance(part, tuple) else [part])]


def rebuilt(theta, new):
    parts = [rebuilt(part, new) if isinstance(part, tuple) else next(new) for part in theta]
    return type(theta)(*parts) if hasattr(theta, "_fields") else tuple(parts)


def named(function, arguments, *more):
    """The function with parameters under these names, as check_vjp asks for."""
    names = ", ".join([*arguments, *more])
    given = ", ".join(f"{name}={name}" for name in [*arguments, *more])
    return eval(f"lambda {names}: function({given})", {"function": function})


def test_the_largest_pixel_is_chosen_and_never_what_is_around_the_image():
    X = np.array([[-1.0, -2.0], [-3.0, -1.0]])[None, :, :, None]
    S = largest(X, 2, 2, padding=1)
    Y = max_pool.forward(X, S, padding=1)[0, :, :, 0]
    assert Y.tolist() == [[-1, -1, -2], [-1, -1, -1], [-3, -1, -1]]
    assert S.sum(axis=(-1, -2)).tolist() == np.ones((1, 3, 3, 1)).tolist()
    tied = largest(np.ones((1, 2, 2, 1)), 2, 2)
    assert tied.sum() == 1


def test_dropout_keeps_the_mean_and_an_embedding_adds_up_repeated_words(rng):
    words, table, dY = np.array([2, 0, 2, 1]), rng.standard_normal((5, 3)), rng.standard_normal((5, 4))
    O = nnref.one_hot(words, 3, "float64")
    assert np.array_equal(embedding.forward(table, O), table[:, words])
    dE = np.zeros((3, 5))
    np.add.at(dE, words, dY.T)
    assert np.allclose(embedding.dE(O, dY), dE.T, rtol=1e-15)
    both = [dropout.forward(A, mask * np.ones(A.shape), 0.25) for mask in (0.0, 1.0)]
    assert np.array_equal(0.25 * both[0] + 0.75 * both[1], A)
