"""Is the right line, written in another layout, the same formula? Both are run, and compared as numbers."""

import ast

import numpy as np
import pytest

from nnref.checking.homework.mistake_line import Flipped, Renamed, other_axis, takes_logarithm, transposed_expression

SHAPES = {"W1": (4, 3), "W2": (2, 4), "b1": (4, 1), "Z1": (4, 5), "A0": (3, 5), "A1": (4, 5), "dZ1": (4, 5)}
SHAPES |= {"dZ2": (2, 5), "dA1": (4, 5), "P": (2, 5), "Y": (2, 5)}

LINES = (
    "W1 @ A0 + b1",
    "W2.T @ dZ2",
    "dZ1 @ A0.T",
    "dA1 * (Z1 > 0)",
    "dA1 * (1 - A1**2)",
    "np.sum(dZ1, axis=1, keepdims=True)",
    "(P - Y) / N",
    "-Y / P",
    "np.exp(Z1 - Z1.max(axis=0, keepdims=True))",
)


def parsed(line):
    return ast.parse(line, mode="eval").body


def run(tree, arrays):
    expression = ast.fix_missing_locations(ast.Expression(tree))
    return eval(compile(expression, "line", "eval"), {"np": np, "N": 5, **arrays})


@pytest.fixture
def arrays(rng):
    return {name: rng.uniform(0.1, 1, shape) for name, shape in SHAPES.items()}


@pytest.mark.parametrize("line", LINES)
def test_a_line_of_columns_written_in_rows_gives_the_transpose(arrays, line):
    right = run(parsed(line), arrays)
    rows = run(transposed_expression(parsed(line)), {name: A.T for name, A in arrays.items()})
    np.testing.assert_allclose(rows, right.T, rtol=1e-14)


@pytest.mark.parametrize("line", LINES)
def test_a_line_with_weights_that_lie_the_other_way_gives_the_same(arrays, line):
    flipped = run(Flipped(r"^W\d+$").visit(parsed(line)), arrays | {"W1": arrays["W1"].T, "W2": arrays["W2"].T})
    np.testing.assert_array_equal(flipped, run(parsed(line), arrays))


def test_a_transpose_of_a_transpose_is_not_written():
    assert ast.unparse(Flipped(r"^W\d+$").visit(parsed("W2.T @ dZ2 + W1"))) == "W2 @ dZ2 + W1.T"


def test_a_file_s_own_names_stand_in_the_line_and_flat_biases_are_sums_without_an_axis_kept():
    known = {"dZ1": "delta1", "A0": "cache['x']"}
    line = parsed("np.sum(dZ1, axis=1, keepdims=True)")
    assert ast.unparse(Renamed(known, flat=True).visit(line)) == "np.sum(delta1, axis=1)"
    assert ast.unparse(Renamed(known, flat=False).visit(parsed("dZ1 @ A0.T"))) == "delta1 @ cache['x'].T"


def test_axes_change_places_and_only_axes():
    assert [ast.unparse(other_axis(parsed(text))) for text in ("0", "1", "axis")] == ["1", "0", "axis"]


def test_a_logarithm_is_seen_wherever_it_stands():
    assert takes_logarithm(parsed("-(y * np.log2(p)).sum()"))
    assert not takes_logarithm(parsed("-(y * p).sum()"))
