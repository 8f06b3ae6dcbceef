"""Pictures of 8 × 8 pixels in place of 28 × 28, for programs whose steps have too many numbers to be recorded.

A program in lists of numbers computes with each pixel by itself, and one with a convolution in loops with each place of
a filter. The sides and sizes that the source writes out are replaced together: 28 and 784, and what a filter or a
pooling leaves of them. Whatever does not fit then, the program itself refuses by a shape.
"""

from __future__ import annotations

import ast
import os
import re
from pathlib import Path

import numpy as np

from nnref.shapes import Array

FULL = 28
"""The side of the digits."""

SIDE = 8
"""The side of small pictures: as even as 28 is, and wider than a filter of 5 × 5."""

PIXELS = FULL * FULL


def left_of(side: int) -> tuple[int, ...]:
    """The side, what filters of 3 and of 5 leave of it, these after a pooling of two, and the side after two such."""
    filtered = (side, side - 2, side - 4)
    return (*filtered, *(n // 2 for n in filtered), side // 4)


SIDES = dict(zip(left_of(FULL), left_of(SIDE), strict=True))
"""What is left of 28 pixels, and of 8."""

SIZES = {PIXELS: SIDE * SIDE, PIXELS + 1: SIDE * SIDE + 1} | {a * a: b * b for a, b in SIDES.items() if a > FULL // 2}
"""Numbers of pixels, and of the columns of a table that holds a label too."""


def has_pictures(trees: list[ast.Module]) -> bool:
    """Does a program name the side or the size of the digits?"""
    return any(size in (FULL, PIXELS) for tree in trees for node in ast.walk(tree) if (size := whole(node)))


def made_small(tree: ast.Module) -> ast.Module:
    """The tree with the sides and sizes of small pictures; modified in place."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and whole(node):
            node.value = (SIDES | SIZES).get(whole(node), node.value)
    return tree


def whole(node: ast.AST) -> int:
    """The value of a whole number that is written out; 0 of anything else."""
    return node.value if isinstance(node, ast.Constant) and type(node.value) is int else 0


def without_pictures(path: str | os.PathLike[str]) -> bool:
    """Is this an IDX file of labels whose pictures lie nowhere? Then both are made up, and fit each other."""
    file = Path(path)
    if not re.search("labels.*(ubyte|idx)", file.name):
        return False
    name, folder = (of_pictures(part) for part in (file.name, file.parent.name))
    return not any(place.exists() for place in (file.with_name(name), file.parent.parent / folder / name))


def of_pictures(name: str) -> str:
    """The name of an IDX file of pictures, from that of their labels."""
    return name.replace("labels", "images").replace("idx1", "idx3")


def shrunk(images: Array, side: int) -> Array:
    """The middle of images (N, 784), each pixel the mean of 3 × 3, or of as many as fit: (N, side²).

    Shapes: images (N, 784) -> (N, side * side)
    """
    if side == FULL or images.shape[1:] != (PIXELS,):
        return images
    block = FULL // side
    edge = (FULL - block * side) // 2
    middle = images.reshape(-1, FULL, FULL)[:, edge : FULL - edge, edge : FULL - edge]
    parts = middle.reshape(-1, side, block, side, block)
    return np.asarray(parts.mean(axis=(2, 4)).astype(images.dtype).reshape(-1, side * side))
