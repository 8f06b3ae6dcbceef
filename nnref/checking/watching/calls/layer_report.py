"""The certificate of a file of layers: a row for each layer, wrong layers with their lines, and what was not judged."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nnref.checking.reading.candidates import going_back
from nnref.checking.reading.source import Source
from nnref.checking.results.certificate import Certificate
from nnref.checking.results.diagnosis import Diagnosis
from nnref.checking.results.entry import Entry
from nnref.checking.watching.calls.layer_pairs import LayerVerdict, layer_verdicts, pairs
from nnref.checking.watching.calls.own_calls import Given, heard
from nnref.checking.watching.program import execute
from nnref.checking.watching.recording.recorder import Recorder


def layers_judged(path: Path, source: Source, data: Any = None, called: bool = False) -> Certificate | None:
    """The verdict on every layer that a file defines; None if it defines none that can be judged.

    With called=True, it is also None unless the file calls all its layers itself and has no other backward function.
    """
    ways = pairs(function_names(source))
    if called and not (ways and set(going_back(function_names(source))) <= set(ways)):
        return None
    namespace, given = namespace_and_calls(path, source, data, ways)
    if called and not set(ways.values()) <= set(given):
        return None
    found = layer_verdicts(source, namespace, given)
    if not any(verdict.entries for verdict in found):
        return None
    verdicts = {verdict.verdict for verdict in found}
    right = False if "WRONG" in verdicts else True if verdicts == {"ok"} else None
    return Certificate(
        title=source.name,
        reading=f"{len(found)} layers and no network, each judged by itself against its own forward pass",
        entries=tuple(row(verdict) for verdict in found),
        method="⟨dY, forward⟩ by gradcheck, for a dense dY",
        settings={"layers": len(found)},
        gradient_of_own_loss=right,
        same_loss=None,
        part="loss",
        apart="no network is in the file",
        diagnoses=tuple(mistake(verdict, source) for verdict in found if verdict.verdict == "WRONG"),
        notes=tuple(
            f"{verdict.name}, {source.where(verdict.line)}: {verdict.note}" for verdict in found if verdict.note
        ),
    )


def function_names(source: Source) -> list[str]:
    """The functions and methods that a file defines."""
    return [node.name for node in source.nodes if isinstance(node, ast.FunctionDef)]


def namespace_and_calls(
    path: Path, source: Source, data: Any, ways: Mapping[str, str]
) -> tuple[dict[str, Any], dict[str, Given]]:
    """What a file defines, and the arguments with which it calls layers itself, if it does."""
    run, given = heard(source, path, frozenset(ways.values()), data) if ways else (None, {})
    whole = run is not None and bool(given) and all(name in run.namespace for name in ways)
    how: dict[str, Any] = {} if whole else {"name": "watched", "definitions": True}
    return execute(source, path.resolve(), Recorder(), data=data, plain=True, **how).namespace, given


def row(verdict: LayerVerdict) -> Entry:
    """One row for one layer: all its gradients together."""
    entries = verdict.entries
    worst = max((e.worst for e in entries if e.worst), key=lambda worst: worst.noises, default=None)
    return Entry(
        name=verdict.name,
        shape=(),
        size=sum(e.size for e in entries),
        checked=sum(e.checked for e in entries),
        wrong=sum(e.wrong for e in entries),
        cannot_tell=sum(e.cannot_tell for e in entries),
        subgradients=sum(e.subgradients for e in entries),
        worst=worst if verdict.verdict == "WRONG" else None,
        verdict=verdict.verdict,
        reason="" if verdict.verdict != "cannot tell" else verdict.note,
    )


def mistake(verdict: LayerVerdict, source: Source) -> Diagnosis:
    """The diagnosis of a wrong layer: which arguments have wrong gradients, and the line of its backward pass."""
    wrong = [entry.name for entry in verdict.entries if entry.verdict == "WRONG"]
    fine = [entry.name for entry in verdict.entries if entry.verdict == "ok"]
    said = f"the gradient with respect to {' and '.join(wrong)} is wrong"
    said += f"; that of {' and '.join(fine)} is right" if fine else ""
    named = [found.says for entry in verdict.entries for found in entry.where if found.kind == "layer"]
    said += f": {named[0]}" if named else ""
    place = f"{source.where(verdict.line)}:  {source.line(verdict.line).strip()}"
    return Diagnosis(None, f"{verdict.name}", f"{said}.", place=f"at or after {place}")
