"""The theorems in Coq: what their files state, read without Coq. `python -m derivations.coq` has its kernel check them.

A theorem is named after its claim: softmax.jacobian is Theorem softmax_jacobian, and the comment before it opens with
the claim's name and says in words what is stated. So nothing needs a table.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

SOURCES = Path(__file__).parent

THEOREM = re.compile(r"^Theorem\s+([\w']+).*?\.(?=\s+Proof\b)", re.MULTILINE | re.DOTALL)
"""A theorem from its first word to the full stop of its statement."""

SAYS = re.compile(r"\(\*\s+([\w.]+):\s+((?:(?!\*\)).)*?)\s*\*\)\n\Z", re.DOTALL)
"""The comment that stands right before a theorem: the claim's name, a colon, a sentence."""

NOT_PROOFS = re.compile(
    r"\b(Admit|Admitted|admit|give_up|Axioms?|Parameters?|Conjectures?|Hypothes[ie]s|Context|Unset|bypass_check|Declare|Primitive)\b"
)
"""Words that leave something unproved, weaken the kernel, or hide a condition from the statement that a reader sees."""


@dataclass(frozen=True)
class Theorem:
    """A theorem as its file states it: the claim it is named after, what it says in words, and its statement."""

    name: str
    claim: str
    says: str
    statement: str
    file: str
    line: int


def without_comments(text: str) -> str:
    """The text with every comment, nested ones too, replaced by spaces: places and lines stay where they are."""
    kept, depth, at = [], 0, 0
    while at < len(text):
        mark = text[at : at + 2]
        if mark == "(*" or (mark == "*)" and depth):
            depth += 1 if mark == "(*" else -1
            kept.append("  ")
            at += 2
        else:
            kept.append(text[at] if not depth or text[at] == "\n" else " ")
            at += 1
    return "".join(kept)


def theorems(folder: Path = SOURCES) -> dict[str, Theorem]:
    """Every theorem of the folder's .v files by name, in the order of the files that rest on each other.

    Errors: ValueError if the comment before a theorem does not open with the claim that the theorem is named after, or
    if a statement cannot be told from its proof.
    """
    return {theorem.name: theorem for file in in_order(folder) for theorem in stated_in(file)}


def stated_in(file: Path) -> list[Theorem]:
    """The theorems of one file, from top to bottom."""
    text = file.read_text(encoding="utf-8")
    code = without_comments(text)
    found = []
    for match in THEOREM.finditer(code):
        name, line = match[1], text.count("\n", 0, match.start()) + 1
        comment = SAYS.search(text[: match.start()])
        if comment is None or theorem_name(comment[1]) != name:
            raise ValueError(
                f"{file.name}:{line}: the comment before Theorem {name} should open with its claim and a colon, "
                f"such as (* softmax.jacobian: … *) before Theorem softmax_jacobian."
            )
        says = re.sub(r"\s+", " ", comment[2])
        found.append(Theorem(name, comment[1], says, text[match.start() : match.end()], file.name, line))
    if len(found) != len(re.findall(r"\bTheorem\b", code)):
        raise ValueError(
            f"{file.name}: every Theorem should begin a line, and its statement end before the word Proof."
        )
    return found


def theorem_name(claim: str) -> str:
    """The name of a claim's theorem, softmax_jacobian for softmax.jacobian."""
    return claim.replace(".", "_")


@cache
def _stated() -> dict[str, Theorem]:
    return theorems()


def theorem_of(claim: str) -> Theorem | None:
    """The theorem of this claim, or None if Coq has none."""
    theorem = _stated().get(theorem_name(claim))
    return theorem if theorem is not None and theorem.claim == claim else None


def shown() -> dict[str, str]:
    """By claim, what a reader sees of its theorem: where it stands, what it says in words, and its statement."""
    return {
        theorem.claim: f"(* {theorem.file}, line {theorem.line}: {theorem.says} *)\n{theorem.statement}"
        for theorem in _stated().values()
    }


def in_order(folder: Path = SOURCES) -> list[Path]:
    """The folder's .v files, each after those it requires.

    Errors: ValueError if a file requires one that is not there, or if files require each other in a circle.
    """
    needs = {file.stem: required_by(file) for file in sorted(folder.glob("*.v"))}
    order: list[str] = []
    while len(order) < len(needs):
        ready = [name for name, needed in needs.items() if name not in order and needed <= set(order)]
        if not ready:
            stuck = ", ".join(sorted(needs.keys() - set(order)))
            raise ValueError(f"{stuck} require each other, or a file that is not in {folder}.")
        order += ready
    return [folder / f"{name}.v" for name in order]


def required_by(file: Path) -> set[str]:
    """The names of the project's files that this one requires."""
    code = without_comments(file.read_text(encoding="utf-8"))
    lines = re.findall(r"From\s+nnref\s+Require\s+(?:Import\s+)?([\w\s]+)\.", code)
    return {name for line in lines for name in line.split()}


def unproved(folder: Path = SOURCES) -> list[str]:
    """A line for every word in the sources that leaves something unproved or hides a condition."""
    return [
        f"{file.name}:{number}: {match[0]} is not allowed here: every statement is whole and has its proof."
        for file in in_order(folder)
        for number, line in enumerate(without_comments(file.read_text(encoding="utf-8")).splitlines(), 1)
        for match in NOT_PROOFS.finditer(line)
    ]
