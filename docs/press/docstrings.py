"""The project's docstrings as Markdown: contracts on lines of their own, examples as code."""

from __future__ import annotations

import re
from typing import Any

import griffe

CONTRACT = re.compile(r"^(Shapes|Units|Errors|Proof|See):? ", re.MULTILINE)
EXAMPLE = re.compile(r"(?:^>>> .*\n?(?:^(?!\s*$).*\n?)*)", re.MULTILINE)


def as_markdown(docstring: str) -> str:
    """The docstring with its contracts as a list and its examples fenced."""
    text = EXAMPLE.sub(lambda found: f"```pycon\n{found[0].rstrip()}\n```\n", docstring)
    first = CONTRACT.search(text)
    if first:
        text = f"{text[: first.start()].rstrip()}\n\n{text[first.start() :]}"
    return CONTRACT.sub(lambda found: f"- **{found[1]}** ", text)


class Contracts(griffe.Extension):
    """Rewrites every docstring that mkdocstrings shows."""

    def on_instance(self, *, obj: griffe.Object, **_: Any) -> None:
        """An object was read from its source."""
        if obj.docstring:
            obj.docstring.value = as_markdown(obj.docstring.value)
