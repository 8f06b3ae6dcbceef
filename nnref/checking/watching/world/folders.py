"""Folders of images, one folder per class, and the functions of OpenCV that read and prepare images."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import numpy as np

from nnref.checking.watching.recording.recorder import leaf
from nnref.checking.watching.world.digits import CLASSES, Digits
from nnref.shapes import Array

EACH = 12
"""Number of images in the folder of one class."""

SPLIT = re.compile(r"^(train(ing)?|test(ing)?|valid(ation)?|val|dev)$", re.IGNORECASE)
"""Names of folders that hold one folder per class."""

GREY = 0
"""cv2.IMREAD_GRAYSCALE."""


class Folders:
    """os.listdir and cv2.imread in one run: a missing folder appears to hold one folder per class."""

    def __init__(self, digits: Digits, listed: set[str] | None = None) -> None:
        self.digits = digits
        self.listed: set[str] = set() if listed is None else listed
        self.real: dict[str, Any] = {"listdir": os.listdir, "isdir": os.path.isdir}

    def listdir(self, path: Any = ".") -> list[str]:
        """The content of an existing folder; else one folder per class, and in each of these the names of images."""
        if Path(path).exists():
            return list(self.real["listdir"](path))
        place = Path(path)
        if str(place.parent) in self.listed or (place.name.isdigit() and int(place.name) < CLASSES):
            return [f"{k:04d}.png" for k in range(EACH)]
        self.listed.add(str(place))
        return [str(k) for k in range(CLASSES)]

    def isdir(self, path: Any) -> bool:
        """Is this a folder, or one that listdir made up?"""
        return bool(self.real["isdir"](path)) or str(Path(path).parent) in self.listed

    def imread(self, path: Any, flags: int = 1) -> Array:
        """An image of the class that its folder names, uint8 (28, 28), or (28, 28, 3) if colours are asked for."""
        place = Path(path)
        words = [word for word in (place.parent.name, place.stem) if word.isdigit()]
        mine = np.flatnonzero(self.digits.labels == int(words[0]) % CLASSES) if words else np.arange(CLASSES)
        number = int(re.sub(r"\D", "", place.stem)[-4:] or 0)
        image = np.asarray(self.digits.images[mine[(number + self.digits.seed) % len(mine)]], np.uint8)
        side = self.digits.side
        image = image.reshape(side, side) if image.size == side * side else image
        return leaf(image if flags <= GREY or image.ndim > 2 else np.stack([image] * 3, axis=-1), "data")

    def names(self) -> dict[str, Any]:
        """The names of OpenCV that are answered."""
        numbers = {
            "IMREAD_GRAYSCALE": GREY, "IMREAD_UNCHANGED": -1, "IMREAD_COLOR": 1, "THRESH_BINARY": 0,
            "THRESH_BINARY_INV": 1, "THRESH_OTSU": 8, "COLOR_BGR2GRAY": 6, "COLOR_RGB2GRAY": 7, "COLOR_BGR2RGB": 4,
            "INTER_AREA": 3, "INTER_NEAREST": 0, "INTER_LINEAR": 1, "INTER_CUBIC": 2,
        }  # fmt: skip
        return numbers | {
            "imread": self.imread, "resize": resized, "threshold": threshold, "cvtColor": converted,
            "bitwise_not": lambda image, *args, **kwargs: 255 - image,
        }  # fmt: skip


def resized(image: Array, size: Any = None, *args: Any, **kwargs: Any) -> Array:
    """cv2.resize to (width, height), by taking nearest pixels."""
    width, height = size if size is not None else kwargs["dsize"]
    rows, columns = np.arange(height) * len(image) // height, np.arange(width) * image.shape[1] // width
    return image[rows][:, columns]


def threshold(image: Array, limit: float, largest: float, kind: int = 0, *args: Any) -> tuple[float, Array]:
    """cv2.threshold: the limit, and `largest` where the image exceeds it, else 0; the reverse for an odd kind."""
    beyond = image > limit
    return limit, np.where(beyond != bool(kind & 1), largest, 0).astype(image.dtype)


GREYS = (6, 7)
"""The codes of conversions to grey."""


def converted(image: Array, code: int, *args: Any) -> Array:
    """cv2.cvtColor: a grey image by the usual weights, or the channels in reverse order."""
    if image.ndim < 3:
        return image
    return (image @ np.array([0.299, 0.587, 0.114])).astype(image.dtype) if code in GREYS else image[..., ::-1]
