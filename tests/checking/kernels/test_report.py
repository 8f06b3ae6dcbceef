"""Can a kernel's report be sent, written down and drawn?"""

import json
import pickle

import pytest

from nnref.checking.kernels.report import EDGES, KernelReport
from nnref.checking.results.entry import Entry
from tests.conftest import require

REPORT = KernelReport(
    (Entry("x", (2,), 2, 2, 0, 0, 0, None, "ok"),),
    "by hand",
    {"u": "float32"},
    shares={"x": 0.25},
    histograms={"x": (0,) * len(EDGES) + (2,)},
)


def test_it_comes_back_from_another_process_as_it_was():
    again = pickle.loads(pickle.dumps(REPORT))
    assert (again.shares, again.histograms, again.entries) == (REPORT.shares, REPORT.histograms, REPORT.entries)


def test_its_plain_data_hold_shares_histograms_and_edges():
    said = json.loads(json.dumps(REPORT.to_dict()))
    assert (said["shares"], said["histograms"]["x"][-1], len(said["edges"])) == ({"x": 0.25}, 2, len(EDGES))


def test_a_gradient_that_is_not_there_cannot_be_drawn():
    require("matplotlib")
    with pytest.raises(ValueError, match="the report has x; 'y' came"):
        REPORT.plot("y")
