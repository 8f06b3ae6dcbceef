"""Between a right gradient and its step: which line is wrong where an optimiser makes several things of it."""

import pytest

from nnref.checking.watching.telling.report import certificate, settled
from nnref.checking.watching.verdict import on_the_step
from nnref.checking.watching.verdict.right_values import Search
from tests.support.programs import seen
from tests.support.recordings import STEP, judged

SQUARES = STEP.replace("dW = X.T @ d", "dW = X.T @ d; s = 0.1 * dW ** 2; r = dW / (np.sqrt(s) + 1)").replace(
    "0.1 * dW\n", "0.1 * r\n"
)


def row_of(tmp_path, text, *changes):
    """What is looked for, and the verdict on the first parameter."""
    role, tapes, reading = judged(tmp_path, text, *changes)
    return Search(role, tapes, reading), reading.rows[0]


@pytest.mark.parametrize(
    ("change", "op"), [(("0.1 * dW ** 2", "0.1 * dW"), "multiply"), (("0.1 * dW ** 2", "0.1 * dW + 0.0"), "add")]
)
def test_what_is_below_zero_before_its_square_root_is_made_there(tmp_path, change, op):
    search, row = row_of(tmp_path, SQUARES, change)
    assert row.verdict == "WRONG"
    assert on_the_step.below_zero(search, row).op == op
    assert on_the_step.below_zero(*row_of(tmp_path, SQUARES)) is None


def test_a_gradient_gradient_of_another_is_found_and_a_right_one_is_none(tmp_path):
    assert on_the_step.gradient_of_another(*row_of(tmp_path, STEP)) is None


def test_behind_a_right_gradient_the_optimiser_is_meant(tmp_path):
    search, row = row_of(tmp_path, SQUARES, ("(np.sqrt(s) + 1)", "(s - 1)"))
    wrong, certain = on_the_step.of_optimiser(search, row, row.update.step)
    assert certain
    assert row.verdict == "WRONG"
    assert wrong.names == ["r"]


def test_what_is_below_0_under_a_root_is_named_where_it_is_made_so(tmp_path):
    text = """\
import numpy as np
X, Y = np.random.randn(20, 3), np.random.randn(20, 2)
W, m = np.random.randn(3, 2), np.zeros((3, 2))
for step in range(3):
    d = X @ W - Y
    loss = (d ** 2).sum() / 2
    g = X.T @ d
    m += -(g * g)
    W += -0.1 * g / np.sqrt(m + 1e-8)
"""
    assert certificate(seen(tmp_path, text), mend=False).first.place.startswith("line 8:")


BY_AVERAGES = """\
import numpy as np
X, Y = np.random.randn(20, 3), np.random.randn(20, 2)
W, b = np.random.randn(3, 2), np.random.randn(2)
mw, mb, sw, sb = 0 * W, 0 * b, 0 * W, 0 * b
for t in range(3):
    d = X @ W + b - Y
    loss = (d ** 2).sum() / 2
    dW, db = X.T @ d, d.sum(0)
    mw, mb = 0.9 * mw + 0.1 * dW, 0.9 * mb + 0.1 * db
    sw, sb = 0.99 * sw + 0.01 * dW ** 2, 0.99 * sb + 0.01 * db ** 2
    cw = mw / (1 - 0.9 ** (t + 1))
    cb = mb / (1 - 0.9 ** (t + 1))
    W += -0.01 * cw / (np.sqrt(sw / (1 - 0.99 ** (t + 1))) + 1e-8)
    b += -0.01 * cb / (np.sqrt(sb / (1 - 0.99 ** (t + 1))) + 1e-8)
"""


def test_a_sign_that_an_optimiser_turns_is_named_there_and_not_at_the_gradient(tmp_path):
    """1 - 0.9^-1 is below 0."""
    found = seen(tmp_path, BY_AVERAGES, ("cb = mb / (1 - 0.9 ** (t + 1))", "cb = mb / (1 - 0.9 ** (t - 1))"))
    assert certificate(found, mend=False).first.place.startswith("line 12:")
    found = seen(tmp_path, BY_AVERAGES, ("d.sum(0)", "-d.sum(0)"))
    assert certificate(found, mend=False).first.place.startswith("line 8:")


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (("+ 0.01 * dW ** 2", "+ 0.01 / dW ** 2"), 10),
        (("+ 0.01 * dW ** 2", "+ 0.01 * dW ** 4"), 10),
        (("+ 0.1 * dW", "+ 0.1 / dW"), 9),
        (("mw / (1 - 0.9 ** (t + 1))", "mw ** 3"), 11),
    ],
)
def test_what_an_optimiser_makes_wrongly_is_named_where_it_is_made(change, line, tmp_path):
    """And not where it goes into the step with all else."""
    found = seen(tmp_path, BY_AVERAGES.replace("t in range(3)", "t in range(1)"), change)
    assert settled(found) is False
    assert certificate(found, mend=False).first.place.startswith(f"line {line}:")


def test_a_gradient_of_another_shape_is_named_and_not_what_the_optimiser_makes_of_it(tmp_path):
    text = """\
import numpy as np
X, Y = np.random.randn(3, 20), np.random.randn(1, 20)
W, b = np.random.randn(1, 3), np.zeros((1, 1))
s = {"W": np.zeros_like(W), "b": np.zeros_like(b)}
for t in range(3):
    d = W @ X + b - Y
    loss = (d ** 2).sum() / 2
    dW = d @ X.T
    db = d.sum(axis=1, keepdims=True)
    s["W"] = 0.9 * s["W"] + 0.1 * dW ** 2
    s["b"] = 0.9 * s["b"] + 0.1 * db ** 2
    W = W - 0.01 * dW / (np.sqrt(s["W"]) + 1e-8)
    b = b - 0.01 * db / (np.sqrt(s["b"]) + 1e-8)
"""
    assert settled(seen(tmp_path, text)) is True
    found = seen(tmp_path, text, ("axis=1", "axis=0"))
    assert certificate(found, mend=False).first.place.startswith("line 9:")
