"""Is a report about the sources that are here? One hash over what is proved, what computes, and what tests it."""

import hashlib
import json
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("derivations", "nnref", "tests")
SUFFIXES = {".py", ".v", ".js", ".json", ".toml"}
"""What people write; compiled files (.pyc, .vo) come and go without a change of meaning."""


def sources_sha256(root=ROOT):
    """SHA-256 over the path, the length and the bytes of every source file, in the order of the paths."""
    digest = hashlib.sha256()
    files = (path for folder in FOLDERS for path in (Path(root) / folder).rglob("*") if path.suffix in SUFFIXES)
    for path in sorted(files, key=lambda path: path.relative_to(root).as_posix()):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(root).as_posix()}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()


def fresh(report, root=ROOT):
    """Whether the file is a report made from exactly the sources under root."""
    try:
        made_from = json.loads(Path(report).read_text(encoding="utf-8"))["sources_sha256"]
    except (OSError, ValueError, KeyError, TypeError):
        return False
    return made_from == sources_sha256(root)
