"""Is it said where a gradient is wrong, and how?"""

import numpy as np
import pytest

from nnref.checking.gradcheck.gradcheck import gradcheck
from nnref.checking.results.findings import BLOCKS


def quadratic(theta):
    return (theta["x"] ** 2).sum() / 2


def said(shape, spoil, rng, **options):
    """What is found when spoil has changed the gradient x of Σ x² / 2 in place, or returned another."""
    x = rng.standard_normal(shape)
    g = x.copy()
    changed = spoil(g)
    entry = gradcheck(quadratic, {"x": x}, {"x": g if changed is None else changed}, **options).entries[0]
    assert entry.verdict == "WRONG"
    return [finding.says for finding in entry.where]


def put(index, value):
    def spoil(g):
        g[index] = value

    return spoil


def times(index, factor):
    def spoil(g):
        g[index] *= factor

    return spoil


@pytest.mark.parametrize(
    ("shape", "spoil", "says"),
    [
        ((4, 5), times(..., -1), "-1 times the truth everywhere"),
        ((4, 5), times(..., 2), "2 times the truth everywhere"),
        ((4, 5), times(..., 64), "64 times the truth everywhere"),
        ((4, 5), times(..., 1 / 7), "1/7 times the truth everywhere"),
        ((4, 5), times(..., 3 / 5), "3/5 times the truth everywhere"),
        ((4, 5), times(..., 1.2345678), "1.23457 times the truth everywhere"),
        ((1, 1), times(..., 5), "5 times the truth"),
        ((4, 5), put(..., 0), "all zero"),
        ((4, 5), put(..., 0.25), "one number everywhere, where the truth varies"),
        ((4, 5), put((2, 3), np.nan), "only entry (2, 3): 1 entry is NaN"),
        ((4, 5), put(1, np.inf), "row 1: 5 entries are infinite"),
        ((4, 4), lambda g: g.T, "the transpose of the truth"),
        ((3, 3, 2), lambda g: g.transpose(1, 0, 2), "the truth, transposed in axes 0, 1"),
        ((4, 5), times((2, 3), 1.5), "only entry (2, 3): 3/2 times the truth"),
        ((4, 5), times(2, -1), "row 2: -1 times the truth there"),
        ((4, 5), times((slice(None), 1), 3), "column 1: 3 times the truth there"),
        ((6, 5), put(slice(1, 4), 0), "rows 1..3: all zero"),
        ((6, 5), put([0, 3], 0), "rows 0, 3: all zero"),
        ((20, 5), put(slice(0, 20, 2), 0), "every second row from 0: all zero"),
        ((2, 3, 4), put((slice(None), 1), 0), "axis 1, index 1: all zero"),
        ((7,), put(slice(2, 5), 0), "axis 0, indices 2..4: all zero"),
        ((100, 4), put(slice(96, 100), 0), "rows 96..99, the remainder after a multiple of 32: all zero"),
    ],
)
def test_a_pattern_is_named(shape, spoil, says, rng):
    assert said(shape, spoil, rng)[0] == says


@pytest.mark.parametrize("tile", BLOCKS)
def test_the_remainder_after_whole_tiles_is_named(tile, rng):
    n = 3 * tile + 5
    assert said((2, n), put((slice(None), slice(3 * tile, n)), 0), rng) == [
        f"columns {3 * tile}..{n - 1}, the remainder after a multiple of {tile}: all zero"
    ]


def test_a_block_is_named_by_both_axes(rng):
    assert said((9, 9), put((slice(2, 4), slice(5, 7)), 0), rng) == ["rows 2..3: all zero", "columns 5..6"]


def test_scattered_mistakes_are_given_no_pattern_that_is_not_there(rng):
    def spoil(g):
        g[0, 0], g[1, 2], g[3, 4] = 7, 8, 9

    assert said((4, 5), spoil, rng) == []


def test_one_factor_is_seen_through_entries_that_are_zero(rng):
    mask = rng.random((4, 5)) < 0.4
    x = {"x": rng.standard_normal((4, 5))}
    report = gradcheck(lambda t: (mask * t["x"] ** 2).sum(), x, {"x": 4 * mask * x["x"]})
    assert report.entries[0].wrong == mask.sum()
    assert "2 times the truth everywhere" in str(report)


