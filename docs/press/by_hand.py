"""The 2-2-2 network on the page of the backward pass, with all its numbers: as a graph, and as sums.

The graph shows what nnref computed. The sums are as by hand: the probabilities are rounded once, and all later lines
are exact, so that a reader who computes with the numbers of a line gets its result.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

Matrix = Sequence[Sequence[float]]
Values = Mapping[str, Any]

WIDTH, LINE, COLUMN, PAD = 118, 16, 137, 8
"""Sizes in the drawing: the width of a box, the height of a line, the distance of columns, the margin in a box."""

PLACES = 4
"""Decimals to which the probabilities, and the loss, are rounded: those of the playground below the sums."""

TOP, BELOW = 8, 158
"""Heights of the two rows of boxes: what flows through the network, and what enters it."""


@dataclass(frozen=True)
class Box:
    """A quantity of the graph: its name, what it is, its column, whether it stands in the lower row, what it feeds."""

    name: str
    says: str
    column: float
    below: bool
    feeds: str


BOXES = (
    Box("X", "inputs", 0, False, "Z1"),
    Box("Z1", "W1 X + b1", 1, False, "A1"),
    Box("A1", "max(0, Z1)", 2, False, "Z2"),
    Box("Z2", "W2 A1 + b2", 3, False, "P"),
    Box("P", "softmax(Z2)", 4, False, "L"),
    Box("L", "mean of −log P", 5, False, ""),
    Box("W1", "weights", 0, True, "Z1"),
    Box("b1", "biases", 1, True, "Z1"),
    Box("W2", "weights", 2, True, "Z2"),
    Box("b2", "biases", 3, True, "Z2"),
    Box("Y", "labels", 5, True, "L"),
)
"""The graph, in the order of computation."""


def number(x: float) -> str:
    """Three decimals, with a real minus."""
    text = f"{x:.3f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text.replace("-", "−")


def everything(given: Values) -> Values:
    """Every matrix by its name; the loss as a matrix of one entry."""
    net, labels = given["network"], given["network"]["labels"]
    one_hot = [[float(label == k) for label in labels] for k in range(len(net["W2"]))]
    return {**net, **given["values"], "Y": one_hot, "L": [[given["values"]["L"]]]}


def rows(M: Matrix, x: float, y: float, style: str) -> str:
    """A matrix as lines of text, its numbers in columns."""
    step = (WIDTH - 2 * PAD) / len(M[0])
    return "".join(
        f'<text class="{style}" x="{x + PAD + step * (j + 0.5):.0f}" y="{y + LINE * (i + 1):.0f}">{number(v)}</text>'
        for i, row in enumerate(M)
        for j, v in enumerate(row)
    )


def height(box: Box, found: Values) -> float:
    """As high as its title, its numbers and those of its gradient need."""
    return LINE * (1.6 + len(found[box.name]) + (len(found[box.name]) + 1.2 if f"d{box.name}" in found else 0))


def corner(box: Box) -> tuple[float, float]:
    """The upper left corner of a box."""
    return PAD + COLUMN * box.column, BELOW if box.below else TOP


def drawn_box(box: Box, found: Values) -> str:
    """A quantity with its numbers, and its gradient with its own below."""
    x, y = corner(box)
    parts = [
        f'<rect x="{x:.0f}" y="{y:.0f}" width="{WIDTH}" height="{height(box, found):.0f}" rx="6"/>',
        f'<text class="name" x="{x + PAD:.0f}" y="{y + LINE:.0f}"><tspan class="bold">{box.name}</tspan> '
        f"{html.escape(box.says)}</text>",
        rows(found[box.name], x, y + LINE * 1.1, "value"),
    ]
    if f"d{box.name}" in found:
        under = y + LINE * (1.4 + len(found[box.name]))
        parts.append(f'<text class="back" x="{x + PAD:.0f}" y="{under + LINE:.0f}">d{box.name}</text>')
        parts.append(rows(found[f"d{box.name}"], x, under + LINE, "back value"))
    return "".join(parts)


def arrow(start: Box, end: Box, found: Values) -> str:
    """A line from what is used to what is computed from it."""
    (x, y), (u, v) = corner(start), corner(end)
    if start.below:
        bottom = v + height(end, found)
        return f'<path d="M{x + WIDTH / 2:.0f} {y}L{u + WIDTH / 2 + (x - u) / 5:.0f} {bottom + 3:.0f}"/>'
    return f'<path d="M{x + WIDTH:.0f} {y + 40}L{u - 3:.0f} {v + 40}"/>'


def graph(given: Values) -> str:
    """The computation graph as SVG, every value in it."""
    found, by_name = everything(given), {box.name: box for box in BOXES}
    arrows = "".join(arrow(box, by_name[box.feeds], found) for box in BOXES if box.feeds)
    width = PAD + COLUMN * max(box.column for box in BOXES) + WIDTH + PAD
    tall = max(corner(box)[1] + height(box, found) for box in BOXES) + PAD
    tip = '<marker id="tip" viewBox="0 0 8 8" refX="6" refY="4" markerWidth="6" markerHeight="6" orient="auto">'
    return (
        '<figure class="drawn by-hand" role="group" aria-label="Computation graph of a 2-2-2 network with every value">'
        f'<div class="pane"><svg viewBox="0 0 {width:.0f} {tall:.0f}" style="--wide:{width:.0f}px">'
        f'<defs>{tip}<path class="tip" d="M0 0L8 4L0 8z"/></marker></defs>'
        f"{arrows}{''.join(drawn_box(box, found) for box in BOXES)}</svg></div>"
        "<figcaption>Arrows run forward. Under each value, in colour, the gradient of the loss with respect to it, "
        "computed from right to left. Each example has a column; numbers are rounded to three decimals.</figcaption>"
        "</figure>"
    )


def products(pairs: Sequence[tuple[float, float]]) -> str:
    """A sum of products."""
    return " + ".join(f"{signed(a)} · {signed(b)}" for a, b in pairs)


def signed(x: float) -> str:
    """A number as a factor: a negative one in brackets."""
    return f"({exact(x)})" if x < 0 else exact(x)


def exact(x: float) -> str:
    """All decimals of a number computed by hand, which has few, with a real minus."""
    text = f"{x:.9f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text.replace("-", "−")


def worked(given: Values) -> Values:
    """Every matrix as it is worked by hand: exact, but for the probabilities and the loss, which are rounded."""
    v = {name: np.array(matrix) for name, matrix in everything(given).items() if name != "labels"}
    found = {name: v[name] for name in ("X", "Y", "W1", "b1", "W2", "b2", "Z1", "A1", "Z2")}
    P, N = np.round(v["P"], PLACES), v["Y"].shape[1]
    L = np.round([[-(v["Y"] * np.log(P)).sum() / N]], PLACES)
    dZ2 = (P - v["Y"]) / N
    dA1 = v["W2"].T @ dZ2
    dZ1 = dA1 * (v["Z1"] > 0)
    found |= {"P": P, "L": L, "dZ2": dZ2, "dA1": dA1, "dZ1": dZ1}
    found |= {"dW2": dZ2 @ v["A1"].T, "db2": dZ2.sum(axis=1, keepdims=True)}
    return found | {"dW1": dZ1 @ v["X"].T, "db1": dZ1.sum(axis=1, keepdims=True)}


def power(x: float) -> str:
    """E to a number."""
    return f"e<sup>{exact(x)}</sup>"


def logarithms(v: Values) -> str:
    """Minus the logarithm of the probability of each example's label, added up."""
    return " ".join(f"− log {exact(p)}" for p in (v["P"] * v["Y"]).sum(axis=0)).replace("− ", "−", 1)


