"""Which layout do arrays have, and what does a bias say of it?"""

from itertools import pairwise

import numpy as np
import pytest

from nnref.checking.homework.recognition import Unfit, data_in_columns
from nnref.checking.reading.layout import (
    LABELS,
    LayoutError,
    conventions,
    examples_in_columns,
    fitting_layouts,
    labels_in_columns,
    layout_of_weights,
)
from nnref.checking.reading.random_network import drawn_network
from nnref.network import named


def shapes_of(*sizes, bias):
    """The shapes of a network with W (m, n), by name."""
    return {f"W{l}": (m, n) for l, (n, m) in enumerate(pairwise(sizes), 1)} | {
        f"b{l}": bias(m) for l, m in enumerate(sizes[1:], 1)
    }


def test_weights_that_are_not_square_lie_in_one_way():
    shapes = shapes_of(4, 6, 3, bias=lambda m: (m,))
    assert fitting_layouts(shapes) == [("columns", [4, 6, 3])]
    turned = {name: shape[::-1] for name, shape in shapes.items()}
    assert fitting_layouts(turned) == [("rows", [4, 6, 3])]
    assert fitting_layouts(shapes | {"b2": (4,)}) == []


@pytest.mark.parametrize(
    ("bias", "layout"),
    [(lambda m: (m, 1), "columns"), (lambda m: (1, m), None), (lambda m: (m,), None)],
    ids=["column", "row", "flat"],
)
def test_of_square_weights_a_bias_that_is_a_column_tells_the_layout(bias, layout):
    shapes = shapes_of(4, 4, 4, bias=bias)
    if layout is None:
        with pytest.raises(LayoutError, match="all of W is square"):
            layout_of_weights(shapes, None)
    else:
        assert layout_of_weights(shapes, None) == (layout, [4, 4, 4])
    assert layout_of_weights(shapes, "rows") == ("rows", [4, 4, 4])  # what is said is believed


def test_one_neuron_s_bias_tells_nothing():
    """b (1, 1) is a column and a row."""
    with pytest.raises(LayoutError, match="all of W is square"):
        layout_of_weights(shapes_of(1, 1, bias=lambda m: (m, 1)), None)


def test_square_data_lie_as_the_network_takes_them():
    X, y = np.arange(16.0).reshape(4, 4), np.array([0, 1, 2, 0])
    for layout, right in (("columns", X), ("rows", X.T)):
        found, Y = data_in_columns(X, y, [4, 5, 3], layout)
        assert (found == right).all()
        assert (Y.argmax(axis=0) == y).all()


def test_data_that_do_not_fit_are_refused_in_words():
    with pytest.raises(Unfit, match=r"an example has 4 numbers, as the network takes: X is \(5, 6\)"):
        data_in_columns(np.ones((5, 6)), np.zeros(5, int), [4, 5, 3], "rows")
    with pytest.raises(Unfit, match="Y should be 5 whole-number labels, or one-hot with 3 classes"):
        data_in_columns(np.ones((5, 4)), np.ones((5, 2)), [4, 5, 3], "rows")


@pytest.mark.parametrize("N", [3, 5])
def test_what_a_convention_gives_away_is_read_back(N):
    """Also where there are as many examples as classes or inputs."""
    sizes = [5, 4, 3]
    theta, X, Y = drawn_network(sizes, N)
    shapes = {name: p.shape for name, p in named(theta).items()}
    kept = {name: np.zeros(shape) for name, shape in shapes.items()}
    tried = 0
    for convention, _ in conventions(fitting_layouts(shapes)):
        x, y = convention.theirs(X, Y)
        again, columns = examples_in_columns(x, 5, convention.data)
        assert (again == X).all()
        own = convention.parameters(theta, kept)
        for name, p in named(theta).items():
            assert (convention.gradient(name, own[name], kept[name].shape) == p).all()
        if convention.labels != "one-hot, turned":
            assert (labels_in_columns(y, 3, N, columns)[0] == Y).all()
        tried += 1
    assert tried == 2 * len(LABELS)
