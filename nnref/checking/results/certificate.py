"""The verdict on a network: is it the gradient of your loss, is your loss the reference's, and the first mistake."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, field
from math import isfinite
from typing import Any

from nnref.checking.results import table
from nnref.checking.results.diagnosis import Diagnosis
from nnref.checking.results.entry import Entry, Worst
from nnref.checking.results.table import JUDGED, WIDTH, folded

RIGHT, MISTAKE, CANNOT_TELL = 0, 1, 3
"""The exit statuses of a verdict; 2 is for what was not read."""

BACK, FORTH = ("dA", "dZ", "W", "b"), ("Z", "A")
"""The quantities of a layer in the order they are made, going back and going forward."""


@dataclass(frozen=True)
class Certificate:
    """Two verdicts, never mixed: the gradient of your own loss, and the reference's forward pass and loss.

    entries are the gradients, intermediates what else was given of Z, A, dZ and dA. diagnoses are the mistakes of the
    backward pass, in order; forward is the first of the forward pass. part names what same_loss is about, and apart
    says why that is None. watched is the recording of the program, if there is one; read, the network read by names.
    `ok` only if all is right: nothing wrong, undecided or unwritten.
    """

    title: str
    reading: str
    entries: tuple[Entry, ...]
    method: str
    settings: dict[str, Any]
    gradient_of_own_loss: bool | None
    same_loss: bool | None
    part: str = "forward pass and loss"
    apart: str = ""
    intermediates: tuple[Entry, ...] = ()
    forward: Diagnosis | None = None
    diagnoses: tuple[Diagnosis, ...] = ()
    notes: tuple[str, ...] = ()
    hints: bool = True
    watched: Any = field(default=None, repr=False, compare=False)
    read: Any = field(default=None, repr=False, compare=False)

    @property
    def ok(self) -> bool:
        """Is the gradient right, and the loss the reference's or another that was asked for?"""
        given = all(entry.verdict == "ok" for entry in self.intermediates)
        return self.gradient_of_own_loss is True and self.same_loss is not False and given

    @property
    def status(self) -> int:
        """The exit status: 0 if all is right, 1 if something is wrong, 3 if nothing is but not all can be told."""
        wrong = self.gradient_of_own_loss is False or self.same_loss is False or any(self.wrong)
        return RIGHT if self.ok else MISTAKE if wrong else CANNOT_TELL

    @property
    def judged(self) -> tuple[Entry, ...]:
        """Everything that was judged, in the order of computation: forward, then backward from the last layer."""
        found = {entry.name: entry for entry in (*self.intermediates, *self.entries)}
        depth = range(1, len(found) + 1)
        forth = [f"{kind}{l}" for l in depth for kind in FORTH]
        back = [f"{kind}{l}" for l in reversed(depth) for kind in BACK]
        order = [name for name in (*forth, *back) if name in found]
        return tuple(found[name] for name in (order if len(order) == len(found) else found))

    @property
    def wrong(self) -> tuple[Entry, ...]:
        """What is wrong, in the order of computation."""
        return tuple(entry for entry in self.judged if entry.verdict == "WRONG")

    @property
    def cannot_tell(self) -> tuple[Entry, ...]:
        """What could not be decided, and is not wrong elsewhere."""
        return tuple(entry for entry in self.judged if entry.verdict == "cannot tell")

    @property
    def worst(self) -> Worst | None:
        """The worst entry of all, in units of the noise."""
        return max((e.worst for e in self.judged if e.worst), key=lambda worst: worst.noises, default=None)

    @property
    def mistakes(self) -> tuple[Diagnosis, ...]:
        """Every mistake, the one to mend first at the head: that of the forward pass, unless it is harmless."""
        forward = () if self.forward is None or self.forward.doubtful else (self.forward,)
        early = bool(self.forward and not self.forward.harmless)
        return (*forward, *self.diagnoses) if early else (*self.diagnoses, *forward)

    @property
    def first(self) -> Diagnosis | None:
        """The mistake to mend first."""
        return self.mistakes[0] if self.mistakes else None

    @property
    def first_wrong(self) -> str | None:
        """The first quantity that is wrong, in the order they are made: "A1", "dZ2", "db2"."""
        found = [mistake.quantity for mistake in self.mistakes] or [quantity(entry.name) for entry in self.wrong]
        return found[0] if found else None

    @property
    def diagnosis(self) -> str | None:
        """The key in the catalogue of the first mistake going back; None where none is named."""
        named = self.diagnoses[0].mistake if self.diagnoses else None
        return named.key if named else None

    @property
    def explanation(self) -> str | None:
        """The first mistake in sentences, and what is right; None where there is none."""
        said = [*mistake_sentences(self.first), self.cleared] if self.first else []
        return " ".join(part for part in said if part) or None

    @property
    def cleared(self) -> str:
        """What is right, and which lines are therefore cleared."""
        if not self.diagnoses:
            return ""
        seen = [quantity(entry.name) for entry in self.judged if entry.verdict == "ok"]
        blamed = {q for d in self.diagnoses for q in (d.quantity, *d.also)} | {quantity(e.name) for e in self.wrong}
        so = {f"dZ{name[2:]}" for name in seen if name[:2] == "dW"} | set(self.diagnoses[0].cleared)
        seen, follows = sorted(seen, key=by_layer), sorted(so - blamed - set(seen), key=by_layer)
        said = are_right(seen) if seen else ""
        return f"{said}{', so ' if seen and follows else ''}{are_right(follows) if follows else ''}." if said else ""

    def __str__(self) -> str:
        return "\n".join(self.lines())

    def lines(self, verbose: bool = False) -> list[str]:
        """The report, at most 80 columns wide; verbose adds the settings."""
        found = folded(f"{self.title}: {self.reading}.", "") + table.table_rows(self.judged, notes_below)
        if self.hints:
            found += self.named()
        found += [line for note in self.notes for line in folded(f"{begun(note)}.", "")]
        if verbose:
            found += [line for key, value in self.settings.items() for line in folded(f"{key}: {value}", "")]
        if verbose or not self.wrong:
            found += self.measured()
        return [*found, *folded(f"truth: {self.method}", ""), *self.verdicts()]

    def named(self) -> list[str]:
        """The mistakes, each with its line, the line to try and the claim that proves it; and what is right."""
        found: list[str] = []
        title = "First mistake"
        for mistake in self.mistakes:
            found += mistake_paragraph(mistake, "Going forward" if mistake is self.forward and found else title)
            title = "Then"
        if self.forward and self.forward.doubtful:
            found += mistake_paragraph(self.forward, "Going forward")
        elif self.forward and not self.forward.harmless and not self.diagnoses and self.wrong:
            found += ["Mend this first: the gradients above are judged against your loss as it is."]
        return found + folded(self.cleared, "")

    def measured(self) -> list[str]:
        """The worst entry in units of rounding, where there is such a unit."""
        s, worst = self.settings, self.worst
        if worst is None or worst.S is None or "u" not in s:
            return []
        at = quantity(next(e.name for e in self.judged if e.worst is worst))
        return folded(
            f"{'' if self.wrong else 'largest '}|error| / (u S): {worst.noises:.3g} at {at}{list(worst.index)}, "
            f"where S = {worst.S:.3g}; {s['allowed']:.3g} are allowed; u = {s['u']:.3g} ({s['dtype']})",
            "",
        )

    def verdicts(self) -> list[str]:
        """The two verdicts in words, and the exit status."""
        wrong = sum(entry.verdict == "WRONG" for entry in self.entries)
        absent = [quantity(entry.name) for entry in self.entries if entry.verdict not in JUDGED]
        gradient = {
            True: "right.",
            False: f"{wrong} of {len(self.entries)} wrong.",
            None: f"{', '.join(absent)} {self.missing()}." if absent else "cannot tell.",
        }[self.gradient_of_own_loss]
        both = " and " in self.part
        loss = {
            True: f"{self.part} {'are' if both else 'is'} the reference's.",
            False: f"{self.part.replace(' and ', ' or ')} is not the reference's.",
            None: f"{self.part} {'are' if both else 'is'} not judged: {self.apart}.",
        }[self.same_loss]
        return [
            *folded(f"The gradient of your loss: {gradient}", ""),
            *folded(f"Your {loss} exit {self.status}", ""),
        ]

    def missing(self) -> str:
        """What is said of gradients that are not there: "not found", "not written yet"."""
        return next((entry.verdict for entry in self.entries if entry.verdict not in JUDGED), "")

    def to_dict(self) -> dict[str, Any]:
        """The certificate as plain data; without hints, neither diagnosis nor right line."""
        shown = self.mistakes if self.hints else ()
        found: dict[str, Any] = without_nonfinite(
            {
                "ok": self.ok,
                "title": self.title,
                "reading": self.reading,
                "gradient_of_own_loss": self.gradient_of_own_loss,
                "same_loss": self.same_loss,
                "first_wrong": self.first_wrong if self.hints else None,
                "diagnosis": self.diagnosis if self.hints else None,
                "explanation": self.explanation if self.hints else None,
                "mistakes": [mistake.to_dict() for mistake in shown],
                "forward": self.forward.to_dict() if self.forward and self.hints else None,
                "cleared": self.cleared if self.hints else "",
                "method": self.method,
                "settings": self.settings,
                "notes": list(self.notes),
                "entries": [asdict(entry) for entry in self.entries],
                "intermediates": [asdict(entry) for entry in self.intermediates],
            }
        )
        return found


