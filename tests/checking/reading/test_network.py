"""Is the output of a forward pass found among what it gives, by name and not by shape alone?"""

import numpy as np

from nnref.checking.reading.network import attributes, cache_of, is_last, names_of, output_of

A1, A2, Z2 = np.ones((3, 5)), np.ones((3, 5)), np.ones((3, 5))


def test_what_is_returned_is_known_by_the_names_of_its_return_its_keys_and_those_within():
    assert names_of((A1, A2), ["A1", "A2"]).keys() == {"A1", "A2"}
    assert names_of((A1, A2), None).keys() == {"[0]", "[1]"}
    assert names_of({"A2": A2}, None).keys() == {"A2"}
    assert names_of((A2, {"Z1": A1, 1: A2}), ["out", "cache"]).keys() == {"out", "cache", "Z1"}
    assert names_of(A2, None).keys() == {"result"}
    assert names_of(None, ["x"]) == {}


def test_a_hidden_layer_as_wide_as_the_output_is_not_the_output():
    assert output_of({"A1": A1, "A2": A2}, None, 3, 5, 2) is A2
    assert output_of({"A1": A1}, None, 3, 5, 2) is None
    assert is_last("A2", 2)
    assert not is_last("A1", 2)
    assert is_last(None, 2)


def test_the_activation_comes_before_the_logits_and_an_array_alone_is_it():
    assert output_of({"Z2": Z2, "A2": A2}, None, 3, 5, 2) is A2
    assert output_of({}, A1, 3, 5, 2) is A1
    assert output_of({}, np.ones((4, 5)), 3, 5, 2) is None


def test_the_cache_is_the_one_part_that_is_no_array():
    cache = {"Z1": A1}
    assert cache_of((A2, cache)) is cache
    assert cache_of((A1, A2)) == (A1, A2)


def test_an_object_s_arrays_are_found_in_a_cache_of_its_own_too():
    class Net:
        def __init__(self):
            self.W1, self.cache, self.name = A1, {"Z1": A2, "n": 3}, "net"

    assert attributes(Net()).keys() == {"W1", "Z1"}
