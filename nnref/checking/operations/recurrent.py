"""Recurrent layers over time, an RNN, an LSTM or a GRU: their formulas from those of a step, and the mistakes made.

All arrays are (T, features, N), and one step has T = 1. A cell defines one step forward and back; the loop over time is
the same for all. The gradient of a state is dY of its step plus what the next step sends (rnn.every_length).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from nnref import affine, relu, sigmoid, tanh
from nnref.arrays import namespace
from nnref.checking.operations.known import Slip, Symbols

Settings = Mapping[str, Any]

GATES = {"rnn": ("h",), "lstm": ("i", "f", "o", "g"), "gru": ("r", "z", "n")}
"""The gates of a cell in the order of our formulas; g and n are candidates."""


class CellStep(NamedTuple):
    """One step: the weighted sums of input and of state, the states before and after, and what the cell computed."""

    x: tuple[Any, ...]
    u: tuple[Any, ...]
    H0: Any
    C0: Any
    H: Any
    C: Any
    parts: tuple[Any, ...]


class StepBackward(NamedTuple):
    """The gradients of a step: of the weighted sums of input and of state, of the previous state itself, and of c."""

    x: tuple[Any, ...]
    u: tuple[Any, ...]
    H0: Any
    C0: Any


def slope_of(made: Mapping[str, Any], gate: str, out: Any, dA: Any) -> Any:
    """The gradient before the activation of a gate; a mistake may leave its slope out or take the other's."""
    candidate = gate in "gn"
    if gate in made.get("no_slope", ""):
        return dA * 1
    if gate in made.get("half_slope", ""):
        return dA * out
    if gate in made.get("other_half", ""):
        return dA * (1 - out)
    if gate in made.get("other_slope", ""):
        candidate = not candidate
    return tanh.dZ(out, dA) if candidate else sigmoid.dZ(out, dA)


class Rnn:
    """One state, h = tanh(x + u), or its rectifier."""

    @staticmethod
    def step(x: tuple[Any, ...], u: tuple[Any, ...], H0: Any, C0: Any, settings: Settings, U: Any) -> CellStep:
        """A step forward."""
        Z = x[0] + u[0]
        H = tanh.forward(Z) if settings["activation"] == "tanh" else relu.forward(Z)
        return CellStep(x, u, H0, C0, H, C0, (Z,))

    @staticmethod
    def back(s: CellStep, dH: Any, dC: Any, settings: Settings, made: Mapping[str, Any], U: Any) -> StepBackward:
        """A step back."""
        if made.get("no_slope"):
            dZ = dH * 1
        elif settings["activation"] == "tanh":
            at = s.H0 if made.get("slope_before") else s.parts[0] if made.get("slope_of_sum") else s.H
            dZ = tanh.dZ(at, dH)
        else:
            dZ = relu.dZ(s.H0 if made.get("slope_before") else s.parts[0], dH)
        return StepBackward((dZ,), (dZ,), 0 * s.H0, None)


class Lstm:
    """Two states, c = f c⁰ + i g and h = o tanh(c)."""

    @staticmethod
    def step(x: tuple[Any, ...], u: tuple[Any, ...], H0: Any, C0: Any, settings: Settings, U: Any) -> CellStep:
        """A step forward."""
        I, F, O = (sigmoid.forward(x[k] + u[k]) for k in range(3))
        G = tanh.forward(x[3] + u[3])
        C = F * C0 + I * G
        T = tanh.forward(C)
        return CellStep(x, u, H0, C0, O * T, C, (I, F, O, G, T))

    @staticmethod
    def back(s: CellStep, dH: Any, dC: Any, settings: Settings, made: Mapping[str, Any], U: Any) -> StepBackward:
        """A step back."""
        I, F, O, G, T = s.parts
        through = dH * O if made.get("no_cell_slope") else tanh.dZ(T, dH * O)
        dC = through if made.get("cell_not_carried") else dC + through
        outer = s.C if made.get("cell_after") else s.C0
        gates = (
            slope_of(made, "i", I, dC * G),
            slope_of(made, "f", F, dC * outer),
            slope_of(made, "o", O, dH * T),
            slope_of(made, "g", G, dC * I),
        )
        return StepBackward(gates, gates, 0 * s.H0, dC * 1 if made.get("cell_without_forget") else dC * F)


