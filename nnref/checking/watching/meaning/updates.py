"""Updates: values that a program replaces by themselves ± something, if the new value is used from then on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from nnref.checking.watching.calculus.graph import VIEWS, Graph, as_bits, base_of, bits_of
from nnref.checking.watching.calculus.slopes import value_of
from nnref.checking.watching.recording.tape import Node, Site, words

SHORT = "self."
"""Prefix that is dropped from displayed names."""


@dataclass(frozen=True, eq=False)
class Update:
    """One replacement of a parameter: new = old − step, or old + step where sign is −1.

    step is the optimiser's result. new is None where the program only returns the gradient. whole is the initial array,
    where old is an entry of it read after others were written.
    """

    old: Node
    step: Node
    new: Node | None
    sign: int
    name: str = ""
    whole: Node | None = None

    @cached_property
    def base(self) -> Node:
        """The parameter, of which `old` may be a view or an entry."""
        return self.whole or base_of(self.old)

    def old_in(self, tape: Sequence[Node]) -> Node:
        """The parameter, or its part, at the beginning of the step in one run."""
        old = tape[self.old.index]
        return old if self.whole is None else replace(old, args=(tape[self.whole.index], *old.args[1:]))

    @property
    def end(self) -> Node:
        """The last value of the update."""
        return self.new or self.step


def is_kept(graph: Graph, update: Update) -> bool:
    """Is the new value given a name, or written into an array, as by W[k] -= step?"""
    new = update.new
    if new is None or new.names:
        return True
    shown = [n for n in graph.users[new.index] if n.op in VIEWS]  # the entry of an array of one entry
    return any(n.op in WRITTEN for of in (new, *shown) for n in graph.users[of.index])


WRITTEN = words("put put_at assign copyto")
"""Operations by which a value is written into an array."""


def times(step: Node, gradient: Node) -> bool:
    """Is a step a gradient, or a number times it?"""
    number = any(m is not gradient and np.prod(m.shape, dtype=int) > 1 for m in map(base_of, step.inputs))
    return step is gradient or (step.op in ("multiply", "divide") and gradient in step.inputs and not number)


def key_of_parameter(node: Node) -> tuple[int, ...]:
    """A key for a parameter, or for the part that a view or an entry selects. A copy of the whole has the same key."""
    base = base_of(node)
    if node is base or not node.args or node.op == "array":
        return (base.index,)
    return base.index, hash(str(node.args[1:])) if node.op in ("view", "item", "entry") else 0


def replaceable(graph: Graph) -> tuple[Update, ...]:
    """Every old − step and old + step where the step depends on old, an array of floats."""
    return graph.once("replaceable", lambda: tuple(u for node in graph.tape for u in replacements(graph, node)))


def replacements(graph: Graph, node: Node) -> Iterator[Update]:
    """Old − step and old + step with a step that depends on old; also of rows of old, by np.add.at."""
    if node.op in ROWS and isinstance(node.args[0], Node) and isinstance(node.args[2], Node):
        old, step = node.args[0], node.args[2]
        if graph.above[step.index] >> base_of(old).index & 1 and number(old):
            yield Update(old, step, node, 1 if node.op == "subtract.at" else -1)
        return
    if node.op not in ("subtract", "add") or len(node.args) != 2 or node.kwargs.get("where", True) is not True:
        return
    ways = ((0, 1, 1),) if node.op == "subtract" else ((0, 1, -1), (1, 0, -1))
    for i, j, sign in ways:
        old, step = node.args[i], node.args[j]
        if not isinstance(old, Node) or not isinstance(step, Node) or not number(old):
            continue
        update = Update(before_clipping(graph, old, step), step, node, sign)
        if update.old is not old and not keeps_its_name(update):
            continue
        old = update.old
        if old.shape != node.shape and np.prod(old.shape) * np.prod(node.shape) != 1 and not keeps_its_name(update):
            continue  # b = 0.0 becomes an array of one entry by b - rate * (p - y[i]); a step of another shape spreads
        if graph.above[step.index] >> base_of(old).index & 1:
            larger = multiplied_after(graph, update)
            yield update if larger is None else replace(update, new=larger)


def before_clipping(graph: Graph, old: Node, step: Node) -> Node:
    """The weights that were clipped after their gradient was computed, as by np.clip(w, -1, 1, out=w); else `old`."""
    inner = old.args[0] if old.op == "clip" else None
    late = isinstance(inner, Node) and not graph.above[step.index] >> base_of(old).index & 1
    return inner if isinstance(inner, Node) and late else old


def multiplied_after(graph: Graph, update: Update) -> Node | None:
    """What has the name of the old value, and is the new one turned, or more than it, as in w = 2 * (w - step)."""
    new, users = update.end, graph.users[update.end.index]
    if new.names or len(users) != 1 or users[0].op not in ("negative", "multiply", "divide"):
        return None
    value = users[0]
    beside = [value_of(a) for a in value.args if a is not new]
    onward = replace(update, new=value)
    named = update.base.names or update.old.names
    if not (keeps_its_name(onward) if named else goes_on(graph, onward)) or any(np.ndim(v) or not v for v in beside):
        return None
    if value.op == "divide" and value.args[0] is not new:
        return None
    by = -1.0 if not beside else float(beside[0]) if value.op == "multiply" else 1 / float(beside[0])
    return None if 0 < by <= 1 else value


ROWS = words("add.at subtract.at")
"""Operations that add to rows of a table; a row may occur several times."""


def adds_again(tape: Sequence[Node], update: Update) -> list[Node]:
    """Further additions to rows of the same table, before the changed rows are used."""
    found: list[Node] = []
    last = tape[update.end.index]
    for node in tape[last.index + 1 :] if last.op in ROWS else ():
        if node.op in ROWS and node.args[0] is last:
            found.append(node)
            last = node
        elif last in node.inputs:
            break
    return found


def step_in(tape: Sequence[Node], update: Update) -> Any:
    """The step in one run, in the parameter's shape; for rows of a table, the sum of all additions in this step."""
    value = tape[update.step.index].value
    made = tape[update.end.index]
    if made.op not in ROWS or update.new is None or value is None:
        return np.reshape(value, update.old.shape) if np.size(value) == np.prod(update.old.shape) == 1 else value
    whole = np.zeros(made.shape)
    for node in (made, *adds_again(tape, update)):
        turn = 1 if node.op == made.op else -1
        np.add.at(whole, value_of(node.args[1]), turn * np.asarray(value_of(node.args[2]), float))
    return whole


