"""How long does it take to check all 109,386 gradients of the article's network as a black box?

`python -m benchmarks.blackbox` shows a bar on a terminal, then the time, and how often the loss was evaluated.
"""

from __future__ import annotations

import argparse
import json
from time import perf_counter

import numpy as np

import nnref
from nnref.threads import one_blas_thread


def problem(N: int, seed: int = 0):
    """The article's network at its initial parameters with biases that are not zero, on N dense signed examples."""
    rng = np.random.default_rng(seed)
    layers = nnref.mnist_mlp()
    theta = tuple(
        nnref.Affine(t.W, rng.standard_normal(t.b.shape)) if t else () for t in nnref.initialise(layers, seed)
    )
    X = rng.standard_normal((784, N))
    Y = nnref.one_hot(rng.integers(0, 10, N), dtype="float64")
    return layers, theta, X, Y


def main() -> None:
    """Check, time, and print one line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--method", choices=("auto", "central", "complex"), default="auto")
    parser.add_argument("-N", type=int, default=8, help="examples in the batch (default: 8)")
    parser.add_argument("--entries", type=int, help="how many of each tensor (default: all)")
    parser.add_argument("--json", action="store_true", help="end with one JSON object")
    arguments = parser.parse_args()
    layers, theta, X, Y = problem(arguments.N)
    began = perf_counter()
    with one_blas_thread():
        report = nnref.gradcheck(
            lambda at: nnref.loss(layers, at, X, Y),
            theta,
            lambda at: nnref.gradients(layers, at, X, Y),
            method=arguments.method,
            entries=arguments.entries or "all",
            progress=True,
        )
    seconds = perf_counter() - began
    made, least = report.settings["evaluations"], report.settings["least evaluations"]
    print(report)
    print(
        f"{sum(entry.checked for entry in report.entries):,} entries at N = {arguments.N} in {seconds:.0f} s; the loss "
        f"was evaluated {made:,} times, {made / least:.2f} times the {least:,} that there must be"
    )
    if arguments.json:
        print(json.dumps({"ok": report.ok, "seconds": seconds, "evaluations": made, "least": least}))
    raise SystemExit(not report.ok)


if __name__ == "__main__":
    main()
