"""nnref.check: two verdicts on a person's network, and the first mistake by name, line and right line."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from nnref.checking import lines, noise, verdicts
from nnref.checking.binding import Pool, Unbound, call
from nnref.checking.checked import Check, First
from nnref.checking.diagnosis import Case, Diagnosis, diagnose
from nnref.checking.forwards import ROUNDING, Forward, alike, passes
from nnref.checking.gradcheck import gradcheck
from nnref.checking.loading import load
from nnref.checking.network import RATE, Network, output_of
from nnref.checking.reader import Unread, networks
from nnref.checking.reader import listed as listed_functions
from nnref.checking.report import Entry, Worst
from nnref.checking.source import Source, SourceError
from nnref.checking.source import read as read_source
from nnref.checking.trees import GradcheckError
from nnref.checking.verdicts import Reading, mean_cross_entropy, probabilities, scalar
from nnref.checking.where import Finding, shapes
from nnref.shapes import Array

STRANGER = 16.0
"""A person may compute the same with other operations than the reference: an unshifted exponential, a division in every
line, −y/p passed through the softmax's Jacobian. Each costs a few roundings more, so this many times the reference's
own noise is allowed; a mistake is ten thousand million times as large."""

SAMPLE = 24
"""Entries of a tensor that differences of a stranger's loss are taken for; a wrong formula is wrong in nearly all."""

LARGE = 1e3
"""Logits at which exp overflows and a softmax that is not shifted gives nan."""


def check(target: Any, X: Array | None = None, Y: Array | None = None) -> Check:
    """Is the gradient of this network right, and is its loss the reference's? It runs the code it is given.

    target is a class, an object, a dict of functions, a module, globals(), or the path of a .py or .ipynb file, of
    which only definitions are executed, in this process. X has one column, or one row, per example; without data, a
    few random examples are taken.
    Errors: Unread if nothing in it can be read as a network; SourceError and OSError for files.
    """
    if isinstance(target, str | Path):
        return check_file(Path(target), data=None if X is None or Y is None else (X, Y))
    if isinstance(target, ModuleType):
        return examine(vars(target), source_of(target), target.__name__, None, X, Y)
    if isinstance(target, dict):
        return examine(target, None, "your network", None, X, Y)
    name = target.__name__ if isinstance(target, type) else type(target).__name__
    module = __import__("sys").modules.get(getattr(target, "__module__", type(target).__module__))
    return examine({**vars(module), name: target} if module else {name: target}, source_of(module), name, name, X, Y)


def source_of(module: ModuleType | None) -> Source | None:
    """The source of a module, where it has a file that can be read."""
    file = getattr(module, "__file__", None)
    try:
        return read_source(Path(file)) if file else None
    except (SourceError, OSError):
        return None


def check_file(
    path: Path, name: str | None = None, data: tuple[Array, Array] | None = None, everything: bool = False
) -> Check:
    """Check a file's network, or the class, object or functions called `name` in it."""
    source = read_source(path)
    loaded = load(source, path.resolve().parent, everything)
    X, Y = data or (None, None)
    try:
        return examine(loaded.namespace, source, path.name, name, X, Y)
    except Unread as error:
        failed = [f"{source.where(line)} failed: {what}" for line, what in loaded.failed]
        raise Unread(error.found, [*error.missing, *failed, *source.unread]) from None


