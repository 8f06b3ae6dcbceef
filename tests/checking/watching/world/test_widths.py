"""Tables that are made up are as wide as the program says, and labels lie in a file of their own where it reads one."""

import ast

import pytest

from nnref.checking.watching.telling.report import settled
from nnref.checking.watching.world.widths import stated_width
from tests.support.programs import seen


@pytest.mark.parametrize(
    ("source", "width"),
    [
        ("input_size = 1568", 1568),
        ("n_in, n_hidden, n_out = 13, 20, 3", 13),
        ("net = Net(input_size=13)", 13),
        ("def net(n_inputs=5): pass", 5),
        ("self.layers = [4, 8, 3]", 4),
        ("input_size = 784", None),
        ("input_size = 7; images.reshape(-1, 28, 28)", None),
        ("input_size = 5; n_inputs = 6", None),
        ("inputs = 5; X = 3", None),
        ("layers = [n, 8, 3]", None),
    ],
)
def test_a_width_is_stated_by_its_name_once_and_of_pictures_by_none(source, width):
    assert stated_width(list(ast.walk(ast.parse(source)))) == width


TRAINED = """\
import numpy as np
input_size, classes = 11, 2
{read}
T = np.eye(classes)[y.astype(int)]
W, b = np.random.randn(input_size, classes), np.zeros(classes)
for k in range(3):
    E = np.exp(X @ W + b)
    P = E / E.sum(1, keepdims=True)
    loss = -np.mean(np.sum(T * np.log(P), axis=1))
    d = (P - T) / len(X)
    W -= 0.1 * X.T @ d
    b -= 0.1 * d.sum(0)
"""

READ = {
    "the label last": "t = np.loadtxt('../d/train.txt', delimiter=','); X, y = t[:, :-1], t[:, -1]",
    "the label first": "t = np.genfromtxt('train.csv', delimiter=','); X, y = t[:, 1:], t[:, 0]",
    "a file of labels": "X = np.loadtxt('data/x.csv', delimiter=','); y = np.loadtxt('data/labels.csv')",
    "pandas": "import pandas as pd; X = pd.read_csv('features.csv').values; y = pd.read_csv('y.csv').values[:, 0]",
}


@pytest.mark.parametrize("read", READ)
def test_what_is_read_is_as_wide_as_the_program_says(read, tmp_path):
    text = TRAINED.format(read=READ[read])
    assert settled(seen(tmp_path, text)) is True
    assert settled(seen(tmp_path, text, ("d = (P - T)", "d = (P + T)"))) is False


OPENED = """\
import csv
import numpy as np
def rows(name):
    with open(name) as file:
        return [np.array(row) for row in csv.reader(file, quoting=csv.QUOTE_NONNUMERIC)]
X, y = rows("data/train_images.csv"), rows("data/train_labels.csv")
"""


def test_of_two_files_of_text_one_has_pixels_and_the_other_labels(tmp_path):
    names = seen(tmp_path, OPENED).runs[0].namespace
    assert {row.shape for row in names["X"]} == {(784,)}
    assert {row.shape for row in names["y"]} == {(1,)}
