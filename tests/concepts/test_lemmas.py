"""Do numpy's numbers bear out what is proved of them? Every lemma evaluated beside the functions it speaks of."""

from types import SimpleNamespace

import numpy as np
import pytest

import nnref
from derivations.prover.proof import claims
from nnref import affine, cross_entropy, he, relu, sgd, sigmoid, softmax, softmax_cross_entropy, tanh
from nnref.checking.reference import noise
from nnref.checking.results.sampling import missed
from tests.support import handbook_lemmas
from tests.support.handbook_lemmas import slope

pytestmark = pytest.mark.figure  # the report shows them as witnesses of the claims that they name
CLAIMS = {name: claim for name, claim in claims().items() if claim.kind == "lemma"}
H = 1 / 16
"""The step at which a leading term is compared with all of the error: what it leaves out is of higher order in h."""


def drawn(rng):
    """A layer W A + b, its dZ, a hidden layer, logits and labels, and a column z of logits with its p and y."""
    m, n, N = 4, 3, 5
    normal, at = rng.standard_normal, SimpleNamespace()
    at.W, at.b, at.A, at.dZ, at.V = normal((m, n)), normal((m, 1)), normal((n, N)), normal((m, N)), normal((m, m))
    at.Z, at.Y = normal((m, N)), nnref.one_hot(rng.permutation(np.arange(N) % m), m, "float64")
    at.z, at.y, at.v = normal((m, 1)), rng.dirichlet(np.ones(m), 1).T, normal((m, 1))
    at.p, at.soft = softmax.forward(at.z), rng.dirichlet(np.ones(m), N).T
    at.c, at.g, at.positive = float(rng.uniform(0.5, 2)), rng.uniform(0.01, 0.99, (m, N)), rng.uniform(0.01, 3, (m, N))
    at.M, at.ell, at.u = rng.uniform(0.5, 2, 3)
    at.h0 = (3 * at.u * at.ell / at.M) ** (1 / 3)
    return at


def diag_minus_outer(p):
    """The Jacobian of softmax, diag(p) − p pᵀ."""
    return np.diag(p[:, 0]) - p @ p.T


def jacobian(at):
    """∂p_i/∂z_j by the complex step of softmax.forward."""
    return slope(lambda z: softmax.forward(z)[:, 0], at.z)[:, 0].T


OFF = ~np.eye(4, dtype=bool)


def backward(at):
    """Of three layers, each dZ by the complex step of the loss, and as it comes back from the layer above."""
    N, up = at.Z.shape[1], lambda W, Z: affine.forward(W, at.b, relu.forward(Z))
    of_Z3 = lambda Z: softmax_cross_entropy.forward(Z, at.Y)  # noqa: E731
    of_Z2 = lambda Z: of_Z3(up(at.V, Z))  # noqa: E731
    of_Z1 = lambda Z: of_Z2(up(at.V.T, Z))  # noqa: E731
    Z1, Z2 = at.Z, up(at.V.T, at.Z)
    Z3 = up(at.V, Z2)
    dZ3 = (softmax.forward(Z3) - at.Y) / N
    dZ2 = relu.dZ(Z2, affine.dA(at.V, dZ3))
    dZ1 = relu.dZ(Z1, affine.dA(at.V.T, dZ2))
    return {1: (slope(of_Z1, Z1), dZ1), 2: (slope(of_Z2, Z2), dZ2), 3: (slope(of_Z3, Z3), dZ3)}


def shards(at):
    """The gradient of a batch, and that of its two parts, weighted by their sizes."""
    layers = nnref.mlp([3, 4])
    theta = (nnref.Affine(at.W, at.b),)
    whole, first, second = (
        nnref.gradients(layers, theta, at.A[:, s], at.Y[:, s])[0].W for s in (slice(None), slice(2), slice(2, None))
    )
    return whole, (2 * first + 3 * second) / 5


def central(h, f=np.exp, x=0.3):
    return (f(x + h) - f(x - h)) / (2 * h)


GRID = np.arange(-40, 41) / 4
DENSITY = np.exp(-(GRID**2) / 2) / np.sqrt(2 * np.pi)
"""The normal density at −10 … 10, where sums of it in steps of 1/4 are integrals to rounding."""