def examine(
    namespace: dict[str, Any], source: Source | None, title: str, name: str | None, X: Any, Y: Any
) -> Check:
    """Read a namespace and judge the network found there."""
    try:
        reading = verdicts.read(networks(namespace, source, name), X, Y)
    except Unread as error:
        if (plain_form := of_any_loss(namespace, title, X, Y)) is not None:
            return plain_form
        raise Unread(error.found or listed_functions(namespace), error.missing) from None
    reading.network.notes += [note for note in (reading.silent, reading.started) if note]
    fault, same = judge_forward(reading)
    shown = reading.output is not None or reading.loss is not None
    own_loss_is_ours = same or not shown or (fault is not None and fault.harmless)
    slack = slack_of(reading)
    assert reading.case is not None
    entries, method = of_reference(reading, slack), "the reference's gradient, every entry"
    if not own_loss_is_ours:
        entries, method = of_own_loss(reading)
    right = all(entry.verdict == "ok" for entry in entries)
    untold = not right and all(entry.verdict in ("ok", "cannot tell") for entry in entries)
    found: tuple[Diagnosis, ...] = ()
    if own_loss_is_ours and not right:
        found = diagnose(
            reading.case,
            {n: g for n, g in reading.gradients.items() if g is not None},
            dtype=reading.dtype,
            slack=slack,
            learning_rate=RATE if reading.went.updated else None,
        )
    return Check(
        title=title,
        reading=described(reading),
        entries=tuple(entries),
        method=method,
        settings={"sizes": reading.sizes, "N": reading.X.shape[1], "dtype": str(reading.dtype)},
        gradient_of_own_loss=None if untold else right,
        same_loss=same,
        forward=fault,
        first=first_mistake(reading, found, entries),
        diagnoses=found,
        notes=tuple(dict.fromkeys(reading.network.notes)),
        cleared=cleared(reading, entries) if own_loss_is_ours else "",
    )


def of_any_loss(namespace: dict[str, Any], title: str, X: Any, Y: Any) -> Check | None:
    """Loss, parameters and gradients of something that is no such network: the first verdict alone; None if not found."""
    loss, gradients, theta = (next((namespace[n] for n in names if n in namespace), None) for names in FORM_A)
    if not callable(loss) or gradients is None or theta is None or callable(theta):
        return None
    data = {"X": namespace.get("X", X), "Y": namespace.get("Y", namespace.get("y", Y))}

    def called(f: Any) -> Any:
        return lambda t: call(f, Pool({"parameters": t, **{k: v for k, v in data.items() if v is not None}}), ("parameters",))

    try:
        report = gradcheck(called(loss), theta, called(gradients) if callable(gradients) else gradients)
    except (GradcheckError, Unbound) as error:
        raise Unread(listed_functions(namespace), [str(error)]) from None
    reading = "loss, parameters and gradients; not the reference's network, so the first question alone"
    return Check(title, reading, report.entries, report.method, report.settings, report.ok, None)


FORM_A = (
    ("loss", "loss_fn", "loss_function", "cost", "f"),
    ("gradients", "grads", "gradient", "grad", "backward"),
    ("parameters", "params", "theta"),
)
"""The names by which loss, gradients and parameters are found where nothing else is."""


def slack_of(reading: Reading) -> dict[str, Array]:
    """What a gradient read from (before − after) / rate may be off: the parameter itself was rounded, twice."""
    if not reading.went.updated or reading.case is None:
        return {}
    u = noise.unit(reading.dtype)
    theta = {n: p for n, p in zip(names_of(reading), parameters(reading), strict=True)}
    return {n: 2 * u * (2 * np.abs(p) / RATE + np.abs(reading.case.gradients[n])) for n, p in theta.items()}


def names_of(reading: Reading) -> list[str]:
    """W1, b1, W2, … of the network's layers."""
    return [f"{p}{l}" for l in range(1, len(reading.sizes)) for p in "Wb"]


def parameters(reading: Reading) -> list[Array]:
    """The parameters as columns, in that order."""
    return [A for layer in reading.theta for A in layer]


def of_reference(reading: Reading, slack: dict[str, Array]) -> list[Entry]:
    """Every entry of every gradient against the reference's, in units of its rounding, the last layer first."""
    case = reading.case
    assert case is not None
    S = noise.scale(case.layers, case.theta, case.X, case.Y, reading.dtype)
    scales = dict(zip(names_of(reading), [A for layer in S for A in layer], strict=True))
    limit = STRANGER * noise.allowed(case.layers, case.theta, case.X.shape[1])
    found = []
    for name in sorted(reading.gradients, key=lambda n: (-int(n[1:]), n[0])):
        g, truth = reading.gradients[name], case.gradients[name]
        floor = slack.get(name, np.zeros(1)) / limit
        found.append(compared(name, g, truth, scales[name], floor, limit, reading))
    return found


