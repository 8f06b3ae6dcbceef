"""One implementation in a process of its own: it says READY, and trains an epoch for every line it is sent."""

from __future__ import annotations

import json
import sys
from time import perf_counter, process_time

import numpy as np

import nnref
from benchmarks.implementations import IMPLEMENTATIONS
from nnref.threads import one_blas_thread


def main() -> None:
    """Arguments: name, batch size, learning rate, examples."""
    name, B, rate, N = sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4])
    data = nnref.load_mnist()
    X = np.ascontiguousarray(data.columns(data.rows_train[:N], "float32").T)
    y = data.y_train[:N].astype("int32")
    theta = nnref.named(nnref.initialise(nnref.mnist_mlp(), 0, "float32"))
    W, b = ([theta[f"{p}{l}"] for l in (1, 2, 3)] for p in "Wb")
    with one_blas_thread():
        start = perf_counter()
        made = IMPLEMENTATIONS[name][0](W, b, X, y, B, rate)
        made.run()  # compiles what is compiled, and touches what is touched first
        print(f"READY {perf_counter() - start}", flush=True)
        for _ in sys.stdin:
            wall, cpu = perf_counter(), process_time()
            made.run()
            print(json.dumps([perf_counter() - wall, process_time() - cpu]), flush=True)
        Z = np.asarray(made.logits(X), "float64")
    top = Z.max(axis=1)
    loss = (np.log(np.exp(Z - top[:, None]).sum(axis=1)) + top - Z[np.arange(N), y]).mean()
    print(json.dumps({"loss": float(loss), "dtype": made.dtype}), flush=True)


if __name__ == "__main__":
    main()
