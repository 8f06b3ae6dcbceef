"""The reader finds a network in whatever way people write one, and executes nothing that it need not."""

import json
import sys
import textwrap
from itertools import product

import numpy as np
import pytest

from nnref.checking.homework.by_names import check_file
from nnref.checking.operations import record
from nnref.checking.reading import loading, names, source
from nnref.checking.reading.candidates import Unread
from tests.support.quick import some

NAMES = {
    "W1": "W", "w_2": "W", "weights1": "W", "weight": "W", "W_ih": "W", "who": "W", "weights_hidden_output": "W",
    "kernel": "W", "hidden_weights": "W", "b": "b", "bias2": "b", "biases": "b", "b_out": "b", "output_bias": "b",
    "vW1": None, "mW1": None, "batch": None, "width": None, "beta": None, "Z1": None, "A1": None, "x": None, "y": None,
}  # fmt: skip


@pytest.mark.parametrize(("name", "kind"), NAMES.items())
def test_a_parameter_is_known_by_its_name(name, kind):
    assert names.kind(name) == kind


@pytest.mark.parametrize(
    "name", ["dW1", "grad_W1", "W1_grad", "dL_dW1", "dE_dW1", "nabla_w1", "dw1", "delta_w1", "gw1"]
)
def test_a_gradient_is_known_by_its_name(name):
    assert names.gradient_of(name) == "w1"


@pytest.mark.parametrize("name", ["W1", "dZ1", "delta1", "data", "gamma", "grad", "db_connection", "vdW1"])
def test_what_is_no_gradient_is_not_taken_for_one(name):
    assert names.gradient_of(name) is None


FORWARD = (
    "forward forward_prop feedforward feed_forward forward_propagation forward_pass fprop L_model_forward forwardPass"
)
BACKWARD = (
    "backward back_prop backprop backward_propagation backpropagation bprop backward_pass L_model_backward backProp"
)
INIT = "init init_params initialize_parameters initialise init_weights make_params create_network"


@pytest.mark.parametrize(
    ("purpose", "name"),
    [(p, n) for p, names in (("forward", FORWARD), ("backward", BACKWARD), ("init", INIT)) for n in names.split()],
)
def test_a_function_is_known_by_its_name(purpose, name):
    others = ["relu", "softmax", "relu_backward", "linear_forward", "gradient_descent", "accuracy", "one_hot"]
    assert names.ranked([*others, name], purpose)[0] == name


PLAIN = {
    "n = 784": True,
    "sizes = [784, 16 * 2, 10]": True,
    "a, b = 3, (4, 5)": True,
    "relu = lambda z: np.maximum(0, z)": True,
    "W = np.random.randn(3, 4) * 0.01": True,
    "rng = np.random.default_rng(0)": True,
    "table = {'relu': relu}": True,
    "W[0] = 1": True,
    "data = np.loadtxt('train.csv')": False,
    "data = np.load('x.npy')": False,
    "data = pd.read_csv('train.csv')": False,
    "n = int(input('n? '))": False,
    "m, n = data.shape": False,
    "net = train(X)": False,
    "x = open('secret').read()": False,
    "y = undefined + 1": False,
    "print('hello')": False,
    "np.random.seed(0)": False,
    "for i in range(10): pass": False,
    "while True: pass": False,
    "assert False": False,
}


@pytest.mark.parametrize(("line", "executed"), PLAIN.items())
def test_only_plain_constants_are_executed(line, executed):
    import ast

    known = {"np": np, "relu": abs, "W": np.ones(3), "train": print, "pd": loading.Later("pandas")}
    assert loading.plain_statement(ast.parse(line).body[0], known) is executed


def loaded(tmp_path, text, name="homework.py"):
    path = tmp_path / name
    path.write_text(textwrap.dedent(text), encoding="utf-8")
    return loading.load(source.read_source(path), tmp_path)