EQUAL = {
    "conventions.mean_last": lambda at: (
        affine.dW(at.A, softmax_cross_entropy.dZ(at.Z, at.Y)),
        affine.dW(at.A, softmax.forward(at.Z) - at.Y) / at.Y.shape[1],
    ),
    "conventions.kept_dW": lambda at: (
        slope(lambda W: (at.dZ.T * (at.A.T @ W.T)).sum(), at.W),
        affine.dW(at.A, at.dZ),
    ),
    "conventions.rows_dW": lambda at: (
        slope(lambda W: (at.dZ.T * (at.A.T @ W)).sum(), at.W.T),
        affine.dW(at.A, at.dZ).T,
    ),
    "conventions.rows_forward": lambda at: (at.A.T @ at.W.T + at.b.T, affine.forward(at.W, at.b, at.A).T),
    "conventions.scaled_gradient": lambda at: (affine.dW(at.c * at.A, at.dZ), at.c * affine.dW(at.A, at.dZ)),
    "conventions.scaled_pixels": lambda at: (
        affine.forward(at.W, at.b, at.c * at.A),
        affine.forward(at.c * at.W, at.b, at.A),
    ),
    "conventions.shards": shards,
    "cross_entropy.of_softmax": lambda at: (
        cross_entropy.forward(softmax.forward(at.Z), at.soft),
        softmax.log_sum_exp(at.Z) * at.soft.sum(axis=0) - (at.soft * at.Z).sum(axis=0),
    ),
    "finite_differences.least_error": lambda at: (
        at.M * at.h0**2 / 6 + at.ell * at.u / at.h0,
        3 ** (2 / 3) / 2 * at.M ** (1 / 3) * (at.ell * at.u) ** (2 / 3),
    ),
    "he.half": lambda at: (
        (relu.forward(np.concatenate([at.Z, -at.Z])) ** 2).mean(),
        (np.concatenate([at.Z, -at.Z]) ** 2).mean() / 2,
    ),
    "he.half_of_normal": lambda at: ((relu.forward(GRID[None]) ** 2 @ DENSITY)[0] / 4, 0.5),
    "he.keeps": lambda at: (50 * he.scale(50) ** 2 * at.c / 2, at.c),
    "mlp.any_depth": lambda at: (
        slope(lambda Z: (at.dZ * affine.forward(at.V, at.b, tanh.forward(Z))).sum(), at.Z),
        tanh.dZ(tanh.forward(at.Z), affine.dA(at.V, at.dZ)),
    ),
    "mlp.dZ1": lambda at: backward(at)[1],
    "mlp.dZ2": lambda at: backward(at)[2],
    "mlp.dZ3": lambda at: backward(at)[3],
    "relu.central_quotient": lambda at: (
        (relu.forward(at.Z) - relu.forward(-at.Z)) / (2 * at.Z),
        np.full(at.Z.shape, 0.5),
    ),
    "relu.convention": lambda at: (relu.dZ(0 * at.dZ, at.dZ), 0 * at.dZ),
    "relu.left_quotient": lambda at: (relu.forward(-at.positive) / -at.positive, 0 * at.positive),
    "relu.right_quotient": lambda at: (relu.forward(at.positive) / at.positive, 1 + 0 * at.positive),
    "sgd.slope_along": lambda at: (
        (at.dZ * (sgd.update(at.Z, at.dZ, at.c) - at.Z)).sum() / at.c,
        -(at.dZ**2).sum(),
    ),
    "sigmoid.stable": lambda at: (sigmoid.forward(at.Z), 1 / (1 + np.exp(-at.Z))),
    "sigmoid.symmetry": lambda at: (sigmoid.forward(-at.Z), 1 - sigmoid.forward(at.Z)),
    "softmax.jacobian": lambda at: (jacobian(at), diag_minus_outer(at.p)),
    "softmax.keeps_order": lambda at: (at.p / at.p.T, np.exp(at.z - at.z.T)),
    "softmax.log_sum_exp_gradient": lambda at: (slope(lambda z: softmax.log_sum_exp(z)[0, 0], at.z), at.p),
    "softmax.log_sum_exp_shift": lambda at: (softmax.log_sum_exp(at.Z + at.c), at.c + softmax.log_sum_exp(at.Z)),
    "softmax.other_class": lambda at: (jacobian(at)[OFF], -(at.p @ at.p.T)[OFF]),
    "softmax.same_class": lambda at: (np.diag(jacobian(at)), (at.p * (1 - at.p))[:, 0]),
    "softmax.shift": lambda at: (softmax.forward(at.Z + at.c), softmax.forward(at.Z)),
    "softmax.sums_to_one": lambda at: (softmax.forward(at.Z).sum(axis=0), np.ones(at.Z.shape[1])),
    "softmax.two_classes": lambda at: (softmax.forward(at.Z[:2])[:1], sigmoid.forward(at.Z[:1] - at.Z[1:2])),
    "softmax_cross_entropy.dz": lambda at: (
        slope(lambda z: softmax_cross_entropy.forward(z, at.y), at.z),
        at.p - at.y,
    ),
    "softmax_cross_entropy.dz_by_jacobian": lambda at: (-jacobian(at).T @ (at.y / at.p), at.p - at.y),
    "softmax_cross_entropy.hessian": lambda at: (
        slope(lambda z: softmax_cross_entropy.dZ(z, at.y)[:, 0], at.z)[:, 0].T,
        diag_minus_outer(at.p),
    ),
    "tanh.from_sigmoid": lambda at: (2 * sigmoid.forward(2 * at.Z) - 1, tanh.forward(at.Z)),
    "tanh.one_exponential": lambda at: (tanh.forward(at.Z), np.expm1(2 * at.Z) / (np.exp(2 * at.Z) + 1)),
}
"""Both sides of every lemma that is an equation; where one is a derivative, it is a complex step."""

