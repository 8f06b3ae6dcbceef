"""A second forward pass through updated parameters has another loss than the first; a stale backward pass has not."""

import numpy as np
import pytest

from nnref.checking.watching.verdict.later_passes import SAYS, of_later_passes, second_pass
from nnref.checking.watching.verdict.verdicts import Judged
from tests.support.recordings import first, roles_of

CRITIC_FIRST = """\
import numpy as np
X, Y = np.random.randn(6, 3), np.random.randn(6, 2)
W, g = np.random.randn(3, 2), np.random.randn(6, 3)
for k in range(2):
    d = (X + g) @ W - Y
    W = W - 0.1 * (X + g).T @ d
    e = (X + g) @ W
    g = g - 0.1 * (e + 0 * d) @ W.T
"""

STALE = ("e = (X + g) @ W\n", "e = d\n")


@pytest.mark.parametrize(("change", "verdict"), [(("e = ", "e = "), "cannot tell"), (STALE, "WRONG")])
def test_a_wrong_row_that_a_second_forward_pass_made_is_not_told(tmp_path, change, verdict):
    role, run = roles_of(tmp_path, CRITIC_FIRST, change)
    later = next(u for u in role.updates if u.base is first(run, "g"))
    row = Judged(later, "WRONG", (np.ones(1),), (np.ones(1),), factor=2.0)
    (found,) = of_later_passes(role, [row])
    assert found.verdict == verdict
    assert (found.note == SAYS) is (verdict == "cannot tell")
    assert bool(second_pass(role)) is (verdict == "cannot tell")


def test_a_right_row_and_one_of_the_first_pass_stay_as_they_are(tmp_path):
    role, run = roles_of(tmp_path, CRITIC_FIRST)
    rows = [Judged(u, v, (), ()) for u, v in zip(role.updates, ("WRONG", "ok"), strict=True)]
    assert [u.base for u in role.updates] == [first(run, "W"), first(run, "g")]
    assert of_later_passes(role, rows) == rows
