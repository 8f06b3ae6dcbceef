"""A right slope that is used for another value is named, and not the line that uses it."""

import pytest

from nnref.checking.watching.telling.report import certificate, settled
from tests.checking.watching.verdict.test_guesses import ADDED_UP
from tests.support.programs import seen

SIAMESE = """\
import numpy as np
rng = np.random.default_rng(33)
left, right = rng.normal(size=(24, 6)), rng.normal(size=(24, 6))
same = rng.integers(0, 2, 24).astype(float)
W, b = rng.normal(size=(6, 5)) * .5, np.zeros(5)
V, c = rng.normal(size=(5, 3)) * .5, np.zeros(3)
def embed(x):
    a = np.tanh(x @ W + b)
    return a, a @ V + c
margin = 1.5
for it in range(5):
    al, el = embed(left)
    ar, er = embed(right)
    diff = el - er
    dist = np.sqrt((diff ** 2).sum(1))
    gap = np.maximum(0, margin - dist)
    loss = 0.5 * (same * dist ** 2 + (1 - same) * gap ** 2).mean()
    ddist = (same * dist - (1 - same) * gap) / len(same)
    g = ddist[:, None] * diff / dist[:, None]
    gl, gr = g, -g
    dV = al.T @ gl + ar.T @ gr
    dc = gl.sum(0) + gr.sum(0)
    hl = gl @ V.T * (1 - al ** 2)
    hr = gr @ V.T * (1 - ar ** 2)
    dW = left.T @ hl + right.T @ hr
    db = hl.sum(0) + hr.sum(0)
    W -= .1 * dW; b -= .1 * db; V -= .1 * dV; c -= .1 * dc
"""

EXPERTS = """\
import numpy as np
rng = np.random.default_rng(37)
X = rng.normal(size=(26, 3)); Y = np.abs(X[:, :1]) + 0.1 * rng.normal(size=(26, 1))
G = rng.normal(size=(3, 4)) * .5
W = rng.normal(size=(4, 3)) * .5
c = rng.normal(size=4) * .1
for it in range(6):
    s = X @ G
    g = np.exp(s - s.max(1, keepdims=True)); g = g / g.sum(1, keepdims=True)
    f = X @ W.T + c
    out = (g * f).sum(1, keepdims=True)
    r = out - Y
    loss = 0.5 * (r ** 2).mean()
    dout = r / len(X)
    df = dout * g
    dg = dout * f
    ds = g * (dg - (g * dg).sum(1, keepdims=True))
    dW = df.T @ X
    dc = df.sum(0)
    dG = X.T @ ds
    G -= .1 * dG
    W -= .1 * dW
    c -= .1 * dc
"""

CASES = [
    (SIAMESE, "hr = gr @ V.T * (1 - ar ** 2)", "hr = gr @ V.T * (1 - al ** 2)", "line 24"),
    (SIAMESE, "hr = gr @ V.T * (1 - ar ** 2)", "hr = gl @ V.T * (1 - ar ** 2)", "line 24"),
    (EXPERTS, "df = dout * g", "df = dout * f", "line 15"),
    (EXPERTS, "ds = g * (dg - (g * dg).sum(1, keepdims=True))", "ds = g * (dg - dg.sum(1, keepdims=True))", "line 17"),
]


@pytest.mark.parametrize(("text", "right", "wrong", "place"), CASES, ids=[wrong for _, _, wrong, _ in CASES])
def test_a_slope_of_another_value_is_named_where_it_is_made(text, right, wrong, place, tmp_path):
    assert text.count(right)
    first = certificate(seen(tmp_path, text.replace(right, wrong, 1)), mend=False).first
    assert first.place.startswith(f"{place}:")


@pytest.mark.parametrize("text", list(dict.fromkeys(text for text, *_ in CASES)))
def test_without_the_mistake_all_is_right(text, tmp_path):
    found = seen(tmp_path, text)
    assert settled(found) is True, certificate(found)


PIXELS = """\
import numpy as np
images, labels = np.zeros((9, 6, 6)), np.random.randint(0, 3, 9)
images[:, 2:5, 2:5] = np.random.rand(9, 3, 3)
class Conv:
    def __init__(self):
        self.filters = np.random.randn(2, 3, 3) / 3
    def forward(self, image):
        self.image = image
        out = np.zeros((4, 4, 2))
        for i in range(4):
            for j in range(4):
                for k in range(2):
                    out[i, j, k] = np.sum(image[i:i + 3, j:j + 3] * self.filters[k])
        return out
    def backward(self, d_out, rate):
        d_filters = np.zeros((2, 3, 3))
        for i in range(4):
            for j in range(4):
                for k in range(2):
                    d_filters[k] += d_out[i, j, k] * self.image[i:i + 3, j:j + 3]
        self.filters -= rate * d_filters
conv, W = Conv(), np.random.randn(32, 3) / 6
for image, label in zip(images, labels):
    z = conv.forward(image)
    a = np.maximum(z, 0)
    e = np.exp(a.ravel() @ W)
    p = e / e.sum()
    loss = -np.log(p[label])
    d = p.copy()
    d[label] -= 1
    da = (W @ d).reshape(a.shape)
    dz = da * (z > 0)
    W -= 0.1 * np.outer(a.ravel(), d)
    conv.backward(dz, 0.1)
"""


@pytest.mark.parametrize("slope", ["da * (z < 0)", "da"])
def test_of_a_convolution_by_pixels_the_slope_is_named_that_is_not_meant_and_no_line_of_the_loop(slope, tmp_path):
    """Where an image is black, and so the slope in all runs but one is 0, it is a multiple of anything."""
    found = seen(tmp_path, PIXELS, ("da * (z > 0)", slope))
    assert settled(found) is False
    assert certificate(found, mend=False).first.place.startswith("line 32:")


GATED = """\
import numpy as np
X, Y = np.random.randn(30, 4), np.random.randn(30, 2)
W, g, V = np.random.randn(4, 6) * 0.5, np.random.uniform(0.5, 1.5, 6), np.random.randn(6, 2) * 0.5
for k in range(5):
    a = np.tanh(X @ W)
    h = g * a
    p = h @ V
    loss = np.sum((p - Y) ** 2) / 2
    d = p - Y
    dh = d @ V.T
    da = dh * g
    W -= 0.01 * X.T @ (da * (1 - a ** 2))
    V -= 0.01 * h.T @ d
"""


def test_what_is_divided_by_what_it_should_be_multiplied_by_is_wrong_there(tmp_path):
    """dh / g would be right, were dh made of itself twice; but then it would be no other slope than before."""
    assert settled(seen(tmp_path, GATED)) is True
    found = certificate(seen(tmp_path, GATED, ("dh * g", "dh / g")), mend=False)
    assert found.first.place.startswith("line 11:")


def test_a_slope_that_is_added_to_0_is_not_used_rightly_by_that(tmp_path):
    found = certificate(seen(tmp_path, ADDED_UP, (" * (1 - h ** 2)", "")), mend=False)
    assert found.first.place.startswith("line 11:")
