"""Training throughput: everyone in a process of its own, an epoch each in turn, so that a busy moment hits all."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from statistics import median
from typing import Any

from benchmarks.implementations import IMPLEMENTATIONS

POOLS = ("OPENBLAS_NUM", "OMP_NUM", "MKL_NUM", "TF_NUM_INTRAOP", "TF_NUM_INTEROP")
ONE_THREAD = {f"{pool}_THREADS": "1" for pool in POOLS}
CPU = {"JAX_PLATFORMS": "cpu", "KERAS_BACKEND": "tensorflow", "CUDA_VISIBLE_DEVICES": "-1", "TF_CPP_MIN_LOG_LEVEL": "3"}


def available(peers: bool) -> list[str]:
    """The implementations that can run here; PyTorch and JAX only where they are asked for."""
    chosen = [n for n, (_, package) in IMPLEMENTATIONS.items() if peers or package not in ("torch", "jax")]
    return [name for name in chosen if importlib.util.find_spec(IMPLEMENTATIONS[name][1])]


def measure(peers: bool, quick: bool) -> dict[str, Any]:
    """Examples a second of each, and the time of each beside nnref's in the same round (the median of those)."""
    setting = {"batch_size": 64, "learning_rate": 0.1, "examples": 3200, "rounds": 3 if quick else 15}
    workers, warm = {}, {}
    for name in available(peers):
        arguments = [name, *(str(setting[key]) for key in ("batch_size", "learning_rate", "examples"))]
        workers[name] = start(arguments)
        warm[name] = ready(workers[name])
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in workers}
    for _ in range(setting["rounds"]):
        for name, worker in workers.items():
            times[name].append(tuple(json.loads(ask(worker, "go\n"))))
    found = {name: finish(worker) for name, worker in workers.items()}
    for name, measured in found.items():
        for k, clock in enumerate(("wall", "cpu")):
            seconds = [t[k] for t in times[name]]
            measured[f"examples_per_second_{clock}"] = round(setting["examples"] / median(seconds))
            ratios = [t[k] / r[k] for t, r in zip(times[name], times["nnref"], strict=True)]
            measured[f"{clock}_as_a_multiple_of_nnref"] = round(median(ratios), 3)
        measured["seconds_to_build_and_first_epoch"] = round(warm[name], 2)
    return {"setting": setting | {"sizes": [784, 128, 64, 10], "threads": 1}, "implementations": found}


def start(arguments: list[str]) -> subprocess.Popen[str]:
    """A worker, on one thread."""
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    command = [sys.executable, "-m", "benchmarks.worker", *arguments]
    return subprocess.Popen(command, text=True, env=os.environ | ONE_THREAD | CPU, **pipes)


def ready(worker: subprocess.Popen[str]) -> float:
    """Wait for READY and return the seconds it took to build and to run once."""
    assert worker.stdout is not None
    for line in worker.stdout:
        if line.startswith("READY"):
            return float(line.split()[1])
    raise SystemExit(f"{worker.args} ended before it was ready. Run it by hand to see why.")


def ask(worker: subprocess.Popen[str], line: str) -> str:
    """One line to the worker, and its answer."""
    assert worker.stdin is not None
    assert worker.stdout is not None
    worker.stdin.write(line)
    worker.stdin.flush()
    return worker.stdout.readline()


def finish(worker: subprocess.Popen[str]) -> dict[str, Any]:
    """What the worker says when there is nothing more to do: the loss it reached, which all must share."""
    out, _ = worker.communicate()
    return dict(json.loads(out))


COLUMNS = ("", "examples / s of CPU", "CPU time / nnref", "examples / s", "time / nnref", "loss reached", "dtype")


def rows(result: dict[str, Any]) -> list[list[str]]:
    """A row an implementation. CPU time is what to compare on a machine that does other work too."""
    return [
        [
            name,
            f"{m['examples_per_second_cpu']:,}",
            f"{m['cpu_as_a_multiple_of_nnref']:.2f}",
            f"{m['examples_per_second_wall']:,}",
            f"{m['wall_as_a_multiple_of_nnref']:.2f}",
            f"{m['loss']:.6f}",
            m["dtype"],
        ]
        for name, m in result["implementations"].items()
    ]
