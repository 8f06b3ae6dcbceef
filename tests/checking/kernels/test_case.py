"""Does a question give a vjp what it takes, put right what was written into, and ask elsewhere at other sizes?"""

import numpy as np
import pytest

from nnref.checking.gradcheck.border import GradcheckError
from nnref.checking.kernels.case import SMALL, KernelCase
from nnref.checking.kernels.framework import Framework


def product(x, y):
    return x * y


def asked(vjp=None, f=product, dtype="float64"):
    """The question of a product of two vectors."""
    given = [np.array([1.0, 2.0, 3.0], dtype), np.array([4.0, 5.0, 6.0], dtype)]
    return KernelCase(f, given, ["x", "y"], [0, 1], Framework(), vjp=vjp)


@pytest.mark.parametrize(
    "vjp",
    [
        lambda x, y, dY: (dY * y, dY * x),
        lambda y, x, g: {"y": g * x, "x": g * y},
        lambda dY, x, y, z: [dY * z / x, dY * z / y],
    ],
    ids=["by place", "by name", "from the output"],
)
def test_a_vjp_is_given_what_it_takes_and_may_return_its_gradients_in_any_way(vjp):
    dx, dy = asked(vjp).gradients(np.full(3, 2.0))
    np.testing.assert_allclose(dx, [8, 10, 12])
    np.testing.assert_allclose(dy, [2, 4, 6])


def test_another_number_of_gradients_is_refused():
    with pytest.raises(GradcheckError, match=r"one gradient for each of \['x', 'y'\]; 1 came"):
        asked(lambda x, y, dY: [dY * y]).gradients(np.ones(3))


def test_an_argument_that_is_written_into_is_put_right_and_named():
    def vjp(x, y, dY):
        y *= 0
        return dY, dY

    case = asked(vjp)
    case.gradients(np.ones(3))
    assert case.wrote == {"y"}
    assert case.given[1].tolist() == [4, 5, 6]


def test_elsewhere_what_has_a_gradient_is_drawn_in_its_own_dtype_and_the_rest_stays():
    case = asked(dtype="float32")
    case.wrt = [1]
    other = case.elsewhere(3)
    assert other.given[0] is case.given[0]
    assert other.given[1].dtype == "float32"
    assert not np.array_equal(other.given[1], case.given[1])
    assert case.elsewhere(3).given[1].tolist() == other.given[1].tolist()
    assert max(SMALL) / min(SMALL) >= 1000


def test_the_kernel_keeps_things_in_the_coarsest_dtype_that_has_a_gradient():
    case = asked()
    case.given[1] = case.given[1].astype("float16")
    assert case.stored == "float16"
    case.wrt = [0]
    assert case.stored == "float64"


def test_numbers_that_came_along_are_no_arrays():
    case = KernelCase(product, [np.ones(2), 1e-6, (3, True)], ["x", "eps", "more"], [0], Framework(), hints=[0.5])
    assert case.numbers == [0.5, 1e-6, 3, True]
