"""Records with a part that is wrong, and the wrong slopes that the right ones know."""

from dataclasses import replace
from importlib import import_module

from nnref.checking.operations.record import record
from nnref.checking.operations.running_error import WithError
from nnref.layer import activation_layer


def planted(monkeypatch, right, **parts):
    """The record with these parts instead of its own, while the test runs."""
    module = import_module(f"nnref.checking.operations.{right.name}")
    monkeypatch.setattr(module, "RECORD", replace(right, **parts))


def wrong_slopes(activation):
    """The formulas that the record of an activation knows to be wrong in its own network."""
    slopes = record(activation).slopes
    return [*slopes.misplaced, *slopes.miswritten]


def with_slope(layers, formula):
    """The layers with a formula for the slope of every activation."""

    def wrong(Z, A, dA):
        return formula.of(WithError.exact(Z, 0.0), WithError.exact(A, 0.0)).value * dA

    return [
        made if made.name == "affine" else activation_layer(made.name, lambda Z, f=made.forward: f((), Z), wrong)
        for made in layers
    ]
