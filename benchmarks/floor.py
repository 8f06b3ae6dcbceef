"""The floor: the eight matrix products of a step, with every array made before the clock starts."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np


def floor(B: int, steps: int) -> Callable[[], None]:
    """The products of as many steps at batch size B, in float32, each into an array of its own."""
    rng = np.random.default_rng(0)

    def drawn(*shape: int) -> np.ndarray:
        return np.asfortranarray(rng.standard_normal(shape).astype("float32"))

    W1, W2, W3 = drawn(128, 784), drawn(64, 128), drawn(10, 64)
    rows = np.ascontiguousarray(drawn(B, 784))
    A1, A2, D1, D2, D3 = drawn(128, B), drawn(64, B), drawn(128, B), drawn(64, B), drawn(10, B)
    products = [
        (W1, rows.T), (W2, A1), (W3, A2), (D3, A2.T), (W3.T, D3), (D2, A1.T), (W2.T, D2), (D1, rows),
    ]  # fmt: skip
    made = [(a, b, np.asfortranarray(a @ b)) for a, b in products]
    multiply = np.matmul

    def run() -> None:
        for _ in range(steps):
            for a, b, out in made:
                multiply(a, b, out)

    return run
