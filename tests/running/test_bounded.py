"""Is a file's header believed no further than the file can hold it?"""

import gzip
import struct

import numpy as np
import pytest

from nnref.running import bounded
from nnref.running.errors import DataError


def idx(shape, body):
    """The bytes of an IDX file."""
    return struct.pack(f">{1 + len(shape)}I", 0x0800 + len(shape), *shape) + body


def test_images_plain_or_gzipped_are_read_back(tmp_path):
    images = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    (tmp_path / "plain").write_bytes(idx(images.shape, images.tobytes()))
    (tmp_path / "zipped.gz").write_bytes(gzip.compress(idx(images.shape, images.tobytes())))
    for name in ("plain", "zipped.gz"):
        assert np.array_equal(bounded.idx(tmp_path / name, "x_train"), images)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (idx((3,), b"ab"), r"declares \(3,\), 3 bytes; 2 are there"),
        (idx((2,), b"abc"), r"declares \(2,\), 2 bytes; 3 are there"),
        (idx((1 << 30,), b"abc"), "the file cannot hold them"),
        (struct.pack(">II", 0x0802, 1) + b"a", "magic number 00000801; 00000802 came"),
        (b"", "magic number 00000801; nothing came"),
    ],
)
def test_labels_that_are_not_what_the_header_says_are_refused(tmp_path, data, says):
    (tmp_path / "labels").write_bytes(data)
    with pytest.raises(DataError, match=says):
        bounded.idx(tmp_path / "labels", "y_train")
