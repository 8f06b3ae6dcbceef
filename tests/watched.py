"""Mistakes planted in right programs, one at a time in the backward pass: what is caught, and which line is named."""

import argparse
import ast
import json
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from functools import reduce
from operator import or_
from pathlib import Path

import numpy as np

from nnref.checking.homework.watched_file import watched_or_called
from nnref.checking.reading.source import read_source
from nnref.checking.watching.telling.report import certificate, mistakes_of, settled
from tests.support.sources import ROOT

PROGRAMS = (
    "examples/layers_module.py",
    "examples/rows_class.py",
    "examples/rows_functions.py",
    "tests/unseen/deep_l_layers.py",
    "tests/unseen/elu.py",
    "tests/unseen/leaky_alpha.py",
    "tests/unseen/plain_loops.py",
    "tests/unseen/residual.py",
    "tests/unseen/weight_decay_in_loss.py",
    "tests/unseen/xor_class.py",
)
"""Right programs in ten styles: layers in a container, classes, functions, loops over lists, one example at a time."""

OPERATORS = {ast.Add: ("+", "-"), ast.Sub: ("-", "+"), ast.Mult: ("*", "/"), ast.Div: ("/", "*")}
"""An operator and what it is changed to."""

SAME = 1e-9
"""How far two gradients may be apart, relative to the largest entry, and be the same: far above rounding in float64."""


@dataclass(frozen=True)
class Mutant:
    """A program with one place changed: the line, the text after the change, and what was changed."""

    line: int
    text: str
    kind: str
    says: str


@dataclass
class Outcome:
    """What came of the mutants of one program: counts, and the mutants that were not treated as they should be."""

    program: str
    counts: Counter = field(default_factory=Counter)
    faults: list = field(default_factory=list)


def mutants(text, lines):
    """Every change of one operator, sign, index, axis, transpose or factor on one of the lines."""
    tree, rows = ast.parse(text), text.split("\n")
    for node in ast.walk(tree):
        if getattr(node, "lineno", None) not in lines or node.lineno != node.end_lineno:
            continue
        for start, end, new, kind in changes(node, rows):
            row = rows[node.lineno - 1]
            changed = row[:start] + new + row[end:]
            says = f"line {node.lineno}, {kind}: {changed.strip()}"
            yield Mutant(node.lineno, "\n".join([*rows[: node.lineno - 1], changed, *rows[node.lineno :]]), kind, says)


def changes(node, rows):
    """(start, end, what stands there instead, kind) for every change of one node, in columns of its line."""
    row = rows[node.lineno - 1]
    if isinstance(node, ast.BinOp) and type(node.op) in OPERATORS and node.left.end_lineno == node.right.lineno:
        old, new = OPERATORS[type(node.op)]
        at = row.find(old, column(row, node.left.end_col_offset), column(row, node.right.col_offset))
        if at >= 0:
            yield at, at + len(old), new, "operator"
    elif isinstance(node, ast.Attribute) and node.attr == "T":
        yield column(row, node.value.end_col_offset), column(row, node.end_col_offset), "", "transpose"
    elif isinstance(node, ast.keyword) and node.arg == "axis" and isinstance(node.value, ast.Constant):
        yield *span(row, node.value), str(1 - node.value.value) if node.value.value in (0, 1) else "0", "axis"
    elif isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant) and type(node.slice.value) is int:
        yield *span(row, node.slice), str(node.slice.value + 1), "index"
    elif isinstance(node, ast.Assign | ast.AugAssign | ast.Return) and node.value is not None and single(node.value):
        start, end = span(row, node.value)
        yield start, end, f"-({row[start:end]})", "sign"
        yield start, end, f"2 * ({row[start:end]})", "factor"


def single(value):
    """Is it one value, and not several or a container?"""
    return isinstance(value, ast.BinOp | ast.Call | ast.UnaryOp | ast.Subscript)


def column(row, offset):
    """The column of an offset in bytes."""
    return len(row.encode()[:offset].decode())


def span(row, node):
    """The columns of a node."""
    return column(row, node.col_offset), column(row, node.end_col_offset)


def watched(path):
    """What is seen of a program."""
    return watched_or_called(path, read_source(path), None)


def backward_lines(seen):
    """The lines that make what enters the updates, and nothing of the forward pass, the loss or the parameters."""
    role, loss = seen.steps[0].roles, seen.steps[0].readings[0].loss.node
    forward = reduce(or_, (1 << m.output.index | role.graph.above[m.output.index] for m in role.meetings))
    forward |= 0 if loss is None else role.graph.above[loss.index]
    here = [node for node in role.graph.tape if node.site.file.endswith(seen.source.name)]
    forth = {node.site.line for node in here if not node.inputs or forward >> node.index & 1}
    return {node.site.line for node in here if role.into_updates >> node.index & 1} - forth


def gradients(seen):
    """What enters the first update of every parameter, in all runs, by the parameter's name, shape and turn.

    In one run alone a decay of what begins as 0 is nothing, whatever its factor.
    """
    found, met = {}, Counter()
    for update in seen.steps[0].roles.updates:
        values, key = step_in_all(seen, update), (str(update.base.names[:1]), update.base.shape)
        met[key] += 1
        if values is not None:
            found[(*key, met[key])] = update.sign * values
    return found


