"""Files that call nothing: they are made to compute a gradient, and each gradient is judged by what it is of."""

import textwrap
from itertools import count

import pytest

from nnref.checking.watching.calls import driven as search
from nnref.checking.watching.calls import driving
from nnref.checking.watching.calls.driven import driven
from nnref.checking.watching.calls.pairing import paired
from nnref.checking.watching.telling.report import settled
from tests.support.quick import some

STYLES = {
    "an object that trains": """
        class Net:
            def __init__(self, n_inputs, n_hidden, n_outputs):
                self.W1, self.W2 = np.random.randn(n_inputs, n_hidden), np.random.randn(n_hidden, n_outputs)

            def fit(self, X_train, y_train, epochs, lr):
                for _ in range(epochs):
                    A = np.tanh(X_train @ self.W1)
                    P = 1 / (1 + np.exp(-A @ self.W2))
                    dZ = (P - y_train) / len(X_train)
                    dW2 = A.T @ dZ
                    dW1 = X_train.T @ (dZ @ self.W2.T * (1 - A**2))
                    self.W1 -= lr * dW1
                    self.W2 -= lr * dW2
        """,
    "forward and backward of an object": """
        class Net:
            def __init__(self, layer_sizes):
                self.weights = [np.random.randn(m, n) for n, m in zip(layer_sizes, layer_sizes[1:])]

            def forward(self, x):
                self.a = [x]
                for w in self.weights:
                    self.a.append(1 / (1 + np.exp(-w @ self.a[-1])))
                return self.a[-1]

            def backward(self, x, y):
                self.forward(x)
                delta, nabla_w = (self.a[-1] - y) / x.shape[1], []
                for k in range(len(self.weights) - 1, -1, -1):
                    nabla_w.insert(0, delta @ self.a[k].T)
                    dW1 = self.a[k]
                    delta = self.weights[k].T @ delta * dW1 * (1 - dW1)
                return nabla_w
        """,
    "functions in turn": """
        def init_parameters(n_x, n_h, n_y):
            return {"W1": np.random.randn(n_h, n_x), "W2": np.random.randn(n_y, n_h)}

        def forward_propagation(X, parameters):
            A1 = np.tanh(parameters["W1"] @ X)
            E = np.exp(parameters["W2"] @ A1)
            return E / E.sum(axis=0), {"A1": A1, "A2": E / E.sum(axis=0)}

        def backward_propagation(parameters, cache, X, Y):
            dZ2 = (cache["A2"] - Y) / X.shape[1]
            dZ1 = parameters["W2"].T @ dZ2 * (1 - cache["A1"] ** 2)
            dW1 = dZ1 @ X.T
            return {"dW1": dW1, "dW2": dZ2 @ cache["A1"].T}
        """,
    "a function that returns the loss and its gradient": """
        def softmax_loss(W, X, y, reg):
            S = X @ W
            P = np.exp(S - S.max(axis=1, keepdims=True))
            P /= P.sum(axis=1, keepdims=True)
            loss = -np.log(P[np.arange(len(y)), y]).mean() + reg * np.sum(W * W)
            P[np.arange(len(y)), y] -= 1
            dW1 = X.T @ P / len(y)
            dW = dW1 + 2 * reg * W
            return loss, dW
        """,
    "layers put together": """
        class Full:
            def __init__(self, n, m):
                self.weights = np.random.randn(n, m)

            def forward(self, x):
                self.x = x
                return np.tanh(x @ self.weights)

            def backward(self, error, rate):
                error = error * (1 - np.tanh(self.x @ self.weights) ** 2)
                back, dW1 = error @ self.weights.T, self.x.T @ error
                self.weights -= rate * dW1
                return back

        class Network:
            def __init__(self):
                self.layers = []

            def add(self, layer):
                self.layers.append(layer)

            def train(self, x_train, y_train, epochs):
                for _ in range(epochs):
                    out = x_train
                    for layer in self.layers:
                        out = layer.forward(out)
                    error = 2 * (out - y_train) / y_train.size
                    for layer in reversed(self.layers):
                        error = layer.backward(error, 0.1)

        net = Network()
        net.add(Full(4, 5))
        net.add(Full(5, 3))
        """,
}


def watched(tmp_path, text):
    """What is seen when a program's text is driven."""
    path = tmp_path / "program.py"
    path.write_text("import numpy as np\n\n" + textwrap.dedent(text), encoding="utf-8")
    return driven(path, seconds=60)


@pytest.mark.parametrize("style", STYLES)
def test_a_program_that_calls_nothing_is_called_and_right(tmp_path, style):
    found = watched(tmp_path, STYLES[style])
    parameters = {"forward and backward of an object": 3, "a function that returns the loss and its gradient": 1}
    assert [row.verdict for row in found.rows] == ["ok"] * parameters.get(style, 2), found.how


@pytest.mark.parametrize("style", some(STYLES, 5))
def test_the_same_with_one_gradient_halved_in_some_columns_is_wrong(tmp_path, style):
    """dW1 is the name of a gradient, or of what one is made of, in every style."""
    text = STYLES[style]
    line = next(line for line in text.splitlines() if line.strip().startswith(("dW1 =", "back, dW1 =")))
    spoiled = (
        line
        + "\n"
        + line[: len(line) - len(line.lstrip())]
        + "dW1 = dW1 * np.linspace(1, 2, dW1.size).reshape(dW1.shape)"
    )
    found = watched(tmp_path, text.replace(line, spoiled))
    assert "WRONG" in [row.verdict for row in found.rows]


