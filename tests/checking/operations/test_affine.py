"""What is special to the affine layer: sums over inputs, outputs and batch, with parameters that are given exactly."""

import numpy as np

from nnref.checking.operations import affine
from nnref.checking.operations.rounding import Precision
from nnref.layer import Affine
from tests.conftest import require

P = Precision.of("float32")


def drawn(rng, m=4, n=30, N=6):
    W, b, A = rng.standard_normal((m, n)), rng.standard_normal((m, 1)), rng.standard_normal((n, N))
    return [x.astype("float32").astype("float64") for x in (W, b, A, rng.standard_normal((m, N)))]


def test_no_rounding_of_the_forward_pass_exceeds_its_error(rng):
    W, b, A, _ = drawn(rng)
    right = W @ A + b
    rough = W.astype("float32") @ A.astype("float32") + b.astype("float32")
    E = affine.forward_error(Affine(W, b), A, np.zeros_like(A), right, P)
    assert (abs(rough - right) <= P.reach * E).all()
    assert (2 * (abs(W) @ abs(A) + abs(b)) >= E).all()


def test_an_error_of_the_input_passes_through_the_weights(rng):
    W, b, A, _ = drawn(rng)
    E_A = 1e3 * rng.random(A.shape)
    moved = W @ (A + P.u * E_A * rng.choice([-1, 1], A.shape)) - W @ A
    assert (abs(moved) <= P.u * affine.forward_error(Affine(W, b), A, E_A, W @ A + b, P)).all()


def test_the_gradients_and_their_scales_are_sums_over_the_batch_and_the_outputs(rng):
    W, b, A, dZ = drawn(rng)
    none = np.zeros_like
    S, dA, E = affine.backward_error(Affine(W, b), A, none(A), W @ A, none(dZ), dZ, none(dZ), P)
    np.testing.assert_allclose(dA, W.T @ dZ)
    np.testing.assert_allclose(S.W, abs(dZ) @ abs(A).T, rtol=1e-5)
    np.testing.assert_allclose(S.b, abs(dZ).sum(axis=1, keepdims=True), rtol=1e-5)
    np.testing.assert_allclose(E, abs(W).T @ abs(dZ), rtol=1e-5)


def test_only_the_rows_that_move_are_pushed(rng):
    flint = require("flint")
    W = flint.arb_mat([[1, 2, 3], [4, 5, 6]])
    moved = affine.series(W, None, {1: [flint.arb(10)], 2: [flint.arb(1)]})
    assert {r: [float(t.mid()) for t in row] for r, row in moved.items()} == {0: [23.0], 1: [56.0]}


def test_the_gradients_in_balls_are_those_of_numpy(rng):
    flint = require("flint")
    A, dZ = rng.standard_normal((3, 4)), rng.standard_normal((2, 4))
    found = affine.gradients_ball(flint.arb_mat(A.tolist()), flint.arb_mat(dZ.tolist()))
    for name, right in (("W", dZ @ A.T), ("b", dZ.sum(axis=1))):
        np.testing.assert_allclose([float(x.mid()) for x in found[name].entries()], right.ravel(), rtol=1e-12)
