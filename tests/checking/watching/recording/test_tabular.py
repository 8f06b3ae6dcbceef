"""Tables and columns are arrays where they are computed with, as people hand them to numpy without `.values`."""

import numpy as np
import pytest

from nnref.checking.watching.recording.recorder import Recorder
from nnref.checking.watching.recording.tabular import as_arrays, as_column, computed
from nnref.checking.watching.telling.report import certificate, settled
from nnref.checking.watching.world.tables import Frame, Series
from tests.support.programs import seen

CLASS = """\
import numpy as np, pandas as pd
df = pd.read_csv("visits.csv")
X = df[["age", "chol", "trestbps"]]
y = df["target"]
X = (X - X.mean()) / X.std()
class Model:
    def fit(self, X, y):
        self.w = np.random.randn(X.shape[1]) * 0.1
        self.b = 0.0
        for i in range(100):
            z = np.dot(X, self.w) + self.b
            p = 1 / (1 + np.exp(-z))
            e = y - p
            self.w += 0.1 * np.dot(X.T, e) / len(y)
            self.b += 0.1 * np.mean(e)
m = Model()
m.fit(X, y)
"""

SPLIT = """\
import numpy as np, pandas as pd
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
df = pd.read_csv("clients.csv").drop(["User ID"], axis=1)
df["Gender"] = df["Gender"].map({"Male": 1, "Female": 0})
X, y = df.drop("Purchased", axis=1), df["Purchased"]
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.2, random_state=0)
X_train = StandardScaler().fit_transform(X_train)
def cost(y, p): return (-y * np.log(p) - (1 - y) * np.log(1 - p)).mean()
w, b = np.zeros(X_train.shape[1]), 0
for i in range(1000):
    p = 1 / (1 + np.exp(-(X_train.dot(w) + b)))
    loss = cost(y_train, p)
    w -= 0.1 * X_train.T.dot(p - y_train) / len(y_train)
    b -= 0.1 * (p - y_train).sum() / len(y_train)
"""

COLUMNS = """\
import pandas as pd
df = pd.read_csv("advertising.csv")[:8]
X, Y = df["TV"], df["Sales"]
m = 0
c = 0
n = float(len(X))
for i in range(1000):
    guess = m * X + c
    D_m = (-2/n) * sum(X * (Y - guess))
    D_c = (-2/n) * sum(Y - guess)
    m = m - 0.0001 * D_m
    c = c - 0.0001 * D_c
"""

ROWS = """\
import pandas as pd
points = pd.read_csv("points.csv")[["x", "y"]][:6]
m = 0
b = 0
for i in range(300):
    gm = gb = 0
    n = len(points)
    for k in range(n):
        x = points.iloc[k].x
        y = points.iloc[k]["y"]
        gm += -(2/n) * x * (y - (m * x + b))
        gb += -(2/n) * (y - (m * x + b))
    m = m - 0.001 * gm
    b = b - 0.001 * gb
"""

ITERATED = """\
import numpy as np
from sklearn.datasets import load_breast_cancer
X, y = load_breast_cancer(return_X_y=True, as_frame=True)
X = X[["worst concave points", "worst radius"]]
X = (X - X.mean()) / X.std()
w = np.zeros(X.shape[1])
for _ in range(5):
    for k, row in X.iterrows():
        p = 1 / (1 + np.exp(-np.dot(row, w)))
        w = w - 0.1 * (p - y[k]) * row.values / len(X)
"""


@pytest.mark.parametrize(
    ("text", "change", "line"),
    [
        (CLASS, (), None),
        (CLASS, ("np.dot(X.T, e)", "np.dot(X.T, e * e)"), 14),
        (SPLIT, (), None),
        (SPLIT, (".dot(p - y_train)", ".dot(p * p - y_train)"), 14),
        (COLUMNS, (), None),
        (COLUMNS, ("sum(X * (Y - guess))", "sum(X * X * (Y - guess))"), 9),
        (ROWS, (), None),
        (ROWS, ("gm += -(2/n) * x", "gm += -(2/n) * x * x"), 11),
        (ITERATED, (), None),
        (ITERATED, ("w = w - 0.1", "w = w + 0.1"), 10),
    ],
)
def test_a_program_that_computes_with_tables_and_columns_is_judged_as_one_with_arrays(tmp_path, text, change, line):
    found = seen(tmp_path, text, *([change] if change else []))
    assert settled(found) is (line is None), found.why
    if line is not None:
        assert f"line {line}" in certificate(found).first.place


TABLE = Frame(np.arange(12.0).reshape(4, 3), ["a", "b", "label"])
WORDS = Series(np.array(["x", "y"], object), "kind")


def test_a_table_is_its_array_and_a_column_of_words_stays_what_it_is():
    assert computed(TABLE).shape == (4, 3)
    assert computed(WORDS) is WORDS
    assert computed("text") == "text"
    assert as_column(TABLE) is TABLE
    assert as_column(TABLE["a"]).tolist() == [0, 3, 6, 9]


def test_a_column_is_marked_once_and_as_what_it_holds():
    recorder = Recorder()
    from nnref.checking.watching.recording import recorder as recording

    recording._current.append(recorder)
    try:
        column = TABLE["label"]
        assert column.as_array() is column.as_array()
        assert [n.leaf for n in recorder.leaves] == ["table", "labels"]
    finally:
        recording._current.pop()


def test_numpy_is_handed_arrays_and_what_only_looks_at_a_table_is_not():
    function, args = as_arrays(np.add, "add", (TABLE["a"], 2))
    assert function is np.add
    assert isinstance(args[0], np.ndarray)
    assert as_arrays(np.mean, "mean", (TABLE,))[1][0] is TABLE  # pandas means each column
    assert as_arrays(print, "print", (TABLE,))[1][0] is TABLE
    assert as_arrays(np.column_stack, "column_stack", ([TABLE["a"], TABLE["b"]],))[1][0][1].tolist() == [1, 4, 7, 10]
