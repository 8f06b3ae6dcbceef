"""What is known of a function before it is called, by its name and by whose it is."""

import math
import operator

import numpy as np
import pytest

from nnref.checking.watching.recording.functions import (
    as_once,
    container,
    filled_in,
    kind_of,
    kth_result,
    name_of,
    random_maker,
    rule_name,
    without_out,
    written_array,
)
from nnref.checking.watching.telling.report import settled
from tests.support.programs import fault_apart, seen

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
    assert rule_name(name_of(function), function) == name


def test_a_function_of_another_library_keeps_its_module():
    assert rule_name("shuffle", shuffle).endswith("test_functions.shuffle")


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
    assert (written_array(name_of(function), function, args, kwargs) is A) == into


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
    assert kth_result(divmod, 1)(7, 4) == 3
    assert without_out({"out": A, "axis": 0}) == {"axis": 0}


ARRAYS_OF_ONE_ENTRY = """\
import math
import numpy as np
X, y = np.random.randn(6, 3), np.random.rand(6, 1)
W, b, V = np.random.randn(4, 3), np.random.randn(4, 1), np.random.randn(4, 1)
for step in range(5):
    H, P = np.zeros((6, 4)), np.zeros(6)
    for i in range(6):
        for k in range(4):
            H[i, k] = 1 / (1 + math.exp(-(X[i] @ W[k] + b[k])))
        P[i] = H[i] @ V
    loss = float(((P.reshape(-1, 1) - y) ** 2).sum(0, keepdims=True))
    d = 2 * (P.reshape(-1, 1) - y)
    dH = d @ V.T * H * (1 - H)
    V = V - 0.1 * H.T @ d
    W = W - 0.1 * dH.T @ X
    b = b - 0.1 * dH.T.sum(1, keepdims=True)
"""


@pytest.mark.parametrize(("slope", "right"), [(" * (1 - H)", True), ("", False)])
def test_arrays_of_one_entry_are_numbers_where_older_numpys_took_them_for_such(slope, right, tmp_path):
    """As an entry of an array, in a function of math, and as a float: numpy 2.4 refuses what it took until then."""
    found = seen(tmp_path, ARRAYS_OF_ONE_ENTRY, (" * (1 - H)\n", f"{slope}\n"))
    assert settled(found) is right
    assert len(found.reading.rows) == 3
    assert not right or fault_apart(found, tmp_path) == ""


def test_only_an_array_of_one_entry_is_a_number():
    assert [np.ndim(as_once(thing)) for thing in (np.ones((1, 1)), np.ones((1, 2)), np.ones(()), 3.0)] == [0, 2, 0, 0]


def test_a_text_takes_an_array_of_one_entry_as_a_number_and_of_no_more():
    """Older versions of numpy did: a program that prints '%f' % loss stopped there."""
    assert filled_in("%d: %.2f", (3, np.array([[0.5]]))) == "3: 0.50"
    assert filled_in("%f", np.array([2.0])) == "2.000000"
    assert filled_in("%s", A[0]) == "[0. 1. 2.]"
    with pytest.raises(TypeError):
        filled_in("%f", A)


PRINTED = """\
import numpy as np
X, Y = np.random.randn(9, 3), np.random.randn(9, 1)
W = np.random.randn(3, 1)
for k in range(4):
    D = X @ W - Y
    loss = (D * D).sum(axis=0) / 18
    print("loss %f" % loss, "in step %d: %.4f" % (k, loss))
    W -= 0.1 * X.T @ D / 9
"""


def test_a_program_that_prints_arrays_of_one_entry_so_goes_on(tmp_path):
    assert settled(seen(tmp_path, PRINTED)) is True
