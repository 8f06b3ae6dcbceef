"""Is a complex gradient split and joined without loss, and is a conjugate neither right nor wrong?"""

import numpy as np
import pytest

from nnref.checking.gradcheck.complexes import CONVENTION, any_complex, joined, split
from nnref.checking.gradcheck.gradcheck import gradcheck


def test_parts_are_copies_that_make_the_array_again(rng):
    A = rng.standard_normal(3) + 1j * rng.standard_normal(3)
    parts = split(A, True)
    assert np.array_equal(joined(parts), A)
    parts["imag"][0] = 7
    assert A.imag[0] != 7
    assert split(A.real, False) is not None
    assert joined(A.real) is not None


def test_one_complex_array_of_many_is_seen():
    assert any_complex({"W": [np.zeros(2), np.zeros(2, "complex64")]})
    assert not any_complex({"W": [np.zeros(2), np.zeros(2, "float32")]})


@pytest.mark.parametrize(("of", "verdict"), [(lambda g: g, "ok"), (np.conj, "cannot tell"), (lambda g: 2 * g, "WRONG")])
def test_the_conjugate_is_another_convention_and_a_multiple_is_a_mistake(of, verdict, rng):
    """L = Σ |z|² has the gradient 2 z."""
    z = rng.standard_normal(3) + 1j * rng.standard_normal(3)
    report = gradcheck(lambda z: (abs(z) ** 2).sum(), z, of(2 * z))
    assert verdict in {entry.verdict for entry in report.entries}
    assert CONVENTION in report.method
