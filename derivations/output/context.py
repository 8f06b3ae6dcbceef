"""What a claim's section may refer to: the claims, and what every witness says of each in the report."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

Claim = Mapping[str, Any]

WITNESSES = (
    "proof",
    "wrong twins",
    "numpy = symbols",
    "differences",
    "complex step",
    "balls",
    "TensorFlow",
    "Coq",
)
"""The separate ways to the same numbers, in the order of the badge."""

NOT_RUN = "not run in this build"
"""What is said of a witness that was there for no claim."""

MISSING: Mapping[str, str] = {"status": "missing"}

PROVED_HERE = ("proof", "wrong twins")
"""What the JSON itself reports, since it is written by proving."""


@dataclass(frozen=True)
class Quoted:
    """Lines of a file of the project: its path, the number of the first line, and the text."""

    path: str
    line: int
    text: str = ""


@dataclass(frozen=True)
class Context:
    """What a claim's section may refer to.

    claims are all of them by name; witnesses what the report found, claim by claim; functions the source of each
    claim's function, entries where a claim is an entry of what a function gives; written where a claim is stated, tests
    where a test is, theorems its Coq theorem; to turns a claim's name into a link, test_at a test's id, and repository
    is the address under which the project's files are shown, or nothing.
    """

    claims: Mapping[str, Claim]
    witnesses: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    outcomes: Mapping[str, str] = field(default_factory=dict)
    functions: Mapping[str, Quoted] = field(default_factory=dict)
    entries: Mapping[str, str] = field(default_factory=dict)
    written: Mapping[str, Quoted] = field(default_factory=dict)
    theorems: Mapping[str, str] = field(default_factory=dict)
    to: Callable[[str], str] = lambda name: f"{concept_of(name)}.md#{name}"
    test_at: Callable[[str], str] = lambda test: ""
    repository: str = ""

    def place(self, quoted: Quoted) -> str:
        """File and line, as HTML; a link to them where the repository's address is known."""
        said = f"<code>{quoted.path}</code>, line {quoted.line}"
        return f'<a href="{self.repository}{quoted.path}#L{quoted.line}">{said}</a>' if self.repository else said

    def link(self, name: str) -> str:
        """The claim's name as a link to its section."""
        return f"[`{name}`]({self.to(name)})"

    def used_by(self, name: str) -> list[str]:
        """The claims that rest on this one."""
        return [other for other, claim in self.claims.items() if name in claim.get("uses", ())]

    def witness(self, name: str, which: str) -> Mapping[str, Any]:
        """What one witness says of a claim: from the report, or for the proof from the proof itself."""
        found: Mapping[str, Any] = self.witnesses.get(name, {}).get("witnesses", {}).get(which, MISSING)
        if found["status"] == "missing" and which in PROVED_HERE:
            return proved_here(self.claims[name], which)
        return found

    @property
    def not_run(self) -> tuple[str, ...]:
        """The witnesses that the report has of no claim at all, such as Coq where it is not installed.

        They say nothing against a result, and are counted apart.
        """
        asked = [result.get("witnesses", {}) for result in self.witnesses.values()]
        none = {which for which in WITNESSES if not any(known(found, which) for found in asked)}
        return tuple(which for which in WITNESSES if asked and which in none)


def known(found: Mapping[str, Any], which: str) -> bool:
    """Whether a witness was there to be asked: it agrees, or it does not."""
    return found.get(which, MISSING)["status"] not in ("missing", "not applicable")


def proved_here(claim: Claim, which: str) -> Mapping[str, Any]:
    """The proof and its wrong twins as witnesses, from what proving wrote."""
    if which == "proof":
        return {"status": "ok" if claim["ok"] else "failed", "figure": claim["holds_for"]}
    twins = len(claim.get("wrong_twins", ()))
    if not twins:
        return {"status": "not applicable"}
    rejected = claim.get("wrong_twins_rejected", 0)
    return {"status": "ok" if rejected == twins else "failed", "figure": f"{rejected} of {twins} rejected"}


def concept_of(name: str) -> str:
    """The module of a claim: affine for affine.dW."""
    return name.split(".", maxsplit=1)[0]