def step_in_all(seen, update):
    """The step of an update in every run, as one array; None if one has none."""
    values = [tape[update.step.index].value for tape in seen.tapes]
    if update.end.op not in ("subtract", "add", "subtract.at", "add.at") and update.new is not None:
        values = [tape[update.old.index].value - tape[update.new.index].value for tape in seen.tapes]  # turned after it
    return None if any(v is None for v in values) else np.stack([np.asarray(v, float) for v in values])


def changed(before, after):
    """Did a gradient change, other than by one factor that all have in common, which a learning rate hides?"""
    if before.keys() != after.keys() or any(before[k].shape != after[k].shape for k in before):
        return True
    a, b = (np.concatenate([part.ravel() for part in found.values()]) for found in (before, after))
    if not np.isfinite(b).all():
        return True
    factor = (a @ b) / (a @ a)
    return factor <= 0 or bool(np.abs(b - factor * a).max() > SAME * np.abs(b).max())


def judged(mutant, program, before, folder):
    """What came of a mutant: "same", "stops", "passed", "cannot tell", or where it was pointed to.

    What an optimiser keeps from step to step shows in no first step: there a wrong memory, or a wrong correction, is a
    factor, which a rate would hide. So a change of its line that is pointed to as such changes the later gradients.
    """
    path = Path(folder) / program.name
    path.write_text(mutant.text, encoding="utf-8")
    try:
        seen = watched(path)
    except Exception as error:
        return "crash", repr(error)
    if not seen.steps:
        return "stops", ""
    verdict = settled(seen)
    if not changed(before, gradients(seen)):
        if verdict is not False:
            return "same", ""
        place = (certificate(seen, mend=False).first or Nowhere).place
        kept = any(m.kind == "correction" for m in mistakes_of(seen)) and where(place, mutant.line) == "exact"
        return ("exact", place) if kept else ("accused", place)
    if verdict is None and seen.runs[0].failure is not None:
        return "stops", ""  # Python says itself where
    if verdict is not False:
        return ("passed" if verdict else "cannot tell"), ""
    place = (certificate(seen, mend=False).first or Nowhere).place
    found = where(place, mutant.line)
    return ("mended there" if found == "right line" and is_mended(seen) else found), place


def is_mended(seen):
    """Is all right with the line named changed, and that alone? Then the mistake is there as well as where it was put.

    Of dmu = -dx.sum(0) and dx -= dmu / n either may be changed: the line to try is shown only if it was run.
    """
    return bool((certificate(seen).first or Nowhere).right)


class Nowhere:
    """The place of a mistake that has none."""

    place = right = ""


def where(place, line):
    """Where a mistake is pointed to: "exact", "at or after", "right line", or "no line"."""
    words = place.partition(":")[0]
    number = int("".join(filter(str.isdigit, words)) or 0)
    if number == line:
        return "exact"
    if words.startswith("at or after") and number <= line:
        return "at or after"
    return "no line" if number == 0 else "right line"


def of_program(name, every=1):
    """What came of every mutant, or of every nth, of one program."""
    program = ROOT / name
    found, seen = Outcome(name), watched(program)
    if settled(seen) is not True:
        found.counts["right ones accused" if settled(seen) is False else "right ones not read"] += 1
        return found
    before = gradients(seen)
    with tempfile.TemporaryDirectory() as folder:
        for mutant in list(mutants(program.read_text(encoding="utf-8"), backward_lines(seen)))[::every]:
            outcome, place = judged(mutant, program, before, folder)
            found.counts[outcome] += 1
            if outcome not in ("exact", "at or after", "same", "stops"):
                found.faults.append(f"{name}, {mutant.says}: {outcome} {place}")
    return found


LEAST = 0.9
"""The share of the mistakes that change a gradient of which at least so many must be caught, or the command fails."""

CAUGHT = ("exact", "at or after", "mended there", "right line", "no line")
"""The outcomes of a mutant that was called wrong."""


def summary(outcomes):
    """The counts of all programs, as plain data."""
    counts = sum((o.counts for o in outcomes), Counter())
    caught = sum(counts[k] for k in CAUGHT)
    changing = caught + counts["passed"] + counts["cannot tell"] + counts["crash"]
    accused = counts["accused"] + counts["right ones accused"]
    return {
        "ok": not accused and caught >= LEAST * changing and bool(changing),
        "figure": f"{changing} planted mistakes in {len(outcomes)} programs change a gradient: {caught} caught, "
        f"{counts['exact']} on the very line, {counts['at or after']} at or after it, "
        f"{counts['mended there']} on another line that mends it, {counts['right line']} on a right line, "
        f"{counts['passed']} passed, {accused} right ones accused",
        "counts": dict(counts),
        "faults": [fault for o in outcomes for fault in o.faults],
    }


def options(argv=None):
    """What is asked for on the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.watched", description=__doc__)
    parser.add_argument("programs", nargs="*", default=PROGRAMS, help="right programs, by their paths from the root")
    parser.add_argument("--every", type=int, default=4, help="try every nth mutant")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    return parser.parse_args(argv)


def main(argv=None):
    """Print the counts; exit 1 if a right program is accused or a mistake passed."""
    chosen = options(argv)
    said = summary([of_program(name, chosen.every) for name in chosen.programs])
    print(json.dumps(said) if chosen.json else "\n".join([*said["faults"], said["figure"]]))
    return 0 if said["ok"] else 1


if __name__ == "__main__":
    sys.exit(main())
