"""The shuffle of every epoch: a function of seed and epoch alone, so that a resumed run goes on identically."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnref.running.settings import Settings


def order(settings: Settings, epoch: int, N: int) -> NDArray[Any]:
    """The order of the N examples in an epoch."""
    return np.random.default_rng([settings.seed, epoch]).permutation(N)


def indices(settings: Settings, epoch: int, N: int) -> NDArray[Any]:
    """The examples of every full batch of an epoch, (steps, B)."""
    B = settings.batch_size
    return order(settings, epoch, N)[: N // B * B].reshape(-1, B)


def order_sha256(settings: Settings, epoch: int, N: int) -> str:
    """SHA-256 of an epoch's order as little-endian 64-bit numbers: another numpy may shuffle in another way."""
    return hashlib.sha256(order(settings, epoch, N).astype("<i8").tobytes()).hexdigest()
