"""The verdict on a network found by the names in a file: used where watching decides nothing, and for its wording."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

from nnref.checking.diagnosis.diagnose import diagnose
from nnref.checking.gradcheck.gradcheck import gradcheck
from nnref.checking.gradcheck.nesting import GradcheckError
from nnref.checking.homework import assignments, mistake_line, recognition
from nnref.checking.homework.deltas import recorded_dZ
from nnref.checking.homework.forward_verdict import judge_forward
from nnref.checking.homework.npz import certify_file
from nnref.checking.homework.own_loss_verdict import entries_against_own_loss
from nnref.checking.homework.recognition import NetworkReading
from nnref.checking.homework.reference_verdict import (
    allowance,
    entries_against_reference,
    gradients_right,
    parameter_names,
    slack_of_update,
)
from nnref.checking.operations.record import writing
from nnref.checking.reading.arguments import Pool, Unbound, call
from nnref.checking.reading.candidates import Unread, listed, networks, searched
from nnref.checking.reading.loading import Loaded, load, modules_beside
from nnref.checking.reading.network import RATE
from nnref.checking.reading.source import Source, read_source
from nnref.checking.reference import noise
from nnref.checking.results.certificate import Certificate
from nnref.checking.results.diagnosis import Diagnosis
from nnref.checking.results.entry import Entry
from nnref.shapes import Array


def check_file(
    path: Path,
    name: str | None = None,
    data: tuple[Array, Array] | None = None,
    everything: bool = False,
    settings: Mapping[str, str] | None = None,
) -> Certificate:
    """Check a file's network, or the class, object or functions called `name` in it; of an .npz, what it holds.

    settings are the activation, reduction and layout of an .npz.
    """
    if path.suffix == ".npz":
        return certify_file(path, data, settings)
    source = read_source(path)
    X, Y = data or (None, None)
    folder = path.resolve().parent
    with nullcontext() if everything else modules_beside(folder):
        loaded = load(source, folder, everything)
        return examine_loaded(loaded, name, source, path.name, X, Y)


def examine_loaded(
    loaded: Loaded, name: str | None, source: Source, title: str, X: Array | None, Y: Array | None
) -> Certificate:
    """Judge the network in a file that was loaded; where none can be read, say what failed while loading."""
    try:
        return examine(searched(loaded.namespace, name), loaded.namespace, source, title, X, Y)
    except Unread as error:
        failed = [f"{source.where(line)} failed: {what}" for line, what in loaded.failed]
        raise Unread(error.found, [*error.missing, *failed, *source.unread]) from None


def examine(
    own: dict[str, Any], home: dict[str, Any], source: Source | None, title: str, X: Array | None, Y: Array | None
) -> Certificate:
    """Read the network among a module's own names, and judge it."""
    try:
        reading = recognition.read_network(networks(own, home, source), X, Y)
    except Unread as error:
        if (plain_form := check_plain_form(own, title, X, Y)) is not None:
            return plain_form
        raise Unread(error.found or listed(own), error.missing) from None
    return certificate_of_reading(reading, title)


def certificate_of_reading(reading: NetworkReading, title: str) -> Certificate:
    """The two verdicts on a network that was read, and its mistakes."""
    fault, same, apart = judge_forward(reading)
    shown = reading.output is not None or reading.loss is not None
    own_loss_is_ours = same or not shown or (fault is not None and fault.harmless)
    slack = slack_of_update(reading)
    settings = {"sizes": reading.sizes, "N": reading.X.shape[1], "dtype": str(reading.dtype)}
    if own_loss_is_ours:
        entries, method = entries_against_reference(reading, slack), "the reference's backward pass in float64"
        settings |= {"u": noise.unit(reading.dtype), "allowed": allowance(reading)}
    else:
        entries, method = entries_against_own_loss(reading)
    right = gradients_right(entries)
    diagnoses = diagnoses_in_file(reading, slack) if own_loss_is_ours and right is not True else ()
    guessed = not shown or (reading.loss is None and bool(apart))  # the loss of another network is not known
    if guessed and right is False and not any(d.mistake for d in diagnoses[:1]):
        # Gradients of another loss, perhaps: none is shown, and no mistake makes these of the reference's.
        entries, right, diagnoses = [undecided(entry) for entry in entries], None, ()
    if fault is not None and fault.doubtful and right is not False:
        # Another network, whose gradient is none the worse for it: no mistake can be shown.
        apart = fault.says.partition(" A mistake")[0].rstrip(".").replace("Your", "your") + ": another network"
        fault, same = None, None
    reading.network.notes += [note for note in (reading.silent, reading.started) if note]
    return Certificate(
        title=title,
        reading=reading_in_words(reading),
        entries=tuple(entries),
        method=method,
        settings=settings,
        gradient_of_own_loss=right,
        same_loss=same,
        apart=apart,
        forward=fault,
        diagnoses=diagnoses,
        read=reading,
    )


