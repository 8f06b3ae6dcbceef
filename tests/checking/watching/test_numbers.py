"""Programs that compute number by number: values that go back, sets of them, parameters that begin at 0."""

import pytest

from nnref.checking.reading.source import read_source
from nnref.checking.watching.calls.driven import driven
from nnref.checking.watching.recording.ordered import InOrder
from nnref.checking.watching.telling.report import certificate, settled
from nnref.checking.watching.watch import watch
from tests.support.engines import VALUE
from tests.support.programs import fault_apart, seen, written
from tests.support.quick import some

ENGINE = (
    VALUE
    + """\
class Neuron:
    def __init__(self, n, bent):
        self.w, self.b, self.bent = [Value(random.uniform(-1, 1)) for _ in range(n)], Value(0), bent
    def __call__(self, x):
        z = sum((w * v for w, v in zip(self.w, x)), self.b)
        return z.relu() if self.bent else z
hidden, last = [Neuron(2, True) for _ in range(2)], Neuron(2, False)
parameters = [p for n in (*hidden, last) for p in (*n.w, n.b)]
X, Y = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], [-1.0, 1.0, 1.0, -1.0]
for epoch in range(5):
    scores = [last([n(x) for n in hidden]) for x in X]
    losses = [(1 + -1 * y * s).relu() for y, s in zip(Y, scores)]
    loss = sum(losses) * (1 / len(losses)) + 1e-2 * sum(p * p for p in parameters)
    for p in parameters:
        p.grad = 0
    loss.backward()
    for p in parameters:
        p.data -= 0.1 * p.grad
"""
)


def test_every_number_is_judged_also_what_begins_at_0_at_the_corner_of_a_rectifier(tmp_path):
    """All biases are 0 and one example is: there the rectifier has no slope, and the runs are judged beside it."""
    found = seen(tmp_path, ENGINE, limit=1500)
    assert settled(found) is True, certificate(found)
    assert len(found.rows) == 9
    assert all(row.verdict == "ok" and not row.silent for row in found.rows)
    (entry,) = certificate(found).entries
    assert (entry.name, entry.size, entry.shape) == ("data", 9, (9,))
    assert fault_apart(found, tmp_path) == ""


def test_a_mistake_in_how_a_product_goes_back_is_found_on_its_line(tmp_path):
    right = "self.grad += other.data * out.grad"
    found = seen(tmp_path, ENGINE, (right, "self.grad += self.data * out.grad"), limit=1500)
    assert settled(found) is False, certificate(found)
    line = ENGINE.partition(right)[0].count("\n") + 1
    assert f"line {line}:" in certificate(found, mend=False).first.place


@pytest.mark.parametrize("slope", some(["out.grad", "(out.data <= 0) * out.grad", "2 * (out.data > 0) * out.grad"], 99))
def test_another_slope_of_the_rectifier_is_caught(slope, tmp_path):
    found = seen(tmp_path, ENGINE, ("(out.data > 0) * out.grad", slope), limit=1500)
    assert settled(found) is False, certificate(found)


ONE = """\
import random
class Model:
    def __init__(self, w):
        self.w = w
model = Model(random.random())
xs, ys = [0.3, -0.8, 1.2], [1.0, 0.2, -0.7]
for step in range(20):
    for x, y in zip(xs, ys):
        p = x * model.w
        error = (p - y) ** 2
        model.w -= 0.1 * 2 * (p - y) * x
"""


def test_one_number_is_judged_by_several_runs_and_not_by_itself(tmp_path):
    """Any number is a multiple of any other: a wrong gradient of one weight would always fit in a single run."""
    assert settled(seen(tmp_path, ONE)) is True
    assert settled(seen(tmp_path, ONE.replace("(p - y) * x", "(p - y) * x ** 2"))) is False
    alone = watch(tmp_path / "program.py", source=read_source(tmp_path / "program.py"), seeds=())
    assert settled(alone) is not True, certificate(alone)


def test_a_set_is_gone_through_in_the_order_in_which_it_was_filled():
    made = InOrder("banana")
    made.add("c")
    made.discard("b")
    made |= {"d"}
    made.remove("c")
    assert (list(made), len(made), "n" in made, made == {"a", "n", "d"}) == (["a", "n", "d"], 3, True, True)
    assert (made & {"n", "x"}, made.pop(), list(made)) == ({"n"}, "a", ["n", "d"])
    made &= {"d"}
    assert list(made) == ["d"]
    assert isinstance(made, set)


