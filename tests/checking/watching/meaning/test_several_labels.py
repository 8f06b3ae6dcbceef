"""A network with two tasks learns from the labels of both."""

import pytest

from nnref.checking.watching.meaning.parameters import step
from nnref.checking.watching.meaning.several_labels import of_both_outputs
from tests.support.recordings import first, graph

TWO = """\
import numpy as np
X, S, T = np.random.randn(6, 3), np.random.randn(6, 2), np.random.randn(6, 2)
A, U, V = np.random.randn(3, 4), np.random.randn(4, 2), np.random.randn(4, 2)
for k in range(2):
    h = X @ A
    e, f = h @ U - S, h @ V - T
    dA = X.T @ (e @ U.T + f @ V.T)
    dU, dV = h.T @ e, h.T @ f
    A = A - 0.1 * dA
    U = U - 0.1 * dU
    V = V - 0.1 * dV
"""


@pytest.mark.parametrize(
    ("change", "shared"),
    [
        (("e @ U.T", "e @ U.T"), True),
        (("h @ V - T", "h @ V - T + S"), False),
        (("h @ V - T", "(h + S.sum()) @ V - T"), False),
        (("h @ V - T", "X @ V[:3] - T"), False),
        (("@ U - S", "@ U + V.sum(0) - S"), False),
    ],
    ids=["two tasks", "labels of both", "labels that go in", "another network", "no output of its own"],
)
def test_labels_are_those_of_both_outputs_where_each_updates_more_than_the_other(tmp_path, change, shared):
    found, run = graph(tmp_path, TWO, change)
    of_one, of_other = (step(found, (first(run, name),)) for name in "ST")
    both = list(of_both_outputs(of_one, [of_other]))
    assert bool(both) is shared
    for labels, bases in both:
        assert labels == (first(run, "S"), first(run, "T"))
        assert bases == {first(run, name).index for name in "AUV"}


def test_labels_that_go_into_the_other_output_are_no_second_task_though_a_slope_forgets_them(tmp_path):
    found, run = graph(tmp_path, TWO, ("h @ V - T", "(h + S.sum()) @ V - T"), ("h.T @ f", "h.T @ (h @ V - T)"))
    of_one, of_other = (step(found, (first(run, name),)) for name in "ST")
    assert list(of_both_outputs(of_one, [of_other])) == []


def test_one_output_has_no_other(tmp_path):
    found, run = graph(tmp_path, TWO)
    role = step(found, (first(run, "S"),))
    assert list(of_both_outputs(role, [role])) == []
