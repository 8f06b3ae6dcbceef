"""Does numpy compute what the claims say? The result of a claim, evaluated in exact rationals, against its function."""

import inspect
import random

import numpy as np
import pytest
import sympy as sp

from derivations.proof import claims, evaluated
from nnref import bridge
from nnref.checking import noise

BOUND = [claim for claim in claims().values() if claim.kind in ("definition", "gradient")]
SIZES = [{"m": 3, "n": 4, "N": 5}, {"m": 2, "n": 2, "N": 2}, {"m": 1, "n": 1, "N": 1}, {"m": 2, "n": 7, "N": 1}]


@pytest.mark.parametrize("sizes", SIZES, ids=str)
@pytest.mark.parametrize("claim", BOUND, ids=lambda claim: claim.name)
def test_numpy_agrees_with_the_claim(claim, sizes, rng):
    """Every rounding counted: a sum of k products of numbers is within (k + 1) u of itself in absolute terms."""
    function = bridge.function(claim.name)
    at = {s: sp.Integer(sizes[s.name]) for s in claim.result.atoms(sp.Symbol) if s.name in sizes}
    arrays = {
        name: rng.integers(-8, 9, [sizes.get(d) or int(d) for d in claim.shapes[name]]) / 8
        for name in inspect.signature(function).parameters
    }
    exact = {name: sp.Matrix(A.tolist()).applyfunc(sp.nsimplify) for name, A in arrays.items()}
    truth = evaluated(claim.result, at, exact, random.Random(0))
    ours = function(**arrays)
    terms = evaluated(claim.result, at, {name: M.applyfunc(abs) for name, M in exact.items()}, random.Random(0))
    allowed = (max(sizes.values()) + 1) * noise.unit("float64") * np.array(terms.tolist(), float)
    assert ours.shape == truth.shape
    assert (abs(ours - np.array(truth.tolist(), float)) <= allowed).all()


def test_the_gates_table_of_shapes_is_that_of_initialise():
    import nnref

    shapes = {p: A.shape for p, A in nnref.named(nnref.initialise(nnref.mnist_mlp())).items()}
    assert bridge.parameter_shapes(nnref.network.MNIST_SIZES) == shapes
