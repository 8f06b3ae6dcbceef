"""The data sets of packages, by name: those of digits as digits, others as made-up numbers of the same shape."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np

from nnref.checking.watching.recording.recorder import entry, leaf
from nnref.checking.watching.world import digits as numbers
from nnref.checking.watching.world.digits import Digits
from nnref.checking.watching.world.feature_names import classes_of, features
from nnref.checking.watching.world.needs import Needs
from nnref.checking.watching.world.pictures import SIDE, shrunk
from nnref.checking.watching.world.preparing import KERAS_UTILS, SKLEARN
from nnref.checking.watching.world.tables import Frame, Series
from nnref.shapes import Array

Pair = tuple[Array, Array]

TABLES = {
    "load_iris": (150, 4, 3), "load_wine": (178, 13, 3), "load_breast_cancer": (569, 30, 2),
    "load_diabetes": (442, 10, 0), "load_boston": (506, 13, 0), "fetch_california_housing": (600, 8, 0),
    "load_linnerud": (20, 3, 0), "fetch_covtype": (600, 54, 7),
}  # fmt: skip
"""Rows, columns and classes of scikit-learn's tables; 0 classes where a number is to be predicted."""

MOST = 600
"""Largest number of rows of a made-up data set, however many are asked for."""


class Bunch(dict[str, Any]):
    """A dictionary whose entries are also attributes."""

    __getattr__ = dict.__getitem__