def undecided(entry: Entry) -> Entry:
    """The row of a gradient that differs from the reference's, as "cannot tell": the two may be of different losses."""
    if entry.verdict != "WRONG":
        return entry
    return replace(entry, verdict="cannot tell", wrong=0, cannot_tell=entry.wrong, where=())


def diagnoses_in_file(reading: NetworkReading, slack: dict[str, Array]) -> tuple[Diagnosis, ...]:
    """The mistakes going back, the first one first, each with its line and the right line in the file's own words."""
    assert reading.case is not None
    rate = RATE if reading.backward_pass.updated else None
    found = diagnose(
        reading.case,
        reading.gradients,
        dtype=reading.dtype,
        slack=slack,
        learning_rate=rate,
        intermediates=recorded_dZ(reading),
    )
    return tuple(with_source_line(reading, diagnosis) for diagnosis in found)


def with_source_line(reading: NetworkReading, found: Diagnosis) -> Diagnosis:
    """A mistake with its line in the file, and the right line as the file would write it."""
    node = assignments.assignment(reading, found.quantity)
    if node is None:  # the line that dZ enters, but not that of a layer's own class, where every dZ does
        node = assignments.if_in_function(
            reading.network.definition("backward"), assignments.assignment(reading, f"dW{found.quantity[2:]}")
        )
    return replace(
        found, place=assignments.source_line(reading, node), right=mistake_line.own_words(reading, found.right)
    )


def check_plain_form(namespace: dict[str, Any], title: str, X: Any, Y: Any) -> Certificate | None:
    """The first verdict alone, for any loss, parameters and gradients; None if there are none."""
    loss, gradients, theta = (next((namespace[n] for n in names if n in namespace), None) for names in FORM_A)
    if not callable(loss) or gradients is None or theta is None or callable(theta):
        return None
    data = {"X": namespace.get("X", X), "Y": namespace.get("Y", namespace.get("y", Y))}

    def called(f: Any) -> Any:
        return lambda t: call(
            f, Pool({"parameters": t, **{k: v for k, v in data.items() if v is not None}}), ("parameters",)
        )

    try:
        report = gradcheck(called(loss), theta, called(gradients) if callable(gradients) else gradients)
    except (GradcheckError, Unbound) as error:
        raise Unread(listed(namespace), [str(error)]) from None
    verdicts_of_both = gradients_right(list(report.entries)), None
    apart = "this is another network than the reference's"
    reading = "loss, parameters and gradients"
    return Certificate(title, reading, report.entries, report.method, report.settings, *verdicts_of_both, apart=apart)


FORM_A = (
    ("loss", "loss_fn", "loss_function", "cost", "f"),
    ("gradients", "grads", "gradient", "grad", "backward"),
    ("parameters", "params", "theta"),
)
"""The names by which loss, gradients and parameters are found where nothing else is."""


def reading_in_words(reading: NetworkReading) -> str:
    """How the file was read, in one line."""
    network, c = reading.network, reading.convention
    names = " ".join(network.found.spelling[n] for n in parameter_names(reading) if n in network.found.spelling)
    laid = c.weights if c.weights == c.data else f"{c.weights} with X {'flat' if c.data == 'flat' else f'as {c.data}'}"
    laid += ", one example at a time" if c.single else ""
    way = reading.forward
    parts = [f"{names} as {laid}", c.labels]
    if way is not None:
        parts += [*(writing(name).called for name in dict.fromkeys(way.activations)), way.output.name]
    else:
        parts.append("no forward pass found" if reading.output is None else "forward pass not recognised")
    text = ", ".join(parts)
    if reading.backward_pass.updated:
        step = reading.backward_pass.step
        text += f"; gradients from (before - after) / rate{'' if step == 1 else f', a step of {step:.4g} times that'}"
    if reading.loss is None:
        text += f"; no loss found, {reading.assumed} used"
    if not network.own_widths:
        text += f"; sizes ours: {'-'.join(map(str, reading.sizes))}"
    return text + "".join(f"; {note}" for note in dict.fromkeys(network.notes))
