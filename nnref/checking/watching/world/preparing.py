"""Data preparation: scikit-learn's splits and scalers, Keras's one-hot labels. Results are views where possible."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from nnref.checking.watching.recording.recorder import leaf
from nnref.checking.watching.recording.tape import words
from nnref.checking.watching.world.held import Data, array_of_table
from nnref.checking.watching.world.tables import Frame
from nnref.shapes import Array


def train_test_split(*arrays: Any, test_size: Any = None, train_size: Any = None, **kwargs: Any) -> list[Any]:
    """The first rows of each array and the last: as views, so that the array they are parts of stays known."""
    n = len(arrays[0])
    if test_size is None:
        test_size = 0.25 if train_size is None else (n - train_size if train_size >= 1 else 1 - float(train_size))
    out = int(test_size) if test_size >= 1 else max(1, round(n * float(test_size)))
    first = n - out if train_size is None else min(n - out, int(train_size if train_size >= 1 else n * train_size))
    return [part for a in arrays for part in (row_range(a, 0, first), row_range(a, n - out, n))]


def row_range(things: Any, first: int, last: int) -> Any:
    """Rows first to last - 1 of an array, a table or a list."""
    return things[first:last]


class Estimator:
    """The base of the scikit-learn classes here; a program may derive its own class from it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.settings = kwargs

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """The settings."""
        return dict(self.settings) if "settings" in self.__dict__ else {}

    def set_params(self, **settings: Any) -> Any:
        """Change settings."""
        self.__dict__.update(settings)
        return self


class Base:
    """A base class without methods."""


class Scaler(Estimator):
    """(X − centre) / spread, for each column."""

    def measure(self, X: Array) -> tuple[Any, Any]:
        """The centre and the spread of each column."""
        return X.mean(axis=0), X.std(axis=0)

    def fit(self, X: Any, y: Any = None) -> Any:
        """Measure each column."""
        self.mean_, spread = self.measure(np.asarray(array_of_table(X), float))
        self.scale_ = np.where(spread == 0, 1.0, spread)
        return self

    def transform(self, X: Any, *args: Any) -> Array:
        """The scaled columns."""
        known = isinstance(X, Data)
        scaled = (np.asarray(array_of_table(X), float) - self.mean_) / self.scale_
        return leaf(scaled, "labels" if getattr(X, "label", False) else "data") if known else scaled

    def fit_transform(self, X: Any, y: Any = None, **kwargs: Any) -> Array:
        """Measure, then scale."""
        return self.fit(X).transform(X)

    def inverse_transform(self, X: Any) -> Array:
        """The columns before scaling: X · spread + centre."""
        return np.asarray(X) * self.scale_ + self.mean_


class MinMaxScaler(Scaler):
    """Each column scaled to [0, 1]."""

    def measure(self, X: Array) -> tuple[Any, Any]:
        """The least entry and the range of each column."""
        return X.min(axis=0), X.max(axis=0) - X.min(axis=0)


class OneHotEncoder(Estimator):
    """One-hot rows of labels: by default as a Sparse, whose `.toarray()` and `.todense()` return the array."""

    def fit(self, y: Any, *args: Any) -> Any:
        """Find the classes."""
        self.classes_ = np.unique(np.asarray(array_of_table(y)).ravel())
        self.categories_ = [self.classes_]
        return self

    def transform(self, y: Any) -> Any:
        """The one-hot rows (N, classes), marked as labels."""
        hot = (np.asarray(array_of_table(y)).reshape(-1, 1) == self.classes_).astype(float)
        sparse = self.settings.get("sparse_output", self.settings.get("sparse", type(self) is OneHotEncoder))
        return Sparse(leaf(hot, "labels")) if sparse else leaf(hot, "labels")

    def fit_transform(self, y: Any, *args: Any) -> Any:
        """Find the classes, then give the rows."""
        return self.fit(y).transform(y)

    def inverse_transform(self, Y: Any) -> Array:
        """The labels that one-hot rows stand for."""
        return self.classes_[np.asarray(Y).argmax(axis=-1)]


class LabelBinarizer(OneHotEncoder):
    """One-hot rows, never sparse; two classes give one column."""

    def transform(self, y: Any) -> Any:
        """The one-hot rows, or 0 and 1 in one column where there are two classes."""
        hot = super().transform(y)
        return leaf(np.ascontiguousarray(hot[:, 1:]), "labels") if hot.shape[1] == 2 else hot


