"""Is a long report short, with what is wrong in full, the worst first, and nothing lost from the counts?"""

from dataclasses import replace

import pytest

from nnref.checking.results.entry import Entry, Worst
from nnref.checking.results.findings import Finding
from nnref.checking.results.grouped import groups
from nnref.checking.results.report import GradcheckReport, GradientMismatch


def entry(name, noises=0.5, verdict="ok", says=""):
    where = (Finding("mistake", says),) if says else ()
    wrong = 3 * (verdict == "WRONG")
    return Entry(name, (4, 4), 16, 16, wrong, 0, 0, Worst((0, 1), 1.0, 2.0, noises), verdict, where)


def module(blocks=30):
    """A module of so many blocks of four arrays."""
    return [
        entry(f"blocks.{k}.{part}.{A}") for k in range(blocks) for part in ("norm", "mlp") for A in ("weight", "bias")
    ]


def lines(entries):
    return str(GradcheckReport(tuple(entries), "the closed form of several layers, one after the other")).split("\n")


def test_a_report_that_is_short_is_as_it_was():
    entries = [entry(f"w{k}") for k in range(20)]
    assert [row.split()[0] for row in lines(entries)[1:-1]] == [e.name for e in entries]


def test_a_long_report_says_what_is_wrong_first_the_worst_before_the_others():
    entries = module()
    entries[50] = entry(entries[50].name, 30.0, "WRONG", "the gain is forgotten")
    entries[7] = entry(entries[7].name, 9e9, "WRONG", "the sum is averaged")
    made = lines(entries)
    assert len(made) <= 40
    assert all(len(row) <= 80 for row in made)
    assert "sum is averaged" in made[1] + made[2]
    assert "gain is forgotten" in "".join(made[2:5])
    assert any("118 arrays  1888" in row for row in made)


@pytest.mark.parametrize("wrong", [0, 1, 60, 120])
def test_every_array_is_counted_once(wrong):
    entries = module()
    entries[:wrong] = [replace(e, verdict="WRONG", wrong=3) for e in entries[:wrong]]
    made = lines(entries)
    assert len(made) <= 40
    alone = sum(row.split()[-1] in ("ok", "WRONG") and "arrays" not in row for row in made)
    together = sum(int(row.split(" arrays")[0].split()[-1]) for row in made if " arrays" in row)
    assert alone + together == len(entries)


def test_groups_are_by_module_where_there_is_room():
    entries = [entry(f"{part}.{k}.weight") for part in ("encoder", "decoder", "head") for k in range(20)]
    assert [len(group) for group in groups(entries, 10)] == [20, 20, 20]
    assert [len(group) for group in groups(entries, 2)] == [60]


def test_a_headline_names_a_few():
    entries = [replace(e, verdict="WRONG", wrong=3) for e in module()]
    headline = str(GradientMismatch(GradcheckReport(tuple(entries), ""))).split("\n")[0]
    assert headline.endswith("and 108 more")
