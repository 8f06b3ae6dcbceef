"""What a step changes, and no verdict is about."""

import pytest

from nnref.checking.watching.meaning.unjudged import follows, other_entries, unjudged
from nnref.checking.watching.telling.report import certificate, settled
from tests.support.programs import seen
from tests.support.recordings import STEP, node, recorded, roles_of

BESIDE = """\
import numpy as np
X, Y = np.random.randn(6, 3), np.random.randn(6, 2)
W, g, b, rate = np.random.randn(3, 2), np.random.randn(2), np.random.randn(2), 0.1
for k in range(3):
    Z = X @ W * g + b
    d = (Z - Y) / 6
    W = W - 0.1 * X.T @ (d * g)
    b = b - 0.1 * d.sum(0)
    g = g - STEP
"""


@pytest.mark.parametrize(
    ("step", "names"),
    [
        ("0.1 * Z.sum(0)", ["g"]),
        ("0.1 * np.zeros(2) + Z.sum(0)", ["g"]),
        ("0.1 * (abs(Z).mean(0) - np.ones(2))", ["g"]),
        ("0.1 * (g - Z.mean(0))", []),
        ("rate", []),
        ("0.1 * d.sum(0)", []),
    ],
    ids=["of outputs", "in a longer sum", "towards ones", "a running mean", "a number", "of labels"],
)
def test_a_parameter_that_is_changed_without_the_labels_is_named(tmp_path, step, names):
    role, _ = roles_of(tmp_path, BESIDE, ("STEP", step))
    assert [update.base.names[0] for update in unjudged(role)] == names


@pytest.mark.parametrize("loss", ["", "loss = (d * Z).sum() * 3 - (d * Y).sum() * 3"])
@pytest.mark.parametrize("step", ["0.1 * (abs(Z).mean(0) - np.ones(2))", "0.1 * np.zeros(2) + 0.1 * Z.sum(0)"])
def test_a_scale_that_follows_the_outputs_is_no_second_task_that_accuses_the_first(tmp_path, step, loss):
    """The ones that it is compared with were taken for labels, and right gradients called wrong."""
    found = seen(tmp_path, BESIDE, ("STEP", step), ("    W = W", f"    {loss}\n    W = W"))
    assert settled(found) is None, certificate(found)
    assert "g is changed in line 10 by something that does not depend on the labels" in str(certificate(found))


def test_a_step_that_follows_something_is_a_number_times_how_far_it_is_off(tmp_path):
    run = recorded(
        tmp_path, "import numpy as np\nm, x = np.ones(3), np.zeros(3)\na = 0.1 * (x - m)\nb = 0.1 * (x + m)\n"
    )
    assert follows(node(run, "a"), node(run, "m"))
    assert not follows(node(run, "b"), node(run, "m"))
    assert not follows(node(run, "a"), node(run, "b"))


ENTRIES = """\
import numpy as np
X, y = np.random.randn(6, 3), np.random.randn(6)
w = np.random.randn(3)
for k in range(2):
    d = X @ w - y
    g = X.T @ d
    for j in range(3):
        w[j] = w[j] - 0.1 * g[j]
"""


def test_entries_that_are_updated_once_more_before_the_next_forward_pass_are_counted(tmp_path):
    role, _ = roles_of(tmp_path, ENTRIES)
    assert other_entries(role) == {}
    twice, _ = roles_of(tmp_path, ENTRIES.replace("range(3):", "(0, 1, 2, 0, 1):"))
    assert sum(other_entries(twice).values()) == 2
    whole, _ = roles_of(tmp_path, STEP)
    assert other_entries(whole) == {}


ANOTHER_WAY = """\
import collections, math
import numpy as np
X, Y = np.random.randn(20, 3), np.random.randn(20)
W, v = np.random.randn(4, 3), np.random.randn(4)
for i in range(20):
    z = W @ X[i]
    HIDDEN
    d = v @ h - Y[i]
    dz = d * v * h * (1 - h)
    v = v - 0.1 * d * h
    W = W - 0.1 * np.outer(dz, X[i])
"""

WAYS = {
    "code in a string": "names = {'z': z, 'np': np}; exec('h = 1 / (1 + np.exp(-z))', names); h = names['h']",
    "a function of objects": "h = np.frompyfunc(lambda x: 1 / (1 + math.exp(-x)), 1, 1)(z).astype(float)",
    "an iterator of numpy's": "h = np.zeros(4)\n    for k in range(4): h.flat[k] = 1 / (1 + math.exp(-z.flat[k]))",
    "an object of a library's": "h = np.array(collections.deque([1 / (1 + math.exp(-x)) for x in z]))",
}


@pytest.mark.parametrize("hidden", WAYS.values(), ids=WAYS)
@pytest.mark.parametrize("slope", ["h * (1 - h)", "h * h"])
def test_weights_whose_way_to_the_outputs_was_not_recorded_are_not_passed_over(hidden, slope, tmp_path):
    """Neither passed nor called wrong: of the first layer nothing can be told."""
    found = seen(tmp_path, ANOTHER_WAY, ("HIDDEN", hidden), ("h * (1 - h)", slope))
    assert settled(found) is None
    rows = {row.update.base.names[0]: row.verdict for row in found.reading.rows}
    assert rows["v"] == "ok"
    assert rows.get("W", "cannot tell") == "cannot tell"


TWO_TABLES = """\
import numpy as np
U, V = np.random.randn(12, 4) * 0.1, np.zeros((12, 4))
words = np.random.randint(0, 12, 60)
total = 0.0
for i in range(1, 50):
    far = np.random.choice(12, 3, replace=False)
    u, near, away = U[words[i]], V[words[i - 1]], V[far]
    p, q = 1 / (1 + np.exp(-u @ near)), 1 / (1 + np.exp(-away @ u))
    total += -np.log(p) - np.sum(np.log(1 - q))
    du, dnear, daway = (p - 1) * near + q @ away, (p - 1) * u, np.outer(q, u)
    U[words[i]] -= 0.1 * du
    V[words[i - 1]] -= 0.1 * dnear
    V[far] -= 0.1 * daway
"""


def test_a_table_into_which_rows_were_written_by_their_indices_is_named(tmp_path):
    """In a later step V has other rows than at its beginning, and no verdict is about it."""
    found = seen(tmp_path, TWO_TABLES)
    assert settled(found) is None
    assert "V is changed in line 12" in str(certificate(found))
