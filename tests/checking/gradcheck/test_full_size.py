"""Is every entry of a large layer judged, by the closed form that its outputs show it to be?"""

import numpy as np
import pytest

import nnref
from nnref.checking.gradcheck import full_size

X = np.random.default_rng(0).standard_normal((13, 12))


@pytest.fixture(autouse=True)
def _full_size_begins_early(monkeypatch):
    """So that a test takes milliseconds."""
    monkeypatch.setattr(full_size, "WHOLE", X.size - 1)
    monkeypatch.setattr(full_size, "ASKED", 8)


def softmax(x):
    e = np.exp(x - x.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def back(x, dY):
    s = softmax(x)
    return s * (dY - (s * dY).sum(axis=1, keepdims=True))


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_one_wrong_entry_of_many_is_found(dtype):
    """A sample would miss it nearly always."""
    right = nnref.check_vjp(softmax, back, X.astype(dtype))
    assert right.ok, right
    assert right.entries[0].checked == X.size

    def one_wrong(x, dY):
        dX = back(x, dY)
        dX[7, 3] *= 1.01
        return dX

    wrong = nnref.check_vjp(softmax, one_wrong, X.astype(dtype)).entries[0]
    assert (wrong.verdict, wrong.wrong, wrong.worst.index) == ("WRONG", 1, (7, 3))
    assert wrong.where[-1].says.startswith("only entry (7, 3)")


def test_a_mistake_in_a_large_layer_is_named():
    report = nnref.check_vjp(softmax, lambda x, dY: softmax(x) * (1 - softmax(x)) * dY, X)
    assert report.entries[0].wrong == X.size
    assert "entry by entry, as a sigmoid's" in report.entries[0].where[0].says


def test_another_formula_that_rounds_more_is_right():
    """The gradient at logarithms of the output is the same, and off by more than the closed form may be."""

    def roundabout(x, dY):
        noise = 1e4  # added and taken away again: four digits are lost
        return (back(x, dY) + noise) - noise

    report = nnref.check_vjp(softmax, roundabout, X)
    assert report.wrong == ()


def test_whoever_says_how_many_entries_gets_so_many():
    report = nnref.check_vjp(softmax, back, X, entries=5)
    assert report.entries[0].checked == 5
