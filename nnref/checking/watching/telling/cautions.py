"""Remarks that are no mistakes: guards in logarithms, an unshifted softmax, and whether the program will train."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

import numpy as np

from nnref.checking.watching.calculus.factors import ALIKE, half_of_the_digits, multiple
from nnref.checking.watching.calculus.graph import bits_of
from nnref.checking.watching.calculus.guards import guard
from nnref.checking.watching.calculus.slopes import said, value_of
from nnref.checking.watching.meaning.optimisers import entered
from nnref.checking.watching.meaning.parameters import Roles
from nnref.checking.watching.meaning.rates import way_to_step
from nnref.checking.watching.meaning.updates import parameter_name
from nnref.checking.watching.recording.tape import Node
from nnref.checking.watching.telling.lines import place_of
from nnref.checking.watching.telling.other_losses import late_loss, other_loss
from nnref.checking.watching.verdict.corrections import counted_fast, fixed_correction
from nnref.checking.watching.verdict.lineages import lineages
from nnref.checking.watching.verdict.verdicts import Judged
from nnref.checking.watching.watch import Watched

Array = np.ndarray[Any, Any]

CUT = 20.0
"""Larger upper limits belong to no activation, but keep an exponential finite."""


def cautions(watched: Watched) -> tuple[str, ...]:
    """The lines of caution of a program whose gradients are right, and whether it will train."""
    role = watched.steps[0].roles
    found = [*stays_alike(watched, role), *unscaled(role), *unshifted(watched, role), *guarded(watched, role)]
    found += [
        *decays(watched),
        *not_reached(watched, role),
        *dead(watched, role),
        *summed(watched, role),
        *spread_out(watched, role),
        *multiplied(watched),
        *several_rates(watched),
        *corrected_once(watched),
        *counted_several_times(watched),
        *held_fixed(watched, role),
        *other_loss(watched, role),
    ]
    return tuple(dict.fromkeys(found))


def forward(role: Roles) -> list[Node]:
    """The values of the forward pass."""
    return [role.graph.tape[k] for k in bits_of(role.outputs)]


def held_fixed(watched: Watched, role: Roles) -> Iterator[str]:
    """A target that is the largest output of the network itself, or the worth of an action, and that is held fixed."""
    reading = watched.steps[0].readings[0]
    for product, worth in sorted(reading.choice.fixed):
        line, node = place_of(watched, role.graph.tape[product].site), role.graph.tape[worth]
        name = next(iter(node.names), "what the action was worth")
        yield f"{line}: {name} is held fixed beside the logarithm of the action's probability; its slope is left out"
    if not reading.choice.held or reading.loss.node is None:
        return
    above = role.graph.above[reading.loss.node.index]
    made = (n for n in role.graph.tape if n.op == "max" and above >> n.index & 1)
    for node in (n for n in made if role.graph.depends(n.index, role.parameters)):
        line = place_of(watched, node.site)
        yield f"{line}: the largest output is a target that is held fixed, as in Q-learning; its slope is left out"


def stays_alike(watched: Watched, role: Roles) -> Iterator[str]:
    """Weights that are all equal, and whose gradients are too, so that the units of a layer stay alike.

    The weights of a single layer may all begin with 0: their gradients differ as the inputs and the labels do.
    """
    parts = lineages([step.roles.updates for step in watched.steps])
    rows = [row for step in watched.steps for row in step.readings[0].rows]
    alike = []
    for update in role.updates:
        value = update.base.value
        matrix = isinstance(value, np.ndarray) and value.ndim == 2 and min(value.shape) > 1
        if matrix and (value == value.flat[0]).all():
            slopes = [row.truth[0] for row in rows if parts.get(row.update) == parts.get(update)]
            axes = range(len(update.old.shape))
            if any(all(is_even(slope, axis, half_of_the_digits(role.graph)) for slope in slopes) for axis in axes):
                alike.append(parameter_name(update.base))
    if alike:
        be = "is" if len(alike) == 1 else "are"
        yield f"{', '.join(alike)} {be} one number everywhere at the start: all units of a layer stay alike for ever"


def is_even(slope: Array, axis: int, tolerance: float) -> bool:
    """Does a gradient not change along this axis, but for rounding?"""
    return bool(np.ptp(slope, axis=axis).max(initial=0.0) <= tolerance * np.abs(slope).max(initial=0.0))


def unscaled(role: Roles) -> Iterator[str]:
    """Pixels from 0 to 255 that meet the first weights."""
    for node in role.graph.tape[: role.last]:
        if node.op in ("dot", "matmul") and len(node.inputs) == 2:
            for data, weights in (node.inputs, node.inputs[::-1]):
                outside = not role.graph.depends(data.index, role.parameters) and data.value is not None
                if outside and role.graph.depends(weights.index, role.parameters):
                    top = float(np.abs(np.asarray(data.value, float)).max(initial=0.0))
                    if top >= 200 and np.asarray(data.value).min() >= 0:
                        yield f"the data reach {top:.0f} where they meet the weights; divide pixels by 255"
                        return


def unshifted(watched: Watched, role: Roles) -> Iterator[str]:
    """A softmax whose scores were not shifted by their maximum."""
    for node in forward(role):
        if node.op == "divide" and len(node.inputs) == 2:
            top, bottom = node.inputs
            summed = bottom.op == "sum" and bottom.inputs and bottom.inputs[0].op == "exp" and top.op == "exp"
            if summed and not any(m.op == "max" for m in (*top.inputs, *(x for i in top.inputs for x in i.inputs))):
                yield f"{place_of(watched, node.site)}: softmax without its shift overflows at logits of 710"
                return


def guarded(watched: Watched, role: Roles) -> Iterator[str]:
    """log(p + 1e-8) where the gradient is that of log(p)"""
    if watched.steps[0].readings[0].choice.guards:
        return
    for node in role.graph.tape[: role.last]:
        if node.op in ("log", "log2", "log10") and (e := guard(node.args[0])):
            yield f"{place_of(watched, node.site)}: the {e:g} inside the logarithm is left out of the gradient"
            return


def decays(watched: Watched) -> Iterator[str]:
    """Weight decay in the gradient and not in the loss, if the loss is known."""
    reading = watched.steps[0].readings[0]
    with_decay = [row for row in reading.rows if row.decay]
    if with_decay and reading.loss.node is not None:
        yield f"the gradient has a decay of {with_decay[0].decay:.3g} per weight that the loss does not have"
    elif with_decay and not late_loss(watched, watched.steps[0].roles)[1]:
        yield f"the gradient has a decay beside the slope of {reading.loss.name}, and no loss was seen that says which"


def not_reached(watched: Watched, role: Roles) -> Iterator[str]:
    """An activation with an upper limit, such as ReLU6, that no value reached: its slope there is not judged.

    A limit of 1 guards probabilities, and a large one an exponential: these belong to no activation.
    """
    for node in forward(role):
        top = upper(node)
        if top is None or not 1 < top <= CUT:
            continue
        values = [tape[node.index].value for tape in watched.tapes]
        if all(v is not None and (np.asarray(v) < top).all() for v in values):
            line = place_of(watched, node.site)
            yield f"{line}: nothing came up to {top:g} as it ran, so the slope beyond is not judged; try larger data"
            return


def upper(node: Node) -> float | None:
    """The upper limit of a clip or a minimum."""
    if node.op == "clip":
        top = next((v for v in (said(node, 2, "a_max"), said(node, 2, "max")) if v is not None), None)
    elif node.op == "minimum":
        top = next((value_of(a) for a in node.args if not isinstance(a, Node) or a.leaf == "constant"), None)
    else:
        return None
    return float(top) if top is not None and np.ndim(top) == 0 else None


def dead(watched: Watched, role: Roles) -> Iterator[str]:
    """Units of a ReLU that are off for all data."""
    for node in forward(role):
        if node.op == "maximum" and len(node.shape) == 2 and min(node.shape) > 1 and node.value is not None:
            value = np.asarray(node.value)
            off = max((value == 0).all(axis).sum() / value.shape[1 - axis] for axis in (0, 1))
            if off > 0.5:
                yield f"{place_of(watched, node.site)}: {off:.0%} of the units are off for all these data"
                return


def factors_on_the_way(seen: Watched, row: Judged) -> list[float]:
    """The factors, relative to the slope of the loss, of the values between a gradient and its update."""
    found = []
    for node in entered(seen.steps[0].roles, row.update.step):
        values = [tape[node.index].value for tape in seen.tapes]
        if node.names and all(v is not None and np.size(v) == row.truth[0].size for v in values):
            laid = [np.reshape(v, t.shape) for v, t in zip(values, row.truth, strict=True)]
            found.append(multiple(laid, row.truth, half_of_the_digits(seen.steps[0].roles.graph)) or 0.0)
    return found


def multiplied(watched: Watched) -> Iterator[str]:
    """Gradients that are all the same multiple of the own loss's slopes: the rate has to compensate."""
    if (c := multiple_of_own_slope(watched)) is not None:
        yield f"every gradient is {c:.6g} times the slope of your loss; the step has to make up for that"
    elif (c := multiple_in_steps(watched)) is not None:
        yield f"every gradient is {c:.6g} times the slope of your loss, as if the learning rate were as much larger"


