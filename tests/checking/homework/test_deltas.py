"""Is the dZ of a backward pass known by what was made of it, whatever it is called?"""

import numpy as np

from nnref.checking.homework.deltas import name_fits, recorded_dZ, scale_of_dZ
from tests.support.homework import BASE, read_from


def test_both_dZ_are_found_in_the_scale_of_the_mean_loss_under_any_name():
    for text in (BASE, BASE.replace("dz2", "foo").replace("dz1", "bar")):
        reading = read_from(text)
        found = recorded_dZ(reading)
        assert found.keys() == {"dZ1", "dZ2"}
        for name, dZ in found.items():
            np.testing.assert_allclose(dZ, reading.case.dZ[name], rtol=1e-12)


def test_a_mean_that_is_taken_later_is_undone():
    text = BASE.replace("dz2 = (p - y) / len(y)", "dz2 = p - y")
    for line in ("a1.T @ dz2", "dz2.sum(axis=0)", "x.T @ dz1", "dz1.sum(axis=0)"):
        text = text.replace(line, f"{line} / len(y)")
    reading = read_from(text)
    np.testing.assert_allclose(recorded_dZ(reading)["dZ2"], reading.case.dZ["dZ2"], rtol=1e-12)


def test_another_array_makes_neither_gradient_and_another_name_does_not_fit():
    reading = read_from(BASE)
    dZ = reading.case.dZ["dZ2"]
    assert scale_of_dZ(reading, 2, "W", dZ) == 1
    assert scale_of_dZ(reading, 2, "W", dZ[:, ::-1]) is None
    assert name_fits(reading, "dz2", 2)
    assert not name_fits(reading, "dz1", 2)
