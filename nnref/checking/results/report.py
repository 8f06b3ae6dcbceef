"""The report of a gradient check: one row for each parameter, at most 80 columns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from nnref.checking.results import curve, table
from nnref.checking.results.entry import Entry, Worst

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Difference = Callable[[int, int, float], float]
"""The central difference of the loss at an entry of a tensor, both counted from 0, with a step."""


@dataclass(frozen=True)
class GradcheckReport:
    """The verdict on every parameter. `ok` only if all is right: nothing wrong, undecided or unwritten.

    difference evaluates the loss for the plot, and noise is how far one evaluation may be off.
    """

    entries: tuple[Entry, ...]
    method: str
    settings: dict[str, Any] = field(default_factory=dict)
    difference: Difference | None = field(default=None, repr=False, compare=False)
    noise: float = field(default=0.0, repr=False, compare=False)

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
        return table.table_text(self.entries, self.method, self.settings if verbose else None)

    def __str__(self) -> str:
        return self.table()

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        return table.html(self.entries, self.method)

    def plot(self, name: str | None = None) -> Figure:
        """The error of a central difference against its step, and of your value, at the worst entry of a parameter.

        name is the parameter; None takes the worst of all. Needs matplotlib: pip install 'nnref[plots]'.
        Errors: ValueError where no entry was checked.
        """
        entry = self.furthest(name)
        if self.difference is None or entry.worst is None:
            raise ValueError(f"{entry.name} has no checked entry to draw.")
        tensor = [e.name for e in self.entries].index(entry.name)
        return curve.draw(entry, entry.worst, partial(self.difference, tensor), self.noise)

    def furthest(self, name: str | None) -> Entry:
        """The parameter of that name, or the one whose worst entry is furthest off: first among those that are wrong.

        Errors: ValueError naming the parameters there are.
        """
        names = [entry.name for entry in self.entries]
        if name is not None and name not in names:
            raise ValueError(f"the report has {', '.join(names)}; {name!r} came.")
        candidates = [entry for entry in self.entries if entry.worst and name in (None, entry.name)]
        if not candidates:
            raise ValueError("no entry was checked, so there is no error to draw.")
        return max(candidates, key=lambda entry: (entry.verdict == "WRONG", entry.worst.noises if entry.worst else 0.0))


class GradientMismatch(AssertionError):
    """A gradient does not agree with its loss; `report` holds the table."""

    def __init__(self, report: GradcheckReport) -> None:
        super().__init__(report)
        self.report = report

    def __str__(self) -> str:
        names: dict[str, list[str]] = {}
        for entry in self.report.entries:
            names.setdefault(entry.verdict, []).append(entry.name)
        found = "; ".join(f"{verdict}: {few(names[verdict])}" for verdict in names if verdict != "ok")
        return f"{found}\n{self.report}"


NAMED = 12
"""Parameters that a headline names; the table has the others."""


def few(names: list[str]) -> str:
    """The first names, and how many more there are."""
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more
