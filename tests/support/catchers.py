"""What catches a mistake: the inputs in eight regimes, the right numbers worked out by hand, and four checks.

Each check is a function of a regime that says whether something is wrong. It knows nothing of what was planted.
"""

from __future__ import annotations

import cmath
import math
from dataclasses import dataclass
from fractions import Fraction
from functools import cache

import numpy as np

import nnref
from nnref import network, relu, sgd, softmax
from nnref.checking.gradcheck.border import GradcheckError
from nnref.checking.gradcheck.gradcheck import gradcheck
from nnref.checking.reference import noise
from nnref.running import data, step, train
from nnref.running.data import Dataset
from nnref.running.settings import Settings

U = noise.unit("float64")
ALPHA = 0.3


@dataclass(frozen=True)
class Regime:
    """A network and a batch; what hides in one regime shows in another."""

    name: str
    sizes: tuple[int, ...]
    N: int
    size: float = 1.0
    logits: float | None = None
    biases: bool = True
    zeros: bool = False
    pixels: bool = False

    def draw(self, activation):
        """Layers, parameters, X and labels, the arrays new at each call: a mistake may write into them."""
        layers, theta, X, labels = drawn_once(self, activation)
        copies = tuple(nnref.Affine(t.W.copy(), t.b.copy()) if t else () for t in theta)
        return layers, copies, X.copy(), labels.copy()


@cache
def drawn_once(regime, activation):
    """The network and the batch of a regime, drawn before anything is planted."""
    rng = np.random.default_rng(7)
    layers = nnref.mlp(regime.sizes, activation)
    theta = [
        nnref.Affine(t.W, regime.biases * rng.standard_normal(t.b.shape)) if t else ()
        for t in nnref.initialise(layers, seed=7)
    ]
    X = regime.size * rng.standard_normal((regime.sizes[0], regime.N))
    if regime.pixels:
        X = np.clip(rng.standard_normal(X.shape), 0, 1) * (rng.random(X.shape) < 0.4)
    if regime.zeros:  # black pixels, and a neuron that stands exactly at its kink
        X[0], theta[0].W[1], theta[0].b[1] = 0, 0, 0
    if regime.logits:
        top = abs(nnref.forward(layers, tuple(theta), X)).max()
        theta[-1] = nnref.Affine(*(p * regime.logits / top for p in theta[-1]))
    return layers, tuple(theta), X, rng.integers(0, regime.sizes[-1], regime.N)


REGIMES = (
    Regime("sizes all distinct, dense signed X, biases", (5, 7, 6, 4), 3),
    Regime("sizes and batch all equal", (4, 4, 4, 4), 4),
    Regime("one example", (5, 7, 6, 4), 1),
    Regime("zero biases", (5, 7, 6, 4), 3, biases=False),
    Regime("exact zeros, and a neuron at its kink", (5, 7, 6, 4), 3, zeros=True),
    Regime("inputs 30 times as large", (5, 7, 6, 4), 3, size=30),
    Regime("inputs of thousands, logits of a thousand", (5, 7, 6, 4), 3, size=3e3, logits=1e3),
    Regime("like MNIST: pixels, most of them black", (25, 7, 6, 4), 9, biases=False, pixels=True),
)


def by_hand(layers, theta, X, labels):
    """Logits and losses in Python's own floats, sums exactly rounded, each with its running-error scale.

    The scale counts what numpy rounds on the way, as nnref.checking.reference.noise does for gradients.
    """
    columns = []
    for n, label in enumerate(labels):
        a, e = [float(x) for x in X[:, n]], [0.0] * len(X)
        for layer, t in zip(layers, theta, strict=True):
            if t:
                rows = [(W.tolist(), float(b[0])) for W, b in zip(t.W, t.b, strict=True)]
                e = [
                    math.fsum(abs(w) * (abs(x) + r) for w, x, r in zip(W, a, e, strict=True)) + abs(b) for W, b in rows
                ]
                a = [math.fsum([*(w * x for w, x in zip(W, a, strict=True)), b]) for W, b in rows]
            else:
                a = [ACTIVATIONS[layer.name](z) for z in a]
                e = [r + 2 * abs(x) for r, x in zip(e, a, strict=True)]  # no slope here is above 1
        top = max(a)
        loss = top - a[label] + math.log(math.fsum(math.exp(z - top) for z in a))
        columns.append((a, e, loss, 2 * max(e) + abs(top - a[label]) + 4))
    Z, E, losses, scales = zip(*columns, strict=True)
    return np.array(Z).T, np.array(E).T, math.fsum(losses) / len(labels), max(scales)


