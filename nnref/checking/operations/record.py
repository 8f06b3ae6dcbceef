"""A record: all that the checks know of one operation. Asking for a part that is missing raises, and names it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from pkgutil import iter_modules
from typing import Any

from nnref.checking.operations.rounding import Precision
from nnref.checking.operations.running_error import WithError
from nnref.shapes import Array

Ball = Any
"""A flint.arb: a midpoint and a radius. flint has no types of its own."""

Matrix = Any
"""A flint.arb_mat."""

Rows = dict[int, list[Ball]]
"""For each unit that depends on t, by its number: the coefficients of t in several power series."""


class Unknown(LookupError):
    """An operation has no record, or its record lacks a part. The message says which."""


class Undecided(ArithmeticError):
    """Undecided at every precision tried: the side of a kink on which a unit lies, or the nearest float64."""


@dataclass(frozen=True)
class Errors:
    """The running errors of an operation Z = f(θ, A), in units of u (Higham 2002, §3.3).

    forward(θ, A, E_A, Z, precision) -> E_Z; backward(θ, A, E_A, Z, E_Z, dZ, E_dZ, precision) -> (S of dθ, dA, E_dA).
    slope, of an entrywise operation A = f(Z) only: slope(Z, A, precision) -> f'(Z) as it is computed, with its error;
    it need be neither a function of A nor positive.
    """

    forward: Callable[[Any, Array, Array, Array, Precision], Array]
    backward: Callable[[Any, Array, Array, Array, Array, Array, Array, Precision], tuple[Any, Array, Array]]
    slope: Callable[[WithError, WithError, Precision], WithError] | None = None


@dataclass(frozen=True)
class Enclosures:
    """An operation Z = f(θ, A) in balls, by its derivation's formulas.

    forward(θ, A, where) -> Z, where `where` is how an error names the layer; gradients(A, dZ) -> dθ by field;
    dA(θ, A, Z, dZ) -> dA.
    """

    forward: Callable[[Any, Matrix, str], Matrix]
    gradients: Callable[[Matrix, Matrix], dict[str, Matrix]]
    dA: Callable[[Any, Matrix, Matrix, Matrix], Matrix]


@dataclass(frozen=True)
class Kink:
    """A point without a derivative, and by how much the slope jumps there."""

    at: float
    jump: float


@dataclass(frozen=True)
class Writing:
    """How people write an operation in numpy: its name in a sentence, its forward line, its backward lines.

    Lines are templates in the layer's number: Z{l}, A{j} of the layer before, W{k} of the one after. words are
    patterns of its names, in lower case; beside names the operations that a program with this one also contains.
    """

    called: str
    forward: str
    gradients: Mapping[str, str]
    words: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()


@dataclass(frozen=True)
class Formula:
    """A formula as people write it, and its value for the weighted sums Z and the activations A of a layer."""

    text: str
    of: Callable[[WithError, WithError], WithError]


@dataclass(frozen=True)
class Wrong:
    """One way to write a wrong dZ: of(Z, dA, s) is its value, with s an unknown number in it, if there is one."""

    of: Callable[[WithError, WithError, float], WithError]
    detail: str = ""
    between: tuple[float, float] | None = None


@dataclass(frozen=True)
class OwnMistake:
    """A mistake made only with this operation's slope: its key, what is done, the wrong line, the ways to make it."""

    key: str
    says: str
    line: str
    ways: tuple[Wrong, ...]


@dataclass(frozen=True)
class Slopes:
    """How the slope of an entrywise operation is written, right and wrong.

    taken are formulas that are a mistake in a network of another activation, such as the right ones; misplaced ones are
    the right formula of the wrong argument; miswritten ones are slips in it. own are mistakes with a sentence of their
    own. mask is the slope as a factor of any array, where it is a mask; twice: applied twice it is another number.
    """

    taken: tuple[Formula, ...] = ()
    misplaced: tuple[Formula, ...] = ()
    miswritten: tuple[Formula, ...] = ()
    own: tuple[OwnMistake, ...] = ()
    mask: Callable[[Array], Array] | None = None
    twice: bool = True

    @property
    def texts(self) -> set[str]:
        """Every formula known of this operation: in its networks, none counts as another operation's."""
        return {formula.text for formula in (*self.taken, *self.misplaced, *self.miswritten)}


