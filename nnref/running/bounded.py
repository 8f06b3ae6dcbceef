"""Reading what a file declares only as far as the file can hold it: no memory is taken on a header's word."""

from __future__ import annotations

import gzip
import struct
import zipfile
from math import prod
from pathlib import Path
from typing import IO, Any

import numpy as np

from nnref.running.errors import DataError
from nnref.shapes import Array

LARGEST = 2 << 30
"""Bytes of one array: forty times the images of MNIST."""

DEFLATED = 1032
"""The most that deflate can shrink anything: bytes of content for a byte in the file."""


def idx(path: Path, field: str) -> Array:
    """The uint8 array of an IDX file (big-endian magic number, one length per axis, then the bytes), plain or gzipped.

    Errors: DataError for a wrong magic number, and for fewer or more bytes than the header declares; whatever gzip
    raises on damage.
    """
    axes = 3 if field.startswith("x") else 1
    magic = 0x0800 + axes  # 0x08 is "unsigned byte"
    zipped = path.suffix == ".gz"
    room = path.stat().st_size * (DEFLATED if zipped else 1)
    with gzip.open(path) if zipped else path.open("rb") as file:
        head = file.read(4 + 4 * axes)
        if len(head) < 4 + 4 * axes or struct.unpack(">I", head[:4])[0] != magic:
            came = head[:4].hex() or "nothing"
            raise DataError(f"{path}: {field} should have the magic number {magic:08x}; {came} came.")
        shape = struct.unpack(f">{axes}I", head[4:])
        size = prod(shape)
        if size > min(room, LARGEST):
            raise DataError(f"{path}: {field} declares {shape}, {size:,} bytes; the file cannot hold them.")
        body = file.read(size + 1)
    if len(body) != size or not size:
        more = "more" if zipped and len(body) > size else f"{max(len(body), 0 if zipped else room - len(head)):,}"
        raise DataError(f"{path}: {field} declares {shape}, {size:,} bytes; {more} are there.")
    return np.frombuffer(body, np.uint8).reshape(shape)


def npy(path: Path, archive: zipfile.ZipFile, key: str) -> Array:
    """One array of an .npz, never unpickled.

    Errors: DataError for another number of bytes than the header declares; ValueError for objects; whatever zipfile
    and numpy raise on damage.
    """
    member = archive.getinfo(f"{key}.npy")
    if member.file_size > min(LARGEST, DEFLATED * path.stat().st_size):
        raise DataError(f"{path}: {key} declares {member.file_size:,} bytes; the file cannot hold them.")
    with archive.open(member) as file:
        shape, _, dtype = header(file)
        if dtype.hasobject:
            raise ValueError("it holds Python objects")
        size, there = prod(shape) * dtype.itemsize, member.file_size - file.tell()
        if any(type(n) is not int or n < 0 for n in shape) or size != there:
            raise DataError(f"{path}: {key} declares {shape} of {dtype}, {size:,} bytes; {there:,} are there.")
    with archive.open(member) as file:
        array: Array = np.lib.format.read_array(file, allow_pickle=False)
    return array


def header(file: IO[bytes]) -> tuple[tuple[int, ...], bool, Any]:
    """Shape, order and dtype of an .npy file, as its header has them."""
    version = np.lib.format.read_magic(file)
    read = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
    if version not in read:
        raise ValueError(f"version {version} of the npy format holds no plain numbers")
    return read[version](file)
