"""What was found of the claims, kept in the user's cache by the hash of these very sources: nobody waits twice."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from time import perf_counter
from typing import Any

LIMIT = 600
"""Seconds for the proofs that a run rests on; they take a few."""


@dataclass(frozen=True)
class Verdict:
    """Which claims were asked for, which of them do not hold, how long proving took, and what kept it from an end.

    seconds is None where the proofs were kept from an earlier run.
    """

    claims: tuple[str, ...]
    failed: tuple[str, ...] = ()
    seconds: float | None = None
    fault: str = ""

    @property
    def ok(self) -> bool:
        """Every claim was proved."""
        return not self.failed and not self.fault

    def __str__(self) -> str:
        if self.fault:
            return f"not proved: {self.fault}"
        when = "kept from an earlier run" if self.seconds is None else f"in {self.seconds:.0f} s"
        counted = f"{len(self.claims) - len(self.failed)} of {len(self.claims)} claims that this run rests on proved"
        return ", ".join([counted, when, *(f"{name} does not hold" for name in self.failed)])


def of(names: Sequence[str]) -> Verdict:
    """The verdict on these claims and on all that they rest on: kept from these very sources, or proved now."""
    try:
        return Verdict(with_what_they_rest_on(names, recall("claims")))
    except KeyError:
        return proved(names)


def proved(names: Sequence[str]) -> Verdict:
    """The verdict of proofs made now, in a process of their own: whoever asks need not load SymPy."""
    start = perf_counter()
    advice = f"Try python -m derivations {' '.join(names)}"
    path = os.pathsep.join(filter(None, (str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH"))))
    command = [sys.executable, "-m", "derivations", *names, "--uses", "--json"]
    options: dict[str, Any] = {"env": os.environ | {"PYTHONPATH": path}, "capture_output": True, "text": True}
    try:
        done = subprocess.run(command, timeout=LIMIT, check=False, **options)
        claims = json.loads(done.stdout.strip().splitlines()[-1])["claims"]
        found = {str(claim["name"]): bool(claim["ok"]) for claim in claims}
    except subprocess.TimeoutExpired:
        return Verdict((), fault=f"no end after {LIMIT} s. {advice}")
    except (OSError, ValueError, LookupError, TypeError):
        return Verdict((), fault=f"python -m derivations gave no answer. {advice}")
    return Verdict(tuple(found), tuple(name for name, ok in found.items() if not ok), perf_counter() - start)


def with_what_they_rest_on(names: Sequence[str], uses: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """These claims and all that they use, in any depth, in order. KeyError if it is not known what one of them uses."""
    found: set[str] = set()
    waiting = set(names)
    while waiting:
        found |= waiting
        waiting = {used for name in waiting for used in uses[name]} - found
    return tuple(sorted(found))


def version(package: str) -> str:
    """The version of an installed package, as its sources say it; importlib.metadata takes longer than a key does.

    Errors: PackageNotFoundError if it is not installed.
    """
    spec = find_spec(package)
    folder = Path(spec.origin).parent if spec is not None and spec.origin else Path(os.devnull)
    for source in (folder / "release.py", folder / "__init__.py"):
        text = source.read_text(encoding="utf-8") if source.is_file() else ""
        if said := re.search(r"^__version__ = [\"'](.+)[\"']$", text, re.MULTILINE):
            return said[1]
    from importlib import metadata

    return metadata.version(package)


def key() -> str:
    """What a finding depends on: the bytes of derivations, and the versions of SymPy, mpmath and Python."""
    digest = hashlib.sha256(f"{version('sympy')} {version('mpmath')} {platform.python_version()}".encode())
    folder = Path(__file__).parents[1]
    for source in sorted(folder.rglob("*.py")):
        digest.update(source.relative_to(folder).as_posix().encode() + b"\0" + source.read_bytes())
    return digest.hexdigest()


def file_of(what: str) -> Path:
    """Where findings of one kind are kept: in NNREF_CACHE, or in the user's cache folder."""
    folder = os.environ.get("NNREF_CACHE")
    home = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return (Path(folder) if folder else Path(home) / "nnref") / f"{what}-{key()[:16]}.json"


def recall(what: str) -> dict[str, Any]:
    """What was kept of these very sources, by name; nothing where nothing was kept, or where it cannot be read."""
    try:
        found = json.loads(file_of(what).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def keep(what: str, found: Mapping[str, Any]) -> None:
    """Add to what is kept: written beside and renamed. A cache that cannot be written is no reason to fail."""
    file = file_of(what)
    beside = file.with_suffix(f".{os.getpid()}")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        beside.write_text(json.dumps(recall(what) | dict(found)), encoding="utf-8")
        beside.replace(file)
    except OSError:
        beside.unlink(missing_ok=True)