UPDATE = """
        def update_parameters(parameters, grads, learning_rate):
            for k in (1, 2):
                parameters[f"W{k}"] = parameters[f"W{k}"] - learning_rate * grads[f"dW{k}"]
            return parameters
        """


def test_the_sign_of_returned_gradients_is_judged_by_the_update_that_the_file_has(tmp_path):
    text = STYLES["functions in turn"] + UPDATE
    assert [row.verdict for row in watched(tmp_path, text).rows] == ["ok"] * 2
    uphill = text.replace('cache["A2"] - Y', 'Y - cache["A2"]')
    assert [row.verdict for row in watched(tmp_path, uphill).rows] == ["WRONG"] * 2
    assert [row.verdict for row in watched(tmp_path, uphill.replace("] - learning", "] + learning")).rows] == ["ok"] * 2


def test_a_file_in_a_package_is_read_with_its_relative_imports(tmp_path):
    inner = tmp_path / "nets" / "models"
    inner.mkdir(parents=True)
    (tmp_path / "nets" / "__init__.py").write_text("", encoding="utf-8")
    (inner / "__init__.py").write_text("", encoding="utf-8")
    (tmp_path / "nets" / "slopes.py").write_text("def squash(z):\n    return 1 / (1 + 2.718281828459045 ** -z)\n")
    text = """
        from ..slopes import squash
        import nets.slopes

        def train(X, y, W, lr=0.1):
            p = squash(X @ W)
            W -= lr * X.T @ ((p - y) * p * (1 - p))
            return W
        """
    found = watched(inner, text)
    assert [row.verdict for row in found.rows] == ["ok"]


def test_an_error_under_a_guessed_call_says_nothing(tmp_path):
    """The class asks for strings that nothing in the file names: no gradient is computed, and none is called wrong."""
    text = """
        class Net:
            def __init__(self, n_in=3, n_out=2):
                self.W = np.random.randn(n_in, n_out)

            def train(self, X, y, lr=0.1):
                self.W -= lr * X.T @ (X @ self.W - y)
                raise ValueError("shapes")
        """
    assert watched(tmp_path, text) is None


def test_a_layer_that_a_network_uses_is_not_judged_as_the_network(tmp_path):
    text = """
        class Last:
            def __init__(self, n_in, n_out):
                self.W = np.random.randn(n_in, n_out)

            def forward(self, x):
                self.x = x
                return x @ self.W

            def backward(self, y):
                self.dW = self.x.T @ (self.x @ self.W - y)

        class Unknown:
            def __init__(self, something_strange):
                self.last = Last(3, 2)

            def backward(self, peculiar):
                self.last.backward(peculiar)
        """
    assert watched(tmp_path, text) is None


def test_gradients_are_paired_by_name_and_not_where_shapes_leave_two_ways():
    a, b, c, d = ([k] for k in range(4))
    assert dict(paired({("W1",): a, ("b1",): b}, {("db1",): c, ("dW1",): d})) == {("W1",): d, ("b1",): c}
    assert dict(paired({("gamma",): a}, {("dgamma",): c, ("dbeta",): d})) == {("gamma",): c}
    assert dict(paired({("W",): 0.5, ("U",): 0.25}, {("x",): 1.0, ("y",): 2.0})) == {}


def test_a_search_that_is_cut_short_calls_nothing_wrong(tmp_path, monkeypatch):
    """Columns, where the bias's gradient is not summed, are tried before the one column that is meant."""
    text = """
        class Network:
            def __init__(self, sizes):
                self.num_layers = len(sizes)
                self.biases = [np.random.randn(y, 1) for y in sizes[1:]]
                self.weights = [np.random.randn(y, x) for x, y in zip(sizes[:-1], sizes[1:])]

            def backprop(self, x, y):
                nabla_b = [np.zeros(b.shape) for b in self.biases]
                nabla_w = [np.zeros(w.shape) for w in self.weights]
                activations = [x]
                for b, w in zip(self.biases, self.weights):
                    activations.append(1 / (1 + np.exp(-(w @ activations[-1] + b))))
                delta = (activations[-1] - y) * activations[-1] * (1 - activations[-1])
                for k in range(1, self.num_layers):
                    nabla_b[-k], nabla_w[-k] = delta, delta @ activations[-k - 1].T
                    a = activations[-k - 1]
                    delta = self.weights[-k].T @ delta * a * (1 - a)
                return nabla_b, nabla_w
        """
    assert settled(watched(tmp_path, text)) is True
    verdicts = set()
    for seconds in (1, 10, 19):
        ticks = count()
        monkeypatch.setattr(search, "process_time", ticks.__next__)
        found = driven(tmp_path / "program.py", seconds=seconds)
        verdicts.add(found and settled(found))
    assert verdicts == {None, True}


def test_what_goes_forward_first_is_called_as_what_goes_back_is():
    names = ["linear_forward", "L_model_forward", "L_model_backward"]
    assert driving.likeliest_first(names, "L_model_backward") == ["L_model_forward", "linear_forward"]
    assert driving.likeliest_first(names[:2], "back") == names[:2]
