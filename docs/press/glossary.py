"""The glossary: its terms, read from its page, and links to them from their first use on every other page."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from functools import cache

from press.plain import opening
from press.sources import ROOT

PAGE = ROOT / "docs" / "glossary.md"

WITHOUT = ("index.md", "glossary.md", "about/api.md", "proofs/article.md")
"""Pages that link no terms: home is one screen, and the article speaks in its own words."""

ENTRY = re.compile(r"^\*\*(?P<names>[^*]+)\*\*\{ #(?P<anchor>[a-z-]+) \}: (?P<says>.*)$", re.MULTILINE)


@dataclass(frozen=True)
class Term:
    """A term: its spellings, its anchor, and its meaning."""

    names: tuple[str, ...]
    anchor: str
    says: str

    def pattern(self) -> re.Pattern[str]:
        """The term as a word of a sentence, in the singular or the plural."""
        words = "|".join(re.escape(name) for name in sorted(self.names, key=len, reverse=True))
        return re.compile(rf"(?<![\w.-])(?:{words})(?:e?s)?(?![\w-])", re.IGNORECASE)


@cache
def terms() -> tuple[Term, ...]:
    """Every term of the page, in its order."""
    return tuple(
        Term(tuple(found["names"].split(", ")), found["anchor"], opening(found["says"].partition(" See [")[0]))
        for found in ENTRY.finditer(PAGE.read_text(encoding="utf-8"))
    )


TAG = re.compile(r"(<[^>]*>)")
CLOSED = {
    "a",
    "code",
    "pre",
    "h1",
    "h2",
    "h3",
    "h4",
    "summary",
    "svg",
    "script",
    "button",
    "figure",
    "th",
    "details",
    "math",
}
"""Elements without links to the glossary: code, headings, links, pictures, and folded text."""

QUIET = re.compile(r'class="[^"]*\b(?:formula|card|play|arithmatex|verdict|highlight|exercise|symbol)\b')
"""Blocks without such links, by their class."""


def linked(page: str, path: str, known: tuple[Term, ...]) -> str:
    """The page with the first use of every term as a link to what it means."""
    left, out, closed = list(known), [], []
    to = "../" * (path.count("/") + 1) + "glossary/"
    for part in TAG.split(page):
        if not part.startswith("<"):
            out.append(part if closed else first_uses(part, left, to))
            continue
        out.append(part)
        name = re.sub(r"[</>\s].*", "", part.lstrip("</"), flags=re.DOTALL).lower()
        if closed and name == closed[0]:
            closed.pop() if part.startswith("</") else closed.append(name)
        elif not closed and not part.startswith("</") and (name in CLOSED or QUIET.search(part)):
            closed.append(name)
    return "".join(out)


def first_uses(text: str, left: list[Term], to: str) -> str:
    """A text with a link at the first use of each term in left, from which that is removed."""
    found = sorted(
        ((match, term) for term in left if (match := term.pattern().search(text))), key=lambda f: f[0].start()
    )
    out, end = [], 0
    for match, term in found:
        if match.start() < end:  # part of a longer term, which is linked later
            continue
        left.remove(term)
        says = html.escape(term.says, quote=True)
        out += [text[end : match.start()], f'<a class="term" href="{to}#{term.anchor}" title="{says}">{match[0]}</a>']
        end = match.end()
    return "".join([*out, text[end:]])
