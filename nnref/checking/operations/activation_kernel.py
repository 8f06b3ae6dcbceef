"""The closed form of an activation as a kernel: all of it is in the activation's record."""

from __future__ import annotations

from typing import Any

from nnref.checking.operations.kernel_arithmetic import rows_of_last_axis
from nnref.checking.operations.kernel_form import Change, ClosedForm, KernelMistake, Settings, Values, once
from nnref.checking.operations.record import Formula, OwnMistake, activations, errors, record
from nnref.layer import ACTIVATIONS_BY_ARGUMENT, activation
from nnref.shapes import Array

OF = "the slope of "
"""Prefix of the key of a mistake that uses another activation's slope."""


def form(name: str) -> ClosedForm:
    """The form of the activation of that name.

    A slope that is written in A is taken from A as it is stored, and its parts may be stored too.
    """
    layer, known = activation(name), record(name)
    formulas = {formula.text: formula for formula in (*known.slopes.misplaced, *known.slopes.miswritten)}
    own = {mistake.key: mistake for mistake in known.slopes.own if mistake.ways[0].between is None}
    others = [other for other in activations() if " " not in other and other != name]

    def forward(ar: Any, values: Values, settings: Settings) -> Any:
        Z = ar.given(rows_of_last_axis(values["z"]))
        return ar.store(ar.function(Z, lambda Z: layer.forward((), Z), abs, lambda Z: 1 + abs(Z)))

    def gradients(ar: Any, values: Values, dY: Array, settings: Settings, change: Change) -> dict[str, Any]:
        Z, A, which = ar.given(rows_of_last_axis(values["z"])), forward(ar, values, settings), change.which
        if which in own:
            return {
                "z": ar.formula(lambda Z, dA, p: own[which].ways[0].of(Z, dA, 0.0), Z, ar.given(rows_of_last_axis(dY)))
            }
        if which in formulas:
            made = ar.formula(lambda Z, A, p: formulas[which].of(Z, A), Z, A)
        else:
            taken = which.removeprefix(OF) or name
            made = ar.formula(errors(taken).slope, Z, A, stored=ACTIVATIONS_BY_ARGUMENT[taken.split()[0]] == "A")
        return {"z": ar.store(made) * rows_of_last_axis(dY)}

    def truth(values: Values, dY: Array, settings: Settings) -> dict[str, Array]:
        Z = rows_of_last_axis(values["z"])
        return {"z": layer.dA((), Z, layer.forward((), Z), rows_of_last_axis(dY))}

    mistakes = [
        *(KernelMistake(key, written(formula, known.slopes.taken)) for key, formula in formulas.items()),
        *(KernelMistake(key, sentence(mistake)) for key, mistake in own.items()),
        *(KernelMistake(OF + other, f"{OF}{other}; the forward pass is {name}") for other in others),
    ]
    return ClosedForm(name, ("z",), once, forward, gradients, truth, tuple(mistakes), axes={"z": ("rows", "columns")})


def written(formula: Formula, right: tuple[Formula, ...]) -> str:
    """A wrong formula in words, and the right one where the record has it."""
    return f"the slope is {formula.text}" + (f"; it should be {right[0].text}" if right else "")


def sentence(mistake: OwnMistake) -> str:
    """A mistake's sentence, to stand within another."""
    return mistake.says[0].lower() + mistake.says[1:].rstrip(".")
