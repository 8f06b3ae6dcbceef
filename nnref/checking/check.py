"""nnref.check: two verdicts on a person's network, and the first mistake by name, line and right line."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

from nnref.checking import lines, verdicts
from nnref.checking.binding import Pool, Unbound, call
from nnref.checking.checked import Check, First
from nnref.checking.diagnosis import Diagnosis, diagnose
from nnref.checking.forward_verdict import judge_forward
from nnref.checking.gradcheck import gradcheck
from nnref.checking.loading import Later, Loaded, load, modules_beside
from nnref.checking.network import RATE
from nnref.checking.reader import Unread, listed, networks
from nnref.checking.report import Entry
from nnref.checking.rows import names_of, of_own_loss, of_reference, slack_of
from nnref.checking.source import Source, SourceError
from nnref.checking.source import read as read_source
from nnref.checking.trees import GradcheckError
from nnref.checking.verdicts import Reading
from nnref.shapes import Array


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
        return examine(vars(target), vars(target), source_of(vars(target)), target.__name__, X, Y)
    if isinstance(target, dict):
        home = target if "__name__" in target else home_of(target)
        return examine(target, home, source_of(home), str(home.get("__name__", "your network")), X, Y)
    cls = target if isinstance(target, type) else type(target)
    home = home_of(dict(vars(cls)))
    own = {name: f for name, f in home.items() if isinstance(f, FunctionType)} | {cls.__name__: target}
    return examine(own, home, source_of(home), cls.__name__, X, Y)


def home_of(things: dict[str, Any]) -> dict[str, Any]:
    """The module's names that functions look up: those of the first function."""
    return next((f.__globals__ for f in things.values() if isinstance(f, FunctionType)), things)


def source_of(home: dict[str, Any]) -> Source | None:
    """The source of a module, where it has a file that can be read."""
    try:
        return read_source(Path(home["__file__"])) if home.get("__file__") else None
    except (SourceError, OSError):
        return None


def check_file(
    path: Path, name: str | None = None, data: tuple[Array, Array] | None = None, everything: bool = False
) -> Check:
    """Check a file's network, or the class, object or functions called `name` in it."""
    source = read_source(path)
    X, Y = data or (None, None)
    folder = path.resolve().parent
    with nullcontext() if everything else modules_beside(folder):
        loaded = load(source, folder, everything)
        return examined(loaded, name, source, path.name, X, Y)


def examined(loaded: Loaded, name: str | None, source: Source, title: str, X: Array | None, Y: Array | None) -> Check:
    """Judge what was loaded from a file; where nothing could be read, say what failed while loading."""
    try:
        return examine(chosen(loaded.namespace, name), loaded.namespace, source, title, X, Y)
    except Unread as error:
        failed = [f"{source.where(line)} failed: {what}" for line, what in loaded.failed]
        raise Unread(error.found, [*error.missing, *failed, *source.unread]) from None


def chosen(namespace: dict[str, Any], name: str | None) -> dict[str, Any]:
    """The names to look among: all, or one thing, to which functions may belong."""
    own = {k: v for k, v in namespace.items() if not k.startswith("__") and not isinstance(v, Later)}
    if name is None:
        return own
    if name not in own:
        raise Unread(listed(own), [f"nothing in the file is called {name}"])
    return {k: v for k, v in own.items() if k == name or isinstance(v, FunctionType)}


def examine(
    own: dict[str, Any], home: dict[str, Any], source: Source | None, title: str, X: Array | None, Y: Array | None
) -> Check:
    """Read the network among a module's own names, and judge it."""
    try:
        reading = verdicts.read(networks(own, home, source), X, Y)
    except Unread as error:
        if (plain_form := of_any_loss(own, title, X, Y)) is not None:
            return plain_form
        raise Unread(error.found or listed(own), error.missing) from None
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
            reading.gradients,
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
    """Loss, parameters and gradients of something that is no such network: the first verdict alone; None if absent."""
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
    reading = "loss, parameters and gradients; not the reference's network, so the first question alone"
    return Check(title, reading, report.entries, report.method, report.settings, report.ok, None)


FORM_A = (
    ("loss", "loss_fn", "loss_function", "cost", "f"),
    ("gradients", "grads", "gradient", "grad", "backward"),
    ("parameters", "params", "theta"),
)
"""The names by which loss, gradients and parameters are found where nothing else is."""


def first_mistake(reading: Reading, found: tuple[Diagnosis, ...], entries: list[Entry]) -> First | None:
    """The first mistake going back: its line, its sentence, the right line."""
    if not found:
        return None
    d = found[0]
    quantity = d.parameter
    l = "".join(c for c in quantity if c.isdigit())
    node = lines.assignment(reading, quantity) or lines.assignment(reading, f"dW{l}")
    place = lines.place(reading, node)
    right = d.right.replace("{l}", l) if d.right else ""
    try:
        right = lines.own_words(reading, right) if right else ""
    except SyntaxError:
        right = ""
    says = d.says if d.says.endswith((".", "!")) else f"{d.says}."
    return First(quantity, place, says, right, d.claim or "", explains=d.explains, of=d.of, also=d.also)


def cleared(reading: Reading, entries: list[Entry]) -> str:
    """What the right gradients prove of what came before them."""
    right = sorted((e.name for e in entries if e.verdict == "ok"), key=lambda n: (n[0], n[1:]))
    if not right or len(right) == len(entries):
        return ""
    return f"{are_right([f'd{n}' for n in right])}, so {are_right(sorted({f'dZ{n[1:]}' for n in right}))}."


def are_right(words: list[str]) -> str:
    """a, b and c are right."""
    said = words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
    return f"{said} {'is' if len(words) == 1 else 'are'} right"


def described(reading: Reading) -> str:
    """How the file was read, in one line."""
    network, c = reading.network, reading.convention
    names = " ".join(network.found.spelling[n] for n in names_of(reading) if n in network.found.spelling)
    laid = c.weights if c.weights == c.data else f"{c.weights} with X as {c.data}"
    way = reading.forward
    parts = [f"{names} as {laid}", c.labels]
    if way is not None:
        parts += [*dict.fromkeys(way.activations), way.output]
    else:
        parts.append("no forward pass found" if reading.output is None else "forward pass not recognised")
    text = ", ".join(parts)
    if reading.went.updated:
        text += "; gradients from (before - after) / rate"
    if reading.loss is None:
        text += "; no loss found, mean cross-entropy used"
    if not network.own_widths:
        text += f"; sizes ours: {'-'.join(map(str, reading.sizes))}"
    return text + "".join(f"; {note}" for note in dict.fromkeys(network.notes))
