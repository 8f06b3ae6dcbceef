"""The preview picture of a shared page, drawn from the logo, and the tags that name it."""

from __future__ import annotations

import html
import re
from pathlib import Path
from typing import Any

from press import runs
from press.sources import ROOT

LOGO = ROOT / "docs" / "assets" / "logo.svg"
PLACE = Path("assets") / "card.png"
WIDTH, HEIGHT = 1200, 630
"""Pixels, as sites that show previews require."""

PAPER, INK, QUIET, RED = "#15171c", "#f1f3f7", "#a0a6b3", "#ff9a94"
COMMAND = "nnref check examples/digits_columns_bias.py"
"""The command that the picture quotes, as the home page does."""


def console() -> list[tuple[str, str]]:
    """The command, and from its output the wrong parameter and the first mistake, each with its colour."""
    said = [line.rstrip() for line in str(runs.output(COMMAND)["text"]).splitlines()]
    first = next(k for k, line in enumerate(said) if line.startswith("First mistake"))
    wrong = next(line for line in said if line.endswith("WRONG"))
    return [(f"$ {COMMAND}", INK), (wrong, QUIET), (said[first], RED), (said[first + 1], QUIET)]


def draw(place: Path) -> None:
    """The card as a PNG: the logo, what the project is, and what the command says."""
    from matplotlib.figure import Figure
    from matplotlib.patches import Circle

    svg = LOGO.read_text(encoding="utf-8")
    figure = Figure(figsize=(WIDTH / 100, HEIGHT / 100), dpi=100, facecolor=PAPER)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, WIDTH), ylim=(HEIGHT, 0))
    axes.axis("off")
    left, top, size = 70, 60, 5.0  # pixels, and pixels to a unit of the logo
    points = [(float(x), float(y)) for x, y in re.findall(r"[ML](\d+) (\d+)", svg)]
    stroke = str(*re.findall(r'stroke="(#\w+)"', svg))
    axes.plot([left + size * x for x, _ in points], [top + size * y for _, y in points], color=stroke, lw=12)
    for x, y, r, fill in re.findall(r'<circle cx="(\d+)" cy="(\d+)" r="([\d.]+)"(?: fill="(#\w+)")?', svg):
        centre = (left + size * float(x), top + size * float(y))
        axes.add_patch(Circle(centre, size * float(r), color=fill or stroke, zorder=3))
    axes.text(260, 150, "nnref", color=INK, size=64, weight="bold", va="center")
    axes.text(70, 285, "The verified mathematics of a neural network", color=INK, size=31, va="center")
    axes.text(70, 345, "Run one command: it names the line that is wrong.", color=QUIET, size=23, va="center")
    for k, (words, ink) in enumerate(console()):
        axes.text(70, 430 + 46 * k, words, color=ink, size=18, family="monospace", va="center")
    place.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(place, metadata={"Software": None})


def announced(output: str, page: Any, config: Any) -> str:
    """The page with the tags of its preview; they hold absolute addresses, and so need site_url."""
    title = page.title if page.is_homepage is False else config.site_name
    tags = {
        "og:type": "website",
        "og:site_name": config.site_name,
        "og:title": title,
        "og:description": page.meta.get("description") or config.site_description,
    }
    if config.site_url:
        tags |= {
            "og:url": page.canonical_url,
            "og:image": f"{config.site_url.rstrip('/')}/{PLACE.as_posix()}",
            "og:image:width": str(WIDTH),
            "og:image:height": str(HEIGHT),
            "og:image:alt": f"{config.site_name}: {config.site_description}",
        }
    made = "".join(
        f'<meta property="{name}" content="{html.escape(str(said), quote=True)}">' for name, said in tags.items()
    )
    shown = '<meta name="twitter:card" content="summary_large_image">' if config.site_url else ""
    return output.replace("</head>", f"{made}{shown}</head>", 1)