def test_training_input_and_missing_files_are_not_reached(tmp_path):
    found = loaded(
        tmp_path,
        """
        import numpy as np
        import no_such_package
        from no_such_package.thing import helper
        data = open("no such file")
        n = int(input())
        def f(): return 3
        while True: pass
        """,
    )
    assert found.namespace["f"]() == 3
    assert len(found.skipped) == 3
    assert not found.failed


def test_an_absent_module_does_not_matter_until_it_is_used(tmp_path):
    found = loaded(tmp_path, "import no_such_package as nsp\ndef f(): return nsp.thing()\n")
    with pytest.raises(ImportError, match="this needs no_such_package, which cannot be imported here"):
        found.namespace["f"]()


def test_an_optional_import_falls_back_as_the_file_says(tmp_path):
    found = loaded(tmp_path, "try:\n    import no_such_cupy as xp\nexcept ImportError:\n    import numpy as xp\n")
    assert found.namespace["xp"] is np


def test_a_module_beside_the_file_is_defined_and_not_run(tmp_path):
    (tmp_path / "layers_beside.py").write_text("def f(): return 7\nraise SystemExit\n")
    (tmp_path / "random.py").write_text("raise SystemExit\n")
    with loading.modules_beside(tmp_path):
        found = loaded(tmp_path, "import random\nfrom layers_beside import f\nx = 1\n")
    assert found.namespace["f"]() == 7
    assert found.namespace["random"].__name__ == "random"
    assert hasattr(found.namespace["random"], "shuffle")
    assert "layers_beside" not in sys.modules


TEXT = "# naïve\nn = 3\r\nm = 4\n"


@pytest.mark.parametrize(
    "data",
    [
        TEXT.encode(),
        b"\xef\xbb\xbf" + TEXT.encode(),
        TEXT.encode("latin-1"),
        ("# -*- coding: latin-1 -*-\n" + TEXT).encode("latin-1"),
        TEXT.encode("utf-16"),
        TEXT.replace("\n", "\r").encode(),
    ],
    ids=["utf-8", "bom", "undeclared latin", "declared latin", "utf-16", "old mac"],
)
def test_any_encoding_and_line_end_is_read(tmp_path, data):
    path = tmp_path / "a.py"
    path.write_bytes(data)
    assert loading.load(source.read_source(path), tmp_path).namespace["m"] == 4


def test_a_notebook_is_read_without_its_magics_and_by_its_cells(tmp_path):
    cells = ["%matplotlib inline\n!pip install x\nimport numpy as np\nfiles = !ls\nnp.dot?\nn = 1", "%%bash\nrm -r x"]
    cells += ["x = = 3", "%%time\ndef f():\n    %timeit n\n    return 2"]
    document = {"cells": [{"cell_type": "code", "source": text.splitlines(True)} for text in cells]}
    path = tmp_path / "a.ipynb"
    path.write_text(json.dumps(document), encoding="utf-8")
    read = source.read_source(path)
    found = loading.load(read, tmp_path).namespace
    assert found["n"] == 1
    assert found["f"]() == 2
    assert read.where(read.definition("f").lineno) == "cell 4, line 2"
    assert read.unread == ("cell 3 is not Python (invalid syntax)",)


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("a.py", "def f(:\n", r"a\.py, line 1, is not Python: .*def f\(:"),
        ("a.py", "print 'x'\n", "This is Python 2: try 2to3"),
        ("a.py", 'd = {}\nprint(f"x: {d["a"} {")\n', r"line 2, is not Python"),
        ("a.py", 'print(f"x: {d")\n', "is not Python: "),
        ("a.py", "x = 1\0", "is not Python|cannot be read as Python"),
        ("a.ipynb", "{", "is no notebook: its JSON has no list of cells"),
    ],
)
def test_what_is_no_python_is_said_by_its_line(tmp_path, name, text, says):
    (tmp_path / name).write_text(text)
    with pytest.raises(source.SourceError, match=says):
        source.read_source(tmp_path / name)


