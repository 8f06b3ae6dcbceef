"""Is the library of the arguments found by its arrays, and the names of a function where it says them?"""

import numpy as np
import pytest

from nnref.checking.gradcheck.border import GradcheckError
from nnref.checking.kernels.framework import Framework
from nnref.checking.kernels.frameworks import arguments_untouched, callable_of, framework_of, names_of, on_host


def test_arrays_of_numpy_need_no_library():
    assert framework_of([np.ones(2), 3, "x"]) is None


class Elsewhere:
    """An array on a device, which numpy cannot read."""

    def __dlpack__(self):
        raise NotImplementedError

    def __array__(self, dtype=None, copy=None):
        raise TypeError("implicit conversion is not allowed")


def test_an_array_that_numpy_cannot_read_is_of_a_library():
    assert not on_host(Elsewhere())
    assert type(framework_of([Elsewhere()])) is Framework


def test_names_are_those_of_places_and_none_where_there_may_be_any():
    assert names_of(lambda x, /, y, *, z: None) == ["x", "y"]
    assert names_of(lambda *all: None) == []
    assert names_of(dict) == []


def test_what_cannot_be_called_is_refused():
    with pytest.raises(GradcheckError, match="should be callable; int came"):
        callable_of(3)
    assert callable_of(len) == (len, ["obj"])


def test_what_was_written_into_is_named_and_put_back():
    x, y = np.ones(2), np.ones(2)
    with arguments_untouched(Framework(), [x, y, 5], ["x", "y", "n"]) as wrote:
        y[0] = 7
        assert wrote == []
    assert wrote == ["y"]
    assert y.tolist() == [1, 1]
