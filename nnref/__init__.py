"""nnref: the verified mathematics of a neural network, to check your own network against."""

from nnref.checking.gradcheck.border import GradcheckError
from nnref.checking.gradcheck.gradcheck import assert_gradients, gradcheck
from nnref.checking.gradcheck.vjp import check_vjp
from nnref.checking.homework.certify import certify
from nnref.checking.homework.check import check
from nnref.checking.results.certificate import Certificate
from nnref.checking.results.report import GradcheckReport, GradientMismatch
from nnref.layer import Affine, Layer, chain, residual
from nnref.network import (
    accuracy,
    forward,
    gradients,
    initialise,
    loss,
    loss_and_gradients,
    mlp,
    mnist_mlp,
    named,
    one_hot,
    predict,
)
from nnref.running.data import Dataset, load_mnist
from nnref.running.errors import DataError, Diverged, GateError
from nnref.running.run import TrainingRun
from nnref.running.train import train
from nnref.shapes import ShapeError
from nnref.version import __version__

__all__ = [
    "Affine",
    "Certificate",
    "DataError",
    "Dataset",
    "Diverged",
    "GateError",
    "GradcheckError",
    "GradcheckReport",
    "GradientMismatch",
    "Layer",
    "ShapeError",
    "TrainingRun",
    "__version__",
    "accuracy",
    "assert_gradients",
    "certify",
    "chain",
    "check",
    "check_vjp",
    "forward",
    "gradcheck",
    "gradients",
    "initialise",
    "load_mnist",
    "loss",
    "loss_and_gradients",
    "mlp",
    "mnist_mlp",
    "named",
    "one_hot",
    "predict",
    "residual",
    "train",
]
