"""How likely a sample is to miss what is wrong: of entries (sampling.without_putting_back), of directions."""

from typing import Any


def missed(share: Any, drawn: int) -> Any:
    """The probability, at most, that all of a random sample is right if this share of all entries is wrong.

    >>> round(missed(0.01, 1000), 6)
    4.3e-05
    """
    return (1 - share) ** drawn


def missed_along(directions: int) -> float:
    """The probability, at most, that random sign vectors all hide an error above their bars.

    >>> missed_along(10)
    0.0009765625
    """
    return 2.0**-directions


def at_random(checked: int) -> int:
    """How many entries of a sample were drawn from all entries, and not from the nonzero ones."""
    return (checked + 1) // 2
