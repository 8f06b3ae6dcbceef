"""A file whose steps compute no loss, though it has one: the verdict is on the steps, and an epsilon is a caution."""

import pytest

from nnref.checking.homework.by_names import check_file
from nnref.checking.homework.command import ADAPTER, unread_in_words
from nnref.checking.homework.watched_file import judged_file, with_caution
from nnref.checking.reading.candidates import Unread
from nnref.checking.reading.source import SourceError
from nnref.checking.results.certificate import MISTAKE, RIGHT
from tests.support.programs import written

CLASS = """\
import numpy as np
class Net:
    def __init__(self):
        self.W1, self.b1 = np.random.randn(8, 6) * 0.4, np.zeros((8, 1))
        self.W2, self.b2 = np.random.randn(4, 8) * 0.4, np.zeros((4, 1))
    def forward(self, X):
        self.Z1 = self.W1 @ X + self.b1
        self.A1 = np.maximum(0, self.Z1)
        Z2 = self.W2 @ self.A1 + self.b2
        E = np.exp(Z2 - Z2.max(axis=0))
        return E / E.sum(axis=0)
    def loss(self, P, Y):
        return -np.sum(Y * np.log(P + 1e-9)) / Y.shape[1]
    def backward(self, X, P, Y):
        m = Y.shape[1]
        dZ2 = (P - Y) / m
        dW2, db2 = dZ2 @ self.A1.T, dZ2.sum(axis=1, keepdims=True)
        dZ1 = (self.W2.T @ dZ2) * (self.Z1 > 0)
        dW1, db1 = dZ1 @ X.T, dZ1.sum(axis=1, keepdims=True)
        return {"W1": dW1, "b1": db1, "W2": dW2, "b2": db2}
    def fit(self, X, Y):
        for epoch in range(20):
            for s in range(0, X.shape[1], 25):
                P = self.forward(X[:, s:s+25])
                grads = self.backward(X[:, s:s+25], P, Y[:, s:s+25])
                for name in grads:
                    setattr(self, name, getattr(self, name) - 0.1 * grads[name])
            print(self.loss(self.forward(X), Y))
if __name__ == "__main__":
    X = np.random.randn(6, 1000)
    Y = np.eye(4)[np.random.randint(0, 4, 1000)].T
    Net().fit(X, Y)
"""


@pytest.fixture
def judged(tmp_path):
    """The verdict on the program with changes made in it."""

    def judge(*changes):
        return judged_file(written(tmp_path, CLASS, *changes))

    return judge


def test_a_step_that_goes_up_the_loss_is_the_first_mistake_and_not_the_epsilon_in_its_logarithm(judged):
    report = judged(("- 0.1 * grads", "+ 0.1 * grads"))
    assert report.first is not None
    assert report.first.place.startswith("line 27"), str(report)


def test_an_epsilon_within_a_logarithm_is_a_caution_where_a_file_is_read_too(tmp_path):
    path = written(tmp_path, CLASS[: CLASS.index("    def fit")])
    read = check_file(path)
    assert (read.status, with_caution(read).status) == (MISTAKE, RIGHT), str(read)
    assert any("adds 1e-09 within the logarithm" in note for note in with_caution(read).notes)


def test_a_program_with_an_epsilon_that_steps_down_is_right(judged):
    assert judged().status == RIGHT


TENSORS = """\
import torch
xs = torch.tensor([[0.0, 1.0], [1.0, 0.0]])
W = torch.randn((2, 2), requires_grad=True)
loss = ((xs @ W) ** 2).mean()
loss.backward()
W.data -= 0.1 * W.grad
"""


def test_a_program_that_computes_with_tensors_is_told_so_in_one_sentence(tmp_path):
    path = tmp_path / "program.py"
    path.write_text(TENSORS, encoding="utf-8")
    with pytest.raises(SourceError, match=r"program\.py computes with torch \(line 2\), and nnref watches what numpy"):
        judged_file(path)
    path.write_text(f"{TENSORS}def backward(X, Y):\n    return {{'dW': X}}\n", encoding="utf-8")
    with pytest.raises(Unread):  # what can be called is looked for all the same
        judged_file(path)


