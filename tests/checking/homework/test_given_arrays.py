"""Are arrays of either layout the same network, and is what fits two ways asked for?"""

import numpy as np
import pytest

import nnref
from nnref.checking.homework.given_arrays import gradient_in_columns, in_columns, intermediates_in_columns
from nnref.checking.reading.layout import LayoutError
from nnref.network import named


@pytest.fixture
def net(rng):
    layers = nnref.mlp([4, 5, 3])
    theta = nnref.initialise(layers)
    return theta, rng.standard_normal((4, 6)), np.array([0, 1, 2, 0, 1, 2])


def rows(arrays):
    return {name: A.T if name[-2] == "W" else A.ravel() for name, A in arrays.items()}


def test_rows_and_columns_are_read_as_the_same_network(net):
    theta, X, labels = net
    arrays = named(theta)
    a = in_columns(arrays, X, labels, arrays)
    b = in_columns(rows(arrays), X.T, labels, rows(arrays))
    assert (a.layout, b.layout) == ("columns", "rows")
    np.testing.assert_array_equal(a.X, b.X)
    np.testing.assert_array_equal(a.Y, b.Y)
    for name in arrays:
        np.testing.assert_array_equal(named(a.theta)[name], named(b.theta)[name])
        np.testing.assert_array_equal(a.gradients[name], b.gradients[name])


def test_square_weights_with_flat_biases_fit_both_ways(rng):
    arrays = {"W1": rng.standard_normal((3, 3)), "b1": np.zeros(3)}
    X, labels = rng.standard_normal((3, 5)), np.array([0, 1, 2, 0, 1])
    with pytest.raises(LayoutError, match="layout"):
        in_columns(arrays, X, labels, {})
    assert in_columns(arrays, X, labels, {}, layout="columns").layout == "columns"
    # A bias that is a column stands beside columns alone.
    columns = {**arrays, "b1": np.zeros((3, 1))}
    assert in_columns(columns, X, labels, {}).layout == "columns"
    np.testing.assert_array_equal(in_columns(columns, X[:, :3], labels[:3], {}).X, X[:, :3])


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"b2": None}, "b2 is missing"),
        ({"W1": np.ones(4)}, "W1 should be a matrix"),
        ({"W1": np.ones((5, 4), int)}, "W1 should hold floating-point numbers"),
        ({"gamma": np.ones(3)}, "'gamma' came"),
    ],
)
def test_what_is_no_network_is_said_by_name(net, change, says):
    theta, X, labels = net
    arrays = {name: A for name, A in {**named(theta), **change}.items() if A is not None}
    with pytest.raises(ValueError, match=says):
        in_columns(arrays, X, labels, {})


def test_a_gradient_of_no_parameter_is_a_stranger(net):
    theta, X, labels = net
    with pytest.raises(ValueError, match="gradients holds W3"):
        in_columns(named(theta), X, labels, {"dW3": np.ones((3, 3))})


def test_a_bias_gradient_keeps_the_shape_that_an_update_would_break():
    b = np.zeros((3, 1))
    assert gradient_in_columns("b1", np.ones((3, 1)), b, "columns").shape == (3, 1)
    assert gradient_in_columns("b1", np.ones(3), b, "columns").shape == (3,)  # b − db is (3, 3)
    assert gradient_in_columns("b1", np.ones((1, 3)), np.zeros(3), "rows").shape == (3,)
    assert gradient_in_columns("W1", np.ones((3, 4)), np.ones((3, 4)), "rows").shape == (4, 3)


def test_intermediates_are_turned_where_they_lie_as_rows():
    given = {"Z1": np.ones((6, 5)), "P": np.ones((3, 6))}
    found = dict(intermediates_in_columns(given, [4, 5, 3], 6, are_columns=True))
    assert {name: A.shape for name, A in found.items()} == {"Z1": (5, 6), "A2": (3, 6)}
    with pytest.raises(LayoutError, match="Z1 should have 5 numbers for each of 6 examples"):
        dict(intermediates_in_columns({"Z1": np.ones((5, 7))}, [4, 5, 3], 6, True))
    with pytest.raises(ValueError, match="'Z3' came"):
        dict(intermediates_in_columns({"Z3": np.ones((5, 6))}, [4, 5, 3], 6, True))
