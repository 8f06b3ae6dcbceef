"""Is a gradient at a kink of several variables right only if it is one of the slopes that meet there?"""

import numpy as np
import pytest

import nnref
from nnref.checking.gradcheck.gradcheck import gradcheck
from nnref.checking.gradcheck.vjp import check_numpy_vjp

TIED = np.array([1.0, 3.0, 3.0, 0.5, 3.0, 2.0])


def share(places, shares, n=6):
    """A gradient with these entries."""
    g = np.zeros(n)
    g[list(places)] = shares
    return g


@pytest.mark.parametrize("right", [share([1], 1), share([4], 1), share([1, 2, 4], 1 / 3), share([1, 2], [0.3, 0.7])])
def test_a_tied_maximum_may_send_its_gradient_to_any_of_the_tied_but_no_more_than_once(right):
    assert gradcheck(np.max, TIED, right).ok
    assert gradcheck(lambda x: -np.max(x), TIED, -right).ok


@pytest.mark.parametrize("wrong", [share([1, 2, 4], 1), share([1, 2, 4], 0.5), share([1, 2], 0.6), share([1, 2], 0.1)])
def test_a_mask_that_sends_the_gradient_to_all_of_the_tied_is_wrong(wrong):
    report = gradcheck(np.max, TIED, wrong)
    assert report.wrong
    assert "tied entries get" in str(report)


def test_a_maximum_that_gives_nothing_to_anyone_is_not_ok():
    report = gradcheck(np.max, TIED, np.zeros(6))
    assert not report.ok
    assert "tied entries get 0 together" in str(report)


def pool(x):
    return x.reshape(x.shape[0] // 2, 2, x.shape[1] // 2, 2).max(axis=(1, 3))


def to_all(x, dY):
    return (x == np.kron(pool(x), np.ones((2, 2)))) * np.kron(dY, np.ones((2, 2)))


def to_first(x, dY):
    dx = np.zeros_like(x)
    for i, j in np.ndindex(dY.shape):
        a, b = np.unravel_index(np.argmax(x[2 * i : 2 * i + 2, 2 * j : 2 * j + 2]), (2, 2))
        dx[2 * i + a, 2 * j + b] = dY[i, j]
    return dx


def test_max_pooling_with_ties():
    for seed in range(5):
        x = np.random.default_rng(seed).integers(0, 3, (4, 6)).astype(float)
        assert check_numpy_vjp(pool, to_first, x).ok
        assert check_numpy_vjp(pool, to_all, x).wrong


def test_a_tied_sort_may_take_any_order(rng):
    w = rng.standard_normal(6)
    for order in ("stable", "reversed"):
        places = np.argsort(TIED, kind="stable") if order == "stable" else np.argsort(TIED[::-1], kind="stable")
        places = places if order == "stable" else 5 - places
        g = np.empty(6)
        g[places] = w
        assert gradcheck(lambda x: (np.sort(x) * w).sum(), TIED, g).ok, order
        assert gradcheck(lambda x: (np.sort(x) * w).sum(), TIED, g + share([1, 2, 4], 1)).wrong


def test_an_absolute_difference_gives_one_what_it_takes_from_the_other():
    for slope in (-1.0, 0.0, 0.3, 1.0):
        assert gradcheck(lambda x: abs(x[0] - x[1]), np.full(2, 0.7), np.array([slope, -slope])).ok
    for wrong in ([1.0, 1.0], [1.0, 0.0], [0.5, -0.2]):
        assert gradcheck(lambda x: abs(x[0] - x[1]), np.full(2, 0.7), np.array(wrong)).wrong


def test_ties_between_two_arguments():
    at = {"x": np.array([1.0, 2.0, 3.0]), "y": np.array([1.0, 5.0, 3.0])}
    right = check_numpy_vjp(lambda x, y: np.maximum(x, y), lambda x, y, dY: (dY * (x >= y), dY * (x < y)), at)
    wrong = check_numpy_vjp(lambda x, y: np.maximum(x, y), lambda x, y, dY: (dY * (x >= y), dY * (x <= y)), at)
    assert right.ok, right
    assert wrong.wrong


def test_kinks_that_do_not_meet_are_judged_one_by_one(rng):
    """|x| − |y| bends both ways: any slope in [−1, 1] is right for each, whatever the other has."""
    w = np.array([1.0, -1.0, 2.0, -0.5])
    for slope in (-1, 0, 1):
        for other in (-1, 0, 1):
            g = w * np.array([slope, other, other, slope])
            assert gradcheck(lambda x: (w * np.abs(x)).sum(), np.zeros(4), g).ok


@pytest.mark.parametrize("zero", [("W1", "b1"), ("W1",), ("W1", "b1", "W2"), ("W1", "b1", "W2", "b2")])
def test_a_fresh_network_with_zero_weights_is_right_with_the_slope_0_at_0(zero):
    layers = nnref.mlp([4, 5, 3])
    for seed in range(4):
        rng = np.random.default_rng(seed)
        theta = nnref.named(nnref.initialise(layers, seed=seed))
        theta = {name: A + 0.1 * rng.standard_normal(A.shape) for name, A in theta.items()}
        theta = nnref.network.unnamed({name: A * (name not in zero) for name, A in theta.items()}, layers)
        X, Y = rng.standard_normal((4, 6)), nnref.one_hot(rng.integers(0, 3, 6), 3)
        right = nnref.gradients(layers, theta, X, Y)
        report = gradcheck(lambda t, X=X, Y=Y: nnref.loss(layers, t, X, Y), theta, right)
        assert not report.wrong, report


def test_a_wrong_slope_at_an_exact_zero_is_still_wrong(rng):
    x, w = np.zeros(3), np.array([1.0, 2.0, -1.0])
    for wrong in (1.5 * w, -0.2 * w):
        assert gradcheck(lambda x: (np.maximum(0, x) * w).sum(), x, wrong).wrong
