"""Pictures of one real digit on its way through the trained network and back."""

from __future__ import annotations

from typing import Any

import numpy as np

import nnref
from nnref import relu, sigmoid, tanh
from press import digits
from press.drawing import ACCENT, FAINT, INK, RIGHT, WRONG, blank, image, svg

ROW = 14
"""The row of pixels whose numbers are shown: the middle of the picture."""


def pixels() -> tuple[Any, str, str]:
    """The digit, and one row of it as numbers."""
    X, _, label = digits.example()
    figure = blank(7, 2.9)
    left, right = figure.subplots(1, 2, width_ratios=[1, 1.7])
    image(left, X.reshape(28, 28))
    left.axhline(ROW, color=WRONG, lw=1)
    left.set_title(f"a {label}: 28 × 28 pixels")
    right.bar(range(28), X.reshape(28, 28)[ROW], color=ACCENT)
    right.set_title(f"row {ROW} of it, as numbers from 0 to 1")
    right.set_xlabel(f"entries {28 * ROW} to {28 * ROW + 27} of the column of 784")
    dark = int((X > 0).sum())
    return figure, f"A handwritten {label} and the values of its row {ROW}", f"{dark} of its 784 numbers are not zero."


def functions() -> tuple[Any, str, str]:
    """The three activations with their slopes, and where the digit's own weighted sums lie."""
    z = np.linspace(-4, 4, 401)[None, :]
    sums = digits.passed()["Z1"].ravel()
    figure = blank(7.4, 2.6)
    for axes, (name, A, slope) in zip(
        figure.subplots(1, 3),
        (
            ("ReLU", relu.forward(z), relu.dZ(z, np.ones_like(z))),
            ("sigmoid", sigmoid.forward(z), sigmoid.dZ(sigmoid.forward(z), np.ones_like(z))),
            ("tanh", tanh.forward(z), tanh.dZ(tanh.forward(z), np.ones_like(z))),
        ),
        strict=True,
    ):
        axes.plot(z[0], A[0], color=ACCENT, label="A")
        axes.plot(z[0], slope[0], color=WRONG, ls="--", lw=1.3, label="slope")
        low, high = axes.get_ylim()
        ticks = np.array([low, low + (high - low) / 20, np.nan])  # one line for all, broken between the ticks
        axes.plot(np.repeat(sums, 3), np.tile(ticks, len(sums)), color=INK, alpha=0.4, lw=0.7)
        axes.set_title(name)
        axes.set_xlabel("Z")
        axes.set_xlim(-4, 4)
        axes.grid(True)
    figure.axes[0].legend(loc="upper left")
    negative = int((sums <= 0).sum())
    return (
        figure,
        "ReLU, sigmoid and tanh with their slopes",
        f"The ticks are the {len(sums)} sums Z of the digit in the first layer of a trained network: {negative} are "
        f"not positive, and ReLU makes 0 of them.",
    )


def forward() -> tuple[Any, str, str]:
    """The digit's activations layer by layer."""
    found = digits.passed()
    figure = blank(7.4, 2.5)
    panels = figure.subplots(1, 4, width_ratios=[1.3, 1, 1, 1.5])
    shown = (("X", (28, 28), "(784, 1)"), ("A1", (16, 8), "(128, 1)"), ("A2", (8, 8), "(64, 1)"))
    for axes, (name, folded, shape) in zip(panels, shown, strict=False):
        image(axes, found[name].reshape(folded))
        axes.set_title(f"{name} {shape}")
    panels[3].bar(range(10), found["P"][:, 0], color=ACCENT)
    panels[3].set_title("P (10, 1)")
    panels[3].set_xticks(range(10))
    silent = [int((found[name] == 0).sum()) for name in ("A1", "A2")]
    return (
        figure,
        "The activations of the digit in every layer",
        f"The columns X, A1 and A2 of the digit, each folded into a rectangle, and the probabilities P. Of the hidden "
        f"neurons, {silent[0]} of 128 and {silent[1]} of 64 are 0.",
    )


def probabilities() -> tuple[Any, str, str]:
    """Logits beside probabilities."""
    found, (_, _, label) = digits.passed(), digits.example()
    figure = blank(7, 2.6)
    for axes, name, title in zip(
        figure.subplots(1, 2), ("Z3", "P"), ("logits: any numbers", "probabilities: they sum to one"), strict=True
    ):
        colours = [RIGHT if k == label else ACCENT for k in range(10)]
        axes.bar(range(10), found[name][:, 0], color=colours)
        axes.axhline(0, color=FAINT, lw=0.8)
        axes.set_xticks(range(10))
        axes.set_title(title)
    p = found["P"][label, 0]
    gap = round(float(np.diff(np.sort(found["Z3"][:, 0])[-2:])[0]), 4)  # as shown: the ratio follows from it
    return (
        figure,
        "Logits and probabilities of the digit",
        f"The label {label} has probability {p:.3f}. The two largest logits differ by {gap:.4f}, so that class is "
        f"exp {gap:.4f} = {np.exp(gap):.2f} times as probable as the next.",
    )


