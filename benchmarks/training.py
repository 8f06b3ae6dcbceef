"""Training: everyone in a process of its own, an epoch each in turn, between two floors, at every batch size."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from statistics import median
from typing import Any

from benchmarks.implementations import IMPLEMENTATIONS, WITHOUT_PEERS

POOLS = ("OPENBLAS_NUM", "OMP_NUM", "MKL_NUM", "TF_NUM_INTRAOP", "TF_NUM_INTEROP")
ONE_THREAD = {f"{pool}_THREADS": "1" for pool in POOLS}
XLA = "--xla_cpu_multi_thread_eigen=false"
CPU = {"JAX_PLATFORMS": "cpu", "KERAS_BACKEND": "tensorflow", "CUDA_VISIBLE_DEVICES": "-1", "TF_CPP_MIN_LOG_LEVEL": "3"}
BATCHES = (32, 64, 128, 256)
EXAMPLES = 3200


def available(peers: bool) -> list[str]:
    """The implementations that can run here."""
    chosen = list(IMPLEMENTATIONS) if peers else list(WITHOUT_PEERS)
    return [name for name in chosen if importlib.util.find_spec(IMPLEMENTATIONS[name][1])]


def measure(peers: bool, quick: bool) -> dict[str, Any]:
    """Of each, at each batch size: CPU and wall time as a multiple of the floor of the same moment, and the loss."""
    setting = {"learning_rate": 0.1, "examples": EXAMPLES, "rounds": 3 if quick else 11, "batch_sizes": list(BATCHES)}
    given = [str(setting["learning_rate"]), str(setting["examples"])]
    workers = {name: start([name, *given]) for name in available(peers)}
    made: dict[str, dict[int, Any]] = {name: {} for name in workers}
    for name in list(workers):
        for B in BATCHES:
            if (said := ask(workers[name], f"make {B}\n")) is None:
                print(f"{name}: left out, for it ended at N = {B}: python -m benchmarks.worker '{name}' 0.1 3200")
                del workers[name], made[name]
                break
            made[name][B] = said | {"rounds": []}
            print(f"{name}, N = {B}: built and run once in {said['first']} s, loss {said['loss']:.6f}", flush=True)
    for _ in range(setting["rounds"]):
        for B in BATCHES:
            for name, worker in workers.items():
                made[name][B]["rounds"].append(ask(worker, f"time {B}\n"))
    for worker in workers.values():
        worker.communicate()
    found = {name: {B: summary(said, EXAMPLES, B) for B, said in by_B.items()} for name, by_B in made.items()}
    return {"setting": setting | {"sizes": [784, 128, 64, 10], "threads": 1}, "implementations": found}


def summary(said: dict[str, Any], examples: int, B: int) -> dict[str, Any]:
    """Medians of the rounds."""
    rounds, steps = said.pop("rounds"), examples // B
    for k, clock in enumerate(("wall", "cpu")):
        said[f"{clock}_times_floor"] = round(median(r["epoch"][k] / r["floor"][k] for r in rounds), 3)
        said[f"floor_{clock}_us_a_step"] = round(1e6 * median(r["floor"][k] for r in rounds) / steps, 1)
    return said


def start(arguments: list[str]) -> subprocess.Popen[str]:
    """A worker, on one thread."""
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    command = [sys.executable, "-m", "benchmarks.worker", *arguments]
    return subprocess.Popen(command, text=True, env=os.environ | ONE_THREAD | CPU | {"XLA_FLAGS": XLA}, **pipes)


def ask(worker: subprocess.Popen[str], line: str) -> dict[str, Any] | None:
    """One line to the worker, and its answer; None if it has ended."""
    assert worker.stdin is not None
    assert worker.stdout is not None
    try:
        worker.stdin.write(line)
        worker.stdin.flush()
    except BrokenPipeError:
        return None
    said = worker.stdout.readline()
    return dict(json.loads(said)) if said else None


COLUMNS = ("CPU time / floor", *(f"N = {B}" for B in BATCHES), "wall / floor, N = 64", "loss, N = 64", "dtype")


def rows(result: dict[str, Any]) -> list[list[str]]:
    """A row an implementation. CPU time is what to compare on a machine that does other work too."""
    return [
        [
            name,
            *(f"{by_B[B]['cpu_times_floor']:.2f}" for B in BATCHES),
            f"{by_B[64]['wall_times_floor']:.2f}",
            f"{by_B[64]['loss']:.6f}",
            by_B[64]["dtype"],
        ]
        for name, by_B in result["implementations"].items()
    ]