def compared(
    name: str, g: Array | None, truth: Array, S: Array, floor: Array, limit: float, reading: Reading
) -> Entry:
    """One row: a gradient beside the truth. A wrong shape is wrong throughout, and compared as it would broadcast."""
    shape = reading.network.shapes()[name]
    if g is None:
        return Entry(name, shape, truth.size, 0, 0, 0, 0, None, "not found")
    where: tuple[Finding, ...] = ()
    a = g
    if g.shape != truth.shape:
        where = (shapes(tuple(np.shape(reading.went.gradients[name])), shape),)
        try:
            a = np.broadcast_to(g, truth.shape)
        except ValueError:
            return Entry(name, shape, truth.size, truth.size, truth.size, 0, 0, None, "WRONG", where)
    with np.errstate(all="ignore"):
        u, u64 = noise.unit(reading.dtype), noise.unit("float64")
        gap = np.abs(a.astype("float64") - truth)
        noises = np.where(gap == 0, 0.0, gap / ((u + u64) * S + floor + np.finfo("float64").tiny))
    wrong = ~(noises <= limit)
    if where:
        wrong[...] = True
    size = gap if wrong.any() else noises  # of wrong entries the largest gap is the most telling
    k = np.unravel_index(int(np.argmax(np.where(np.isnan(size), np.inf, size))), truth.shape)
    at = tuple(int(i) for i in k)
    worst = Worst(index_in(shape, at, reading), float(a[k]), float(truth[k]), float(noises[k]))
    return Entry(name, shape, truth.size, truth.size, int(wrong.sum()), 0, 0, worst, "WRONG" if wrong.any() else "ok", where)


def index_in(shape: tuple[int, ...], at: tuple[int, ...], reading: Reading) -> tuple[int, ...]:
    """An index as columns in the person's layout."""
    if len(shape) == 1:
        return at[:1]
    turned = reading.convention.weights == "rows" if 1 not in shape else shape[0] == 1
    return at[::-1] if turned else at


def of_own_loss(reading: Reading) -> tuple[list[Entry], str]:
    """The gradients against slopes of the person's own loss."""
    network, N = reading.network, reading.X.shape[1]
    x, y = reading.convention.theirs(reading.X, reading.Y)

    def loss(theta: dict[str, Array]) -> Any:
        if reading.loss is not None:
            return np.float64(scalar(network.loss_at(theta, x, y), N))
        passed = network.forward(theta, x, y)
        out = output_of(passed.named, passed.raw, reading.sizes[-1], N)
        return np.float64(mean_cross_entropy(reading.convention.output(out, reading.sizes[-1]), reading.Y, reading.forward))

    own = reading.own()
    yours = {n: as_float(reading.went.gradients.get(n), own[n].shape) for n in own}
    if reading.loss is None and reading.output is None:
        raise Unread([], ["no loss and no forward pass that returns the network's output"])
    try:
        report = gradcheck(loss, own, yours, method="central", entries=SAMPLE)
    except GradcheckError as error:
        raise Unread([], [f"slopes of the loss cannot be taken: {error}"]) from None
    found = sorted(report.entries, key=lambda e: (-int(e.name[1:]), e.name[0]))
    return found, f"differences of {'your loss' if reading.loss is not None else 'the mean cross-entropy of your output'}"


def as_float(g: Any, shape: tuple[int, ...]) -> Array | None:
    """A gradient as an array of floats, flat or not as the parameter is, if only that differs."""
    if g is None:
        return None
    A = np.asarray(g, dtype="float64")
    return A.reshape(shape) if A.size == np.prod(shape) and [n for n in A.shape if n > 1] == [n for n in shape if n > 1] else A


