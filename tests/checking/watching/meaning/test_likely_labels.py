"""What may be the labels of a program, the likeliest first."""

import numpy as np
import pytest

from nnref.checking.watching.meaning.likely_labels import (
    ALIKE_LEAVES,
    beside,
    columns,
    label_candidates,
    of_constants,
    of_rows,
    replaced_by_name,
    unlike,
    unscaled,
)
from nnref.checking.watching.telling.report import settled
from tests.checking.watching.test_kinds import SENTENCES
from tests.support.programs import seen
from tests.support.recordings import STEP, first, graph, node


def offered(tmp_path, text, *changes):
    """The names of what may be the labels of a program, in their order."""
    found, _ = graph(tmp_path, text, *changes)
    return [[name for n in nodes for name in n.names[:1]] for nodes in label_candidates(found)]


def test_what_is_replaced_by_itself_and_more_is_offered_as_labels_nowhere(tmp_path):
    assert offered(tmp_path, STEP)[:2] == [["X"], ["Y"]]
    found, run = graph(tmp_path, STEP)
    assert [replaced_by_name(found, first(run, name)) for name in ("X", "Y", "W", "b")] == [False, False, True, True]


def test_so_is_what_is_replaced_by_itself_and_several_more(tmp_path):
    """As with a momentum: the sum of the first two has no name."""
    found, run = graph(tmp_path, STEP, ("b = b - 0.1 * db", "b = b - 0.1 * db - 0.01 * db"))
    assert [replaced_by_name(found, first(run, name)) for name in ("Y", "b")] == [False, True]


def test_weights_that_are_scaled_before_they_are_replaced_are_no_labels(tmp_path):
    found, run = graph(tmp_path, STEP, ("np.random.randn(3, 2)", "0.1 * np.random.randn(3, 2)"))
    drawn = next(n for n in run.tape if n.shape == (3, 2))
    assert replaced_by_name(found, drawn)


def test_labels_that_were_written_out_come_before_data_that_were_drawn(tmp_path):
    assert offered(
        tmp_path, STEP, ("np.random.randn(6, 2)\n", "np.array([[0., 1], [1, 0], [0, 1], [1, 0], [0, 1], [1, 0]])\n")
    )[0] == ["Y"]


def test_of_a_table_its_last_column_comes_before_its_first(tmp_path):
    found, run = graph(tmp_path, "import numpy as np\nT = np.ones((4, 3))\na = T[:, 0] * 2\nb = T[:, 2] * 2\n")
    assert [nodes[0].site.line for nodes in columns(found, [run.tape[0]])] == [4, 3]


def test_the_classes_that_choose_rows_of_an_identity_matrix_are_offered(tmp_path):
    text = "import numpy as np\ny = np.arange(4) % 2\nY = np.eye(2)[y]\nZ = np.eye(2)[[0, 1]]\n"
    _, run = graph(tmp_path, text)
    assert of_rows(node(run, "Y")) is node(run, "y")
    assert of_rows(node(run, "Z")) is None


def test_a_number_times_what_has_a_name_is_that(tmp_path):
    found, run = graph(tmp_path, "import numpy as np\nrate, Y = 0.5, np.ones(3)\nZ = (3 * Y) - Y\nc = -rate\n")
    scaled = node(run, "Z").args[0]
    assert unscaled(scaled) is node(run, "Y")
    assert unscaled(node(run, "Z")) is node(run, "Z")
    assert of_constants(found, node(run, "c"))
    assert not of_constants(found, node(run, "Z"))


def test_of_many_leaves_of_one_line_the_first_few_are_tried(tmp_path):
    text = "import numpy as np\nA = [np.random.randn(2) for _ in range(9)]\nB = np.random.randn(2)\n"
    found, run = graph(tmp_path, text)
    assert [n.index for n in unlike(found, run.tape)] == [*range(ALIKE_LEAVES), 9]
    assert np.shape(run.tape[9].value) == (2,)


def test_what_a_condition_compares_with_a_number_is_offered(tmp_path):
    text = "import numpy as np\nx, w = np.random.randn(4), np.random.randn(4)\nlab = x > 0\nz = x * w\n"
    found, run = graph(tmp_path, f"{text}q = np.where(lab == 1, z, 1 - z)\n")
    assert next(beside(node(run, "q")))[0] is node(run, "lab")
    assert (node(run, "lab"),) in list(label_candidates(found))


def test_of_many_leaves_of_one_line_those_are_tried_that_are_used_first(tmp_path):
    text = "import numpy as np\nA = [np.zeros(2) for _ in range(9)]\nfor a in A: a[0] = 1.0\n"
    text += "B = [A[k] * 2 for k in (7, 5, 8)]\n"
    found, run = graph(tmp_path, text)
    leaves = [n for n in run.tape if n.leaf == "zeros"]
    assert [leaves.index(n) for n in unlike(found, leaves)] == [0, 5, 7, 8]


