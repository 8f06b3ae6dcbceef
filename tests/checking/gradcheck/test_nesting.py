"""Are the arrays of any nesting reached in one order under one name, and are two nestings that differ refused?"""

from collections import namedtuple
from dataclasses import dataclass

import numpy as np
import pytest

from nnref.checking.gradcheck.border import GradcheckError
from nnref.checking.gradcheck.nesting import children, leaves, matched, rebuild, refuse_shared_memory

Pair = namedtuple("Pair", "W b")


@dataclass
class Held:
    W: np.ndarray
    rest: list


def nested():
    return {"first": Pair(np.ones((2, 3)), np.zeros(2)), "more": [np.full(1, 5.0), (np.full((), 7.0),)]}


def test_every_array_has_the_name_by_which_it_is_reached():
    assert list(leaves(nested())) == ["first.W", "first.b", "more[0]", "more[1][0]"]
    assert list(leaves(Held(np.ones(2), [np.ones(1)]))) == ["W", "rest[0]"]
    assert list(leaves(np.ones(2))) == ["parameters"]
    assert children(np.ones(2)) is None


def test_a_nesting_is_built_again_from_its_arrays_in_their_order():
    before = nested()
    after = rebuild(before, iter([2 * A for A in leaves(before).values()]))
    assert type(after["first"]) is Pair
    assert type(after["more"][1]) is tuple
    assert all(np.array_equal(B, 2 * A) for A, B in zip(leaves(before).values(), leaves(after).values(), strict=True))


def test_gradients_are_found_by_the_name_of_their_parameter_and_none_is_not_written_yet():
    found = matched(nested(), {"first": None, "more": [np.zeros(1), (np.ones(()),)]})
    assert {name: g is None for name, g in found.items()} == {
        "first.W": True,
        "first.b": True,
        "more[0]": False,
        "more[1][0]": False,
    }
    assert found["more[1][0]"] == 1


@pytest.mark.parametrize(
    ("gradients", "says"),
    [
        ({"first": Pair(1, 2)}, r"gradients of parameters should have the parts.*'\.first', '\.more'.*'\.first'"),
        ({"first": [np.ones(1)] * 2, "more": None}, r"gradients of first should have the parts.*\['\[0\]', '\[1\]'\]"),
        ({"first": None, "more": np.ones(2)}, r"gradients of more should have the parts.*ndarray came"),
        ({"first": Pair({"W": 1}, None), "more": None}, r"gradient of first\.W should be an array; dict came"),
    ],
)
def test_another_nesting_is_refused_with_what_was_expected(gradients, says):
    with pytest.raises(GradcheckError, match=says):
        matched(nested(), gradients)


def test_two_names_for_one_memory_are_refused_and_neighbours_in_one_buffer_are_not():
    buffer = np.arange(6.0)
    refuse_shared_memory({"a": buffer[:3], "b": buffer[3:]})
    for A, B in ((buffer, buffer[2:4]), (buffer[:4], buffer[3:])):
        with pytest.raises(GradcheckError, match="a and b are one array in memory"):
            refuse_shared_memory({"a": A, "b": B})
