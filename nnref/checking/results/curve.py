"""The figure of a central difference's error against its step: the evidence for a verdict."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from nnref.checking.results.entry import Entry, Worst

if TYPE_CHECKING:
    from matplotlib.figure import Figure

STEPS = 2.0 ** np.arange(-44, 1, 2)
"""The steps drawn: from 6e-14, where rounding hides the slope, to 1, where curvature does."""


def draw(entry: Entry, worst: Worst, difference: Callable[[int, float], float], noise: float) -> Figure:
    """The figure for a parameter's worst entry; difference is the central one at an entry with a step."""
    from matplotlib.figure import Figure

    k = int(np.ravel_multi_index(worst.index, entry.shape)) if entry.shape else 0
    errors = [abs(difference(k, float(h)) - worst.truth) for h in STEPS]
    figure = Figure(figsize=(6.4, 4), layout="constrained")
    axes = figure.subplots()
    axes.loglog(STEPS, errors, marker="o", color="#3b5bdb", label="central difference, against the truth")
    axes.loglog(STEPS, noise / STEPS, linestyle=":", color="#868e96", label="rounding of the loss / h")
    if np.isfinite(gap := abs(worst.yours - worst.truth)) and gap > 0:
        colour = "#c92a2a" if entry.verdict == "WRONG" else "#2b8a3e"
        axes.axhline(gap, color=colour, label=f"your gradient: {entry.verdict}")
    axes.set_xlabel("step h")
    axes.set_ylabel("error of the slope")
    axes.set_title(f"{entry.name}[{', '.join(map(str, worst.index))}]")
    axes.legend()
    return figure
