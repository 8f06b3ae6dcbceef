"""Playgrounds: the initial numbers of a script, and the same as text and tables where no script runs.

The scripts are docs/assets/play/*.js, written by hand; no network is needed. numbers.js holds their mathematics, which
the tests compare with numpy.
"""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

import nnref
from nnref import affine, relu, softmax, softmax_cross_entropy
from press import digits

LOGITS, LABEL = (2.0, 1.0, -1.0), 0
"""Initial values of the softmax sliders."""

NETWORK = {
    "X": [[1.0, -2.0], [0.5, 1.0]],
    "W1": [[0.6, -0.4], [-0.3, 0.8]],
    "b1": [[0.1], [-0.2]],
    "W2": [[0.5, -0.7], [-0.6, 0.9]],
    "b2": [[0.2], [-0.1]],
    "labels": [0, 1],
}
"""A 2-2-2 network and two examples, small enough for pencil and paper; one hidden unit is off in one example."""

POINT = 0.5
"""Where the slope of the step playground is taken."""

MISTAKES = {
    "scale.N": "1/N forgotten",
    "scale.sign": "sign flipped",
    "bias.averaged": "db is a mean",
    "bias.one_example": "db of one example",
    "dA.not_transposed": "W not transposed",
    "slope.missing": "ReLU's slope forgotten",
}
"""The mistakes to choose from on the bench, by their key in the catalogue."""

WEIGHTS = "float32"
"""The precision in which the drawing page is given the weights."""


def values() -> dict[str, Any]:
    """Every value of the 2-2-2 network, forward and back, as nnref computes it."""
    net = {name: np.array(value, dtype="float64") for name, value in NETWORK.items() if name != "labels"}
    layers = nnref.mlp([2, 2, 2])
    theta = (nnref.Affine(net["W1"], net["b1"]), (), nnref.Affine(net["W2"], net["b2"]))
    Y = nnref.one_hot(NETWORK["labels"], classes=2, dtype="float64")
    A = nnref.network.activations(layers, theta, net["X"])
    dZ2 = softmax_cross_entropy.dZ(A[-1], Y)
    dA1 = affine.dA(net["W2"], dZ2)
    found = {"Z1": A[1], "A1": A[2], "Z2": A[3], "P": softmax.forward(A[-1])}
    found |= {"dZ2": dZ2, "dA1": dA1, "dZ1": relu.dZ(A[1], dA1)}
    loss, gradients = nnref.loss_and_gradients(layers, theta, net["X"], Y)
    return found | {f"d{name}": g for name, g in nnref.named(gradients).items()} | {"L": float(loss)}


def made() -> dict[str, Any]:
    """The initial values of every playground, by its name."""
    from nnref.checking.diagnosis import diagnose

    X, _, label = digits.example()
    known = {mistake.key: mistake for mistake in diagnose.CATALOGUE}
    mistakes = {key: {"title": title, **shown(known[key])} for key, title in MISTAKES.items()}
    theta = nnref.named(digits.theta())
    weights = np.concatenate([p.astype(WEIGHTS).ravel() for p in theta.values()])
    sizes = [theta["W1"].shape[1], *(len(p) for name, p in theta.items() if name.startswith("b"))]
    plays = {
        "softmax": {"logits": LOGITS, "label": LABEL},
        "stepper": {"network": NETWORK, "values": {name: np.asarray(v).tolist() for name, v in values().items()}},
        "step": {"at": POINT},
        "bench": {"mistakes": mistakes},
        "digit": {
            "sizes": sizes,
            "example": X[:, 0].tolist(),
            "label": label,
            "probabilities": digits.passed()["P"][:, 0].tolist(),
            "weights": base64.b64encode(weights.astype("<f4").tobytes()).decode(),
        },
    }
    return {"figures": {}, "values": {}, "plays": plays}


def shown(mistake: Any) -> dict[str, str]:
    """A mistake's lines in a network of two layers, and what is said of it."""
    l = 1 if mistake.line in ("dA", "slope") else 2
    names = {"l": l, "k": l + 1, "j": l - 1, "theta": "W", "slope": "(Z1 > 0)"}
    return {"wrong": mistake.wrong.format(**names), "right": mistake.right.format(**names), "says": mistake.says}