class Gru:
    """One state, h = k h⁰ + (1 − k) n, where the share k that is kept is z, or 1 − z where z says what is new."""

    @staticmethod
    def step(x: tuple[Any, ...], u: tuple[Any, ...], H0: Any, C0: Any, settings: Settings, U: Any) -> CellStep:
        """A step forward; the reset gate is applied to what the state gives, or to the state (settings["reset"])."""
        R, Z = (sigmoid.forward(x[k] + u[k]) for k in range(2))
        if settings["reset"] == "after":
            G = tanh.forward(x[2] + R * u[2])
        else:
            G = tanh.forward(x[2] + U["n"] @ (R * H0) + U["c"])
        K = Z if settings["kept"] else 1 - Z
        return CellStep(x, u, H0, C0, (1 - K) * G + K * H0, C0, (R, Z, G, K))

    @staticmethod
    def back(s: CellStep, dH: Any, dC: Any, settings: Settings, made: Mapping[str, Any], U: Any) -> StepBackward:
        """A step back."""
        R, Z, G, K = s.parts
        if made.get("update_inverted"):
            K = 1 - K
        da = slope_of(made, "n", G, dH * (1 - K))
        difference = s.H0 - G if bool(settings["kept"]) != bool(made.get("update_sign")) else G - s.H0
        dZ = slope_of(made, "z", Z, dH * (s.H0 if made.get("update_half") else difference))
        kept = 0 * s.H0 if made.get("not_kept") else dH * K
        if settings["reset"] == "after":
            dR = slope_of(made, "r", R, da * s.u[2])
            return StepBackward((dR, dZ, da), (dR, dZ, da * 1 if made.get("no_reset") else da * R), kept, None)
        reset = U["n"].T @ da
        dR = slope_of(made, "r", R, reset * s.H0)
        through = 0 * kept if made.get("not_through") else reset * 1 if made.get("no_reset") else reset * R
        return StepBackward((dR, dZ, da), (dR, dZ, da), kept + through, None)


CELLS: dict[str, Any] = {"rnn": Rnn, "lstm": Lstm, "gru": Gru}


