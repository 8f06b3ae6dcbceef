"""Arrays whose entries are objects."""

import numpy as np
import pytest

from nnref.checking.watching.recording.of_objects import (
    as_objects,
    holds_objects,
    object_at,
    of_object,
    rows_of_objects,
    shape_of_objects,
)
from nnref.checking.watching.recording.tape import Node, Site
from tests.support.programs import seen

ROWS = np.array([np.zeros(2), np.zeros(3)], dtype=object)


@pytest.mark.parametrize(
    ("op", "a", "b", "shape"),
    [
        ("add", ROWS, ROWS, (2,)),
        ("multiply", 0.5, ROWS, (2,)),
        ("add", ROWS.reshape(2, 1), ROWS, (2, 2)),
        ("less", ROWS, ROWS, ()),
        ("add", ROWS, np.ones(2), ()),
        ("add", np.ones(2), np.ones(2), ()),
    ],
)
def test_operators_go_through_the_objects_of_an_array_beside_others_or_a_number(op, a, b, shape):
    assert shape_of_objects(op, a, b) == shape


def test_an_object_is_taken_at_its_place_and_a_number_at_every_place():
    assert object_at(ROWS, (2, 2), (1, 1)) is ROWS[1]
    assert object_at(0.5, (2, 2), (1, 1)) == 0.5


def test_rows_are_objects_in_one_axis():
    assert [rows_of_objects(x) for x in (ROWS, ROWS.reshape(2, 1), np.ones(2))] == [True, False, False]
    assert holds_objects(ROWS.reshape(2, 1))


@pytest.mark.parametrize(("name", "kept"), [("self.b", True), ("b", False)])
def test_a_number_is_an_objects_where_it_has_the_name_of_an_attribute(name, kept):
    node = Node(0, "leaf", None, (), {}, 0, Site("", 1, 0, ""), names=[name])
    assert of_object(node) == kept


def test_rows_of_unlike_lengths_that_numpy_refuses_become_objects_and_nothing_else_does():
    rows = [np.zeros((2, 3)), np.zeros((4, 3))]
    with pytest.raises(ValueError, match="inhomogeneous") as refused:
        np.array(rows)
    (made, more) = as_objects(refused.value, (rows, "as it is"))
    assert (made.shape, made[1] is rows[1], more) == ((2,), True, "as it is")
    assert as_objects(ValueError("not aligned"), (rows,)) is None


NAMES = """\
import numpy as np
names = [np.eye(4)[[0, 2]], np.eye(4)[[1, 3, 3]], np.eye(4)[[2, 0, 1, 1]]]
found = [np.random.choice(names) for k in range(9)]
"""


def test_one_of_several_arrays_of_unlike_lengths_is_drawn(tmp_path):
    found = seen(tmp_path, NAMES)
    assert found.runs[0].error is None
    assert {len(x) for x in found.runs[0].namespace["found"]} <= {2, 3, 4}