def test_a_sample_says_that_it_is_one(rng):
    assert said((50, 40), put((slice(None), slice(10, 20)), -100.0), rng, entries=400)[0].startswith(
        "of those checked, columns 10..19"
    )


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda g: g.T, "shape (5, 4) for (4, 5): transposed; the values are right"),
        (lambda g: g.ravel(), "shape (20,) for (4, 5); the values are right"),
        (lambda g: g.sum(), "shape () for (4, 5)"),
        (lambda g: np.ones((3, 3)), "shape (3, 3) for (4, 5)"),
        (lambda g: np.stack([g / 2, g / 2]), "shape (2, 4, 5) for (4, 5): axis 0 not summed; the values are right"),
    ],
)
def test_a_wrong_shape_is_named_with_what_it_is(make, says, rng):
    assert said((4, 5), make, rng) == [says]


def test_a_bias_gradient_that_is_not_summed_over_the_batch_is_named(rng):
    X, b = rng.standard_normal((4, 6)), rng.standard_normal((4, 1))
    report = gradcheck(lambda t: ((X + t["b"]) ** 2).sum() / 2, {"b": b}, {"b": X + b})
    assert report.entries[0].where[0].says == "shape (4, 6) for (4, 1): axis 1 not summed; the values are right"
    assert report.entries[0].where[0].kind == "unreduced"


def test_a_scalar_for_a_whole_bias_is_shown_beside_the_truth(rng):
    X, b = rng.standard_normal((4, 6)), rng.standard_normal((4, 1))
    report = gradcheck(lambda t: ((X + t["b"]) ** 2).sum() / 2, {"b": b}, {"b": (X + b).sum()})
    entry = report.entries[0]
    assert (entry.checked, entry.wrong) == (4, 4)
    assert entry.worst.yours == pytest.approx((X + b).sum())
    assert "shape () for (4, 1)" in str(report)


def test_a_loss_that_does_not_use_its_argument_is_told(rng):
    W, X = rng.standard_normal((3, 2)), rng.standard_normal((2, 4))
    report = gradcheck(lambda p: ((W @ X) ** 2).sum(), {"W": W}, {"W": 2 * (W @ X) @ X.T})
    assert [finding.kind for finding in report.entries[0].where] == ["unused"]
    assert "does not change with it" in str(report)


def test_a_factor_near_1_and_the_worst_entry_are_told_apart(rng):
    W = rng.standard_normal((3, 2))
    text = str(gradcheck(lambda p: (p["W"] ** 2).sum(), {"W": W}, {"W": 2 * W * (1 + 1e-9)}))
    assert "1.000000001 times the truth" in text
    yours, true = text.splitlines()[1].split()[-3:-1]
    assert yours != true


@pytest.mark.parametrize(
    ("shape", "spoil", "says"),
    [
        ((7,), lambda t: t[::-1].copy(), "the truth, reversed along axis 0"),
        ((4, 5), lambda t: t[:, ::-1].copy(), "the truth, reversed along axis 1"),
        ((2, 3, 4, 5), lambda t: t[:, ::-1, :, ::-1].copy(), "the truth, reversed along axes 1, 3"),
        ((2, 3, 3, 5), lambda t: t.transpose(0, 2, 1, 3).copy(), "the truth, transposed in axes 1, 2"),
        ((4, 5), lambda t: np.roll(t, 2, 1), "the truth, shifted by 2 along axis 1"),
        ((2, 4, 5), lambda t: np.roll(t, -1, 1), "the truth, shifted by -1 along axis 1"),
        ((6,), lambda t: np.concatenate([[0.0], t[:-1]]), "the truth, shifted by 1 along axis 0, zeros moved in"),
        ((5, 3), lambda t: t[[2, 0, 1, 4, 3]], "the truth, permuted along axis 0"),
        ((2, 3, 5), lambda t: t[:, :, [2, 0, 1, 4, 3]], "the truth, permuted along axis 2"),
        ((4, 5), lambda t: 2 * t[:, ::-1], "2 times the truth, reversed along axis 1"),
        ((5, 5), lambda t: -t.T / 3, "-1/3 times the truth, transposed"),
    ],
)
def test_the_truth_in_another_order_is_recognised(shape, spoil, says, rng):
    assert said(shape, spoil, rng)[0] == says


@pytest.mark.parametrize(
    ("places", "says"),
    [
        ([12, 13, 14, 15], "columns 12..15"),
        ([1, 3, 5, 7, 9, 11, 13, 15, 17, 19], "every second column from 1"),
        ([0, 3, 6, 9], "every third column, 0..9"),
        ([0, 1, 2, 8, 12, 13], "columns 0..2, 8, 12..13"),
        ([0, 2, 3, 5, 7, 8, 10, 13, 15, 16, 19], "many columns, from 0 to 19"),
    ],
)
def test_wrong_columns_are_ranges_and_strides(places, says, rng):
    def spoil(t):
        t[:, places] += rng.standard_normal((4, len(places)))
        return t

    assert said((4, 20), spoil, rng)[0] == says
