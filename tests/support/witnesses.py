"""The witnesses of a claim, one function each: what each of them found, or that it was not there to be asked.

A witness that could not be asked is "missing", never "ok"; one that says otherwise, or breaks, is "failed".
"""

import importlib
import importlib.util
import os
import re
import traceback
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from time import perf_counter

import numpy as np

import nnref
from nnref import bridge
from nnref.checking.gradcheck import slopes
from nnref.checking.gradcheck.gradcheck import gradcheck
from nnref.checking.operations.running import Running
from nnref.checking.recognition.layers import ROOM, bar, running
from nnref.checking.reference import noise
from nnref.shapes import trusted
from tests.support import cases
from tests.support.tensorflow_operations import OPERATIONS, ROUNDED_CONSTANTS, SETTINGS, there_is

OK, FAILED, MISSING, NOT_APPLICABLE = "ok", "failed", "missing", "not applicable"


@dataclass(frozen=True)
class Witness:
    """What one witness says of one claim: its status, the figure it measured, and how to ask it again."""

    status: str
    figure: str = ""
    seconds: float = 0.0
    source: str = ""

    def to_dict(self):
        return asdict(self) | {"seconds": round(self.seconds, 3)}


class Absent(Exception):
    """The tool or the part of the project that the witness needs is not here."""


def asked(witness, claim, *given):
    """The witness's answer, timed. One that breaks has failed: a check that cannot be made is no check."""
    start = perf_counter()
    try:
        status, figure = witness(claim, *given)
    except Absent as absent:
        status, figure = MISSING, str(absent)
    except Exception as error:
        where = traceback.extract_tb(error.__traceback__)[-1]
        status, figure = FAILED, f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else where.name}"
    return Witness(status, figure, perf_counter() - start, f"tests/support/witnesses.py::{witness.__name__}")


def needed(module):
    """The module, or Absent; one that is there and does not import is broken, which is another matter."""
    try:
        found = importlib.util.find_spec(module)
    except ModuleNotFoundError:  # a package on the way to it
        found = None
    if found is None:
        raise Absent(f"{module} is not here")
    return importlib.import_module(module)


def judged(claim, method):
    """The checker's verdict on the claim's function at a dense point, or why there is nothing to judge."""
    case = cases.case(claim["name"]) if claim["kind"] == "gradient" else None
    if case is None:
        if claim["kind"] == "gradient" and not claim["name"].startswith("mlp."):
            bridge.function(claim["name"])  # a gradient without its function has failed
        return None
    return gradcheck(case.loss, case.parameters, case.gradient, method=method)


def differences(claim):
    """Central differences of the forward function."""
    report = judged(claim, "central")
    if report is None:
        return NOT_APPLICABLE, "no gradient"
    return verdict(report, "h " + ", ".join(f"{h:.0e}" for h in report.settings["steps of differences"].values()))


def complex_step(claim):
    """The complex step of the forward function: no subtraction, so no step to tune."""
    report = judged(claim, "complex")
    if report is None:
        return NOT_APPLICABLE, "no gradient"
    return verdict(report, f"h {slopes.H:.0e}")


def verdict(report, step):
    """The status of a gradient check, and its figure: the step, the worst entry's error, that in units of noise."""
    checked, worst = sum(entry.checked for entry in report.entries), report.worst
    if worst is None:
        return FAILED, report.entries[0].where[0].says if report.entries[0].where else report.entries[0].verdict
    error = abs(worst.yours - worst.truth)
    figure = f"{step}, {checked} entries, error {error:.1e}, {worst.noises:.2g} × noise"
    return (OK if report.ok else FAILED), figure


@contextmanager
def hushed():
    """Nothing on stderr: TensorFlow's compiled part writes there when it starts, whatever it is told."""
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def tensorflow(claim):
    """TensorFlow's operation, and its GradientTape, in float64."""
    name, kind = claim["name"], claim["kind"]
    concept, _, attribute = name.partition(".")
    if kind == "gradient" and concept == "mlp":
        with hushed():
            return tape_of_network(name)
    asks_concept = (kind == "definition" and attribute == "forward") or (kind == "gradient" and cases.is_gradient(name))
    operation = concept if asks_concept else name
    if kind == "lemma" or operation not in OPERATIONS:
        return NOT_APPLICABLE, "no operation of TensorFlow's"
    with hushed():
        tf = needed("tensorflow")
        if not there_is(tf, operation):
            return NOT_APPLICABLE, "no operation of TensorFlow's"
        found = [
            beside(tf, of[operation], name, dtype, settings)
            for of, dtype in ((OPERATIONS, "float64"), (ROUNDED_CONSTANTS, "float32"))
            for settings in SETTINGS.get(operation, [{}])
            if operation in of
        ]
    return next((said for said in found if said[0] == FAILED), found[0])


