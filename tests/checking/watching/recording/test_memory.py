"""Is a view known by its memory: whose it is, and which entries it shows?"""

import numpy as np
import pytest

from nnref.checking.watching.recording.memory import Buffer, layout, owner, positions, same_memory, view_of


@pytest.mark.parametrize(
    "view",
    [
        lambda A: A[1:, ::2],
        lambda A: A.T,
        lambda A: A[::-1],
        lambda A: A.reshape(-1)[3:7],
        lambda A: A[2],
        lambda A: A[:0],
        lambda A: np.broadcast_to(A[0], (4, 6)),
    ],
)
@pytest.mark.parametrize("order", ["C", "F"])
def test_a_view_shows_the_entries_at_its_positions(view, order):
    A = np.array(np.arange(24.0).reshape(4, 6), order=order)
    V = view(A)
    if owner(V) is not A:  # a reshape of another order copies
        return
    at = positions(layout(V, A), A.shape, tuple(s // 8 for s in A.strides))
    assert np.array_equal(A.ravel()[at], V)


def test_the_owner_of_a_view_of_a_view_is_the_first_array():
    A = np.arange(6.0)
    assert owner(A[1:][::2].reshape(1, -1)) is A


def test_the_owner_of_a_field_of_records_is_that_field():
    records = np.zeros(4, dtype=[("x", float, (2,)), ("y", float)])
    field = records["x"]
    assert owner(field) is field
    assert owner(field[1:]).shape == (3, 2)  # numpy keeps no field between a view and the records
    assert layout(field, owner(field)) == (0, (4, 2), (3, 1))


def test_bytes_of_a_float_are_none_of_its_entries():
    A = np.arange(6.0)
    assert layout(A.view("uint8"), A) is None


def test_what_is_the_array_itself_is_whole_and_a_part_is_not():
    A = np.arange(6.0).reshape(2, 3)
    buffer = Buffer(A, None)
    assert buffer.whole(layout(A[:], A))
    assert not buffer.whole(layout(A[1:], A))
    assert not buffer.whole(layout(A.T, A))


def test_a_part_of_a_matrix_is_a_view_of_it_also_where_it_is_one_entry():
    M = np.matrix(np.arange(6.0).reshape(2, 3))
    for index in ((0, 1), 1, (slice(None), 2)):
        assert np.shares_memory(view_of(M, index), M)


A = np.arange(12.0).reshape(3, 4)


def test_the_same_memory_is_the_same_entries_in_the_same_order():
    assert same_memory(A[1:], A[1:])
    assert not same_memory(A[1:], A[:2])
    assert not same_memory(A, A.T)
    assert not same_memory(A[::-1][::-1][:2], A[:3])
