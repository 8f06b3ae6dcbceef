"""How people write one step of an LSTM: rows or columns, gates in any order, one weight matrix or two; its mistakes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import permutations
from typing import Any, NamedTuple

import numpy as np

from nnref import affine, lstm_cell, sigmoid, tanh
from nnref.arrays import namespace
from nnref.checking.operations.known import KnownLayer, LayerReading, Layout, Slip, Symbols, Tried
from nnref.checking.operations.recurrences import gates_apart
from nnref.checking.operations.recurrent import all_gates, blocks

Settings = Mapping[str, Any]

GATES = ("i", "f", "o", "g")
"""The gates in the order of nnref's formulas: input, forget, output, candidate."""


class StateLayout(NamedTuple):
    """The layout of the states: rows or columns, numbers of units and examples, and how h and c form the output."""

    rows: bool
    m: int
    N: int
    output: Layout

    def matrix(self, shape: tuple[int, ...], **more: Any) -> Layout:
        """Rows of examples, or of units, as columns of examples."""
        turned = (1, 0) if self.rows else (0, 1)
        return Layout.of(shape, turned, tuple(shape[k] for k in turned), **more)


def readings(tried: Tried) -> Iterator[LayerReading]:
    """Every step of an LSTM of an input, two states, weights and biases."""
    floats = tried.floats
    if not 4 <= len(floats) <= 19:
        return
    for h, c in permutations([name for name, A in floats.items() if A.ndim == 2], 2):
        if floats[h].shape != floats[c].shape:
            continue
        for lies in lying(floats[h].shape, tried.Y.shape):
            for x in (name for name in floats if name not in (h, c) and floats[name].ndim == 2):
                if floats[x].shape[not lies.rows] == lies.N:
                    roles = {x: "X", h: "H", c: "C"}
                    yield from with_weights(tried, lies, roles)
                    yield from with_a_matrix_a_gate(tried, lies, roles)


def lying(states: tuple[int, ...], Y: tuple[int, ...]) -> Iterator[StateLayout]:
    """Every way in which h and c may lie in the output."""
    for rows in (True, False):
        N, m = states if rows else states[::-1]
        for first in ((0, 1), (1, 0)):  # h before c, or after it
            picked = (0, first) if first != (0, 1) else None
            if (2, *states) == Y:
                yield StateLayout(rows, m, N, Layout.of(Y, (0, 2, 1) if rows else (0, 1, 2), (2, m, N), picked=picked))
            if rows and (N, 2 * m) == Y:
                yield StateLayout(rows, m, N, Layout(Y, (N, 2, m), (1, 2, 0), (2, m, N), picked=picked))
            if (2 * m * N,) == Y:  # one after the other, end to end
                split = (2, N, m) if rows else (2, m, N)
                yield StateLayout(
                    rows, m, N, Layout(Y, split, (0, 2, 1) if rows else (0, 1, 2), (2, m, N), picked=picked)
                )
            if ((2 * N, m) if rows else (2 * m, N)) == Y:
                split = (2, N, m) if rows else (2, m, N)
                yield StateLayout(
                    rows, m, N, Layout(Y, split, (0, 2, 1) if rows else (0, 1, 2), (2, m, N), picked=picked)
                )


def with_weights(tried: Tried, lies: StateLayout, roles: dict[str, str]) -> Iterator[LayerReading]:
    """The other arguments as weights of input and state, apart or together, and as biases."""
    floats = tried.floats
    n = floats[next(iter(roles))].shape[lies.rows]
    rest = [name for name in floats if name not in roles]
    biases = [name for name in rest if floats[name].size == 4 * lies.m and max(floats[name].shape) == 4 * lies.m]
    weights = [name for name in rest if name not in biases]
    if len(biases) > 2 or len(weights) not in (1, 2):
        return
    kinds = [{"W": n, "U": lies.m}] if len(weights) == 2 else [{"V": n + lies.m}]
    for names in permutations(weights):
        for wide in kinds:
            shapes = [floats[name].shape for name in names]
            for turned in (False, True):
                expected = [((4 * lies.m, k) if turned else (k, 4 * lies.m)) for k in wide.values()]
                if shapes == expected:
                    order = (0, 1) if turned else (1, 0)
                    yield from gated(tried, lies, roles | dict(zip(names, wide, strict=True)), order, biases)


