"""The error of a central difference against its step: why a check believes what it says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nnref.checking.gradcheck.slopes import central, pair

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from nnref.checking.results.report import Entry, GradcheckReport

STEPS = 2.0 ** np.arange(-44, 1, 2)


def draw(report: GradcheckReport, name: str | None) -> Figure:
    """The figure for one parameter's worst entry; None takes the worst of all."""
    from matplotlib.figure import Figure

    entry = chosen(report, name)
    loss, worst = report.loss, entry.worst
    if loss is None or worst is None:
        raise ValueError(f"{entry.name} has no checked entry to draw.")
    tensor = [e.name for e in report.entries].index(entry.name)
    k = int(np.ravel_multi_index(worst.index, entry.shape)) if entry.shape else 0
    errors = [abs(central(pair(loss, tensor, k, h), h) - worst.truth) for h in STEPS]
    figure = Figure(figsize=(6.4, 4), layout="constrained")
    axes = figure.subplots()
    axes.loglog(STEPS, errors, marker="o", color="#3b5bdb", label="central difference, against the truth")
    axes.loglog(STEPS, loss.noise / STEPS, linestyle=":", color="#868e96", label="rounding of the loss / h")
    if np.isfinite(gap := abs(worst.yours - worst.truth)) and gap > 0:
        colour = "#c92a2a" if entry.verdict == "WRONG" else "#2b8a3e"
        axes.axhline(gap, color=colour, label=f"your gradient: {entry.verdict}")
    axes.set_xlabel("step h")
    axes.set_ylabel("error of the slope")
    axes.set_title(f"{entry.name}[{', '.join(map(str, worst.index))}]")
    axes.legend()
    return figure


def chosen(report: GradcheckReport, name: str | None) -> Entry:
    """The entry of the report to draw.

    Errors: ValueError naming the parameters there are.
    """
    names = [entry.name for entry in report.entries]
    if name is not None and name not in names:
        raise ValueError(f"the report has {', '.join(names)}; {name!r} came.")
    candidates = [entry for entry in report.entries if entry.worst and name in (None, entry.name)]
    if not candidates:
        raise ValueError("no entry was checked, so there is no error to draw.")
    return max(candidates, key=lambda entry: (entry.verdict == "WRONG", entry.worst.noises if entry.worst else 0.0))