def test_quotes_within_an_f_string_are_said_to_be_of_a_newer_python(tmp_path):
    (tmp_path / "a.py").write_text("d = {}\nprint(f'x: {d['a']}')\n")
    if sys.version_info >= source.NESTED:
        assert source.read_source(tmp_path / "a.py").name == "a.py"
    else:
        with pytest.raises(source.SourceError, match=r"line 2, is not Python 3\.\d+, which has no quotes of one kind"):
            source.read_source(tmp_path / "a.py")


HOMEWORK = """
import numpy as np

def init_params():
    return {{"{W}1": np.ones({w1}), "{b}1": np.zeros({b1}), "{W}2": np.ones({w2}), "{b}2": np.zeros({b2})}}

def act(z):
    return {act}

def forward(params, x):
    {W}1, {b}1, {W}2, {b}2 = params["{W}1"], params["{b}1"], params["{W}2"], params["{b}2"]
    z1 = {z1} + {b}1
    a1 = act(z1)
    z2 = {z2} + {b}2
    e = np.exp(z2 - z2.max(axis={c}, keepdims=True))
    return z1, a1, e / e.sum(axis={c}, keepdims=True)

def backward(params, x, y):
    z1, a1, p = forward(params, x)
    n = x.shape[{n}]
    dz2 = (p - {onehot}) / n
    dz1 = {da1} * {slope}
    return {{"{W}1": {dw1}, "{b}1": dz1.sum(axis={n}{keep}), "{W}2": {dw2}, "{b}2": dz2.sum(axis={n}{keep})}}
"""

ACTIVATIONS = {
    "relu": ("np.maximum(0, z)", "(z1 > 0)"),
    "tanh": ("np.tanh(z)", "(1 - a1 ** 2)"),
    "sigmoid": ("1 / (1 + np.exp(-z))", "a1 * (1 - a1)"),
    "leaky 0.01": ("np.where(z > 0, z, 0.01 * z)", "np.where(z1 > 0, 1, 0.01)"),
}


def homework(data, weights, bias, labels, activation, W="W", b="b", sizes=(6, 7, 3)):
    """One homework: data and weights as rows or columns, flat or two-dimensional biases, any labels, any activation."""
    n, h, k = sizes
    rows, turned = data == "rows", weights == "rows"
    act, slope = ACTIVATIONS[activation]

    def product_(l, a):
        matrix = f"{W}{l}" if turned == rows else f"{W}{l}.T"
        return f"{a} @ {matrix}" if rows else f"{matrix} @ {a}"

    def dW(l, a):
        g = f"{a}.T @ dz{l}" if rows else f"dz{l} @ {a}.T"
        return g if turned == rows else f"({g}).T"

    size = {"flat": "({},)", "matrix": "(1, {})" if rows else "({}, 1)"}[bias]
    back = f'params["{W}2"]' if turned != rows else f'params["{W}2"].T'
    return HOMEWORK.format(
        W=W, b=b, act=act, slope=slope,
        w1=(n, h) if turned else (h, n), w2=(h, k) if turned else (k, h), b1=size.format(h), b2=size.format(k),
        z1=product_(1, "x"), z2=product_(2, "a1"), c=int(rows), n=0 if rows else 1,
        onehot="y" if labels == "one-hot" else (f"np.eye({k})[y.reshape(-1)]" + ("" if rows else ".T")),
        da1=f"(dz2 @ {back})" if rows else f"({back} @ dz2)",
        dw1=dW(1, "x"), dw2=dW(2, "a1"), keep="" if bias == "flat" else ", keepdims=True",
    )  # fmt: skip


STYLES = [
    style
    for style in product(
        ("rows", "columns"), ("rows", "columns"), ("flat", "matrix"), ("one-hot", "int labels"), ACTIVATIONS
    )
    if not (style[0] == "columns" and style[2] == "flat")  # numpy would add (n,) along the wrong axis of columns
]


