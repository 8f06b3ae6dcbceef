"""Training, measured while the site is built on the digits at hand: the reference run, and runs that fail."""

from __future__ import annotations

from typing import Any

import numpy as np

import nnref
from nnref import softmax
from nnref.layer import Affine
from nnref.running.step import updated
from press import digits
from press.drawing import ACCENT, INK, RIGHT, WRONG, blank, image, svg

FULL_BATCH_STEPS = 100
"""As many as the epochs of the run that is stuck: with one batch of everything, an epoch is one step."""

SMALL = 0.01
"""The scale of weights, and the learning rate, of the run that is stuck."""

TOO_HIGH = 3.0
BYTES = 255


def curves() -> tuple[Any, str, str]:
    """Loss by step and accuracy by epoch."""
    run = digits.run()
    figure = blank(7, 2.7)
    left, right = figure.subplots(1, 2)
    left.plot(np.arange(1, len(run.loss_by_step) + 1), run.loss_by_step, color=ACCENT, lw=1)
    left.set_xlabel("step")
    left.set_ylabel("loss of the batch (nats)")
    epochs = range(1, len(run.accuracy_by_epoch) + 1)
    right.plot(epochs, [100 * a for a in run.accuracy_by_epoch], "o-", color=RIGHT)
    right.set_xlabel("epoch")
    right.set_ylabel("right, of the held-out digits (%)")
    for axes in (left, right):
        axes.grid(True)
    return figure, "Loss by step and accuracy by epoch", f"{run.source}; {run.seconds:.0f} s of training."


def predicted() -> Any:
    """Probabilities of the held-out digits."""
    return softmax.forward(nnref.forward(digits.run().layers, digits.theta(), digits.data().x_test.astype("float64")))


def confusion() -> tuple[Any, str, str]:
    """How often each digit was taken for each other."""
    labels, guess = digits.data().y_test, predicted().argmax(axis=0)
    counts = np.zeros((10, 10), int)
    np.add.at(counts, (labels, guess), 1)
    figure = blank(4.6, 4.2)
    axes = figure.subplots()
    image(axes, np.sqrt(counts))
    for i, j in np.argwhere(counts > 0):
        axes.text(j, i, str(counts[i, j]), ha="center", va="center", fontsize=8)
    axes.set_xticks(range(10))
    axes.set_yticks(range(10))
    axes.set_xlabel("taken for")
    axes.set_ylabel("is a")
    off = counts - np.diag(counts.diagonal())
    i, j = np.unravel_index(off.argmax(), off.shape)
    return (
        figure,
        "Confusion matrix of the held-out digits",
        f"Most often, {off[i, j]} times, a {i} was taken for a {j}.",
    )


def worst() -> tuple[Any, str, str]:
    """The most confident mistakes."""
    P, labels = predicted(), digits.data().y_test
    guess = P.argmax(axis=0)
    mistaken = np.flatnonzero(guess != labels)
    order = mistaken[np.argsort(-P[guess[mistaken], mistaken])][:8]
    figure = blank(7.2, 1.5)
    for axes, k in zip(figure.subplots(1, 8), order, strict=True):
        image(axes, digits.data().x_test[:, k].reshape(28, 28))
        axes.set_title(f"{labels[k]} as {guess[k]}\n{P[guess[k], k]:.0%}", fontsize=8)
    return figure, "The eight most confident mistakes", f"{len(mistaken)} of {len(labels)} held-out digits are wrong."


def accuracy(layers: Any, theta: Any, scale: float = 1.0) -> float:
    """The share of held-out digits that are right."""
    return nnref.accuracy(layers, theta, digits.data().x_test * scale, digits.data().y_test)


def silent(layers: Any, theta: Any, scale: float) -> float:
    """The share of the first layer's neurons that are 0 for every training digit."""
    A = nnref.network.activations(layers, theta, digits.data().x_train * np.float32(scale))[2]
    return float((A == 0).all(axis=1).mean())