def blocks(A: Any, m: int) -> list[Any]:
    """Rows by gate."""
    return [A[k * m : (k + 1) * m] for k in range(A.shape[0] // m)]


def all_gates(at: Symbols, s: str, gates: tuple[str, ...]) -> Any:
    """The rows of all gates, given as one array or as one a gate."""
    return at[s] if s in at else namespace(at[s + gates[0]]).concat([at[s + gate] for gate in gates], axis=0)


def weights(at: Symbols, settings: Settings) -> tuple[Any, Any, Any, Any]:
    """The weights of input and state, and the biases beside each, the gates one below the other."""
    gates, n = GATES[settings["cell"]], at["X"].shape[1]
    zero = np.zeros((at["H"].shape[0] * len(gates), 1))
    if "V" in at or "V" + gates[0] in at:
        V, m = all_gates(at, "V", gates), at["H"].shape[0]
        if "ones" in settings:
            at, V = biases_among(at, V, settings)
        W, U = (V[:, m:], V[:, :m]) if settings["state_first"] else (V[:, :n], V[:, n:])
    else:
        W, U = all_gates(at, "W", gates), all_gates(at, "U", gates)
    b, c = (all_gates(at, s, gates) if s in at or s + gates[0] in at else zero for s in "bc")
    return W, U, b, c


def biases_among(at: Symbols, V: Any, settings: Settings) -> tuple[Symbols, Any]:
    """The biases that stand among the weights, for an input of ones, and the weights without them."""
    if settings["ones"] == "first":
        return {**at, "b": V[:, :1]}, V[:, 1:]
    return {**at, "b": V[:, -1:]}, V[:, :-1]


def steps(at: Symbols, settings: Settings) -> list[CellStep]:
    """Every step, the first first."""
    cell, m = CELLS[settings["cell"]], at["H"].shape[0]
    W, U, b, c = weights(at, settings)
    own = {"n": U[-m:], "c": c[-m:]}
    found: list[CellStep] = []
    H, C = at["H"], at["C"]
    for t in range(at["X"].shape[0]):
        x, u = blocks(W @ at["X"][t] + b, m), blocks(U @ H + c, m)
        found.append(cell.step(tuple(x), tuple(u), H, C, settings, own))
        H, C = found[-1].H, found[-1].C
    return found


def forward(at: Symbols, settings: Settings) -> Any:
    """The states after every step, or after the last."""
    H = [s.H for s in steps(at, settings)]
    return namespace(H[0]).stack(H if settings["every"] else H[-1:], axis=0)


def gradients(at: Symbols, dY: Any, settings: Settings) -> Symbols:
    """Back through all steps, the last first."""
    return with_mistake(at, dY, settings, {})


def with_mistake(at: Symbols, dY: Any, settings: Settings, made: Mapping[str, Any]) -> Symbols:
    """The gradients with a mistake in some part, which made names."""
    cell, gates, m = CELLS[settings["cell"]], GATES[settings["cell"]], at["H"].shape[0]
    W, U, _, c = weights(at, settings)
    own, every = {"n": U[-m:], "c": c[-m:]}, steps(at, settings)
    xp, T = namespace(dY), len(every)
    dH, dC = 0 * at["H"], 0 * at["C"]
    parts: list[Any] = []
    for t in range(T - 1, -1, -1):
        s = every[t]
        given = dY[t] if settings["every"] else dY[0] if t == T - 1 else 0 * dY[0]
        if made.get("own_forgotten") and t < T - 1:
            given = 0 * given
        sent = cell.back(s, given if made.get("not_carried") else given + dH, dC, settings, made, own)
        dx, du = (xp.concat(list(back), axis=0) for back in (sent.x, sent.u))
        parts.append((*of_weights(at["X"][t], s, dx, du, settings, made), affine.dA(W, dx)))
        dH = sent.H0 + (U @ du if made.get("untransposed") else to_state(U, du, settings))
        if made.get("gates_not_carried"):
            dH = sent.H0
        dC = 0 * at["C"] if sent.C0 is None else sent.C0
    return spread(at, settings, gates, parts[::-1], dH, dC, made)


def to_state(U: Any, du: Any, settings: Settings) -> Any:
    """The gradient of the previous state through the weighted sums, except a candidate's behind a reset gate."""
    if settings.get("reset") == "before":
        m = U.shape[1]
        return U[:-m].T @ du[:-m]
    return affine.dA(U, du)


def of_weights(X: Any, s: CellStep, dx: Any, du: Any, settings: Settings, made: Mapping[str, Any]) -> tuple[Any, ...]:
    """The gradients of the weights and biases of input and state, from one step."""
    H = s.H if made.get("state_now") else s.H0
    dU = affine.dW(H, du)
    if settings.get("reset") == "before":
        m = H.shape[0]
        reset = H if made.get("no_reset_in_weights") else s.parts[0] * H
        dU = namespace(dU).concat([affine.dW(H, du[:-m]), affine.dW(reset, du[-m:])], axis=0)
    return affine.dW(X, dx), dU, affine.db(dx), affine.db(du)


def spread(
    at: Symbols, settings: Settings, gates: tuple[str, ...], parts: list[Any], dH: Any, dC: Any, made: Mapping[str, Any]
) -> Symbols:
    """The sums over time of what the steps give, by symbol."""
    one = made.get("one_step")
    of = parts if one is None else [parts[one]]
    W, U, b, c = (total([part[k] for part in of]) for k in range(4))
    xp = namespace(W)
    found: Symbols = {"X": xp.stack([part[4] for part in parts], axis=0), "H": dH, "C": dC}
    columns = [U, W] if settings.get("state_first") else [W, U]
    if "ones" in settings:
        columns = [b, *columns] if settings["ones"] == "first" else [*columns, b]
    V = xp.concat(columns, axis=1)
    for s, G in {"W": W, "U": U, "V": V, "b": b, "c": c}.items():
        found[s] = G
        found |= {s + gate: part for gate, part in zip(gates, blocks(G, at["H"].shape[0]), strict=True)}
    return found


def total(parts: list[Any]) -> Any:
    """The sum."""
    found = parts[0]
    for part in parts[1:]:
        found = found + part
    return found


def slip(key: str, says: str, *ways: dict[str, Any], cells: str = "rnn lstm gru", only: str = "") -> Slip:
    """A mistake of some cells, with its ways to make it; only are the symbols it affects, if not all."""

    def of(at: Symbols, dY: Any, settings: Settings) -> Iterator[Symbols]:
        for made in ways if settings["cell"] in cells.split() else ():
            if at["X"].shape[0] == 1 and made.keys() & TIMELY:
                yield {}
                continue
            found = with_mistake(at, dY, settings, made)
            yield {s: G for s, G in found.items() if not only or s[0] in only}

    return Slip(key, says, of)


TIMELY = {"not_carried", "own_forgotten", "one_step", "cell_not_carried"}
"""Mistakes that only show with several steps."""

SLIPS = (
    slip(
        "recurrent.not_carried",
        "what comes back from the step after is not added: dh = dY + Wᵀ dz of the next step (backpropagation in time)",
        {"not_carried": True},
    ),
    slip(
        "recurrent.own_forgotten",
        "only the last step's dY goes back: each step's own is to be added to what the step after sends",
        {"own_forgotten": True},
    ),
    slip(
        "recurrent.one_step",
        "the sum over time is missing in the gradients of the parameters: = stands where += belongs",
        {"one_step": 0},
        {"one_step": -1},
        only="WUVbc",
    ),
    slip(
        "recurrent.untransposed",
        "the weights of the state are not transposed on the way back to the state before",
        {"untransposed": True},
        cells="rnn",
    ),
    slip("recurrent.slope_missing", "the slope 1 − h² is missing", {"no_slope": "h"}, cells="rnn"),
    slip(
        "recurrent.slope_elsewhere",
        "the slope is taken at another place than the state after the step: at the one before, or at the weighted sum",
        {"slope_before": True},
        {"slope_of_sum": True},
        cells="rnn",
    ),
    slip(
        "recurrent.state_now",
        "the gradient of the state's weights takes the state after the step; the one before it belongs there",
        {"state_now": True},
        only="UV",
    ),
    slip(
        "recurrent.cell_not_carried",
        "the gradient of the cell is not carried from step to step: dc = dc f of the step after is to be added",
        {"cell_not_carried": True},
        cells="lstm",
    ),
    slip("recurrent.cell_slope", "the slope of tanh(c) is missing", {"no_cell_slope": True}, cells="lstm"),
    slip(
        "recurrent.cell_after",
        "the forget gate's gradient has the cell after the step where the cell before it belongs",
        {"cell_after": True},
        cells="lstm",
    ),
    slip(
        "recurrent.forget_not_carried",
        "the cell before gets dc without the forget gate, dc f",
        {"cell_without_forget": True},
        cells="lstm",
    ),
    *(
        slip(f"recurrent.slope_{gate}", f"the slope of the {name} is missing", {"no_slope": gate}, cells=cell)
        for cell, gate, name in (
            ("lstm", "i", "input gate, i (1 − i),"),
            ("lstm", "f", "forget gate, f (1 − f),"),
            ("lstm", "o", "output gate, o (1 − o),"),
            ("lstm", "g", "candidate, 1 − g²,"),
            ("gru", "r", "reset gate, r (1 − r),"),
            ("gru", "z", "update gate, z (1 − z),"),
            ("gru", "n", "candidate, 1 − n²,"),
        )
    ),
    slip(
        "recurrent.slopes",
        "the slopes of the gates are missing",
        {"no_slope": "ifo"},
        {"no_slope": "ifog"},
        cells="lstm",
    ),
    slip(
        "recurrent.slopes", "the slopes of the gates are missing", {"no_slope": "rz"}, {"no_slope": "rzn"}, cells="gru"
    ),
    slip(
        "recurrent.slope_half",
        "the slope of a gate has one of its two factors alone: it is σ (1 − σ)",
        *({half: gate} for gate in ("i", "f", "o", "ifo", "r", "z", "rz") for half in ("half_slope", "other_half")),
        cells="lstm gru",
    ),
    slip(
        "recurrent.slope_of_other",
        "a gate has the slope of the other activation: sigmoid for gates, tanh for the candidate",
        *({"other_slope": gate} for gate in ("i", "f", "o", "g", "ifo", "r", "z", "n", "rz")),
        cells="lstm gru",
    ),
    slip(
        "recurrent.reset_missing",
        "the reset gate is missing on the way back to the state, or in the gradient of its weights",
        {"no_reset": True},
        {"no_reset": True, "no_reset_in_weights": True},
        {"no_reset_in_weights": True},
        cells="gru",
    ),
    slip(
        "recurrent.update_inverted",
        "the update gate is the wrong way round: z stands where 1 − z belongs",
        {"update_inverted": True},
        cells="gru",
    ),
    slip(
        "recurrent.update_sign",
        "the gradient of the update gate has the wrong sign: candidate and state before are swapped in it",
        {"update_sign": True},
        cells="gru",
    ),
    slip(
        "recurrent.update_half",
        "the gradient of the update gate has the state before alone; the candidate is to be subtracted",
        {"update_half": True},
        cells="gru",
    ),
    slip(
        "recurrent.kept_missing",
        "what the update gate keeps of the state is missing on the way back to the state before",
        {"not_kept": True},
        cells="gru",
    ),
    slip(
        "recurrent.gates_not_carried",
        "what goes back to the state before through the weighted sums is missing",
        {"gates_not_carried": True},
        {"not_through": True},
    ),
)
