"""Is a person's forward pass, and their loss, the reference's? The first mistake by name, line and right line."""

from __future__ import annotations

import numpy as np

from nnref.checking.diagnosis.catalogue.forward import UNSHIFTED, LayerMistake, OutputMistake
from nnref.checking.diagnosis.forward_passes import SOFTMAX, Forward, passes, same_up_to_rounding
from nnref.checking.homework import assignments, mistake_line, recognition
from nnref.checking.homework.recognition import NetworkReading, mean_cross_entropy, probabilities
from nnref.checking.operations.record import writing
from nnref.checking.reading.names import canonical
from nnref.checking.reading.network import output_of
from nnref.checking.results.diagnosis import Diagnosis
from nnref.layer import Affine

LARGE = 1e3
"""Logits at which exp overflows and a softmax that is not shifted gives nan."""


def judge_forward(reading: NetworkReading) -> tuple[Diagnosis | None, bool | None, str]:
    """The second verdict: the first mistake, whether forward pass and loss are the reference's, or why not judged."""
    way, kind = reading.forward, reading.loss_kind
    if (fault := wrong_output(reading) or wrong_loss(reading)) is not None:
        return fault, False, ""
    if reading.output is None and kind is None:
        return None, None, "no forward pass and no loss that is known were found"
    if design := (kind and kind.design) or (way and way.design):
        return None, None, f"{design}: another network than the reference's"
    if way is not None and way.output is SOFTMAX and overflows(reading):
        return output_diagnosis(reading, UNSHIFTED, UNSHIFTED.says.format(large=LARGE)), False, ""
    return None, True, ""


def forward_difference(quantity: str, place: str, says: str) -> Diagnosis:
    """What differs from the reference, by a mistake or on purpose."""
    return Diagnosis(None, quantity, f"{says} A mistake, or another network.", place=place, doubtful=True)


def wrong_output(reading: NetworkReading) -> Diagnosis | None:
    """The mistake that explains an output unlike the reference's; None where it is right, or not returned."""
    if reading.output is None:
        return None
    if not np.isfinite(reading.output).all():
        says = "Your output is not finite: it holds nan or inf for small random examples."
        return Diagnosis(None, "output", says, claim="")
    if reading.forward is None:
        return unknown_forward(reading)
    return forward_first(reading, reading.forward)


def wrong_loss(reading: NetworkReading) -> Diagnosis | None:
    """The mistake in the loss; None where it is a known loss, or not returned."""
    kind, place = reading.loss_kind, assignments.source_line(reading, mistake_line.loss_line(reading))
    if reading.loss is None or (kind is None and reading.output is None):
        return None
    if kind is None:
        says = f"Your loss is {reading.loss:.6g}, where the mean cross-entropy is {expected_loss(reading):.6g}."
        return forward_difference("loss", place, says)
    if (mistake := kind.mistake) is None:
        return None
    right, says = mistake_line.own_words(reading, mistake.right), f"Your loss {kind.says}."
    claim, harmless = mistake.claim, mistake.harmless
    return Diagnosis(mistake, "loss", says, place=place, right=right, claim=claim, harmless=harmless)


def expected_loss(reading: NetworkReading) -> float:
    """The mean cross-entropy of their output."""
    return mean_cross_entropy(probabilities(reading), reading.Y, None)


def overflows(reading: NetworkReading) -> bool:
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


def forward_first(reading: NetworkReading, way: Forward) -> Diagnosis | None:
    """The mistake that reproduces their output, with its line and the right one; None if the output is right."""
    if way.says is None:
        return None
    says = f"{way.says[0].upper()}{way.says[1:]}. Explains your output to rounding."
    if way.fault is not None:
        return layer_diagnosis(reading, *way.fault, way, says)
    assert isinstance(way.output, OutputMistake)
    return output_diagnosis(reading, way.output, says)


def layer_diagnosis(reading: NetworkReading, mistake: LayerMistake, l: int, way: Forward, says: str) -> Diagnosis:
    """A mistake in layer l, with its line and the right one in the file's own words."""
    made = (f"A{l}", f"Z{l}") if mistake.line == "A" else (f"Z{l}",)
    node = next((n for name in made if (n := assignments.assignment(reading, name, "forward")) is not None), None)
    name = way.activations[l - 1] if mistake.line == "A" else ""
    forward = writing(name).forward.format(l=l) if name else ""
    right = mistake.right.format(l=l, j=l - 1, forward=forward)
    return Diagnosis(
        mistake,
        f"{mistake.line}{l}",
        says,
        place=assignments.source_line(reading, node),
        right=mistake_line.own_words(reading, right),
        claim=mistake.claim.format(activation=name.split()[0] if name else ""),
    )


def output_diagnosis(reading: NetworkReading, mistake: OutputMistake, says: str) -> Diagnosis:
    """A mistake at the output, with its line and the right one in the file's layout and its name for the logits."""
    Z = mistake_line.file_names(reading).get(f"Z{len(reading.sizes) - 1}", "Z")
    return Diagnosis(
        mistake,
        "softmax",
        says,
        place=assignments.source_line(reading, mistake_line.softmax_line(reading)),
        right=mistake.right.format(Z=Z, axis=1 if reading.convention.data == "rows" else 0),
        claim=mistake.claim,
        harmless=mistake.harmless,
    )


def unknown_forward(reading: NetworkReading) -> Diagnosis:
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
        if theirs and not same_up_to_rounding(theirs[0], right, reading.dtype):
            node = assignments.assignment(reading, name, "forward")
            return forward_difference(
                name, assignments.source_line(reading, node), f"{name} is the first to differ from the reference's."
            )
    return forward_difference(
        "output", "", "Your output differs from the reference's, and nothing that is known explains it."
    )
