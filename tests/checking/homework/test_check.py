"""Two verdicts, never mixed, and every forward mistake by name."""

import importlib.util
import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import nnref
from nnref.checking.diagnosis.catalogue.forward import FORWARD
from nnref.checking.homework.by_names import check_file
from nnref.checking.homework.watched_file import judged_file, unless_misread
from nnref.checking.reading.source import read_source
from tests.support.homework import BASE, STATEFUL
from tests.support.quick import some


@pytest.fixture
def checked(tmp_path):
    """Check BASE with some of its text replaced."""

    def check(*changes, text=BASE):
        for before, after in changes:
            assert before in text
            text = text.replace(before, after)
        path = tmp_path / "homework.py"
        path.write_text(text, encoding="utf-8")
        return check_file(path)

    return check


def test_the_right_network_is_right_on_both_questions(checked):
    report = checked()
    assert (report.ok, report.gradient_of_own_loss, report.same_loss) == (True, True, True)
    assert report.first_wrong is None
    assert [entry.checked for entry in report.entries] == [21, 3, 42, 7]


NO_LOSS = (BASE[BASE.index("def loss") : BASE.index("def backward")], "")

FORWARD_MISTAKES = {
    "softmax over the wrong axis": (
        [("axis=1, keepdims=True)\n\n", "axis=0, keepdims=True)\n\n")],
        "softmax",
        "line 9",
    ),
    "softmax over the whole array": ([("e.sum(axis=1, keepdims=True)", "e.sum()")], "softmax", "line 9"),
    "the bias is missing in layer 1": ([("x @ W1 + b1", "x @ W1")], "Z1", "line 13"),
    "the bias is missing in layer 2": ([("a1 @ W2 + b2", "a1 @ W2")], "Z2", "line 15"),
    "the activation is missing in layer 1": ([("np.maximum(0, z1)", "z1")], "A1", "line 14"),
    "overflows": ([("z - z.max(axis=1, keepdims=True)", "z")], "softmax", "line 9"),
    "adds 1e-08 within the logarithm": ([("np.log(p)", "np.log(p + 1e-8)")], "loss", "line 19"),
    "adds 1e-12 within the logarithm": ([("np.log(p)", "np.log(p + 1e-12)")], "loss", "line 19"),
    "uses log2": ([("np.log(p)", "np.log2(p)")], "loss", "line 19"),
    "mean over the classes too": ([("np.sum(y * np.log(p)) / len(y)", "np.mean(y * np.log(p))")], "loss", "line 19"),
    "sums over the examples": ([("np.log(p)) / len(y)", "np.log(p))")], "loss", "line 19"),
    "has the wrong sign": ([("return -np.sum", "return np.sum")], "loss", "line 19"),
}


@pytest.mark.parametrize(("says", "case"), some(FORWARD_MISTAKES.items(), 6, ids=lambda item: item[0]))
def test_a_forward_mistake_is_named_with_its_line(checked, says, case):
    changes, quantity, line = case
    report = checked(*changes)
    assert report.same_loss is False
    assert says in report.forward.says.lower() or says in report.forward.says, str(report)
    assert report.forward.quantity == quantity
    assert report.forward.mistake in FORWARD
    assert report.forward.place.startswith(line)
    assert not report.ok


CONSISTENT = {
    "bias": ([("a1 @ W2 + b2", "a1 @ W2"), ("db2 = dz2.sum(axis=0)", "db2 = np.zeros(3)")], "bias is missing"),
    "activation": ([("np.maximum(0, z1)", "z1"), (" * (z1 > 0)", "")], "activation is missing"),
    "summed": ([("np.log(p)) / len(y)", "np.log(p))"), ("(p - y) / len(y)", "p - y")], "sums over the examples"),
    "log2": ([("np.log(p)", "np.log2(p)"), ("(p - y)", "(p - y) / np.log(2)")], "log2"),
    "classes": ([(") / len(y)\n\n", ") / len(y) / 3\n\n"), ("(p - y) / len(y)", "(p - y) / len(y) / 3")], "classes"),
}


