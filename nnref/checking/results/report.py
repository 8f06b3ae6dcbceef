"""What a gradient check found: one row a parameter, in plain words, at most 80 columns."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from nnref.checking.results import table
from nnref.checking.results.findings import Finding

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from nnref.checking.gradcheck.loss import Loss


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

    reason says why entries could not be told, coarse how large a mistake the precision of the gradient would hide.
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


@dataclass(frozen=True)
class GradcheckReport:
    """The verdict on every parameter. `ok` only if everything is right: neither wrong, undecided nor unwritten."""

    entries: tuple[Entry, ...]
    method: str
    settings: dict[str, Any] = field(default_factory=dict)
    loss: Loss | None = field(default=None, repr=False, compare=False)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickled without the loss, which may be anyone's lambda and serves the plot alone."""
        return GradcheckReport, (self.entries, self.method, self.settings)

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

    def table(self, verbose: bool = False) -> str:
        """The table a person reads; verbose adds noise multiples and settings."""
        return table.text(self, verbose)

    def __str__(self) -> str:
        return self.table()

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        return table.html(self)

    def plot(self, name: str | None = None) -> Figure:
        """The error of a central difference against its step, and of your value, at the worst entry of a parameter.

        name is the parameter; None takes the worst of all. Needs matplotlib: pip install 'nnref[plots]'.
        Errors: ValueError where no entry was checked.
        """
        from nnref.checking.gradcheck.curve import draw

        return draw(self, name)


class GradientMismatch(AssertionError):
    """A gradient is not what the loss says it is; `report` holds the table."""

    def __init__(self, report: GradcheckReport) -> None:
        super().__init__(report)
        self.report = report

    def __str__(self) -> str:
        names: dict[str, list[str]] = {}
        for entry in self.report.entries:
            names.setdefault(entry.verdict, []).append(entry.name)
        found = "; ".join(f"{verdict}: {', '.join(names[verdict])}" for verdict in names if verdict != "ok")
        return f"{found}\n{self.report}"
