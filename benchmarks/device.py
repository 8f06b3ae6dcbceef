"""python -m benchmarks.device: training on a GPU, by nnref's engines and by JAX and PyTorch written by hand.

Epochs a second at N = 64 and 1024, interleaved, and the time to 97 % where the full MNIST is there (NNREF_MNIST); else
digits are drawn at random, for speed alone. Prints a table, ends with one JSON object, and writes a dated result.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import sys
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")  # PyTorch is in the same process

import numpy as np

import nnref
from benchmarks import __main__ as front
from benchmarks.implementations import IMPLEMENTATIONS, JaxExact

BATCHES = (64, 1024)
EXACT = "JAX by hand, 24-bit products"
MADE = {name: kind for name, (kind, _) in IMPLEMENTATIONS.items()} | {EXACT: JaxExact}
HERE = dict.fromkeys(("nnref, engine jax", "JAX by hand", EXACT), "jax") | dict.fromkeys(
    ("nnref, engine torch", "PyTorch", "PyTorch compiled"), "torch"
)
GOAL = 0.97


def main() -> int:
    """Exit 0 if something was measured, 2 if there is no such device."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="cuda", help="cuda, or cpu to try the script (default: cuda)")
    parser.add_argument("--examples", type=int, default=60_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--out", type=Path, default=front.RESULTS, help="folder of the dated result")
    arguments = parser.parse_args()
    there = {name: where(package, arguments.device) for name, package in HERE.items()}
    present = {name: place for name, place in there.items() if place}
    if not present:
        print(f"neither JAX nor PyTorch has a device {arguments.device!r} here: {sys.executable} -m pip install …")
        return 2
    rows, y, source = digits(arguments.examples)
    result: dict[str, Any] = {
        "devices": {name: description(HERE[name], place) for name, place in present.items()},
        "data_used": source,
        "epochs_a_second": {B: speeds(present, rows, y, B, arguments.rounds) for B in BATCHES},
        "to_97_percent": goal_times(present) if "MNIST" in source else {},
        "quiet": front.quietness(front.load()),
    }
    show(result)
    about = front.about() if "MNIST" in source else {"made": front.today(), "versions": front.versions()}
    arguments.out.mkdir(parents=True, exist_ok=True)
    path = arguments.out / f"{about['made']}-device.json"
    path.write_text(json.dumps(about | result, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"written: {path}")
    print(json.dumps(about | result, ensure_ascii=False))
    return 0


def where(package: str, device: str) -> str | None:
    """The device's name in a package, or None where the package or the device is not there."""
    if not importlib.util.find_spec(package):
        return None
    from nnref.running.engines import engine

    for name in ("gpu", "cuda") if device == "cuda" else (device,):
        try:
            return engine(package, name).device
        except ValueError:
            continue
    return None


def description(package: str, place: str) -> str:
    """What the package says the device is."""
    if package == "torch":
        import torch

        kind = torch.cuda.get_device_name(place) if place.startswith("cuda") else "cpu"
        return f"{place} ({kind}), torch {torch.__version__}"
    import jax

    return f"{place} ({jax.devices(place.partition(':')[0])[0].device_kind}), jax {jax.__version__}"


def digits(examples: int) -> tuple[Any, Any, str]:
    """The training images and labels, or random ones of that shape."""
    try:
        data = nnref.load_mnist()
    except ValueError:
        rng = np.random.default_rng(0)
        return rng.integers(0, 256, (examples, 784), np.uint8), rng.integers(0, 10, examples), "random digits"
    return data.rows_train[:examples], data.y_train[:examples].astype("int64"), data.source


def speeds(present: dict[str, str], rows: Any, y: Any, B: int, rounds: int) -> dict[str, Any]:
    """Epochs a second of each at batch size B: the median of rounds in which each has its turn."""
    theta = nnref.named(nnref.initialise(nnref.mnist_mlp(), 0, "float32"))
    W, b = ([theta[f"{p}{l}"] for l in (1, 2, 3)] for p in "Wb")
    indices = np.random.default_rng(0).permutation(len(y))[: len(y) // B * B].reshape(-1, B)
    made, found = {}, {}
    for name, place in present.items():
        began = perf_counter()
        print(f"N = {B}: {name} …", flush=True)
        kind = type(name, (MADE[name],), {"device": place})
        made[name] = kind(W, b, rows, y, B, 0.1)
        made[name].run(indices)
        found[name] = {"first_epoch_seconds": round(perf_counter() - began, 3)}
    times: dict[str, list[float]] = {name: [] for name in made}
    for _ in range(rounds):
        for name, it in made.items():
            began = perf_counter()
            it.run(indices)
            times[name].append(perf_counter() - began)
    for name, it in made.items():
        Z = np.asarray(it.logits(rows[:2000]), "float64")
        top = Z.max(axis=1)
        loss = (np.log(np.exp(Z - top[:, None]).sum(axis=1)) + top - Z[np.arange(len(Z)), y[: len(Z)]]).mean()
        found[name] |= {"epochs_a_second": round(1 / median(times[name]), 3), "loss": float(loss)}
    return found


def goal_times(present: dict[str, str]) -> dict[str, Any]:
    """Seconds of nnref.train until 97 % of the held-out digits are right, gate and compilation included."""
    found = {}
    for name, place in present.items():
        if name.startswith("nnref"):
            began = perf_counter()
            run = nnref.train(epochs=10, engine=HERE[name], device=place, progress=False)
            seconds = perf_counter() - began
            epochs = next((k for k, a in enumerate(run.accuracy_by_epoch, 1) if a >= GOAL), None)
            share = run.seconds * (epochs or 10) / 10
            found[name] = {
                "epochs": epochs,
                "seconds": round(seconds - run.seconds + share, 2),
                "accuracy_after_ten": run.test_accuracy,
                "gate": str(run.gate).splitlines(),
            }
    return found


def show(result: dict[str, Any]) -> None:
    """Plain lines, for a terminal of any kind."""
    print(result["quiet"])
    for name, device in result["devices"].items():
        print(f"{name}: {device}")
    for B, found in result["epochs_a_second"].items():
        for name, m in found.items():
            first = f"first {m['first_epoch_seconds']} s, loss {m['loss']:.6f}"
            print(f"N = {B}: {name}: {m['epochs_a_second']} epochs/s, {first}")
    for name, m in result["to_97_percent"].items():
        print(f"to 97 %: {name}: {m['seconds']} s, epoch {m['epochs']}, {m['accuracy_after_ten']:.2%} after ten")


if __name__ == "__main__":
    sys.exit(main())
