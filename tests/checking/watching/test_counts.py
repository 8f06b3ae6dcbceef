"""Programs that name the sizes of whole data sets are judged on one row in twenty, all their counts made smaller."""

import ast

import pytest

from nnref.checking.watching.telling.report import certificate, settled
from nnref.checking.watching.world import smaller
from nnref.checking.watching.world.counts import made_few
from tests.support.programs import seen
from tests.support.quick import some

WHOLE = """\
import numpy as np
from keras.datasets import mnist
(X, y), (Xt, yt) = mnist.load_data()
n, held_out = 60000, 10000
X = X.reshape(n, 784)[:50000] / 255
Xt = Xt.reshape(held_out, -1) / 255
T = np.zeros((n, 10))
T[np.arange(n), y] = 1
T = T[:50000]
W, b = 0.01 * np.random.randn(784, 10), np.zeros(10)
for epoch in range(20):
    E = np.exp(X @ W + b)
    P = E / E.sum(1, keepdims=True)
    loss = -np.sum(T * np.log(P)) / 50000
    d = (P - T) / 50000
    W -= 0.5 * X.T @ d
    b -= 0.5 * d.sum(0)
"""


def test_a_step_on_the_whole_of_mnist_is_judged_on_a_part_of_it(tmp_path):
    found = seen(tmp_path, WHOLE)
    assert settled(found) is True, certificate(found)
    assert found.roles.meetings[0].output.shape == (2500, 10)


def test_a_mistake_in_it_is_found(tmp_path):
    assert settled(seen(tmp_path, WHOLE.replace("d.sum(0)", "d.mean(0)"))) is False


def test_where_data_lie_beside_the_program_its_counts_are_as_they_stand(tmp_path):
    path = tmp_path / "program.py"
    path.write_text("X = load('digits.csv').reshape(60000, 784)", encoding="utf-8")
    (tmp_path / "digits.csv").write_text("1,2\n", encoding="utf-8")
    assert "60000" in ast.unparse(smaller(ast.parse(path.read_text()), path, given=False))


def test_a_program_that_names_no_such_size_keeps_its_numbers(tmp_path):
    path = tmp_path / "program.py"
    path.write_text("for epoch in range(10000): train(X[:5000])", encoding="utf-8")
    assert "10000" in ast.unparse(smaller(ast.parse(path.read_text()), path, given=False))


OWN_DATA = """\
import numpy as np
X, y = np.random.randn(200, 3), np.random.randn(200)
w = np.random.randn(3)
scaled = [row / (1 + abs(row).max()) for row in X]
for step in range(3):
    g = np.zeros(3)
    for x, target in zip(scaled, y):
        g += (x @ w - target) * x
    w -= 0.01 * g
"""


def test_a_program_that_has_its_own_data_is_waited_for_though_it_takes_many_values_to_its_first_update(
    tmp_path, monkeypatch
):
    """Where nothing is updated for long, it is run again with less data; of its own there is not less."""
    monkeypatch.setattr("nnref.checking.watching.watch.ENOUGH", 100)
    found = seen(tmp_path, OWN_DATA)
    assert len(found.tapes[0]) > 1000
    assert settled(found) is True


LONG = """\
import numpy as np
X, y = np.random.randn(6000, 40), np.random.randint(0, 3, 6000)
batch_size, hidden_size = {batch}, {hidden}
W, c = np.random.randn(40, hidden_size) * 0.2, np.zeros(hidden_size)
V, b = np.random.randn(hidden_size, 3) * 0.2, np.zeros(3)
for k in range(0, len(X), batch_size):
    dW, dc, dV, db = 0 * W, 0 * c, 0 * V, 0 * b
    for x, t in zip(X[k : k + batch_size], y[k : k + batch_size]):
        h = np.tanh(x @ W + c)
        e = np.exp(h @ V + b)
        d = e / e.sum()
        loss = -np.log(d[t])
        d[t] -= 1
        dV += np.outer(h, d)
        db += d
        g = V @ d * (1 - h * h)
        dW += np.outer(x, g)
        dc += g
    W -= 0.01 * dW / batch_size
    c -= 0.01 * dc / batch_size
    V -= 0.01 * dV / batch_size
    b -= 0.01 * db / batch_size
"""


@pytest.mark.parametrize(("batch", "hidden"), some([(2500, 20), (500, 5000)], 2))
def test_a_step_of_too_many_values_or_bytes_is_judged_with_smaller_batches_and_layers(batch, hidden, tmp_path):
    text = LONG.format(batch=batch, hidden=hidden)
    found = seen(tmp_path, text)
    assert settled(found) is True
    assert found.runs[0].namespace["hidden_size"] < 20
    assert settled(seen(tmp_path, text, ("(1 - h * h)", "(1 - h)"))) is False


def test_sizes_that_are_the_same_are_made_the_same(tmp_path):
    tree = ast.parse("n_hidden = 300; batch_size = 200; f(hidden_size=300); self.seq_length = 7; layers = 300")
    assert made_few(tree) == 2
    made = ast.unparse(tree).replace("\n", "; ")
    assert made == "n_hidden = 8; batch_size = 9; f(hidden_size=8); self.seq_length = 7; layers = 300"