@dataclass(frozen=True)
class LossRecord:
    """What the checks know of a loss of the logits Z and the labels Y.

    error(Z, E_Z, Y, precision) -> (dZ, E_dZ); enclosed(Z, Y) -> (loss, dZ) in balls; series(z, t, y) -> the loss of one
    example, of logits z + t, as a power series.
    """

    name: str
    error: Callable[[Array, Array, Array, Precision], tuple[Array, Array]]
    enclosed: Callable[[Matrix, list[list[float]]], tuple[Ball, Matrix]]
    series: Callable[[list[Ball], list[Ball], list[float]], Any]
    writing: Writing


@dataclass(frozen=True)
class Record:
    """What the checks know of one operation, by the name of its layer and of its module in nnref.

    series pushes power series mod t² through it: series(W or None, z, rows) -> rows, for the balls z of its input.
    kinks are () where it has a derivative everywhere, None where nobody has said. choices are the values that people
    give its parameter, the commonest first, if it has one.
    """

    name: str
    errors: Errors | None = None
    enclosures: Enclosures | None = None
    series: Callable[[Matrix | None, Callable[[int], Ball], Rows], Rows] | None = None
    kinks: tuple[Kink, ...] | None = None
    writing: Writing | None = None
    slopes: Slopes = field(default_factory=Slopes)
    choices: tuple[float, ...] = ()


def names() -> list[str]:
    """The operations that have a record, in alphabetical order."""
    found = {name: import_module(f"{__package__}.{name}") for name in that_may_have_a_record()}
    return sorted(name for name, module in found.items() if isinstance(getattr(module, "RECORD", None), Record))


@cache
def that_may_have_a_record() -> tuple[str, ...]:
    """The modules here whose source defines RECORD, or whose source is not at hand: only these are imported."""
    here = Path(__file__).parent
    sources = {module.name: here / f"{module.name}.py" for module in iter_modules([str(here)])}
    return tuple(name for name, path in sources.items() if not path.is_file() or b"\nRECORD" in path.read_bytes())


def activations() -> list[str]:
    """The activations that have a record, those with a kink first: a smooth one may give the same numbers.

    One whose parameter people choose is here once for each choice: "leaky_relu 0.01", "leaky_relu 0.1", … come last.
    """
    found = [record(name) for name in names() if record(name).errors and record(name).errors.slope]  # type: ignore[union-attr]
    plain = [r.name for r in found if not r.choices]
    chosen = [f"{r.name} {choice}" for r in found for choice in r.choices]
    return [*sorted(plain, key=lambda name: not kinks(name)), *chosen]


def record(name: str) -> Record:
    """The record of the operation of that name; numbers after it choose its parameters, as in "leaky_relu 0.1".

    Errors: Unknown, which names the file that is not there.
    """
    stem, *values = name.split() or [""]
    module = f"{__package__}.{stem}"
    known = module in sys.modules or (stem.isidentifier() and find_spec(module))  # searching for a file is slow
    defined = import_module(module) if known else None
    if not isinstance(getattr(defined, "RECORD", None), Record) or (values and not hasattr(defined, "with_parameters")):
        raise Unknown(f"nothing is known of the operation {name!r}: it has no record, {module.replace('.', '/')}.py.")
    found: Record = defined.with_parameters(*map(float, values)) if values else defined.RECORD  # type: ignore[union-attr]
    return found


def part(name: str, which: str) -> Any:
    """One part of an operation's record, such as "series".

    Errors: Unknown, which says which operation lacks what.
    """
    found = getattr(record(name), which)
    if found is None:
        raise Unknown(
            f"the record of {name!r} has no {which}: {__package__.replace('.', '/')}/{name}.py should give it."
        )
    return found


def errors(name: str) -> Errors:
    """How an operation rounds. Errors: Unknown."""
    found: Errors = part(name, "errors")
    return found


def slope(name: str, Z: WithError, A: WithError, precision: Precision) -> WithError:
    """The slope of an entrywise operation as it is computed, with its error. Errors: Unknown."""
    found = errors(name).slope
    if found is None:
        raise Unknown(f"the record of {name!r} has no slope: it is not entrywise.")
    return found(Z, A, precision)


def enclosures_of(name: str) -> Enclosures:
    """An operation in balls. Errors: Unknown."""
    found: Enclosures = part(name, "enclosures")
    return found


def kinks(name: str) -> tuple[Kink, ...]:
    """The points where an operation has no derivative. Errors: Unknown."""
    found: tuple[Kink, ...] = part(name, "kinks")
    return found


def writing(name: str) -> Writing:
    """How people write an operation. Errors: Unknown."""
    found: Writing = part(name, "writing")
    return found