RIGHT = homework("rows", "rows", "matrix", "one-hot", "relu")


@pytest.mark.parametrize("style", some([(style,) for style in STYLES], 9, ids=lambda case: ", ".join(case[0])))
def test_every_layout_is_read_and_found_right(tmp_path, style):
    path = tmp_path / "homework.py"
    path.write_text(homework(*style))
    report = check_file(path)
    assert report.ok, str(report)
    data, weights, _, labels, activation = style
    laid = weights if weights == data else f"{weights} with X as {data}"
    assert f"as {laid}, {labels}, {activation}, softmax" in report.reading


@pytest.mark.parametrize("activation", some(record.activations(), 12))
def test_every_activation_that_has_a_record_is_recognised_as_its_record_writes_it(tmp_path, activation):
    """The lines are those of the record, with the functions they name."""
    writing = record.writing(activation)
    act = writing.forward.format(l=1).replace("Z1", "z")
    slope = writing.gradients["slope"].format(l=1).replace("Z1", "z1").replace("A1", "a1")
    slope_below = float([*activation.split(), "0"][1])
    text = FUNCTIONS + f"slope = {slope_below}\n" + homework("rows", "rows", "matrix", "one-hot", "relu")
    text = text.replace("return np.maximum(0, z)\n\ndef forward", f"return {act}\n\ndef forward")
    path = tmp_path / "homework.py"
    path.write_text(text.replace("(z1 > 0)", slope))
    report = check_file(path)
    assert report.ok, str(report)
    assert f"one-hot, {writing.called}, softmax" in report.reading
    path.write_text(text.replace("(z1 > 0)", f"(1 + {slope})"))
    report = check_file(path)
    assert not report.ok
    assert report.first.quantity == "dZ1", str(report)


FUNCTIONS = """
import numpy as np
from scipy.special import erf

def relu(z):
    return np.maximum(0, z)

def sigmoid(z):
    return 1 / (1 + np.exp(-z))

"""


@pytest.mark.parametrize("sizes", [(5, 5, 5), (7, 4, 4), (4, 4, 9), (40, 300, 2)])
@pytest.mark.parametrize("style", some([(style,) for style in STYLES[::6]], 4, ids=lambda case: ", ".join(case[0])))
def test_equal_and_unequal_sizes_are_told_apart(tmp_path, style, sizes):
    path = tmp_path / "homework.py"
    path.write_text(homework(*style, sizes=sizes))
    report = check_file(path)
    assert report.ok, str(report)


@pytest.mark.parametrize("style", STYLES[::5], ids=", ".join)
def test_the_right_line_is_right_in_the_files_own_layout(tmp_path, style):
    """The line that is proposed for a wrong dW2, put into the file in its place, mends it."""
    text = homework(*style)
    right = text[text.rindex('"W2": ') + 6 : text.rindex(', "b2"')]
    wrong = right.replace("a1", "z1")
    broken = text.replace(right, wrong)
    path = tmp_path / "homework.py"
    path.write_text(broken)
    report = check_file(path)
    assert report.first.quantity == "dW2", str(report)
    assert wrong in report.first.place
    proposed = report.first.right.rpartition(" = ")[2]
    path.write_text(broken.replace(wrong, proposed))
    assert check_file(path).ok, report.first.right


@pytest.mark.parametrize(
    ("W", "b"), [("w", "b"), ("weights", "bias"), ("W_", "b_"), ("weight", "biases"), ("kernel", "bias_")]
)
def test_parameters_may_be_spelt_in_many_ways(tmp_path, W, b):
    path = tmp_path / "homework.py"
    path.write_text(homework("rows", "rows", "matrix", "one-hot", "tanh", W, b))
    assert check_file(path).ok


