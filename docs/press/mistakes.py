"""The mistakes that `nnref check` knows by name, by the line they are made on: the wrong line, and its numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from derivations.output import page

Entry = Mapping[str, Any]

NONE_YET = '<p class="missing">The catalogue of mistakes is not in this build.</p>'

LINES = {
    "scale": "The size and the sign",
    "labels": "The labels",
    "outputs": "The probabilities",
    "loss": "From the loss to the logits",
    "dA": "Back to the layer below",
    "slope": "Back through the activation",
    "batch": "The examples of dZ",
    "dW": "The weights",
    "db": "The biases",
    "gradient": "The finished gradient",
}
"""The lines of a backward pass, in the order they run, as headings."""


def row(entry: Entry, usual: str, numbers: Callable[[str], str]) -> str:
    """A mistake as a row: its name, which is its anchor, its description, the wrong line, and its effect."""
    key = entry["key"]
    other = f", for `{entry['right']}`" if entry["right"] != usual else ""
    return (
        f'| <span id="{key.replace(" ", "-")}"></span>**{page.text(key)}**<br>{page.sentence(entry["says"])} '
        f"| `{entry['wrong']}`{other} | {page.text(numbers(f'mistake {key}'))} |"
    )


def of_line(line: str, found: Sequence[Entry], context: page.Context, numbers: Callable[[str], str]) -> str:
    """The mistakes of one line under its heading, the right line and its claim first."""
    usual = Counter(entry["right"] for entry in found).most_common(1)[0][0]
    claims = dict.fromkeys(entry["claim"] for entry in found if entry["claim"] in context.claims)
    rows = [row(entry, usual, numbers) for entry in found]
    why = f" Why: {', '.join(map(context.link, claims))}." if claims else ""
    return "\n\n".join(
        (
            f"## {LINES.get(line, line)} {{ #line-{line} }}",
            f"Right: `{usual}`.{why}",
            '<div class="stacked" markdown>',
            "\n".join(["| mistake | wrong line | what it gives |", "|---|---|---|", *rows]),
            "</div>",
        )
    )


def entries(found: Sequence[Entry], context: page.Context, numbers: Callable[[str], str]) -> str:
    """Every mistake of the catalogue, by the line that it is made on."""
    lines = sorted({entry["line"] for entry in found}, key=list(LINES).index)
    return "\n\n".join(of_line(l, [e for e in found if e["line"] == l], context, numbers) for l in lines) or NONE_YET