EQUAL |= handbook_lemmas.EQUAL

BOUNDS = {
    "cross_entropy.nonnegative": lambda at: (
        cross_entropy.forward(softmax.forward(at.Z), at.soft),
        -(at.soft * np.log(softmax.forward(at.Z))).sum(axis=0, keepdims=True),
    ),
    "finite_differences.best_step": lambda at: (
        at.M * (at.g**2 - at.h0**2) / 6 + at.ell * at.u * (1 / at.g - 1 / at.h0),
        at.M * (at.g - at.h0) ** 2 * (at.g + 2 * at.h0) / (6 * at.g),
    ),
    "relu.falling": lambda at: (at.g * at.positive - relu.forward(-at.positive), at.g * at.positive),
    "relu.not_negative": lambda at: (relu.forward(at.Z), relu.forward(at.Z)),
    "relu.supports": lambda at: (
        relu.forward(at.Z) - at.g * at.Z,
        at.g * relu.forward(-at.Z) + (1 - at.g) * relu.forward(at.Z),
    ),
    "relu.too_steep": lambda at: ((1 + at.g) * at.positive - relu.forward(at.positive), at.positive * at.g),
    "relu.unbounded": lambda at: (relu.forward(at.Z) - at.Z, relu.forward(-at.Z)),
    "sampling.direction": lambda at: ((at.Z + at.dZ) ** 2 + (at.Z - at.dZ) ** 2 - 2 * at.dZ**2, 2 * at.Z**2),
    "sampling.without_putting_back": lambda at: (
        missed(at.g / (at.positive + 2), 1) - missed(at.g / at.positive, 1),
        2 * at.g / at.positive / (at.positive + 2),
    ),
    "sgd.decrease": lambda at: ((at.dZ * (at.Z - sgd.update(at.Z, at.dZ, at.c))).sum() / at.c, (at.dZ**2).sum()),
    "sigmoid.above_0": lambda at: (sigmoid.forward(at.Z), 1 / (1 + np.exp(-at.Z))),
    "sigmoid.below_1": lambda at: (1 - sigmoid.forward(at.Z), 1 / (1 + np.exp(at.Z))),
    "sigmoid.slope_peak": lambda at: (
        0.25 - sigmoid.dZ(sigmoid.forward(at.Z), 1 + 0 * at.Z),
        (sigmoid.forward(at.Z) - 0.5) ** 2,
    ),
    "softmax.at_most_one": lambda at: (1 - at.p[:, 0], (OFF @ np.exp(at.z) / np.exp(at.z).sum())[:, 0]),
    "softmax.positive": lambda at: (softmax.forward(at.Z), np.exp(at.Z) / np.exp(at.Z).sum(axis=0)),
    "softmax_cross_entropy.convex": lambda at: (
        at.v.T @ slope(lambda z: softmax_cross_entropy.dZ(z, at.y)[:, 0], at.z)[:, 0].T @ at.v,
        ((at.v - at.v.T) ** 2 * at.p * at.p.T).sum()[None, None] / 2,
    ),
    "tanh.above_minus_1": lambda at: (tanh.forward(at.Z) + 1, 2 / (1 + np.exp(-2 * at.Z))),
    "tanh.below_1": lambda at: (1 - tanh.forward(at.Z), 2 / (1 + np.exp(2 * at.Z))),
}
"""What is never negative, and the form that shows it."""