ACTIVATIONS = {
    "relu": lambda z: max(0.0, z),
    "tanh": math.tanh,
    "sigmoid": lambda z: 1 / (1 + math.exp(-z)) if z > 0 else math.exp(z) / (1 + math.exp(z)),
}


@cache
def slopes_by_hand(regime, activation):
    """Every slope of the loss, by a complex step through a forward pass in Python's numbers, with its noise scale."""
    layers, theta, X, labels = drawn_once(regime, activation)
    slopes = []
    for l, t in enumerate(theta):
        found = [np.zeros(p.shape) for p in t]
        for p, T in zip(t, found, strict=True):
            for at in np.ndindex(p.shape):
                moved = [[q.astype(complex) if q is p else q for q in other] for other in theta]
                moved[l][[q is p for q in t].index(True)][at] += 1e-30j
                T[at] = complex_loss(layers, moved, X, labels).imag / 1e-30
        slopes.append(nnref.Affine(*found) if t else ())
    S = noise.scale(layers, theta, X, nnref.one_hot(labels, regime.sizes[-1]), "float64")
    return nnref.named(tuple(slopes)), nnref.named(S), noise.allowed(layers, theta, regime.N)


def complex_loss(layers, theta, X, labels):
    """The mean loss of parameters that may be complex; kinks and maxima are decided on the real part."""
    losses = []
    for x, label in zip(X.T.tolist(), labels, strict=True):
        a = x
        for layer, t in zip(layers, theta, strict=True):
            if t:
                W, b = (p.tolist() for p in t)
                a = [sum(w * x for w, x in zip(row, a, strict=True)) + c[0] for row, c in zip(W, b, strict=True)]
            else:
                a = [COMPLEX[layer.name](z) for z in a]
        top = max(complex(z).real for z in a)
        losses.append(cmath.log(sum(cmath.exp(z - top) for z in a)) + top - a[label])
    return sum(losses) / len(losses)


COMPLEX = {
    "relu": lambda z: z if complex(z).real > 0 else 0.0,
    "tanh": lambda z: cmath.tanh(z) if abs(complex(z).real) < 300 else math.copysign(1.0, complex(z).real),
    "sigmoid": lambda z: 1 / (1 + cmath.exp(-z)) if complex(z).real > 0 else cmath.exp(z) / (1 + cmath.exp(z)),
}


def slopes_are_wrong(regime, activation):
    """Gradients against the slopes of the documented loss, in units of rounding, whatever the planted loss says."""
    layers, theta, X, labels = regime.draw(activation)
    truth, S, allowed = slopes_by_hand(regime, activation)
    try:
        with np.errstate(over="raise", divide="raise", invalid="raise"):
            found = nnref.named(nnref.gradients(layers, theta, X, nnref.one_hot(labels, regime.sizes[-1])))
    except (ArithmeticError, ValueError, TypeError):
        return True
    return any(
        g.shape != truth[p].shape or not (noise.multiples(g, truth[p], S[p], "float64", 1e-270) <= allowed).all()
        for p, g in found.items()
    )


def gradients_are_wrong(regime, activation):
    """The gradient check: only the loss is believed."""
    layers, theta, X, labels = regime.draw(activation)
    Y = nnref.one_hot(labels, regime.sizes[-1])
    with np.errstate(all="ignore"):
        try:
            report = gradcheck(
                lambda t: nnref.loss(layers, t, X, Y), theta, lambda t: nnref.gradients(layers, t, X, Y), entries=30
            )
        except GradcheckError:  # what cannot even be checked does not pass
            return True
    return bool(report.wrong)


