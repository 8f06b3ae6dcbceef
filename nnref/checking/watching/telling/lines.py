"""How a line is shown: by its number in the file, with its cell in a notebook, with the file's name in a module."""

from __future__ import annotations

import re

from nnref.checking.watching.recording.tape import Site
from nnref.checking.watching.watch import Watched


def line_in_words(watched: Watched, site: Site) -> str:
    """A line's place, and its text if it is in the file that is checked."""
    text = f":  {watched.source.line(site.line)}" if is_own_file(watched, site) else ""
    return place_of(watched, site) + text


def place_of(watched: Watched, site: Site) -> str:
    """A line's place: "line 41", "cell 3, line 2" of a notebook, "model.py, line 41" in a module beside the file."""
    if not is_own_file(watched, site):
        return f"{site.file.rsplit('/', 1)[-1]}, line {site.line}"
    return watched.source.where(site.line)


def as_found(watched: Watched, says: str, site: Site | None = None) -> str:
    """A sentence with its line numbers as shown to the person: in a notebook with their cells.

    site is what the sentence is about; the lines of another module are not those of the file.
    """
    if site is not None and not is_own_file(watched, site):
        return says
    return re.sub(r"\bline (\d+)", lambda m: watched.source.where(int(m[1])), says)


def is_own_file(watched: Watched, site: Site) -> bool:
    """Is the line in the file that is checked, and not in a module beside it?"""
    return not site.file or site.file.endswith(watched.source.name)
