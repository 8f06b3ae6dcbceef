"""The Titanic table that beginners read: numbers and words about passengers, none missing, and who survived."""

from __future__ import annotations

import re
from collections.abc import Collection

import numpy as np

from nnref.shapes import Array

OWN = frozenset(["PassengerId", "Pclass", "SibSp", "Parch", "Survived"])
"""Columns that only this table has: a program that names one of these reads this table."""

LABEL = "Survived"
ROWS = 400
"""Number of rows handed out."""

TESTS = re.compile(r"test", re.IGNORECASE)
"""Names of test files, which do not say who survived."""


def is_asked_for(columns: Collection[str]) -> bool:
    """Does a program that names these columns read this table?"""
    return bool(OWN & set(columns))


def passengers(random: np.random.RandomState, name: str, rows: int = ROWS) -> tuple[list[str], list[Array]]:
    """The names of the columns, and the columns; a test file has no column of who survived."""
    women, sex = random.rand(rows) < 0.4, np.array(["male", "female"], object)
    ports, grades = np.array(["S", "C", "Q"], object), random.randint(1, 4, rows)
    found: dict[str, Array] = {
        "PassengerId": np.arange(1, rows + 1),
        LABEL: (random.rand(rows) < 0.2 + 0.5 * women).astype(np.int64),
        "Pclass": grades,
        "Name": np.array([f"Smith{k}, {'Mrs' if w else 'Mr'}. Alex" for k, w in enumerate(women)], object),
        "Sex": sex[women.astype(int)],
        "Age": np.round(random.uniform(1, 70, rows), 1),
        "SibSp": random.randint(0, 4, rows),
        "Parch": random.randint(0, 3, rows),
        "Ticket": np.array([f"A/5 {k}" for k in range(rows)], object),
        "Fare": np.round(random.uniform(5, 80, rows) / grades, 2),
        "Cabin": np.array([f"{'ABCDEF'[k % 6]}{k}" for k in range(rows)], object),
        "Embarked": ports[random.randint(0, 3, rows)],
    }
    if TESTS.search(name):
        del found[LABEL]
    return list(found), list(found.values())
