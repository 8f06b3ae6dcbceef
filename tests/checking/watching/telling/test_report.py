"""The report of what was watched."""

import pytest

from nnref.checking.watching.telling.report import certificate, groups, settled
from tests.support.programs import seen
from tests.support.recordings import STEP


def test_every_parameter_has_a_row_and_the_lines_of_its_updates_are_said(tmp_path):
    said = certificate(seen(tmp_path, STEP))
    assert [(e.name, e.shape, e.verdict) for e in said.entries] == [("W", (3, 2), "ok"), ("b", (2,), "ok")]
    assert "W (updated in line 9), b (updated in line 10)" in said.reading


def test_numbers_that_one_line_updates_are_one_parameter(tmp_path):
    by_entries = ("    b = b - 0.1 * db", "    b = [v - 0.1 * float(g) for v, g in zip(b, db)]")
    found = seen(tmp_path, STEP, by_entries, ("np.random.randn(2)\n", "[0.1, 0.2]\n"))
    assert settled(found) is True
    assert [len(group) for group in groups(found.reading)] == [1, 2]


def test_of_a_program_without_a_step_there_is_no_report(tmp_path):
    with pytest.raises(ValueError, match="nothing can be reported"):
        certificate(seen(tmp_path, "import numpy as np\nx = np.ones(3)\n"))


def test_an_error_that_ends_a_program_is_said_with_one_full_stop(tmp_path):
    stops = ("    b = b - 0.1 * db", "    b = b - 0.1 * db\n    raise ValueError('no more data.')")
    notes = certificate(seen(tmp_path, STEP, stops)).notes
    assert [note for note in notes if note.endswith("with ValueError: no more data")]


def test_labels_that_meet_every_output_are_told_where_the_gradient_is_wrong(tmp_path):
    broken = """\
import numpy as np
X, y = np.random.randn(9, 3), (np.arange(9) % 2).reshape(-1, 1)
w, b = np.zeros(3), 0.0
for t in range(5):
    p = 1 / (1 + np.exp(-(X @ w + b)))
    loss = -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))
    difference = p - y
    w = w - 0.1 * np.array([np.mean(g) for g in X.T @ difference])
    b = b - 0.1 * np.mean(difference)
"""
    found = seen(tmp_path, broken)
    assert settled(found) is False
    assert "every example meets every other" in " ".join(certificate(found).notes)


ADDED_UP = """\
import numpy as np
np.random.seed(0)
X, Y = np.random.randn(40, 6, 1), np.eye(3)[np.arange(40) % 3][:, :, None]
W, V = np.random.randn(5, 6) / 6 ** 0.5, np.random.randn(3, 5) / 5 ** 0.5
b, c = np.zeros((5, 1)), np.zeros((3, 1))
for k in range(0, 40, 10):
    sum_b, sum_c, sum_W, sum_V = 0, 0, 0, 0
    for x, y in zip(X[k : k + 10], Y[k : k + 10]):
        h = np.maximum(W @ x + b, 0)
        a = np.maximum(V @ h + c, 0)
        dc = a - y
        db = V.T @ dc * (h > 0)
        sum_b, sum_c = sum_b + db, sum_c + dc
        sum_W, sum_V = sum_W + db @ x.T, sum_V + dc @ h.T
    b, c = b - 0.03 * sum_b / 10, c - 0.03 * sum_c / 10
    W, V = W - 0.03 * sum_W / 10, V - 0.03 * sum_V / 10
"""


def test_the_slope_of_no_known_loss_is_not_right_because_it_is_in_another_step(tmp_path):
    """The slope of the last ReLU is missing; where no output is 0, that is no mistake."""
    found = seen(tmp_path, ADDED_UP)
    assert settled(found) is None
    assert settled(seen(tmp_path, ADDED_UP, ("dc = a - y", "dc = (a - y) * (a > 0)"))) is True


def test_of_gradients_that_are_wrong_for_the_own_loss_it_is_said_for_which_other_they_are_right(tmp_path):
    squared = """\
import numpy as np
X, y = np.random.randn(9, 3), np.arange(9) % 2
w = np.zeros(3)
for t in range(5):
    p = 1 / (1 + np.exp(-X @ w))
    loss = np.mean((p - y) ** 2)
    w = w - 0.1 * X.T @ (p - y) / 9
"""
    said = "all gradients are right for binary cross-entropy: if that is meant, the mistake is the loss of line 6"
    assert said in certificate(seen(tmp_path, squared)).notes
    assert said not in certificate(seen(tmp_path, squared, ("(p - y) / 9", "(p + y) / 9"))).notes
