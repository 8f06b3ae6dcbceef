"""What courses hand out beside a notebook: right by itself, and recorded line by line where a program uses it."""

import numpy as np
import pytest

from nnref.checking.watching.recording import recorder
from nnref.checking.watching.telling.report import settled
from nnref.checking.watching.world.courses import dnn_utils, im2col_cython, lr_utils, planar_utils, rnn_utils
from tests.support.programs import seen

PLANAR = """\
import numpy as np
from planar_utils import load_planar_dataset, plot_decision_boundary, sigmoid
from testCases_v2 import *
X, Y = load_planar_dataset()
W1, b1, W2, b2 = np.random.randn(4, 2) * .3, np.zeros((4, 1)), np.random.randn(1, 4) * .3, np.zeros((1, 1))
for step in range(5):
    A1 = np.tanh(W1 @ X + b1); A2 = sigmoid(W2 @ A1 + b2)
    dZ2 = (A2 - Y) / X.shape[1]
    dZ1 = W2.T @ dZ2 * (1 - A1 ** 2)
    W2 = W2 - .5 * dZ2 @ A1.T; b2 = b2 - .5 * dZ2.sum(axis=1, keepdims=True)
    W1 = W1 - .5 * dZ1 @ X.T; b1 = b1 - .5 * dZ1.sum(axis=1, keepdims=True)
plot_decision_boundary(lambda x: x, X, Y)
"""


def test_a_notebook_that_lies_alone_is_read_with_what_its_course_hands_out_and_its_mistake_is_caught(tmp_path):
    assert settled(seen(tmp_path, PLANAR)) is True
    assert settled(seen(tmp_path, PLANAR, ("1 - A1 ** 2", "1 - A1"))) is False


class Marks:
    """A run that records nothing."""

    seed = 0

    def leaf(self, value, kind):
        """The value."""
        return value


@pytest.fixture
def alone(monkeypatch):
    """What hands out data is called outside a run."""
    monkeypatch.setattr(recorder, "_current", [Marks()])


@pytest.mark.parametrize("name", ["sigmoid", "relu"])
def test_the_slopes_of_activations_are_those_of_what_they_give(name):
    Z, dA, h = np.random.default_rng(0).normal(size=(3, 4)), np.arange(12.0).reshape(3, 4), 1e-6
    forward, back = getattr(dnn_utils, name), getattr(dnn_utils, f"{name}_backward")
    assert forward(Z)[1] is Z
    slope = (forward(Z + h)[0] - forward(Z - h)[0]) / (2 * h)
    assert back(dA, Z) == pytest.approx(dA * slope, rel=1e-8)


def test_data_have_the_shapes_that_courses_speak_of_and_two_classes(alone):
    X, Y = planar_utils.load_planar_dataset()
    pictures, classes, *_, names = lr_utils.load_dataset()
    assert (X.shape, Y.shape, set(Y.ravel())) == ((2, 400), (1, 400), {0, 1})
    assert (pictures.shape, classes.shape, len(names)) == ((209, 64, 64, 3), (1, 209), 2)
    assert set(classes.ravel()) == {0, 1}
    assert rnn_utils.softmax(X).sum(axis=0) == pytest.approx(1)
    assert (planar_utils.sigmoid(X) == rnn_utils.sigmoid(X)).all()


@pytest.mark.parametrize(("pad", "stride"), [(0, 1), (1, 1), (1, 2)])
def test_columns_of_windows_are_what_a_convolution_multiplies_and_their_sum_is_the_transpose(pad, stride):
    rng = np.random.default_rng(0)
    x, w = rng.normal(size=(2, 3, 5, 5)), rng.normal(size=(4, 3, 3, 3))
    cols = im2col_cython.im2col_cython(x, 3, 3, pad, stride)
    out = (w.reshape(4, -1) @ cols).reshape(4, -1, 2)
    padded, n = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad))), (5 + 2 * pad - 3) // stride + 1
    for k in range(n * n):
        i, j = (k // n) * stride, (k % n) * stride
        assert out[:, k] == pytest.approx(np.einsum("fchw,nchw->fn", w, padded[:, :, i : i + 3, j : j + 3]))
    other = rng.normal(size=cols.shape)
    back = im2col_cython.col2im_cython(other, 2, 3, 5, 5, 3, 3, pad, stride)
    assert np.vdot(back, x) == pytest.approx(np.vdot(other, cols))


def test_what_a_package_of_the_program_would_have_compiled_is_found(tmp_path):
    (tmp_path / "course").mkdir()
    (tmp_path / "course/fast.py").write_text(
        "try:\n    from course.im2col_cython import col2im_6d_cython\nexcept ImportError:\n    print('build it')\n"
    )
    run = seen(tmp_path, "from course.fast import col2im_6d_cython\nfound = col2im_6d_cython.__name__\n").runs[0]
    assert run.namespace["found"] == "col2im_6d_cython"
    assert run.absent == []
