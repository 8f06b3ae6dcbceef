"""Is the line found where a quantity gets its value, and not one that only makes room for it?"""

import ast

import pytest

from nnref.checking.homework.assignments import (
    assigned,
    assigned_name,
    assignment,
    changed_variables,
    is_quantity_of_any_layer,
    names_read,
    only_makes_room,
    source_line,
    stands_for_gradient,
)
from tests.support.homework import BASE, read_from


def line(text):
    """A statement."""
    return ast.parse(text).body[0]


def test_a_gradient_has_its_line():
    reading = read_from(BASE)
    for quantity, text in {
        "dW2": "dW2 = a1.T @ dz2",
        "db1": "db1 = dz1.sum(axis=0)",
        "dZ1": "dz1 = dz2 @ W2.T * (z1 > 0)",
    }.items():
        assert source_line(reading, assignment(reading, quantity)).endswith(f":  {text}")


@pytest.mark.parametrize(
    ("text", "room"),
    [
        ("dW = np.zeros_like(W)", True),
        ("dW = None", True),
        ("grads = {}", True),
        ("dW = np.dot(A, B)", False),
        ("dW = np.zeros(3) + x", True),
        ("dW = [x]", False),
    ],
)
def test_a_line_that_only_makes_room_is_no_value(text, room):
    assert only_makes_room(line(text)) is room


@pytest.mark.parametrize(
    ("target", "name"),
    [
        ("grads['db' + str(l)]", "db"),
        ("nabla_b[-1]", "nabla_b"),
        ("self.bias.grad", "dbias"),
        ("self.dW1", "dW1"),
        ("dW", "dW"),
    ],
)
def test_what_is_assigned_to_has_a_name(target, name):
    assert assigned_name(line(f"{target} = 0").targets[0]) == name


def test_entries_of_a_dictionary_are_assigned_in_the_order_of_their_lines():
    function = line("def f():\n    d = {'dW1': a, 'db1': b}\n    e = dict(dW2=c)\n    x, y = 1, 2\n    z = None")
    assert [name for _, name in assigned(function) if name not in "de"] == ["dW1", "db1", "dW2", "x", "y"]


def test_a_parameter_stands_for_its_gradient_where_it_is_moved_or_kept_among_gradients():
    assert stands_for_gradient(line("W1 -= rate * x"))
    assert stands_for_gradient(line("W1 = W1 - rate * x"))
    assert stands_for_gradient(line("grads['W1'] = x"))
    assert not stands_for_gradient(line("W1 = x"))


def test_changed_and_read_variables_are_told_apart():
    node = line("d[mask] *= e * f.T")
    assert (list(changed_variables(node)), names_read(node)) == (["d"], {"e", "f"})


def test_a_name_without_a_number_may_be_of_any_layer():
    assert is_quantity_of_any_layer("dW", "dW2")
    assert is_quantity_of_any_layer("grad_weights", "dW2")
    assert not is_quantity_of_any_layer("db", "dW2")
