"""Vectors of words: tables to whose rows several lines add, with no label but which rows are chosen."""

import pytest

from nnref.checking.watching.telling.report import certificate, settled
from nnref.checking.watching.verdict.first_wrong import mistakes
from tests.support.programs import fault_apart, seen

BATCH = """\
import numpy as np
N, D = 9, 4
words = np.random.randint(0, N, 40)
W, C = np.random.randn(N, D) * 0.1, np.random.randn(N, D) * 0.1
for epoch in range(50):
    centres, contexts = words[:-1], words[1:]
    others = np.random.randint(0, N, (len(centres), 3))
    w, c, n = W[centres], C[contexts], C[others]
    p = 1 / (1 + np.exp(-(w * c).sum(1)))
    q = 1 / (1 + np.exp(-(n * w[:, None]).sum(2)))
    loss = -np.log(p).sum() - np.log(1 - q).sum()
    dw = (p - 1)[:, None] * c + (q[:, :, None] * n).sum(1)
    dc = (p - 1)[:, None] * w
    dn = q[:, :, None] * w[:, None]
    np.add.at(W, centres, -0.02 * dw)
    np.add.at(C, contexts, -0.02 * dc)
    np.add.at(C, others.reshape(-1), -0.02 * dn.reshape(-1, D))
"""


def test_what_two_lines_add_to_a_table_is_judged_together(tmp_path):
    found = seen(tmp_path, BATCH)
    assert settled(found) is True, certificate(found)
    assert sorted(row.update.base.names[0] for row in found.rows) == ["C", "W"]
    assert fault_apart(found, tmp_path) == ""


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("dn = q[", "dn = -q[", 17),
        ("dc = (p - 1)[", "dc = p[", 13),
        ("dw = (p - 1)[:, None] * c", "dw = (p - 1)[:, None] * w", 12),
        ("-0.02 * dc", "-0.01 * dc", 16),
    ],
)
def test_the_addition_that_is_none_of_the_slope_is_wrong_and_named(tmp_path, old, new, line):
    found = seen(tmp_path, BATCH, (old, new))
    assert settled(found) is False
    step = found.steps[0]
    assert mistakes(step.roles, found.tapes, step.readings[0])[0].site.line == line


def test_a_table_that_half_of_its_uses_teach_is_wrong(tmp_path):
    lines = BATCH.splitlines(keepends=True)
    assert settled(seen(tmp_path, BATCH, (lines[-1], ""))) is False


ONE_BY_ONE = """\
import numpy as np
N, D = 9, 4
words = [int(k) for k in np.random.randint(0, N, 40)]
W, C = np.random.randn(N, D) * 0.1, np.zeros((N, D))
def sigmoid(x): return 1 / (1 + np.exp(-x))
for epoch in range(3):
    for here in range(1, 39):
        around, word = [words[here - 1], words[here + 1]], words[here]
        others = np.random.randint(0, N, 3)
        h = W[around].mean(axis=0)
        u, v = C[word], C[others]
        s, t = np.dot(h, u), v @ h
        loss = -np.log(sigmoid(s)) - np.sum(np.log(sigmoid(-t)))
        ds, dt = sigmoid(s) - 1, sigmoid(t)
        dh = ds * u + dt @ v
        du, dv = ds * h, np.outer(dt, h)
        np.add.at(W, around, -0.02 * dh / 2)
        C[word] -= 0.02 * du
        np.add.at(C, others, -0.02 * dv)
"""


@pytest.mark.parametrize("change", [("ds * h", "ds * h"), ("ds * h", "dt.sum() * h"), ("outer(dt", "outer(-dt")])
def test_a_table_that_is_moved_row_by_row_and_added_to_is_named_as_not_judged(tmp_path, change):
    """A table that begins with zeros gives the other one no slope: no guessed loss may speak for it."""
    found = seen(tmp_path, ONE_BY_ONE, change)
    assert settled(found) is None, certificate(found)