@pytest.mark.parametrize("name", CONSISTENT)
def test_a_wrong_forward_pass_with_a_consistent_backward_pass_fails_only_the_second_question(checked, name):
    changes, says = CONSISTENT[name]
    report = checked(*changes)
    assert (report.gradient_of_own_loss, report.same_loss) == (True, False), str(report)
    assert says in report.forward.says
    assert report.diagnoses == ()


def test_a_wrong_gradient_of_a_wrong_loss_says_what_to_mend_first(checked):
    report = checked(("np.maximum(0, z1)", "z1"))
    assert (report.gradient_of_own_loss, report.same_loss) == (False, False)
    assert "Mend this first" in str(report)


def test_mistakes_going_forward_and_back_are_both_said(checked):
    report = checked(("z - z.max(axis=1, keepdims=True)", "z"), ("db2 = dz2.sum(axis=0)", "db2 = dz2.sum()"))
    assert (report.gradient_of_own_loss, report.same_loss) == (False, False)
    assert "First mistake: db2" in str(report)
    assert "Going forward: softmax" in str(report)


def test_an_unknown_forward_pass_is_not_named_but_located(checked):
    report = checked(("np.maximum(0, z1)", "np.sin(z1) + 0.3"), NO_LOSS)
    assert report.same_loss is False
    assert report.forward.quantity == "A1"
    assert report.forward.place == "line 14:  a1 = np.sin(z1) + 0.3"
    assert "first to differ" in report.forward.says


def test_another_loss_is_judged_by_its_own_gradient(checked):
    """Squared error is no mistake: the first question alone is answered, and its gradient may be right or wrong."""
    squared = ("-np.sum(y * np.log(p)) / len(y)", "((p - y) ** 2).sum() / len(y)")
    right = (
        "dz2 = (p - y) / len(y)",
        "d = 2 * (p - y) / len(y)\n    dz2 = p * (d - (p * d).sum(axis=1, keepdims=True))",
    )
    assert (checked(squared, right).ok, checked(squared).ok) == (True, False)
    assert checked(squared).same_loss is None


def test_a_backward_mistake_is_named_with_line_and_right_line(checked):
    report = checked(("db2 = dz2.sum(axis=0)", "db2 = dz2.sum()"), ("db1 = dz1.sum(axis=0)", "db1 = dz1.sum()"))
    assert (report.gradient_of_own_loss, report.same_loss) == (False, True)
    assert report.first_wrong == "db2"
    assert report.first.place == "line 26:  db2 = dz2.sum()"
    assert report.first.right == "db2 = np.sum(dz2, axis=0)"
    assert report.first.claim == "affine.db"
    assert "dW1 and dW2 are right, so dZ1 and dZ2 are right." in str(report)
    assert "2 of 4 wrong" in str(report)


def test_the_factor_of_the_mean_stays_where_the_file_has_it(checked):
    report = checked(
        ("(p - y) / len(y)", "p - y"), ("a1.T @ dz2", "a1.T @ dz2 / len(x)"), ("x.T @ dz1", "x.T @ dz1 / len(x)"),
        ("dz2.sum(axis=0)", "dz2.sum() / len(x)"), ("dz1.sum(axis=0)", "dz1.sum(axis=0) / len(x)"),
    )  # fmt: skip
    assert report.first.right == "db2 = 1 / x.shape[0] * np.sum(dz2, axis=0)"


@pytest.mark.parametrize("columns", [80])
def test_the_report_is_no_wider_than_a_terminal(checked, columns):
    long = ("db2 = dz2.sum(axis=0)", "db2 = dz2.sum()  # " + "a remark that goes on " * 9)
    for report in (checked(), checked(long), checked(*FORWARD_MISTAKES["uses log2"][0])):
        assert max(map(len, str(report).splitlines())) <= columns


def test_the_report_is_plain_data(checked):
    report = checked(("db2 = dz2.sum(axis=0)", "db2 = dz2.sum() * np.nan"))
    text = json.dumps(report.to_dict(), allow_nan=False)
    assert json.loads(text)["first_wrong"] == "db2"


