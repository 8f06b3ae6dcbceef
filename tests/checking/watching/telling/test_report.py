"""The report of what was watched."""

import pytest

from nnref.checking.watching.telling.report import certificate, groups, settled
from tests.support.programs import seen
from tests.support.recordings import STEP


def test_every_parameter_has_a_row_and_the_lines_of_its_updates_are_said(tmp_path):
    said = certificate(seen(tmp_path, STEP))
    assert [(e.name, e.shape, e.verdict) for e in said.entries] == [("W", (3, 2), "ok"), ("b", (2,), "ok")]
    assert "W (updated in line 9), b (updated in line 10)" in said.reading


def test_numbers_that_one_line_updates_are_one_parameter(tmp_path):
    by_entries = ("    b = b - 0.1 * db", "    b = [v - 0.1 * float(g) for v, g in zip(b, db)]")
    found = seen(tmp_path, STEP, by_entries, ("np.random.randn(2)\n", "[0.1, 0.2]\n"))
    assert settled(found) is True
    assert [len(group) for group in groups(found.reading)] == [1, 2]


def test_of_a_program_without_a_step_there_is_no_report(tmp_path):
    with pytest.raises(ValueError, match="nothing can be reported"):
        certificate(seen(tmp_path, "import numpy as np\nx = np.ones(3)\n"))
