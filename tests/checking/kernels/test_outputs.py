"""Is each output of a function asked by itself, under the name of its place, and all of them together?"""

import numpy as np
import pytest

from nnref.checking.gradcheck.border import GradcheckError
from nnref.checking.kernels.case import KernelCase
from nnref.checking.kernels.framework import Framework
from nnref.checking.kernels.outputs import (
    KernelOutput,
    case_of_output,
    joined_outputs,
    output_leaves,
    outputs_asked,
    silent,
)


def several(x):
    return x, {"h": 2 * x, "n": np.arange(3)}, None


def asked(vjp=None):
    """The question of a function of several outputs."""
    return KernelCase(several, [np.ones(3)], ["x"], [0], Framework(), vjp=vjp)


def test_outputs_are_named_by_their_places_and_keys_and_none_is_none():
    assert [name for name, _ in output_leaves((1, (2, (3,)), None, {"k": 4}))] == ["0", "1.0", "1.1.0", "3.k"]
    assert output_leaves(5) == [("", 5)]


def test_only_floating_outputs_are_differentiated_and_one_may_be_picked_by_name():
    assert outputs_asked(asked(), None) == [KernelOutput("0", 0), KernelOutput("1.h", 1)]
    assert outputs_asked(asked(), "1.h") == [KernelOutput("1.h", 1)]
    with pytest.raises(GradcheckError, match=r"outputs should be among 0, 1\.h; 1\.n came"):
        outputs_asked(asked(), ["1.n"])
    with pytest.raises(GradcheckError, match="beside a vjp of your own the function should return one array; 2 came"):
        outputs_asked(asked(lambda x, dY: dY), None)


def test_an_output_that_the_library_does_not_differentiate_is_left_out():
    class Marking(Framework):
        def several(self, f, given, wrt, output_leaves):
            return [(name, A, name == "1.h") for name, A in output_leaves(f(*given))]

    case = asked()
    case.framework = Marking()
    assert outputs_asked(case, None) == [KernelOutput("1.h", 1)]


def test_one_output_is_picked_and_all_are_one_vector():
    assert case_of_output(asked(), KernelOutput("1.h", 1)).f(np.ones(3)).tolist() == [2, 2, 2]
    assert joined_outputs(asked(), [KernelOutput("0", 0), KernelOutput("1.h", 1)]).f(np.ones(3)).tolist() == [
        1,
        1,
        1,
        2,
        2,
        2,
    ]


@pytest.mark.parametrize(("factor", "nothing"), [(0.0, True), (1e-9, False)])
def test_an_output_through_which_nothing_comes_back_is_silent(factor, nothing):
    assert (
        silent(KernelCase(lambda x: x, [np.ones(3)], ["x"], [0], Framework(), vjp=lambda x, dY: factor * dY)) is nothing
    )
