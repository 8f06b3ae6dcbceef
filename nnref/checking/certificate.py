"""Is this the gradient of the reference network? Every entry in units of rounding, and the first mistake by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from nnref.checking import certain, noise
from nnref.checking.canonical import Canonical, canonical
from nnref.checking.case import Case
from nnref.checking.diagnosis import Diagnosis, diagnose
from nnref.checking.fit import Yours, ratio
from nnref.checking.place import Numbers
from nnref.checking.report import Entry, Worst
from nnref.checking.search import rightly
from nnref.checking.table import WIDTH, cells, fitted, folded, line
from nnref.checking.where import Finding, patterns, shapes
from nnref.network import named
from nnref.shapes import Array

HEAD = ("param", "shape", "checked", "wrong", "worst at", "yours", "true", "verdict")

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
        said += [other] if other and other not in first.says else []
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
            lines += folded(f"Try: {found.right}   Why: {found.claim}")
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


def certify(
    parameters: Any,
    X: Any,
    Y: Any,
    gradients: Any,
    *,
    activation: str = "relu",
    reduction: str = "mean",
    layout: str | None = None,
    intermediates: Mapping[str, Any] | None = None,
) -> Certificate:
    """Judge the gradients of a softmax-cross-entropy network against the reference, and name the first mistake.

    parameters are nnref's, or a dict with keys W1, b1, … of either layout; gradients likewise, or with keys dW1, db1, …
    (None or absent: not written yet); Y is one-hot or whole-number labels; intermediates are yours of Z1, A1, dZ1, dA1,
    …, P. reduction is "mean" or "sum"; layout, "columns" or "rows", is needed where everything is square.
    Errors: ValueError for what cannot be read, with what to pass instead.
    """
    if reduction not in ("mean", "sum"):
        raise ValueError(f'reduction should be "mean" or "sum"; {reduction!r} came.')
    at = canonical(parameters, X, Y, gradients, activation=activation, layout=layout, intermediates=intermediates)
    refuse_infinite(at)
    factor = at.X.shape[1] if reduction == "sum" else 1
    allowed = noise.allowed(at.layers, at.theta, at.X.shape[1])
    case = Case.of(at.layers, at.theta, at.X, at.Y)
    method, truth, floor = certain.reference_truth(at.layers, at.theta, case.X, case.Y)
    T, S = named(truth), named(noise.scale(at.layers, at.theta, case.X, case.Y, at.dtype))
    units = certain.units_at_kinks(case, at.dtype)
    doubt = certain.doubtful(case, units)
    entries = {name: judged(name, at, T[name], S[name], doubt[name], factor, allowed, floor) for name in T}
    middle = intermediate_entries(at, case, allowed, factor)
    diagnoses: tuple[Diagnosis, ...] = ()
    if any(entry.verdict == "WRONG" for entry in entries.values()):
        yours = {name: None if g is None else g / factor for name, g in at.gradients.items()}
        given = {name: V for name, V in at.intermediates.items() if name[0] == "d"}
        diagnoses = diagnose(case, yours, dtype=at.dtype, slack=doubt, intermediates=given)
    settings = {
        "activation": activation,
        "reduction": reduction,
        "layout": at.layout,
        "labels": at.labels,
        "examples": at.X.shape[1],
        "dtype": str(at.dtype),
        "u": noise.unit(at.dtype),
        "allowed": allowed,
    }
    notes = certain.notes(units)
    return Certificate(in_order(entries, middle, len(case.Z)), method, settings, diagnoses, notes)


def refuse_infinite(at: Canonical) -> None:
    """Refuse parameters and data that are not finite: no gradient exists there."""
    for name, A in {**named(at.theta), "X": at.X}.items():
        if not np.isfinite(A).all():
            raise ValueError(f"{name} holds NaN or infinity; no gradient exists there. Look at its first such entry.")


def in_order(entries: dict[str, Entry], middle: dict[str, Entry], depth: int) -> tuple[Entry, ...]:
    """Everything that was judged, in the order it is made: forward, then backward from the last layer."""
    forward = [f"{kind}{l}" for l in range(1, depth + 1) for kind in "ZA"]
    backward = [f"{kind}{l}" for l in range(depth, 0, -1) for kind in ("dA", "dZ", "W", "b")]
    found = {**entries, **middle}
    return tuple(found[name] for name in (*forward, *backward) if name in found)


def judged(
    name: str, at: Canonical, truth: Array, S: Array, doubt: Array, factor: int, allowed: float, floor: float
) -> Entry:
    """The verdict on one gradient, entry by entry, in units of rounding."""
    g, (m, n) = at.gradients[name], truth.shape
    shape = (m, n) if at.layout == "columns" else (n, m)
    if g is None:
        return Entry(name, shape, truth.size, 0, 0, 0, 0, None, "not written yet")
    t = truth * factor
    if g.shape != truth.shape:
        index = np.unravel_index(int(abs(t).argmax()), t.shape)
        yours = float(g.reshape(-1)[0]) if g.size == 1 else float("nan")
        worst = Worst(tuple(int(i) for i in index), yours, float(t[index]), float("inf"))
        said = shapes(g.shape, truth.shape)
        return Entry(name, shape, truth.size, truth.size, truth.size, 0, 0, worst, "WRONG", (said,))
    M = noise.multiples(g, t, S * factor, at.dtype, floor * factor)
    M = np.where(np.isnan(M), np.inf, M)
    over = allowed < M
    # Where a rectifier stands within rounding of its kink, either slope is a gradient.
    untold = over & (abs(g - t) <= factor * (doubt + allowed * noise.unit(at.dtype) * S)) & (doubt > 0)
    wrong = over & ~untold
    index = np.unravel_index(int(np.where(wrong, M, np.where(wrong.any(), -1, M)).argmax()), M.shape)
    worst = Worst(tuple(int(i) for i in index), float(g[index]), float(t[index]), float(M[index]))
    verdict = "WRONG" if wrong.any() else "cannot tell" if untold.any() else "ok"
    found = patterns(g.astype("float64"), t, np.ones(g.shape, bool), wrong) if wrong.any() else ()
    if at.layout == "rows":
        worst = Worst(worst.index[::-1], worst.yours, worst.truth, worst.noises)
    return Entry(name, shape, g.size, g.size, int(wrong.sum()), int(untold.sum()), 0, worst, verdict, found)


def intermediate_entries(at: Canonical, case: Case, allowed: float, factor: int) -> dict[str, Entry]:
    """The verdicts on Z, A, dA and dZ that were given. Many keep the mean's 1/N for dW and db: N times dZ is said, not blamed."""
    numbers = Numbers.of(case, at.dtype)
    right = {f"Z{l}": Z for l, Z in numbers.Z.items()} | {f"A{l}": A for l, A in numbers.A.items()}
    right[f"A{numbers.depth}"] = numbers.P
    for place in rightly(numbers):
        right |= {f"{kind}{place.l}": made for kind, made in (("dZ", place.dZ), ("dA", place.dA)) if made is not None}
    entries = {}
    for name, V in at.intermediates.items():
        made = right[name]
        yours = Yours(V.astype("float64"), 0.0, allowed)
        number = ratio(yours, made, 1) if name[0] == "d" else None
        N = at.X.shape[1]
        summed = number is not None and N > 1 and abs(number.value - N) <= number.error
        t = made.value * (N if summed else 1)
        room = yours.tolerance(made) * (N if summed else 1)
        wrong = ~(abs(V - t) <= room)
        M = np.where(np.isnan(V), np.inf, abs(V - t) / np.maximum(room, np.finfo("float64").tiny) * allowed)
        index = np.unravel_index(int(M.argmax()), M.shape)
        worst = Worst(tuple(int(i) for i in index), float(V[index]), float(t[index]), float(M[index]))
        said = (Finding("ratio", "N times: the mean's 1/N is yet to come"),) if summed and factor == 1 else ()
        entries[name] = Entry(
            name, V.shape, V.size, V.size, int(wrong.sum()), 0, 0, worst, "WRONG" if wrong.any() else "ok", said
        )
    return entries
