"""The source article, equation by equation: its words as a quotation, then the verdict that a proof gives."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from derivations import page

Entry = Mapping[str, Any]

VERDICTS = {
    "holds": "holds",
    "notation": "right, loosely written",
    "wrong": "wrong",
    "no meaning": "has no meaning as written",
}
"""The verdicts, what holds first, in the words of the page."""

NONE_YET = '<p class="missing">The article has not been judged, equation by equation, in this build.</p>'


def counted(entries: Sequence[Entry]) -> str:
    """How many equations have which verdict, what holds first."""
    count = Counter(entry["verdict"] for entry in entries)
    parts = [f"**{count[verdict]}** {words}" for verdict, words in VERDICTS.items() if count[verdict]]
    return f"Of {len(entries)} equations: {', '.join(parts)}.\n{{ .counted }}"


def one(entry: Entry, context: page.Context) -> str:
    """A quotation, its verdict, what refutes it and the right form."""
    anchor = entry["id"]
    words = VERDICTS.get(entry["verdict"], entry["verdict"])
    style = entry["verdict"].replace(" ", "-")
    parts = [
        f'<div class="entry {style}" markdown>',
        f'<p class="verdict"><a href="#{anchor}">{anchor}</a> <b>{words}</b></p>',
        page.formula(entry["quote"], anchor, anchor, "quotation", kind="quote"),
        page.sentence(entry["reason"]) if entry.get("reason") else "",
        f"**Counterexample.** {page.sentence(entry['counterexample'])}" if entry.get("counterexample") else "",
        corrected(entry),
        f"Proved: {context.link(entry['claim'])}" if entry.get("claim") in context.claims else "",
        "</div>",
    ]
    return "\n\n".join(part for part in parts if part)


def corrected(entry: Entry) -> str:
    """The right form, bound to the claim that proves it where there is one."""
    if not entry.get("corrected"):
        return ""
    kind = "claim" if entry.get("claim") else "quote"
    bound = entry.get("claim") or entry["id"]
    return "Right:\n\n" + page.formula(entry["corrected"], f"{entry['id']}.right", bound, "right", kind=kind)


def entries(found: Sequence[Entry], context: page.Context) -> str:
    """Every equation of the article, in its order, under the article's own headings."""
    if not found:
        return NONE_YET
    parts, section = [counted(found)], None
    for entry in found:
        if entry.get("section") != section:
            section = entry.get("section")
            parts.append(f"## {page.text(str(section))}")
        parts.append(one(entry, context))
    return "\n\n".join(parts)
