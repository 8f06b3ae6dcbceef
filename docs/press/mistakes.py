"""The mistakes that `nnref check` knows by name, each with its wrong line, its right line and the claim."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from derivations import page

NONE_YET = '<p class="missing">The catalogue of mistakes is not in this build.</p>'


def one(entry: Mapping[str, Any], context: page.Context) -> str:
    """One mistake under a heading of its own."""
    lines = [f"- {line}\n+ {right}" for line, right in [(entry.get("wrong"), entry.get("right"))] if line and right]
    claim = entry.get("claim")
    parts = [
        f"## {page.text(entry['key'])} {{ #{entry['key'].replace(' ', '-')} }}",
        page.sentence(entry["says"]),
        f"```diff\n{lines[0]}\n```" if lines else "",
        f"Why: {context.link(claim)}" if claim in context.claims else "",
    ]
    return "\n\n".join(part for part in parts if part)


def entries(found: Sequence[Mapping[str, Any]], context: page.Context) -> str:
    """Every mistake of the catalogue."""
    return "\n\n".join(one(entry, context) for entry in found) if found else NONE_YET
