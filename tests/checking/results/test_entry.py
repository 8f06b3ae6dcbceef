"""Is an entry plain data, that reads the same in every report?"""

import json
from dataclasses import asdict, replace

from nnref.checking.results import table
from nnref.checking.results.entry import Entry, Worst
from nnref.checking.results.findings import Finding

WRONG = Entry(
    "W2", (3, 2), 6, 6, 2, 0, 0, Worst((1, 0), 2.0, 1.0, 1e6), "WRONG", (Finding("ratio", "2 times the truth"),)
)


def test_an_entry_survives_json_with_all_that_it_holds():
    again = json.loads(json.dumps(asdict(WRONG)))
    assert again["worst"] == {"index": [1, 0], "yours": 2.0, "truth": 1.0, "noises": 1e6, "S": None}
    assert again["where"] == [{"kind": "ratio", "says": "2 times the truth"}]


def test_the_worst_entry_is_shown_only_where_something_is_not_right():
    assert table.cells(WRONG) == ("W2", "(3, 2)", "6", "2", "(1, 0)", "2", "1", "WRONG")
    assert table.cells(replace(WRONG, verdict="ok", wrong=0))[4:] == ("", "", "", "ok")


def test_what_is_not_written_yet_was_not_checked():
    assert table.cells(Entry("b1", (3, 1), 3, 0, 0, 0, 0, None, "not written yet"))[2:4] == ("", "")