NEURONS = """\
import math, random
rows = [[2.7, 2.5, 0], [1.4, 2.3, 0], [3.3, 4.4, 0], [7.6, 2.7, 1], [5.3, 2.0, 1], [6.9, 1.7, 1]]
layers = [[{"w": [random.random() for _ in range(3)]} for _ in range(2)] for _ in range(2)]
def output(neuron, given):
    z = neuron["w"][-1]
    for k in range(len(given)):
        z += neuron["w"][k] * given[k]
    return 1.0 / (1.0 + math.exp(-z))
for epoch in range(3):
    error = 0
    for row in rows:
        values = row[:-1]
        for layer in layers:
            for neuron in layer:
                neuron["a"] = output(neuron, values)
            values = [neuron["a"] for neuron in layer]
        wanted = [0, 0]
        wanted[row[-1]] = 1
        error += sum([(wanted[k] - values[k]) ** 2 for k in range(2)])
        for l in (1, 0):
            for j, neuron in enumerate(layers[l]):
                if l == 1:
                    up = neuron["a"] - wanted[j]
                else:
                    up = 0.0
                    for other in layers[1]:
                        up += other["w"][j] * other["d"]
                neuron["d"] = up * neuron["a"] * (1.0 - neuron["a"])
        values = row[:-1]
        for layer in layers:
            for neuron in layer:
                for k in range(2):
                    neuron["w"][k] -= 0.5 * neuron["d"] * values[k]
                neuron["w"][-1] -= 0.5 * neuron["d"]
            values = [neuron["a"] for neuron in layer]
"""


def test_a_class_that_says_where_in_a_list_the_1_stands_is_a_label(tmp_path):
    """The data only meet weights; the labels choose a place, and are no factor of anything."""
    found = seen(tmp_path, NEURONS)
    assert settled(found) is True, certificate(found)
    assert found.steps[0].readings[0].loss.name == "own"
    assert fault_apart(found, tmp_path) == ""


@pytest.mark.parametrize(
    ("right", "wrong", "line"),
    [
        ('other["w"][j] * other["d"]', 'other["d"]', 27),
        ('* (1.0 - neuron["a"])', "", 28),
        ('neuron["w"][-1] -= 0.5', 'neuron["w"][-1] += 0.5', 34),
    ],
)
def test_a_mistake_among_lists_of_neurons_is_found_on_its_line(tmp_path, right, wrong, line):
    assert f"line {line}:" in certificate(seen(tmp_path, NEURONS.replace(right, wrong)), mend=False).first.place


@pytest.mark.parametrize("wanted", ["wanted = [0, 0]", "wanted = [0] * 2", "wanted = [0.0 for _ in layers]"])
def test_the_zeros_beside_that_1_are_labels_too_where_the_program_has_no_loss(tmp_path, wanted):
    """The outputs that meet them were left out, and what errors come back from them called wrong."""
    lossless = NEURONS.replace("        error += sum([(wanted[k] - values[k]) ** 2 for k in range(2)])\n", "")
    found = seen(tmp_path, lossless.replace("wanted = [0, 0]", wanted))
    assert settled(found) is True, certificate(found)
    assert len(found.rows) == 12
    assert fault_apart(found, tmp_path) == ""
    assert settled(seen(tmp_path, lossless.replace('other["w"][j] * other["d"]', 'other["d"]'))) is False


RESCALED = """\
rows = [[float(word) for word in line.split(",")] for line in open("banknote.csv")][:12]
for column in range(4):
    mean = sum(row[column] for row in rows) / len(rows)
    for row in rows:
        row[column] = (row[column] - mean) / 4
w = [0.1, -0.2, 0.3, 0.1, 0.0]
for epoch in range(3):
    for row in rows:
        error = sum(w[k] * row[k] for k in range(4)) + w[4] - row[4]
        for k in range(4):
            w[k] -= 0.1 * error * row[k]
        w[4] -= 0.1 * error
"""


def test_data_that_are_put_on_another_scale_in_place_are_no_parameters(tmp_path):
    """row[column] = (row[column] - mean) / 4 looks like a step along something made of other data."""
    found = seen(tmp_path, RESCALED)
    assert settled(found) is True, certificate(found)
    assert settled(seen(tmp_path, RESCALED, ("error * row[k]", "error * row[k] ** 2"))) is False


