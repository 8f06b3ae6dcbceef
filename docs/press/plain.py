"""A page without its formulas: the text for the search index, and the page's description."""

from __future__ import annotations

import html
import json
import re

SIGNS = {
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "epsilon": "ε", "varepsilon": "ε", "theta": "θ",
    "lambda": "λ", "mu": "μ", "rho": "ρ", "sigma": "σ", "tau": "τ", "phi": "φ", "Phi": "Φ", "ell": "ℓ",
    "partial": "∂", "sum": "Σ", "cdot": "·", "circ": "∘", "ge": "≥", "le": "≤", "neq": "≠", "to": "→", "infty": "∞",
    "log": "log", "exp": "exp", "tanh": "tanh", "max": "max", "min": "min",
}  # fmt: skip
"""TeX commands with their plain characters; all others are formatting, and dropped."""

FRACTION = re.compile(r"\\d?frac\{([^{}]*)\}\{([^{}]*)\}")
SHOWN = re.compile(r"\\\[.*?\\\]", re.DOTALL)
IN_LINE = re.compile(r"\\\((.*?)\\\)", re.DOTALL)


def spelled(tex: str) -> str:
    r"""A short formula as text: dZ A^T for dZ \, A^{\mathsf{T}}."""
    text = FRACTION.sub(r"\1/\2", tex).replace(r"\mathsf{T}", "T")
    text = re.sub(r"\\([A-Za-z]+)", lambda found: SIGNS.get(found[1], ""), text)
    text = re.sub(r"\\[^A-Za-z]", " ", text)
    text = re.sub(r"[{}$&]", "", text).replace("^[", "[")
    return re.sub(r"\s+", " ", text).strip()


def readable(text: str) -> str:
    """Text for the search index: displayed formulas are dropped, inline ones spelled out."""
    return IN_LINE.sub(lambda found: spelled(found[1]), SHOWN.sub("", text))


def index(text: str) -> str:
    """The search index with the words of every entry made readable."""
    found = json.loads(text)
    for entry in found["docs"]:
        entry["title"], entry["text"] = readable(entry["title"]), readable(entry["text"])
    return json.dumps(found, ensure_ascii=False, separators=(",", ":"))


PROSE = re.compile(r"[A-Za-z*`“\[]")
"""How a paragraph of prose begins: no heading, list, table, tag or fence."""

LONGEST = 200
"""Characters of a page's description: search engines cut longer ones."""


def opening(markdown: str) -> str:
    """The first sentences of a page, without markup."""
    body = re.sub(r"\A---\n.*?\n---\n", "", markdown, flags=re.DOTALL)
    prose = (part for part in re.split(r"\n\s*\n", body) if PROSE.match(part) and not part.startswith("```"))
    text = re.sub(r"\n\{.*?\}$", "", next(prose, ""), flags=re.DOTALL)
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", text)
    text = re.sub(r"<[^>]*>", "", re.sub(r"\$([^$]*)\$", lambda found: spelled(found[1]), text))
    text = html.unescape(re.sub(r"\s+", " ", re.sub(r"\\(?=[^\w\s])|[*`]", "", text))).strip()
    whole = re.match(rf".{{1,{LONGEST - 1}}}[.?!:](?=\s|$)", text)
    return whole[0] if whole else text[:LONGEST]
