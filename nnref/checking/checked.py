"""The report of nnref.check: how the file was read, the table, the first mistake, and the two verdicts."""

from __future__ import annotations

import textwrap
from dataclasses import asdict, dataclass, field
from math import isfinite
from typing import Any

from nnref.checking.diagnosis import Diagnosis
from nnref.checking.report import Entry

WIDTH = 80
"""Columns of a terminal, and of the report."""


@dataclass(frozen=True)
class First:
    """A mistake: the quantity, its line, what it is, the right line in the file's own words, the claim that proves it.

    harmless says that a forward mistake leaves the loss what it is but for rounding, so that gradients can be judged.
    """

    quantity: str
    place: str
    says: str
    right: str = ""
    claim: str = ""
    explains: int = 0
    of: int = 0
    also: tuple[str, ...] = ()
    harmless: bool = False

    def lines(self, title: str = "First mistake") -> list[str]:
        """The lines of the report."""
        head = f"{title}: {self.quantity}{f', {self.place}' if self.place else ''}"
        says = self.says
        if self.of:
            says += f" Explains {'all ' if self.explains == self.of else ''}{self.explains}"
            says += f"{'' if self.explains == self.of else f' of {self.of}'} wrong entries to rounding"
            says += f"; {', '.join(self.also)} likewise." if self.also else "."
        found = [head if len(head) <= WIDTH else head[: WIDTH - 3] + "..."]
        found += textwrap.wrap(says, WIDTH, initial_indent="  ", subsequent_indent="  ")
        tries = f"  Try: {self.right}" if self.right else ""
        why = f"Why: python -m derivations {self.claim}" if self.claim else ""
        if tries and why and len(tries) + len(why) + 4 <= WIDTH:
            return [*found, f"{tries:<{WIDTH - len(why)}}{why}"]
        return [*found, *([tries] if tries else []), *([f"  {why}"] if why else [])]


@dataclass(frozen=True)
class Check:
    """Two verdicts, never mixed: the gradient of your own loss, and the reference's forward pass and loss."""

    title: str
    reading: str
    entries: tuple[Entry, ...]
    method: str
    settings: dict[str, Any]
    gradient_of_own_loss: bool | None
    same_loss: bool | None
    forward: First | None = None
    first: First | None = None
    diagnoses: tuple[Diagnosis, ...] = ()
    notes: tuple[str, ...] = ()
    cleared: str = ""
    hints: bool = field(default=True)

    @property
    def ok(self) -> bool:
        """Is the gradient right, and the loss the reference's or another that was asked for?"""
        return self.gradient_of_own_loss is True and self.same_loss is not False

    @property
    def wrong(self) -> tuple[Entry, ...]:
        """The parameters whose gradient is wrong."""
        return tuple(e for e in self.entries if e.verdict not in ("ok", "cannot tell"))

    @property
    def first_wrong(self) -> str | None:
        """The first quantity that is wrong, going back from the loss."""
        return self.first.quantity if self.first else f"d{self.wrong[0].name}" if self.wrong else None

    @property
    def diagnosis(self) -> str | None:
        """The key of the mistake that was named."""
        named = self.diagnoses[0].mistake if self.diagnoses else None
        return named.key if named else None

    def __str__(self) -> str:
        return "\n".join(self.lines())

    def lines(self, verbose: bool = False) -> list[str]:
        """The report, at most 80 columns wide."""
        found = textwrap.wrap(f"{self.title}: {self.reading}.", WIDTH, subsequent_indent="  ")
        found += table(self.entries)
        if self.hints:
            found += self.first.lines() if self.first else []
            found += self.forward.lines("Going forward" if self.first else "First mistake") if self.forward else []
            if self.forward and not self.forward.harmless and self.wrong:
                found += ["Mend this first: the gradients above are judged against your loss as it is."]
            found += textwrap.wrap(self.cleared, WIDTH)
        if verbose:
            found += [f"truth: {self.method}", *(f"{k}: {v}" for k, v in self.settings.items())]
        return [*found, *self.verdicts()]

    def verdicts(self) -> list[str]:
        """The two verdicts in words, and the exit status."""
        gradient = {
            True: "The gradient of your loss: right.",
            False: f"The gradient of your loss: {len(self.wrong)} of {len(self.entries)} wrong.",
            None: "The gradient of your loss: cannot tell.",
        }[self.gradient_of_own_loss]
        loss = {
            True: "Your forward pass and loss are the reference's.",
            False: "Your forward pass or loss is not the reference's.",
            None: "Your network is another than the reference's.",
        }[self.same_loss]
        return [gradient, f"{loss} exit {int(not self.ok)}"]

    def to_dict(self) -> dict[str, Any]:
        """The report as plain data; without hints, neither diagnosis nor right line."""
        hidden = {} if self.hints else {"first": None, "forward": None, "cleared": ""}
        found: dict[str, Any] = finite(
            {
                "ok": self.ok,
                "title": self.title,
                "reading": self.reading,
                "gradient_of_own_loss": self.gradient_of_own_loss,
                "same_loss": self.same_loss,
                "first_wrong": self.first_wrong if self.hints else None,
                "diagnosis": self.diagnosis if self.hints else None,
                "first": asdict(self.first) if self.first else None,
                "forward": asdict(self.forward) if self.forward else None,
                "cleared": self.cleared,
                "method": self.method,
                "settings": self.settings,
                "entries": [asdict(e) for e in self.entries],
                **hidden,
            }
        )
        return found


def finite(tree: Any) -> Any:
    """Plain data with "nan" and "inf" in words, which JSON has no numbers for."""
    if isinstance(tree, dict):
        return {key: finite(part) for key, part in tree.items()}
    if isinstance(tree, list | tuple):
        return [finite(part) for part in tree]
    return str(tree) if isinstance(tree, float) and not isfinite(tree) else tree


def table(entries: tuple[Entry, ...]) -> list[str]:
    """One row a parameter, the last layer first."""
    rows = ["param  shape      checked  wrong  worst at   yours       true        verdict"]
    for e in entries:
        at = e.worst if e.verdict not in ("ok", "not found") else None
        numbers = f"{at.index!s:<10} {at.yours:<11.4g} {at.truth:<11.4g}" if at else " " * 34
        row = f"{e.name:<6} {e.shape!s:<10} {e.checked:<8} {e.wrong:<6} {numbers} {e.verdict}"
        rows += [row.rstrip(), *(f"       {finding.says}" for finding in e.where)]
    return rows
