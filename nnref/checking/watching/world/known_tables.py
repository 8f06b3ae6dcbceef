"""Well-known tables of books and courses, by file name: made up with the same width, classes and class column."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from nnref.checking.watching.world.digits import clusters, line
from nnref.shapes import Array

ROWS = 210
"""Number of rows of a made-up table."""


@dataclass(frozen=True)
class KnownTable:
    """A table with `width` numbers per row, and one of `classes`, or a number to predict if there are no classes.

    place is the column of the class or number: 0, -1, or 1 after a column of row numbers. numbered says whether there
    is a first column of row numbers. header gives the names of the columns if the file has a header line.
    """

    width: int
    classes: tuple[str, ...] = ()
    place: int = -1
    delimiter: str = ","
    header: tuple[str, ...] = ()
    numbered: bool = False

    def columns(
        self, random: np.random.RandomState, classes: Sequence[str] = (), rows: int = ROWS
    ) -> tuple[list[Array], int]:
        """The columns of the table in order, and the index of the class or number to predict.

        classes are the program's own words for the classes, used if their number is right.
        """
        if self.classes:
            words = np.array(classes if len(classes) == len(self.classes) else self.classes)
            X, y = clusters(random, rows, self.width, len(words))
            labels = (words.astype(np.int64) if words[0].isdigit() else words.astype(object))[y]
        else:
            X, labels = line(random, rows, self.width)
        found = [*([np.arange(1, rows + 1)] if self.numbered else []), *X.T]
        at = len(found) if self.place == -1 else self.place
        found.insert(at, labels)
        return found, at

    def named(self, asked: Sequence[str], label: str) -> list[str] | None:
        """The names of the columns as the program uses them; None if it uses names that the table does not have.

        If the program names no column but the label, the label column gets that name.
        """
        wide = self.width + 1 + self.numbered
        if (asked and set(asked) <= set(self.header)) or (not self.header and len(asked) == wide):
            return list(self.header or asked)
        if set(asked) - {label}:
            return None
        found = list(self.header) or [str(k) for k in range(wide)]
        found[self.place] = label
        return found

    def text(self, random: np.random.RandomState, rows: int = ROWS) -> str:
        """The table as the text of a file."""
        found, _ = self.columns(random, rows=rows)
        head = [self.delimiter.join(self.header)] if self.header else []
        return "\n".join([*head, *(self.delimiter.join(map(str, row)) for row in zip(*found, strict=True))]) + "\n"


def numbers(first: int, last: int) -> tuple[str, ...]:
    """Whole numbers as words."""
    return tuple(str(k) for k in range(first, last + 1))


NO_YES = numbers(0, 1)

DIABETES = (
    "Pregnancies", "Glucose", "BloodPressure", "SkinThickness", "Insulin", "BMI", "DiabetesPedigreeFunction", "Age",
    "Outcome",
)  # fmt: skip
HEART = (
    "age", "sex", "cp", "trestbps", "chol", "fbs", "restecg", "thalach", "exang", "oldpeak", "slope", "ca", "thal",
    "target",
)  # fmt: skip
WINES = (
    "fixed acidity", "volatile acidity", "citric acid", "residual sugar", "chlorides", "free sulfur dioxide",
    "total sulfur dioxide", "density", "pH", "sulphates", "alcohol", "quality",
)  # fmt: skip
FLOWERS = ("Iris-setosa", "Iris-versicolor", "Iris-virginica")
SIZES = ("sepal_length", "sepal_width", "petal_length", "petal_width", "species")
IN_CM = ("Id", "SepalLengthCm", "SepalWidthCm", "PetalLengthCm", "PetalWidthCm", "Species")

KNOWN = {
    r"(bezdek)?iris\.(data|txt)": KnownTable(4, FLOWERS),
    r"iris(_dataset)?\.csv": KnownTable(4, FLOWERS, header=SIZES),
    r"iris\.csv": KnownTable(4, FLOWERS, header=IN_CM, numbered=True),
    r"(boston_?)?housing\.(data|txt)": KnownTable(13, delimiter=" "),
    r"wine\.(data|txt)": KnownTable(13, numbers(1, 3), 0),
    r"winequality.*\.csv": KnownTable(11, numbers(3, 8), delimiter=";", header=WINES),
    r"wdbc\.(data|csv)": KnownTable(30, ("B", "M"), 1, numbered=True),
    r"breast-cancer-wisconsin\.data(\.txt|\.csv)?": KnownTable(9, ("2", "4"), numbered=True),
    r"pima-indians-diabetes(\.data)?(\.csv|\.txt)?": KnownTable(8, NO_YES),
    r"diabetes\.csv": KnownTable(8, NO_YES, header=DIABETES),
    r"heart\.csv": KnownTable(13, NO_YES, header=HEART),
    r"sonar(\.all-data)?(\.csv)?": KnownTable(60, ("M", "R")),
    r"ionosphere\.(data|csv)": KnownTable(34, ("b", "g")),
    r"(data_)?banknote(_authentication)?\.(txt|csv|data)": KnownTable(4, NO_YES),
    r"(wheat-)?seeds(_dataset)?\.(csv|txt|data)": KnownTable(7, numbers(1, 3)),
    r"glass\.(data|csv)": KnownTable(9, ("1", "2", "3", "5", "6", "7"), numbered=True),
    r"ex1data1\.(txt|csv)": KnownTable(1),
    r"ex1data2\.(txt|csv)": KnownTable(2),
    r"ex2data[12]\.(txt|csv)": KnownTable(2, NO_YES),
}
"""The tables, by a pattern of the file name."""


def known_tables(name: str) -> list[KnownTable]:
    """The known tables that a file name may mean, the likeliest first; [] for an unknown name."""
    last = Path(name).name.lower()
    return [table for pattern, table in KNOWN.items() if re.fullmatch(pattern, last)]
