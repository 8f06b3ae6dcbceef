"""What the checks know of a layer as people write it: its arguments, its formulas, the mistakes people make."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from nnref.arrays import namespace
from nnref.shapes import Array

YOURS = "yours"
"""Where a slip finds the gradients that were returned, by symbol."""

Symbols = dict[str, Any]
"""Arrays by the symbols of nnref's formulas, X, gamma, …: plain, or running numbers that carry their errors."""


@dataclass(frozen=True)
class Layout:
    """How one array of theirs lies beside nnref's: reshaped to split, its axes taken in order, reshaped to shape.

    flipped are axes of shape that run backwards; picked is an axis of shape and the order of its entries; nnref's array
    is scale times theirs, so that a gradient goes back with the same factor.
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
        """Their array as nnref's."""
        xp = namespace(A)
        A = xp.reshape(xp.permute_dims(xp.reshape(A, self.split), self.order), self.shape)
        if self.picked:
            A = xp.take(A, np.asarray(self.picked[1]), axis=self.picked[0])
        A = xp.flip(A, axis=self.flipped) if self.flipped else A
        return A if self.scale == 1 else A * self.scale

    def give(self, G: Any) -> Any:
        """A gradient of nnref's as theirs: the transpose of take. An output of a scale of 1 goes the same way."""
        xp = namespace(G)
        G = xp.flip(G, axis=self.flipped) if self.flipped else G
        if self.picked:
            G = xp.take(G, np.argsort(self.picked[1]), axis=self.picked[0])
        G = xp.reshape(G, tuple(self.split[k] for k in self.order))
        G = xp.reshape(xp.permute_dims(G, tuple(int(k) for k in np.argsort(self.order))), self.theirs)
        return G if self.scale == 1 else G * self.scale


@dataclass(frozen=True)
class Slip:
    """A mistake in a backward pass: its key, the sentence that names it, and the gradients that it makes.

    of(at, dY, settings) gives the wrong ones by symbol; the others are right. It may yield several ways to make it.
    claim is the formula that was missed, such as "layer_norm.dX".
    """

    key: str
    says: str
    of: Callable[[Symbols, Any, Mapping[str, Any]], Iterator[Symbols]]


@dataclass(frozen=True)
class Reading:
    """One way to read somebody's function as a layer: which argument is which symbol, and how each of them lies.

    given are symbols that are no argument, such as a gain of ones where there is none; settings are numbers such as ε.
    name is the layer's, says what it is in words.
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
class Known:
    """What the checks know of a layer as people write it.

    readings(tried) -> every way in which a function may be this layer, the likeliest first; forward(at, settings) -> Y
    and gradients(at, dY, settings) -> the gradient of every symbol, by nnref's proved formulas; slips are its mistakes.
    """

    name: str
    readings: Callable[[Tried], Iterator[Reading]]
    forward: Callable[[Symbols, Mapping[str, Any]], Any]
    gradients: Callable[[Symbols, Any, Mapping[str, Any]], Symbols]
    slips: tuple[Slip, ...]

    def output(self, reading: Reading, arguments: Mapping[str, Any]) -> Any:
        """What the layer gives for their arguments, in their shape."""
        return reading.output.give(self.forward(reading.symbols(arguments), reading.settings))

    def slopes(self, reading: Reading, arguments: Mapping[str, Any], dY: Any) -> dict[str, Any]:
        """The closed form of every gradient, by their names and in their shapes."""
        at = reading.symbols(arguments)
        return given_back(reading, self.gradients(at, reading.output.take(dY), reading.settings))

    def mistaken(
        self, slip: Slip, reading: Reading, arguments: Mapping[str, Any], dY: Any, yours: Mapping[str, Array]
    ) -> Iterator[dict[str, Any]]:
        """What the mistake makes of each gradient it touches, by their names: one dictionary for each way to make it.

        yours are the gradients as they came, for a mistake that draws something of its own: they are at[YOURS].
        """
        at = reading.symbols(arguments)
        at[YOURS] = {
            s: reading.layouts[s].take(yours[name])
            for name, s in reading.roles.items()
            if fits(reading, s, yours.get(name))
        }
        for made in slip.of(at, reading.output.take(dY), reading.settings):
            yield given_back(reading, made)


def fits(reading: Reading, s: str, G: Any) -> bool:
    """Has a gradient the shape of its argument?"""
    return G is not None and tuple(G.shape) == reading.layouts[s].theirs


def given_back(reading: Reading, made: Symbols) -> dict[str, Any]:
    """Gradients by their names, in their shapes; of symbols that are no argument there is none."""
    return {name: reading.layouts[s].give(made[s]) for name, s in reading.roles.items() if s in made}


def square(A: Any) -> Any:
    """A matrix whose transpose fits in its place, so that one may be taken for the other.

    Errors: ValueError if it is not square.
    """
    if A.shape[0] != A.shape[1]:
        raise ValueError("not square")
    return A


def sum_along(A: Any, axis: int | tuple[int, ...]) -> Any:
    """The sum along axes, which stay."""
    return namespace(A).sum(A, axis=axis, keepdims=True)
