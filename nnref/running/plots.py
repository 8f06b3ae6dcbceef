"""Pictures of a run, for one who wants to see what was learned. The only file that imports matplotlib."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from nnref import network, softmax
from nnref.layer import Affine
from nnref.running import files
from nnref.running.data import Dataset
from nnref.running.held_out import held_out_logits
from nnref.running.run import TrainingRun
from nnref.shapes import Array

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw(place: Path, run: TrainingRun, data: Dataset) -> list[Path]:
    """Write curves, confusion, first-layer weights and the most confident mistakes as PNG files into place."""
    with np.errstate(over="ignore", invalid="ignore"):  # the parameters of a diverged run may be near overflow
        P = softmax.forward(held_out_logits(run, data))
    figures = {
        "curves": curves(run),
        "confusion": confusion(P, data),
        "weights": weights(run),
        "mistakes": mistakes(P, data),
    }
    return [saved(figure, place / f"{name}.png") for name, figure in figures.items() if figure is not None]


def saved(figure: Figure, path: Path) -> Path:
    """Write a figure beside its place and rename it there."""
    files.write(path, lambda file: figure.savefig(file, format="png", dpi=120))
    return path


def blank(width: float, height: float) -> Figure:
    """A figure without pyplot's global state."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def curves(run: TrainingRun) -> Figure:
    """Mean training loss and accuracy on the held-out examples, by epoch."""
    figure = blank(8, 3.2)
    epochs = range(1, len(run.accuracy_by_epoch) + 1)
    for axes, values, label in zip(
        figure.subplots(1, 2),
        (run.loss_by_epoch[: len(epochs)], [100 * a for a in run.accuracy_by_epoch]),
        ("mean training loss (nats)", "accuracy on held-out digits (%)"),
        strict=True,
    ):
        axes.plot(epochs, values, marker="o", color="#3b5bdb")
        axes.set_xlabel("epoch")
        axes.set_ylabel(label)
        axes.grid(alpha=0.3)
        axes.xaxis.get_major_locator().set_params(integer=True)
    return figure


def confusion(P: Array, data: Dataset) -> Figure:
    """How often each class was taken for each other."""
    counts = np.zeros((data.classes, data.classes), int)
    np.add.at(counts, (data.y_test, P.argmax(axis=0)), 1)
    figure = blank(5.2, 4.6)
    axes = figure.subplots()
    axes.imshow(np.log1p(counts), cmap="Blues")
    for i, j in np.argwhere(counts > 0):
        dark = counts[i, j] > counts.max() / 4
        axes.text(j, i, counts[i, j], ha="center", va="center", fontsize=8, color="white" if dark else "black")
    axes.set_xlabel("predicted")
    axes.set_ylabel("label")
    axes.set_xticks(range(data.classes))
    axes.set_yticks(range(data.classes))
    axes.set_title(f"{np.trace(counts):,} of {counts.sum():,} right")
    return figure


def square(n: int) -> int | None:
    """The side of an image of n pixels, or None if it is not square."""
    side = round(float(np.sqrt(n)))
    return side if side * side == n else None


def weights(run: TrainingRun) -> Figure | None:
    """What training added to each first-layer neuron's weights, as an image: red for more, blue for less.

    The weights themselves are mostly the noise that they began with, which the seed gives back.
    """
    learned, initial = (
        parameters[0].W if isinstance(parameters[0], Affine) else None
        for parameters in (run.parameters, network.initialise(run.layers, run.seed, run.settings.dtype))
    )
    if learned is None or initial is None:
        return None
    side = square(learned.shape[1])
    if side is None:
        return None
    images = (learned - initial)[:128].reshape(-1, side, side)
    columns = 16
    rows = -(-len(images) // columns)
    mosaic = np.full((rows * (side + 2), columns * (side + 2)), np.nan)
    for k, image in enumerate(images):
        i, j = (side + 2) * (k // columns), (side + 2) * (k % columns)
        mosaic[i : i + side, j : j + side] = image
    limit = float(np.nanquantile(abs(mosaic), 0.995)) or 1.0
    figure = blank(10, 0.62 * rows + 0.4)
    axes = figure.subplots()
    axes.imshow(mosaic, cmap="RdBu_r", vmin=-limit, vmax=limit, interpolation="nearest")
    axes.set_title(f"what training added to the weights of {len(images)} first-layer neurons", fontsize=9)
    axes.axis("off")
    return figure


def mistakes(P: Array, data: Dataset) -> Figure | None:
    """The held-out digits that were wrong with the greatest confidence."""
    side = square(data.rows_test.shape[1])
    predicted = P.argmax(axis=0)
    wrong = np.flatnonzero(predicted != data.y_test)
    if side is None or wrong.size == 0:
        return None
    worst = wrong[np.argsort(-P[predicted[wrong], wrong], kind="stable")][:20]
    figure = blank(9, 4.4)
    figure = blank(9, 2.6)
    for axes in (shown := figure.subplots(2, 10)).flat:
        axes.axis("off")
    for k, axes in zip(worst, shown.flat, strict=False):
        axes.imshow(data.rows_test[k].reshape(side, side), cmap="gray_r")
        axes.set_title(f"{data.y_test[k]} taken for {predicted[k]}\n{P[predicted[k], k]:.1%} sure", fontsize=6)
    return figure
