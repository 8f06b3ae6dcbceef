"""Is a kernel's closed form found by its numbers, in any order of its arguments, and no other's?"""

import numpy as np
import pytest

from nnref import rms_norm
from nnref.checking.gradcheck.border import GradcheckError
from nnref.checking.kernels.case import KernelCase
from nnref.checking.kernels.framework import Framework
from nnref.checking.kernels.recognise import added_in, form_of, known_forms, orders
from nnref.checking.operations.closed_forms import forms


def case(f, *given):
    """The question of a function of these arrays."""
    return KernelCase(f, list(given), [f"a{k}" for k in range(len(given))], list(range(len(given))), Framework())


def normal(x, gain, eps=1e-5):
    return x / np.sqrt((x * x).mean(-1, keepdims=True) + eps) * gain


def test_the_form_its_setting_and_the_order_of_arguments_are_found(rng):
    x, gain = rng.standard_normal((4, 6)), rng.standard_normal(6)
    (known,) = known_forms(case(lambda g, x: normal(x, g), gain, x), None)
    assert (known.form.name, known.settings["eps"], known.places) == ("rms_norm", 1e-5, {"X": 1, "gamma": 0})
    assert known.share <= 1


def test_a_function_a_thousandth_off_is_no_closed_form(rng):
    x, gain = rng.standard_normal((4, 6)), rng.standard_normal(6)
    assert [k for k in known_forms(case(lambda x, g: 1.001 * normal(x, g), x, gain), None) if k.share <= 1] == []


def test_a_form_is_named_by_module_function_or_word():
    assert {form_of(named).name for named in (rms_norm, rms_norm.forward, "rms_norm", "nnref.rms_norm")} == {"rms_norm"}
    with pytest.raises(GradcheckError, match=r"reference should be one of nnref's .*'swish' came"):
        form_of("swish")


def test_a_named_form_that_takes_other_arguments_is_refused(rng):
    with pytest.raises(GradcheckError, match=r"linear layer takes .*; shapes \(4, 6\) came, output \(4, 6\)"):
        known_forms(case(np.sin, rng.standard_normal((4, 6))), None, "affine")


def test_of_three_arrays_there_are_six_orders():
    form = next(form for form in forms() if form.name == "layer_norm")
    given = [np.ones((2, 3)), np.ones(3), np.ones(3)]
    assert len(list(orders(form, case(np.add, *given)))) == 6


def test_sums_are_in_float32_unless_the_arrays_are_finer_or_it_is_said():
    asked = case(np.sin, np.ones(2, "float16"))
    assert added_in(asked, None) == "float32"
    assert added_in(asked, "float16") == "float16"
    assert added_in(case(np.sin, np.ones(2)), None) == "float64"