def multiple_of_own_slope(watched: Watched) -> float | None:
    """The common factor of returned gradients without a step, if it is not 1; None otherwise."""
    rows = watched.steps[0].readings[0].rows
    return None if any(row.update.new is not None for row in rows) else own_factor(watched)


def own_factor(watched: Watched) -> float | None:
    """The common factor of all gradients, relative to the own loss's slopes; None if it is 1, or there is none.

    Of the losses of several forward passes, either the mean or the sum may be meant.
    """
    reading = watched.steps[0].readings[0]
    factors = [float(row.own) for row in reading.rows if row.factor is not None and row.own and not row.silent]
    if reading.loss.node is None or not factors or any(abs(f / factors[0] - 1) > ALIKE for f in factors):
        return None
    passes = len(reading.loss.seeds[0])
    return None if any(abs(factors[0] * n - 1) <= ALIKE for n in (1, passes)) else factors[0]


def multiple_in_steps(watched: Watched) -> float | None:
    """The common factor of gradients with a step, if the rates are known; for unnamed ones only powers of N.

    The rate of an unnamed gradient includes all other numbers, mostly 2 / N.
    """
    role, c = watched.steps[0].roles, own_factor(watched)
    rows = [row for row in watched.steps[0].readings[0].rows if row.factor is not None]
    if c is None or not all(row.rate for row in rows):
        return None
    ways = [way_to_step(role, row.update, row.entry or row.update.step, False) for row in rows]
    powers = [float(n) ** k for n in examples(role) for k in (-2, -1, 2)]
    return c if all(w.named for w in ways) or any(abs(c / p - 1) <= ALIKE for p in powers) else None