def with_a_matrix_a_gate(tried: Tried, lies: StateLayout, roles: dict[str, str]) -> Iterator[LayerReading]:
    """The other arguments as a matrix and a bias for every gate, each kind in the same order of gates."""
    floats = tried.floats
    if len(floats) < len(roles) + len(GATES):
        return
    states = {s: lies.matrix(floats[name].shape) for name, s in roles.items()}
    rest, n = [name for name in floats if name not in roles], states["X"].shape[0]
    for order in permutations(range(len(GATES))):
        for parts in gates_apart(floats, rest, n, lies.m, GATES, order):
            zero = {s: np.zeros((lies.m, 1)) for gate in GATES if (s := f"b{gate}") not in parts.layouts}
            for state_first in (False, True) if "Vi" in parts.layouts else (False,):
                says = f"a step of an LSTM, its gates in the order {''.join(GATES[order.index(j)] for j in range(4))}"
                settings = {"state_first": state_first}
                layouts = states | parts.layouts
                yield LayerReading("lstm_cell", says, roles | parts.roles, layouts, lies.output, zero, settings)


def gated(
    tried: Tried, lies: StateLayout, roles: dict[str, str], order: tuple[int, int], biases: list[str]
) -> Iterator[LayerReading]:
    """The gates in every order."""
    floats, m = tried.floats, lies.m
    states = {s: lies.matrix(floats[name].shape) for name, s in roles.items() if s in "XHC"}
    for gates in permutations(GATES):
        blocks = tuple(k * m + i for gate in GATES for k in (gates.index(gate),) for i in range(m))
        picked = (0, blocks)
        layouts = dict(states)
        for name, s in roles.items():
            if s not in states:
                sizes = floats[name].shape
                layouts[s] = Layout.of(sizes, order, (sizes[order[0]], sizes[order[1]]), picked=picked)
        every, given = dict(roles), {"b": np.zeros((4 * m, 1))} if not biases else {}
        for name, s in zip(biases, "bc", strict=False):
            layouts[s], every[name] = Layout.reshaped(floats[name].shape, (4 * m, 1), picked=picked), s
        for state_first in (False, True) if "V" in every.values() else (False,):
            says = f"a step of an LSTM, its gates in the order {''.join(gates)}"
            settings = {"state_first": state_first}
            yield LayerReading("lstm_cell", says, every, layouts, lies.output, given, settings)


class LstmStep(NamedTuple):
    """One step: its weighted sums, the gates, the states, and the gradients of h and c that come in."""

    Z: tuple[Any, ...]
    I: Any
    F: Any
    O: Any
    G: Any
    C0: Any
    C: Any
    T: Any
    dh: Any
    dc: Any

    def cell(self, through_h: Any = None, next_c: Any = None) -> Any:
        """The gradient of the cell now: through h, and from the next step."""
        through_h = tanh.dZ(self.T, self.dh * self.O) if through_h is None else through_h
        return through_h + (self.dc if next_c is None else next_c)

    def back(self, dc: Any = None, **other: Any) -> dict[str, Any]:
        """The gradients of the four weighted sums and of the cell before, from dc; those in other are given."""
        dc = self.cell() if dc is None else dc
        right = {
            "i": sigmoid.dZ(self.I, dc * self.G),
            "f": sigmoid.dZ(self.F, dc * self.C0),
            "o": sigmoid.dZ(self.O, self.dh * self.T),
            "g": tanh.dZ(self.G, dc * self.I),
            "C": dc * self.F,
        }
        return right | other


def inputs(at: Symbols, settings: Settings) -> Any:
    """Input and state, one above the other, as one weight matrix takes them."""
    parts = [at["H"], at["X"]] if settings["state_first"] else [at["X"], at["H"]]
    return namespace(at["X"]).concat(parts, axis=0)


