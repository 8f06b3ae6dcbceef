"""Programs that were judged wrongly once: gradients of several forward passes, and a decay beside an optimiser."""

import pytest

from nnref.checking.watching.telling.report import certificate, settled
from tests.support.programs import seen

MICRO_BATCHES = """\
import numpy as np
X, Y = np.random.randn(24, 4), np.random.randint(0, 3, 24)
W1, b1, W2, b2 = np.random.randn(4, 6), np.zeros(6), np.random.randn(6, 3), np.zeros(3)
params = [W1, b1, W2, b2]
grads, m, v = [[np.zeros_like(p) for p in params] for _ in range(3)]
t = 0
for k in range(12):
    x, y = X[k % 4 * 6:][:6], Y[k % 4 * 6:][:6]
    h = np.tanh(x @ W1 + b1)
    s = h @ W2 + b2
    s = s - np.log(np.exp(s).sum(1, keepdims=True))
    loss = -s[np.arange(6), y].mean() / 2
    d = np.exp(s); d[np.arange(6), y] -= 1; d /= 12
    dh = d @ W2.T * (1 - h * h)
    for g, new in zip(grads, (x.T @ dh, dh.sum(0), h.T @ d, d.sum(0))):
        g += new
    if k % 2:
        t += 1
        for p, g, a, b in zip(params, grads, m, v):
            a *= 0.9; a += 0.1 * g
            b *= 0.999; b += 0.001 * g ** 2
            p -= 0.01 * (a / (1 - 0.9 ** t) / (np.sqrt(b / (1 - 0.999 ** t)) + 1e-8) + 0.1 * p)
            g[...] = 0
"""


@pytest.mark.parametrize("step", ["0.1 * p)", "0.0 * p)"], ids=["AdamW", "Adam"])
def test_a_step_from_several_micro_batches_is_judged_by_the_sum_of_their_losses(tmp_path, step):
    found = seen(tmp_path, MICRO_BATCHES, ("0.1 * p)", step))
    assert settled(found)
    assert found.steps[0].readings[0].loss.name == "own"
    assert all(row.inner == pytest.approx(1) for row in found.rows)


def test_a_wrong_slope_in_every_micro_batch_is_found_on_its_line(tmp_path):
    found = seen(tmp_path, MICRO_BATCHES, ("(1 - h * h)", "(1 - h)"))
    assert "line 14" in certificate(found, mend=False).diagnoses[0].place


def test_gradients_that_add_up_behind_adam_are_called_that(tmp_path):
    found = seen(tmp_path, MICRO_BATCHES, ("            g[...] = 0\n", ""))
    first = certificate(found).diagnoses[0]
    assert "add up" in first.says
    assert "line 16" in first.place
    assert not first.right


def test_gradients_of_one_batch_that_add_up_behind_adam_are_not_passed_over(tmp_path):
    found = seen(tmp_path, MICRO_BATCHES, ("            g[...] = 0\n", ""), ("if k % 2", "if True"))
    assert settled(found) is False


def test_a_decay_of_the_wrong_sign_beside_an_optimiser_is_wrong(tmp_path):
    assert settled(seen(tmp_path, MICRO_BATCHES, ("+ 0.1 * p)", "- 0.1 * p)"))) is False


@pytest.mark.parametrize("number", ["np.sqrt(2 / np.pi)", "np.pi", "0.5"])
def test_a_number_that_is_written_out_is_no_parameter(number):
    import ast

    from nnref.checking.watching.traces.left_out import is_number

    assert is_number(ast.parse(number, mode="eval").body)
    assert not is_number(ast.parse(f"w * {number}", mode="eval").body)


TRIPLETS = """\
import numpy as np
W = np.random.randn(6, 3) * .5
A, P, N = np.random.randn(40, 6), np.random.randn(40, 6), np.random.randn(40, 6)
for i in range(3):
    a, p, n = A @ W, P @ W, N @ W
    near, far = ((a - p) ** 2).sum(1), ((a - n) ** 2).sum(1)
    l = np.maximum(0, near - far + 1)
    loss = l.mean()
    on = (l > 0)[:, None] / len(A)
    ga = 2 * (n - p) * on
    gp = -2 * (a - p) * on
    gn = 2 * (a - n) * on
    dW = A.T @ ga + P.T @ gp + N.T @ gn
    W -= 0.05 * dW
"""