def cost() -> tuple[Any, str, str]:
    """The loss of one example as a function of the probability of its label."""
    found, (_, _, label) = digits.passed(), digits.example()
    p = np.linspace(0.004, 1, 400)
    mine = found["P"][label, 0]
    figure = blank(7, 2.7)
    axes = figure.subplots()
    axes.plot(p, -np.log(p), color=ACCENT)
    axes.plot([mine], [-np.log(mine)], "o", color=RIGHT)
    axes.annotate(f"this digit: {-np.log(mine):.3f} nats", (mine, -np.log(mine)), (0, 14), textcoords="offset points")
    axes.set_xlabel("probability given to the label")
    axes.set_ylabel("loss (nats)")
    axes.set_xlim(0, 1.02)
    axes.grid(True)
    guess = np.log(10)
    return (
        figure,
        "Loss against the probability of the label",
        f"A guess, 1/10 for each class, costs log 10 = {guess:.3f} nats.",
    )


def backward() -> tuple[Any, str, str]:
    """Where the gradient starts, and what it is for one neuron of the first layer."""
    found = digits.passed()
    busiest = int(abs(found["dZ1"]).argmax())
    figure = blank(7, 2.7)
    left, right = figure.subplots(1, 2, width_ratios=[1.7, 1])
    values = found["dZ3"][:, 0]
    left.bar(range(10), values, color=[WRONG if v > 0 else RIGHT for v in values])
    left.axhline(0, color=FAINT, lw=0.8)
    left.set_xticks(range(10))
    left.set_title("dZ3: what is too probable, and what not enough")
    image(right, found["dW1"][busiest].reshape(28, 28), signed=True)
    right.set_title(f"dW1, row {busiest}")
    zeros = float((found["dW1"] == 0).mean())
    return (
        figure,
        "The gradient of the digit at the logits, and in one row of the first layer's weights",
        f"Row {busiest} of dW1 is the digit times dZ1[{busiest}] = {found['dZ1'][busiest, 0]:.3g}. ".replace("-", "−")
        + f"{100 * zeros:.1f} % of dW1 is exactly 0.",
    )


def descent() -> tuple[Any, str, str]:
    """The loss of a batch after one step, against the learning rate."""
    layers, N = digits.run().layers, 64
    theta = nnref.initialise(layers, seed=0)
    batch = np.random.default_rng(0).permutation(len(digits.data().y_train))[:N]
    X = digits.data().x_train[:, batch].astype("float64")
    Y = nnref.one_hot(digits.data().y_train[batch])
    L, dtheta = nnref.loss(layers, theta, X, Y), nnref.gradients(layers, theta, X, Y)
    alphas = np.logspace(-3, 1, 41)
    after = [float(nnref.loss(layers, stepped(theta, dtheta, alpha), X, Y)) for alpha in alphas]
    from matplotlib.ticker import NullLocator

    figure = blank(7, 2.8)
    axes = figure.subplots()
    axes.loglog(alphas, after, color=ACCENT, label="after one step")
    axes.set_yticks(ticks := [1, 2, 5, 10, 20, 50], map(str, ticks))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.set_ylim(0.9 * min(after), 1.1 * max(after))
    axes.axhline(L, color=INK, ls="--", lw=1.2, label="before it")
    axes.set_xlabel("learning rate α")
    axes.set_ylabel("loss of the batch (nats)")
    axes.legend()
    axes.grid(True)
    best = int(np.argmin(after))
    over = next((a for a, l in zip(alphas[best:], after[best:], strict=True) if l > L), alphas[-1])
    return (
        figure,
        "Loss after one step against the learning rate",
        f"Downhill, but not too far: from {L:.2f} nats one step reaches {after[best]:.2f} at α = {alphas[best]:.2g}, "
        f"and from α = {over:.2g} on it makes the loss larger.",
    )


def stepped(theta: Any, dtheta: Any, alpha: float) -> Any:
    """Every parameter after one step."""
    from nnref.running.step import updated

    return updated(theta, dtheta, alpha)


FIGURES = {
    "digit": pixels,
    "activations": functions,
    "forward": forward,
    "softmax": probabilities,
    "loss": cost,
    "backward": backward,
    "update": descent,
}


def shapes() -> str:
    """The table of shapes of the network of these pages, from the derivation, in Markdown."""
    from nnref.bridge import parameter_shapes

    found = parameter_shapes(nnref.network.MNIST_SIZES)
    rows = [
        f"| {l} | {found[f'W{l}']} | {found[f'b{l}']} | ({found[f'W{l}'][0]}, N) |"
        for l in range(1, len(found) // 2 + 1)
    ]
    return "\n".join(["| layer | weights | bias | output, for N examples |", "|---|---|---|---|", *rows])


def made() -> dict[str, Any]:
    """Every picture, and the numbers that the prose quotes."""
    figures = {}
    for name, draw in FIGURES.items():
        figure, alt, caption = draw()
        figures[name] = {"svg": svg(figure, name), "alt": alt, "caption": caption}
    _, _, label = digits.example()
    return {
        "figures": figures,
        "values": {
            "label": str(label),
            "shapes": shapes(),
            "parameters": f"{sum(p.size for p in nnref.named(digits.theta()).values()):,}",
        },
    }