def values_are_wrong(regime, activation):
    """Logits, loss, probabilities, predictions and ReLU'(0) = 0, against numbers worked out by hand."""
    layers, theta, X, labels = regime.draw(activation)
    Z, E, L, E_L = by_hand(layers, theta, X, labels)
    room = noise.allowed(layers, theta, regime.N) * U
    Y = nnref.one_hot(labels, regime.sizes[-1])
    with np.errstate(over="raise", divide="raise", invalid="raise"):
        try:
            logits, loss = nnref.forward(layers, theta, X), float(nnref.loss(layers, theta, X, Y))
            P, predicted = softmax.forward(Z), nnref.predict(layers, theta, X)
            accuracy = nnref.accuracy(layers, theta, X, labels)
            slope = relu.dZ(np.minimum(Z, 0), np.ones_like(Z))
        except (ArithmeticError, ValueError, TypeError):
            return True
    told = np.sort(Z, axis=0)[-1] - np.sort(Z, axis=0)[-2] > 2 * room * E.max()
    return not (
        logits.shape == Z.shape
        and (abs(logits - Z) <= room * E).all()
        and abs(loss - L) <= room * E_L
        and (abs(P - exact_softmax(Z)) <= room * (1 + abs(Z).max())).all()
        and (predicted[told] == Z.argmax(axis=0)[told]).all()
        and (accuracy == (predicted == labels).mean())
        and not slope.any()
    )


def exact_softmax(Z):
    """The softmax of every column, in Python's own floats."""
    columns = []
    for z in Z.T.tolist():
        E = [math.exp(x - max(z)) for x in z]
        columns.append([x / math.fsum(E) for x in E])
    return np.array(columns).T


def updates_are_wrong(regime, activation):
    """One step of gradient descent, in exact fractions; nothing given is changed, and every parameter takes part."""
    layers, theta, X, labels = regime.draw(activation)
    dtheta = nnref.gradients(layers, theta, X, nnref.one_hot(labels, regime.sizes[-1]))
    before = [p.copy() for p in nnref.named(theta).values()]
    after = nnref.named(step.updated(theta, dtheta, ALPHA))
    for p, new, g in zip(before, after.values(), nnref.named(dtheta).values(), strict=True):
        exact = [Fraction(x) - Fraction(ALPHA) * Fraction(d) for x, d in zip(p.flat, g.flat, strict=True)]
        room = 2 * U * (abs(p) + abs(ALPHA * g)).ravel()  # the product and the difference are rounded
        if any(abs(Fraction(x) - y) > Fraction(r) for x, y, r in zip(new.flat, exact, room, strict=True)):
            return True
    changed = any((p != q).any() for p, q in zip(before, nnref.named(theta).values(), strict=True))
    return changed or takes_any_rate(theta)


def dataset(regime):
    """Images of the regime as pixels, four to an example so that batches have something to mix up."""
    _, _, X, labels = regime.draw("relu")
    rng = np.random.default_rng(5)
    rows = np.repeat((255 * abs(X.T) / max(1.0, abs(X).max())).astype(np.uint8), 4, axis=0)
    rows[:, 0] = rng.permutation(len(rows))  # every example is known by its first pixel
    y = np.repeat(labels, 4)
    return Dataset(rows, y, rows[::2], y[::2], "drawn", regime.sizes[-1])


def data_are_wrong(regime, activation):
    """Pixels in [0, 1] as columns, labels with their own images, every example once an epoch, orders that differ."""
    drawn = dataset(regime)
    settings = Settings(epochs=2, batch_size=2, seed=3, dtype="float64")
    try:
        epochs = [list(train.batches(drawn, settings, epoch)) for epoch in (0, 1)]
        again = list(train.batches(drawn, settings, 0))
        hot = network.one_hot(drawn.y_train, drawn.classes)
        folds = data.split(*numbered())
    except (ValueError, IndexError):
        return True
    if any(epoch_is_wrong(drawn, batches) for batches in epochs):
        return True
    orders = [[x[0] for X, _ in batches for x in X.T] for batches in (*epochs, again)]
    return not (
        orders[0] == orders[2] != orders[1]
        and orders[0] != list(drawn.rows_train[:, 0] / 255)
        and hot.T.tolist() == [[float(c == y) for c in range(drawn.classes)] for y in drawn.y_train.tolist()]
        and not takes_any_label(drawn)
        and not set(folds.rows_train[:, 0]) & set(folds.rows_test[:, 0])
        and np.bincount(folds.y_test).tolist() == [100] * 10
        and (folds.y_train == folds.rows_train[:, 1]).all()
    )