LOSS_AS_A_CLASS = """
import numpy as np
class Net:
    def __init__(self):
        self.W1, self.b1 = np.random.randn(6, 5), np.zeros(5)
        self.W2, self.b2 = np.random.randn(5, 3), np.zeros(3)
    def forward(self, X):
        self.X, self.A1 = X, np.tanh(X @ self.W1 + self.b1)
        Z2 = self.A1 @ self.W2 + self.b2
        E = np.exp(Z2 - Z2.max(axis=1, keepdims=True))
        self.P = E / E.sum(axis=1, keepdims=True)
        return self.P
    def backward(self, dvalues):
        dZ2 = self.P * (dvalues - (self.P * dvalues).sum(axis=1, keepdims=True))
        self.dW2, self.db2 = self.A1.T @ dZ2, dZ2.sum(axis=0)
        dZ1 = (dZ2 @ self.W2.T) * (1 - self.A1**2)
        self.dW1, self.db1 = self.X.T @ dZ1, dZ1.sum(axis=0)
class CrossEntropy:
    def forward(self, P, Y):
        return -np.sum(Y * np.log(P)) / len(Y)
    def backward(self, P, Y):
        self.dinputs = -Y / P / len(Y)
"""


def test_a_loss_that_is_a_class_of_its_own_begins_the_backward_pass(tmp_path):
    path = tmp_path / "homework.py"
    path.write_text(LOSS_AS_A_CLASS)
    report = check_file(path)
    assert report.ok, str(report)
    assert report.reading == "W1 b1 W2 b2 as rows, one-hot, tanh, softmax"
    path.write_text(LOSS_AS_A_CLASS.replace("-Y / P / len(Y)", "-Y / P"))
    assert check_file(path).first.mistake.key == "scale.N"


FROM_THE_MODULE = """
import numpy as np
def forward(X):
    A1 = np.tanh(W1 @ X + b1)
    E = np.exp(W2 @ A1 + b2)
    return A1, E / E.sum(axis=0)
def backward(X, Y):
    A1, P = forward(X)
    dZ2 = (P - Y) / X.shape[1]
    dZ1 = W2.T @ dZ2 * (1 - A1**2)
    return {"dW2": dZ2 @ A1.T, "db2": dZ2.sum(1, keepdims=True), "dW1": dZ1 @ X.T, "db1": dZ1.sum(1, keepdims=True)}
"""


def test_parameters_that_functions_look_up_in_a_module_without_them_are_put_there(tmp_path):
    path = tmp_path / "homework.py"
    path.write_text(FROM_THE_MODULE)
    report = check_file(path)
    assert report.gradient_of_own_loss
    assert report.reading.startswith("W1 b1 W2 b2 as columns, one-hot, tanh, softmax")
    path.write_text(FROM_THE_MODULE.replace(" * (1 - A1**2)", ""))
    assert check_file(path).first.mistake.key == "slope.missing"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("x = 1\n", "a function or method that goes backward"),
        ("def backward(params, X, Y): return {}\n", "parameters that nothing in the file makes"),
        ("def init():\n    return {'W1': 1}\ndef backward(mystery): pass\n", r"makes is no chain of layers: W1 \(\)"),
        ("class Net:\n    def __init__(self, q): pass\n    def backward(self): pass\n", "cannot be made: Net takes q"),
        ("class Net:\n    def backward(self): pass\n", "holds no weights"),
        (RIGHT.replace("dz1 =", "raise KeyError('oops')\n    dz1 ="), "backward stopped: KeyError: 'oops' at line"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_says_what_is_missing(tmp_path, text, says):
    path = tmp_path / "homework.py"
    path.write_text(text)
    with pytest.raises(Unread, match=says):
        check_file(path)


def test_the_file_is_not_modified(tmp_path):
    path = tmp_path / "homework.py"
    path.write_text(homework("rows", "rows", "flat", "int labels", "relu"))
    before = path.read_bytes()
    check_file(path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