@pytest.mark.parametrize(
    ("right", "wrong", "line"),
    [
        ("gn = 2", "gn = -2", 12),
        ("gp = -2", "gp = -1", 11),
        (" + N.T @ gn", "", 13),
        ("+ N.T @ gn", "- N.T @ gn", 13),
        ("dW = A.T @ ga + P.T @ gp + N.T @ gn", "dW = A.T @ ga", 13),
    ],
)
def test_in_a_sum_of_slopes_the_term_that_is_wrong_is_named(tmp_path, right, wrong, line):
    assert settled(seen(tmp_path, TRIPLETS))
    first = certificate(seen(tmp_path, TRIPLETS, (right, wrong)), mend=False).diagnoses[0]
    assert f"line {line}" in first.place


def test_a_use_whose_slope_is_not_added_is_named_with_its_line(tmp_path):
    found = seen(tmp_path, TRIPLETS, ("dW = A.T @ ga + P.T @ gp + N.T @ gn", "dW = A.T @ ga"))
    assert "not added" in certificate(found, mend=False).diagnoses[0].says


LATE_LOSS = """\
import numpy as np
X = np.random.randn(40, 3)
T = 2 * np.sin(X[:, :1]) + 3 * np.random.randn(40, 1)
W, b, V = np.random.randn(3, 5), np.zeros(5), np.random.randn(5, 1)

def slope(e):
    return np.clip(e, -0.7, 0.7)

for step in range(9):
    h = np.tanh(X @ W + b)
    d = slope(h @ V - T) / 40
    dh = d @ V.T * (1 - h ** 2)
    dW, db, dV = X.T @ dh, dh.sum(0), h.T @ d
    W, b, V = W - 0.1 * dW, b - 0.1 * db, V - 0.1 * dV
    if step % 5 == 0:
        e = abs(np.tanh(X @ W + b) @ V - T)
        print(np.where(e < 0.7, 0.5 * e ** 2, 0.7 * (e - 0.35)).mean())
"""


def test_a_loss_that_is_computed_after_the_update_is_that_of_the_next_step(tmp_path):
    found = seen(tmp_path, LATE_LOSS)
    assert settled(found)
    assert found.steps[0].readings[0].loss.node is not None


def test_a_mistake_under_a_loss_that_is_computed_after_the_update_is_found_on_its_line(tmp_path):
    found = seen(tmp_path, LATE_LOSS, ("(1 - h ** 2)", "(1 - h)"))
    assert "line 12" in certificate(found, mend=False).diagnoses[0].place


def test_hubers_loss_of_width_1_is_tried_where_there_is_no_loss(tmp_path):
    text = LATE_LOSS[: LATE_LOSS.index("    if step")]
    found = seen(tmp_path, text, ("-0.7, 0.7", "-1, 1"))
    assert settled(found)
    assert "Huber" in found.steps[0].readings[0].loss.name


TWO_TASKS = """\
import numpy as np
X, y, T = np.random.randn(40, 5), np.random.randint(0, 3, 40), np.random.randn(40, 1)
W, U, V = np.random.randn(5, 8), np.random.randn(8, 3), np.random.randn(8, 1)
for it in range(3):
    h = np.tanh(X @ W)
    p = np.exp(h @ U); p /= p.sum(1, keepdims=True)
    e = h @ V - T
    first = -np.log(p[np.arange(40), y]).mean()
    second = (e ** 2).mean()
    {total}
    d = p.copy(); d[np.arange(40), y] -= 1; d /= 40
    f = 2 * e / 40
    dh = d @ U.T + f @ V.T
    dz = dh * (1 - h ** 2)
    for P, G in ((W, X.T @ dz), (U, h.T @ d), (V, h.T @ f)):
        P -= 0.1 * G
"""


@pytest.mark.parametrize("total", ["loss = first + second", "print(first, second)"])
def test_a_network_with_two_tasks_is_judged_by_both(tmp_path, total):
    found = seen(tmp_path, TWO_TASKS, ("{total}", total))
    assert settled(found)
    assert len(found.rows) == 3


@pytest.mark.parametrize(("total", "verdict"), [("loss = first + second", False), ("print(first, second)", None)])
def test_a_task_that_the_shared_layer_does_not_learn_is_not_passed_over(tmp_path, total, verdict):
    assert settled(seen(tmp_path, TWO_TASKS, ("{total}", total), (" + f @ V.T", ""))) is verdict