LOGISTIC = """\
import numpy as np
X, y = np.random.randn(40, 3), np.random.randint(0, 2, 40)
def start():
    return np.zeros(3), 0
w, b = start()
for k in range(5):
    p = 1 / (1 + np.exp(-(X @ w + b)))
    loss = -(y * np.log(p) + (1 - y) * np.log(1 - p)).mean()
    w, b = w - 0.1 * X.T @ (p - y) / 40, b - 0.1 * (p - y).mean()
"""


@pytest.mark.parametrize("returned", ["return np.zeros(3), 0", 'return {"w": np.zeros(3), "b": 0.0}.values()'])
def test_a_bias_that_is_returned_as_a_number_written_out_is_judged(tmp_path, returned):
    found = seen(tmp_path, LOGISTIC.replace("return np.zeros(3), 0", returned))
    assert settled(found) is True, certificate(found)
    assert len(found.rows) == 2


LINE = """\
from numpy import *
def error_of(b, m, points):
    total = 0
    for i in range(0, len(points)):
        total += (points[i, 1] - (m * points[i, 0] + b)) ** 2
    return total / float(len(points))
def stepped(b, m, points, rate):
    db, dm, N = 0, 0, float(len(points))
    for i in range(0, len(points)):
        x = points[i, 0]
        y = points[i, 1]
        db += -(2 / N) * (y - ((m * x) + b))
        dm += -(2 / N) * x * (y - ((m * x) + b))
    return [b - rate * db, m - rate * dm]
points = genfromtxt("data.csv", delimiter=",")
b, m = 0, 0
print(error_of(b, m, points))
for k in range(1000):
    b, m = stepped(b, m, array(points), 0.0001)
"""


def test_a_line_through_the_first_columns_of_a_wide_table_is_read_point_by_point(tmp_path):
    """The table that is handed out has more columns than the program looks at, and more rows than are recorded."""
    found = seen(tmp_path, LINE, limit=2000)
    assert settled(found) is True, certificate(found)
    assert len(found.rows) == 2


FITTED = """\
import numpy as np
class Line:
    def __init__(self, rate=0.01):
        self.rate = rate
    def fit(self, X, y):
        self.w, self.b = np.random.RandomState(1).normal(0, 0.01, X.shape[1]), np.float64(0)
        for _ in range(50):
            error = y - (X @ self.w + self.b)
            self.w += self.rate * 2 * X.T @ error / X.shape[0]
            self.b += self.rate * 2 * error.mean()
        return self
"""


def test_labels_from_which_an_output_is_subtracted_are_not_learnt(tmp_path):
    """The class trains when it is called, with many examples in rows, and not with one image for want of others."""
    path = written(tmp_path, FITTED)
    found = driven(path)
    assert found is not None
    assert settled(found) is True
    assert "rows" in found.how


ADDITION = """\
import copy
import numpy as np
bits = np.unpackbits(np.array([range(256)], dtype=np.uint8).T, axis=1)
V, W, U = np.random.rand(2, 6) - 0.5, np.random.rand(6, 1) - 0.5, np.random.rand(6, 6) - 0.5
def sigmoid(x):
    return 1 / (1 + np.exp(-x))
for j in range(4):
    one, two = np.random.randint(128), np.random.randint(128)
    a, b, c = bits[one], bits[two], bits[one + two]
    missed, slopes, states = 0, [], [np.zeros(6)]
    for k in range(8):
        X, y = np.array([[a[7 - k], b[7 - k]]]), np.array([[c[7 - k]]])
        h = sigmoid(X @ V + states[-1] @ U)
        p = sigmoid(h @ W)
        slopes.append((y - p) * p * (1 - p))
        missed += np.abs((y - p)[0])
        states.append(copy.deepcopy(h))
    dV, dW, dU, after = np.zeros_like(V), np.zeros_like(W), np.zeros_like(U), np.zeros(6)
    for k in range(8):
        X, h, before = np.array([[a[k], b[k]]]), states[-k - 1], states[-k - 2]
        d = (after @ U.T + slopes[-k - 1] @ W.T) * h * (1 - h)
        dW += np.atleast_2d(h).T @ slopes[-k - 1]
        dU += np.atleast_2d(before).T @ d
        dV += X.T @ d
        after = d
    V += 0.1 * dV; W += 0.1 * dW; U += 0.1 * dU
"""


