"""Are stored arrays known by their names, and is nothing loaded that could run?"""

import numpy as np
import pytest

import nnref
from nnref.checking.homework import npz
from nnref.checking.reading.source import SourceError


@pytest.fixture
def stored(tmp_path, rng):
    layers = nnref.mlp([4, 5, 3])
    theta = nnref.initialise(layers)
    X, Y = rng.standard_normal((4, 6)), nnref.one_hot([0, 1, 2, 0, 1, 2], 3)
    arrays = {**nnref.named(theta), "X": X, "Y": Y}
    arrays |= {f"d{name}": g for name, g in nnref.named(nnref.gradients(layers, theta, X, Y)).items()}

    def write(**changed):
        path = tmp_path / "mine.npz"
        np.savez(path, **{name: A for name, A in {**arrays, **changed}.items() if A is not None})
        return path

    return write


def test_right_gradients_are_right_and_a_wrong_one_is_not(stored):
    assert npz.certify_file(stored()).ok
    found = npz.certify_file(stored(db1=np.ones((5, 1))))
    assert (found.ok, found.first_wrong) == (False, "db1")


def test_what_has_another_name_is_said_to_be_left_out(stored):
    assert "not looked at: momentum" in npz.certify_file(stored(momentum=np.ones(3))).notes


@pytest.mark.parametrize(
    ("key", "name"), [("w1", "W1"), ("W_2", "W2"), ("B3", "b3"), ("dz1", "dZ1"), ("da_2", "dA2"), ("P", "P")]
)
def test_a_quantity_is_known_in_either_case(key, name):
    assert npz.quantities_by_name({key: np.ones(1)}) == ({name: np.ones(1)}, [])


@pytest.mark.parametrize("key", ["W0", "W", "Q1", "W1x", "ddW1"])
def test_what_is_no_quantity_is_a_stranger(key):
    assert npz.quantities_by_name({key: np.ones(1)}) == ({}, [key])


def test_two_arrays_of_one_meaning_are_refused():
    with pytest.raises(SourceError, match="two arrays are W1"):
        npz.quantities_by_name({"W1": np.ones(1), "w_1": np.ones(1)})


def test_objects_are_never_unpickled(tmp_path):
    path = tmp_path / "objects.npz"
    np.savez(path, W1=np.array([{"a": 1}], dtype=object))
    with pytest.raises(SourceError, match="damaged, or holds Python objects"):
        npz.arrays_of_npz(path)


def test_data_alone_are_no_homework(tmp_path, stored):
    path = tmp_path / "data.npz"
    np.savez(path, X=np.ones(2), Y=np.ones(2))
    assert npz.only_data(path)
    assert not npz.only_data(stored())
    path.write_bytes(b"not a zip")
    assert not npz.only_data(path)


def test_a_file_without_gradients_says_what_it_should_hold(stored):
    with pytest.raises(SourceError, match=r"should hold W1, b1, … and dW1, db1, …"):
        npz.certify_file(stored(dW1=None, db1=None, dW2=None, db2=None))
