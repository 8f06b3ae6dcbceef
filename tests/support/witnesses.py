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
from nnref import bridge, leaky_relu
from nnref.checking.gradcheck import slopes
from nnref.checking.gradcheck.gradcheck import gradcheck
from nnref.checking.reference import noise
from nnref.gelu_tanh import CUBIC, ROOT
from nnref.layer import ACTIVATIONS
from tests.support import cases

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


OPERATIONS = {
    "affine": lambda tf, W, b, A: tf.linalg.matmul(W, A) + b,
    "leaky_relu": lambda tf, Z, kappa=leaky_relu.SLOPE: tf.where(Z > 0, Z, kappa * Z),
    "elu": lambda tf, Z, alpha=1.0: tf.where(Z > 0, Z, alpha * tf.math.expm1(tf.minimum(Z, 0))),
    "gelu_tanh": lambda tf, Z: Z * (1 + tf.tanh(ROOT * (Z + CUBIC * Z**3))) / 2,
    "gelu": lambda tf, Z: Z * (1 + tf.math.erf(Z / tf.sqrt(tf.constant(2, Z.dtype)))) / 2,
    "softmax": lambda tf, Z: tf.nn.softmax(Z, axis=0),
    "cross_entropy": lambda tf, P, Y: -tf.reduce_sum(tf.math.multiply_no_nan(tf.math.log(P), Y), axis=0, keepdims=True),
    "softmax_cross_entropy": lambda tf, Z, Y: tf.reduce_mean(
        tf.nn.softmax_cross_entropy_with_logits(labels=tf.transpose(Y), logits=tf.transpose(Z))
    ),
}
"""TensorFlow's own operation for the forward function of a concept, where it is not tf.nn's of the same name.

tf.nn.gelu takes √½ through float32 and is off by as much: 6e-9 in its slope, measured against 40 digits; so does
tf.nn.leaky_relu with its slope. tf.math.erf and tf.where are right to rounding, so that the bar need not be lowered.
"""


def operation(tf, concept, **arguments):
    """TensorFlow's operation of a concept at these arguments."""
    own = OPERATIONS.get(concept)
    return own(tf, **arguments) if own else getattr(tf.nn, concept)(*arguments.values())


def tensorflow(claim):
    """TensorFlow's operation, and its GradientTape, in float64."""
    name = claim["name"]
    concept, _, attribute = name.partition(".")
    known = concept in OPERATIONS or concept in ACTIVATIONS or concept == "mlp"
    gradient = cases.case(name) if claim["kind"] == "gradient" and known else None
    definition = claim["kind"] == "definition" and attribute == "forward" and known
    if gradient is None and not definition:
        return NOT_APPLICABLE, "no operation of TensorFlow's"
    with hushed():
        return tape_of_network(name) if concept == "mlp" else beside(name, concept, gradient)


def beside(name, concept, gradient):
    """The value of a definition, or the gradient of a concept's forward function, beside TensorFlow's."""
    tf = needed("tensorflow")
    if gradient is None:
        forward = bridge.function(name)
        at = cases.arguments(forward, name)
        return within(forward(**at), operation(tf, concept, **constants(tf, at)).numpy(), *at.values())
    ((wrt, at),) = gradient.parameters.items()
    variable = tf.Variable(at)
    with tf.GradientTape() as tape:
        output = operation(tf, concept, **constants(tf, gradient.arguments) | {wrt: variable})
    theirs = tape.gradient(output, variable, output_gradients=tf.constant(gradient.dY)).numpy()
    ours = gradient.gradient({})[wrt]
    return within(ours, theirs, gradient.dY, *gradient.arguments.values())


def constants(tf, arrays):
    """The arrays as TensorFlow holds them."""
    return {name: tf.constant(np.asarray(A)) for name, A in arrays.items()}


def within(ours, theirs, *arguments):
    """Are two evaluations of one formula the same, up to rounding?

    No term of any sum exceeds M², with M the largest number that goes in or comes out (1 at least; ours does not count,
    or a huge mistake would excuse itself); a sum has at most k terms, k the longest side, and each is rounded at most
    k + 8 times: k additions, and what exp, log, a quotient and the products before them round. Both evaluations may be
    off by as much.
    """
    if ours.shape != theirs.shape:
        return FAILED, f"ours has shape {ours.shape}, TensorFlow's {theirs.shape}"
    k = max((n for A in arguments for n in np.shape(A)), default=1)
    M = max(1.0, *(float(np.abs(A).max()) for A in (theirs, *arguments)))
    units = float(abs(ours - theirs).max()) / (noise.unit("float64") * M * M * k)
    status = OK if units <= 2 * (k + 8) else FAILED
    return status, f"float64, {ours.size} entries, {units:.2g} of {2 * (k + 8)} roundings apart"


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
