"""Small pictures: a program that computes with each pixel by itself is judged with pictures of 8 × 8."""

import ast
import struct

import numpy as np
import pytest

from nnref.checking.watching.telling.report import certificate, settled
from nnref.checking.watching.world.pictures import (
    PIXELS,
    SIDES,
    SIZES,
    has_pictures,
    made_small,
    shrunk,
    without_pictures,
)
from tests.support.programs import seen


@pytest.mark.parametrize("size", [3, 5])
def test_what_a_filter_and_a_pooling_leave_of_28_pixels_they_leave_of_as_many_as_stand_for_it(size):
    left = 28 - size + 1
    assert SIDES[left] == SIDES[28] - size + 1
    assert SIDES[left // 2] == SIDES[left] // 2
    assert SIZES[left * left] == SIDES[left] ** 2


def test_sides_and_sizes_are_replaced_together_and_other_numbers_are_kept():
    tree = ast.parse("n = 784; x = x.reshape(-1, 28, 28); w = randn(13 * 13 * 8, 10); rate = 28.0")
    assert has_pictures([tree])
    assert ast.unparse(made_small(tree)) == "n = 64\nx = x.reshape(-1, 8, 8)\nw = randn(3 * 3 * 8, 10)\nrate = 28.0"
    assert not has_pictures([tree, ast.parse("batch = 32")])


def test_a_small_picture_is_the_means_of_the_middle():
    images = np.random.default_rng(0).integers(0, 256, (4, PIXELS)).astype(np.uint8)
    small = shrunk(images, 8)
    assert (small.shape, small.dtype) == ((4, 64), np.uint8)
    assert small[2].reshape(8, 8)[1, 5] == int(images[2].reshape(28, 28)[5:8, 17:20].mean())
    assert shrunk(images, 28) is images


LOOPS = """\
import numpy as np
from tensorflow.keras.datasets import mnist
(X, y), _ = mnist.load_data()
F, W = np.random.randn(8, 3, 3) / 9, np.random.randn(26 * 26 * 8, 10) / 50
for image, label in zip(X, y):
    x = image.reshape(28, 28) / 255
    Z = np.zeros((26, 26, 8))
    for i in range(26):
        for j in range(26):
            for k in range(8):
                Z[i, j, k] = np.sum(x[i:i + 3, j:j + 3] * F[k])
    a = np.maximum(Z, 0).ravel()
    e = np.exp(a @ W)
    p = e / e.sum()
    loss = -np.log(p[label])
    d = p.copy()
    d[label] -= 1
    dZ = (W @ d).reshape(26, 26, 8) * (Z > 0)
    dF = np.zeros_like(F)
    for i in range(26):
        for j in range(26):
            for k in range(8):
                dF[k] += dZ[i, j, k] * x[i:i + 3, j:j + 3]
    W -= 0.01 * np.outer(a, d)
    F -= 0.01 * dF
"""


def test_a_convolution_in_loops_is_judged_with_small_pictures(tmp_path):
    """A step has 5,408 places of a filter, each with several operations, twice: more than are recorded."""
    found = seen(tmp_path, LOOPS, limit=8000)
    assert settled(found) is True
    assert found.runs[0].namespace["x"].shape == (8, 8)
    wrong = seen(tmp_path, LOOPS, ("* (Z > 0)", ""), limit=8000)
    assert settled(wrong) is False
    assert certificate(wrong, mend=False).first.place.startswith("line 18:")


def test_labels_of_which_the_pictures_lie_nowhere_are_made_up_with_them(tmp_path):
    labels, images = tmp_path / "train-labels.idx1-ubyte", tmp_path / "train-images.idx3-ubyte"
    labels.write_bytes(struct.pack(">II", 2049, 4) + bytes([1, 2, 3, 4]))
    assert without_pictures(labels)
    assert not without_pictures(tmp_path / "labels.csv")
    text = f"""\
import numpy as np
def read(name, skip):
    with open(name, "rb") as file:
        return np.frombuffer(file.read(), np.uint8, offset=skip)
y, X = read("{labels}", 8), read("{images}", 16).reshape(-1, 784)
"""
    names = seen(tmp_path, text).runs[0].namespace
    assert len(names["y"]) == len(names["X"]) > 4
    images.write_bytes(struct.pack(">IIII", 2051, 4, 28, 28) + bytes(4 * PIXELS))
    assert not without_pictures(labels)
    assert len(seen(tmp_path, text).runs[0].namespace["y"]) == 4
