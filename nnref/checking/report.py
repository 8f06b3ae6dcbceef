"""What a gradient check found: one row a parameter, in plain words, at most 80 columns."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from nnref.checking.where import Finding


@dataclass(frozen=True)
class Worst:
    """The entry that is furthest off: its index, your value, the truth, and the gap as a multiple of the noise."""

    index: tuple[int, ...]
    yours: float
    truth: float
    noises: float


@dataclass(frozen=True)
class Entry:
    """One parameter's gradient: how many entries were checked, how they were judged, the worst, and where it is."""

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


@dataclass(frozen=True)
class GradcheckReport:
    """The verdict on every parameter. `ok` only if everything is right: neither wrong, undecided nor unwritten."""

    entries: tuple[Entry, ...]
    method: str
    settings: dict[str, Any] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Is every checked entry of every parameter right?"""
        return all(entry.verdict == "ok" for entry in self.entries)

    @property
    def wrong(self) -> tuple[Entry, ...]:
        """The parameters whose gradient is wrong."""
        return tuple(entry for entry in self.entries if entry.verdict == "WRONG")

    @property
    def cannot_tell(self) -> tuple[Entry, ...]:
        """The parameters with entries that could not be decided, and none that is wrong."""
        return tuple(entry for entry in self.entries if entry.verdict == "cannot tell")

    @property
    def worst(self) -> Worst | None:
        """The worst entry of all, in multiples of its noise."""
        return max((e.worst for e in self.entries if e.worst), key=lambda worst: worst.noises, default=None)

    def to_dict(self) -> dict[str, Any]:
        """The report as plain data."""
        return {
            "ok": self.ok,
            "method": self.method,
            "settings": self.settings,
            "entries": [asdict(e) for e in self.entries],
        }

    def __str__(self) -> str:
        head = f"{'param':<12} {'shape':<12} {'checked':>8} {'wrong':>6}  {'yours':>11} {'true':>11}  verdict"
        lines = [head]
        for entry in self.entries:
            at = entry.worst if entry.verdict in ("WRONG", "cannot tell") else None
            numbers = f"{at.yours:>11.4g} {at.truth:>11.4g}" if at else f"{'':>23}"
            lines.append(
                f"{entry.name[:12]:<12} {str(entry.shape)[:12]:<12} {entry.checked:>8} {entry.wrong:>6}  "
                f"{numbers}  {entry.verdict}"
            )
            if at:
                lines.append(f"  worst at {at.index}, {at.noises:.3g} times the noise")
            lines += [f"  {finding.says}" for finding in entry.where]
            if entry.subgradients:
                lines.append(f"  {entry.subgradients} at a kink, accepted between the slopes to either side")
            if entry.checked < entry.size and entry.checked:
                lines.append(
                    f"  {entry.checked} of {entry.size} checked; a single wrong entry is missed with chance "
                    f"{100 * (1 - entry.checked / entry.size):.3g}%"
                )
        return "\n".join([*lines, f"truth: {self.method}"])


class GradientMismatch(AssertionError):
    """A gradient is not what the loss says it is; `report` holds the table."""

    def __init__(self, report: GradcheckReport) -> None:
        super().__init__(f"\n{report}")
        self.report = report
