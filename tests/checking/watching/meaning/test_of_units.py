"""Scalars that are computed on one line, each of another part of the parameters alone."""

from nnref.checking.watching.meaning.of_units import entries, parts_of, without_units
from tests.support.recordings import roles_of

TABLE = """\
import numpy as np
X, y = np.random.randn(6, 3), np.random.randn(6)
w = np.random.randn(2, 3)
for step in range(9):
    ds = []
    for k in range(2):
        d = ((X @ w[k] - y) ** 2).mean()
        ds.append(d)
    g = X.T @ (2 * (X @ w.T - y[:, None])) / 6
    w -= 0.1 * g.T
"""


def distances(role):
    return [n for n in role.graph.tape if n.op == "mean" and n.index <= role.last]


def test_each_of_another_row_is_of_another_unit_and_those_of_one_row_are_not(tmp_path):
    role, _ = roles_of(tmp_path, TABLE)
    nodes = distances(role)
    assert len(nodes) == 2
    assert without_units(role, nodes) == []
    assert without_units(role, nodes[:1]) == nodes[:1]
    same, _ = roles_of(tmp_path, TABLE, ("w[k]", "w[0]"))
    assert without_units(same, distances(same)) == distances(same)


def test_a_row_shows_its_entries_and_a_product_all(tmp_path):
    role, _ = roles_of(tmp_path, TABLE)
    assert [sorted(*parts_of(role, n).values()) for n in distances(role)] == [[0, 1, 2], [3, 4, 5]]
    whole = next(role.graph.tape[u.base.index] for u in role.updates)
    product = next(n for n in role.graph.users[whole.index] if n.op == "view" and n.shape == (3, 2))
    assert sorted(entries(whole, product)) == [0, 1, 2, 3, 4, 5]
