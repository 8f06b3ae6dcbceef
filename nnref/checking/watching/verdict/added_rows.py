"""Rows of one table to which several lines add in one step, as a word's vector is met as a context and as another's."""

from __future__ import annotations

from collections.abc import Iterator

from nnref.checking.watching.calculus.factors import ALIKE
from nnref.checking.watching.meaning.updates import adds_again
from nnref.checking.watching.recording.tape import Node
from nnref.checking.watching.verdict.right_values import Search
from nnref.checking.watching.verdict.verdicts import Judged

ANOTHER = "what is added here is another multiple of its slope than what the other lines add"
"""What is said of one of several additions."""

NOT_ALL = "what is added to the rows is not all of the slope: they are used where nothing is added for"
"""What is said where each addition is the slope of a use, and all of them together are not that of the table."""


def additions_to_table(search: Search, row: Judged) -> list[Node]:
    """The operations that add to rows of the table in this step; none where one operation does it all."""
    more = adds_again(search.tapes[0], row.update)
    return [row.update.end, *more] if more else []


def odd_addition(search: Search, row: Judged) -> tuple[Node, str, bool] | None:
    """Of several additions, each a multiple of a slope, that of another factor; what to say; and is it certain?"""
    made = additions_to_table(search, row)
    if not made:
        return None
    usual = [r.factor for r in search.reading.rows if r.verdict == "ok" and r.factor]
    for wanted in [*usual, *factors(search, made[0])][:1]:
        for node in made:
            if not any(abs(c / wanted - 1) <= ALIKE for c in factors(search, node)):
                return node, ANOTHER, True
    return made[-1], NOT_ALL, False


def factors(search: Search, made: Node) -> Iterator[float]:
    """How many times a slope is subtracted by an addition."""
    yield from ((c if made.op == "subtract.at" else -c) for c in search.factors(made.args[2]))
