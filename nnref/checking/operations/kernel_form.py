"""A closed form that a kernel may compute: its proven gradients, its rounding, and the mistakes made with it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from nnref.shapes import Array

Values = Mapping[str, Any]
"""The arguments of a form by their role, such as X and gamma, float64 on the kernel's device."""

Settings = Mapping[str, Any]
"""The settings that are no arrays: ε, the stride, whether a mask is causal."""


@dataclass(frozen=True)
class Change:
    """A change to a formula: the key of a mistake, and for each sum a mask of the terms that are kept."""

    which: str = ""
    keep: Mapping[str, Any] = field(default_factory=dict)

    def kept(self, name: str) -> Any:
        """The terms of the sum that are kept: all, unless said."""
        return self.keep.get(name, 1.0)


RIGHT = Change()
"""No mistake."""


@dataclass(frozen=True)
class KernelMistake:
    """A common mistake: its key in the form's formula, the sentence that describes it, and the gradient it affects.

    of is empty where it affects several.
    """

    key: str
    says: str
    of: tuple[str, ...] = ()


@dataclass(frozen=True)
class Summed:
    """A sum from which a kernel may omit terms: its key, the name of a term, the gradient it is in, and its axis.

    axis is that of the argument `over`, whose length is the number of terms.
    """

    key: str
    called: str
    of: tuple[str, ...]
    over: str
    axis: int
    within: str = ""


@dataclass(frozen=True)
class ClosedForm:
    """One closed form.

    roles are its arguments in the order people give them, of which the last `optional` may be missing; those in
    `whole` are integers and have no gradient, and an array more may play the role `mask`. settings(shapes, output,
    numbers) are what its numbers may be, for these shapes and the plain numbers that came along. forward and gradients
    take an arithmetic, so that one formula gives the value and its bounds; truth is by nnref's proven functions, on
    plain float64.
    """

    name: str
    roles: tuple[str, ...]
    settings: Callable[[Mapping[str, tuple[int, ...]], tuple[int, ...], list[Any]], Iterator[dict[str, Any]]]
    forward: Callable[[Any, Values, Settings], Any]
    gradients: Callable[[Any, Values, Array, Settings, Change], dict[str, Any]]
    truth: Callable[[Values, Array, Settings], dict[str, Array]]
    mistakes: tuple[KernelMistake, ...] = ()
    sums: tuple[Summed, ...] = ()
    optional: int = 0
    whole: tuple[str, ...] = ()
    mask: str = ""
    axes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    words: str = ""

    @property
    def called(self) -> str:
        """Its name in a sentence: layer norm."""
        return self.words or self.name.replace("_", " ")


def once(
    shapes: Mapping[str, tuple[int, ...]], output: tuple[int, ...], numbers: list[Any]
) -> Iterator[dict[str, Any]]:
    """The settings of a form that has none, where the output is shaped as the first argument."""
    if next(iter(shapes.values())) == output:
        yield {}
