"""How likely a sample is to miss what is wrong: of entries (sampling.without_putting_back), of directions."""

from typing import Any


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