def judge_forward(reading: Reading) -> tuple[First | None, bool | None]:
    """The second verdict: is the forward pass, and is the loss, the reference's? And the first mistake in it."""
    way, kind = reading.forward, reading.loss_kind
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
        reading.network.notes.append(f"{design}: another network than the reference's, so only the first question is answered")
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
    factor = LARGE / float(np.abs(reading.case.Z[f"Z{len(reading.sizes) - 1}"]).max())
    theta = (*reading.case.theta[:-1], type(last)(*(factor * A for A in last)))  # type: ignore[arg-type]
    x, y = reading.convention.theirs(reading.X, reading.Y)
    passed = reading.network.forward(reading.own(theta), x, y)
    out = output_of(passed.named, passed.raw, reading.sizes[-1], reading.X.shape[1])
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
    return First(f"Z{l}" if "bias" in fault else f"A{l}", lines.place(reading, node), says, lines.own_words(reading, right), claim)


def unknown_forward(reading: Reading) -> First:
    """A forward pass that no known mistake explains: the first intermediate that differs, where they have names."""
    x, y = reading.convention.theirs(reading.X, reading.Y)
    passed = reading.network.forward(reading.own(), x, y)
    truth = passes(reading.theta, reading.X, Forward(verdicts.guessed(reading)))
    for name, right in truth.items():
        theirs = [A for n, A in passed.named.items() if lines.canonical(n) == name and isinstance(A, np.ndarray)]
        if theirs and not alike(reading.convention.output(theirs[0], len(right)), right, reading.dtype):
            node = lines.assignment(reading, name, "forward")
            return First(name, lines.place(reading, node), f"{name} is the first to differ from the reference's.")
    return First("output", "", "Your output differs from the reference's, and no mistake that is known here explains it.")


def first_mistake(reading: Reading, found: tuple[Diagnosis, ...], entries: list[Entry]) -> First | None:
    """The first mistake going back: its line, its sentence, the right line."""
    if not found:
        return None
    d = found[0]
    quantity = d.parameter
    l = "".join(c for c in quantity if c.isdigit())
    node = lines.assignment(reading, quantity)
    place = lines.place(reading, node)
    right = d.right.replace("{l}", l) if d.right else ""
    try:
        right = lines.own_words(reading, right, place) if right else ""
    except SyntaxError:
        right = ""
    says = d.says if d.says.endswith((".", "!")) else f"{d.says}."
    return First(quantity, place, says, right, d.claim or "", explains=d.explains, of=d.of, also=d.also)


def cleared(reading: Reading, entries: list[Entry]) -> str:
    """What the right gradients prove of what came before them."""
    right = sorted((e.name for e in entries if e.verdict == "ok"), key=lambda n: (n[0], n[1:]))
    if not right or len(right) == len(entries):
        return ""
    deltas = sorted({f"dZ{n[1:]}" for n in right})
    grads = listed([f"d{n}" for n in right])
    return f"{grads} {'is' if len(right) == 1 else 'are'} right, so {listed(deltas)} {'is' if len(deltas) == 1 else 'are'} right."


def listed(words: list[str]) -> str:
    """a, b and c."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def described(reading: Reading) -> str:
    """How the file was read, in one line."""
    network, c = reading.network, reading.convention
    names = " ".join(network.found.spelling[n] for n in names_of(reading) if n in network.found.spelling)
    laid = c.weights if c.weights == c.data else f"{c.weights} with X as {c.data}"
    way = reading.forward
    parts = [f"{names} as {laid}", c.labels]
    parts += list(dict.fromkeys(way.activations)) + [way.output] if way else ["forward not recognised" if reading.output is not None else "no forward pass found"]
    text = ", ".join(parts)
    if reading.went.updated:
        text += "; gradients from (before - after) / rate"
    if reading.loss is None:
        text += "; no loss found, mean cross-entropy used"
    if not network.own_widths:
        text += f"; sizes ours: {'-'.join(map(str, reading.sizes))}"
    return text + "".join(f"; {note}" for note in dict.fromkeys(network.notes))


__all__ = ["ROUNDING", "Case", "Check", "Network", "check", "check_file", "examine", "replace"]
