"""Are wrong entries counted, all of them where the shape is another, and none where nothing came?"""

from types import SimpleNamespace

import numpy as np

from nnref.checking.diagnosis.wording import wrong_entries

TRUTH = SimpleNamespace(value=np.zeros((2, 3)), shape=(2, 3))


def search(g):
    """What is known of one gradient."""
    judged = SimpleNamespace(tolerance=lambda truth: 0.1)
    return SimpleNamespace(truths={"W1": TRUTH}, yours={"W1": g}, judged={} if g is None else {"W1": judged})


def test_entries_beyond_their_tolerance_are_counted():
    assert wrong_entries(search(np.array([[0, 0.05, 0.2], [0, -1, 0]])), "W1") == 2


def test_of_another_shape_all_are_wrong_and_of_nothing_none():
    assert wrong_entries(search(np.zeros((3, 2))), "W1") == 6
    assert wrong_entries(search(None), "W1") == 0
