"""What certify found: the verdict on everything, in the order it is made, and the first mistake by name."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from nnref.checking.report import Entry, Worst
from nnref.checking.table import HEAD, WIDTH, cells, fitted, folded, line
from nnref.checking.telling import Diagnosis

OTHER = {
    ("mean", "scale.N"): "If you meant the summed loss, pass reduction='sum'.",
    ("sum", "scale.1/N"): "If you meant the mean loss, pass reduction='mean'.",
}
"""What a factor may also mean: not a mistake, but the other of the two losses."""


@dataclass(frozen=True)
class Certificate:
    """The verdict on every intermediate and every gradient, in the order they are made, and the first mistake.

    `ok` only if all of it is right: neither wrong, undecided nor unwritten.
    """

    entries: tuple[Entry, ...]
    method: str
    settings: dict[str, Any]
    diagnoses: tuple[Diagnosis, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Is every entry of everything right?"""
        return all(entry.verdict == "ok" for entry in self.entries)

    @property
    def wrong(self) -> tuple[Entry, ...]:
        """What is wrong, in the order it is made."""
        return tuple(entry for entry in self.entries if entry.verdict == "WRONG")

    @property
    def cannot_tell(self) -> tuple[Entry, ...]:
        """What could not be decided, and is not wrong elsewhere."""
        return tuple(entry for entry in self.entries if entry.verdict == "cannot tell")

    @property
    def worst(self) -> Worst | None:
        """The worst entry of all, in units of rounding."""
        return max((e.worst for e in self.entries if e.worst), key=lambda worst: worst.noises, default=None)

    @property
    def gradient_of_own_loss(self) -> bool | None:
        """Are the gradients those of the reference's loss? None where it cannot be told."""
        verdicts = {entry.verdict for entry in self.entries if entry.name[0] in "Wb"}
        return False if "WRONG" in verdicts else True if verdicts == {"ok"} else None

    @property
    def same_loss(self) -> bool | None:
        """Is the forward pass the reference's? None where no Z, A or P was given to judge it by."""
        verdicts = {entry.verdict for entry in self.entries if entry.name[0] in "ZA"}
        return None if not verdicts else "WRONG" not in verdicts

    @property
    def first_wrong(self) -> str | None:
        """The first quantity that is wrong, in the order they are made: "A1", "dZ2", "db2"."""
        forward = next((entry.name for entry in self.wrong if entry.name[0] in "ZA"), None)
        if forward:
            return forward
        if self.diagnoses:
            return self.diagnoses[0].parameter
        return next((quantity(entry.name) for entry in self.wrong), None)

    @property
    def diagnosis(self) -> str | None:
        """The first mistake's key in the catalogue; None where none is named."""
        named_one = self.diagnoses[0].mistake if self.diagnoses else None
        return named_one.key if named_one else None

    @property
    def explanation(self) -> str | None:
        """The first mistake in sentences; None where nothing is wrong."""
        return " ".join(self.sentences()) or None

    def sentences(self) -> list[str]:
        """What the first mistake is, what it explains, and what is right."""
        if not self.diagnoses:
            return []
        first = self.diagnoses[0]
        said = [first.says]
        other = OTHER.get((self.settings["reduction"], first.mistake.key)) if first.mistake else None
        said += [other] if other else []
        if first.mistake:
            likewise = f"; {', '.join(first.also)} likewise" if first.also else ""
            said.append(f"Explains {first.explains} of {first.of} wrong entries to rounding{likewise}.")
        if first.cleared:
            said.append(f"{', '.join(first.cleared)} {'are' if len(first.cleared) > 1 else 'is'} right.")
        return said

    def to_dict(self) -> dict[str, Any]:
        """The certificate as plain data."""
        first = self.diagnoses[0] if self.diagnoses else None
        return {
            "ok": self.ok,
            "gradient_of_own_loss": self.gradient_of_own_loss,
            "same_loss": self.same_loss,
            "first_wrong": self.first_wrong,
            "diagnosis": self.diagnosis,
            "explanation": self.explanation,
            "wrong_line": first.wrong if first else None,
            "right_line": first.right if first else None,
            "claim": first.claim if first else None,
            "method": self.method,
            "settings": self.settings,
            "notes": list(self.notes),
            "entries": [plain(asdict(entry)) for entry in self.entries],
        }

    def __str__(self) -> str:
        rows = fitted([HEAD, *(cells(entry) for entry in self.entries)])
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = [line(rows[0], widths)]
        for entry, row in zip(self.entries, rows[1:], strict=True):
            lines.append(line(row, widths))
            for finding in entry.where:
                fits = len(lines[-1]) + 2 + len(finding.says) <= WIDTH and lines[-1].endswith(entry.verdict)
                lines[-1:] = [f"{lines[-1]}  {finding.says}"] if fits else [lines[-1], *folded(finding.says)]
        for k, found in enumerate(self.diagnoses):
            lines += self.paragraph(found, k == 0)
        return "\n".join([*lines, *(part for note in self.notes for part in folded(note, "")), *self.closing()])

    def paragraph(self, found: Diagnosis, first: bool) -> list[str]:
        """One diagnosis, with the line to try and the claim that proves it."""
        head = f"{'First mistake' if first else 'Then'}: {found.parameter}"
        lines = folded(head + (f", such as {found.wrong}" if found.mistake else ""), "")
        for sentence in self.sentences() if first else [found.says]:
            lines += folded(sentence)
        if found.mistake:
            way = " (one example a column)" if self.settings["layout"] == "rows" else ""
            lines += folded(f"Try{way}: {found.right}   Why: {found.claim}")
        return lines

    def closing(self) -> list[str]:
        """The worst entry in units of rounding, the truth, and the verdict in numbers."""
        s, worst = self.settings, self.worst
        at = next((e.name for e in self.entries if e.worst is worst), "")
        lines = []
        if worst:
            lines += folded(
                f"largest |error| / (u S): {worst.noises:.3g} at {quantity(at)}{list(worst.index)}; "
                f"{s['allowed']:.3g} are allowed; u = {s['u']:.3g} ({s['dtype']})",
                "",
            )
        lines += folded(f"truth: {self.method}", "")
        judged = [e for e in self.entries if e.name[0] in "Wb"]
        wrong = sum(e.verdict == "WRONG" for e in judged)
        return [*lines, f"{wrong} of {len(judged)} gradients wrong; exit {0 if self.ok else 1}."]


def plain(entry: dict[str, Any]) -> dict[str, Any]:
    """An entry as JSON takes it: what is no finite number is null."""
    worst = entry["worst"]
    if worst:
        for key in ("yours", "truth", "noises"):
            worst[key] = worst[key] if np.isfinite(worst[key]) else None
    return entry


def quantity(name: str) -> str:
    """The gradient of a parameter by its name, dW1; an intermediate by its own."""
    return f"d{name}" if name[0] in "Wb" else name