def examples(role: Roles) -> set[int]:
    """The possible numbers of examples in the step: the longest axis of the labels where they meet outputs."""
    return {n for m in role.meetings if (n := max(m.labels.shape, default=1)) > 2}


def several_rates(watched: Watched) -> Iterator[str]:
    """Parameters with rates of their own."""
    found: dict[str, list[str]] = {}
    for row in watched.steps[0].readings[0].rows:
        if row.factor is not None and row.rate:
            names = found.setdefault(f"{row.rate:.4g}", [])
            names.append(parameter_name(row.update.base, row.update.new, row.update.name))
    if len(found) > 1:
        said = "; ".join(f"{rate} for {', '.join(dict.fromkeys(names))}" for rate, names in found.items())
        yield f"the steps have several rates: {said}"


def corrected_once(watched: Watched) -> Iterator[str]:
    """An average with the same bias correction in every step, as where t is the epoch or never counted up."""
    for step in watched.steps[1:2]:
        found = (fixed_correction(step.roles, update) for update in step.roles.updates)
        lines = dict.fromkeys(place_of(watched, node.site) for node in found if node is not None)
        if lines:
            yield f"{', '.join(lines)}: the bias correction of the second step is that of the first: t counts no steps"


def counted_several_times(watched: Watched) -> Iterator[str]:
    """A step counter that is increased for every layer, so that the bias correction of the last layers is too weak."""
    for step in watched.steps[1:2]:
        found = filter(None, (counted_fast(step.roles, update) for update in step.roles.updates))
        lines = {place_of(watched, node.site): n for node, n in found}
        yield from (f"{line}: t of the bias correction counts on by {n} in one step" for line, n in lines.items())