def beside(tf, operation, name, dtype, settings):
    """The value of a definition, or the gradient of a concept's forward function, beside TensorFlow's."""
    gradient = cases.case(name, **settings)
    if gradient is None:
        function = bridge.function(name)
        at = cases.arguments(function, name, **settings)
        theirs = operation(tf, **constants(tf, at))
        theirs, instead = theirs if isinstance(theirs, tuple) else (theirs, {})
        at |= {p: A.numpy() for p, A in instead.items()}
        return within(lambda given: function(**given), at, theirs.numpy(), dtype)
    (wrt,) = gradient.parameters
    given = constants(tf, gradient.arguments)
    with tf.GradientTape() as tape:
        tape.watch(given[wrt])
        output = operation(tf, **given)
    theirs = tape.gradient(output, given[wrt], output_gradients=tf.constant(gradient.dY)).numpy()
    at = gradient.arguments | ({gradient.slot: gradient.dY} if gradient.slot else {})
    return within(lambda given: gradient.gradient(given)[wrt], at, theirs, dtype)


def constants(tf, arguments):
    """The arrays among the arguments as TensorFlow holds them."""
    return {name: tf.constant(A) if np.ndim(A) else A for name, A in arguments.items()}


def within(ours, at, theirs, dtype):
    """Are two evaluations of one function of these arguments the same, up to rounding in this precision?

    Our formula, run in numbers that carry their rounding errors, says what rounding may do to each entry; theirs may be
    another order of operations, or another formula, for which recognition allows ROOM times as much.
    """
    value = np.asarray(ours(at))
    if value.shape != theirs.shape:
        return FAILED, f"ours has shape {value.shape}, TensorFlow's {theirs.shape}"
    with trusted():
        carried = ours(running(at))
    if not any(map(np.ndim, at.values())):  # a scale of √(2/n) is made of plain numbers, and carries one rounding
        carried = Running(value, abs(value))
    gap, room = abs(value - theirs), bar(carried, dtype, at)
    with np.errstate(all="ignore"):
        units = float(np.where(gap == 0, 0.0, np.where(np.isfinite(room), gap / room, np.inf)).max())
    status = OK if units <= ROOM else FAILED
    return status, f"{dtype}, {value.size} entries, {units:.2g} × noise of {ROOM:.0f} allowed"


def tape_of_network(name):
    """One parameter of the network by the tape, judged in the noise units of the network."""
    tf, it, parameter = needed("tensorflow"), cases.network(), name.removeprefix("mlp.d")
    variables = {p: tf.Variable(A) for p, A in nnref.named(it.theta).items()}
    with tf.GradientTape() as tape:
        A = tf.constant(it.X)
        depth = len(variables) // 2
        for l in range(1, depth + 1):
            Z = tf.linalg.matmul(variables[f"W{l}"], A) + variables[f"b{l}"]
            A = tf.nn.relu(Z) if l < depth else Z
        loss = OPERATIONS["softmax_cross_entropy"](tf, A, tf.constant(it.Y))
    theirs = tape.gradient(loss, variables[parameter]).numpy()
    ours = nnref.named(nnref.gradients(it.layers, it.theta, it.X, it.Y))[parameter]
    S = nnref.named(noise.scale(it.layers, it.theta, it.X, it.Y, "float64"))[parameter]
    multiple = float(noise.multiples(ours, theirs, np.where(S > 0, S, np.finfo("float64").tiny), "float64").max())
    allowed = noise.allowed(it.layers, it.theta, it.X.shape[1])
    return (OK if multiple <= allowed else FAILED), f"float64, {ours.size} entries, {multiple:.2g} × noise"


def balls(claim):
    """A rigorous enclosure of every entry of the network's gradient (python-flint): how far off ours can be at most."""
    name = claim["name"]
    if not re.fullmatch(r"mlp\.d[Wb]\d+", name):
        return NOT_APPLICABLE, "not a parameter of the network"
    needed("flint")
    arb, it, parameter = needed("nnref.checking.reference.balls"), cases.network(), name.removeprefix("mlp.d")
    _, enclosure = arb.gradient(it.layers, it.theta, it.X, it.Y)
    S = noise.scale(it.layers, it.theta, it.X, it.Y, "float64")
    ours = nnref.gradients(it.layers, it.theta, it.X, it.Y)
    multiples = arb.multiples_in_balls(ours, enclosure, S, "float64")[parameter]
    status = OK if multiples.max() <= noise.allowed(it.layers, it.theta, it.X.shape[1]) else FAILED
    return status, f"{multiples.size} of {multiples.size} entries, {enclosure.bits} bits, {multiples.max():.2g} × noise"
