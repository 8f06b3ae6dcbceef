"""Are fused projections, long attention and batch norm as it predicts recognised, and their mistakes named?"""

import inspect
from functools import partial

import numpy as np
import pytest

import nnref
from tests.checking.recognition.test_layers import softmax
from tests.checking.recognition.test_units import FEW, r, self_attention, self_attention_back
from tests.support.mistaken import alike

HEADS = np.arange(12).reshape(3, 2, 2).transpose(1, 0, 2).reshape(-1)
"""The columns of three projections of four, two heads each, as they follow each other head by head."""


def fused(x, W, Wo, order=slice(None)):
    """Self-attention whose three projections are one matrix, their columns in this order."""
    whole = np.empty_like(W)
    whole[:, order] = W
    return self_attention(x, *np.split(whole, 3, axis=1), Wo)


def fused_back(x, W, Wo, dY, *, order=slice(None), scale=1, sums=True, paths="qkv"):
    whole = np.empty_like(W)
    whole[:, order] = W
    dx, *dW, dWo = self_attention_back(x, *np.split(whole, 3, axis=1), Wo, dY, scale=scale, sums=sums, paths=paths)
    return dx, np.concatenate(dW, axis=1)[:, order], dWo


def by_head(x, W, Wo):
    return fused(x, W, Wo, HEADS)


def by_head_back(x, W, Wo, dY, *, sums=True):
    return fused_back(x, W, Wo, dY, order=HEADS, sums=sums)


def attention(q, k, v):
    return softmax(q @ k.T / np.sqrt(q.shape[1])) @ v


def attention_back(q, k, v, dY, *, scale=1, sums=True):
    c = 1 / np.sqrt(q.shape[1])
    P = softmax(q @ k.T * c)
    dP = dY @ v.T
    dS = P * (dP - (P * dP).sum(-1, keepdims=True) if sums else dP)
    return dS @ k * c**scale, dS.T @ q * c**scale, P.T @ dY


def predicting(x, mean, variance, g, b):
    shape = (1, -1, 1)
    return (x - mean.reshape(shape)) / np.sqrt(variance.reshape(shape) + 1e-3) * g.reshape(shape) + b.reshape(shape)


def predicting_back(x, mean, variance, g, b, dY, *, gain=True, batch=False, power=0.5, raw=False, share=1):
    shape = (1, -1, 1)
    s = (variance.reshape(shape) + 1e-3) ** -power
    h = (x - mean.reshape(shape)) * (variance.reshape(shape) + 1e-3) ** -0.5
    d = dY * (g.reshape(shape) if gain else 1)
    if batch:
        d = d - d.mean((0, 2), keepdims=True) - h * (d * h).mean((0, 2), keepdims=True)
    return d * s, (dY * (x if raw else h)).sum((0, 2)) / share, dY.sum((0, 2))


VARIANCE = np.array([0.5, 2.0, 1.25])
TABLE = [
    (
        "self-attention, 2 heads, causal, queries, keys and values in one matrix",
        fused,
        fused_back,
        (r(2, 3, 4), r(4, 12), r(4, 4)),
        None,
        [({"scale": 0}, "the scale 1/√d is missing"), ({"paths": "v"}, "what comes back through the three")],
    ),
    (
        "self-attention, 2 heads, causal, queries, keys and values in one matrix, head by head",
        by_head,
        by_head_back,
        (r(2, 3, 4), r(4, 12), r(4, 4)),
        None,
        [({"sums": False}, "the row sums Σ P dP are not subtracted")],
    ),
    (
        "attention",
        attention,
        attention_back,
        (r(3, 4), r(90, 4), r(90, 5)),
        None,
        [({"scale": 0}, "the scale 1/√d is missing"), ({"sums": False}, "the row sums Σ P dP are not subtracted")],
    ),
    (
        "batch norm at inference, statistics given, along axis 1, ε = 0.001",
        predicting,
        predicting_back,
        (r(4, 3, 2), r(3), VARIANCE, r(3, seed=1), r(3, seed=2)),
        ("x", "g", "b"),
        [
            ({"gain": False}, "the gain γ is forgotten"),
            ({"batch": True}, "something goes back through mean and variance as in training"),
            ({"power": 1.0}, "it is divided by the variance, and not by its root"),
            ({"power": 0.0}, "the division by the deviation is missing"),
            ({"raw": True}, "the gradient of the gain has the input"),
            ({"share": 8}, "the gradient of the gain is averaged"),
        ],
    ),
]
"""What is said of a layer, its passes, arguments, which of them have a gradient, and mistakes with their sentences."""

each_row = pytest.mark.parametrize("row", TABLE, ids=lambda row: row[0])


def checked(row, back=None, **options):
    _, forward, right, arrays, wrt, _ = row
    arguments = dict(list(inspect.signature(forward).bind(*arrays).arguments.items()))
    return nnref.check_vjp(forward, back or partial(right, **options), arguments, wrt=wrt, entries=FEW)


def named(report):
    return [f.says for entry in report.entries for f in entry.where if f.kind == "layer"]


@each_row
def test_a_layer_is_recognised_and_its_mistakes_are_named(row):
    report = checked(row)
    assert report.ok, report
    assert f"forward is {row[0]}:" in report.method, report.method
    for options, sentence in row[-1]:
        report = checked(row, **options)
        assert not report.ok
        assert sentence in "".join(named(report)[:1]), (options, named(report))
        assert "or else" not in named(report)[0]


@each_row
def test_a_gradient_that_is_a_thousandth_off_here_and_there_has_no_name(row):
    """A wrong name is worse than none."""
    right = row[2]

    def off(**given):
        first, *others = right(**given)
        return (first * (1 + 1e-3 * np.sin(7 * np.arange(first.size).reshape(first.shape))), *others)

    names = [
        name for name in inspect.signature(right).parameters if name in (*inspect.signature(row[1]).parameters, "dY")
    ]
    off.__signature__ = inspect.Signature(
        [inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY) for name in names if name != "order"]
    )
    report = checked(row, off)
    assert not report.ok
    assert named(report) == []


@each_row
def test_no_two_mistakes_of_a_layer_have_the_same_numbers(row):
    _, forward, _, arrays, _, _ = row
    arguments = dict(inspect.signature(forward).bind(*arrays).arguments)
    assert alike(lambda a: forward(**a), arguments, r(*forward(*arrays).shape, seed=9)) == []
