"""Shapes for a layer by the names of its arguments: dense, convolution, normalisation, recurrence; rows and columns."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from nnref.checking.reading.names import WIDTHS, plain_name
from nnref.shapes import Array

EXAMPLES = 4
"""Batch size for a layer: equal to no width."""

Sizes = dict[str, tuple[int, ...]]

CHOICES: tuple[Sizes, ...] = (
    {"x": (4, 6), "w": (6, 5), "b": (5,), "h": (4, 5), "u": (5, 5), "gamma": (6,)},
    {"x": (4, 6), "w": (6, 5), "b": (1, 5), "h": (4, 5), "u": (5, 5), "gamma": (1, 6)},
    {"x": (6, 4), "w": (5, 6), "b": (5, 1), "h": (5, 4), "u": (5, 5), "gamma": (6, 1)},
    {"x": (4, 6), "w": (5, 6), "b": (5,), "h": (4, 5), "u": (5, 5), "gamma": (6,)},
    {"x": (4, 3, 6, 6), "w": (5, 3, 3, 3), "b": (5,), "gamma": (3,)},
    {"x": (4, 3, 5, 5), "w": (5, 3, 3, 3), "b": (5,), "gamma": (1, 3, 1, 1)},
    {"x": (4, 3, 6, 6), "w": (5, 3, 3, 3), "b": (5, 1), "gamma": (3, 1, 1)},
    {"x": (4, 6, 6, 3), "w": (3, 3, 3, 5), "b": (1, 1, 1, 5), "gamma": (3,)},
    {"x": (6, 6), "w": (3, 3), "b": (1,), "gamma": (6,)},
    {"x": (4, 3, 6), "w": (6, 5), "b": (5,), "h": (4, 5), "u": (5, 5), "gamma": (6,)},
    {"x": (4, 6), "w": (6, 20), "b": (20,), "h": (4, 5), "u": (5, 20), "gamma": (6,)},
    {"x": (4, 3, 6), "w": (6, 20), "b": (20,), "h": (4, 5), "u": (5, 20), "gamma": (6,)},
    {"x": (4, 6), "w": (6, 15), "b": (15,), "h": (4, 5), "u": (5, 15), "gamma": (6,)},
    {"x": (4, 3, 6), "w": (6, 15), "b": (15,), "h": (4, 5), "u": (5, 15), "gamma": (6,)},
    {"x": (6,), "w": (6, 5), "b": (5,), "gamma": (6,)},
    {"x": (1, 6), "w": (6, 5), "b": (1, 5), "gamma": (1, 6)},
    {"x": (6, 1), "w": (5, 6), "b": (5, 1), "gamma": (6, 1)},
    {"x": (3, 6, 6), "w": (5, 3, 3, 3), "b": (5,), "gamma": (3,)},
    {"x": (4, 4, 3, 3), "w": (4, 3, 3, 3), "b": (3,)},
    {"x": (4, 3, 6, 6), "w": (3, 1, 3, 3), "b": (3,)},
    {"x": (4, 3, 6, 6), "w": (3, 3, 3), "b": (3,)},
    {"words": (4, 3), "w": (6, 5)},
    {"words": (7,), "w": (6, 5)},
)
"""Shapes that fit together; h is a state, u its weight matrix, gamma a scale or shift, words are word indices."""

WORDS = 5
"""Word indices are below this number: some occur several times, and an embedding table has more rows."""

KINDS = (
    ("gamma", r"^(gamma|beta|scale|shift)\d*$"),
    ("u", r"^(wh|whh|waa|u|uh|wrec|recurrentweights?|wa)$"),
    ("h", r"^(prevh|hprev|h0|prevc|cprev|c0|aprev0|h|hidden|state|prevstate|a0|hprevious)$"),
    ("w", r"^(w\d?|ws|weights?|wx|wxh|wax|kernels?|filters?|theta|k|wt)$"),
    ("b", r"^(b\d?|bias|biases)$"),
    ("words", r"^(ix|idx|ids?|indices|index|tokens?|words?|wordids|tokenids|inputids)$"),
    ("x", r"^(x\d?|xt|xs|a|aprev|aprevious|z|inputs?|inp|data|images?|activations?|logits|scores|v|prev|t|in)$"),
)  # fmt: skip
"""The kinds of a layer's arguments, by patterns of their names without underscores."""

