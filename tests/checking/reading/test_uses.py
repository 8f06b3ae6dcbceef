"""What cannot be told by its name is told by its use, its shape or its numbers; what cannot be told at all, is not."""

import ast
import textwrap

import numpy as np
import pytest

from nnref.checking.homework.by_names import check_file
from nnref.checking.reading import containers, uses
from tests.support.quick import some


def function(text):
    return ast.parse(textwrap.dedent(text)).body[0]


@pytest.mark.parametrize(
    ("text", "roles"),
    [
        ("def f(p, x): return x @ p['W1']", {"p": "parameters"}),
        ("def f(w, x): return x @ w.W1", {"w": "parameters"}),
        ("def f(q, x):\n    W1, b1 = q\n    return x @ W1", {"q": "parameters"}),
        ("def f(net, l): return net['W' + str(l)]", {"net": "parameters"}),
        ("def f(net, l): return net[f'b{l}']", {"net": "parameters"}),
        ("def f(c, y): return c['A1'] - y", {"c": "cache"}),
        ("def f(p, y): return p[0] - y", {}),
        ("def f(self): return self.W1", {}),
    ],
)
def test_an_argument_is_what_is_taken_out_of_it(text, roles):
    assert uses.argument_roles(function(text)) == roles


@pytest.mark.parametrize(
    ("text", "one"),
    [
        ("def f(d, x): return np.outer(d, x)", True),
        ("def f(d, x): return d @ x.T / m", False),
        ("def f(d, x): return d.sum(axis=0)", False),
        ("def f(d, x): return d / x.shape[1]", False),
        ("def f(d, x): return np.zeros(x.shape) + d", True),
        ("def f(d, x): return d.mean()", False),
    ],
)
def test_a_backward_pass_for_one_example_speaks_of_no_batch(text, one):
    assert uses.one_example([function(text)]) is one


def leaky(z):
    return ALPHA * z  # noqa: F821


def update(w, g):
    return w - ALPHA * g  # noqa: F821


def test_an_alpha_is_a_learning_rate_only_where_it_is_used_for_learning():
    assert uses.learning_rate("ALPHA", {"update": update})
    assert not uses.learning_rate("ALPHA", {"leaky": leaky, "update": update})


@pytest.mark.parametrize("order", ["W1 b1 W2 b2", "W1 W2 b1 b2", "W2 b2 W1 b1", "W2 W1 b2 b1"])
def test_gradients_without_names_are_told_by_their_shapes(order):
    shapes = {"W1": (2, 3), "b1": (2, 1), "W2": (4, 2), "b2": (4, 1)}
    arrays = {name: np.zeros(shape) for name, shape in shapes.items()}
    found = containers.ordered([arrays[name] for name in order.split()], list(shapes), shapes)
    assert all(found[name] is arrays[name] for name in shapes)


def test_gradients_of_one_shape_are_in_the_order_of_their_parameters():
    shapes = {name: (3, 3) if name[0] == "W" else (3, 1) for name in ("W1", "b1", "W2", "b2")}
    arrays = [np.full(shapes[name], k) for k, name in enumerate(("W2", "b2", "W1", "b1"))]
    assert containers.ordered(arrays, ["W2", "b2", "W1", "b1"], shapes)["W1"][0, 0] == 2


@pytest.mark.parametrize("h", [1, 5])
@pytest.mark.parametrize("order", ["W1 b1 W2 b2", "W1 W2 b1 b2", "W1 W2"])
def test_parameters_without_names_are_told_by_the_chain_they_make(order, h):
    arrays = {"W1": np.ones((h, 4)), "b1": np.ones((h, 1)), "W2": np.ones((3, h)), "b2": np.ones((3, 1))}
    found = containers.parameters([arrays[name] for name in order.split()])
    assert {name: (k,) for k, name in enumerate(order.split())} == found.paths


