"""Layers without a network: each forward and backward is a vector-Jacobian product, judged by itself."""

import inspect
import textwrap

import numpy as np
import pytest

from nnref.checking.reading.source import read_source
from nnref.checking.watching.calls.layer import line_of
from nnref.checking.watching.calls.layer_classes import unwritten
from nnref.checking.watching.calls.layer_pairs import layer_verdicts
from nnref.checking.watching.calls.layer_report import layers_judged
from nnref.checking.watching.calls.layer_shapes import Shapes

LAYERS = {
    "affine": (
        """
        def affine_forward(x, w, b):
            return x @ w + b, (x, w, b)

        def affine_backward(dout, cache):
            x, w, b = cache
            return dout @ w.T, x.T @ dout, dout.sum(axis=0)
        """,
        ("x.T @ dout,", "x.T @ dout * 2,"),
    ),
    "conv": (
        """
        def conv_forward_naive(x, w, b, conv_param):
            s, p = conv_param["stride"], conv_param["pad"]
            N, C, H, W = x.shape
            F, _, h, v = w.shape
            X = np.pad(x, ((0, 0), (0, 0), (p, p), (p, p)))
            out = np.zeros((N, F, 1 + (H + 2 * p - h) // s, 1 + (W + 2 * p - v) // s))
            for i in range(out.shape[2]):
                for j in range(out.shape[3]):
                    patch = X[:, None, :, i * s : i * s + h, j * s : j * s + v]
                    out[:, :, i, j] = (patch * w).sum(axis=(2, 3, 4)) + b
            return out, (x, w, b, conv_param)

        def conv_backward_naive(dout, cache):
            x, w, b, conv_param = cache
            s, p = conv_param["stride"], conv_param["pad"]
            X = np.pad(x, ((0, 0), (0, 0), (p, p), (p, p)))
            dX, dw = np.zeros_like(X), np.zeros_like(w)
            for i in range(dout.shape[2]):
                for j in range(dout.shape[3]):
                    d = dout[:, :, None, None, None, i, j]
                    rows, columns = slice(i * s, i * s + w.shape[2]), slice(j * s, j * s + w.shape[3])
                    here = (slice(None), slice(None), rows, columns)
                    dX[here] += (d * w).sum(axis=1)
                    dw += (d * X[here][:, None]).sum(axis=0)
            return dX[:, :, p : p + x.shape[2], p : p + x.shape[3]], dw, dout.sum(axis=(0, 2, 3))
        """,
        ("p : p + x.shape[3]], dw", "p : p + x.shape[3]][:, :, ::-1], dw"),
    ),
    "batchnorm": (
        """
        def batchnorm_forward(x, gamma, beta, bn_param):
            centred = x - x.mean(axis=0)
            spread = np.sqrt((centred**2).mean(axis=0) + 1e-5)
            return gamma * centred / spread + beta, (centred, spread, gamma)

        def batchnorm_backward(dout, cache):
            centred, spread, gamma = cache
            xhat = centred / spread
            d = dout * gamma
            dx = (d - d.mean(axis=0) - xhat * (d * xhat).mean(axis=0)) / spread
            return dx, (dout * xhat).sum(axis=0), dout.sum(axis=0)
        """,
        ("- d.mean(axis=0) ", ""),
    ),
    "Dense": (
        """
        class Dense:
            def __init__(self, n_inputs, n_outputs):
                self.W, self.b = np.random.randn(n_inputs, n_outputs), np.zeros((1, n_outputs))

            def forward(self, inputs):
                self.inputs = inputs
                return inputs @ self.W + self.b

            def backward(self, grad, learning_rate):
                back = grad @ self.W.T
                self.W -= learning_rate * self.inputs.T @ grad
                self.b -= learning_rate * grad.sum(axis=0, keepdims=True)
                return back
        """,
        ("grad.sum(axis=0, keepdims=True)", "grad.sum()"),
    ),
    "Dropout": (
        """
        class Dropout:
            def forward(self, x):
                self.mask = np.random.rand(*x.shape) > 0.5
                return x * self.mask * 2

            def backward(self, dout):
                return dout * self.mask * 2
        """,
        ("dout * self.mask * 2", "dout * self.mask"),
    ),
}


def verdicts(tmp_path, text):
    """The verdicts on the layers of a program's text, by name."""
    path = tmp_path / "layers.py"
    path.write_text("import numpy as np\n" + textwrap.dedent(text), encoding="utf-8")
    source = read_source(path)
    names = {}
    exec(compile(source.tree, str(path), "exec"), names)
    return {verdict.name: verdict for verdict in layer_verdicts(source, names)}


@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_is_right_in_every_argument(tmp_path, name):
    text, _ = LAYERS[name]
    found = verdicts(tmp_path, text)[name]
    assert (found.verdict, found.note) == ("ok", "")


@pytest.mark.parametrize("name", LAYERS)
def test_the_same_layer_with_a_mistake_is_wrong_in_one_argument(tmp_path, name):
    text, (right, wrong) = LAYERS[name]
    assert right in text
    found = verdicts(tmp_path, text.replace(right, wrong))[name]
    assert [entry.verdict for entry in found.entries].count("WRONG") == 1