def number(node: Node) -> bool:
    """Is the value an array of floats, or a literal integer as a parameter's initial value?"""
    return node.real or isinstance(node.value, int) or getattr(node.value, "dtype", np.dtype(bool)).kind in "iu"


def superseded(graph: Graph, update: Update, others: Sequence[Update]) -> bool:
    """Is this apparent new value only a part of the step of another update, as dW + λ W is?"""
    new = update.new
    if new is None:
        return False
    bit = 1 << new.index
    return any(o is not update and o.base is update.base and graph.depends(o.step.index, bit) for o in others)


def without_averages(graph: Graph, updates: Sequence[Update], onward: Callable[[Update], bool]) -> list[Update]:
    """The updates of one parameter without averages of old values and a value already in use.

    onward says for each update whether its new value is used from then on.
    """
    made: dict[int, list[Update]] = {}
    for update in updates:
        if update.new is not None:
            made.setdefault(update.new.index, []).append(update)
    known = as_bits(made)

    def is_average(update: Update) -> bool:
        above = (graph.above[update.step.index] | (1 << update.step.index)) & known
        return any(o is not update and onward(o) for k in bits_of(above) for o in made[k])

    return [u for u in updates if not is_average(u)]


def without_parts(graph: Graph, updates: Sequence[Update]) -> list[Update]:
    """The updates of one parameter without those that are part of another's step, as dW + λ W is."""
    above = 0
    for update in updates:
        above |= graph.above[update.step.index] | (1 << update.step.index)
    return [u for u in updates if u.new is None or not above >> u.new.index & 1]


