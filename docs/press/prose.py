"""Prose written by hand: it may name checked formulas, and may not type any.

{{ claim affine.dW }}       the statement, its steps folded, its witnesses counted
{{ claims affine gradient }} the same for every claim of a concept, or those of a kind
{{ whole affine.dW }}       the same, with shapes and code: what a page's readers come for
{{ formula affine.dW }}     the statement alone, and the way to its proof, code and tests
{{ headline affine.dW 2 }}  the statement, one step of its proof, its witnesses
{{ equation mlp.dW2 1 }}    what is asked and one line of the proof, as an equation
{{ summary mlp.dW1 mlp.db1 }} several results in a grid, what they assume said once
{{ hand dW2 }}              the 2-2-2 network: a gradient entry by entry, or the graph
{{ source nnref/layer.py gradients_from }} a function as its file writes it
{{ figure digit }}          a picture drawn at build
{{ value claims }}          a number that a run gave
{{ play softmax }}          a playground, readable without touching it
{{ exercise forward_bias }} an exercise: the file, and how it is marked
{{ run nnref train --help }} a command and what it says, run at build
{{ listing docs/listings/kernel.py }} a file
{{ results }} {{ sources }} {{ graph }} {{ symbols }} {{ article }} {{ mistakes }}
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

from press.sources import BuildStops

Directive = Callable[[str], str]

DIRECTIVE = re.compile(
    r"(?P<code>^```.*?^```|`[^`\n]*`)|\{\{\s*(?P<verb>[^\s{}`]+)(?:\s+(?P<rest>[^{}]*?))?\s*\}\}",
    re.DOTALL | re.MULTILINE,
)
"""A directive, or code, in which none is looked for."""

TYPED = re.compile(
    r"\$\$|\\\[|\\\(|\\begin\{|\$[^$\s][^$]*\$|<math|arithmatex|data-(?:claim|quote)",
)
"""What mathematics typed by hand looks like, or a formula forged."""

FENCE = re.compile(r"^\s*(```|~~~)\s*(\w*)")
CODE_SPAN = re.compile(r"`[^`]*`")


def lines_of_prose(markdown: str) -> Iterator[tuple[int, str]]:
    """The lines that are read as prose, with their numbers: no code."""
    fence = None
    for number, line in enumerate(markdown.splitlines(), 1):
        opening = FENCE.match(line)
        if opening and fence is None:
            fence = opening[1]
            if opening[2] == "math":
                yield number, "$$"
        elif opening and opening[1] == fence:
            fence = None
        elif fence is None:
            yield number, CODE_SPAN.sub("", line)


def refuse_typed(markdown: str, path: str) -> None:
    """Stop at mathematics that was typed by hand.

    Errors: BuildStops with file and line.
    """
    for number, line in lines_of_prose(markdown):
        if found := TYPED.search(line):
            raise BuildStops(
                f"{path}:{number}: mathematics typed by hand ({found[0]}): "
                "name a checked formula instead, as {{ formula affine.dW }}"
            )


def indent(markdown: str, place: int) -> str:
    """The indentation of a directive in a nested block, such as a tab; its replacement needs the same."""
    before = markdown[markdown.rfind("\n", 0, place) + 1 : place]
    return before if before.isspace() else ""


def resolve(markdown: str, path: str, directives: Mapping[str, Directive]) -> str:
    """The prose with every directive replaced by what it names.

    Errors: BuildStops with file and line for a directive or a name that does not exist.
    """
    out, end = [], 0
    for found in DIRECTIVE.finditer(markdown):
        if found["code"]:
            continue
        where = f"{path}:{markdown.count(chr(10), 0, found.start()) + 1}"
        verb, rest = found["verb"], (found["rest"] or "").strip()
        if verb not in directives:
            raise BuildStops(f"{where}: there is no directive {{{{ {verb} }}}}; there are {', '.join(directives)}")
        try:
            made = directives[verb](rest)
        except LookupError as error:
            raise BuildStops(f"{where}: {error.args[0]}") from error
        out += [markdown[end : found.start()], made.replace("\n", f"\n{indent(markdown, found.start())}")]
        end = found.end()
    return "".join([*out, markdown[end:]])