def sums(at: Symbols, settings: Settings) -> tuple[Any, ...]:
    """The weighted sums of the four gates."""
    W, U = (all_gates(at, s, GATES) if s in at or f"{s}i" in at else None for s in "WU")
    Z = W @ at["X"] + U @ at["H"] if W is not None else all_gates(at, "V", GATES) @ inputs(at, settings)
    Z = Z + all_gates(at, "b", GATES) + (all_gates(at, "c", GATES) if "c" in at or "ci" in at else 0)
    m = Z.shape[0] // 4
    return tuple(Z[k * m : (k + 1) * m] for k in range(4))


def forward(at: Symbols, settings: Settings) -> Any:
    """The output h and the cell c, stacked."""
    Zi, Zf, Zo, Zg = sums(at, settings)
    return lstm_cell.forward(Zi, Zf, Zo, Zg, at["C"])


def gradients(at: Symbols, dY: Any, settings: Settings) -> Symbols:
    """The proved gradients of the gates, and through their affine sums."""
    where = (*sums(at, settings), at["C"], dY)
    names = {"i": "dZi", "f": "dZf", "o": "dZo", "g": "dZg", "C": "dC0"}
    return through(at, {gate: getattr(lstm_cell, name)(*where) for gate, name in names.items()}, settings)


def through(at: Symbols, back: Mapping[str, Any], settings: Settings) -> Symbols:
    """From the gradients of the gates to those of inputs, weights and biases."""
    dZ = namespace(back["i"]).concat([back[gate] for gate in GATES], axis=0)
    found = {"C": back["C"], "b": affine.db(dZ), "c": affine.db(dZ)}
    if "W" in at or "Wi" in at:
        W, U = (all_gates(at, s, GATES) for s in "WU")
        found |= {"W": affine.dW(at["X"], dZ), "U": affine.dW(at["H"], dZ)}
        found |= {"X": affine.dA(W, dZ), "H": affine.dA(U, dZ)}
    else:
        both, n, m = affine.dA(all_gates(at, "V", GATES), dZ), at["X"].shape[0], at["H"].shape[0]
        X, H = (both[m:], both[:m]) if settings["state_first"] else (both[:n], both[n:])
        found |= {"V": affine.dW(inputs(at, settings), dZ), "X": X, "H": H}
    return found | by_gate(found, at["H"].shape[0])


def by_gate(found: Symbols, m: int) -> Symbols:
    """The gradients of weights and biases, one a gate."""
    several = {s: blocks(found[s], m) for s in "WUVbc" if s in found}
    return {s + gate: part for s, parts in several.items() for gate, part in zip(GATES, parts, strict=True)}


def step(at: Symbols, dY: Any, settings: Settings) -> LstmStep:
    """The step and what comes back to it."""
    Z = sums(at, settings)
    I, F, O, G = sigmoid.forward(Z[0]), sigmoid.forward(Z[1]), sigmoid.forward(Z[2]), tanh.forward(Z[3])
    C = F * at["C"] + I * G
    return LstmStep(Z, I, F, O, G, at["C"], C, tanh.forward(C), dY[0], dY[1])


def slip(key: str, says: str, *ways: Callable[[LstmStep], dict[str, Any]]) -> Slip:
    """A mistake in the gradients of the gates, in so many ways."""

    def of(at: Symbols, dY: Any, settings: Settings) -> Iterator[Symbols]:
        s = step(at, dY, settings)
        yield from (through(at, way(s), settings) for way in ways)

    return Slip(key, says, of)


def state_now(at: Symbols, dY: Any, settings: Settings) -> Iterator[Symbols]:
    """The weights of the state from the state after the step."""
    if "U" in at or "Ui" in at:
        s = step(at, dY, settings)
        dZ = namespace(s.I).concat([s.back()[gate] for gate in GATES], axis=0)
        found = {"U": affine.dW(s.O * s.T, dZ)}
        yield found | by_gate(found, at["H"].shape[0])


