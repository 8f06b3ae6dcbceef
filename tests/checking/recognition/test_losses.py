"""Are losses recognised as people write them, and is the mistake in their gradient named?"""

from inspect import Parameter, Signature

import numpy as np
import pytest

import nnref
from nnref.checking.operations.losses_of import KINDS
from tests.support.mistaken import alike


def r(*shape, seed=0):
    return np.random.default_rng([seed, *shape]).standard_normal(shape)


def sigma(z):
    return 1 / (1 + np.exp(-z))


def softmax(z, axis=-1):
    e = np.exp(z - z.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


LABELS = np.array([2, 0, 1, 2, 1])
HOT = np.eye(3)[LABELS]
SOFT = softmax(r(5, 3, seed=1))
BITS = np.array([[1.0, 0, 1, 1], [0, 0, 1, 0], [1, 1, 0, 1]])
SIGNS = 2 * BITS - 1
N, A, TAU = 5, 0.1, 3.0


def smoothed(y):
    return (1 - A) * y + A / 3


def clipped(e, delta=1.5):
    return np.clip(e, -delta, delta)


def huber(z, y, delta=1.5):
    e = z - y
    return np.where(abs(e) <= delta, e * e / 2, delta * (abs(e) - delta / 2)).sum(axis=1).mean()


def entropy(p, y):
    return -(y * np.log(p)).sum(axis=-1)


def labelled(z, y):
    return -np.log(softmax(z)[np.arange(N), y]).mean()


def distilled(z, t):
    P, Q = softmax(z / TAU), softmax(t / TAU)
    return TAU**2 * (Q * (np.log(Q) - np.log(P))).sum() / N


def guarded(p, y):
    return -(y * np.log(p + 1e-8)).sum(axis=1).mean()


def guarded_bits(p, y):
    return -(y * np.log(p + 1e-6) + (1 - y) * np.log(1 - p + 1e-6)).mean()


def margins(z, y, margin=0.7):
    at = np.arange(N)
    short = np.maximum(0, z - z[at, y][:, None] + margin)
    short[at, y] = 0
    return short.sum() / N


def margins_back(z, y, margin=0.7, own=lambda mask: -mask.sum(axis=1)):
    at = np.arange(N)
    mask = 1.0 * (z - z[at, y][:, None] + margin > 0)
    mask[at, y] = 0
    mask[at, y] = own(mask)
    return mask / N


TABLE = [
    (
        "cross-entropy of probabilities (caution: 1e-08 is added within its logarithm), rows, averaged",
        guarded,
        (SOFT, HOT),
        lambda z, y: -y / (z + 1e-8) / N,
        [
            (lambda z, y: -y / z / N, "the backward pass leaves it out"),
            (lambda z, y: -y / (z + 1e-8), "the mean's division is missing"),
        ],
    ),
    (
        "binary cross-entropy of probabilities (caution: 1e-06 is added within its logarithm), "
        "entry by entry, averaged",
        guarded_bits,
        (sigma(r(3, 4)), BITS),
        lambda z, y: (-y / (z + 1e-6) + (1 - y) / (1 - z + 1e-6)) / 12,
        [(lambda z, y: (z - y) / (z * (1 - z)) / 12, "the backward pass leaves it out")],
    ),
    (
        "hinge loss of classes (margin=0.7), rows, averaged",
        margins,
        (0.5 * r(5, 3), LABELS),
        margins_back,
        [
            (lambda z, y: margins_back(z, y, own=lambda mask: 0), "the class itself gets nothing"),
            (lambda z, y: margins_back(z, y, own=lambda mask: -mask.max(axis=1)), "the class itself gets −1"),
            (lambda z, y: margins_back(z, y, own=lambda mask: mask.sum(axis=1)), "the sign of what the class"),
            (lambda z, y: margins_back(z, y, margin=0), "the margin is missing"),
        ],
    ),
    (
        "softmax and cross-entropy, rows, averaged",
        labelled,
        (r(5, 3), LABELS),
        lambda z, y: (softmax(z) - HOT) / N,
        [
            (lambda z, y: softmax(z) / N, "the labels are not subtracted"),
            (lambda z, y: softmax(z) - HOT, "the mean's division is missing"),
            (lambda z, y: (HOT - softmax(z)) / N, "the sign is wrong"),
            (lambda z, y: (softmax(z) - HOT) * softmax(z) * (1 - softmax(z)) / N, "the softmax is gone back through"),
        ],
    ),
    (
        "softmax and cross-entropy, columns, summed",
        lambda z, y: entropy(softmax(z, 0).T, y.T).sum(),
        (r(3, 5), HOT.T),
        lambda z, y: softmax(z, 0) - y,
        [(lambda z, y: z - y, "the softmax is missing")],
    ),
    (
        "cross-entropy of probabilities, rows",
        lambda z, y: entropy(z, y),
        (SOFT, HOT),
        lambda z, y, dY: -y / z * dY[:, None],
        [(lambda z, y, dY: -y * dY[:, None], "the denominator is missing")],
    ),
    (
        "label smoothing (smoothing=0.1), rows, averaged",
        lambda z, y: entropy(softmax(z), smoothed(y)).mean(),
        (r(5, 3), HOT),
        lambda z, y: (softmax(z) - smoothed(y)) / N,
        [(lambda z, y: (softmax(z) - y) / N, "the labels are not smoothed")],
    ),
    (
        "KL divergence from other logits (temperature=3), rows, times 1.8",
        distilled,
        (r(5, 3), r(5, 3, seed=2)),
        lambda z, t: (softmax(z / TAU) - softmax(t / TAU)) * TAU / N,
        [(lambda z, t: (softmax(z / TAU) - softmax(t / TAU)) * TAU**2 / N, "the temperature is missing")],
    ),
    (
        "squared error, entry by entry, averaged",
        lambda z, y: ((z - y) ** 2).mean(),
        (r(3, 4), r(3, 4, seed=1)),
        lambda z, y: 2 * (z - y) / 12,
        [
            (lambda z, y: (z - y) / 12, "the factor 2 of the square's slope is missing"),
            (lambda z, y: 2 * (y - z) / 12, "the sign is wrong"),
        ],
    ),
    (
        "binary cross-entropy of logits, entry by entry, averaged",
        lambda z, y: -(y * np.log(sigma(z)) + (1 - y) * np.log(1 - sigma(z))).mean(),
        (r(3, 4), BITS),
        lambda z, y: (sigma(z) - y) / 12,
        [
            (
                lambda z, y: (sigma(z) - y) * sigma(z) * (1 - sigma(z)) / 12,
                "the slope of the sigmoid is applied once more",
            )
        ],
    ),
    (
        "binary cross-entropy of probabilities, entry by entry, averaged",
        lambda z, y: -(y * np.log(z) + (1 - y) * np.log(1 - z)).mean(),
        (sigma(r(3, 4)), BITS),
        lambda z, y: (z - y) / (z * (1 - z)) / 12,
        [
            (lambda z, y: -y / z / 12, "what comes through the targets of 0"),
            (lambda z, y: (z - y) / 12, "the denominator"),
        ],
    ),
    (
        "Huber's loss (delta=1.5), entry by entry, times 0.333333",
        huber,
        (2 * r(3, 4), r(3, 4, seed=1)),
        lambda z, y: clipped(z - y) / 3,
        [(lambda z, y: (z - y) / 3, "the error is not clipped")],
    ),
    (
        "hinge loss, entry by entry, averaged",
        lambda z, y: np.maximum(0, 1 - y * z).mean(),
        (r(3, 4), SIGNS),
        lambda z, y: -y * (y * z < 1) / 12,
        [(lambda z, y: -y * (y * z > 1) / 12, "the wrong way round"), (lambda z, y: -y / 12, "are not left out")],
    ),
]
"""What is said of a loss, the loss, outputs and targets, its gradient for dY = 1, and mistakes with their sentences."""


def test_every_kind_of_loss_that_is_known_is_here():
    """A new one is named here until it is written as people write it, with its mistakes."""
    assert [kind.called for kind in KINDS if not any(row[0].startswith(kind.called) for row in TABLE)] == []


def checked(forward, gradient, given):
    """What check_vjp says of a gradient; dY is a number where the loss is one."""
    o, t = forward.__code__.co_varnames[:2]
    takes_dY = "dY" in gradient.__code__.co_varnames[: gradient.__code__.co_argcount]

    def vjp(dY, **at):
        return gradient(at[o], at[t], dY) if takes_dY else gradient(at[o], at[t]) * dY

    vjp.__signature__ = Signature([Parameter(name, Parameter.KEYWORD_ONLY) for name in (o, t, "dY")])
    return nnref.check_vjp(forward, vjp, dict(zip((o, t), given, strict=True)), wrt=o)


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row[0])
def test_a_loss_is_recognised_and_its_mistakes_are_named(row):
    says, forward, given, right, wrong = row
    report = checked(forward, right, given)
    assert report.ok, report
    assert f"forward is {says}:" in report.method, report.method
    for gradient, sentence in wrong:
        report = checked(forward, gradient, given)
        assert not report.ok
        named = [found.says for found in report.entries[0].where if found.kind == "layer"]
        assert sentence in "".join(named[:1]), named
        assert "or else" not in named[0]


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row[0])
def test_a_gradient_that_is_a_thousandth_off_here_and_there_has_no_name(row):
    """A wrong name is worse than none."""
    _, forward, given, right, _ = row

    takes_dY = "dY" in right.__code__.co_varnames[: right.__code__.co_argcount]

    def off(z, y, dY):
        return (right(z, y, dY) if takes_dY else right(z, y) * dY) * (1 + 1e-3 * np.sin(3 * z))

    report = checked(forward, off, given)
    assert not report.ok
    assert not [found for found in report.entries[0].where if found.kind == "layer"]


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row[0])
def test_no_two_mistakes_of_a_loss_have_the_same_numbers(row):
    _, forward, given, _, _ = row
    arguments = dict(zip(forward.__code__.co_varnames[:2], given, strict=True))
    assert alike(lambda a: forward(**a), arguments, 0.7 + 0 * forward(*given)) == []
