"""Classes of a file that no time was left for: the file is not right, whatever the others are."""

import pytest

from nnref.checking.watching.calls import driven as calls
from nnref.checking.watching.telling.report import certificate, settled

TWO_MODELS = """\
import numpy as np
class Line:
    def fit(self, X, y):
        self.w, self.b = np.random.randn(X.shape[1]) * 0.1, np.float64(0)
        for _ in range(20):
            error = X @ self.w + self.b - y
            self.w = self.w - 0.1 * X.T @ error / len(y)
            self.b = self.b - 0.1 * error.mean()
class Wrong:
    def fit(self, X, y):
        self.w, self.b = np.random.randn(X.shape[1]) * 0.1, np.float64(0)
        for _ in range(20):
            error = X @ self.w + self.b - y
            self.w = self.w - 0.1 * X.T @ error ** 2 / len(y)
            self.b = self.b - 0.1 * error.mean()
"""


def test_a_class_that_no_time_was_left_for_is_named_and_the_file_is_not_right(tmp_path, monkeypatch):
    (path := tmp_path / "program.py").write_text(TWO_MODELS, encoding="utf-8")
    found = calls.driven(path)
    assert found is not None
    assert settled(found) is False
    monkeypatch.setattr(calls, "MORE", -1.0)
    found = calls.driven(path)
    assert found is not None
    assert settled(found) is None
    assert "class Wrong is not judged" in str(certificate(found).notes)


OWN_NUMBERS = """\
import numpy as np
X, y = np.array([[1, 1], [1, 0], [0, 1], [0, 0]]), np.array([0, 1, 1, 0])
u, v = np.array([[0.9, 0.1], [0.3, 0.5]]), np.array([0.8, 0.7])
def s(z):
    return 1 / (1 + np.exp(-z))
def train(u, v, X, y, rate=0.5):
    for i in range(len(X)):
        h = [s(u[0, j] * X[i][0] + u[1, j] * X[i][1]) for j in (0, 1)]
        p = s(v[0] * h[0] + v[1] * h[1])
        e = (p - y[i]) * p * (1 - p)
        du = np.array([[e * v[j] * h[j] * (1 - h[j]) * X[i][k] for j in (0, 1)] for k in (0, 1)])
        dv = np.array([e * h[0], e * h[1]])
        u, v = u - rate * du, v - rate * dv
    return u, v
"""


@pytest.mark.parametrize(
    ("right", "wrong"), [("", ""), ("[e * h[0], e * h[1]]", "[(p - y[i]) * h[0], (p - y[i]) * h[1]]")]
)
def test_a_function_is_called_with_what_the_file_has_under_the_names_of_its_arguments(tmp_path, right, wrong):
    """Its numbers are written for two weights: no data of ours would fit them."""
    (path := tmp_path / "program.py").write_text(OWN_NUMBERS.replace(right, wrong), encoding="utf-8")
    found = calls.driven(path)
    assert found is not None
    assert found.how == "train(u, v, X, y)"
    assert settled(found) is (not wrong)


CHANNELS = """\
import numpy as np
class SmallConvNet:
    # one filter over the channels of each pixel, then classes
    def __init__(self, input_dim=(2, 5, 4), num_filters=3, num_classes=4, reg=0.1):
        C, H, W = input_dim
        self.reg = reg
        self.params = {"W1": np.random.randn(num_filters, C), "W2": np.random.randn(num_filters * H * W, num_classes)}
    def loss(self, X, y=None):
        N, C, H, W = X.shape
        h = np.tanh(np.einsum("fc,nchw->nfhw", self.params["W1"], X))
        scores = h.reshape(N, -1) @ self.params["W2"]
        if y is None: return scores
        p = np.exp(scores - scores.max(axis=1, keepdims=True)); p /= p.sum(axis=1, keepdims=True)
        loss = -np.log(p[np.arange(N), y]).mean() + self.reg / 2 * sum(np.sum(w * w) for w in self.params.values())
        d = p.copy(); d[np.arange(N), y] -= 1; d /= N
        dh = (d @ self.params["W2"].T).reshape(h.shape) * (1 - h ** 2)
        grads = {"W2": h.reshape(N, -1).T @ d + self.reg * self.params["W2"]}
        grads["W1"] = np.einsum("nfhw,nchw->fc", dh, X) + self.reg * self.params["W1"]
        return loss, grads
"""


def test_a_class_is_handed_images_of_the_shape_that_its_input_dim_names(tmp_path):
    (path := tmp_path / "program.py").write_text(CHANNELS, encoding="utf-8")
    found = calls.driven(path)
    assert settled(found) is True
    assert len(found.rows) == 2
    path.write_text(CHANNELS.replace("* (1 - h ** 2)", "* (1 - h)"), encoding="utf-8")
    assert settled(calls.driven(path)) is False
