"""Does a direction move only what it names, and is a wrong range found to its ends?"""

import numpy as np
import pytest

from nnref.checking.gradcheck import directions
from nnref.checking.gradcheck.directions import direction_of_entry, halved, kept_only, names_of_axes, random_signs


def test_a_direction_of_one_entry_and_of_some_rows():
    assert direction_of_entry((2, 3), 4).tolist() == [[0, 0, 0], [0, 1, 0]]
    assert kept_only(np.ones((3, 2)), 0, 1, 3).tolist() == [[0, 0], [1, 1], [1, 1]]
    assert set(random_signs(np.zeros((5, 9)), np.random.default_rng(0)).flat) == {-1.0, 1.0}
    assert names_of_axes(2) == ("rows", "columns")


@pytest.mark.parametrize("wrong", [(0, 1), (3, 4), (2, 6), (0, 16), (7, 9), (15, 16)])
def test_the_range_that_is_wrong_is_found(wrong, monkeypatch):
    """Rows from and to are wrong, whatever else moves with them."""
    at = np.zeros((16, 2), bool)
    at[slice(*wrong)] = True
    monkeypatch.setattr(directions, "is_wrong", lambda t, v: bool((at & (v != 0)).any()))
    assert halved(None, np.ones((16, 2)), 0) == wrong
