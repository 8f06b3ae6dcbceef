"""Outputs that the next step does not compute anew, and weights that it draws anew."""

import pytest

from nnref.checking.watching.telling.report import certificate, settled
from nnref.checking.watching.verdict.not_renewed import (
    kept,
    later,
    old_outputs,
    parameters_drawn_anew,
    put_in_place_of_another,
    shown_part,
)
from tests.support.programs import seen
from tests.support.recordings import roles_of

LOOP = """\
import numpy as np
X = np.random.randn(40, 4)
y = (X[:, :1] > 0).astype(float)
def forward(X, v, w):
    h = 1 / (1 + np.exp(-X @ v))
    return h, 1 / (1 + np.exp(-h @ w))
v, w = np.random.randn(4, 6), np.random.randn(6, 1)
for k in range(30):
    h, p = forward(X, v, w)
    loss = np.mean((p - y) ** 2)
    dp = 2 * (p - y) / y.size
    dz = dp * p * (1 - p)
    dw = h.T @ dz
    dv = X.T @ (dz @ w.T * h * (1 - h))
    w -= 0.5 * dw
    v -= 0.5 * dv
"""
CALL = "    h, p = forward(X, v, w)\n"
BEFORE = ("for k in range(30):\n", "h, p = forward(X, v, w)\nfor k in range(30):\n")

WRONG = {
    "before the loop": ([(CALL, ""), BEFORE], "line 8", "p"),
    "the loss too": ([(CALL + "    loss = np.mean((p - y) ** 2)\n", ""), BEFORE], "line 8", "p"),
    "only once": ([(CALL, "    if k == 0: h, p = forward(X, v, w)\n")], "line 9", "p"),
    "the hidden layer": ([(CALL, "    p = 1 / (1 + np.exp(-h @ w))\n"), BEFORE], "line 8", "h"),
    "drawn anew": ([(CALL, "    v = np.random.randn(4, 6)\n" + CALL)], "line 9", "v"),
}


@pytest.mark.parametrize(("changes", "line", "name"), WRONG.values(), ids=list(WRONG))
def test_the_line_is_named_that_makes_what_the_next_step_goes_on_with(tmp_path, changes, line, name):
    found = seen(tmp_path, LOOP, *changes)
    assert settled(found) is False
    first = certificate(found, mend=False).first
    assert first.place.startswith(f"{line}:")
    assert first.says.startswith(f"{name} is ")


def test_a_program_that_computes_all_anew_is_right(tmp_path):
    role, _ = roles_of(tmp_path, LOOP)
    assert len(later(role)) == 2
    assert not list(old_outputs(role))
    assert not list(parameters_drawn_anew(role))
    assert settled(seen(tmp_path, LOOP)) is True


ONE_BY_ONE = """\
import numpy as np
X, y = np.random.randn(12, 3), np.random.randn(12)
w, b = np.random.randn(3), 0.5
for epoch in range(9):
    guesses = X @ w + b
    for x, t, guess in zip(X, y, guesses):
        w = w - 0.01 * (guess - t) * x
        b = b - 0.01 * (guess - t)
"""


def test_outputs_of_other_examples_may_all_be_computed_before(tmp_path):
    """The steps of an epoch add up to that of the batch."""
    assert settled(seen(tmp_path, ONE_BY_ONE)) is not False


TWO_OF_THEM = """\
import numpy as np
X, y = np.random.randn(40, 4), np.random.randn(40, 2)
for width in (3, 5):
    v, w = np.random.randn(4, width), np.random.randn(width, 2)
    for k in range(9):
        h = np.tanh(X @ v)
        d = (h @ w - y) / 40
        dv = X.T @ (d @ w.T * (1 - h ** 2))
        w = w - 0.1 * h.T @ d
        v = v - 0.1 * dv
"""


def test_all_weights_may_be_drawn_anew_as_of_a_second_network(tmp_path):
    assert settled(seen(tmp_path, TWO_OF_THEM)) is True
    assert settled(seen(tmp_path, TWO_OF_THEM, ("range(9)", "range(1)"))) is not False


def test_a_part_is_the_same_where_it_is_taken_of_the_same_array_at_the_same_place(tmp_path):
    role, run = roles_of(
        tmp_path, "import numpy as np\nA = np.random.randn(4, 4)\na = A[1:3] * 2.0\nb = A[1:3] * A[2:4]\n" + LOOP
    )
    parts = [n for n in run.tape if n.op == "view" and n.args[0].names[:1] == ["A"]]
    assert len({shown_part(n) for n in parts}) == 2
    output = role.meetings[0].output
    assert kept(role, output, role.parameters) is output


STEP = """\
import numpy as np
X = np.random.randn(30, 4)
Y = (X[:, :1] > 0).astype(float)
def step(v, b, w, c):
    h = np.tanh(X @ v + b)
    D = h @ w + c - Y
    d = 2 * D / len(X)
    g = d @ w.T * (1 - h ** 2)
    w = w - 0.1 * h.T @ d
    c = c - 0.1 * d.sum(0, keepdims=True)
    v = v - 0.1 * X.T @ g
    b = b - 0.1 * g.sum(0, keepdims=True)
    return v, b, w, c
v, b, w, c = np.random.randn(4, 1), np.zeros((1, 1)), np.random.randn(1, 1), np.zeros((1, 1))
for k in range(9):
    v, b, w, c = step(v, b, w, c)
"""


def test_new_values_that_take_the_place_of_another_parameter_are_told(tmp_path):
    assert settled(seen(tmp_path, STEP)) is True
    found = seen(tmp_path, STEP, ("    return v, b, w, c\n", "    return v, c, w, b\n"))
    assert settled(found) is False
    assert {(u.base.names[0], o.base.names[0]) for u, o in put_in_place_of_another(found.steps[0].roles)} == {
        ("b", "c"),
        ("c", "b"),
    }
    first = certificate(found, mend=False).first
    assert first.says == "The new c is used in the next step where b was, and not where c was."
    assert first.place.startswith("at or after line 10:")