def directive(name: str, plays: Mapping[str, Any], prefix: str) -> str:
    """The playground as HTML: its numbers in words and tables, and the scripts that bring it to life.

    Errors: LookupError if there is none of that name.
    """
    if name not in FALLBACKS:
        raise LookupError(f"no playground is called {name}; there are {', '.join(FALLBACKS)}")
    given = dict(plays[name])
    weights = given.pop("weights", None)
    data = json.dumps(given, ensure_ascii=False).replace("</", "<\\/")
    held = f'<script type="application/octet-stream" data-weights>{weights}</script>' if weights else ""
    parts = ("numbers", "page", name)
    scripts = "".join(f'<script defer src="{prefix}assets/play/{part}.js"></script>' for part in parts)
    title, fallback = FALLBACKS[name]
    return (
        f'<section class="play" data-play="{name}" aria-label="{html.escape(title)}">'
        f'<p class="play-title">{html.escape(title)}</p>'
        f'<div class="play-body">{fallback(plays[name])}</div>'
        f'<script type="application/json">{data}</script>{held}</section>{scripts}'
    )


def table(name: str, M: Sequence[Sequence[float]]) -> str:
    """A matrix as HTML."""
    rows = "".join(f"<tr>{''.join(f'<td>{number(x)}</td>' for x in row)}</tr>" for row in M)
    caption = f"{name} ({len(M)} × {len(M[0])})"
    return f'<table class="play-matrix"><caption>{html.escape(caption)}</caption><tbody>{rows}</tbody></table>'


def number(x: float) -> str:
    """Four digits, with a real minus."""
    return f"{x:.4g}".replace("-", "−")


def softmax_in_words(given: Mapping[str, Any]) -> str:
    """Logits, probabilities, Jacobian and p − y as tables."""
    z = np.array(given["logits"])[:, None]
    p = softmax.forward(z)
    J = np.diag(p[:, 0]) - p @ p.T
    gap = p - np.eye(len(z))[:, [given["label"]]]
    tables = {"z": z, "p": p, "Jacobian ∂p/∂z": J, "p − y": gap}
    return f'<div class="play-columns">{"".join(table(name, M.tolist()) for name, M in tables.items())}</div>'


def stepper_in_words(given: Mapping[str, Any]) -> str:
    """Every value of the network, in the order of computation."""
    net, found = given["network"], given["values"]
    start = {name: M for name, M in net.items() if name != "labels"}
    tables = "".join(table(name, M) for name, M in (start | {k: v for k, v in found.items() if k != "L"}).items())
    return f'<div class="play-columns">{tables}</div><p>Labels: {net["labels"]}. Loss: {number(found["L"])} nats.</p>'


def step_in_words(given: Mapping[str, Any]) -> str:
    """The error of the central difference of log(1 + exp x) at a few steps."""
    x, f = given["at"], lambda x: np.log1p(np.exp(x))
    errors = [(h, abs((f(x + h) - f(x - h)) / (2 * h) - 1 / (1 + np.exp(-x)))) for h in (1e-1, 1e-3, 1e-5, 1e-8, 1e-12)]
    rows = "".join(f"<li>h = {h:.0e}: off by {number(e)}</li>" for h, e in errors)
    return f"<p>The central difference of log(1 + exp x) at {x}, in float64:</p><ul>{rows}</ul>"


def bench_in_words(given: Mapping[str, Any]) -> str:
    """The mistakes, and what nnref check says of each."""
    rows = "".join(
        f"<li>{html.escape(m['title'])}: <code>{html.escape(m['wrong'])}</code>. {html.escape(m['says'])}</li>"
        for m in given["mistakes"].values()
    )
    return f"<ul>{rows}</ul>"


def digit_in_words(given: Mapping[str, Any]) -> str:
    """The probabilities of the digit that the pages follow."""
    P = given["probabilities"]
    said = ", ".join(f"{k}: {number(p)}" for k, p in enumerate(P))
    return f"<p>The digit of these pages is a {given['label']}. The network's probabilities are {said}.</p>"


FALLBACKS: dict[str, tuple[str, Callable[[Mapping[str, Any]], str]]] = {
    "softmax": ("Try it: three logits, and what softmax makes of them", softmax_in_words),
    "stepper": ("Try it: a 2-2-2 network, forward and back, one value at a time", stepper_in_words),
    "step": ("Try it: the step h", step_in_words),
    "bench": ("Try it: break a backward pass, and see what notices", bench_in_words),
    "digit": ("Try it: draw a digit", digit_in_words),
}
"""The title of each playground, and what it shows where no script runs."""
