"""How likely a sample is to miss what is wrong: of entries (sampling.without_putting_back), of directions.

A direction v of independent normal numbers shows a mistake δ as ⟨δ, v⟩, which is normal with standard deviation ‖δ‖,
wherever the mistake lies. It is missed where |⟨δ, v⟩| ≤ b, with a chance of erf(b / (√2 ‖δ‖)); by several directions
with the product of these.
"""

from collections.abc import Sequence
from math import erf, prod, sqrt
from typing import Any

CHANCE = 1e-3
"""The chance for which the size of a mistake is stated: one in a thousand."""


def missed(share: Any, drawn: int) -> Any:
    """The greatest chance that so many entries, drawn at random, are all right where this share of them is wrong.

    >>> round(missed(0.01, 1000), 6)
    4.3e-05
    """
    return (1 - share) ** drawn


def missed_along(directions: int) -> float:
    """The greatest chance that so many directions of random signs all hide an error that their bars would show.

    >>> missed_along(10)
    0.0009765625
    """
    return 2.0**-directions


def at_random(checked: int) -> int:
    """How many of the entries that a sample holds were drawn among all, and not among those that are not zero."""
    return (checked + 1) // 2


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
