"""The graph of all results as SVG: which uses which, and how many are verified.

Every concept has a row. A result stands to the right of all results it uses. Its circle is filled only if every witness
that applies to it agrees in the report, and the same holds for all it uses. Witnesses that were not run in this build
are counted separately.
"""

from __future__ import annotations

import html
from dataclasses import dataclass

from derivations.output import page
from derivations.output.context import MISSING, NOT_RUN, WITNESSES

LEFT, TOP, ROW, STACK, COLUMN, RADIUS = 190, 24, 30, 26, 118, 6
"""In the units of the drawing: margins, heights, the width of a column, the size of a circle."""


@dataclass(frozen=True)
class Node:
    """A result and its place."""

    name: str
    x: float
    y: float
    verified: bool


def agreed(name: str, context: page.Context) -> bool:
    """Does every applicable witness agree in the report? One that is only missing here does not count as agreeing."""
    found, run = context.witnesses.get(name, {}).get("witnesses", {}), set(WITNESSES) - set(context.not_run)
    statuses = [found.get(which, MISSING)["status"] for which in run]
    return "ok" in statuses and all(status in ("ok", "not applicable") for status in statuses)


def verified(name: str, context: page.Context) -> bool:
    """Do the witnesses agree on the result and on all it uses?"""
    uses = context.claims[name].get("uses", ())
    return agreed(name, context) and all(verified(used, context) for used in uses)


def placed(context: page.Context) -> tuple[list[Node], dict[str, float]]:
    """Every result in the row of its concept and the column of its depth, and the height of each row."""
    nodes, rows, y = [], {}, float(TOP)
    groups = page.concepts(context.claims)
    lowest = {concept: min(page.depth(c["name"], context.claims) for c in group) for concept, group in groups.items()}
    for concept, group in sorted(groups.items(), key=lambda pair: (lowest[pair[0]], pair[0])):
        taken: dict[int, int] = {}
        rows[concept] = y
        for claim in group:
            column = page.depth(claim["name"], context.claims)
            level = taken.get(column, 0)
            taken[column] = level + 1
            x = LEFT + COLUMN * column
            nodes.append(Node(claim["name"], x, y + STACK * level, verified(claim["name"], context)))
        y += STACK * (max(taken.values()) - 1) + ROW
    return nodes, rows


def curve(start: Node, end: Node) -> str:
    """A line from what is used to what uses it."""
    middle = (start.x + end.x) / 2
    classes = f"edge from-{slug(start.name)} to-{slug(end.name)}"
    if start.x == end.x:
        middle = start.x - COLUMN / 3
    return (
        f'<path class="{classes}" d="M{start.x:.0f} {start.y:.0f}'
        f'C{middle:.0f} {start.y:.0f} {middle:.0f} {end.y:.0f} {end.x:.0f} {end.y:.0f}"/>'
    )


def slug(name: str) -> str:
    """A name as a class."""
    return name.replace(".", "-")


def circle(node: Node, context: page.Context) -> str:
    """A result as a link to its section."""
    says = html.escape(context.claims[node.name]["says"])
    state = "verified, and all it rests on" if node.verified else "not verified in the report, or rests on such"
    label = html.escape(node.name.split(".", maxsplit=1)[1])
    return (
        f'<a href="{address(node.name, context)}" class="node{" verified" if node.verified else ""}" '
        f'data-name="{slug(node.name)}" aria-label="{html.escape(node.name)}: {says}; {state}">'
        f"<title>{html.escape(node.name)}: {says}</title>"
        f'<circle cx="{node.x:.0f}" cy="{node.y:.0f}" r="{RADIUS}"/>'
        f'<text x="{node.x + 11:.0f}" y="{node.y + 4:.0f}">{label}</text></a>'
    )


def address(name: str, context: page.Context) -> str:
    """Where a section is, from the page that holds the graph: links within an SVG are not rewritten by MkDocs."""
    return context.to(name).replace(".md#", "/#")


def drawn(context: page.Context) -> str:
    """The whole graph, with a line that says how many results are verified."""
    nodes, rows = placed(context)
    at = {node.name: node for node in nodes}
    edges = [curve(at[used], at[name]) for name in at for used in context.claims[name].get("uses", ())]
    labels = [
        f'<text class="row" x="8" y="{y + 4:.0f}">{html.escape(page.title(concept))}</text>'
        for concept, y in rows.items()
    ]
    width = max(node.x for node in nodes) + COLUMN
    height = max(node.y for node in nodes) + TOP
    count = sum(node.verified for node in nodes)
    apart = f" {' and '.join(context.not_run)}: {NOT_RUN}, counted apart." if context.not_run else ""
    return (
        f'<div class="graph" role="group" aria-label="Graph of all results" tabindex="0">'
        f'<svg viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" height="{height:.0f}">'
        f"{''.join([*edges, *labels, *(circle(node, context) for node in nodes)])}</svg></div>\n\n"
        f"Filled: {count} of {len(nodes)} results are verified by every witness that applies, as is all they rest on."
        f"{apart}"
    )