BOUNDS |= handbook_lemmas.BOUNDS

LEADING = {
    "finite_differences.forward": lambda at: ((np.exp(0.3 + H) - np.exp(0.3)) / H - np.exp(0.3), H / 2 * np.exp(0.3)),
    "finite_differences.central": lambda at: (central(H) - np.exp(0.3), H**2 / 6 * np.exp(0.3)),
    "finite_differences.complex_step": lambda at: (
        np.exp(0.3 + 1j * H).imag / H - np.exp(0.3),
        -(H**2) / 6 * np.exp(0.3),
    ),
    "finite_differences.gap": lambda at: (central(H) - central(H / 2), H**2 / 8 * np.exp(0.3)),
    "finite_differences.richardson": lambda at: (
        (4 * central(H / 2) - central(H)) / 3 - np.exp(0.3),
        -(H**4) / 480 * np.exp(0.3),
    ),
    "relu.left_slope": lambda at: (relu.forward(np.array([[-H]])) / -H, 0.0),
    "relu.right_slope": lambda at: (relu.forward(np.array([[H]])) / H, 1.0),
    "tanh.near_0": lambda at: (tanh.forward(np.array([[H]])) / H, 1.0),
}
"""What is there at a small h, and the term that leads; the loss is exp, whose derivatives are all one number."""


def room(left, right, at):
    """What rounding may do to both sides together.

    No term of any sum exceeds M², M the largest number that goes in or comes out; a sum has at most k terms, k those of
    the grid, and each is rounded at most k + 8 times: k additions, and exp, log, a quotient and the products before.
    """
    numbers = [np.asarray(x) for x in (left, right, *vars(at).values())]
    largest = max(1.0, *(float(abs(x).max()) for x in numbers))
    return 2 * (GRID.size + 8) * GRID.size * largest**2 * noise.unit("float64")


def equal(left, right, at):
    return np.shape(left) == np.shape(right) and bool(np.all(abs(left - right) <= room(left, right, at)))


def holds(name, at, change=lambda right: right):
    """Whether the lemma holds at these numbers; change is made to its right-hand side."""
    if name in LEADING:
        left, right = LEADING[name](at)
        return bool(np.all(abs(left - change(right)) <= H * abs(right)))
    left, right = (EQUAL | BOUNDS)[name](at)
    if name in BOUNDS:
        strict = CLAIMS[name].relation == ">"
        return equal(left, change(right), at) and bool(np.all(left > 0 if strict else left >= -room(left, right, at)))
    return equal(left, change(right), at)


@pytest.mark.parametrize("name", CLAIMS)
def test_numpy_bears_out_the_lemma(name, rng):
    for _ in range(5):
        assert holds(name, drawn(rng))


@pytest.mark.parametrize("name", CLAIMS)
def test_a_slip_in_the_lemma_is_seen(name, rng):
    """One part in a million is, and where the rest of a series is left out, one part in four."""
    slip = 0.25 if name in LEADING else 1e-6
    assert not holds(name, drawn(rng), lambda right: np.where(right == 0, slip, right * (1 + slip)))
    if name in BOUNDS:
        assert not holds(name, drawn(rng), lambda right: -right)


def test_every_lemma_is_here_under_its_name_and_its_relation():
    assert CLAIMS.keys() == EQUAL.keys() | BOUNDS.keys() | LEADING.keys()
    for table, relations in ((EQUAL, {"="}), (BOUNDS, {"≥", ">"}), (LEADING, {"limit", "order"})):
        assert {CLAIMS[name].relation for name in table} <= relations
