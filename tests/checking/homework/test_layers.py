"""A network of layers in another library: its gradients are certified, and a mistake planted in one layer is named."""

import numpy as np
import pytest

import nnref
from nnref.architectures import cnn
from nnref.checking.homework.models_of_layers import tree_of_model
from tests.conftest import require

SIDE, N = 8, 4


@pytest.fixture(scope="module")
def torch():
    """PyTorch, for the whole file."""
    return require("torch")


def network(torch, conv=None, rectifier=None):
    """nnref.cnn(8, 3, (2,), 3) in PyTorch, double precision, with a convolution or a rectifier of one's own."""
    F = torch.nn.functional
    conv, rectifier = conv or F.conv2d, rectifier or F.relu

    class Net(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = torch.nn.Conv2d(1, 2, 3)
            self.out = torch.nn.Linear(2 * 3 * 3, 3)

        def forward(self, X):
            A = rectifier(conv(X, self.conv.weight, self.conv.bias))
            return self.out(F.max_pool2d(A, 2).flatten(1))

    torch.manual_seed(0)
    return Net().double()


def of_ones_own(torch, f, back):
    """F with a backward pass of one's own: back(dY, *arguments)."""

    class Own(torch.autograd.Function):
        @staticmethod
        def forward(ctx, *given):
            ctx.save_for_backward(*given)
            return f(*given)

        @staticmethod
        def backward(ctx, g):
            return back(g, *ctx.saved_tensors)

    return Own.apply


def certified(torch, model, rng):
    """The certificate of a model's .grad after one backward pass."""
    X, y = rng.standard_normal((N, 1, SIDE, SIDE)), rng.integers(0, 3, N)
    torch.nn.functional.cross_entropy(model(torch.as_tensor(X)), torch.as_tensor(y)).backward()
    return nnref.certify(model, torch.as_tensor(X), y, layers=cnn(SIDE, 3, (2,), 3))


def test_a_right_model_of_torch_is_certified_with_its_grad(torch, rng):
    cert = certified(torch, network(torch), rng)
    assert cert.ok, cert
    assert {entry.name for entry in cert.entries} == {"W1", "b1", "W2", "b2"}


def test_the_mistake_planted_in_a_layer_is_named(torch, rng):
    grad = torch.nn.grad

    def flipped(g, X, W, b):
        return grad.conv2d_input(X.shape, W, g), grad.conv2d_weight(X, W.shape, g).flip(-1, -2), g.sum((0, 2, 3))

    conv = of_ones_own(torch, torch.nn.functional.conv2d, flipped)
    cert = certified(torch, network(torch, conv=conv), rng)
    assert [entry.name for entry in cert.wrong] == ["W1"]
    assert "conv2d: the gradient of the filter is turned round" in cert.explanation
    assert cert.first_wrong == "dW1"

    rectifier = of_ones_own(torch, torch.relu, lambda g, Z: g)
    cert = certified(torch, network(torch, rectifier=rectifier), rng)
    assert {entry.name for entry in cert.wrong} == {"W1", "b1"}
    assert "relu, going back: dY is passed on as it came: the slope is missing" in cert.explanation


def test_a_mistake_without_a_name_is_placed(torch, rng):
    rectifier = of_ones_own(torch, torch.relu, lambda g, Z: g * (Z > 0) * torch.rand_like(g))
    cert = certified(torch, network(torch, rectifier=rectifier), rng)
    assert cert.first_wrong in ("dW1", "db1")
    assert "it may be what layer 3, relu or" in cert.explanation


def test_parameters_of_jax_and_keras_lie_as_inputs_by_outputs(rng):
    layers = cnn(SIDE, 3, (2,), 3)
    kernel, bias = rng.standard_normal((3, 3, 1, 2)), rng.standard_normal(2)
    W, b = rng.standard_normal((18, 3)), rng.standard_normal(3)
    theta, gradients = tree_of_model(layers, {"conv": [kernel, bias], "out": [W, b]}, [kernel, bias, W, 2 * b])
    found = nnref.named(theta)
    np.testing.assert_array_equal(found["W1"][1, 0], kernel[:, :, 0, 1])
    np.testing.assert_array_equal(found["W2"], W.T)
    np.testing.assert_array_equal(gradients["b2"], 2 * b[:, None])
    with pytest.raises(ValueError, match="the layers have 4 arrays of parameters"):
        tree_of_model(layers, [kernel, bias], None)
    with pytest.raises(ValueError, match=r"W1 should have shape \(2, 1, 3, 3\); \(5, 5, 1, 2\) came"):
        tree_of_model(layers, [np.ones((5, 5, 1, 2)), bias, W, b], None)
