"""Is what was recorded left whole, or not at all?"""

from nnref.checking.homework.worker import WORKS, leave


def test_a_trace_is_left_and_nothing_where_there_is_none(tmp_path):
    leave(tmp_path / "trace", b"recorded")
    assert (tmp_path / "trace").read_bytes() == b"recorded"
    leave(tmp_path / "none", None)
    assert not (tmp_path / "none").exists()


def test_a_trace_that_cannot_be_written_leaves_no_part_of_it(tmp_path):
    class Full(type(tmp_path)):
        def write_bytes(self, data):
            super().write_bytes(data[:1])
            raise OSError(28, "No space left on device")

    leave(Full(tmp_path / "part"), b"recorded")
    assert not (tmp_path / "part").exists()


def test_each_work_is_known_by_its_first_letter():
    assert len({work[0] for work in WORKS}) == len(WORKS)