def test_what_a_call_changes_is_put_back(checked):
    report = checked(text=STATEFUL)
    assert report.ok, str(report)
    assert "gradients from (before - after) / rate" in report.reading


def test_updated_weights_are_looked_for_where_backward_updates(checked):
    stale = "        self.W2 -= self.alpha * self.a1.T @ d2\n"
    early = "        d1 = d2"
    report = checked((stale, ""), (early, stale + early), text=STATEFUL)
    assert report.first_wrong == "dA1", str(report)
    assert "updated before they were used" in report.first.says


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_unit_of_error_follows_the_precision_of_the_parameters(checked, dtype):
    single = [(f"np.{maker}", f"np.{maker}") for maker in ("ones",)]
    made = [("np.zeros(3)]", "np.zeros(3)]]"), ("return [np.ones", f"return [a.astype('{dtype}') for a in [np.ones")]
    report = checked(*single, *made)
    assert report.ok, str(report)
    assert report.settings["dtype"] == dtype


def module_of(tmp_path, text, name):
    path = tmp_path / f"{name}.py"
    path.write_text(text)
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def test_check_takes_a_module_globals_a_dict_a_class_and_an_object(tmp_path):
    functions = module_of(tmp_path, BASE.replace("dz2.sum(axis=0)", "dz2.sum()"), "base_of_functions")
    for target in (
        functions,
        vars(functions),
        {n: getattr(functions, n) for n in ("init_params", "forward", "backward")},
    ):
        report = nnref.check(target)
        assert report.first.place == "line 26:  db2 = dz2.sum()"
    classes = module_of(tmp_path, STATEFUL.replace("d1.sum(axis=0)", "d1.mean(axis=0)"), "base_of_classes")
    for target in (classes.Net, classes.Net(4, 9, 2)):
        report = nnref.check(target)
        assert report.first_wrong == "db1"
        assert report.first.place.startswith("line 28:  self.b1 -=")
    assert nnref.check(str(tmp_path / "base_of_functions.py")).first_wrong == "db2"


def test_a_path_is_watched_as_the_command_watches_it(tmp_path):
    """Names say nothing here: the program has no function, and its gradients are called p, q."""
    path = tmp_path / "script.py"
    right = "import numpy as np\nu = np.random.randn(9, 4)\nv = np.random.randn(9, 2)\nA = np.random.randn(4, 2)\n"
    right += "for _ in range(5):\n    q = ((u @ A - v) ** 2).sum()\n    p = 2 * u.T @ (u @ A - v)\n    A -= 0.01 * p\n"
    path.write_text(right, encoding="utf-8")
    assert nnref.check(path).ok
    path.write_text(right.replace("u.T @ (u @ A - v)", "u.T @ (u @ A * A[0] - v)"), encoding="utf-8")
    assert nnref.check(path).status == 1


def test_your_own_data_are_taken_in_any_layout(checked, tmp_path, rng):
    module = module_of(tmp_path, BASE, "base_for_data")
    X, labels = rng.standard_normal((9, 6)), rng.integers(0, 3, 9)
    for x, y in ((X, labels), (X.T, labels), (X, np.eye(3)[labels]), (X.T, np.eye(3)[labels].T)):
        report = nnref.check(module, x, y)
        assert report.ok, str(report)
        assert report.settings["N"] == 9


def test_check_of_loss_parameters_and_gradients_answers_the_first_question(rng):
    X, y = rng.standard_normal((5, 2)), rng.standard_normal(5)
    form = {
        "parameters": {"slope": rng.standard_normal(2)},
        "loss": lambda p: ((X @ p["slope"] - y) ** 2).mean(),
        "gradients": lambda p: {"slope": 2 * X.T @ (X @ p["slope"] - y) / 5},
    }
    assert nnref.check(form).ok
    assert nnref.check(form).same_loss is None
    form["gradients"] = lambda p: {"slope": X.T @ (X @ p["slope"] - y) / 5}
    assert nnref.check(form).wrong[0].name == "slope"


