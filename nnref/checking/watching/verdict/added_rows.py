"""Tables to whose rows several lines add in one step, as where a word occurs as the centre and in a context."""

from __future__ import annotations

from collections.abc import Iterator

from nnref.checking.watching.calculus.factors import ALIKE
from nnref.checking.watching.meaning.updates import adds_again
from nnref.checking.watching.recording.tape import Node
from nnref.checking.watching.verdict.right_values import Search
from nnref.checking.watching.verdict.verdicts import Judged

ANOTHER = "what is added here is another multiple of its slope than what the other lines add"
"""Message for one wrong addition among several."""

NOT_ALL = "what is added to the rows is not all of the slope: they are used where nothing is added for"
"""Message where each addition is a right part of the gradient, but a part is missing."""


def additions_to_table(search: Search, row: Judged) -> list[Node]:
    """The operations that add to rows of the table in this step; none where one operation does it all."""
    more = adds_again(search.tapes[0], row.update)
    return [row.update.end, *more] if more else []


def odd_addition(search: Search, row: Judged) -> tuple[Node, str, bool] | None:
    """The one of several additions that has another factor, the message, and whether it is certain."""
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
    """The multiples c with which an addition subtracts c times a part of the table's slope."""
    yield from ((c if made.op == "subtract.at" else -c) for c in search.factors(made.args[2]))
