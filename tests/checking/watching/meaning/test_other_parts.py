"""Parameters that lie in one array and are updated part by part."""

import pytest

from nnref.checking.watching.meaning.later_steps import next_step
from nnref.checking.watching.meaning.other_parts import beginning, is_part, states_begun
from nnref.checking.watching.telling.report import certificate, settled
from tests.support.programs import fault_apart, seen
from tests.support.recordings import first, roles_of

ADALINE = """\
import numpy as np
class Adaline:
    def fit(self, X, y):
        self.w = np.random.normal(scale=0.01, size=1 + X.shape[1])
        for _ in range(9):
            errors = y - self.net(X)
            self.w[1:] += 0.05 * X.T.dot(errors)
            self.w[0] += 0.05 * errors.sum()
            cost = (errors ** 2).sum() / 2.0
    def net(self, X): return np.dot(X, self.w[1:]) + self.w[0]
X = np.random.randn(60, 3)
y = np.where(np.random.randn(60) > 0, 1, -1)
Adaline().fit(X, y)
"""

LAST = """\
import numpy as np
X, Y = np.random.randn(30, 4), np.random.randn(30, 2)
W = np.random.randn(5, 2)
for _ in range(6):
    D = X @ W[:-1] + W[-1] - Y
    loss = (D ** 2).sum() / 2
    W[:-1] -= 0.01 * X.T @ D
    W[-1] -= 0.01 * D.sum(0)
"""

WRONG = [
    (ADALINE, ("errors.sum()", "errors.mean()"), "line 8"),
    (ADALINE, ("errors.sum()", "(errors ** 2).sum()"), "line 8"),
    (ADALINE, ("self.w[0] +=", "self.w[0] -="), "line 8"),
    (ADALINE, ("X.T.dot(errors)", "X.T.dot(errors ** 3)"), "line 7"),
    (LAST, ("D.sum(0)", "D.sum()"), "line 8"),
    (LAST, ("X.T @ D", "X.T @ np.abs(D)"), "line 7"),
]


BY_DATA = (
    ADALINE[: ADALINE.index("X = np.random")]
    + """\
import pandas as pd
table = pd.read_csv("iris.data", header=None)
y = np.where(table.iloc[0:100, 4].values == "Iris-setosa", -1, 1)
X = np.copy(table.iloc[0:100, [0, 1, 2]].values)
X[:, 0] = (X[:, 0] - X[:, 0].mean()) / X[:, 0].std()
Adaline().fit(X, y)
"""
)
"""The labels are computed of words, and the data are taken for what the parts meet."""


@pytest.mark.parametrize("text", [ADALINE, BY_DATA, LAST])
def test_all_parts_are_judged(tmp_path, text):
    found = seen(tmp_path, text)
    assert settled(found) is True
    assert sum(row.truth[0].size for row in found.rows) == (10 if text is LAST else 4)
    assert "(updated in line 7 and line 8)" in certificate(found).reading


@pytest.mark.parametrize(("text", "change", "line"), WRONG, ids=[change[1] for _, change, _ in WRONG])
def test_a_wrong_part_is_named_beside_a_right_one(tmp_path, text, change, line):
    found = seen(tmp_path, text, change)
    assert settled(found) is False
    assert certificate(found, mend=False).first.place.startswith(line)


def test_the_parts_of_the_next_step_are_none_of_this_one(tmp_path):
    role, _ = roles_of(tmp_path, LAST)
    assert [u.end.site.line for u in role.updates] == [7, 8]
    assert all(is_part(u) for u in role.updates)
    assert beginning(role.graph.tape[role.last]).index != role.updates[0].base.index


def test_every_state_of_an_array_that_a_loop_writes_into_begins_as_the_array_was_before(tmp_path):
    role, run = roles_of(tmp_path, ENTRY_BY_ENTRY)
    begun = states_begun(role.graph)
    states = [node for node in run.tape if node.op == "put"]
    assert len(states) > 4
    assert {begun[node.index] for node in states} == {first(run, "w")}


def test_in_the_next_step_no_part_of_the_first_one_is_taken_for_one_of_it(tmp_path):
    role, _ = roles_of(tmp_path, LAST)
    after = next_step(role)
    assert after.updates[0].end.site.line == 7
    assert {u.base for u in after.updates}.isdisjoint(u.base for u in role.updates)


def test_a_part_that_the_forward_pass_shows_only_in_the_whole_is_judged_as_a_part_of_it(tmp_path):
    whole = ("X @ W[:-1] + W[-1] - Y", "np.c_[X, np.ones(30)] @ W - Y")
    assert settled(seen(tmp_path, LAST, whole)) is True
    found = seen(tmp_path, LAST, whole, ("D.sum(0)", "D.mean(0)"))
    assert settled(found) is False
    assert certificate(found, mend=False).first.place.startswith("line 8")


ENTRY_BY_ENTRY = """\
import numpy as np
X, y = np.random.randn(30, 4), np.random.randn(30, 1)
w = np.random.randn(4)
def fit(X, y, w):
    for _ in range(6):
        error = X @ w - y[:, 0]
        loss = error @ error / 60
        for j in range(4):
            w[j] = w[j] - 0.01 * np.sum(error * X[:, j]) / 30
fit(X, y, w)
"""

MATRICES = """\
import numpy as np
X, y = np.matrix(np.random.randn(30, 4)), np.matrix(np.random.randn(30, 1))
w = np.matrix(np.random.randn(1, 4))
def fit(X, y, w):
    new = np.matrix(np.zeros(w.shape))
    for _ in range(6):
        error = X * w.T - y
        for j in range(4):
            new[0, j] = w[0, j] - 0.01 * np.sum(np.multiply(error, X[:, j])) / 30
        w = new
        loss = np.sum(np.power(X * w.T - y, 2)) / 60
fit(X, y, w)
"""
"""The same with np.matrix, whose product is *, and in which one entry is a number and no view."""


@pytest.mark.parametrize("text", [ENTRY_BY_ENTRY, MATRICES], ids=["array", "matrix"])
def test_entries_that_are_updated_one_by_one_are_all_judged(tmp_path, text):
    found = seen(tmp_path, text)
    assert settled(found) is True
    assert sum(row.truth[0].size for row in found.rows) == 4
    assert fault_apart(found, tmp_path) == ""


@pytest.mark.parametrize("text", [ENTRY_BY_ENTRY, MATRICES], ids=["array", "matrix"])
@pytest.mark.parametrize("change", [("error", "abs(error)"), ("X[:, j]", "X[:, 0]")])
def test_a_wrong_entry_is_wrong_beside_a_right_one(tmp_path, text, change):
    _, line = text.rsplit("X[:, j]", 1)[0].rsplit("\n", 1)
    changed = (line + "X[:, j]").replace(*change)
    assert settled(seen(tmp_path, text, (line + "X[:, j]", changed))) is False


PERCEPTRON = """\
import numpy as np
X = np.random.randn(30, 4)
y = np.where(X[:, :1] > 0, 1, -1)
w = np.zeros(5)
for x, t in zip(X, y):
    update = 0.1 * (t - np.where(x @ w[1:] + w[0] >= 0, 1, -1))
    w[1:] += update * x
    w[0] += update
"""


def test_an_entry_to_which_an_array_of_one_entry_is_added_is_judged(tmp_path):
    """t is an array of one entry, and so is update."""
    assert settled(seen(tmp_path, PERCEPTRON)) is True
    found = seen(tmp_path, PERCEPTRON, ("w[0] += update", "w[1] += update"))
    assert settled(found) is False
