"""The table of shapes for widths that are numbers, kept under the hash of the sources that derived it."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

from derivations.output import verdict

Table = dict[str, tuple[int, int]]


def known_table(sizes: Sequence[int], derive: Callable[[Sequence[int]], Table]) -> Table:
    """The shape of every W and b as derive gives it, or gave it before with these very sources."""
    file, widths = verdict.place("shapes"), " ".join(str(int(n)) for n in sizes)
    kept = tables(file.read_text(encoding="utf-8")) if file.exists() else {}
    if widths not in kept:
        kept[widths] = derive(sizes)
        verdict.write(file, kept)
    return kept[widths]


def tables(text: str) -> dict[str, Table]:
    """The tables of a cached file by their widths; of a file that is none, no tables."""
    try:
        found = json.loads(text)
        return {widths: {name: (int(m), int(n)) for name, (m, n) in table.items()} for widths, table in found.items()}
    except (ValueError, TypeError, AttributeError):
        return {}
