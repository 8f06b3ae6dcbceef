"""The explanations as diagnoses for a person: where the first mistake is, what it is, and what it explains."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from nnref.checking.diagnosis.explanations import Explanation, Fault
from nnref.checking.diagnosis.factors import ZEROS
from nnref.checking.diagnosis.search import ExplanationSearch
from nnref.checking.operations.record import writing
from nnref.checking.reference.intermediates import Case
from nnref.checking.results.diagnosis import Diagnosis
from nnref.checking.results.findings import patterns


def diagnoses_of(case: Case, search: ExplanationSearch, found: list[Explanation]) -> tuple[Diagnosis, ...]:
    """The likeliest explanation as diagnoses, the same mistake in several layers as one."""
    best, *others = found
    diagnoses: list[Diagnosis] = []
    for fault in best.faults:
        diagnosis = diagnosis_of_fault(case, search, best, fault, meant_otherwise(fault, others))
        same = next((d for d in diagnoses if d.mistake and d.mistake is diagnosis.mistake), None)
        if same is None:
            diagnoses.append(diagnosis)
        else:
            diagnoses[diagnoses.index(same)] = merged(same, diagnosis)
    return tuple(diagnoses)


def merged(first: Diagnosis, again: Diagnosis) -> Diagnosis:
    """One mistake, made again further down."""
    return replace(
        first,
        also=(*first.also, again.quantity),
        explains=max(first.explains, again.explains, first.explains + again.explains * (first.quantity[1] != "Z")),
        of=max(first.of, again.of, first.of + again.of * (first.quantity[1] != "Z")),
    )


def meant_otherwise(fault: Fault, others: list[Explanation]) -> tuple[Fault, ...]:
    """The faults of other explanations of equal cost that stand in place of this one."""
    found: dict[tuple[str, str], Fault] = {}
    for other in others:
        if fault.name not in {f.name for f in other.faults}:
            instead = next((f for f in other.faults if f.at[2:] == fault.at[2:] and f.mistakes), None)
            if instead is not None:
                found.setdefault(instead.name, instead)
    return tuple(found.values())


def diagnosis_of_fault(
    case: Case, search: ExplanationSearch, best: Explanation, fault: Fault, instead: tuple[Fault, ...]
) -> Diagnosis:
    """One fault as a diagnosis."""
    explains, of = entries_explained(case, search, best, fault)
    l, theta = int(fault.at[2:]), fault.at[1] if fault.at[1] in "Wb" else "W"
    cleared = right_before(case, best, fault)
    if not fault.mistakes:
        return Diagnosis(None, fault.at, looks_like(case, search, fault, cleared), 0, of, cleared=cleared)
    activation = case.activation[min(l, len(case.activation)) - 1] if case.activation else "relu"
    mistake, *more = fault.mistakes
    alternatives = (*more, *(f.mistakes[0] for f in instead))
    says = f"{mistake.says[:-1]} ({fault.detail})." if fault.detail else mistake.says
    says += "".join(f" Or, with the same numbers: {m.says}" for m in alternatives)
    wrong, right, claim = (worded(text, l, activation, theta) for text in (mistake.wrong, mistake.right, mistake.claim))
    return Diagnosis(
        mistake,
        fault.at,
        worded(says, l, activation, theta),
        explains,
        of,
        (),
        cleared,
        wrong,
        right,
        claim,
        fault.detail,
        alternatives,
    )


def worded(template: str, l: int, activation: str, theta: str) -> str:
    """A line or a sentence for layer l: W2 for W{k} of the layer above, dZ3 for dZ{above} of the one above that."""
    slope = writing(activation).gradients["slope"].format(l=l)
    claim = activation.split(maxsplit=1)[0]  # "leaky_relu 0.1" is proved as leaky_relu
    text = template.format(l=l, j=l - 1, k=l + 1, above=l + 2, theta=theta, activation=claim, slope=slope)
    return text.replace("A0", "X")


def backward_order(case: Case) -> list[str]:
    """Every quantity of the backward pass, in the order of computation: dZ3, dW3, db3, dA2, dZ2, …"""
    depth = len(case.Z)
    return [f"{name}{l}" for l in range(depth, 0, -1) for name in ("dA", "dZ", "dW", "db") if name != "dA" or l < depth]


def right_before(case: Case, best: Explanation, fault: Fault) -> tuple[str, ...]:
    """What comes before a fault and is right, as far as these faults go."""
    wrong_from = min(
        (backward_order(case).index(f.at) for f in best.faults if f.at[1] in "ZA"), default=len(backward_order(case))
    )
    wrong = {f.at for f in best.faults}
    names = backward_order(case)
    return tuple(name for name in names[: min(names.index(fault.at), wrong_from)] if name not in wrong)


def entries_explained(case: Case, search: ExplanationSearch, best: Explanation, fault: Fault) -> tuple[int, int]:
    """How many wrong entries a fault explains, of how many it could: its own gradient's, or all from its dZ down."""
    l = int(fault.at[2:])
    names = [fault.at[1:]] if fault.at[1] in "Wb" else [f"{p}{q}" for q in range(l, 0, -1) for p in "Wb"]
    lost = [int(f.at[2:]) for f in best.faults if not f.mistakes and f.at[1] == "Z"]
    unexplained = {f.at[1:] for f in best.faults if not f.mistakes}
    unexplained |= {f"{p}{q}" for k in lost for q in range(k, 0, -1) for p in "Wb"}
    wrong = {name: wrong_entries(search, name) for name in names}
    return sum(n for name, n in wrong.items() if name not in unexplained), sum(wrong.values())


def wrong_entries(search: ExplanationSearch, name: str) -> int:
    """How many entries of a gradient are wrong; all of them, where the shape is."""
    truth, g = search.truths[name], search.yours[name]
    if g is None:
        return 0
    if name not in search.judged or g.shape != truth.shape:
        return truth.value.size
    return int((abs(g - truth.value) > search.judged[name].tolerance(truth)).sum())


def looks_like(case: Case, search: ExplanationSearch, fault: Fault, cleared: tuple[str, ...]) -> str:
    """A description of a fault without a name: where it is, and which pattern it has."""
    l = int(fault.at[2:])
    if fault.detail == ZEROS:
        return f"{fault.at} is {ZEROS}."
    if fault.at[1] in "ZA":
        last = l == len(case.Z)
        here = f"dZ{l} = (P - Y) / N" if last else f"dA{l} = W{l + 1}.T @ dZ{l + 1} and dZ{l} = dA{l} * slope"
        return f"dW{l} and db{l} are both wrong, and so dZ{l} is; look at {here}."
    name = fault.at[1:]
    truth, g = search.truths[name].value, search.yours[name]
    rest = f", though dZ{l} is right" if f"dZ{l}" in cleared else ""
    if g is None or g.shape != truth.shape:
        return f"{fault.at} has shape {() if g is None else g.shape} for {truth.shape}{rest}."
    if not np.isfinite(g).all():
        return f"{fault.at} holds {int((~np.isfinite(g)).sum())} entries that are no number{rest}."
    bar = np.broadcast_to(search.judged[name].tolerance(search.truths[name]), g.shape)
    wrong = abs(g - truth) > bar
    found = "; ".join(finding.says for finding in patterns(g, truth, bar, bar, np.ones(g.shape, bool), wrong))
    return f"{fault.at} is wrong in {int(wrong.sum())} of {g.size} entries{rest}{': ' + found if found else ''}."
