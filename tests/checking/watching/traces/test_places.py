"""Does a file have an operation at the place that a trace gives?"""

from dataclasses import replace
from pathlib import Path

import pytest

from nnref.checking.reading.source import read_source
from nnref.checking.watching.recording.tape import Site
from nnref.checking.watching.traces.places import Places
from tests.support.recordings import node, recorded

PROGRAM = """\
import numpy as np
x = np.array([2.0, 5.0])
a = x * 3.0
b = np.sum(a, axis=0)
c = x.sum()
f = np.tanh
d = f(x)
e = -x
k = [0, 0]
k[1] = 1
g = 1.5 if x[0] > 1 else 0.5
s = sum(x)
h = x * 1.0
h.shape = (2, 1)
m = np.r_[x, 1.0]
n = np.c_[x, d]
"""


@pytest.fixture
def run(tmp_path):
    return recorded(tmp_path, PROGRAM)


@pytest.fixture
def places(run, tmp_path):
    path = tmp_path / "program.py"
    return Places(path, read_source(path), lambda file: path if Path(file) == path else None)


def test_every_operation_of_a_program_stands_where_it_was_recorded(run, places):
    assert run.error is None
    assert {places.fault(n) for n in run.tape} == {""}


@pytest.mark.parametrize(
    ("name", "change", "says"),
    [
        ("a", {"op": "add"}, "no add stands there"),
        ("a", {"op": "reshape"}, "no reshape stands there"),
        ("a", {"args": 4.0}, "other numbers stand there"),
        ("b", {"op": "mean"}, "no mean stands there"),
        ("b", {"kwargs": {"axis": 1}}, "sum is called with other arguments"),
        ("b", {"kwargs": {"axis": 0, "where": False}}, "sum is called with other arguments"),
        ("e", {"op": "positive"}, "no positive stands there"),
        ("d", {"op": "exp"}, "no exp stands there"),
        ("a", {"site": 2}, "no multiply stands there"),
        ("n", {"op": "concatenate"}, "no concatenate stands there"),
        ("n", {"joined": 1}, "other parts stand there"),
        ("m", {"joined": 2.0}, "other parts stand there"),
    ],
)
def test_an_operation_that_is_another_stands_nowhere(run, places, name, change, says):
    made = node(run, name)
    if "args" in change:
        change = {"args": (made.args[0], change["args"])}
    if "joined" in change:
        number = change["joined"]
        change = {"args": ([made.args[0][0]] if number == 1 else [made.args[0][0], [number]],)}
    if "site" in change:
        change = {"site": replace(made.site, line=change["site"])}
    assert places.fault(replace(made, **change)) == says


def test_a_file_that_is_none_of_the_programs_has_nothing(run, places, tmp_path):
    assert places.own(str(tmp_path / "program.py")) == str(tmp_path / "program.py")
    assert places.own("/elsewhere.py") == ""
    assert places.at(Site("", 1, 0, "")) == []


def test_what_the_file_chooses_and_puts_is_read_from_it(run, places, tmp_path):
    file = str(tmp_path / "program.py")
    assert list(places.choices(Site(file, 11, 4, ""))) == [(1.5, 0.5)]
    assert list(places.numbers_put(Site(file, 10, 0, ""))) == [1]
    assert list(places.comparisons(Site(file, 11, 11, ""))) == ["greater"]
    assert not places.within(Site(file, 11, 4, ""), {"f"})


def test_an_operand_knows_its_operation(run, places, tmp_path):
    (product,) = (p for p in places.at(Site(str(tmp_path / "program.py"), 3, 4, "")) if hasattr(p, "op"))
    assert places.around(product.left) is product
    assert places.around(product) is None
