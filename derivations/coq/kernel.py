"""Coq's kernel checks every file, and says which axioms each theorem rests on."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter

from derivations.coq import SOURCES, Theorem, in_order, theorems, unproved

AXIOMS = frozenset(
    {
        "ClassicalDedekindReals.sig_forall_dec",
        "ClassicalDedekindReals.sig_not_dec",
        "FunctionalExtensionality.functional_extensionality_dep",
        "Classical_Prop.classic",
    }
)
"""The axioms under Coq's own real numbers: two of deciding, functions that agree are equal, and the excluded middle."""

BUILD = Path("build/coq")


class CoqError(RuntimeError):
    """Coq is missing, or it refused a file."""


@dataclass(frozen=True)
class Report:
    """What the kernel found: its version, the time, and per theorem the axioms; faults is empty if all is well."""

    coq_version: str
    theorems: dict[str, Theorem]
    axioms: dict[str, list[str]]
    seconds: float
    faults: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """There are theorems, every file compiled, nothing is left unproved, and no theorem uses another axiom."""
        return bool(self.axioms) and not self.faults and all(self.holds(name) for name in self.theorems)

    def holds(self, name: str) -> bool:
        """Whether the theorem was compiled and rests on the axioms of the reals alone."""
        return name in self.axioms and set(self.axioms[name]) <= AXIOMS


def check(folder: Path = SOURCES, into: Path = BUILD) -> Report:
    """Compile every file afresh, and ask for the axioms of every theorem.

    Errors: CoqError if coqc is not installed. What is wrong with the files is in the report's faults.
    """
    began = perf_counter()
    version = coq_version()
    stated: dict[str, Theorem] = {}
    axioms: dict[str, list[str]] = {}
    faults = []
    try:
        faults += unproved(folder)
        stated = theorems(folder)
        into.mkdir(parents=True, exist_ok=True)
        for file in in_order(folder):
            compile_file(file, into)
        axioms = axioms_of(stated, into)
    except (CoqError, ValueError) as error:
        faults.append(str(error))
    faults += [
        f"{stated[name].file}:{stated[name].line}: {name} rests on {axiom}, which is no axiom of Coq's real numbers."
        for name, found in axioms.items()
        for axiom in found
        if axiom not in AXIOMS
    ]
    return Report(version, stated, axioms, perf_counter() - began, faults)


def compile_file(file: Path, into: Path) -> None:
    """Have the kernel check one file; those it requires are compiled already.

    Errors: CoqError with Coq's own message, which names the file and line.
    """
    (into / file.with_suffix(".vo").name).unlink(missing_ok=True)
    coqc("-o", str(into / file.with_suffix(".vo").name), str(file), into=into)


def axioms_of(stated: dict[str, Theorem], into: Path) -> dict[str, list[str]]:
    """The axioms that each theorem rests on, as Coq's Print Assumptions lists them, sorted."""
    modules = sorted({Path(theorem.file).stem for theorem in stated.values()})
    question = into / "Axioms_of.v"
    lines = [f"From nnref Require {' '.join(modules)}.", "Set Printing Width 1000."]
    lines += [f"Print Assumptions nnref.{Path(theorem.file).stem}.{name}." for name, theorem in stated.items()]
    question.write_text("\n".join(lines) + "\n", encoding="utf-8")
    answers = re.split(r"^(?=Axioms:$|Closed under the global context$)", coqc(str(question), into=into), flags=re.M)[
        1:
    ]
    if len(answers) != len(stated):
        raise CoqError(
            f"Print Assumptions should answer for {len(stated)} theorems, but answered {len(answers)} times."
        )
    return {
        name: sorted(re.findall(r"^([^\s:]+)", answer.partition("\n")[2], flags=re.M))
        for name, answer in zip(stated, answers, strict=True)
    }


def coqc(*arguments: str, into: Path) -> str:
    """What coqc prints, quietly about Coquelicot's own warnings.

    Errors: CoqError if it is not installed, or refuses the file.
    """
    command = [program(), "-w", "none", "-noglob", "-Q", str(into), "nnref", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=False)
    if done.returncode:
        raise CoqError(done.stderr.strip())
    return done.stdout


def program() -> str:
    """Where coqc is."""
    found = shutil.which("coqc")
    if found is None:
        raise CoqError(
            "coqc was not found; on Debian or Ubuntu: apt-get install --no-install-recommends coq libcoq-coquelicot."
        )
    return found


def coq_version() -> str:
    """Coq's version, such as 8.16.1."""
    return subprocess.run([program(), "--print-version"], capture_output=True, text=True, check=True).stdout.split()[0]