def test_how_far_single_numbers_are_off_is_a_measure_beside_their_squared_error(tmp_path):
    """One number is a multiple of any other: eight single outputs are looked at together."""
    assert settled(seen(tmp_path, ADDITION, limit=1200)) is True
    assert settled(seen(tmp_path, ADDITION, ("after @ U.T", "after @ U"), limit=1200)) is False


SIZES = """\
import numpy as np
class Net:
    def __init__(self, n, k):
        self.n, self.k = n, k
        self.scale = np.sqrt(2.0 / self.n)
        self.W = self.scale * np.random.randn(self.n, self.k)
        self.b = np.zeros(self.k)
net = Net(4, 3)
X, Y = np.random.randn(30, 4), np.eye(3)[np.arange(30) % 3]
vW, vb = np.zeros_like(net.W), np.zeros_like(net.b)
for step in range(9):
    E = np.exp(X @ net.W + net.b)
    P = E / E.sum(1, keepdims=True)
    vW = 0.9 * vW - 0.1 * X.T @ (P - Y) / 30
    vb = 0.9 * vb - 0.1 * (P - Y).mean(0)
    net.W += vW
    net.b += vb
"""


def test_how_many_units_there_are_is_no_number_that_is_moved(tmp_path):
    """A width that an object keeps goes into the scale of its weights; moved, it would end the other runs at once."""
    found = seen(tmp_path, SIZES)
    assert settled(found) is True, certificate(found)
    assert len(found.tapes) == 3
    assert settled(seen(tmp_path, SIZES.replace("(P - Y).mean(0)", "(P + Y).mean(0)"))) is False


TWO_LAYERS_OF_NUMBERS = """\
import math
class Neuron:
    def __init__(self, weights, bias):
        self.weights, self.bias = weights, bias
    def output(self, inputs):
        self.inputs, total = inputs, 0
        for w, x in zip(self.weights, inputs):
            total += w * x
        self.out = 1 / (1 + math.exp(-(total + self.bias)))
        return self.out
hidden = [Neuron([0.15, 0.2], 0.35), Neuron([0.25, 0.3], 0.35)]
last = [Neuron([0.4, 0.45], 0.6), Neuron([0.5, 0.55], 0.6)]
for step in range(50):
    inputs, targets = [0.05, 0.1], [0.01, 0.99]
    h = [n.output(inputs) for n in hidden]
    p = [n.output(h) for n in last]
    loss = sum(0.5 * (t - y) ** 2 for t, y in zip(targets, p))
    d = [-(t - n.out) * n.out * (1 - n.out) for t, n in zip(targets, last)]
    e = [sum(d[o] * last[o].weights[k] for o in range(2)) * n.out * (1 - n.out) for k, n in enumerate(hidden)]
    for o, n in enumerate(last):
        for k in range(2):
            n.weights[k] -= 0.5 * d[o] * n.inputs[k]
    for o, n in enumerate(hidden):
        for k in range(2):
            n.weights[k] -= 0.5 * e[o] * n.inputs[k]
"""


def test_weights_that_a_bias_is_added_to_are_no_velocities_of_the_bias(tmp_path):
    """Number by number, total + bias looks like a new bias, and the weights in total like what it is moved by."""
    found = seen(tmp_path, TWO_LAYERS_OF_NUMBERS)
    assert settled(found) is True, certificate(found)
    assert len(found.rows) == 8
    assert settled(seen(tmp_path, TWO_LAYERS_OF_NUMBERS.replace("e[o] * n.inputs[k]", "e[k] * n.inputs[k]"))) is False


SCALED = """\
import numpy as np
class Layer:
    def __init__(self, n, k):
        scale = np.sqrt(1.0 / max(1, n))
        self.W = np.random.randn(n, k) * scale
layer = Layer(2, 3)
X, Y = np.random.randn(30, 2), np.random.randn(30, 3)
for step in range(9):
    loss = ((X @ layer.W - Y) ** 2).sum() / 30
    layer.W -= 0.05 * X.T @ (X @ layer.W - Y) * 2 / 30
"""


def test_what_weights_were_scaled_by_is_no_parameter_that_is_left_out(tmp_path):
    """A factor between a half and 1 looks like decay, and the weights before it like the parameter."""
    found = seen(tmp_path, SCALED)
    assert fault_apart(found, tmp_path) == ""
