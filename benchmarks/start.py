"""From the start of a process to 97 % on the full MNIST, and its peak memory: all that a user waits for."""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from time import perf_counter
from typing import Any

from benchmarks.training import CPU, ONE_THREAD, XLA

GOAL, BATCH, RATE, SEED, MOST = 0.97, 64, 0.1, 0, 10
OURS = {"nnref": "numpy", "nnref, engine jax": "jax", "nnref, engine torch": "torch"}
COLUMNS = ("from process start to 97 %", "CPU s", "wall s", "peak MB", "accuracy", "epochs")


def measure(peers: bool, quick: bool) -> dict[str, Any]:
    """Of each: CPU and wall seconds of its process, its peak memory, and the accuracy it reached."""
    import nnref
    from benchmarks.implementations import IMPLEMENTATIONS
    from benchmarks.training import available

    setting: dict[str, Any] = {"goal": GOAL, "batch_size": BATCH, "learning_rate": RATE, "gate": True}
    if "MNIST" not in nnref.load_mnist().source or nnref.load_mnist().rows_train.shape[0] < 60_000:
        return {"setting": setting | {"left_out": "NNREF_MNIST does not name the full MNIST"}, "implementations": {}}
    run = nnref.train(epochs=MOST, batch_size=BATCH, learning_rate=RATE, seed=SEED, progress=False)
    epochs = next((k for k, a in enumerate(run.accuracy_by_epoch, 1) if a >= GOAL), MOST)
    found = {name: whole_process([name, str(epochs)]) for name in available(peers) if IMPLEMENTATIONS[name]}
    return {"setting": setting | {"epochs": epochs}, "implementations": {k: v for k, v in found.items() if v}}


def whole_process(arguments: list[str]) -> dict[str, Any] | None:
    """Start it, wait for it, and ask the system what it took; None if it failed."""
    began = perf_counter()
    env = os.environ | ONE_THREAD | CPU | {"XLA_FLAGS": XLA}
    command = [sys.executable, "-m", "benchmarks.start", *arguments]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=env)
    assert child.stdout is not None
    said = child.stdout.read()
    _, status, usage = os.wait4(child.pid, 0)
    if status:
        return None
    took = {"wall": perf_counter() - began, "cpu": usage.ru_utime + usage.ru_stime}
    return {k: round(v, 2) for k, v in took.items()} | json.loads(said.splitlines()[-1])


def rows(result: dict[str, Any]) -> list[list[str]]:
    """A row an implementation."""
    return [
        [name, *(f"{m[k]:.1f}" for k in ("cpu", "wall", "peak_mb")), f"{m['accuracy']:.2%}", str(m["epochs"])]
        for name, m in result["implementations"].items()
    ]


def main() -> None:
    """One implementation in this process: load the data, train, and say how well it does on what was held out."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name")
    parser.add_argument("epochs", type=int)
    arguments = parser.parse_args()
    import nnref

    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    if arguments.name in OURS:
        settings = {"epochs": arguments.epochs, "batch_size": BATCH, "learning_rate": RATE, "seed": SEED}
        run = nnref.train(**settings, engine=OURS[arguments.name], progress=False)
        accuracy = run.test_accuracy
    else:
        accuracy = of_peer(arguments.name, arguments.epochs)
    print(json.dumps({"accuracy": accuracy, "epochs": arguments.epochs, "peak_mb": round(peak_mb(), 1)}))


def peak_mb() -> float:
    """The most memory that this process held, in MiB.

    What the system tells the parent of its child is no less than what the parent itself held when it started it.
    """
    status = Path("/proc/self/status")
    if status.exists():
        return int(status.read_text(encoding="utf-8").partition("VmHWM:")[2].split()[0]) / 1024
    import resource

    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / 2**20 if sys.platform == "darwin" else most / 1024


def of_peer(name: str, epochs: int) -> float:
    """A peer, on the very batches that nnref trains on."""
    import numpy as np

    import nnref
    from benchmarks.implementations import IMPLEMENTATIONS
    from nnref.running.settings import Settings
    from nnref.running.train import indices

    assert importlib.util.find_spec(IMPLEMENTATIONS[name][1])
    data, settings = nnref.load_mnist(), Settings(epochs, BATCH, RATE, SEED)
    theta = nnref.named(nnref.initialise(nnref.mnist_mlp(), SEED, "float32"))
    W, b = ([theta[f"{p}{l}"] for l in (1, 2, 3)] for p in "Wb")
    made = IMPLEMENTATIONS[name][0](W, b, data.rows_train, data.y_train.astype("int64"), BATCH, RATE)
    made.run(np.concatenate([indices(settings, epoch, len(data.y_train)) for epoch in range(epochs)]))
    return float((np.asarray(made.logits(data.rows_test)).argmax(axis=1) == data.y_test).mean())


if __name__ == "__main__":
    main()
