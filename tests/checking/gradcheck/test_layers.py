"""Is a layer given copies, its dY and output where it takes them, and is what it returns sorted by name?"""

import numpy as np
import pytest

from nnref.checking.gradcheck.border import GradcheckError
from nnref.checking.gradcheck.layers import GivenLayer, Inner, by_name
from nnref.checking.gradcheck.roles import DY, OUTPUT


def cube(x):
    return x * x * x


def given(vjp, roles=None):
    """The cube with this vjp."""
    return GivenLayer(cube, vjp, ("x",), roles or {"x": "x", "dY": DY})


def test_gradients_are_those_of_the_vjp_and_what_it_wrote_into_is_named():
    def vjp(x, dY):
        made = 3 * x * x * dY
        dY *= 0
        return made

    x, dY, layer = np.arange(1.0, 4), np.ones(3), given(vjp)
    assert layer.gradients({"x": x}, dY)["x"].tolist() == [3, 12, 27]
    assert layer.wrote == {DY}
    assert dY.tolist() == [1, 1, 1]


def test_the_output_is_given_to_a_vjp_that_takes_it():
    layer = given(lambda Y, dY: 3 * np.cbrt(Y) ** 2 * dY, {"Y": OUTPUT, "dY": DY})
    np.testing.assert_allclose(layer.gradients({"x": np.array([2.0])}, np.ones(1))["x"], [12])


def test_the_loss_is_dY_times_the_output_and_another_shape_is_refused():
    layer = given(None)
    assert Inner(layer, {}, np.array([1.0, -1]))({"x": np.array([2.0, 1])}) == 7
    with pytest.raises(GradcheckError, match=r"returned shape \(2,\) and then \(3,\)"):
        Inner(layer, {}, np.ones(2))({"x": np.ones(3)})


def test_of_several_gradients_each_has_its_name_and_none_may_be_left_out():
    assert by_name({"b": 1, "a": None}, ("a", "b")) == {"a": None, "b": 1}
    assert by_name((1, 2), ("a", "b")) == {"a": 1, "b": 2}
    with pytest.raises(GradcheckError, match=r"a gradient for \['b'\]; \['a'\] came"):
        by_name({"a": 1}, ("a", "b"))
    with pytest.raises(GradcheckError, match=r"one gradient for each of \['a', 'b'\]; 3 came"):
        by_name((1, 2, 3), ("a", "b"))
