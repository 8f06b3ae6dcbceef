"""Which updates of several steps belong to one parameter, where one line updates many, as the numbers of a list."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from nnref.checking.watching.calculus.graph import base_of
from nnref.checking.watching.meaning.updates import WRITTEN, Update, key_of_parameter
from nnref.checking.watching.recording.tape import Node

Part = tuple[int, ...]
"""A parameter, by the index of its first value, and which part of it is updated."""


def lineages(steps: Sequence[Sequence[Update]]) -> Mapping[Update, Part]:
    """The parameter of each update of each step, followed through the results of earlier updates.

    Where the old value is no update's result, as after clipping, the line decides if it updates only one parameter.
    """
    found: dict[Update, Part] = {}
    made: dict[int, int] = {}
    alone: dict[object, Part] = {}
    for updates in steps:
        times = Counter(map(place_of_update, updates))
        for update in updates:
            chain = list(before(update.base))
            first = next((made[n.index] for n in chain if n.index in made), None)
            part = (chain[-1].index if first is None else first, *key_of_parameter(update.old)[1:])
            if first is None and times[place_of_update(update)] == 1:
                part = alone.get(place_of_update(update), part)
            found[update] = part
        for update in updates:
            if update.new is not None:
                made[update.new.index] = made[base_of(update.new).index] = found[update][0]
            if times[place_of_update(update)] == 1:
                alone.setdefault(place_of_update(update), found[update])
    return found


def place_of_update(update: Update) -> object:
    """The place of an update in the program, and the shape of what it replaces."""
    return update.end.site, update.old.shape


def before(base: Node) -> Iterator[Node]:
    """An array and its earlier states, back through everything that was written into it."""
    while base.op == "put" and isinstance(base.args[1], Node):
        yield from (base, base.args[1])
        base = base_of(base.args[0])
    if base.op in WRITTEN:
        yield from base.inputs
    yield base
