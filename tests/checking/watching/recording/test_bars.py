"""Is what a progress bar goes through gone through as if there were none, and what it is told let pass?"""

import numpy as np
import pytest

from nnref.checking.watching.recording.bars import Bar, within
from nnref.checking.watching.telling.report import settled
from tests.support.programs import fault_apart, seen

BARRED = """\
import numpy as np
from tqdm import tqdm, trange
X, Y = np.random.randn(12, 3), np.random.randn(12, 2)
W = np.random.randn(3, 2)
def batches():
    while True: yield X, Y
LOOP
    G = X.T @ (X @ W - Y)
    loss = ((X @ W - Y) ** 2).sum() / 2
    W = W - 0.01 * G
    TOLD
"""

LOOPS = {
    "told how far it is": ("bar = tqdm(batches(), total=9)\nfor X, Y in bar:\n    bar.update()", "if bar.n > 8: break"),
    "shown what the loss is": (
        "for step in (bar := trange(9)):",
        "bar.set_postfix({'loss': loss})",
    ),
    "over nothing": ("with tqdm(total=9) as bar:\n  while bar.n < 9:", "bar.update(3)"),
}


@pytest.mark.parametrize(("loop", "told"), LOOPS.values(), ids=LOOPS)
def test_a_program_with_a_progress_bar_is_read(loop, told, tmp_path):
    found = seen(tmp_path, BARRED, ("LOOP", loop), ("TOLD", told))
    assert settled(found) is True
    assert fault_apart(found, tmp_path) == ""
    assert settled(seen(tmp_path, BARRED, ("LOOP", loop), ("TOLD", told), ("X @ W - Y)\n", "X @ W + Y)\n"))) is False


def test_rows_that_are_gone_through_with_a_bar_are_known(tmp_path):
    by_rows = BARRED.replace("LOOP", "for x in tqdm(X):\n    X = x[None]; Y = Y[:1]").replace("TOLD", "pass")
    assert settled(seen(tmp_path, by_rows)) is True


def test_a_bar_has_the_length_of_what_it_goes_through_and_is_none_itself():
    assert [len(Bar([1, 2])), len(Bar(total=3)), Bar([1, 2]).total] == [2, 3, 2]
    things = np.arange(3)
    assert within(Bar(Bar(things))) is things
    assert within(things) is things