SETTINGS: dict[str, Any] = {
    "stride": 1, "strides": 1, "pad": 1, "padding": 1, "f": 2, "poolheight": 2, "poolwidth": 2, "poolsize": 2,
    "poolh": 2, "poolw": 2, "kernelsize": 3, "size": 2, "mode": "train", "p": 0.5, "seed": 0, "eps": 1e-5,
    "epsilon": 1e-5, "momentum": 0.9, "axis": -1, "alpha": 0.1, "train": True, "training": True, "g": 3,
    "filtersize": 3, "numfilters": 5, "nfilters": 5, "outchannels": 5, "inchannels": 3, "channels": 3, "depth": 5,
    "activation": "relu", "inputshape": (3, 6, 6), "inputdepth": 3, "isgpu": False, "keepprob": 1.0, "rate": 0.0,
    "p_drop": 0.0, "dropout": 0.0, "negativeslope": 0.1, "slope": 0.1, "dim": 6, "numfeatures": 6, "nfeatures": 6,
    "inch": 3, "outch": 5, "inc": 3, "outc": 5, "cin": 3, "cout": 5, "inplanes": 3, "outplanes": 5, "k": 3,
}  # fmt: skip
"""Values of settings, by their names without underscores."""


@dataclass(frozen=True)
class Shapes:
    """Arrays and settings for a layer of this name."""

    name: str = ""

    def drawn(self, shape: tuple[int, ...], seed: int) -> Array:
        """A random array, dense and of both signs, no two entries equal, so that no maximum is tied."""
        return np.random.RandomState(seed).randn(*shape)

    def words(self, shape: tuple[int, ...], seed: int) -> Array:
        """Word indices, some of them repeated."""
        return np.random.RandomState(seed).randint(0, WORDS, shape)

    def input(self, sizes: Sizes, seed: int) -> Array:
        """An input: random numbers, or word indices."""
        return self.drawn(sizes["x"], seed) if "x" in sizes else self.words(sizes["words"], seed)

    def settings(self) -> dict[str, Any]:
        """A dictionary of settings under the names that convolutions, pools and normalisations ask for."""
        pool = {"stride": 2, "pad": 0} if "pool" in self.name.lower() else {"stride": 1, "pad": 1}
        return {
            "pool_height": 2, "pool_width": 2, "pool_size": 2, "f": 2, "kernel_size": 2, "mode": "train", "p": 0.5,
            "seed": 0, "eps": 1e-5, "momentum": 0.9, **pool,
        }  # fmt: skip

    def of_object(self, made: Mapping[str, inspect.Parameter]) -> Iterator[tuple[dict[str, Any], Array]]:
        """Constructor arguments of a layer class, with an input, for every choice of shapes."""
        for sizes in CHOICES:
            x = sizes.get("x", sizes["w"])
            units = x[0] if len(x) == 2 and sizes["w"][1:] == x[:1] else x[-1] if len(x) < 4 else x[1]
            given = {name: self.setting(name, sizes, units) for name, p in made.items() if must_be_given(name, p)}
            yield given, self.input(sizes, 1)

    def setting(self, name: str, sizes: Sizes, units: int) -> Any:
        """The value of one constructor argument of a layer class."""
        role, kind = WIDTHS.get(plain_name(name)), kind_of(name)
        if role == "input width" and plain_name(name) != "inputshape":
            return units
        if role == "output width" or re.match(r"(n_?)?(units|neurons|out)", name):
            return 5
        if kind in ("w", "b", "gamma") and kind in sizes:
            return self.drawn(sizes[kind], 2)
        return SETTINGS.get(plain_name(name), 5)


def must_be_given(name: str, parameter: inspect.Parameter) -> bool:
    """Must the argument be given: it has no default, or is a width?"""
    if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
        return False
    return parameter.default is parameter.empty or WIDTHS.get(plain_name(name)) in ("input width", "output width")


def kind_of(name: str) -> str | None:
    """The kind of an argument: "x", "w", "b", "h", "u", "gamma" or "words"; None if its name is unknown."""
    word = plain_name(name)
    return next((kind for kind, pattern in KINDS if re.match(pattern, word)), None)


def argument_choices(parameters: Mapping[str, inspect.Parameter], shapes: Shapes) -> Iterator[dict[str, Any]]:
    """Arguments for a forward function, for every choice of shapes that provides all it needs."""
    for sizes in CHOICES:
        given: dict[str, Any] = {}
        for k, (name, parameter) in enumerate(parameters.items()):
            kind = kind_of(name)
            if parameter.default is not parameter.empty:
                continue
            if kind is None and re.search(r"param|hparam|config|options", plain_name(name)):
                given[name] = shapes.settings()
            elif kind in ("x", "words") and "words" in sizes:
                given[name] = shapes.words(sizes["words"], k + 1)
            elif kind in sizes:
                given[name] = shapes.drawn(sizes[kind], k + 1)
            elif plain_name(name) in SETTINGS:
                given[name] = SETTINGS[plain_name(name)]
            elif not given:
                given[name] = shapes.input(sizes, k + 1)
        missing = [n for n, p in parameters.items() if p.default is p.empty and n not in given]
        if not missing:
            yield given