def test_what_is_all_wrong_and_unexplained_in_a_file_that_cannot_be_watched_is_no_verdict(checked, tmp_path):
    """The names may have been misread; where something is right, or a mistake is named, the verdict stands."""
    read = checked(("dz2.sum(axis=0)", "dz2.sum()"))
    assert read.status == 1
    source = read_source(Path(nnref.__file__).parent.parent / "examples" / "rows_functions.py")
    assert unless_misread(read, source) is read
    lost = replace(read, diagnoses=(), forward=None, entries=tuple(replace(e, verdict="WRONG") for e in read.entries))
    assert lost.status == 1
    assert unless_misread(lost, source).status == 3
    assert {e.verdict for e in unless_misread(lost, source).entries} == {"cannot tell"}
    asked = tmp_path / "asked.py"
    asked.write_text("parameters = {}\ndef loss(theta): ...\ndef gradients(theta): ...\n")
    assert unless_misread(lost, read_source(asked)) is lost


STOPS = """\
import numpy as np
class Dense:
    def __init__(self, n, m):
        self.w = np.random.randn(n, m) * 0.1
        self.b = np.zeros((1, m))
    def forward(self, x):
        self.x = x
        return x @ self.w + self.b
    def backward(self, grad, lr):
        dx = grad @ self.w.T
        self.w -= lr * self.x.T @ grad
        self.b -= lr * grad.sum(axis=0, keepdims=True)
        return dx
X, y = np.random.randn(32, 3), np.random.randn(32, 1)
net = [Dense(3, 8), Dense(8, 1)]
out = X
for layer in net: out = layer.forward(out)
g = 2 * (out - y) / 32
for layer in reversed(net): g = layer.backward(g, 0.1)
"""


def test_a_right_layer_makes_no_program_right_that_stops(tmp_path):
    path = tmp_path / "stops.py"
    path.write_text(STOPS.replace("reversed(net)", "net"))
    report = judged_file(path)
    assert report.status == 3
    assert "stops in line 10" in str(report).replace("\n ", "")
    path.write_text(STOPS)
    assert judged_file(path).status == 0


OVERFLOWS = """\
import numpy as np
X, Y = np.random.randn(5, 12), np.random.randint(0, 3, 12)
def forward(W1, b1, W2, b2, X):
    Z1 = W1.dot(X) + b1
    A1 = np.maximum(Z1, 0)
    Z2 = W2.dot(A1) + b2
    return Z1, A1, Z2, np.exp(Z2) / np.sum(np.exp(Z2), axis=0)
def backward(Z1, A1, Z2, A2, W1, W2, X, Y):
    dZ2 = A2 - np.eye(3)[Y].T
    dW2 = 1 / 12 * dZ2.dot(A1.T)
    db2 = 1 / 12 * np.sum(dZ2, axis=1, keepdims=True)
    dZ1 = W2.T.dot(dZ2) * (Z1 > 0)
    return 1 / 12 * dZ1.dot(X.T), 1 / 12 * np.sum(dZ1, axis=1, keepdims=True), dW2, db2
W1, b1, W2, b2 = np.random.randn(6, 5), np.zeros((6, 1)), np.random.randn(3, 6), np.zeros((3, 1))
for k in range(9):
    dW1, db1, dW2, db2 = backward(*forward(W1, b1, W2, b2, X), W1, W2, X, Y)
    W1 = W1 - .1 * dW1
    b1 = b1 - .1 * db1
    W2 = W2 + .1 * dW2
    b2 = b2 - .1 * db2
"""


def test_a_wrong_step_is_said_and_no_overflow_that_is_none_here(tmp_path):
    """The reader finds the gradients right, and what it says of the forward pass is a caution."""
    path = tmp_path / "step.py"
    path.write_text(OVERFLOWS)
    report = judged_file(path)
    assert report.status == 1
    assert report.first.place.startswith("line 19")