def notes_below(entry: Entry) -> list[str]:
    """The notes below a row: where the mistake is, and why something is undecided."""
    return [*(finding.says for finding in entry.where), *([entry.reason] if entry.cannot_tell and entry.reason else [])]


def mistake_sentences(mistake: Diagnosis) -> list[str]:
    """What a mistake is, and what it explains."""
    said = [mistake.says if mistake.says.endswith((".", "!")) else f"{mistake.says}."]
    if mistake.mistake and mistake.of:
        every = mistake.explains == mistake.of
        count = f"all {mistake.of}" if every else f"{mistake.explains} of {mistake.of}"
        likewise = f"; {', '.join(mistake.also)} likewise" if mistake.also else ""
        said.append(f"Explains {count} wrong entries to rounding{likewise}.")
    return said


def mistake_paragraph(mistake: Diagnosis, title: str) -> list[str]:
    """A mistake with its line, its sentences, the line to try and the claim that proves it."""
    head = f"{title}: {mistake.quantity}{f', {mistake.place}' if mistake.place else ''}"
    found = [head if len(head) <= WIDTH else f"{head[: WIDTH - 3]}..."]
    for part in folded(" ".join(mistake_sentences(mistake)), "  "):
        found.append(f"  {part.strip()}")
    tries = f"  Try: {mistake.right}" if mistake.right else ""
    why = f"Why: python -m derivations {mistake.claim}" if mistake.claim else ""
    if tries and why and len(tries) + len(why) + 4 <= WIDTH:
        return [*found, f"{tries:<{WIDTH - len(why)}}{why}"]
    return [*found, *([tries] if tries else []), *([f"  {why}"] if why else [])]