class LabelEncoder(OneHotEncoder):
    """Labels as whole numbers."""

    def transform(self, y: Any) -> Any:
        """The number of each label (N,), marked."""
        return leaf(np.searchsorted(self.classes_, np.asarray(array_of_table(y)).ravel()), "labels")


class Sparse:
    """A stand-in for a sparse matrix, as scikit-learn returns one-hot rows."""

    def __init__(self, array: Array) -> None:
        self.array, self.shape, self.T = array, array.shape, array.T

    def toarray(self) -> Array:
        """The entries."""
        return self.array

    todense = toarray

    @property
    def A(self) -> Array:
        """The entries."""
        return self.array

    def __array__(self, *args: Any, **kwargs: Any) -> Array:
        return self.array


def to_categorical(y: Any, num_classes: int | None = None, dtype: Any = "float32", **kwargs: Any) -> Array:
    """One-hot rows (N, num_classes) of whole numbers, marked as labels."""
    y = np.asarray(array_of_table(y)).astype(int)
    y = y[..., 0] if y.ndim > 1 and y.shape[-1] == 1 else y
    k = int(num_classes or y.max() + 1)
    return leaf((y[..., None] == np.arange(k)).astype(dtype), "labels")


def get_dummies(y: Any, *args: Any, **kwargs: Any) -> Any:
    """A table with one column per class; a table or matrix unchanged."""
    array = np.asarray(array_of_table(y))
    if array.ndim > 1:
        return y
    classes = np.unique(array)
    names = [str(k) for k in classes.tolist()]
    return Frame((array[:, None] == classes).astype(float), names, set(names))


def shuffle(*arrays: Any, **kwargs: Any) -> Any:
    """The arrays unchanged: the order of their rows does not matter."""
    return arrays[0] if len(arrays) == 1 else list(arrays)


def measure_of(*args: Any, **kwargs: Any) -> float:
    """A fixed score, which programs only print."""
    return 0.5


class Folds(Estimator):
    """Cross-validation: one split is enough to watch."""

    def split(self, X: Any, *args: Any) -> Any:
        """The row numbers of the training set and of the test set, once."""
        n = len(X)
        yield np.arange(n - n // 4), np.arange(n - n // 4, n)


def done_at_once(cls: type[Any], **settings: Any) -> Callable[..., Any]:
    """A function that fits and transforms by a class of this module in one call."""
    return lambda X, *args, **kwargs: cls(**settings).fit_transform(X)


SCORES = words("""
    accuracy_score confusion_matrix classification_report f1_score log_loss mean_squared_error mean_absolute_error
    precision_score r2_score recall_score roc_auc_score
""")

SKLEARN: dict[str, dict[str, Any]] = {
    "sklearn": {},
    "sklearn.base": {
        "BaseEstimator": Estimator, "ClassifierMixin": Base, "RegressorMixin": Base, "TransformerMixin": Base,
    },
    "sklearn.model_selection": {"train_test_split": train_test_split, "KFold": Folds, "StratifiedKFold": Folds},
    "sklearn.cross_validation": {"train_test_split": train_test_split},
    "sklearn.preprocessing": {
        "StandardScaler": Scaler, "MinMaxScaler": MinMaxScaler, "OneHotEncoder": OneHotEncoder,
        "LabelBinarizer": LabelBinarizer, "LabelEncoder": LabelEncoder, "scale": done_at_once(Scaler),
        "minmax_scale": done_at_once(MinMaxScaler), "label_binarize": lambda y, **kwargs: to_categorical(y),
        "normalize": lambda X, *args, **kwargs: X / np.maximum(np.linalg.norm(X, axis=1, keepdims=True), 1e-300),
    },
    "sklearn.utils": {"shuffle": shuffle},
    "sklearn.metrics": dict.fromkeys(SCORES, measure_of),
    "sklearn.exceptions": {"NotFittedError": ValueError, "ConvergenceWarning": UserWarning},
}  # fmt: skip
"""The names of scikit-learn that prepare data, by module."""

KERAS_UTILS: dict[str, Any] = {"to_categorical": to_categorical, "normalize": lambda X, *args, **kwargs: X}
"""The names of keras.utils and of keras.utils.np_utils."""
