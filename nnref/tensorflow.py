"""What nnref asks of TensorFlow, which is imported nowhere else, and never by `import nnref`."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from nnref.running.checkpoint import write
from nnref.running.data import DataError, full_mnist

FETCH = """
import sys
import numpy
from tensorflow.keras.datasets import mnist
(x_train, y_train), (x_test, y_test) = mnist.load_data()
numpy.savez_compressed(sys.argv[1], x_train=x_train, y_train=y_train, x_test=x_test, y_test=y_test)
"""


def download_mnist(destination: Path) -> None:
    """Fetch MNIST through tensorflow.keras.datasets, verify every pixel, and write it to destination, an .npz.

    Keras deletes a cached file that differs from the one it expects. It therefore runs in a process of its own whose
    KERAS_HOME is a new, empty folder: no file of the user's is within its reach.

    Errors: DataError if TensorFlow is not installed or the download fails, with the reason, or if other pixels came.
    """
    with tempfile.TemporaryDirectory() as folder:
        fetched = Path(folder) / "fetched.npz"
        child = subprocess.run(
            [sys.executable, "-c", FETCH, str(fetched)],
            env=os.environ | {"KERAS_HOME": folder, "TF_CPP_MIN_LOG_LEVEL": "3"},
            capture_output=True,
            text=True,
            check=False,
        )
        if child.returncode != 0:
            reason = (child.stderr.strip().splitlines() or ["no reason given"])[-1]
            raise DataError(
                f"MNIST could not be downloaded through TensorFlow: {reason}. It needs a network and "
                f"python -m pip install 'nnref[tensorflow]'; or name a copy of MNIST in NNREF_MNIST."
            )
        if full_mnist(fetched) is None:
            raise DataError("what was downloaded through TensorFlow is not MNIST by its SHA-256, and was not kept.")
        write(destination, lambda file: file.write(fetched.read_bytes()))
