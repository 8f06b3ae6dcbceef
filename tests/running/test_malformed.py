"""Four hundred malformed data files of every kind, with fixed seeds: each is refused in one sentence, or is whole."""

import gzip
import io
import struct
import tracemalloc
import zipfile

import numpy as np
import pytest

import nnref
from nnref.running import data


def arrays():
    rng = np.random.default_rng(0)
    images, labels = rng.integers(0, 256, (12, 4, 4), np.uint8), np.arange(12, dtype=np.uint8) % 10
    return {"x_train": images, "y_train": labels, "x_test": images[:5], "y_test": labels[:5]}


def npz(save=np.savez):
    file = io.BytesIO()
    save(file, **arrays())
    return file.getvalue()


def idx(shape, body, magic):
    return struct.pack(f">I{len(shape)}I", magic, *shape) + body


def spoilt(whole, rng):
    """Bytes with a bit flipped, cut, a piece doubled, zeroed or exchanged, or a word of the header made large."""
    bad, at = bytearray(whole), int(rng.integers(len(whole)))
    kind = int(rng.integers(6))
    if kind == 0:
        bad[at] ^= 1 << int(rng.integers(8))
    elif kind == 1:
        del bad[at:]
    elif kind == 2:
        bad[at:at] = bad[at : at + 9]
    elif kind == 3:
        bad[at : at + 4] = b"\xff" * 4
    elif kind == 4:
        bad[at : at + 8] = bytes(8)
    else:
        bad[4 : 4 + 4 * int(rng.integers(1, 4))] = b"\xff\xff\xff\xff"
    return bytes(bad)


def header(text):
    """An .npz whose x_train has this header."""
    line = text.encode()
    line += b" " * (-(len(line) + 11) % 64) + b"\n"
    file = io.BytesIO(npz())
    with zipfile.ZipFile(file) as held:
        members = {name: held.read(name) for name in held.namelist()}
    members["x_train.npy"] = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(line)) + line + bytes(192)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        for name, content in members.items():
            made.writestr(name, content)
    return out.getvalue()


HEADERS = [
    "True", "[]", "None", "{}", "{'descr': True, 'fortran_order': False, 'shape': (12, 4, 4)}",
    "{'descr': '|u1', 'fortran_order': False, 'shape': True}",
    "{'descr': '|u1', 'fortran_order': False, 'shape': (True, 192)}",
    "{'descr': '|u1', 'fortran_order': False, 'shape': (-12, -16)}",
    "{'descr': '|u1', 'fortran_order': False, 'shape': (4294967295, 4294967295)}",
    "{'descr': '|u1', 'fortran_order': False, 'shape': (99999999999,)}",
    "{'descr': '|O', 'fortran_order': False, 'shape': (24,)}",
    "{'descr': '|b1', 'fortran_order': False, 'shape': (12, 16)}",
    "{'descr': [('a', '|u1')], 'fortran_order': False, 'shape': (192,)}",
    "{'descr': '<U48', 'fortran_order': False, 'shape': (1,)}",
    "__import__('os').system('true')", "(" * 300, "\x00", "{'descr': '|u1', 'fortran_order': 3, 'shape': (192,)}",
]  # fmt: skip


def files(tmp_path):
    """Names and bytes of malformed files: .npz, and IDX folders of which one file is malformed."""
    rng = np.random.default_rng(1)
    for k in range(160):
        yield "d.npz", spoilt(npz(np.savez if k % 2 else np.savez_compressed), rng)
    for text in HEADERS:
        yield "d.npz", header(text)
    images, labels = arrays()["x_train"], arrays()["y_train"]
    right = {"train-images-idx3-ubyte": idx((12, 4, 4), images.tobytes(), 0x803),
             "train-labels-idx1-ubyte": idx((12,), labels.tobytes(), 0x801)}  # fmt: skip
    for k in range(180):
        name = list(right)[k % 2]
        if k % 3:
            yield f"idx/{name}", spoilt(right[name], rng)
        else:
            yield f"idx/{name}.gz", spoilt(gzip.compress(right[name], mtime=0), rng)
    for shape in ((2**32 - 1,) * 3, (2**32 - 1, 0, 28), (0, 0, 0), (2**31, 1, 1), (1, 2**32 - 1, 1)):
        yield "idx/train-images-idx3-ubyte", idx(shape, b"", 0x803)
        yield "idx/train-images-idx3-ubyte.gz", gzip.compress(idx(shape, b"", 0x803))
    yield "idx/train-images-idx3-ubyte.gz", gzip.compress(bytes(64 << 20))
    yield "idx/train-images-idx3-ubyte.gz", gzip.compress(idx((12, 4, 4), bytes(64 << 20), 0x803))


def folder(tmp_path):
    """A whole IDX folder."""
    place = tmp_path / "idx"
    place.mkdir(exist_ok=True)
    for path in place.iterdir():
        path.unlink()
    for key, stem in data.IDX_FILES.items():
        A = arrays()[key]
        name = f"{stem}-idx{3 if A.ndim == 3 else 1}-ubyte"
        (place / name).write_bytes(idx(A.shape, A.tobytes(), 0x800 + A.ndim))
    return place


@pytest.mark.filterwarnings("ignore")
def test_a_malformed_file_is_one_sentence_with_its_name_and_takes_no_memory(tmp_path, record_property):
    tried, refused = 0, []
    tracemalloc.start()
    for name, content in files(tmp_path):
        place = folder(tmp_path)
        path = tmp_path / name
        if path.suffix == ".gz":
            path.with_suffix("").unlink(missing_ok=True)
        path.write_bytes(content)
        tracemalloc.reset_peak()
        before = tracemalloc.get_traced_memory()[0]
        try:
            found = nnref.load_mnist(path if name == "d.npz" else place)
            assert found.rows_train.dtype == np.uint8
        except nnref.DataError as error:
            refused.append(str(error))
        assert tracemalloc.get_traced_memory()[1] - before < 8 << 20, name
        tried += 1
    tracemalloc.stop()
    record_property("figure", f"{tried} malformed files, {len(refused)} refused, 0 tracebacks")
    assert tried >= 360
    assert len(refused) > 250
    assert all(str(tmp_path) in says and "allow_pickle" not in says for says in refused)
