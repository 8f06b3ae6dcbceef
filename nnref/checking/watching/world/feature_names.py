"""Names of the columns and classes of scikit-learn's small tables; programs select columns by them."""

from __future__ import annotations

from nnref.checking.watching.recording.tape import words

MEASURES = ("radius", "texture", "perimeter", "area", "smoothness", "compactness", "concavity", "concave points")
"""Measurements of a cell; each has one column for the mean, one for the error and one for the worst value."""

OF_CELLS = (*MEASURES, "symmetry", "fractal dimension")

FEATURES: dict[str, tuple[str, ...]] = {
    "load_iris": ("sepal length (cm)", "sepal width (cm)", "petal length (cm)", "petal width (cm)"),
    "load_breast_cancer": (
        *(f"mean {name}" for name in OF_CELLS), *(f"{name} error" for name in OF_CELLS),
        *(f"worst {name}" for name in OF_CELLS),
    ),
    "load_wine": (
        "alcohol", "malic_acid", "ash", "alcalinity_of_ash", "magnesium", "total_phenols", "flavanoids",
        "nonflavanoid_phenols", "proanthocyanins", "color_intensity", "hue", "od280/od315_of_diluted_wines", "proline",
    ),
    "load_diabetes": ("age", "sex", "bmi", "bp", "s1", "s2", "s3", "s4", "s5", "s6"),
    "load_boston": (
        "CRIM", "ZN", "INDUS", "CHAS", "NOX", "RM", "AGE", "DIS", "RAD", "TAX", "PTRATIO", "B", "LSTAT",
    ),
    "fetch_california_housing": (
        "MedInc", "HouseAge", "AveRooms", "AveBedrms", "Population", "AveOccup", "Latitude", "Longitude",
    ),
}  # fmt: skip
"""The columns of each table, in order."""

CLASSES_OF = {
    "load_iris": words("setosa versicolor virginica"),
    "load_breast_cancer": words("malignant benign"),
    "load_wine": words("class_0 class_1 class_2"),
}
"""The names of the classes of each table."""


def features(name: str, width: int) -> list[str]:
    """The names of a table's columns; numbered names if none are known.

    >>> features("load_digits", 2)
    ['feature 0', 'feature 1']
    """
    known = FEATURES.get(name, ())
    return list(known) if len(known) == width else [f"feature {k}" for k in range(width)]


def classes_of(name: str) -> list[str]:
    """The names of a table's classes, in order; numbered names if none are known.

    >>> classes_of("load_iris")
    ['setosa', 'versicolor', 'virginica']
    """
    return sorted(CLASSES_OF.get(name, ()), reverse=name == "load_breast_cancer") or [f"class {k}" for k in range(10)]
