"""How people write recurrent layers: rows or columns, time first or second, weights together or a gate each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import permutations, product
from typing import Any, NamedTuple

import numpy as np

from nnref.checking.operations.known import KnownLayer, LayerReading, Layout, Tried
from nnref.checking.operations.recurrent import GATES, SLIPS, forward, gradients
from nnref.shapes import Array

Roles = Mapping[str, str]

AXES = {1: ("D",), 2: ("ND", "DN", "TD", "DT"), 3: ("NTD", "TND", "DNT", "DTN")}
"""How the axes of an input may follow each other: features, steps of time, examples."""


class SequenceLayout(NamedTuple):
    """How input and output lie: their axes, sizes, whether all states come out, and how a state alone lies."""

    x: str
    T: int
    n: int
    N: int
    m: int
    every: bool
    output: Layout
    state: str

    def of_state(self, A: Array) -> Layout | None:
        """A state as (m, N), if it is one."""
        order = tuple(self.state.index(a) for a in "DN" if a in self.state)
        sizes = {"D": self.m, "N": self.N}
        if tuple(n for n in A.shape if n > 1) != tuple(n for a in self.state if (n := sizes[a]) > 1):
            return None
        split = tuple(sizes[a] for a in self.state)
        return Layout(A.shape, split, order, (self.m, self.N))


def lying(X: Array, Y: Array) -> Iterator[SequenceLayout]:
    """Every way in which a sequence and what comes out may lie."""
    for axes in AXES.get(X.ndim, ()):
        size = dict(zip(axes, X.shape, strict=True))
        T, n, N = (size.get(a, 1) for a in "TDN")
        for out, every in ((axes, True), (axes.replace("T", ""), False)):
            if len(out) != Y.ndim or (out == axes) != every or ("T" not in axes and not every):
                continue
            given = dict(zip(out, Y.shape, strict=True))
            if given.get("N", 1) != N or (every and given.get("T", 1) != T):
                continue
            order = tuple(out.index(a) for a in "TDN" if a in out)
            output = Layout.of(Y.shape, order, (T if every else 1, given["D"], N))
            yield SequenceLayout(axes, T, n, N, given["D"], every, output, axes.replace("T", ""))


def input_of(X: Array, lies: SequenceLayout) -> Layout:
    """The input as (T, n, N)."""
    order = tuple(lies.x.index(a) for a in "TDN" if a in lies.x)
    return Layout.of(X.shape, order, (lies.T, lies.n, lies.N))


def readings(tried: Tried) -> Iterator[LayerReading]:
    """Every recurrent layer of a sequence, maybe states, weights and biases."""
    floats = tried.floats
    if not 2 <= len(floats) <= 15:
        return
    for x, X in floats.items():
        for lies in lying(X, tried.Y):
            others = [name for name in floats if name != x]
            starts = [name for name in others if lies.of_state(floats[name])]
            matrices = [name for name in others if floats[name].ndim == 2]
            for states in ((), *((s,) for s in starts), *permutations(starts, 2)):
                rest = [name for name in others if name not in states]
                for cell, gates in GATES.items():
                    if len(states) <= (2 if cell == "lstm" else 1):
                        yield from of_cell(tried, lies, x, states, rest, matrices, cell, gates)


def of_cell(
    tried: Tried,
    lies: SequenceLayout,
    x: str,
    states: tuple[str, ...],
    rest: list[str],
    matrices: list[str],
    cell: str,
    gates: tuple[str, ...],
) -> Iterator[LayerReading]:
    """The readings as one kind of cell, its gates in every order."""
    floats, m, k = tried.floats, lies.m, len(gates)
    roles = {x: "X"} | dict(zip(states, "HC", strict=False))
    fixed = {"X": input_of(floats[x], lies)}
    for name, s in zip(states, "HC", strict=False):
        layout = lies.of_state(floats[name])
        if layout is None:
            return
        fixed[s] = layout
    zero = {s: np.zeros((m, lies.N)) for s in "HC" if s not in fixed}
    for order in permutations(range(k)):
        for parts in [
            *together(floats, rest, lies, k, order),
            *gates_apart(floats, rest, lies.n, lies.m, gates, order),
        ]:
            joined = "V" in {s[0] for s in parts.roles.values()}
            with_ones = "V" in parts.layouts and parts.layouts["V"].shape[1] > lies.n + m
            for settings in settings_of(cell, joined, with_ones):
                layouts = fixed | parts.layouts
                says = said(cell, gates, order, lies, settings)
                more = {"cell": cell, "every": lies.every, **settings}
                yield LayerReading(cell, says, roles | dict(parts.roles), layouts, lies.output, dict(zero), more)


class Parts(NamedTuple):
    """The parameters by symbol, and how they lie."""

    roles: dict[str, str]
    layouts: dict[str, Layout]


def together(
    floats: Mapping[str, Array], rest: list[str], lies: SequenceLayout, k: int, order: tuple[int, ...]
) -> Iterator[Parts]:
    """All gates in one matrix: of input, of state, or of both."""
    n, m = lies.n, lies.m
    rows = tuple(order[gate] * m + i for gate in range(k) for i in range(m))
    biases = [name for name in rest if floats[name].size == k * m == max(floats[name].shape)]
    weights = [name for name in rest if name not in biases]
    kinds: tuple[dict[str, int], ...] = ({"W": n, "U": m},) if len(weights) == 2 else ({"V": n + m},)
    if len(weights) == 1 and not biases:
        kinds += ({"V": n + m + 1},)  # a row of biases among the weights, for an input of one
    if len(weights) not in (1, 2) or len(biases) > 2:
        return
    for names, wide, turned in product(permutations(weights), kinds, (False, True)):
        sizes = [(k * m, wide[s]) if turned else (wide[s], k * m) for s in wide]
        if [floats[name].shape for name in names] != sizes:
            continue
        axes = (0, 1) if turned else (1, 0)
        layouts = {
            s: Layout.of(size, axes, (k * m, wide[s]), picked=(0, rows)) for s, size in zip(wide, sizes, strict=True)
        }
        roles = dict(zip(names, wide, strict=True))
        yield from with_biases(
            Parts(roles, layouts),
            biases,
            {b: Layout.reshaped(floats[b].shape, (k * m, 1), picked=(0, rows)) for b in biases},
        )


def with_biases(parts: Parts, biases: list[str], lie: Mapping[str, Layout]) -> Iterator[Parts]:
    """The biases beside the input and beside the state."""
    ways: list[tuple[str, ...]] = [("b",), ("c",)] if len(biases) == 1 else [("b", "c"), ("c", "b")] if biases else [()]
    for way in ways:
        layouts = {s: lie[name] for name, s in zip(biases, way, strict=True)}
        yield Parts(parts.roles | dict(zip(biases, way, strict=True)), parts.layouts | layouts)


def gates_apart(
    floats: Mapping[str, Array], rest: list[str], n: int, m: int, gates: tuple[str, ...], order: tuple[int, ...]
) -> Iterator[Parts]:
    """A matrix and a bias for every gate, each kind in the same order of gates."""
    k = len(gates)
    if k == 1 or len(rest) < k:
        return
    named = tuple(gates[order.index(j)] for j in range(k))  # the gate of the j-th of each kind
    biases = [name for name in rest if floats[name].size == m and max(floats[name].shape) == m]
    weights = [name for name in rest if name not in biases]
    if len(biases) not in (0, k, 2 * k) or any(floats[name].ndim != 2 for name in weights):
        return
    for kinds, turned in product(split(weights, k, n, m), (False, True)):
        roles, layouts = {}, {}
        for (s, wide), names in kinds.items():
            size = (m, wide) if turned else (wide, m)
            for gate, name in zip(named, names, strict=True):
                if floats[name].shape == size:
                    roles[name] = s + gate
                    layouts[s + gate] = Layout.of(size, (0, 1) if turned else (1, 0), (m, wide))
        if len(roles) == len(weights):
            yield from biased(Parts(roles, layouts), floats, biases, named, m)


def split(weights: list[str], k: int, n: int, m: int) -> Iterator[dict[tuple[str, int], list[str]]]:
    """Which weights are those of the input and which those of the state: k of each, one after the other or in turn."""
    if len(weights) == k:
        yield {("V", n + m): weights}
    if len(weights) == 2 * k:
        for first, second in ((weights[:k], weights[k:]), (weights[::2], weights[1::2])):
            yield {("W", n): first, ("U", m): second}
            yield {("W", n): second, ("U", m): first}


def biased(
    parts: Parts, floats: Mapping[str, Array], biases: list[str], named: tuple[str, ...], m: int
) -> Iterator[Parts]:
    """A bias a gate, beside the input or the state; or one beside each."""
    k = len(named)
    ways: list[dict[str, list[str]]] = [{}]
    if len(biases) == k:
        ways = [{"b": biases}, {"c": biases}]
    elif biases:
        halves = ((biases[:k], biases[k:]), (biases[::2], biases[1::2]))
        ways = [{"b": one, "c": other} for pair in halves for one, other in (pair, pair[::-1])]
    for way in ways:
        roles = {name: s + gate for s, names in way.items() for gate, name in zip(named, names, strict=True)}
        layouts = {role: Layout.reshaped(floats[name].shape, (m, 1)) for name, role in roles.items()}
        yield Parts(parts.roles | roles, parts.layouts | layouts)


def settings_of(cell: str, joined: bool, with_ones: bool = False) -> Iterator[dict[str, Any]]:
    """The ways that a cell is written in."""
    if with_ones:
        if cell != "gru":  # whose weights of a reset state have no such row
            yield from ({**way, "ones": ones} for way in settings_of(cell, joined) for ones in ("first", "last"))
        return
    for first in (True, False) if joined else (False,):
        if cell == "rnn":
            yield from ({"state_first": first, "activation": f} for f in ("tanh", "relu"))
        elif cell == "lstm":
            yield {"state_first": first}
        else:
            # Behind a reset gate, weights of input and state together take the reset state.
            for reset, kept in product(("before",) if joined else ("after", "before"), (True, False)):
                yield {"state_first": first, "reset": reset, "kept": kept}


def said(
    cell: str, gates: tuple[str, ...], order: tuple[int, ...], lies: SequenceLayout, settings: Mapping[str, Any]
) -> str:
    """In words."""
    name = {"rnn": "an RNN", "lstm": "an LSTM", "gru": "a GRU"}[cell]
    steps = f"{name} over {lies.T} steps" if lies.T > 1 else f"a step of {name}"
    parts = [steps]
    if settings.get("activation") == "relu":
        parts.append("of rectifiers")
    if len(gates) > 1:
        parts.append(f"its gates in the order {''.join(gates[order.index(j)] for j in range(len(gates)))}")
    if "reset" in settings:
        parts.append(f"reset {settings['reset']} the product, z {'kept' if settings['kept'] else 'new'}")
    return ", ".join(parts) + ("" if lies.every else ", its last state")


KNOWN = KnownLayer("recurrent", readings, forward, gradients, SLIPS)
