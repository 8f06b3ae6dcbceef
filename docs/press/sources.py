"""The sources of the site: the proofs, the report of the witnesses, the functions, the theorems.

Slow results are cached in build/site under a hash of the files that they depend on. Nothing here is typed by hand.
"""

from __future__ import annotations

import ast
import hashlib
import json
import os
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import Any

from derivations.output.context import Quoted

ROOT = Path(__file__).resolve().parents[2]
KEPT = ROOT / "build" / "site"
REPORT = ROOT / "build" / "verification.json"
DERIVING_TAKES_AT_MOST = 900
"""Seconds for all proofs."""


class BuildStops(Exception):
    """The site may not be built: one line that says what is wrong, and where."""


def digest(paths: Iterable[Path], *words: str) -> str:
    """A hash of files and words."""
    found = hashlib.sha256("\0".join(words).encode())
    for path in sorted(paths):
        found.update(path.relative_to(ROOT).as_posix().encode() + b"\0" + path.read_bytes())
    return found.hexdigest()[:16]


PRINTS = {ROOT / "derivations" / "output" / f"{name}.py" for name in ("page", "context", "quoting", "titles")}
"""Files that only print what was proved: no proof or measurement depends on them."""


def sources(*folders: str) -> list[Path]:
    """Every Python file of some folders of the project that decides what is proved or measured."""
    return [path for folder in folders for path in (ROOT / folder).rglob("*.py") if path not in PRINTS]


def kept(name: str, key: str, make: Callable[[], str]) -> str:
    """The cached text of this name and key, computed if it is missing. Older ones of the name are removed."""
    stem, dot, suffix = name.rpartition(".")
    place = KEPT / f"{stem}-{key}{dot}{suffix}"
    if not place.is_file():
        made = make()
        KEPT.mkdir(parents=True, exist_ok=True)
        for old in KEPT.glob(f"{stem}-{'?' * 16}{dot}{suffix}"):
            old.unlink()
        place.write_text(made, encoding="utf-8")
    return place.read_text(encoding="utf-8")


def run(
    *arguments: str, within: float = DERIVING_TAKES_AT_MOST, **environment: str
) -> subprocess.CompletedProcess[str]:
    """A Python command of this project, in a process of its own."""
    env = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8", "NO_COLOR": "1", **environment}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=env,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=within,
        check=False,
    )


def derive() -> str:
    """Prove all claims, unless a test has proved these sources already; returns the JSON if every claim holds.

    Errors: BuildStops naming the first gap.
    """
    found = run("-m", "derivations", "--json", "--keep", str(ROOT / "build" / "proofs"))
    if not found.stdout.strip():
        last = (found.stderr.strip().splitlines() or ["no output"])[-1]
        raise BuildStops(f"python -m derivations --json failed: {last}")
    return found.stdout.strip().splitlines()[-1]


@cache
def derivations() -> dict[str, Any]:
    """What proving found: claims by name, and the article's entries.

    Errors: BuildStops naming the first claim that does not hold.
    """
    found = json.loads(kept("derivations.json", digest(sources("derivations")), derive))
    for claim in found["claims"]:
        if not claim["ok"]:
            raise BuildStops(f"derivations: {(claim.get('gaps') or [claim['name'] + ' does not hold'])[0]}")
    names = {claim["name"] for claim in found["claims"]}
    for claim in found["claims"]:
        if dangling := set(claim.get("uses", ())) - names:
            raise BuildStops(f"derivations: {claim['name']} rests on {sorted(dangling)[0]}, which does not exist")
    return {"claims": {claim["name"]: claim for claim in found["claims"]}, "article": found.get("article") or []}


@cache
def report() -> dict[str, Any]:
    """The report of the witnesses; empty where there is none, or where it is of other sources.

    Errors: BuildStops naming the first witness that failed.
    """
    if not REPORT.is_file():
        return {}
    found: dict[str, Any] = json.loads(REPORT.read_text(encoding="utf-8"))
    if not fresh():
        return {}
    for name, claim in found.get("claims", {}).items():
        for which, witness in claim.get("witnesses", {}).items():
            if witness["status"] == "failed":
                raise BuildStops(f"{REPORT.relative_to(ROOT)}: {name}: the witness “{which}” failed")
    return found


def fresh() -> bool:
    """Whether the report is of these very sources, by the rule of the program that writes it."""
    try:
        from tests.support.sources import fresh as is_fresh
    except ImportError:
        return True
    return bool(is_fresh(REPORT))


@cache
def functions_of(path: Path) -> dict[str, Quoted]:
    """The functions of a file by name, each as its file writes it, decorators and all; methods as Windows.patches."""
    source = path.read_text(encoding="utf-8")
    body = ast.parse(source).body
    owned = [("", node) for node in body]
    owned += [(f"{owner.name}.", node) for owner in body if isinstance(owner, ast.ClassDef) for node in owner.body]
    found = {}
    for owner, node in owned:
        if isinstance(node, ast.FunctionDef):
            first = min([node.lineno, *(mark.lineno for mark in node.decorator_list)])
            text = textwrap.dedent("\n".join(source.splitlines()[first - 1 : node.end_lineno]))
            found[f"{owner}{node.name}"] = Quoted(path.relative_to(ROOT).as_posix(), first, text)
    return found


@cache
def functions() -> dict[str, Quoted]:
    """The function of nnref that bears each claim's name, where there is one: nnref/affine.py holds affine.dW."""
    return {
        f"{path.stem}.{name}": quoted
        for path in sorted((ROOT / "nnref").glob("*.py"))
        for name, quoted in functions_of(path).items()
        if f"{path.stem}.{name}" in derivations()["claims"]
    }


@cache
def written() -> dict[str, Quoted]:
    """Where each claim is stated: the line that says its name, or else the first of its file."""
    found = {}
    for name in derivations()["claims"]:
        path = ROOT / "derivations" / f"{name.partition('.')[0]}.py"
        if path.is_file():
            lines = path.read_text(encoding="utf-8").splitlines()
            line = next((k for k, text in enumerate(lines, 1) if f'"{name}"' in text), 1)
            found[name] = Quoted(path.relative_to(ROOT).as_posix(), line)
    return found


@cache
def tests() -> dict[str, Quoted]:
    """Every test that names a claim in the report, as its file writes it, by its id without the case in brackets."""
    ids = {node.partition("[")[0] for claim in report().get("claims", {}).values() for node in claim.get("tests", ())}
    found = {}
    for test in sorted(ids):
        path, _, name = test.partition("::")
        if (ROOT / path).is_file() and name in functions_of(ROOT / path):
            found[test] = functions_of(ROOT / path)[name]
    return found


@cache
def theorems() -> dict[str, str]:
    """The theorem in Coq of each claim that has one, as its file states it."""
    if not (ROOT / "derivations" / "coq").is_dir():
        return {}
    try:
        from derivations import coq
    except ImportError:
        return {}
    return coq.shown()


@cache
def catalogue() -> list[dict[str, str]]:
    """The mistakes that `nnref check` knows by name."""
    try:
        from nnref.checking.diagnosis import diagnose
    except ImportError:
        return []
    return [dict(entry) for entry in diagnose.catalogue()]
