"""Is every argument of a person's function given by what its name says, and a setting with a value left alone?"""

import numpy as np
import pytest

from nnref.checking.reading.arguments import (
    Pool,
    Unbound,
    build,
    call,
    globals_of,
    keeps_default,
    named_parameters,
    width,
)

POOL = Pool({"X": "data", "Y": "labels", "N": 5}, {"W1": "weights"})


def test_a_name_finds_a_value_under_its_own_spelling_or_its_role():
    assert POOL.find("w1") == (True, "weights")
    assert POOL.find("x_train") == (True, "data")
    assert POOL.find("frobnicate") == (False, None)


def test_arguments_are_bound_by_name_and_an_unknown_one_with_a_default_keeps_it():
    assert call(lambda X, y, W1, frobs=7: (X, y, W1, frobs), POOL) == ("data", "labels", "weights", 7)


def test_what_no_name_fits_is_named_and_an_order_may_say_it():
    def f(foo, bar):
        return foo, bar

    with pytest.raises(Unbound, match="f takes foo, bar, which no known name fits"):
        call(f, POOL)
    assert call(f, POOL, order=("X", "Y")) == ("data", "labels")
    assert call(f, POOL, order=("N",), by_use={"foo": "Y"}) == ("labels", 5)


def test_places_are_given_by_place():
    def f(x, /, y):
        return x, y

    assert call(f, POOL) == ("data", "labels")


def test_a_seed_that_has_a_value_keeps_it_and_a_rate_is_ours():
    assert keeps_default("seed", 3, ())
    assert not keeps_default("seed", None, ())
    assert not keeps_default("learning_rate", 0.1, ())


def test_a_maker_of_parameters_is_given_widths():
    def make(n_x, n_h, n_y):
        return n_x, n_h, n_y

    assert build(make, "make", None, {}, [6, 5, 3]) == ((6, 5, 3), False)
    assert width("layer_sizes", [], [6, 5, 3])[1] in ([6, 5, 3], None)


def test_functions_within_look_up_names_in_the_module_too():
    def f():
        def g():
            return np.sum

        return g

    assert "np" in set(globals_of(f.__code__))
    assert list(named_parameters(lambda a, *b, c, **d: None)) == ["a", "c"]
