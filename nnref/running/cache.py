"""Where files that can be made again are kept for the user."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def cache_dir() -> Path:
    """Nnref's folder in the user's cache: NNREF_CACHE, else what the platform says. It need not exist yet."""
    if own := os.environ.get("NNREF_CACHE"):
        return Path(own)
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or str(home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = str(home() / "Library" / "Caches")
    else:
        base = os.environ.get("XDG_CACHE_HOME") or str(home() / ".cache")
    return Path(base) / "nnref"


def home() -> Path:
    """The user's home, or where there is none, a path at which nothing can be: nothing is read or kept there."""
    try:
        return Path.home()
    except RuntimeError:
        return Path(os.devnull)
