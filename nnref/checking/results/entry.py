"""One parameter's gradient, judged."""

from __future__ import annotations

from dataclasses import dataclass

from nnref.checking.results.findings import Finding


@dataclass(frozen=True)
class Worst:
    """The entry that is furthest off: its index, your value, the truth, and the gap as a multiple of the noise.

    S is the running-error scale there, where the network is the reference's and has one.
    """

    index: tuple[int, ...]
    yours: float
    truth: float
    noises: float
    S: float | None = None


@dataclass(frozen=True)
class Entry:
    """One parameter's gradient: how many entries were checked, how they were judged, the worst, and where it is.

    reason says why entries are undecided; coarse, how large a mistake the gradient's precision would hide.
    """

    name: str
    shape: tuple[int, ...]
    size: int
    checked: int
    wrong: int
    cannot_tell: int
    subgradients: int
    worst: Worst | None
    verdict: str
    where: tuple[Finding, ...] = ()
    reason: str = ""
    coarse: str = ""
