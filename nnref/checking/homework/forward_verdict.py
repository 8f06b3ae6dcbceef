"""Is a person's forward pass, and their loss, the reference's? The first mistake by name, line and right line."""

from __future__ import annotations

import numpy as np

from nnref.checking.homework import assignments, mistake_line, recognition
from nnref.checking.homework.recognition import Reading, mean_cross_entropy, probabilities
from nnref.checking.operations.record import writing
from nnref.checking.reading.forward_passes import Forward, alike, passes
from nnref.checking.reading.names import canonical
from nnref.checking.reading.network import output_of
from nnref.checking.results.diagnosis import Diagnosis
from nnref.layer import Affine

LARGE = 1e3
"""Logits at which exp overflows and a softmax that is not shifted gives nan."""


def judge_forward(reading: Reading) -> tuple[Diagnosis | None, bool | None, str]:
    """The second verdict: the first mistake in the forward pass or loss, whether both are the reference's, or why that
    is not judged."""
    way, kind = reading.forward, reading.loss_kind
    if (fault := wrong_output(reading) or wrong_loss(reading)) is not None:
        return fault, False, ""
    if reading.output is None and kind is None:
        return None, None, "no forward pass and no loss that is known were found"
    if design := (kind and kind.design) or (way and way.design):
        return None, None, f"{design}: another network than the reference's"
    if way is not None and way.output == "softmax" and overflows(reading):
        says = f"Overflows: at logits of {LARGE:.0f} it gives nan. Subtract the largest logit of each example first."
        place = assignments.source_line(reading, mistake_line.softmax_line(reading))
        right, claim = shifted_exponential(reading), "softmax.shift"
        return forward_mistake("softmax", place, says, right, claim, harmless=True), False, ""
    return None, True, ""


def forward_mistake(
    quantity: str, place: str, says: str, right: str = "", claim: str = "", harmless: bool = False
) -> Diagnosis:
    """A mistake going forward, which is in no catalogue of wrong gradients."""
    return Diagnosis(None, quantity, says, place=place, right=right, claim=claim, harmless=harmless)


def forward_difference(quantity: str, place: str, says: str) -> Diagnosis:
    """What differs from the reference, by a mistake or on purpose."""
    return Diagnosis(None, quantity, f"{says} A mistake, or another network.", place=place, doubtful=True)


def wrong_output(reading: Reading) -> Diagnosis | None:
    """The mistake that makes the output another than the reference's; None where it is right, or not shown."""
    if reading.output is None:
        return None
    if not np.isfinite(reading.output).all():
        says = "Your output is not finite: it holds nan or inf for small random examples."
        return forward_mistake("output", "", says)
    if reading.forward is None:
        return unknown_forward(reading)
    return forward_first(reading, reading.forward) if reading.forward.mistake else None


def wrong_loss(reading: Reading) -> Diagnosis | None:
    """The mistake in the loss; None where it is one that is known, or not shown."""
    kind, place = reading.loss_kind, assignments.source_line(reading, mistake_line.loss_line(reading))
    if reading.loss is None or (kind is not None and not kind.mistake):
        return None
    if kind is None:
        if reading.output is None:
            return None
        says = f"Your loss is {reading.loss:.6g}, where the mean cross-entropy is {expected_loss(reading):.6g}."
        return forward_difference("loss", place, says)
    right = mistake_line.own_words(reading, "-np.sum(Y * np.log(P)) / N")
    harmless = str(kind.mistake).startswith("adds")
    return forward_mistake("loss", place, f"Your loss {kind.mistake}.", right, "cross_entropy.forward", harmless)


def expected_loss(reading: Reading) -> float:
    """The mean cross-entropy of their output."""
    return mean_cross_entropy(probabilities(reading), reading.Y, None)


def shifted_exponential(reading: Reading) -> str:
    """The safe exponential in the file's layout."""
    axis = 1 if reading.convention.data == "rows" else 0
    last = f"Z{len(reading.sizes) - 1}"
    Z = mistake_line.file_names(reading).get(last, "Z")
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


def forward_first(reading: Reading, way: Forward) -> Diagnosis:
    """A forward mistake that reproduces their output: what it is, where, and the right line."""
    fault, l = way.fault or ("", 0)
    last = len(reading.sizes) - 1
    axis = 1 if reading.convention.data == "rows" else 0
    says = f"{(way.mistake or '')[0].upper()}{(way.mistake or '')[1:]}. Explains your output to rounding."
    if fault == "the bias is missing":
        node, right, claim = (
            assignments.assignment(reading, f"Z{l}", "forward"),
            f"W{l} @ A{l - 1} + b{l}",
            "affine.forward",
        )
    elif fault:
        node = assignments.assignment(reading, f"A{l}", "forward") or assignments.assignment(
            reading, f"Z{l}", "forward"
        )
        name = way.activations[l - 1]
        right, claim = writing(name).forward.format(l=l), f"{name.split()[0]}.forward"
    else:
        E = mistake_line.file_names(reading).get(f"Z{last}", "Z")
        right, claim = f"np.exp({E}) / np.exp({E}).sum(axis={axis}, keepdims=True)", "softmax.forward"
        return forward_mistake(
            "softmax", assignments.source_line(reading, mistake_line.softmax_line(reading)), says, right, claim
        )
    return forward_mistake(
        f"Z{l}" if "bias" in fault else f"A{l}",
        assignments.source_line(reading, node),
        says,
        mistake_line.own_words(reading, right),
        claim,
    )


def unknown_forward(reading: Reading) -> Diagnosis:
    """A forward pass that no known mistake explains: the first intermediate that differs, where they have names."""
    x, y = reading.convention.theirs(reading.X, reading.Y)
    passed = reading.network.forward(reading.own(), x, y)
    truth = passes(reading.theta, reading.X, Forward(recognition.activations_by_name(reading)))
    for name, right in truth.items():
        theirs = [
            columns
            for n, A in passed.named.items()
            if canonical(n) == name and isinstance(A, np.ndarray) and A.size == right.size
            if (columns := reading.convention.output(A, len(right))).shape == right.shape
        ]
        if theirs and not alike(theirs[0], right, reading.dtype):
            node = assignments.assignment(reading, name, "forward")
            return forward_difference(
                name, assignments.source_line(reading, node), f"{name} is the first to differ from the reference's."
            )
    return forward_difference(
        "output", "", "Your output differs from the reference's, and nothing that is known explains it."
    )