def test_where_a_program_stopped_is_said_with_its_line(tmp_path):
    path = tmp_path / "program.py"
    path.write_text("import numpy as np\nW = np.ones((2, 3))\nZ = W @ W\n", encoding="utf-8")
    with pytest.raises(Unread, match=r"it stopped in line 3 with ValueError: matmul"):
        judged_file(path)
    path.write_text("import sys\nsys.exit()\n", encoding="utf-8")
    with pytest.raises(Unread, match=r"it stopped in line 2 with SystemExit(;|$)"):
        judged_file(path)


def test_what_is_to_be_pasted_comes_line_by_line_and_a_sentence_ends_once():
    said = unread_in_words("program.py", {"error": "", "found": [], "missing": ["as it runs: it stopped."]})
    assert "Missing: as it runs: it stopped." in said
    assert said[-1] == ADAPTER.splitlines()[-1]
    assert not any("\n" in line for line in said)


def test_where_watching_fails_by_a_fault_of_ours_what_was_read_is_no_verdict_that_the_file_is_right(
    tmp_path, monkeypatch
):
    """The reader looks at what it calls; the program's own steps nobody saw. A mistake it finds is one all the same."""

    def fails(*arguments, **settings):
        raise NameError("of ours")

    monkeypatch.setattr("nnref.checking.homework.watched_file.watch", fails)
    right = judged_file(written(tmp_path, CLASS))
    assert right.gradient_of_own_loss is None
    assert any("NameError: of ours" in note for note in right.notes)
    wrong = judged_file(written(tmp_path, CLASS, ("(P - Y) / m", "(P - Y)")))
    assert wrong.status == MISTAKE


FORGOTTEN = """\
import numpy as np
class Line:
    def __init__(self):
        self.w, self.b = np.random.normal(), np.random.normal()
    def train(self, data, targets):
        for k in range(20):
            for x, t in zip(data, targets):
                d = 2 * (self.w * x + self.b - t)
                self.w -= 0.05 * d * x
Line().train(np.array([0.5, -1.5, 2.0]), np.array([1.0, 0.0, 1.5]))
"""


def test_a_parameter_that_the_program_never_updates_is_not_forgotten_where_its_functions_could_be_called(tmp_path):
    """Called with other data, they need not show that there is one."""
    path = written(tmp_path, FORGOTTEN)
    judged = judged_file(path)
    assert judged.gradient_of_own_loss is None
    assert any("changes b, which goes into the outputs in line 8" in note for note in judged.notes)


NAMED = """\
import numpy as np
class Net:
    def __init__(self, n, h, m):
        self.weight_h, self.bias_h = np.random.randn(h, n) * 0.3, np.zeros(h)
        self.weight_out, self.bias_out = np.random.randn(m, h) * 0.3, np.zeros(m)
    def forward(self, x):
        a_h = 1 / (1 + np.exp(-(x @ self.weight_h.T + self.bias_h)))
        return a_h, 1 / (1 + np.exp(-(a_h @ self.weight_out.T + self.bias_out)))
    def backward(self, x, a_h, a_out, y):
        delta = 2 * (a_out - y) / len(y) * a_out * (1 - a_out)
        d_loss_d_w_out = delta.T @ a_h
        d_loss_d_b_out = delta.sum(axis=0)
        hidden = delta @ self.weight_out * a_h * (1 - a_h)
        return d_loss_d_w_out, d_loss_d_b_out, hidden.T @ x, hidden.sum(axis=0)
def mse(y, a): return np.mean((y - a) ** 2)
X = np.random.randn(60, 5)
Y = np.eye(3)[np.random.randint(0, 3, 60)]
net = Net(5, 8, 3)
for step in range(9):
    a_h, a_out = net.forward(X)
    w_out, b_out, w_h, b_h = net.backward(X, a_h, a_out, Y)
    net.weight_out -= 0.5 * w_out
    net.bias_out -= 0.5 * b_out
    net.weight_h -= 0.5 * w_h
    net.bias_h -= 0.5 * b_h
print(mse(Y, net.forward(X)[1]))
"""


def test_right_gradients_of_which_one_is_not_used_are_not_called_wrong_for_the_mean_that_a_loss_takes(tmp_path):
    """Read by its names, this network has gradients that are all three times those of its printed loss."""
    judged = judged_file(written(tmp_path, NAMED, ("    net.bias_out -= 0.5 * b_out\n", "")))
    assert judged.first is not None
    assert judged.first.place.startswith("line 12:")
    assert [entry.verdict for entry in judged.entries] == ["ok"] * 3
