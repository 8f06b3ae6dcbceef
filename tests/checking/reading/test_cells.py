"""In which order the cells of a notebook were run."""

import ast
import json

import pytest

from nnref.checking.reading.cells import bound, order_of_cells, unbound, used
from nnref.checking.reading.source import read_source
from nnref.checking.watching.telling.report import certificate, settled
from nnref.checking.watching.watch import watch

CELLS = {
    "loop": "for step in range(9):\n    d = slope()\n    W -= 0.1 * d",
    "data": "import numpy as np\nX, y = np.random.randn(30, 3), np.random.randn(30, 1)\nW = np.random.randn(3, 1)",
    "function": "def slope():\n    return X.T @ (X @ W - y) / 30",
}


def parsed(*texts):
    return [ast.parse(text).body for text in texts]


@pytest.mark.parametrize(
    ("counts", "order"),
    [((3, 1, 2), [1, 2, 0]), ((2, 1, 3), [0, 1, 2]), ((3, 1, None), [0, 1, 2]), ((3, 1, 1), [0, 1, 2])],
    ids=["as they are counted", "neither works", "one was not run", "two have one count"],
)
def test_cells_are_run_by_their_counts_where_only_so_each_name_is_bound(counts, order):
    assert order_of_cells(parsed(*CELLS.values()), counts) == order


def test_an_order_that_works_stands_whatever_the_counts_are():
    cells = parsed(CELLS["data"], CELLS["function"], CELLS["loop"])
    assert order_of_cells(cells, (7, 9, 8)) == [0, 1, 2]


def test_what_a_function_uses_is_looked_up_when_it_is_called():
    (cell,) = parsed(CELLS["function"])
    assert list(used(cell)) == []
    assert list(bound(cell)) == ["slope"]
    assert set(unbound(parsed(*CELLS.values()), (0, 1, 2))) == {"slope", "W"}


def test_a_notebook_out_of_order_is_judged_and_its_places_are_those_that_are_seen(tmp_path):
    def notebook(change):
        cells = [
            {"cell_type": "code", "execution_count": count, "source": [text.replace(*change)]}
            for text, count in zip(CELLS.values(), (3, 1, 2), strict=True)
        ]
        (tmp_path / "run.ipynb").write_text(json.dumps({"cells": cells}), encoding="utf-8")
        return tmp_path / "run.ipynb"

    assert read_source(notebook(("", ""))).where(7) == "cell 3, line 1"
    assert settled(watch(tmp_path / "run.ipynb")) is True
    wrong = watch(notebook(("(X @ W - y)", "(y - X @ W)")))
    assert settled(wrong) is False
    assert certificate(wrong, mend=False).first.place.startswith("cell 3, line 2")