def epoch_is_wrong(drawn, batches):
    """Every image once, as it is, in [0, 1], beside its own label."""
    if any(Y.shape != (drawn.classes, X.shape[1]) for X, Y in batches):
        return True
    known = {row[0] / 255: (row / 255, y) for row, y in zip(drawn.rows_train, drawn.y_train, strict=True)}
    seen = [(x, y) for X, Y in batches for x, y in zip(X.T, Y.T, strict=True)]
    if sorted(x[0] for x, _ in seen) != sorted(known):
        return True
    return any((x != known[x[0]][0]).any() or y.argmax() != known[x[0]][1] or y.sum() != 1 for x, y in seen)


def numbered():
    """5,000 examples, each known by its first number, with its label beside it."""
    labels = np.arange(5000) % 10
    return np.stack([np.arange(5000.0), labels], axis=1), labels


def takes_any_rate(theta):
    """Is a negative learning rate taken without a word?"""
    W = np.ones_like(theta[0].W)
    try:
        sgd.update(W, W, -1.0)
    except ValueError:
        return False
    return True


def takes_any_label(drawn):
    """Is a label beyond the classes taken without a word?"""
    try:
        network.one_hot(np.array([drawn.classes]), drawn.classes)
    except ValueError:
        return False
    return True


CHECKS = {
    "g": (gradients_are_wrong, "the gradient check", ("backward", "forward", "loss")),
    "s": (slopes_are_wrong, "slopes of the loss, worked out by hand", ("backward", "forward", "loss")),
    "v": (values_are_wrong, "values worked out by hand", ("backward", "forward", "loss")),
    "u": (updates_are_wrong, "updates in exact fractions", ("update",)),
    "d": (data_are_wrong, "data known by their first pixel", ("data",)),
}
"""The letter in the table, the check, what it is called, and the kinds of mistakes that it is asked about."""


def outputs(kind, regime, activation):
    """Every number that a mistake of this kind could change in a regime, or the error that it raises.

    What is the same here is the same for every check: the mistake is equivalent in this regime.
    """
    with np.errstate(over="raise", divide="raise", invalid="raise"):
        try:
            found = OUTPUTS.get(kind, outputs_of_network)(regime, activation)
        except (ArithmeticError, ValueError, TypeError, IndexError) as error:
            return type(error).__name__
    return [np.asarray(A, float) for A in found]


def outputs_of_data(regime, activation):
    drawn, settings = dataset(regime), Settings(epochs=2, batch_size=2, seed=3, dtype="float64")
    folds = data.split(*numbered())
    hot = network.one_hot(drawn.y_train, drawn.classes)
    batches = [A for epoch in (0, 1) for pair in train.batches(drawn, settings, epoch) for A in pair]
    return [*batches, hot, folds.rows_train, folds.y_train, folds.rows_test, takes_any_label(drawn)]


def outputs_of_update(regime, activation):
    layers, theta, X, labels = regime.draw(activation)
    dtheta = nnref.gradients(layers, theta, X, nnref.one_hot(labels, regime.sizes[-1]))
    after = nnref.named(step.updated(theta, dtheta, ALPHA)).values()
    return [*after, *nnref.named(theta).values(), takes_any_rate(theta)]


def outputs_of_network(regime, activation):
    layers, theta, X, labels = regime.draw(activation)
    Y = nnref.one_hot(labels, regime.sizes[-1])
    passes = (nnref.forward(layers, theta, X), nnref.loss(layers, theta, X, Y), nnref.predict(layers, theta, X))
    gradients = nnref.named(nnref.gradients(layers, theta, X, Y)).values()
    return [*passes, nnref.accuracy(layers, theta, X, labels), *gradients]


OUTPUTS = {"data": outputs_of_data, "update": outputs_of_update}


def same(ones, others):
    """Are all numbers the same, but for how they were rounded: 64 units of the largest?"""
    if isinstance(ones, str) or isinstance(others, str):
        return ones == others
    return len(ones) == len(others) and all(
        A.shape == B.shape
        and (np.isnan(A) == np.isnan(B)).all()
        and np.nanmax(abs(A - B), initial=0) <= 64 * U * np.nanmax(abs(A), initial=0)
        for A, B in zip(ones, others, strict=True)
    )
