"""The gradients of a perceptron that PyTorch, JAX or Keras keeps, certified as they are kept."""

from itertools import pairwise

import numpy as np
import pytest

import nnref
from nnref.checking.homework.models import layers_of_model
from tests.conftest import require

N, SIZES = 7, (5, 6, 4, 3)


def batch(rng):
    """Rows of examples and their classes."""
    return rng.standard_normal((N, SIZES[0])), rng.integers(0, SIZES[-1], N)


def perceptron(torch, slope):
    """A torch.nn.Sequential with ReLU of its own, whose backward pass is slope(z) times dY."""

    class Rectifier(torch.autograd.Function):
        @staticmethod
        def forward(ctx, z):
            ctx.save_for_backward(z)
            return torch.relu(z)

        @staticmethod
        def backward(ctx, g):
            return g * slope(ctx.saved_tensors[0])

    class Relu(torch.nn.Module):
        def forward(self, z):
            return Rectifier.apply(z)

    linears = [torch.nn.Linear(m, n) for m, n in pairwise(SIZES)]
    return torch.nn.Sequential(linears[0], Relu(), linears[1], Relu(), linears[2]).double()


@pytest.mark.parametrize("right", [True, False])
def test_a_module_of_torch_is_judged_by_its_own_gradients(rng, right):
    torch = require("torch")
    torch.manual_seed(0)
    X, y = batch(rng)
    model = perceptron(torch, lambda z: (z > 0).to(z.dtype) if right else torch.ones_like(z))
    torch.nn.functional.cross_entropy(model(torch.as_tensor(X)), torch.as_tensor(y)).backward()
    cert = nnref.certify(model, torch.as_tensor(X), torch.as_tensor(y))
    assert cert.ok == right, cert
    if not right:
        assert {entry.name for entry in cert.wrong} == {"W1", "b1", "W2", "b2"}
        assert cert.diagnosis == "slope.missing"


@pytest.mark.parametrize("end", ["logits", "probabilities", "logarithms"])
def test_a_module_with_another_activation_is_not_judged_as_if_it_had_this_one(rng, end):
    torch = require("torch")
    torch.manual_seed(0)
    X, y = (torch.as_tensor(A) for A in batch(rng))
    (m, n, k, c), nn = SIZES, torch.nn
    last = {"logits": [], "probabilities": [nn.Softmax(-1)], "logarithms": [nn.LogSoftmax(-1)]}[end]
    model = nn.Sequential(nn.Linear(m, n), nn.Tanh(), nn.Linear(n, k), nn.Tanh(), nn.Linear(k, c), *last).double()
    made = model(X)
    made = {"logits": lambda: made.log_softmax(-1), "probabilities": made.log, "logarithms": lambda: made}[end]()
    nn.functional.nll_loss(made, y).backward()
    assert nnref.certify(model, X, y, activation="tanh").ok
    with pytest.raises(ValueError, match=r"computes another function than layers with relu .* example \d"):
        nnref.certify(model, X, y)


def test_a_module_whose_output_is_no_number_computes_another_function(rng):
    torch = require("torch")

    class Broken(torch.nn.Sequential):
        def forward(self, x):
            return super().forward(x) * float("nan")

    X, y = batch(rng)
    model = Broken(torch.nn.Linear(SIZES[0], SIZES[-1])).double()
    with pytest.raises(ValueError, match="another function than"):
        nnref.certify(model, X, y)


def test_pairs_of_jax_are_judged_in_their_order(rng):
    jax = require("jax")
    X, y = batch(rng)
    theta = [(rng.standard_normal((m, n)), rng.standard_normal(n)) for m, n in pairwise(SIZES)]

    def loss(theta):
        A = X
        for W, b in theta[:-1]:
            A = jax.numpy.maximum(A @ W + b, 0)
        Z = A @ theta[-1][0] + theta[-1][1]
        return -jax.numpy.mean(jax.nn.log_softmax(Z)[np.arange(N), y])

    with jax.enable_x64(True):
        gradients = jax.grad(loss)(theta)
    assert nnref.certify(theta, X, y, gradients).ok
    doubled = [(2 * W, b) for W, b in gradients]
    assert {entry.name for entry in nnref.certify(theta, X, y, doubled).wrong} == {"W1", "W2", "W3"}


class Model:
    """What is asked of a Keras model."""

    def __init__(self, variables):
        self.trainable_variables = variables


def test_a_keras_model_is_read_by_its_variables(rng):
    variables = [rng.standard_normal(shape) for shape in ((5, 4), (4,), (4, 3), (3,))]
    parameters, gradients, layout = layers_of_model(Model(variables), variables, None)
    assert list(parameters) == list(gradients) == ["W1", "b1", "W2", "b2"]
    assert layout == "rows"
    with pytest.raises(ValueError, match="as a tape returns them"):
        layers_of_model(Model(variables), None, None)


def test_what_is_no_model_stays_as_it_came():
    theta = nnref.initialise(nnref.mlp([3, 4, 2]), seed=0)
    assert layers_of_model(theta, theta, None) == (theta, theta, None)