def goes_on(graph: Graph, update: Update) -> bool:
    """Is the new value used on the lines where the old one was?"""
    new, first = update.end, first_uses(graph, update.base)
    last = last_uses(graph, new).items()
    elsewhere = ((site, k) for site, k in last if site != new.site)  # for v in y - p is no use of y
    return any(first.get(site, new.index) < new.index < k for site, k in elsewhere)


def last_uses(graph: Graph, node: Node) -> dict[Site, int]:
    """The sites of all `uses` of a value, each with the last result there; of what is written on and on, found once."""
    known: dict[int, dict[Site, int]] = graph.once("last uses", dict)
    todo = [node]
    while todo:
        at = todo[-1]
        users = graph.users[at.index] if at.index not in known else ()
        onward = [u for u in users if u.op in VIEWS or u.op == "item" or u.op in WRITTEN]
        if left := [u for u in onward if u.index not in known]:
            todo += left
            continue
        if at.index not in known:
            mine = {u.site: u.index for u in users if u.op not in VIEWS and u.op not in WRITTEN}
            known[at.index] = known[onward[0].index] if len(onward) == 1 and not mine else mine
            for part in onward if known[at.index] is mine else ():
                for site, k in known[part.index].items():
                    mine[site] = max(k, mine.get(site, k))
        todo.pop()
    return known[node.index]


def first_uses(graph: Graph, node: Node) -> dict[Site, int]:
    """The sites where a value is used, each with the first result there."""
    return graph.once(("first uses", node.index), lambda: first_at_each(graph, node))


def first_at_each(graph: Graph, node: Node) -> dict[Site, int]:
    """The same, computed."""
    found: dict[Site, int] = {}
    for user in uses(graph, node):
        found[user.site] = min(user.index, found.get(user.site, user.index))
    return found


def velocities(graph: Graph, updates: Sequence[Update]) -> set[Update]:
    """The updates of velocities: of values that move a parameter.

    Where a weighted sum is added to a bias, the weights are no velocities: the sum is an output.
    """
    of_value = {u.new.index: u for u in updates if u.new is not None}
    made = as_bits(of_value)
    above = ((o, graph.above[o.step.index] | (1 << o.step.index)) for o in updates)
    pairs = ((of_value[k], o) for o, bits in above for k in bits_of(bits & made))
    return {u for u, o in pairs if is_velocity(graph, u, o) and takes_its_place(graph, o)}


def is_velocity(graph: Graph, update: Update, other: Update) -> bool:
    """Is this apparent parameter what another is moved by, entry by entry, as v in W + v?"""
    todo, seen = [other.step], set[int]()
    if update.new is None or other.base is update.base or not graph.depends(other.step.index, 1 << update.new.index):
        return False
    while todo:
        node = todo.pop()
        if node is update.new:
            return True
        if node.index not in seen and node.op in BY_ENTRY and node.shape == other.step.shape:
            seen.add(node.index)
            todo += node.inputs
    return False


BY_ENTRY = words("add subtract multiply divide negative array view")
"""Operations with which a velocity enters a step."""


def takes_its_place(graph: Graph, update: Update) -> bool | None:
    """Is the new value used from then on? None if the old one is, False if the new one has another name."""
    new = update.new
    if new is None:
        return True
    if used_up(graph, update) or is_row_elsewhere(graph, update) or is_done_again(graph, update):
        return False
    if goes_on(graph, update):
        return True
    first = first_uses(graph, update.base)
    if any(first[n.site] < new.index < n.index for n in uses(graph, update.base)):
        return None
    if update.base.leaf == "constant" and update.base.names and not new.names:
        return False  # pad + rows * (height + pad), the size of an array
    return not (update.base.names or update.old.names) or not new.names or keeps_its_name(update)