def begun(note: str) -> str:
    """A note as a sentence: with a capital letter, unless it begins with a name of the program, as b or params['W']."""
    first = note.partition(" ")[0].rstrip(",:")
    word = first.isalpha() and (len(first) > 1 or first == "a")
    return f"{note[0].upper()}{note[1:]}" if word else note


def are_right(words: list[str]) -> str:
    """a, b and c are right."""
    said = words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
    return f"{said} {'is' if len(words) == 1 else 'are'} right"


def by_layer(name: str) -> tuple[str, int]:
    """dW1, dW2, …, db1, …: the order in which names are read out."""
    return name.rstrip("0123456789"), int(re.sub(r"\D", "", name) or 0)


def quantity(name: str) -> str:
    """The gradient of a parameter by its name, dW1; an intermediate by its own."""
    return name if re.fullmatch(r"d?[ZA]\d+", name) else f"d{name}"


def without_nonfinite(tree: Any) -> Any:
    """Plain data with "nan" and "inf" in words, which JSON has no numbers for."""
    if isinstance(tree, dict):
        return {key: without_nonfinite(part) for key, part in tree.items()}
    if isinstance(tree, list | tuple):
        return [without_nonfinite(part) for part in tree]
    return str(tree) if isinstance(tree, float) and not isfinite(tree) else tree