def test_a_mean_over_the_batch_is_a_convention_and_said(tmp_path):
    """A course divides in every layer, and starts from a loss that is not divided."""
    found = verdicts(
        tmp_path,
        """
        def linear_forward(A_prev, W, b):
            return W @ A_prev + b, (A_prev, W, b)

        def linear_backward(dZ, cache):
            A_prev, W, b = cache
            m = A_prev.shape[1]
            return W.T @ dZ, dZ @ A_prev.T / m, dZ.sum(axis=1, keepdims=True) / m
        """,
    )["linear"]
    assert found.verdict == "ok"
    assert found.note == "W and b: the mean over the examples, so that nothing else may divide by their number"


def test_a_softmax_that_hands_on_what_it_is_given_is_not_accused(tmp_path):
    found = verdicts(
        tmp_path,
        """
        class Softmax:
            def forward(self, x):
                e = np.exp(x - x.max(axis=1, keepdims=True))
                return e / e.sum(axis=1, keepdims=True)

            def backward(self, dout):
                return dout
        """,
    )["Softmax"]
    assert found.verdict == "cannot tell"
    assert "right if the loss has the slope already" in found.note


def test_a_parameter_without_a_gradient_is_named_and_nothing_is_green(tmp_path):
    text, _ = LAYERS["batchnorm"]
    found = verdicts(tmp_path, text.replace("(dout * xhat).sum(axis=0), dout.sum(axis=0)", "(dout * xhat).sum(axis=0)"))
    assert found["batchnorm"].verdict == "cannot tell"
    assert found["batchnorm"].note == "no gradient of beta was found, which moves the output"


def test_an_error_in_the_backward_pass_is_told_and_is_no_mistake(tmp_path):
    text, _ = LAYERS["affine"]
    found = verdicts(tmp_path, text.replace("dout.sum(axis=0)", "d_out.sum(axis=0)"))["affine"]
    assert (found.verdict, found.note) == (
        "cannot tell",
        "not judged: its backward pass stops: NameError: name 'd_out' is not defined",
    )


def test_a_layer_that_computes_in_single_precision_is_judged_in_it(tmp_path):
    text, _ = LAYERS["affine"]
    found = verdicts(tmp_path, text.replace("x.T @ dout,", "(x.T @ dout).astype(np.float32),"))["affine"]
    assert (found.verdict, found.note) == ("ok", "right in single precision, in which it computes")


def test_global_random_numbers_are_as_before(tmp_path):
    np.random.seed(3)  # noqa: NPY002
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    verdicts(tmp_path, LAYERS["Dropout"][0])
    assert np.array_equal(before, np.random.get_state()[1])  # noqa: NPY002


def test_a_file_of_layers_has_a_row_a_layer_and_the_wrong_one_has_its_line(tmp_path):
    path = tmp_path / "layers.py"
    right, (was, wrong) = LAYERS["affine"]
    text = textwrap.dedent(right) + textwrap.dedent(LAYERS["Dropout"][0])
    path.write_text("import numpy as np\n" + text, encoding="utf-8")
    certificate = layers_judged(path, read_source(path))
    assert certificate.ok
    assert [(entry.name, entry.verdict) for entry in certificate.entries] == [("affine", "ok"), ("Dropout", "ok")]
    path.write_text("import numpy as np\n" + text.replace(was, wrong), encoding="utf-8")
    certificate = layers_judged(path, read_source(path))
    assert certificate.gradient_of_own_loss is False
    assert certificate.first.place.startswith("at or after line 6:  def affine_backward")
    assert certificate.first.says == "the gradient with respect to w is wrong; that of x and b is right."


def test_a_file_without_layers_has_no_such_report(tmp_path):
    path = tmp_path / "none.py"
    path.write_text("def softmax(z):\n    return z\n", encoding="utf-8")
    assert layers_judged(path, read_source(path)) is None


@pytest.mark.parametrize("names", [("in_ch", "out_ch"), ("c_in", "c_out"), ("in_channels", "out_channels")])
def test_channels_are_known_by_their_usual_names(names):
    """An image of three channels goes in, and as many come out as a layer has filters."""
    made = {name: inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD) for name in names}
    settings = [given for given, X in Shapes("Conv").of_object(made) if X.shape == (4, 3, 6, 6)]
    assert dict(zip(names, (3, 5), strict=True)) in settings


def test_a_method_that_only_says_what_others_will_do_is_not_written_and_a_method_has_its_own_line(tmp_path):
    path = tmp_path / "layers.py"
    text = 'class A:\n    def forward(self, x):\n        "What comes."\n        raise NotImplementedError\n'
    path.write_text(f"{text}class B(A):\n    def forward(self, x):\n        return 2 * x\n", encoding="utf-8")
    source = read_source(path)
    assert [unwritten(source.definition("forward", owner)) for owner in "AB"] == [True, False]
    assert [line_of(source, "forward", owner) for owner in "AB"] == [2, 6]
    assert line_of(source, "backward") == 0
