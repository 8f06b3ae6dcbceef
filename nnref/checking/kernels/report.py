"""The report on a kernel: the table, and the errors of the entries relative to what is allowed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from nnref.checking.results.report import GradcheckReport

if TYPE_CHECKING:
    from matplotlib.figure import Figure

EDGES = tuple(2.0**k for k in range(-12, 5))
"""Edges of the histogram, in units of the allowed rounding error: from 1/4096 to 16."""


@dataclass(frozen=True)
class KernelReport(GradcheckReport):
    """The verdict on every gradient. shares is the largest error of each, relative to the rounding error of that entry.

    histograms count, for each, the entries up to the first edge, between edges, and beyond the last.
    """

    shares: dict[str, float] = field(default_factory=dict)
    histograms: dict[str, tuple[int, ...]] = field(default_factory=dict)

    def __reduce__(self) -> tuple[Any, ...]:
        """All of it is plain data."""
        return KernelReport, (self.entries, self.method, self.settings, None, 0.0, self.shares, self.histograms)

    def to_dict(self) -> dict[str, Any]:
        """The report as plain data."""
        return {**super().to_dict(), "shares": self.shares, "histograms": self.histograms, "edges": EDGES}

    def plot(self, name: str | None = None) -> Figure:
        """A histogram of the errors in units of rounding; what lies right of 1 is no rounding.

        name is one gradient; None draws all. Needs matplotlib: pip install 'nnref[plots]'.
        Errors: ValueError naming the gradients there are.
        """
        from matplotlib.figure import Figure

        if name is not None and name not in self.histograms:
            raise ValueError(f"the report has {', '.join(self.histograms) or 'nothing to draw'}; {name!r} came.")
        figure = Figure(figsize=(6.4, 4), layout="constrained")
        axes = figure.subplots()
        edges = (EDGES[0] / 2, *EDGES, EDGES[-1] * 2)
        for one in [name] if name else list(self.histograms):
            axes.stairs(self.histograms[one], edges, label=one)
        axes.axvline(1.0, color="#c92a2a", linestyle=":", label="allowed")
        axes.set(xscale="log", yscale="symlog", ylabel="entries")
        axes.set_xlabel("error, in parts of what rounding may do to that entry")
        axes.legend()
        return figure
