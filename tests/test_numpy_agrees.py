"""Does numpy compute what the claims say? The result of a claim, evaluated in exact rationals, against its function."""

import inspect
import random

import mpmath as mp
import numpy as np
import pytest
import sympy as sp

from derivations import scalar
from derivations.proof import claims, evaluated
from nnref import bridge
from nnref.checking import noise

BOUND = [claim for claim in claims().values() if claim.kind in ("definition", "gradient")]
MATRICES = [claim for claim in BOUND if isinstance(claim.result, sp.MatrixExpr)]
ENTRIES = [claim for claim in BOUND if not isinstance(claim.result, sp.MatrixExpr)]
SIZES = [{"m": 3, "n": 4, "N": 5}, {"m": 2, "n": 2, "N": 2}, {"m": 1, "n": 1, "N": 1}, {"m": 2, "n": 7, "N": 1}]


@pytest.mark.parametrize("sizes", SIZES, ids=str)
@pytest.mark.parametrize("claim", MATRICES, ids=lambda claim: claim.name)
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


def size(expr, at):
    """The sum of the absolute values of an expression's terms: what its roundings are relative to."""
    if expr.is_Add:
        return sum(size(term, at) for term in expr.args)
    if expr.is_Mul:
        return mp.fprod(size(factor, at) for factor in expr.args)
    return abs(scalar.value(expr, at))


@pytest.mark.parametrize("claim", ENTRIES, ids=lambda claim: claim.name)
def test_numpy_agrees_with_the_claim_entry_by_entry(claim, rng):
    """Every operation of the formula may be rounded once, and its functions once more."""
    function = bridge.function(claim.name)
    arrays = {name: rng.integers(-16, 17, (5, 8)) / 8 for name in inspect.signature(function).parameters}
    ours = function(**arrays)
    room = 2 * (claim.result.count_ops() + 1) * noise.unit("float64")
    assert ours.shape == (5, 8)
    with mp.workdps(30):
        for entry in np.ndindex(ours.shape):
            at = {sp.Symbol(name, real=True): mp.mpf(float(A[entry])) for name, A in arrays.items()}
            assert abs(mp.mpf(float(ours[entry])) - scalar.value(claim.result, at)) <= room * size(claim.result, at)


def test_the_gates_table_of_shapes_is_that_of_initialise():
    import nnref

    shapes = {p: A.shape for p, A in nnref.named(nnref.initialise(nnref.mnist_mlp())).items()}
    assert bridge.parameter_shapes(nnref.network.MNIST_SIZES) == shapes
