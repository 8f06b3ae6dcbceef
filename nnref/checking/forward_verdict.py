"""Is a person's forward pass, and their loss, the reference's? The first mistake by name, line and right line."""

from __future__ import annotations

import numpy as np

from nnref.checking import lines, verdicts
from nnref.checking.checked import First
from nnref.checking.forwards import Forward, alike, passes
from nnref.checking.network import output_of
from nnref.checking.spelling import canonical
from nnref.checking.verdicts import Reading, mean_cross_entropy, probabilities
from nnref.layer import Affine

LARGE = 1e3
"""Logits at which exp overflows and a softmax that is not shifted gives nan."""


def judge_forward(reading: Reading) -> tuple[First | None, bool | None]:
    """The second verdict: is the forward pass, and is the loss, the reference's? And the first mistake in it."""
    way, kind = reading.forward, reading.loss_kind
    if reading.output is not None and not np.isfinite(reading.output).all():
        return First("output", "", "Your output is not finite: it holds nan or inf for small random examples."), False
    if reading.output is not None and way is None:
        return unknown_forward(reading), False
    if way is not None and way.mistake:
        return forward_first(reading, way), False
    if reading.output is None and kind is None:
        reading.network.notes.append("no forward pass and no loss that is known were found, so they are not judged")
        return None, None
    if reading.loss is not None and kind is None:
        says = f"your loss is {reading.loss:.6g}, where the mean cross-entropy is {expected_loss(reading):.6g}"
        return First("loss", lines.place(reading, lines.loss_line(reading)), says, claim="cross_entropy.forward"), False
    if kind is not None and kind.mistake:
        says = f"Your loss {kind.mistake}."
        right = "-np.sum(Y * np.log(P)) / N"
        harmless = kind.mistake.startswith("adds")
        place = lines.place(reading, lines.loss_line(reading))
        found = First("loss", place, says, lines.own_words(reading, right), "cross_entropy.forward", harmless=harmless)
        return found, False
    design = (kind and kind.design) or (way and way.design)
    if design:
        reading.network.notes.append(f"{design}: another network than the reference's, so the first question alone")
        return None, None
    if way is not None and way.output == "softmax" and overflows(reading):
        return First(
            "softmax",
            lines.place(reading, lines.softmax_line(reading)),
            f"Overflows: at logits of {LARGE:.0f} it gives nan. Subtract the largest logit of each example first.",
            shifted(reading),
            "softmax.shift",
            harmless=True,
        ), False
    return None, True


def expected_loss(reading: Reading) -> float:
    """The mean cross-entropy of their output."""
    return mean_cross_entropy(probabilities(reading), reading.Y, None)


def shifted(reading: Reading) -> str:
    """The safe exponential in the file's layout."""
    axis = 1 if reading.convention.data == "rows" else 0
    last = f"Z{len(reading.sizes) - 1}"
    Z = lines.names(reading).get(last, "Z")
    return f"np.exp({Z} - {Z}.max(axis={axis}, keepdims=True))"


def overflows(reading: Reading) -> bool:
    """Does the output stop being finite at large logits?"""
    assert reading.case is not None
    last = reading.case.theta[-1]
    Z = reading.case.Z[f"Z{len(reading.sizes) - 1}"]
    factor = LARGE / float(Z.flat[np.abs(Z).argmax()])  # the largest becomes positive: exp of it overflows
    theta = (*reading.case.theta[:-1], Affine(*(factor * A for A in last)))
    x, y = reading.convention.theirs(reading.X, reading.Y)
    passed = reading.network.forward(reading.own(theta), x, y)
    out = output_of(passed.named, passed.raw, reading.sizes[-1], reading.X.shape[1], reading.network.depth)
    return out is not None and not np.isfinite(out).all()


def forward_first(reading: Reading, way: Forward) -> First:
    """A forward mistake that reproduces their output: what it is, where, and the right line."""
    fault, l = way.fault or ("", 0)
    last = len(reading.sizes) - 1
    axis = 1 if reading.convention.data == "rows" else 0
    says = f"{(way.mistake or '')[0].upper()}{(way.mistake or '')[1:]}. Explains your output to rounding."
    if fault == "the bias is missing":
        node, right, claim = lines.assignment(reading, f"Z{l}", "forward"), f"W{l} @ A{l - 1} + b{l}", "affine.forward"
    elif fault:
        node = lines.assignment(reading, f"A{l}", "forward") or lines.assignment(reading, f"Z{l}", "forward")
        name = way.activations[l - 1]
        right, claim = f"{'np.tanh' if name == 'tanh' else name}(Z{l})", f"{name.split()[0]}.forward"
    else:
        E = lines.names(reading).get(f"Z{last}", "Z")
        right, claim = f"np.exp({E}) / np.exp({E}).sum(axis={axis}, keepdims=True)", "softmax.forward"
        return First("softmax", lines.place(reading, lines.softmax_line(reading)), says, right, claim)
    return First(
        f"Z{l}" if "bias" in fault else f"A{l}",
        lines.place(reading, node),
        says,
        lines.own_words(reading, right),
        claim,
    )


def unknown_forward(reading: Reading) -> First:
    """A forward pass that no known mistake explains: the first intermediate that differs, where they have names."""
    x, y = reading.convention.theirs(reading.X, reading.Y)
    passed = reading.network.forward(reading.own(), x, y)
    truth = passes(reading.theta, reading.X, Forward(verdicts.guessed(reading)))
    for name, right in truth.items():
        theirs = [A for n, A in passed.named.items() if canonical(n) == name and isinstance(A, np.ndarray)]
        if theirs and not alike(reading.convention.output(theirs[0], len(right)), right, reading.dtype):
            node = lines.assignment(reading, name, "forward")
            return First(name, lines.place(reading, node), f"{name} is the first to differ from the reference's.")
    return First("output", "", "Your output differs from the reference's; no mistake that is known here explains it.")
