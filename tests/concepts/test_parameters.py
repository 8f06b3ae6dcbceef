"""Is every tree of arrays walked in one order, and built again as it was?"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import pytest

from nnref.layer import Affine
from nnref.parameters import groups, mapped, named, rounded, unnamed


class Pair(NamedTuple):
    first: Any
    second: Any


@dataclass
class Block:
    W: Any
    inner: Any


TREES = {
    "tuple": (1.0, (), (2.0,)),
    "named tuple": Pair(1.0, Pair(2.0, ())),
    "list": [1.0, [2.0, 3.0]],
    "dict": {"W": 1.0, "more": {"b": 2.0}},
    "dataclass": Block(1.0, [2.0]),
    "all": {"layers": [Block(Pair(1.0, 2.0), ()), (3.0,)]},
}


@pytest.mark.parametrize("tree", TREES.values(), ids=TREES)
def test_a_tree_is_built_again_as_it_was(tree):
    assert mapped(lambda x: x, tree) == tree
    assert mapped(lambda x, y: x + y, tree, tree) == mapped(lambda x: 2 * x, tree) != tree


def test_dicts_are_paired_by_their_keys_and_not_by_their_order():
    assert mapped(lambda x, y: (x, y), {"a": 1, "b": 2}, {"b": 20, "a": 10}) == {"a": (1, 10), "b": (2, 20)}


@pytest.mark.parametrize(
    ("tree", "other"), [((1, 2), (1,)), ([1], [1, 2]), ({"a": 1}, {"b": 1}), ({"a": 1}, {"a": 1, "b": 2})]
)
def test_trees_of_different_shapes_are_refused(tree, other):
    with pytest.raises(ValueError, match=r"shorter|longer|keys \['a'\]"):
        mapped(lambda x, y: x, tree, other)


def affines(*widths):
    """Layers of these widths with one that learns nothing between each two."""
    return tuple(part for n, m in pairwise(widths) for part in (Affine(np.ones((m, n)), np.zeros((m, 1))), ()))


def test_layers_that_learn_are_counted_from_1_wherever_they_stand():
    theta = (affines(2, 3), (), (affines(3, 4, 5),))
    assert {name: p.shape for name, p in named(theta).items()} == {
        "W1": (3, 2), "b1": (3, 1), "W2": (4, 3), "b2": (4, 1), "W3": (5, 4), "b3": (5, 1),
    }  # fmt: skip
    assert len(list(groups(theta))) == 3


def test_what_was_named_goes_back_to_its_place():
    theta = (affines(2, 3), ())
    again = unnamed({name: 2 * p for name, p in named(theta).items()}, theta)
    np.testing.assert_array_equal(again[0][0].W, 2 * theta[0][0].W)
    assert again[1] == ()
    with pytest.raises(KeyError, match="b1"):
        unnamed({"W1": theta[0][0].W}, theta)


def test_rounding_reaches_every_array():
    assert {p.dtype for p in named(rounded(affines(2, 3, 4), "float32")).values()} == {np.dtype("float32")}