def test_arrays_that_make_no_chain_are_no_parameters():
    assert not containers.parameters([np.ones((4, 5)), np.ones(4), np.ones((7, 3)), np.ones(7)]).paths


DEEP = """
import numpy as np

def init_params():
    return {"W1": np.ones((6, 7)), "b1": np.zeros(7), "W2": np.ones((7, 5)), "b2": np.zeros(5),
            "W3": np.ones((5, 3)), "b3": np.zeros(3)}

def softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)

def forward(params, x):
    a1 = np.tanh(x @ params["W1"] + params["b1"])
    a2 = np.tanh(a1 @ params["W2"] + params["b2"])
    return a1, a2, softmax(a2 @ params["W3"] + params["b3"])

def backward(params, x, y):
    a1, a2, p = forward(params, x)
    n = len(y)
    e3 = p - y
    e2 = e3 @ params["W3"].T * (1 - a2 ** 2)
    e1 = e2 @ params["W2"].T * (1 - a1 ** 2)
    return {"dW3": a2.T @ e3 / n, "db3": e3.sum(axis=0) / n, "dW2": a1.T @ e2 / n, "db2": e2.sum(axis=0) / n,
            "dW1": x.T @ e1 / n, "db1": e1.sum(axis=0) / n}
"""


@pytest.fixture
def checked(tmp_path):
    """Check DEEP with some of its text replaced."""

    def check(*changes):
        text = DEEP
        for before, after in changes:
            assert before in text
            text = text.replace(before, after)
        path = tmp_path / "homework.py"
        path.write_text(text, encoding="utf-8")
        return check_file(path)

    return check


STRANGE = ("(1 - a2 ** 2)", "np.sqrt(abs(a2))")


def test_past_a_mistake_that_nobody_knows_the_search_goes_on_from_the_file_s_own_dZ(checked):
    """e2 is wrong in a way of its own, and carries no 1/N; what was made of it is right, but for db1."""
    report = checked(STRANGE, ("e1.sum(axis=0) / n", "e1.sum() / n"))
    assert [(m.quantity, m.mistake and m.mistake.key) for m in report.mistakes] == [
        ("dZ2", None),
        ("db1", "bias.one_number"),
    ]
    assert report.first.place.startswith("line 21:  e2 = e3")
    assert "dW3 and db3 are right, so dA2 and dZ3 are right." in report.explanation


def test_a_right_file_has_no_mistake_whatever_scale_its_dZ_has(checked):
    assert checked().ok
    assert checked(("e3 = p - y", "e3 = (p - y) / n"), (" / n,", ","), (" / n}", "}")).ok


def test_an_array_that_is_called_dZ_and_is_not_is_left_out(checked):
    """The name e2 stands for something else by the time the function returns: nothing is concluded from it."""
    late = ('    return {"dW3"', '    dz2 = np.ones_like(e2)\n    return {"dW3"')
    report = checked(STRANGE, late)
    assert report.first_wrong == "dZ2"
    assert report.diagnosis is None


SIGMOID = DEEP.replace("softmax(a2 @", "sigmoid(a2 @").replace(
    "def softmax(z):", "def sigmoid(z):\n    return 1 / (1 + np.exp(-z))\n\ndef softmax(z):"
)


@pytest.mark.parametrize(
    ("line", "loss"),
    some([("e3 = p - y", "binary cross-entropy"), ("e3 = 2 * (p - y) * p * (1 - p)", "squared error")], 99),
)
def test_of_a_sigmoid_output_the_loss_that_is_meant_is_found_by_its_slope(tmp_path, line, loss):
    path = tmp_path / "homework.py"
    path.write_text(SIGMOID.replace("e3 = p - y", line))
    report = check_file(path)
    assert report.ok, str(report)
    assert f"no loss found, {loss} used" in report.reading
    path.write_text(SIGMOID.replace("e3 = p - y", f"{line}\n    e3 = e3 ** 3"))
    assert check_file(path).gradient_of_own_loss is None  # as the slope of a fourth power would be
