"""What is known of a function before it is called, by its name and by whose it is."""

import math
import operator

import numpy as np
import pytest

from nnref.checking.watching.recording.functions import (
    canonical,
    container,
    kind_of,
    name_of,
    picked,
    random_maker,
    without_out,
    written,
)

A = np.arange(6.0).reshape(2, 3)


def shuffle(things):
    """A function of the person's own that has the name of one of numpy's."""
    return things


@pytest.mark.parametrize(
    ("function", "name"),
    [(np.sum, "sum"), (A.sum, "sum"), (math.fsum, "sum"), (np.asarray, "array"), (A.flatten, "ravel"),
     (np.add.reduce, "add.reduce"), (np.absolute, "abs"), (np.true_divide, "divide")],
)  # fmt: skip
def test_operations_that_are_one_have_one_name(function, name):
    assert canonical(name_of(function), function) == name


def test_a_function_of_another_library_keeps_its_module():
    assert canonical("shuffle", shuffle).endswith("test_functions.shuffle")


@pytest.mark.parametrize(
    ("function", "args", "kwargs", "into"),
    [
        (A.fill, (0,), {}, True),
        (np.copyto, (A, 0), {}, True),
        (np.add, (1, 2, A), {}, True),
        (np.add, (1, 2), {"out": A}, True),
        (np.add, (1, 2), {"out": (A,)}, True),
        (np.nan_to_num, (A,), {"copy": False}, True),
        (np.random.shuffle, (A,), {}, True),
        (shuffle, (A,), {}, False),
        (np.nan_to_num, (A,), {}, False),
        (np.add, (A, 2), {}, False),
        (A.sum, (), {}, False),
    ],
)
def test_what_a_call_writes_into(function, args, kwargs, into):
    assert (written(name_of(function), function, args, kwargs) is A) == into


@pytest.mark.parametrize(
    ("function", "makes"),
    [(np.random.default_rng, True), (np.random.RandomState(1).seed, True), (np.zeros, False), (math.exp, False)],
)
def test_who_makes_or_seeds_random_numbers(function, makes):
    assert random_maker(function) == makes


@pytest.mark.parametrize(
    ("op", "kind"), [("randn", "random"), ("choice", "random"), ("random.permutation[0]", "random"), ("zeros", "zeros")]
)
def test_the_kind_of_what_a_call_of_nothing_makes(op, kind):
    assert kind_of(op) == kind


def test_a_method_of_a_list_or_dictionary_is_one_of_a_container_and_one_of_an_array_is_not():
    assert [container(f) for f in ([].append, {}.get, set().add, A.sum)] == [True, True, True, False]


@pytest.mark.parametrize("function", [np.append, np.insert, np.add, operator.add])
def test_a_function_that_has_the_name_of_a_method_of_lists_is_none(function):
    assert not container(function)


def test_a_call_is_made_again_for_one_of_its_results_and_without_the_array_that_it_wrote_into():
    assert picked(divmod, 1)(7, 4) == 3
    assert without_out({"out": A, "axis": 0}) == {"axis": 0}
