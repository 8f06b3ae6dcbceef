"""Files that are whole or absent."""

import os
from pathlib import Path

import pytest

from nnref.running import files


def test_a_file_is_whole_or_absent(tmp_path):
    def fails(file):
        file.write(b"half")
        raise KeyboardInterrupt

    files.write(tmp_path / "kept", lambda file: file.write(b"whole"))
    with pytest.raises(KeyboardInterrupt):
        files.write(tmp_path / "kept", fails)
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]
    assert (tmp_path / "kept").read_bytes() == b"whole"


def test_the_bytes_are_on_the_disk_before_the_file_has_its_name(tmp_path, monkeypatch):
    """Else a loss of power leaves an empty file under the right name, which a resumed run takes for its checkpoint."""
    seen = []
    synchronise = os.fsync

    def fsync(descriptor):
        seen.append((sorted(p.name[:6] for p in tmp_path.iterdir()), os.fstat(descriptor).st_size))
        synchronise(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    files.write_text(tmp_path / "kept", "whole")
    assert seen[0] == ([".kept."], 5)
    assert len(seen) == 1 or seen[1][0] == ["kept"]  # then its name, where the system lets a folder be opened


def test_a_folder_that_cannot_be_opened_is_no_error(tmp_path, monkeypatch):
    def refuse(*_):
        raise PermissionError("as on Windows")

    monkeypatch.setattr(os, "open", refuse)
    files.keep_name(Path(tmp_path))