def test_examples_that_are_shuffled_before_the_first_step_have_their_labels(tmp_path):
    """The labels of the first step are none of those that were made first."""
    text = """\
import numpy as np
rows = []
for k in range(40):
    t = np.zeros((3, 1))
    t[np.random.randint(3)] = 1.0
    rows.append((np.random.rand(4, 1), t))
W, b = np.random.randn(3, 4), np.zeros((3, 1))
for epoch in range(2):
    rows = rows[::-1]
    for s in range(0, 40, 5):
        dW, db = np.zeros((3, 4)), np.zeros((3, 1))
        for x, t in rows[s:s + 5]:
            a = 1 / (1 + np.exp(-(W @ x + b)))
            d = (a - t) * a * (1 - a)
            dW, db = dW + d @ x.T, db + d
        W, b = W - 0.3 * dW, b - 0.3 * db
"""
    found = seen(tmp_path, text)
    assert settled(found) is True
    assert settled(seen(tmp_path, text, ("d = (a - t)", "d = (t - a)"))) is False


CLASSES = """\
import numpy as np
classes = 3
text = np.random.randint(0, classes, 30)
X, t = np.eye(3)[text], (text + text // 2) % classes
W = np.random.randn(3, 3)
for step in range(2):
    p = X @ W
    loss = -p[np.arange(30), t].mean()
    d = np.zeros((30, 3))
    d[np.arange(30), t] = -1 / 30
    W -= 0.1 * X.T @ d
"""


def test_labels_made_of_the_inputs_and_of_numbers_that_are_written_out_are_offered(tmp_path):
    """Not only once a second step has put all of these into the outputs."""
    found, _ = graph(tmp_path, CLASSES.replace("range(2)", "range(1)"))
    assert ["t"] in [[name for n in nodes for name in n.names[:1]] for nodes in label_candidates(found)]


WRITTEN = """\
import numpy as np
W = np.random.randn(3, 4)
pairs = []
for k in range(4):
    x, y = np.random.randn(4), np.zeros(3)
    y[int(x.sum()) % 3] = 1.0
    pairs.append((x, y))
for step in range(1):
    for x, y in pairs:
        d = W @ x - y
        W -= 0.1 * np.outer(d, x)
"""


def test_a_target_that_is_written_into_zeros_is_offered_as_those_alone(tmp_path):
    """So that those of all examples, which were made on one line, are labels together."""
    found, _ = graph(tmp_path, WRITTEN)
    assert all(node.op != "put" for nodes in label_candidates(found) for node in nodes)


WITH_MOMENTUM = """\
import math
def sig(z):
    return 1 / (1 + math.exp(-z))
class Net:
    def __init__(self):
        self.wi = [[0.4, 0.8], [0.5, 0.7], [-0.6, -0.2]]
        self.wo = [[0.0], [0.0]]
        self.wo[0][0] = -0.4
        self.wo[1][0] = 0.9
        self.b, self.cb = -0.3, 0.0
        self.ci, self.co = [[0.0] * 2 for _ in range(3)], [[0.0] for _ in range(2)]
    def forward(self, x):
        self.x = [*x, 1.0]
        self.h = [sig(sum(self.x[i] * self.wi[i][j] for i in range(3))) for j in range(2)]
        self.p = sig(sum(self.h[j] * self.wo[j][0] for j in range(2)) + self.b)
    def back(self, t, N=0.5, M=0.1):
        d = self.p * (1 - self.p) * (t - self.p)
        dh = [self.h[j] * (1 - self.h[j]) * d * self.wo[j][0] for j in range(2)]
        for j in range(2):
            change = d * self.h[j]
            self.wo[j][0] = self.wo[j][0] + N * change + M * self.co[j][0]
            self.co[j][0] = change
        change = d * FACTOR
        self.b = self.b + N * change + M * self.cb
        self.cb = change
        for i in range(3):
            for j in range(2):
                change = dh[j] * self.x[i]
                self.wi[i][j] = self.wi[i][j] + N * change + M * self.ci[i][j]
                self.ci[i][j] = change
        return 0.5 * (t - self.p) ** 2
net = Net()
for k in range(50):
    for x, t in [([0, 0], 0), ([0, 1], 1), ([1, 0], 1), ([1, 1], 0)]:
        net.forward(x)
        error = net.back(t)
"""


@pytest.mark.parametrize(("factor", "right"), [("1", True), ("sig(self.b)", False)])
def test_weights_that_are_moved_with_a_momentum_are_no_labels(tmp_path, factor, right):
    """The new wo[1][0] was taken for the labels of the next step, of which the bias was not seen to be learnt."""
    found = seen(tmp_path, WITH_MOMENTUM, ("FACTOR", factor))
    assert {u.end.site.line for u in found.steps[0].roles.updates} >= {21, 24, 29}
    assert settled(found) is right


@pytest.mark.parametrize("texts", [12, 40])
def test_the_next_words_of_the_first_sentence_are_the_labels_of_its_step(texts, tmp_path):
    """The words before them, of the same array, went into the outputs; with 40 there are more rows than are tried."""
    (labels,) = seen(tmp_path, SENTENCES, ("range(12)", f"range({texts})")).roles.labels
    assert "nexts[0]" in labels.names
