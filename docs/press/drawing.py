"""Pictures as SVG that takes the page's colours and fonts, in light and in dark."""

from __future__ import annotations

import io
import re
from typing import Any

INK, FAINT, ACCENT, WRONG, RIGHT = "#010101", "#020202", "#030303", "#040404", "#050505"
"""Placeholder colours in drawings, replaced by the page's own."""

COLOURS = {
    INK: "currentColor",
    FAINT: "var(--nn-faint)",
    ACCENT: "var(--nn-accent)",
    WRONG: "var(--nn-wrong)",
    RIGHT: "var(--nn-right)",
}

AS_LARGE = 98
"""CSS pixels per inch: a picture of seven inches fills a column of text, with letters of one size in all pictures."""

PIXELS = (92, 124, 250)
"""Red, green and blue of a full pixel: seen on white and on black."""

STYLE = {
    "svg.fonttype": "none",
    "svg.hashsalt": "nnref",
    "font.size": 10,
    "axes.edgecolor": FAINT,
    "axes.labelcolor": INK,
    "axes.titlecolor": INK,
    "axes.titlesize": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "grid.color": FAINT,
    "grid.alpha": 0.35,
    "legend.frameon": False,
    "lines.linewidth": 1.8,
}


DIGITS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def power(x: float) -> str:
    """A number to one digit as it is written: 3·10⁻⁵."""
    digit, exponent = f"{x:.0e}".split("e")
    return f"{digit}·10{str(int(exponent)).translate(DIGITS)}"


def blank(width: float, height: float) -> Any:
    """A figure without pyplot's global state, in the style above."""
    import matplotlib
    from matplotlib.figure import Figure

    matplotlib.rcParams.update(STYLE)
    return Figure(figsize=(width, height), layout="constrained")


def svg(figure: Any, name: str) -> str:
    """The figure as an SVG for a page; name makes its ids unique."""
    out = io.StringIO()
    figure.savefig(out, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    text = out.getvalue()
    text = text[text.index("<svg") :]
    for noise in (r"<metadata>.*?</metadata>", r"<!--.*?-->", r"<style.*?</style>", r"font-family: [^;]*; ?"):
        text = re.sub(noise, "", text, flags=re.DOTALL)
    text = re.sub(r"(?<=[ \"(])-?\d+\.\d{3,}", lambda found: f"{float(found[0]):.2f}", text)
    text = re.sub(r'id="([^"]+)"', rf'id="{name}-\1"', text)
    text = re.sub(r'(xlink:href="#|url\(#)', rf"\1{name}-", text).replace("xlink:href", "href")
    for stand_in, colour in COLOURS.items():
        text = text.replace(stand_in, colour)
    text = re.sub(r"font: ([\d.]+)px [^;\"]*", r"font-size: \1px", text)
    wide = f"--wide:{AS_LARGE * figure.get_figwidth():.0f}px"
    frame = rf'<svg viewBox="\1" style="{wide}" aria-hidden="true">'
    text = re.sub(r'<svg [^>]*viewBox="([^"]*)"[^>]*>', frame, text, count=1)
    return re.sub(r"\s*\n\s*", " ", text)


def image(axes: Any, values: Any, *, signed: bool = False) -> None:
    """An array as pixels: the larger a value, the less transparent; signed, the negative ones in the other colour."""
    import numpy as np

    top = float(abs(values).max()) or 1.0
    rgba = np.zeros((*values.shape, 4))
    rgba[..., :3] = np.array(PIXELS) / 255
    if signed:
        rgba[values < 0, :3] = np.array((230, 119, 0)) / 255
    rgba[..., 3] = abs(values) / top
    axes.imshow(rgba, interpolation="nearest")
    axes.set_xticks([])
    axes.set_yticks([])
    for side in axes.spines.values():
        side.set_visible(True)
