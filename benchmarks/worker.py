"""One implementation in a process of its own: for every batch size it is sent, an epoch between two floors."""

from __future__ import annotations

import json
import os
import sys
from time import perf_counter, process_time
from typing import Any

import numpy as np

import nnref
from benchmarks.floor import floor
from benchmarks.implementations import IMPLEMENTATIONS
from nnref.threads import one_blas_thread


class Worker:
    """An implementation at every batch size, made when it is first asked for."""

    def __init__(self, name: str, rate: float, examples: int) -> None:
        data = nnref.load_mnist()
        self.rows, self.y = data.rows_train[:examples], data.y_train[:examples].astype("int64")
        theta = nnref.named(nnref.initialise(nnref.mnist_mlp(), 0, "float32"))
        self.W, self.b = ([theta[f"{p}{l}"] for l in (1, 2, 3)] for p in "Wb")
        self.name, self.rate, self.examples = name, rate, examples
        self.made: dict[int, Any] = {}

    def make(self, B: int) -> dict[str, Any]:
        """Build, run once, which compiles what is compiled, and say how long that took and which loss was reached."""
        start = perf_counter()
        made = IMPLEMENTATIONS[self.name][0](self.W, self.b, self.rows, self.y, B, self.rate)
        order = np.random.default_rng(0).permutation(self.examples)
        indices = order[: self.examples // B * B].reshape(-1, B)
        made.run(indices)
        seconds = perf_counter() - start
        Z = np.asarray(made.logits(self.rows), "float64")
        top = Z.max(axis=1)
        losses = np.log(np.exp(Z - top[:, None]).sum(axis=1)) + top - Z[np.arange(len(Z)), self.y]
        self.made[B] = made, indices, floor(B, len(indices))
        self.made[B][2]()
        return {"first": round(seconds, 3), "loss": float(losses.mean()), "dtype": made.dtype}

    def timed(self, B: int) -> dict[str, Any]:
        """Wall and CPU seconds of an epoch, and of the floor: the mean of that before it and that after it."""
        made, indices, base = self.made[B]
        before = clocked(base)
        epoch = clocked(lambda: made.run(indices))
        after = clocked(base)
        return {"epoch": epoch, "floor": [(x + y) / 2 for x, y in zip(before, after, strict=True)]}


def clocked(work: Any) -> list[float]:
    """Wall and CPU seconds."""
    wall, cpu = perf_counter(), process_time()
    work()
    return [perf_counter() - wall, process_time() - cpu]


def main() -> None:
    """Arguments: name, learning rate, examples. Then a line for each piece of work: "make B" or "time B"."""
    if hasattr(os, "sched_setaffinity"):  # one core, so that threads that wait by spinning cost what they cost
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    worker = Worker(sys.argv[1], float(sys.argv[2]), int(sys.argv[3]))
    answer = sys.stdout
    sys.stdout = sys.stderr  # what others print is no answer
    with one_blas_thread():
        for line in sys.stdin:
            what, B = line.split()
            print(json.dumps(worker.make(int(B)) if what == "make" else worker.timed(int(B))), file=answer, flush=True)


if __name__ == "__main__":
    main()