class Datasets:
    """The data sets of one run."""

    def __init__(self, digits: Digits, needs: Needs) -> None:
        self.digits, self.needs = digits, needs

    def split(self, *args: Any, **kwargs: Any) -> tuple[Pair, Pair]:
        """Keras's mnist.load_data()."""
        return self.digits.split(self.needs.training, self.needs.held_out)

    def colours(self, *args: Any, **kwargs: Any) -> tuple[Pair, Pair]:
        """Keras's cifar10.load_data(): uint8 (N, 32, 32, 3), and labels (N, 1)."""
        random, parts = self.digits.draw(), []
        for n in (self.needs.some(50000, min(self.needs.rows, MOST)), self.needs.some(10000, 100)):
            y = (np.arange(n) % 10)[:, None].astype(np.uint8)
            parts.append((leaf(random.randint(0, 256, (n, 32, 32, 3)).astype(np.uint8), "data"), leaf(y, "labels")))
        return parts[0], parts[1]

    def houses(self, *args: Any, **kwargs: Any) -> tuple[Pair, Pair]:
        """Keras's boston_housing.load_data()."""
        X, y = numbers.line(self.digits.draw(), 506, 13)
        leaf(X, "data"), leaf(y, "labels")
        return (X[:404], y[:404]), (X[404:], y[404:])

    def table(self, rows: int, width: int, classes: int) -> Pair:
        """Points and their classes, or a number for each if there are no classes; marked."""
        random = self.digits.draw()
        X, y = numbers.clusters(random, rows, width, classes) if classes else numbers.line(random, rows, width)
        return leaf(X, "data"), leaf(y, "labels")

    def bunch(self, name: str) -> Callable[..., Any]:
        """One of scikit-learn's load_… functions."""

        def load(*args: Any, return_X_y: bool = False, as_frame: bool = False, **kwargs: Any) -> Any:
            X, y = self.small_digits() if name == "load_digits" else self.table(*TABLES[name])
            return self.handed_out(X, y, return_X_y, as_frame, name)

        return load

    def handed_out(self, X: Array, y: Array, pair: bool, as_frame: bool, name: str = "") -> Any:
        """The data as a pair, or as a Bunch with data and target; as tables if as_frame."""
        names = features(name, X.shape[1])
        data, target = (Frame(X, names, set()), Series(y, "target", True)) if as_frame else (X, y)
        if pair:
            return data, target
        images, whole = X.reshape(-1, 8, 8) if X.shape[1] == 64 else X, None
        if as_frame:
            whole = Frame(np.column_stack([X, y]), [*names, "target"], {"target"})
        return Bunch(
            data=data, target=target, images=images, feature_names=names,
            target_names=np.array(classes_of(name)), DESCR="", frame=whole,
        )  # fmt: skip

    def small_digits(self) -> Pair:
        """scikit-learn's digits: rows of 64 whole numbers from 0 to 15, made from the means of 3 × 3 pixels."""
        X, y = self.digits.rows(MOST)
        return leaf(np.floor(shrunk(X.astype(float), SIDE) / 16), "data"), leaf(y, "labels")

    def openml(self, *args: Any, return_X_y: bool = False, as_frame: Any = "auto", **kwargs: Any) -> Any:
        """fetch_openml("mnist_784"): images (N, 784), and their labels as numbers, not strings."""
        X, y = self.digits.rows(self.needs.some(70000, self.needs.rows))
        as_frame = self.needs.frames if as_frame == "auto" else as_frame
        return self.handed_out(leaf(X.astype(float), "data"), leaf(y, "labels"), return_X_y, as_frame is True)

    def made(self, width: int, classes: int) -> Callable[..., Any]:
        """One of scikit-learn's make_… functions."""

        def make(n_samples: Any = 100, n_features: int = width, **kwargs: Any) -> Any:
            centres = kwargs.get("centers", kwargs.get("n_classes", classes))
            rows = sum(n_samples) if isinstance(n_samples, tuple) else int(n_samples)
            rows = max(1, rows // self.needs.share)
            return self.table(min(rows, MOST), n_features, centres if isinstance(centres, int) else len(centres))

        return make

    def spiral(self, samples: int = 100, classes: int = 3) -> Pair:
        """nnfs.datasets.spiral_data(samples=…, classes=…)."""
        return self.table(min(int(samples) * int(classes), MOST), 2, int(classes))

    def sine(self, samples: int = 200) -> Pair:
        """nnfs.datasets.sine_data(): x and sin 2πx, each as a column."""
        x = np.linspace(0, 1, samples)[:, None] + 0.01 * self.digits.seed
        return leaf(x, "data"), leaf(np.sin(2 * np.pi * x), "labels")

    def names(self) -> dict[str, dict[str, Any]]:
        """The modules that hand out data, each with its names."""
        sets = {
            "mnist": self.split,
            "fashion_mnist": self.split,
            "cifar10": self.colours,
            "boston_housing": self.houses,
        }
        found = {name: dict(content) for name, content in SKLEARN.items()}
        found["sklearn.datasets"] = {
            **{name: self.bunch(name) for name in (*TABLES, "load_digits")},
            "fetch_openml": self.openml, "make_moons": self.made(2, 2), "make_circles": self.made(2, 2),
            "make_blobs": self.made(2, 3), "make_classification": self.made(20, 2),
            "make_gaussian_quantiles": self.made(2, 3), "make_regression": self.made(10, 0),
        }  # fmt: skip
        for top in ("keras", "tensorflow.keras"):
            found |= {f"{top}.datasets.{name}": {"load_data": load} for name, load in sets.items()}
            found[f"{top}.utils"] = found[f"{top}.utils.np_utils"] = KERAS_UTILS
        found["nnfs"] = {"init": lambda *args, **kwargs: None}
        found["nnfs.datasets"] = {"spiral_data": self.spiral, "vertical_data": self.spiral, "sine_data": self.sine}
        found["mnist"] = self.mnist_package()
        found["mlxtend.data"] = {"loadlocal_mnist": self.flat, "mnist_data": self.flat, "iris_data": self.iris}
        found["dataset"], found["dataset.mnist"] = {}, {"load_mnist": self.scaled}
        found["torchvision.datasets"] = dict.fromkeys(("MNIST", "FashionMNIST"), self.torchvision)
        found["torchvision.transforms"] = {"Compose": Composed, "ToTensor": lambda: as_tensor, "Normalize": normalised}
        return found

    def scaled(self, normalize: bool = True, flatten: bool = True, one_hot_label: bool = False) -> tuple[Pair, Pair]:
        """A well-known book's load_mnist: (N, 784) or (N, 1, 28, 28), by default in [0, 1]; labels or one-hot rows."""

        def of(pair: Pair) -> Pair:
            side = self.digits.side
            X = np.asarray(pair[0]).reshape((-1, side * side) if flatten else (-1, 1, side, side))
            y = (pair[1][:, None] == np.arange(10)).astype(float) if one_hot_label else pair[1]
            return leaf(X.astype(np.float32) / 255 if normalize else X, "data"), leaf(y, "labels")

        train, test = self.split()
        return of(train), of(test)

    def flat(self, *args: Any, **kwargs: Any) -> Pair:
        """Images as rows (N, 784), and labels."""
        X, y = self.digits.rows(self.needs.rows)
        return leaf(X, "data"), leaf(y, "labels")

    def iris(self, *args: Any, **kwargs: Any) -> Pair:
        """150 flowers, 4 measures, 3 kinds."""
        return self.table(*TABLES["load_iris"])

    def mnist_package(self) -> dict[str, Any]:
        """The package mnist: a function an array."""
        return {
            "train_images": lambda: self.split()[0][0], "train_labels": lambda: self.split()[0][1],
            "test_images": lambda: self.split()[1][0], "test_labels": lambda: self.split()[1][1],
            "MNIST": self.loader,
        }  # fmt: skip

    def loader(self, *args: Any, **kwargs: Any) -> Any:
        """python-mnist's MNIST(folder): load_training() and load_testing() give images (N, 784) and labels."""
        train, test = self.split()

        def given(pair: Pair) -> Pair:
            return pair[0].reshape(len(pair[0]), -1), pair[1]

        return SimpleNamespace(load_training=lambda: given(train), load_testing=lambda: given(test), gz=False)

    def torchvision(self, *args: Any, train: bool = True, **kwargs: Any) -> Any:
        """torchvision.datasets.MNIST: has data and targets, and gives a pair, prepared as asked, when indexed."""
        X, y = self.digits.square(self.needs.training if train else self.needs.held_out)
        return Pairs(X, y, kwargs.get("transform"), kwargs.get("target_transform"))


class Images(np.ndarray[Any, Any]):
    """An array that has .numpy() too, as a tensor does."""

    def numpy(self) -> Array:
        """The array."""
        return self.view(np.ndarray)


class Composed:
    """torchvision.transforms.Compose: one preparation after the other."""

    def __init__(self, steps: Any) -> None:
        self.transforms = list(steps)

    def __call__(self, thing: Any) -> Any:
        """The thing, prepared."""
        for step in self.transforms:
            thing = step(thing)
        return thing


def as_tensor(image: Array) -> Array:
    """torchvision.transforms.ToTensor: (1, 28, 28) in [0, 1]."""
    return leaf(np.asarray(image, np.float32)[None] / 255, "data").view(Images)


def normalised(mean: Any, std: Any, *args: Any) -> Callable[[Array], Array]:
    """torchvision.transforms.Normalize: each channel minus its mean, divided by its spread."""
    centre, spread = (np.reshape(np.asarray(part, np.float32), (-1, 1, 1)) for part in (mean, std))
    return lambda image: leaf(np.asarray((image - centre) / spread), "data").view(Images)


class Pairs:
    """Images and labels, indexed as pairs; of_image and of_label prepare what is handed out, if they are given."""

    def __init__(self, X: Array, y: Array, of_image: Any = None, of_label: Any = None) -> None:
        self.data = self.train_data = X.view(Images)
        self.targets = self.train_labels = y.view(Images)
        self.of_image, self.of_label = of_image, of_label

    def __len__(self) -> int:
        return len(self.targets)

    def __getitem__(self, k: int) -> tuple[Any, Any]:
        image, label = self.data[k].view(np.ndarray), entry(self.targets, k)
        return self.of_image(image) if self.of_image else image, self.of_label(label) if self.of_label else label

    def __iter__(self) -> Iterator[tuple[Any, Any]]:
        return (self[k] for k in range(len(self)))