def only_returned(watched: Watched) -> Iterator[str]:
    """Parameters whose gradient is only returned, while others are updated."""
    updates = [row.update for row in watched.steps[0].readings[0].rows]
    left = [parameter_name(u.base, None, u.name) for u in updates if u.new is None]
    if left and len(left) < len(updates):
        yield f"no update of {', '.join(left)} was seen beside the others': only the gradients are judged"


def summed(watched: Watched, role: Roles) -> Iterator[str]:
    """Gradients of a loss summed over the examples, by the program's loss or without one."""
    reading = watched.steps[0].readings[0]
    n = max(examples(role), default=0)
    if not n or divided(watched, role):
        return
    if reading.loss.node is not None:
        tables = all(len(label.shape) == 2 and min(label.shape) > 1 for label in role.labels)
        if tables and not averaged(role, reading.loss.node):
            yield "the loss and the gradients are summed over the examples, so that a step grows with their number"
    elif "cross-entropy" in reading.loss.name:
        found = [factors_on_the_way(watched, row) for row in reading.rows]
        if all(any(abs(c - 1) < ALIKE for c in factors) for factors in found):
            yield f"the gradients are summed over the {n} examples, so that a step grows with their number"


def divided(watched: Watched, role: Roles) -> bool:
    """Is a step divided by the number of examples, or by anything other than a literal number?

    The tape holds only the value of rate / m; that it is a quotient follows from the line.
    """
    counts = examples(role)
    for row in watched.steps[0].readings[0].rows:
        found = way_to_step(role, row.update, row.update.step, False)
        quotients = [q for number in found.numbers if number for q in (number, 1 / number)]
        if any(abs(q / n - 1) <= ALIKE for q in quotients for n in counts):
            return True
        lines = {node.site.line for node in (row.update.end, row.update.step, *entered(role, row.update.step))}
        quotients_there = (n for n in watched.source.nodes if isinstance(n, ast.BinOp) and isinstance(n.op, ast.Div))
        if any(n.lineno in lines and not isinstance(n.right, ast.Constant) for n in quotients_there):
            return True
    return False


def spread_out(watched: Watched, role: Roles) -> Iterator[str]:
    """Labels and outputs whose shapes broadcast, so that every example meets every other; mostly in the loss."""
    for node in role.graph.tape[: role.last]:
        shapes = sorted(m.shape for m in node.inputs)
        m = node.shape[0] if len(node.shape) == 2 else 0
        if role.of_labels[node.index] and m > 1 and node.shape == (m, m) and shapes == [(m,), (m, 1)]:
            where = place_of(watched, node.site)
            yield f"{where}: ({m}, 1) and ({m},) make {m} × {m}: every example meets every other; give both one shape"
            return


def wrapped(watched: Watched, role: Roles) -> Iterator[str]:
    """A difference of whole numbers without a sign that is below 0, as 1 - y of labels in bytes."""
    for node in role.graph.tape[: role.last + 1]:
        value = node.value
        if node.op != "subtract" or not isinstance(value, np.ndarray) or value.dtype.kind != "u":
            continue
        a, b = (np.asarray(value_of(part), float) for part in node.args[:2])
        if (below := np.broadcast_to(a - b < 0, value.shape)).any():
            kept, meant = value[below].flat[0], np.broadcast_to(a - b, value.shape)[below].flat[0]
            yield f"{place_of(watched, node.site)}: {value.dtype} has no sign: {meant:g} is {kept} here; take floats"
            return


def averaged(role: Roles, loss: Node) -> bool:
    """Is there a mean, or a division by a multiple of the labels' length, between labels and loss?"""
    labels = sum(1 << label.index for label in role.labels)
    sizes = {n for label in role.labels for n in label.shape}
    for k in bits_of(role.graph.above[loss.index] | 1 << loss.index):
        node = role.graph.tape[k]
        if not role.graph.above[k] & labels:
            continue
        numbers = [a for a in node.args if isinstance(a, int | float) and a]
        numbers += [float(np.ravel(i.value)[0]) for i in node.inputs if i.value is not None and np.size(i.value) == 1]
        counts = [n for number in numbers if number for n in (abs(number), abs(1 / number))]
        divided = any(n >= size and abs(n / size - round(n / size)) < ALIKE for n in counts for size in sizes)
        if node.op in ("mean", "average") or divided:
            return True
    return False
