"""All 109,386 gradients of the article's network at N = 32, each from its own forward pass, and PyTorch's check."""

from __future__ import annotations

import importlib.util
from time import perf_counter, process_time
from typing import Any

import numpy as np

import nnref
from benchmarks.blackbox import problem
from nnref.checking.reference import noise, truth
from nnref.threads import one_blas_thread

N = 32
COLUMNS = ("exhaustive check, N = 32", "entries", "CPU s", "wall s", "CPU µs an entry", "largest error / allowed")


def measure(peers: bool, quick: bool) -> dict[str, Any]:
    """Seconds of each, and how far the gradient is from the truth that was found."""
    layers, theta, X, Y = problem(N)
    wall, cpu = perf_counter(), process_time()
    with one_blas_thread():
        T = nnref.named(truth.gradient(layers, theta, X, Y))
    ours = {"wall": perf_counter() - wall, "cpu": process_time() - cpu, "entries": sum(t.size for t in T.values())}
    G, S = nnref.named(nnref.gradients(layers, theta, X, Y)), nnref.named(noise.scale(layers, theta, X, Y, "float64"))
    multiples = [noise.multiples(G[p], T[p], S[p], "float64", truth.FLOOR).max() for p in T]
    ours["error"] = float(max(multiples)) / noise.allowed(layers, theta, N)
    found = {"nnref": ours}
    if peers and importlib.util.find_spec("torch"):
        found["torch.autograd.gradcheck"] = torch_check(theta, X, Y, 10 if quick else 65)
    return {"setting": {"N": N, "dtype": "float64"}, "implementations": found}


def torch_check(theta: Any, X: Any, Y: Any, entries: int) -> dict[str, Any]:
    """PyTorch's gradcheck of some rows of W1, and the time of all entries at the same rate: two passes each."""
    import torch as t

    t.set_num_threads(1)
    (W1, b1), (W2, b2), (W3, b3) = ((t.from_numpy(A), t.from_numpy(c)) for A, c in (p for p in theta if p))
    X, target = t.from_numpy(np.ascontiguousarray(X)), t.from_numpy(Y.argmax(axis=0))

    def loss(part: Any) -> Any:
        A = t.relu(W2 @ t.relu(t.cat([W1[:, :-1], part], dim=1) @ X + b1) + b2)
        return t.nn.functional.cross_entropy((W3 @ A + b3).T, target)

    part = W1[:entries, -1:].clone()

    def of_part(few: Any) -> Any:
        return loss(t.cat([few, W1[entries:, -1:]], dim=0))

    wall, cpu = perf_counter(), process_time()
    t.autograd.gradcheck(of_part, (part.requires_grad_(),), eps=1e-6, atol=1e-5)
    wall, cpu = perf_counter() - wall, process_time() - cpu
    share = 109_386 / entries
    return {"wall": wall * share, "cpu": cpu * share, "entries": 109_386, "measured_entries": entries, "error": None}


def rows(result: dict[str, Any]) -> list[list[str]]:
    """A row each."""
    return [
        [
            name + (f" (from {m['measured_entries']} entries)" if "measured_entries" in m else ""),
            f"{m['entries']:,}",
            f"{m['cpu']:.2f}",
            f"{m['wall']:.2f}",
            f"{1e6 * m['cpu'] / m['entries']:.1f}",
            "–" if m["error"] is None else f"{m['error']:.3f}",
        ]
        for name, m in result["implementations"].items()
    ]
