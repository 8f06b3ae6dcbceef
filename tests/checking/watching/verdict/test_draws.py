"""Values that are drawn on the way to an output: no step is called wrong for them."""

from nnref.checking.watching.telling.report import certificate, settled
from tests.support.programs import seen

DIVERGENCE = """\
import numpy as np
def f(a): return 1 / (1 + np.exp(-a))
v = (np.random.rand(12, 5) > .5).astype(float)
W, a, b = np.random.randn(5, 4) * .1, np.zeros(5), np.zeros(4)
for step in range(5):
    h = f(v @ W + b)
    s = (h > np.random.rand(*h.shape)).astype(float)
    u = f(s @ W.T + a)
    k = f(u @ W + b)
    W += .1 * (v.T @ h - u.T @ k) / len(v)
    a += .1 * (v - u).mean(0)
    b += .1 * (h - k).mean(0)
    error = ((v - u) ** 2).mean()
"""

ACTIONS = """\
import numpy as np
def f(a): return 1 / (1 + np.exp(-a))
W, b = np.random.randn(3, 1) * .1, np.zeros(1)
for step in range(5):
    s = np.random.randn(20, 3)
    p = f(s @ W + b)
    y = (np.random.rand(20, 1) < p).astype(float)
    loss = -(y * np.log(p) + (1 - y) * np.log(1 - p)).mean()
    d = (p - y) / 20
    W -= .1 * s.T @ d
    b -= .1 * d.sum(0)
"""

DROPPED = """\
import numpy as np
X, Y = np.random.randn(20, 3), np.random.randn(20, 1)
W, V = np.random.randn(3, 6) * .5, np.random.randn(6, 1) * .5
for step in range(5):
    h = np.tanh(X @ W)
    m = (np.random.rand(*h.shape) < .8) / .8
    p = (h * m) @ V
    loss = ((p - Y) ** 2).mean()
    d = 2 * (p - Y) / 20
    gV = (h * m).T @ d
    gW = X.T @ (d @ V.T * m * (1 - h ** 2))
    W -= .1 * gW; V -= .1 * gV
"""


def test_contrastive_divergence_is_not_called_a_wrong_gradient(tmp_path):
    """The slope of the error that it prints is another, and nobody means that."""
    assert settled(seen(tmp_path, DIVERGENCE)) is None
    lines = [line for line in DIVERGENCE.splitlines() if not line.strip().startswith(("a +=", "b +="))]
    found = seen(tmp_path, "\n".join(lines).replace(" + a)", ")").replace(" + b)", ")"))
    assert settled(found) is None
    assert "line 7 draws, and a draw has no slope" in " ".join(str(certificate(found)).split())


def test_an_action_that_is_drawn_is_a_label_and_excuses_nothing(tmp_path):
    assert settled(seen(tmp_path, ACTIONS)) is True
    assert settled(seen(tmp_path, ACTIONS.replace("d.sum(0)", "d.mean(0)"))) is False


def test_a_mask_that_no_parameter_goes_into_excuses_nothing(tmp_path):
    assert settled(seen(tmp_path, DROPPED)) is True
    assert settled(seen(tmp_path, DROPPED.replace("V.T * m *", "V.T *"))) is False
