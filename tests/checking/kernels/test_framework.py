"""Does a library without vjps of its own give the same numbers, and say that it takes no gradients?"""

import numpy as np
import pytest

from nnref.checking.gradcheck.border import GradcheckError
from nnref.checking.kernels.framework import Framework, dtype_name, finest, one

NUMPY = Framework()


def test_nan_is_the_same_as_nan_and_as_nothing_else():
    A = np.array([1.0, np.nan])
    assert NUMPY.same(A, A.copy())
    assert not NUMPY.same(A, np.array([1.0, 0.0]))


def test_numbers_go_wide_and_come_back_in_the_dtype_of_another():
    A = np.array([0.1, 0.2], "float32")
    assert NUMPY.wide(A).dtype == "float64"
    assert NUMPY.cast(NUMPY.wide(A), A).tolist() == A.tolist()
    assert NUMPY.floating(A)
    assert not NUMPY.floating(np.arange(3))


def test_arrays_are_joined_in_the_finest_of_their_dtypes():
    parts = [np.ones((2, 1), "float16"), np.zeros(1, "float32")]
    assert finest(parts) == "float32"
    assert NUMPY.joined(parts).tolist() == [1, 1, 0]
    assert NUMPY.joined(parts).dtype == "float32"


def test_a_single_array_may_come_in_a_list_and_two_may_not():
    A = np.ones(2)
    assert one([A], NUMPY) is A
    with pytest.raises(GradcheckError, match="should return arrays of this library; list came"):
        one([A, A], NUMPY)


def test_a_vjp_is_asked_of_the_caller():
    with pytest.raises(GradcheckError, match=r"numpy takes no gradients itself: try check_vjp\(f, vjp, arguments\)"):
        NUMPY.vjp(np.sin, [np.ones(2)], [0], np.ones(2))


def test_a_copy_and_a_seeded_library_are_others():
    A = np.ones(2)
    NUMPY.copy(A)[0] = 5
    assert A[0] == 1
    assert (NUMPY.seeded().seed, NUMPY.seed) == (0, None)
    assert dtype_name(A) == "float64"
