"""The last verdict on the claims, kept in the user's cache, so that nobody need wait for a proof to be told of it."""

from __future__ import annotations

import hashlib
import json
import os
import platform
from importlib.metadata import version
from pathlib import Path

NOT_PROVED = "not proved in this environment: python -m derivations"


def key() -> str:
    """What the verdict depends on: the bytes of derivations, and the versions of SymPy and Python."""
    digest = hashlib.sha256(f"{version('sympy')} {platform.python_version()}".encode())
    for source in sorted(Path(__file__).parents[1].rglob("*.py")):
        digest.update(source.name.encode() + b"\0" + source.read_bytes())
    return digest.hexdigest()


def place(kind: str = "proofs") -> Path:
    """The file of the verdict, or of another kind of result, in NNREF_CACHE or the user's cache folder."""
    folder = os.environ.get("NNREF_CACHE")
    home = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return (Path(folder) if folder else Path(home) / "nnref") / f"{kind}-{key()[:16]}.json"


def keep(held: int, claims: int) -> None:
    """Write the verdict."""
    write(place(), {"held": held, "claims": claims})


def write(file: Path, content: object) -> None:
    """Write JSON beside and rename; a cache that cannot be written is no reason to fail."""
    beside = file.with_suffix(f".{os.getpid()}")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        beside.write_text(json.dumps(content), encoding="utf-8")
        beside.replace(file)
    except OSError:
        beside.unlink(missing_ok=True)


def last() -> str:
    """The verdict in a sentence, if there is one for these very sources, or how to get it."""
    try:
        found = json.loads(place().read_text(encoding="utf-8"))
        held, claims = int(found["held"]), int(found["claims"])
    except (OSError, ValueError, KeyError, TypeError):
        return NOT_PROVED
    return f"{held} of {claims} claims proved in this environment"
