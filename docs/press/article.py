"""The source article, equation by equation: its words as a quotation, then the verdict by a proof."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

from derivations.output import page

Entry = Mapping[str, Any]

VERDICTS = {
    "holds": ("holds", "holds", "hold"),
    "notation": ("right, loosely written", "is right but loosely written", "are right but loosely written"),
    "wrong": ("wrong", "is wrong", "are wrong"),
    "no meaning": ("nothing to prove", "states nothing that could be proved", "state nothing that could be proved"),
}
"""The verdicts, "holds" first: as a label, for one equation, for several."""

AGAINST = {"notation": "Read as it stands", "wrong": "Counterexample"}
"""Heading of the objection to an equation, by its verdict: one of loose notation fails only if read literally."""

NONE_YET = '<p class="missing">The article has not been judged, equation by equation, in this build.</p>'


def counted(entries: Sequence[Entry]) -> str:
    """The number of equations with each verdict, "holds" first."""
    count = Counter(entry["verdict"] for entry in entries)
    parts = [
        f"**{count[verdict]}** {one if count[verdict] == 1 else several}"
        for verdict, (_, one, several) in VERDICTS.items()
        if count[verdict]
    ]
    return f"Of {len(entries)} equations, {', '.join(parts)}.\n{{ .counted }}"


def linked(words: str, context: page.Context) -> str:
    """A sentence in which the names of claims are links."""

    def link(found: re.Match[str]) -> str:
        name = found[0].replace("\\", "")
        return context.link(name) if name in context.claims else found[0]

    said = re.sub(r"[a-z\\_]+\.[A-Za-z\\_0-9]+", link, page.sentence(words))
    return re.sub(r"\^\{([^}]*)\}", r"<sup>\1</sup>", said)


def one(entry: Entry, context: page.Context) -> str:
    """A quotation, its verdict, the objection and the right form."""
    anchor, verdict = entry["id"], entry["verdict"]
    proved = f" · proved as {context.link(entry['claim'])}" if entry.get("claim") in context.claims else ""
    label = f"[{anchor}](#{anchor}) **{VERDICTS[verdict][0]}**{proved if verdict == 'holds' else ''}"
    against = f"**{AGAINST[verdict]}:** {page.text(entry['counterexample'])}." if entry.get("counterexample") else ""
    parts = [
        f'<div class="entry {verdict.replace(" ", "-")}" markdown>',
        f"{label}\n{{ .verdict }}",
        page.formula(entry["quote"], anchor, anchor, "quotation", kind="quote"),
        linked(entry["reason"], context) if entry.get("reason") else "",
        f"{against}\n{{ .against }}" if against else "",
        corrected(entry, context),
        "</div>",
    ]
    return "\n\n".join(part for part in parts if part)


def corrected(entry: Entry, context: page.Context) -> str:
    """The right form, bound to the claim that proves it where there is one; else the claim alone."""
    claim = entry.get("claim")
    proved = context.link(claim) if claim in context.claims else ""
    if not entry.get("corrected"):
        return f"The right form is {proved}." if proved and entry["verdict"] != "holds" else ""
    kind, bound = ("claim", claim) if claim else ("quote", entry["id"])
    right = page.formula(entry["corrected"], f"{entry['id']}.right", bound, "right", kind=kind)
    led = f"\n\n{page.at_hand(context.claims[claim], context)}\n{{ .from }}" if proved else ""
    return f"Right:\n\n{right}{led}"


def run_of(found: Sequence[Entry], context: page.Context) -> str:
    """Equations that follow each other: wrong ones open, all others folded together, with their verdicts counted."""
    shown = "\n\n".join(one(entry, context) for entry in found)
    if found[0]["verdict"] == "wrong":
        return shown
    count = Counter(entry["verdict"] for entry in found)
    said = [f"{count[v]} {one if count[v] == 1 else several}" for v, (_, one, several) in VERDICTS.items() if count[v]]
    return page.folded("entries", f"{len(found)} equation{'s' * (len(found) > 1)}: {', '.join(said)}", shown)


def entries(found: Sequence[Entry], context: page.Context) -> str:
    """Every equation of the article, in its order, under the article's own headings."""
    if not found:
        return NONE_YET
    parts, seen = [counted(found)], set()
    for section, group in groupby(found, lambda entry: str(entry["section"])):
        parts.append(f"## {page.text(section)}{', continued' if section in seen else ''}")
        seen.add(section)
        parts += [run_of(list(run), context) for _, run in groupby(group, lambda entry: entry["verdict"] == "wrong")]
    return "\n\n".join(parts)
