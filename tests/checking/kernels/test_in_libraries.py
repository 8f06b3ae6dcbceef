"""Does each library give its vjp, go wide and back, and tell its own arrays from others?"""

import numpy as np
import pytest

from nnref.checking.kernels.in_jax import Jax
from nnref.checking.kernels.in_tensorflow import TensorFlow
from nnref.checking.kernels.in_torch import Torch
from tests.conftest import require

LIBRARIES = {
    "torch": (Torch, lambda torch: torch.tensor),
    "jax": (Jax, lambda jax: jax.numpy.asarray),
    "tensorflow": (TensorFlow, lambda tf: tf.constant),
}


@pytest.fixture(params=LIBRARIES)
def library(request):
    """A library, and x = (1, 2, 3) in its float32."""
    module = require(request.param)
    made, to = LIBRARIES[request.param]
    return made(), to(module)(np.array([1, 2, 3], "float32"))


def test_the_vjp_of_a_cube_is_three_times_the_square(library):
    framework, x = library
    Y, (g,) = framework.vjp(lambda x: x * x * x, [x], [0], x)
    assert framework.host(Y).tolist() == [1, 8, 27]
    assert framework.host(g).tolist() == [3, 24, 81]


def test_numbers_go_wide_and_come_back_in_their_dtype(library):
    framework, x = library
    with framework.precise():
        wide = framework.wide(x)
        assert "float64" in str(wide.dtype)
        back = framework.cast(wide, x)
    assert back.dtype == x.dtype
    assert framework.host(back).tolist() == [1, 2, 3]


def test_arrays_of_numpy_are_not_its_own_and_its_own_are(library):
    framework, x = library
    assert framework.owns(x)
    assert not framework.owns(np.ones(2))
    assert framework.same(x, framework.copy(x))
    assert framework.owns(framework.joined([x, x]))
    assert framework.host(framework.joined([x, x])).tolist() == [1, 2, 3, 1, 2, 3]