def is_done_again(graph: Graph, update: Update) -> bool:
    """Was the same sum computed here before, without a name, as in f(W x + b)? Then it is no update."""
    if is_kept(graph, update):
        return False
    first = graph.once("first sums", lambda: first_sums(graph))
    return first.get((update.end.site, update.base.index), update.end.index) < update.end.index


def first_sums(graph: Graph) -> dict[tuple[Site, int], int]:
    """The first addition to each value at each site."""
    found: dict[tuple[Site, int], int] = {}
    for node, base, _ in additions(graph):
        found.setdefault((node.site, base), node.index)
    return found


def additions(graph: Graph) -> list[tuple[Node, int, int]]:
    """Every sum and difference of two values, with the base index of one operand and the other's index."""

    def found() -> Iterator[tuple[Node, int, int]]:
        for node in graph.tape:
            if node.op in ("subtract", "add") and len(node.args) == 2:
                a, b = node.args
                if isinstance(a, Node) and isinstance(b, Node):
                    yield from ((node, base_of(x).index, y.index) for x, y in ((a, b), (b, a)))

    return graph.once("additions", lambda: list(found()))


def keeps_its_name(update: Update) -> bool:
    """Has the new value a name that the old one has?"""
    had = {last_part(n) for n in (*update.base.names, *update.old.names)}
    return bool(had & {last_part(n) for n in update.end.names})


def used_up(graph: Graph, update: Update) -> bool:
    """Is the value only an unnamed part of a larger expression, as mean + b in mean + b + c?"""
    node = made = update.end
    while not node.names and len(users := graph.users[node.index]) == 1 and same_line(users[0], made):
        node = users[0]
    had = {last_part(n) for n in (*update.base.names, *update.old.names)}
    if node is made or node.op == "put":
        return False
    return not had & {last_part(n) for n in node.names} if node.names else node.op in FORWARD


FORWARD = words("add subtract exp tanh negative dot matmul")
"""Operations of a forward pass, which are not used to clip, mask or cast a new parameter."""


def is_row_elsewhere(graph: Graph, update: Update) -> bool:
    """Is a row of a table plus something neither stored in the table nor named, as E[x] + W h?"""
    new, sizes = update.new, [np.prod(n.shape, dtype=int) for n in (update.old, update.base)]
    part = update.old.op in ("view", "item") and sizes[0] < sizes[1]
    return part and new is not None and not is_kept(graph, update)


def same_line(a: Node, b: Node) -> bool:
    """Are two operations on one line of one function?"""
    return bool(a.site.line) and (a.site.file, a.site.line, a.site.function) == (
        b.site.file,
        b.site.line,
        b.site.function,
    )


def uses(graph: Graph, node: Node) -> Iterator[Node]:
    """The uses of a value, of its copies and views, and of an array that it became a part of."""
    todo, seen = [node], set()
    while todo:
        for user in graph.users[todo.pop().index]:
            if user.index in seen:
                continue
            seen.add(user.index)
            if user.op in VIEWS or user.op == "item" or user.op in WRITTEN:
                todo.append(user)
            if user.op not in VIEWS and user.op not in WRITTEN:
                yield user


def parameter_name(base: Node, new: Node | None = None, otherwise: str = "") -> str:
    """The program's name of a parameter."""
    names = (
        [n for n in base.names if n.startswith(SHORT)]
        or [*base.names, *(new.names if new is not None else [])]
        or [otherwise or f"line {base.site.line}"]
    )
    return names[0].removeprefix(SHORT)


def last_part(name: str) -> str:
    """The last part of a name: W1 of self.W1 and params['W1']; an index such as [0] keeps its brackets."""
    return name.rsplit(".", 1)[-1] if "[" not in name else name[name.index("[") :].removeprefix("['").removesuffix("']")
