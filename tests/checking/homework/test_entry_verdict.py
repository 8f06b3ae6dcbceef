"""Is each gradient judged entry by entry in units of its own noise, and never wrong for its truth's?"""

import numpy as np
import pytest

from nnref.checking.homework.entry_verdict import Tolerance, judged_entry

T = np.array([[1.0, 2.0, 3.0], [-4.0, 5.0, 6.0]])
U = 2.0**-53


def judged(g, bar=None, **options):
    bar = bar or Tolerance(np.abs(T), "float64", 4.0, 0.0)
    return judged_entry("W1", g, T, bar, options.pop("shape", T.shape), **options)


@pytest.mark.parametrize(("units", "verdict"), [(3.9, "ok"), (-3.9, "ok"), (6.0, "WRONG"), (-6.0, "WRONG")])
def test_the_allowed_multiple_of_u_S_decides(units, verdict):
    g = T.copy()
    g[1, 0] += units * U * 4.0  # S is 4 there, and 4 units in it can be held exactly
    assert judged(g).verdict == verdict


def test_an_inexact_truth_brings_its_own_error():
    g = T + 1e-9
    assert judged(g).verdict == "WRONG"
    assert judged(g, Tolerance(np.abs(T), "float64", 4.0, 1e-9)).verdict == "ok"


def test_where_nothing_is_rounded_only_the_same_number_is_right():
    bar = Tolerance(np.zeros_like(T), "float64", 4.0, 0.0)
    assert judged(T, bar).verdict == "ok"
    assert judged(T * (1 + 2 * U), bar).verdict == "WRONG"


def test_a_unit_at_its_kink_blames_nobody_for_what_either_slope_explains():
    doubt = np.where(T == 5, 0.5, 0.0)
    g = T.copy()
    g[1, 1] += 0.4
    found = judged(g, Tolerance(np.abs(T), "float64", 4.0, 0.0, doubt))
    assert (found.verdict, found.cannot_tell, found.wrong) == ("cannot tell", 1, 0)
    g[1, 1] += 0.4
    assert judged(g, Tolerance(np.abs(T), "float64", 4.0, 0.0, doubt)).verdict == "WRONG"
    g = T.copy()
    g[0, 0] += 0.4
    assert judged(g, Tolerance(np.abs(T), "float64", 4.0, 0.0, doubt)).wrong == 1


def test_nan_is_wrong():
    g = T.copy()
    g[0, 1] = np.nan
    found = judged(g)
    assert (found.verdict, found.wrong, found.worst.index) == ("WRONG", 1, (0, 1))


def test_another_shape_is_wrong_throughout_and_compared_as_numpy_would():
    found = judged(T[:1])
    assert (found.verdict, found.wrong) == ("WRONG", 6)
    assert "shape (1, 3) for (2, 3)" in found.where[0].says
    assert judged(np.ones((4, 5))).worst is None


def test_the_worst_entry_is_said_in_its_owner_s_layout():
    g = T.copy()
    g[1, 2] = 7
    assert judged(g).worst.index == (1, 2)
    assert judged(g, shape=(3, 2), turned=True).worst.index == (2, 1)


def test_what_was_not_written_is_not_wrong():
    found = judged(None, absent="not found")
    assert (found.verdict, found.checked, found.wrong) == ("not found", 0, 0)