def column(M: Matrix | np.ndarray, j: int) -> list[float]:
    """One column."""
    return [row[j] for row in M]


SUMS: Mapping[str, Callable[[Values, int, int], str]] = {
    "Z1": lambda v, i, s: (
        f"{products(list(zip(v['W1'][i], column(v['X'], s), strict=True)))} + {signed(v['b1'][i][0])}"
    ),
    "Z2": lambda v, i, s: (
        f"{products(list(zip(v['W2'][i], column(v['A1'], s), strict=True)))} + {signed(v['b2'][i][0])}"
    ),
    "P": lambda v, i, s: f"{power(v['Z2'][i][s])} / ({' + '.join(map(power, column(v['Z2'], s)))})",
    "L": lambda v, _, __: f"({logarithms(v)}) / {len(v['Y'][0])}",
    "dZ2": lambda v, i, s: f"({exact(v['P'][i][s])} − {exact(v['Y'][i][s])}) / {len(v['Y'][0])}",
    "dW2": lambda v, i, j: products(list(zip(v["dZ2"][i], v["A1"][j], strict=True))),
    "db2": lambda v, i, _: " + ".join(map(signed, v["dZ2"][i])),
    "dA1": lambda v, i, s: products(list(zip(column(v["W2"], i), column(v["dZ2"], s), strict=True))),
    "dZ1": lambda v, i, s: f"{signed(v['dA1'][i][s])} · {'1' if v['Z1'][i][s] > 0 else '0'}",
    "dW1": lambda v, i, j: products(list(zip(v["dZ1"][i], v["X"][j], strict=True))),
    "db1": lambda v, i, _: " + ".join(map(signed, v["dZ1"][i])),
}
"""How an entry of each quantity is computed from earlier numbers."""


REASONS: Mapping[str, Callable[[Values, int, int], str]] = {
    "dZ1": lambda v, i, s: f", for Z1[{i}, {s}] is {exact(v['Z1'][i][s])}"
}
"""The reason after an entry, where its sum does not show it."""


def sums(name: str, given: Values) -> str:
    """Every entry as the sum that it is."""
    found, reason = worked(given), REASONS.get(name, lambda v, i, j: "")
    place = "" if found[name].size == 1 else "[{}, {}]"
    lines = [
        f"<li><code>{name}{place.format(i, j)}</code> = {SUMS[name](found, i, j)} <b>= {exact(value)}</b>"
        f"{reason(found, i, j)}</li>"
        for i, row in enumerate(found[name])
        for j, value in enumerate(row)
    ]
    return f'<ul class="sums">{"".join(lines)}</ul>'


def shown(name: str, given: Values) -> str:
    """The graph, or a quantity of the network entry by entry.

    Errors: LookupError if there is none of that name.
    """
    if name == "graph":
        return graph(given)
    if name not in SUMS:
        raise LookupError(f"the network by hand has no {name}; there are graph, {', '.join(SUMS)}")
    return sums(name, given)
