"""What an operator, a subscript or an assignment of the rewritten program notes beside what it computes."""

import numpy as np
import pytest

from nnref.checking.watching.recording import hooks
from tests.support.recordings import node, recorded

A = np.arange(12.0).reshape(3, 4)


@pytest.mark.parametrize(
    ("index", "view"),
    [
        (0, True), (slice(1, None), True), ((0, slice(None)), True), ((None, 1), True), (np.int64(1), True),
        (..., False), ([0, 1], False), (True, False), (np.array([0, 1]), False),
    ],
)  # fmt: skip
def test_an_index_makes_a_view_where_it_holds_numbers_and_slices_alone(index, view):
    assert hooks.basic(index) is view
    if view:
        assert np.shares_memory(A[(*index, ...) if type(index) is tuple else (index, ...)], A)


def test_lists_are_arrays_as_far_as_they_are_rectangular():
    assert hooks.rectangular([[1, 2], [3, 4]]).shape == (2, 2)
    assert hooks.rectangular([[(0, 1), [1]], [(1, 1), [0]]]).tolist() == [[0, 1, 1], [1, 1, 0]]
    assert hooks.rectangular([[1, 2], [3]]).tolist() == [1, 2, 3]


def test_arrays_of_arrays_are_added_one_after_the_other(tmp_path):
    assert hooks.shape_of_objects("add", A, A) == ()
    run = recorded(
        tmp_path,
        """\
        import numpy as np
        a = np.empty(2, object)
        a[0], a[1] = np.ones(2), np.ones(3)
        b = a * 2.0 + a
        c, d = b[0] * 1.0, -b[1]
        """,
    )
    assert run.error is None
    assert [x.tolist() for x in run.namespace["b"]] == [[3, 3], [3, 3, 3]]
    first, second = (next(n for n in run.tape if n.shape == shape) for shape in ((2,), (3,)))
    assert node(run, "c").deps & first.deps
    assert not node(run, "c").deps & second.deps
    assert node(run, "d").deps & second.deps


@pytest.mark.parametrize(
    ("line", "value", "of"),
    [
        ("c = (y[0] == 1) * 3.0", 3.0, "written"),
        ("c = 1.5 if y[0] == 1 else 2.5", 1.5, "written"),
        ("t = [0.25, 4.0]; c = t[y[0]]", 4.0, "written"),
        ("t = [0.0, 0.0]; t[y[1]] = 1; c = t[0] + x[0]", 3.0, "written"),
        ("c = -x[1]", -5.0, "array"),
        ("z = x * 1.0; z[0] += x[1]; c = z[0]", 7.0, "array"),
        ("z = np.zeros(3); z[y[0]] = x[1]; c = z.sum()", 5.0, "written"),
        ("c = sum(v for v in x)", 7.0, "array"),
        ("c = np.r_[x, 1.0].sum()", 8.0, "array"),
    ],
)
def test_a_value_depends_on_what_it_was_computed_from_and_on_what_chose_it(tmp_path, line, value, of):
    run = recorded(tmp_path, f"import numpy as np\nx, y = np.array([2.0, 5]), [1, 0]\n{line}\n")
    assert run.error is None
    assert float(run.namespace["c"]) == value
    assert node(run, "c").deps & next(n.deps for n in run.tape if n.leaf == of)


def test_numbers_that_are_compared_with_their_equal_are_ties(tmp_path):
    run = recorded(tmp_path, "w = 0.0\nz = w * 2\ny = z if z > 0 else 0.1 * z\n")
    assert run.recorder.ties == [node(run, "z").index]
    apart = recorded(tmp_path, "w = 0.5\nz = w * 2\ny = z if z > 0 else 0.1 * z\n")
    assert apart.recorder.ties == []


def test_a_name_is_that_of_the_place(tmp_path):
    run = recorded(tmp_path, "import numpy as np\np = {}\np['W'] = np.ones(2) * 2\nq = [np.ones(3)]\n")
    names = {name for n in run.tape for name in n.names}
    assert {"p['W']", "q[0]"} <= names


def test_a_word_that_a_label_looks_up_is_no_value(tmp_path):
    """Its table is none of the trace's, by which a verdict is judged again."""
    run = recorded(
        tmp_path, "import numpy as np\ny = np.array([1, 0])\nsaid = np.array([b'no', b'cat'])[y[0]].decode()\n"
    )
    assert run.namespace["said"] == "cat"
    assert all(np.asarray(n.value).dtype.kind in "fiuc" for n in run.tape if n.value is not None)


def test_a_list_that_is_added_to_an_array_is_one_value_of_those_that_it_holds(tmp_path):
    """Z = X @ W + b, where b is a list of numbers: the slopes of W go through the sum, and those of b come from it."""
    run = recorded(
        tmp_path,
        """\
        import numpy as np
        X, x = np.ones((2, 3)), np.array([0.6, 2.0])
        b, rows = [x[0] * 1.0, x[1] * 1.0], [[x[0] * 1.0, 0.0], [0.0, 1.0]]
        Z = X @ np.ones((3, 2)) + b
        V = rows * Z
        """,
    )
    list_of_b, list_of_rows = node(run, "Z").args[1], node(run, "V").args[0]
    assert (list_of_b.op, list_of_b.value.tolist()) == ("gathered", [0.6, 2.0])
    assert (list_of_rows.op, list_of_rows.shape) == ("gathered", (2, 2))


ENTRIES = """\
import numpy as np
w = np.zeros(3)
a = w * 2.0
for j in range(3):
    w[j] = w[j] + 1.0
b = w * 2.0
c = w[1] + 1.0
"""


def test_an_entry_beside_those_that_are_written_is_that_of_the_array_as_it_was_read(tmp_path):
    """What is written into w[0] is none of w[1]; what was written into w[1] is all of it."""
    run = recorded(tmp_path, ENTRIES)
    items = [n for n in run.tape if n.op == "item"]
    assert [n.args[0].op for n in items] == ["leaf", "leaf", "leaf", "put"]


WORDS = """import numpy as np
kinds = np.array(["a", "b", "a"], dtype=object)
y = np.where(kinds == "a", -1, 1)
"""


def test_words_that_are_compared_are_something_that_is_known(tmp_path):
    assert [n.leaf for n in node(recorded(tmp_path, WORDS), "y").inputs] == ["looked up"]


def test_one_entry_of_a_matrix_is_written_into_it(tmp_path):
    """np.matrix hands out a number for M[0, 1, ...], which is no view of it."""
    tape = recorded(tmp_path, "import numpy as np\nM = np.matrix(np.zeros((1, 2)))\nM[0, 1] = 3.0\nb = M + 1.0\n").tape
    assert [n.op for n in tape][-3:] == ["assign", "put", "add"]
