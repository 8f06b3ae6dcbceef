"""Has every argument a name that a parameter may have, and is what is coarse asked in float32 too?"""

import numpy as np

from nnref.checking.kernels.blackbox import alias, by_differences, named, wide, with_float32_copies
from nnref.checking.kernels.case import KernelCase
from nnref.checking.kernels.framework import Framework


def test_a_name_that_no_parameter_may_have_gets_another():
    assert [alias(name, k) for k, name in enumerate(("x", "layer.0.weight", "lambda", "dY"))] == [
        "x",
        "argument_1_",
        "argument_2_",
        "argument_3_",
    ]


def test_a_function_says_the_names_that_it_was_given():
    import inspect

    assert list(inspect.signature(named(lambda **all: all, ["dY", "x"])).parameters) == ["dY", "x"]


def test_complex_numbers_stay_complex():
    assert wide(np.ones(1, "complex64")).dtype == "complex128"
    assert wide(np.ones(1, "float16")).dtype == "float64"


def asked(vjp, dtype):
    """The question of x³."""
    x = np.linspace(0.5, 2, 5).astype(dtype)
    return KernelCase(lambda x: x * x * x, [x], ["x"], [0], Framework(), vjp=vjp)


def test_only_what_is_coarser_than_float32_is_widened():
    assert with_float32_copies(asked(None, "float16")).given[0].dtype == "float32"
    case = asked(None, "float64")
    assert with_float32_copies(case).given[0] is case.given[0]


def test_a_right_gradient_is_ok_and_a_wrong_one_is_not():
    right, wrong = (by_differences(asked(lambda x, dY, k=k: k * x * x * dY, "float64"), None, {}) for k in (3, 3.03))
    assert right.ok
    assert [entry.verdict for entry in wrong.wrong] == ["WRONG"]


def test_what_float16_hides_shows_with_float32_copies():
    """A part in a thousand is within the rounding of float16."""
    report = by_differences(asked(lambda x, dY: x.dtype.type(3.003) * x * x * dY, "float16"), None, {})
    assert "float16 hides it" in str(report)
    assert by_differences(asked(lambda x, dY: 3 * x * x * dY, "float16"), None, {}).ok
