"""nnref: the verified mathematics of a neural network, to check your own network against."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from nnref.version import __version__

if TYPE_CHECKING:
    from nnref.architectures import cnn, transformer
    from nnref.checking.gradcheck.border import GradcheckError
    from nnref.checking.gradcheck.gradcheck import assert_gradients, gradcheck
    from nnref.checking.homework.certify import certify
    from nnref.checking.homework.check import check
    from nnref.checking.kernels.check import assert_vjp, check_vjp
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

WHEN_ASKED = {
    "Affine": "layer",
    "Certificate": "checking.results.certificate",
    "DataError": "running.errors",
    "Dataset": "running.data",
    "Diverged": "running.errors",
    "GateError": "running.errors",
    "GradcheckError": "checking.gradcheck.border",
    "GradcheckReport": "checking.results.report",
    "GradientMismatch": "checking.results.report",
    "Layer": "layer",
    "ShapeError": "shapes",
    "TrainingRun": "running.run",
    "accuracy": "network",
    "assert_gradients": "checking.gradcheck.gradcheck",
    "assert_vjp": "checking.kernels.check",
    "certify": "checking.homework.certify",
    "chain": "layer",
    "check": "checking.homework.check",
    "check_vjp": "checking.kernels.check",
    "cnn": "architectures",
    "forward": "network",
    "gradcheck": "checking.gradcheck.gradcheck",
    "gradients": "network",
    "initialise": "network",
    "load_mnist": "running.data",
    "loss": "network",
    "loss_and_gradients": "network",
    "mlp": "network",
    "mnist_mlp": "network",
    "named": "network",
    "one_hot": "network",
    "predict": "network",
    "residual": "layer",
    "train": "running.train",
    "transformer": "architectures",
}
"""Where the public names are. Each is imported when it is first asked for: the command line needs few of them."""

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
    "assert_vjp",
    "certify",
    "chain",
    "check",
    "check_vjp",
    "cnn",
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
    "transformer",
]


def __getattr__(name: str) -> Any:
    """A public name, or a concept such as nnref.affine, that is imported when it is first asked for."""
    if name in WHEN_ASKED:
        found = globals()[name] = getattr(import_module(f"nnref.{WHEN_ASKED[name]}"), name)
        return found
    if not name.startswith("_"):
        from importlib.util import find_spec

        if find_spec(f"nnref.{name}") is not None:
            return import_module(f"nnref.{name}")
    raise AttributeError(f"module 'nnref' has no attribute {name!r}")


def __dir__() -> list[str]:
    """The public names, imported or not."""
    return sorted({*globals(), *WHEN_ASKED})


def load_ipython_extension(ipython: Any) -> None:
    """%load_ext nnref: %nnref checks what a notebook has defined, or the one name that is given.

    ipython is IPython's shell, which calls this.
    """
    from nnref.checking.homework.magic import check_notebook

    ipython.register_magic_function(lambda line="": check_notebook(ipython, line), "line", "nnref")