SLIPS = (
    slip(
        "lstm.dc_overwritten",
        "the gradient that comes in for c is overwritten: what comes through h should be added to it, dc +=",
        lambda s: s.back(s.cell(next_c=0.0)),
    ),
    slip(
        "lstm.dh_not_carried",
        "what comes back through h = o tanh(c) is not added to dc",
        lambda s: s.back(s.dc * 1),
    ),
    slip(
        "lstm.tanh_of_cell",
        "the slope of tanh(c) is missing, or taken at c where it belongs at tanh(c)",
        lambda s: s.back(s.cell(s.dh * s.O)),
        lambda s: s.back(s.cell(tanh.dZ(s.C, s.dh * s.O))),
    ),
    slip("lstm.output_gate_missing", "the output gate is missing in dc", lambda s: s.back(s.cell(tanh.dZ(s.T, s.dh)))),
    slip("lstm.slope_i", "the slope of the input gate, i (1 − i), is missing", lambda s: s.back(i=s.cell() * s.G)),
    slip("lstm.slope_f", "the slope of the forget gate, f (1 − f), is missing", lambda s: s.back(f=s.cell() * s.C0)),
    slip("lstm.slope_o", "the slope of the output gate, o (1 − o), is missing", lambda s: s.back(o=s.dh * s.T)),
    slip("lstm.slope_g", "the slope of the candidate, 1 − g², is missing", lambda s: s.back(g=s.cell() * s.I)),
    slip(
        "lstm.slopes_missing",
        "the slopes of all gates are missing",
        lambda s: s.back(i=s.cell() * s.G, f=s.cell() * s.C0, o=s.dh * s.T, g=s.cell() * s.I),
        lambda s: s.back(i=s.cell() * s.G, f=s.cell() * s.C0, o=s.dh * s.T),
    ),
    slip(
        "lstm.slope_of_other",
        "a gate has the slope of the other activation: sigmoid for i, f, o, tanh for the candidate",
        lambda s: s.back(g=sigmoid.dZ(s.G, s.cell() * s.I)),
        lambda s: s.back(i=tanh.dZ(s.I, s.cell() * s.G)),
        lambda s: s.back(f=tanh.dZ(s.F, s.cell() * s.C0)),
        lambda s: s.back(o=tanh.dZ(s.O, s.dh * s.T)),
        lambda s: s.back(i=tanh.dZ(s.I, s.cell() * s.G), f=tanh.dZ(s.F, s.cell() * s.C0), o=tanh.dZ(s.O, s.dh * s.T)),
    ),
    slip(
        "lstm.cell_after",
        "the forget gate's gradient has the cell after the step where the cell before it belongs",
        lambda s: s.back(f=sigmoid.dZ(s.F, s.cell() * s.C)),
    ),
    slip(
        "lstm.forget_not_carried",
        "the cell before gets dc without the forget gate, dc f",
        lambda s: s.back(C=s.cell()),
        lambda s: s.back(C=s.dc * s.F),
        lambda s: s.back(C=s.dc * 1),
    ),
    slip(
        "lstm.factors_mixed",
        "the factors of input gate and candidate are mixed up: di has g, dg has i",
        lambda s: s.back(i=sigmoid.dZ(s.I, s.cell() * s.I)),
        lambda s: s.back(g=tanh.dZ(s.G, s.cell() * s.G)),
        lambda s: s.back(i=sigmoid.dZ(s.I, s.cell() * s.I), g=tanh.dZ(s.G, s.cell() * s.G)),
    ),
    slip(
        "lstm.output_gate",
        "the output gate's gradient is not dh tanh(c) o (1 − o): it has c, or dc, in place of one of them",
        lambda s: s.back(o=sigmoid.dZ(s.O, s.dh * s.C)),
        lambda s: s.back(o=sigmoid.dZ(s.O, s.cell() * s.T)),
    ),
    Slip(
        "lstm.state_now", "the weights of the state take h after the step; the one before it belongs there", state_now
    ),
)

KNOWN = KnownLayer("lstm_cell", readings, forward, gradients, SLIPS)