def descended(theta: Any, alpha: float, *, steps: int, size: int | None, scale: float = 1.0) -> tuple[list[float], Any]:
    """Losses of plain gradient descent until they are not finite, and the last finite parameters."""
    layers = nnref.mnist_mlp()
    X, Y = digits.data().x_train * np.float32(scale), nnref.one_hot(digits.data().y_train, dtype="float32")
    rng, losses = np.random.default_rng(0), []
    with np.errstate(all="ignore"):
        for _ in range(steps):
            k = slice(None) if size is None else rng.integers(0, Y.shape[1], size)
            L = float(nnref.loss(layers, theta, X[:, k], Y[:, k]))
            losses.append(L)
            if not np.isfinite(L):
                break
            theta = updated(theta, nnref.gradients(layers, theta, X[:, k], Y[:, k]), alpha)
    return losses, theta


def small_start() -> Any:
    """Weights of 0.01 times a normal number, biases zero."""
    rng = np.random.default_rng(0)
    he = nnref.initialise(nnref.mnist_mlp(), seed=0, dtype="float32")
    draw = (SMALL * rng.standard_normal(t.W.shape) if t else None for t in he)
    return tuple(Affine(W.astype("float32"), t.b) if t and W is not None else () for t, W in zip(he, draw, strict=True))


def failures() -> tuple[Any, str, str, dict[str, str]]:
    """The loss of four runs, one of them right."""
    layers, he = nnref.mnist_mlp(), nnref.initialise(nnref.mnist_mlp(), seed=0, dtype="float32")
    rate = digits.run().settings.learning_rate
    runs = {
        "as it should be": (descended(he, rate, steps=FULL_BATCH_STEPS, size=64), 1.0),
        "0.01 · randn, full batch, α = 0.01": (descended(small_start(), SMALL, steps=FULL_BATCH_STEPS, size=None), 1.0),
        "pixels 0 to 255": (descended(he, rate, steps=FULL_BATCH_STEPS, size=64, scale=BYTES), float(BYTES)),
        f"α = {TOO_HIGH:g}": (descended(he, TOO_HIGH, steps=FULL_BATCH_STEPS, size=64), 1.0),
    }
    figure = blank(7, 3.1)
    axes = figure.subplots()
    for (name, ((losses, _), _)), colour, style in zip(
        runs.items(), (RIGHT, INK, WRONG, ACCENT), ("-", "-", "--", ":"), strict=True
    ):
        axes.plot(range(1, len(losses) + 1), np.minimum(losses, 30), color=colour, ls=style, label=name)
    axes.set_yscale("log")
    axes.set_xlabel("step")
    axes.set_ylabel("loss (nats)")
    axes.legend()
    axes.grid(True)
    with np.errstate(all="ignore"):
        shares = [100 * accuracy(layers, theta, scale) for ((_, theta), scale) in runs.values()]
    keys = ("good", "stuck", "unscaled", "high")
    values = {f"{key}-accuracy": f"{share:.1f}" for key, share in zip(keys, shares, strict=True)}
    for key, ((losses, _), _) in zip(keys, runs.values(), strict=True):
        values |= {f"{key}-first": f"{losses[0]:.4g}", f"{key}-last": f"{losses[-1]:.4g}"}
        values |= {f"{key}-highest": f"{np.nanmax(losses):.1g}"}
    for key, ((_, theta), scale) in zip(keys, runs.values(), strict=True):
        values |= {f"{key}-dead": f"{100 * silent(layers, theta, scale):.0f}"}
    caption = f"{FULL_BATCH_STEPS} steps of each. Losses above 30 are drawn at 30."
    return figure, "Loss by step of one run that learns and three that do not", caption, values


def made() -> dict[str, Any]:
    """The pictures, and the numbers that the prose quotes."""
    run, figures = digits.run(), {}
    for name, draw in {"curves": curves, "confusion": confusion, "worst": worst}.items():
        figure, alt, caption = draw()
        figures[name] = {"svg": svg(figure, name), "alt": alt, "caption": caption}
    figure, alt, caption, values = failures()
    figures["failures"] = {"svg": svg(figure, "failures"), "alt": alt, "caption": caption}
    return {
        "figures": figures,
        "values": values
        | {
            "accuracy": f"{100 * run.test_accuracy:.1f}",
            "epochs": str(run.settings.epochs),
            "batch-size": str(run.settings.batch_size),
            "learning-rate": f"{run.settings.learning_rate:g}",
            "gate": str(run.gate).splitlines()[0].removeprefix("gate: "),
            "source": run.source,
        },
    }
