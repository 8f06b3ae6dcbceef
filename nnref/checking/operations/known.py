"""What the checks know of a layer as people write it: its arguments, formulas and common mistakes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from nnref.arrays import namespace
from nnref.shapes import Array

YOURS = "yours"
"""Key under which a slip finds the returned gradients, by symbol."""

Symbols = dict[str, Any]
"""Arrays by the symbols of nnref's formulas, X, gamma, …: plain, or running numbers that carry their errors."""


@dataclass(frozen=True)
class Layout:
    """How a user's array becomes nnref's: reshaped to split, its axes permuted to order, reshaped to shape.

    flipped are axes of shape to reverse; picked is an axis of shape and the order of its entries. nnref's array is
    scale times theirs, and so is a gradient on its way back.
    """

    theirs: tuple[int, ...]
    split: tuple[int, ...]
    order: tuple[int, ...]
    shape: tuple[int, ...]
    flipped: tuple[int, ...] = ()
    picked: tuple[int, tuple[int, ...]] | None = None
    scale: float = 1.0

    @classmethod
    def of(cls, theirs: tuple[int, ...], order: tuple[int, ...], shape: tuple[int, ...], **more: Any) -> Layout:
        """Axes of theirs in another order, then reshaped."""
        return cls(theirs, theirs, order, shape, **more)

    @classmethod
    def reshaped(cls, theirs: tuple[int, ...], shape: tuple[int, ...], **more: Any) -> Layout:
        """The same order of entries in another shape."""
        return cls(theirs, theirs, tuple(range(len(theirs))), shape, **more)

    def take(self, A: Any) -> Any:
        """A user's array in nnref's layout."""
        xp = namespace(A)
        A = xp.reshape(xp.permute_dims(xp.reshape(A, self.split), self.order), self.shape)
        if self.picked:
            A = xp.take(A, np.asarray(self.picked[1]), axis=self.picked[0])
        A = xp.flip(A, axis=self.flipped) if self.flipped else A
        return A if self.scale == 1 else A * self.scale

    def give(self, G: Any) -> Any:
        """A gradient in the user's layout: the transpose of take. An output too, if scale is 1."""
        xp = namespace(G)
        G = xp.flip(G, axis=self.flipped) if self.flipped else G
        if self.picked:
            G = xp.take(G, np.argsort(self.picked[1]), axis=self.picked[0])
        G = xp.reshape(G, tuple(self.split[k] for k in self.order))
        G = xp.reshape(xp.permute_dims(G, tuple(int(k) for k in np.argsort(self.order))), self.theirs)
        return G if self.scale == 1 else G * self.scale


@dataclass(frozen=True)
class Slip:
    """A mistake in a backward pass: its key, the sentence that describes it, and its wrong gradients.

    of(at, dY, settings) gives the wrong ones by symbol; the others are right. It may yield several ways to make it.
    claim is the formula that was missed, such as "layer_norm.dX".
    """

    key: str
    says: str
    of: Callable[[Symbols, Any, Mapping[str, Any]], Iterator[Symbols]]


@dataclass(frozen=True)
class LayerReading:
    """One way to read a function as a layer: the symbol and the layout of each argument.

    given are symbols without an argument, such as a gain of ones; settings are numbers such as ε. name is the layer's
    name, says describes it in words.
    """

    name: str
    says: str
    roles: Mapping[str, str]
    layouts: Mapping[str, Layout]
    output: Layout
    given: Symbols = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)

    def symbols(self, arguments: Mapping[str, Any]) -> Symbols:
        """Their arguments as the formulas' symbols."""
        return {s: self.layouts[s].take(arguments[name]) for name, s in self.roles.items()} | self.given


@dataclass(frozen=True)
class Tried:
    """A function under recognition: its arguments, the output there, and the function itself."""

    arguments: Mapping[str, Any]
    Y: Array
    call: Callable[[Mapping[str, Any]], Array]

    @property
    def floats(self) -> dict[str, Array]:
        """The arguments that are floating-point arrays, with at least one axis."""
        return {
            name: A
            for name, A in self.arguments.items()
            if isinstance(A, np.ndarray) and A.ndim and A.dtype.kind == "f"
        }


@dataclass(frozen=True)
class KnownLayer:
    """What the checks know of a layer as people write it.

    readings(tried) -> every way in which a function may be this layer, the likeliest first; forward(at, settings) -> Y
    and gradients(at, dY, settings) -> the gradient of every symbol, by nnref's proved formulas; slips are its mistakes.
    """

    name: str
    readings: Callable[[Tried], Iterator[LayerReading]]
    forward: Callable[[Symbols, Mapping[str, Any]], Any]
    gradients: Callable[[Symbols, Any, Mapping[str, Any]], Symbols]
    slips: tuple[Slip, ...]

    def output(self, reading: LayerReading, arguments: Mapping[str, Any]) -> Any:
        """What the layer gives for their arguments, in their shape."""
        return reading.output.give(self.forward(reading.symbols(arguments), reading.settings))

    def slopes(self, reading: LayerReading, arguments: Mapping[str, Any], dY: Any) -> dict[str, Any]:
        """The closed form of every gradient, by their names and in their shapes."""
        at = reading.symbols(arguments)
        return given_back(reading, self.gradients(at, reading.output.take(dY), reading.settings))

    def mistaken(
        self, slip: Slip, reading: LayerReading, arguments: Mapping[str, Any], dY: Any, yours: Mapping[str, Array]
    ) -> Iterator[dict[str, Any]]:
        """The gradients that a mistake changes, by the user's names: one dictionary for each way to make it.

        yours are the returned gradients, as at[YOURS], for a mistake that involves random numbers.
        """
        at = reading.symbols(arguments)
        at[YOURS] = {
            s: reading.layouts[s].take(yours[name])
            for name, s in reading.roles.items()
            if fits(reading, s, yours.get(name))
        }
        for made in slip.of(at, reading.output.take(dY), reading.settings):
            yield given_back(reading, made)


def fits(reading: LayerReading, s: str, G: Any) -> bool:
    """Has a gradient the shape of its argument?"""
    return G is not None and tuple(G.shape) == reading.layouts[s].theirs


def given_back(reading: LayerReading, made: Symbols) -> dict[str, Any]:
    """Gradients by the user's names and in the user's shapes; symbols without an argument have none."""
    return {name: reading.layouts[s].give(made[s]) for name, s in reading.roles.items() if s in made}


def square(A: Any) -> Any:
    """A matrix that could be mistaken for its transpose, as it is square.

    Errors: ValueError if it is not square.
    """
    if A.shape[0] != A.shape[1]:
        raise ValueError("not square")
    return A


def sum_along(A: Any, axis: int | tuple[int, ...]) -> Any:
    """The sum along axes, which are kept."""
    return namespace(A).sum(A, axis=axis, keepdims=True)
