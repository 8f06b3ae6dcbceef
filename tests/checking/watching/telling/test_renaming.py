"""A line that only gives a value another name may be the mistake, though nothing is computed there."""

import ast

import pytest

from nnref.checking.reading.source import Source
from nnref.checking.watching.telling.renaming import renamings
from nnref.checking.watching.telling.report import certificate
from tests.support.programs import seen

PROGRAM = """\
import numpy as np
X, Y = np.random.randn(9, 4), np.random.randn(9, 2)
W, V = np.random.randn(4, 5), np.random.randn(5, 2)
for step in range(3):
    h = np.tanh(X @ W)
    d = (h @ V - Y) / 9
    dV = h.T @ d
    dh = d @ V.T
    dz = {slope}
    dW = {gradient}
    W -= 0.1 * dW
    V -= 0.1 * dV
"""


@pytest.mark.parametrize(
    ("slope", "gradient", "place"),
    [
        ("dh", "X.T @ dz", "line 9:  dz = dh"),
        ("dh", "X.T @ (dz * h)", "at or after line 9:  dz = dh"),
        ("dh * (1 - h)", "X.T @ dz", "line 9:"),
        ("dh * (1 - h * h)", "X.T @ dz * dz.sum()", "line 10:"),
    ],
)
def test_a_new_name_is_where_a_mistake_may_be(slope, gradient, place, tmp_path):
    found = seen(tmp_path, PROGRAM.format(slope=slope, gradient=gradient))
    assert certificate(found, mend=False).first.place.startswith(place)


def test_names_are_told_from_values():
    text = "a, b = c, d + 1\nx.y = z[0]\nu = v * 2"
    source = Source("a.py", text.split("\n"), ast.parse(text))
    assert list(renamings(source)) == [(1, "a", "c"), (2, "x.y", "z[0]")]
