"""Is it known what was made of what, and what a copy or a view shows?"""

import numpy as np
import pytest

from nnref.checking.watching.calculus.graph import Graph, base_of, bits_of
from nnref.checking.watching.recording.tape import Node, Site, nodes_of, words
from tests.support.recordings import graph

HERE = Site("program.py", 1, 0, "")


def tape(*made):
    """Nodes by their operation and the numbers of what they are made of."""
    nodes = []
    for k, (op, *numbers) in enumerate(made):
        inputs = tuple(nodes[i] for i in numbers)
        nodes.append(Node(k, op, None, inputs, {}, np.ones(2, "float32"), HERE, inputs=inputs, dims=(2,)))
    return nodes


def test_a_value_depends_on_all_that_lies_above_it_but_for_what_is_cut():
    nodes = tape(("leaf",), ("leaf",), ("add", 0, 1), ("exp", 2))
    graph = Graph(nodes)
    assert [graph.depends(k, 1) for k in range(4)] == [True, False, True, True]
    assert graph.dependent(1 << 1) == [False, True, True, True]
    assert [n.index for n in graph.users[2]] == [3]
    assert not Graph(nodes, frozenset([2])).depends(3, 1)


def test_the_roundoff_is_that_of_the_least_precise():
    assert Graph(tape(("leaf",))).roundoff == pytest.approx(np.finfo("float32").eps)


def test_a_view_of_a_copy_shows_the_array():
    nodes = tape(("leaf",), ("reshape", 0), ("transpose", 1), ("exp", 2))
    assert base_of(nodes[2]) is nodes[0]
    assert base_of(nodes[3]) is nodes[3]


def test_bits_are_listed_smallest_first_and_nodes_are_found_at_any_depth():
    assert list(bits_of(0b101001)) == [0, 3, 5]
    a, b = tape(("leaf",), ("leaf",))
    assert list(nodes_of([a, {"k": (1, slice(None, b))}])) == [a, b]
    assert words("a  b a") == {"a", "b"}


def test_the_least_precise_values_are_those_that_are_computed(tmp_path):
    """Labels in single precision are what they are; what is computed in it has been rounded."""
    text = "import numpy as np\nx = np.ones(3, 'int32').astype(np.float32)\ny = x[1:] * np.ones(2)\n"
    assert graph(tmp_path, text)[0].roundoff == np.finfo(float).eps
    assert graph(tmp_path, text, ("* np.ones(2)", "* np.float32(0.1)"))[0].roundoff == np.finfo("float32").eps
