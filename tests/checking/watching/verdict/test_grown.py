"""Is an optimiser wrong that keeps more than all of what it remembers?"""

import pytest

from nnref.checking.watching.telling.report import certificate, settled
from tests.support.programs import seen

ADAM = """\
import numpy as np
X, Y = np.random.randn(20, 3), np.random.randn(20, 2)
W, b = np.random.randn(3, 2), np.random.randn(2)
m, s = {"W": np.zeros_like(W), "b": np.zeros_like(b)}, {"W": np.zeros_like(W), "b": np.zeros_like(b)}
P = {"W": W, "b": b}
for t in range(1, 4):
    d = X @ P["W"] + P["b"] - Y
    loss = (d ** 2).sum() / 2
    g = {"W": X.T @ d, "b": d.sum(0)}
    for k in P:
        m[k] = 0.9 * m[k] + 0.1 * g[k]
        s[k] = 0.99 * s[k] + 0.01 * g[k] ** 2
        c = m[k] / (1 - 0.9 ** t)
        q = s[k] / (1 - 0.99 ** t)
        P[k] = P[k] - 0.01 * c / (np.sqrt(q) + 1e-8)
"""


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (("0.99 * s[k] + 0.01 * g[k] ** 2", "2 * (0.99 * s[k] + 0.01 * g[k] ** 2)"), 12),
        (("0.9 * m[k] + 0.1 * g[k]", "(0.9 * m[k] + 0.1 * g[k]) / 0.5"), 11),
        (("0.9 * m[k] + 0.1 * g[k]", "0.1 * g[k] - 1.9 * m[k]"), 11),
    ],
)
def test_a_memory_that_grows_from_step_to_step_is_wrong_where_it_is_kept(change, line, tmp_path):
    found = seen(tmp_path, ADAM, change)
    assert settled(found) is False
    assert certificate(found, mend=False).first.place.startswith(f"line {line}:")


def test_what_is_kept_whole_or_in_part_is_right(tmp_path):
    assert settled(seen(tmp_path, ADAM)) is True
    kept_whole = ADAM.replace("0.99 * s[k] + 0.01 * g[k] ** 2", "s[k] + g[k] ** 2").replace(
        "s[k] / (1 - 0.99 ** t)", "s[k]"
    )
    assert settled(seen(tmp_path, kept_whole.replace("m[k] / (1 - 0.9 ** t)", "g[k]"))) is True


SUMMED = """\
import numpy as np
xs = np.random.randn(520)
ts = 2 * xs + 1
w, b = 0.0, 0.0
for k in range(20):
    gw, gb = 0.0, 0.0
    for x, t in zip(xs, ts):
        gw += 2 / 520 * (w * x + b - t) * x
        gb += 2 / 520 * (w * x + b - t)
    w -= 0.1 * gw
    b -= 0.1 * gb
"""


def test_a_sum_over_many_examples_is_no_memory_however_many_they_are(tmp_path):
    """In the second step each of the values of the sum has one of the same place in the first."""
    assert settled(seen(tmp_path, SUMMED)) is True
