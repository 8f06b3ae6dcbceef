"""Is each parameter of a vjp given what its name says, or what fits, the likeliest first?"""

import pytest

from nnref.checking.gradcheck.border import GradcheckError
from nnref.checking.gradcheck.roles import DY, MANY, OUTPUT, assignments, called_by_name, parameters_of, possible_roles


def test_a_parameter_called_as_an_argument_is_that_argument_and_the_other_is_dY():
    assert possible_roles(lambda g, x: None, {"x": 1}) == [{"x": "x", "g": DY}]


def test_a_name_with_d_is_tried_as_dY_before_one_with_g_and_that_before_any_other():
    firsts = [
        next(slot for slot, role in roles.items() if role == DY) for roles in assignments(["a", "g", "dz"], ["x", "y"])
    ]
    assert list(dict.fromkeys(firsts)) == ["dz", "g", "a"]


def test_what_is_not_dY_may_be_an_argument_of_another_name_or_the_output():
    found = possible_roles(lambda dY, z: None, {"x": 1})
    assert {"dY": DY, "z": "x"} in found
    assert {"dY": DY, "z": OUTPUT} in found
    assert found.index({"dY": DY, "z": "x"}) < found.index({"dY": DY, "z": OUTPUT})


def test_no_more_ways_are_tried_than_said():
    assert len(possible_roles(lambda a, b, c, d, e, f: None, dict.fromkeys("uvwxyz", 1))) == MANY


@pytest.mark.parametrize(
    ("vjp", "says"), [(lambda *all: None, r"\*args or \*\*kwargs came"), (lambda x: None, r"should take dY beside")]
)
def test_a_vjp_that_cannot_be_given_dY_is_refused(vjp, says):
    with pytest.raises(GradcheckError, match=says):
        possible_roles(vjp, {"x": 1})


def test_parameters_go_by_name_or_by_place_where_there_are_only_places():
    def both(x, /, dY):
        return x - dY

    assert called_by_name("vjp", both, {"dY": 1, "x": 5}) == 4
    assert called_by_name("vjp", lambda *all: all, {"a": 5, "b": 1}) == (5, 1)


def test_a_function_that_does_not_say_what_it_takes_takes_anything_by_place():
    assert [p.kind.name for p in parameters_of(dict)] == ["VAR_POSITIONAL"]
