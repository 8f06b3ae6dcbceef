"""How large a mistake is missed, and with what chance: by a sample of entries, and by random directions.

A share p of wrong entries is missed by a sample of k, drawn without repetition, with a chance of at most (1 − p)ᵏ.

A direction v of independent normal numbers shows a mistake δ as ⟨δ, v⟩, which is normal with standard deviation ‖δ‖,
wherever the mistake lies. It is missed where |⟨δ, v⟩| ≤ b, with a chance of erf(b / (√2 ‖δ‖)); by several directions
with the product of these.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import erf, prod, sqrt

CHANCE = 1e-3
"""The chance for which a size is stated: one in a thousand."""


def chance_by_sample(share: float, checked: int) -> float:
    """The chance that a sample holds none of a share of wrong entries.

    >>> round(chance_by_sample(0.02, 256), 4)
    0.0057
    """
    return float((1 - share) ** checked)


def share_by_sample(checked: int) -> float:
    """The share of wrong entries that a sample misses once in a thousand times.

    >>> round(share_by_sample(256), 3)
    0.027
    """
    return 1 - CHANCE ** (1 / checked)


def chance_by_directions(size: float, bars: Sequence[float]) -> float:
    """The chance that a mistake of norm `size` stays within the bar of every direction.

    >>> round(chance_by_directions(1.0, [0.1, 0.1, 0.1]), 5)
    0.00051
    """
    return prod(erf(bar / (sqrt(2) * size)) for bar in bars)


def size_by_directions(bars: Sequence[float]) -> float:
    """The norm of the mistake that directions with these bars miss once in a thousand times; infinite without bars.

    >>> round(size_by_directions([0.1, 0.1, 0.1]), 3)
    0.794
    """
    if not bars:
        return float("inf")
    low, high = 0.0, max(bars)
    if high == 0:
        return 0.0
    while chance_by_directions(high, bars) > CHANCE:
        low, high = high, 2 * high
        if high == float("inf"):
            return high
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if middle == 0 or chance_by_directions(middle, bars) > CHANCE else (low, middle)
    return high
