"""Where entries are wrong, in words."""

import numpy as np
import pytest

from nnref.checking.kernels.places import region_in_words

ROWS = ("rows", "columns")


def mask(shape, *indices):
    """True where one of the indices points."""
    found = np.zeros(shape, bool)
    for index in indices:
        found[index] = True
    return found


CASES = {
    "columns 96..99, the remainder after a multiple of 32": mask((40, 100), np.s_[:, 96:]),
    "rows 32..39, the remainder after a multiple of 32": mask((40, 100), np.s_[32:]),
    "row 7": mask((40, 100), 7),
    "only entry (3, 4)": mask((40, 100), (3, 4)),
    "rows 16..31, columns 32..47": mask((40, 100), np.s_[16:32, 32:48]),
    "the 16 × 16 tiles [0:16, 0:16], [16:32, 32:48]": mask((40, 100), np.s_[:16, :16], np.s_[16:32, 32:48]),
    "above the diagonal of rows and columns, the triangle": np.triu(np.ones((9, 9), bool), 1),
    "below the diagonal of rows and columns, the triangle": np.tril(np.ones((9, 9), bool), -1),
    "every second row from 1": mask((40, 100), np.s_[1::2]),
    "": np.ones((4, 5), bool),
}


@pytest.mark.parametrize(("says", "wrong"), CASES.items(), ids=lambda x: x if isinstance(x, str) else "")
def test_a_region_in_words(says, wrong):
    assert region_in_words(wrong, ROWS) == says


def test_axes_before_positions_are_batch_and_heads():
    assert region_in_words(mask((2, 3, 8, 5), np.s_[:, 1]), ("positions", "columns")) == "heads 1".replace(
        "heads", "head"
    )
    assert region_in_words(mask((2, 3, 8, 5), np.s_[1]), ("positions", "columns")) == "batch 1"


def test_entries_that_are_right_by_chance_leave_the_region_what_it_is(rng):
    wrong = mask((40, 100), np.s_[:, 96:])
    wrong[::5, 97] = False
    assert region_in_words(wrong, ROWS) == "columns 96..99, the remainder after a multiple of 32"
