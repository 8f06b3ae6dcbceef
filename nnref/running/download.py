"""MNIST through TensorFlow, which is imported nowhere else, and here by a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from nnref.running.errors import DataError

FETCH = """
import sys
import numpy
from tensorflow.keras.datasets import mnist
(x_train, y_train), (x_test, y_test) = mnist.load_data()
numpy.savez_compressed(sys.argv[1], x_train=x_train, y_train=y_train, x_test=x_test, y_test=y_test)
"""
"""The program of that process: its argument is the .npz to write."""


def fetch_mnist(destination: Path) -> None:
    """Write to destination, an .npz, what tensorflow.keras.datasets gives as MNIST; its pixels are not yet verified.

    Keras deletes a cached file that differs from the one it expects. It therefore runs in a process of its own whose
    KERAS_HOME is a new, empty folder: no file of the user's is within its reach.

    Errors: DataError if TensorFlow is not installed or the download fails, with the reason.
    """
    with tempfile.TemporaryDirectory() as keras_home:
        child = subprocess.run(
            [sys.executable, "-c", FETCH, str(destination)],
            env=os.environ | {"KERAS_HOME": keras_home, "TF_CPP_MIN_LOG_LEVEL": "3"},
            capture_output=True,
            text=True,
            check=False,
        )
    if child.returncode != 0:
        destination.unlink(missing_ok=True)
        reason = (child.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise DataError(
            f"MNIST could not be downloaded through TensorFlow: {reason}. It needs a network and "
            f"python -m pip install 'nnref[tensorflow]'; or name a copy of MNIST in NNREF_MNIST."
        )
