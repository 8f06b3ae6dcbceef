"""Calling a person's network in the layout that fits, and recognising its forward pass and loss."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from nnref import softmax, softmax_cross_entropy
from nnref.checking.diagnosis.catalogue.forward import RECTIFIED
from nnref.checking.diagnosis.factors import meaning_of_factor as recognised_factor
from nnref.checking.diagnosis.fit import Number
from nnref.checking.diagnosis.forward_passes import (
    LOG_SOFTMAX,
    LOGITS,
    SOFTMAX,
    Forward,
    LossKind,
    layers_of,
    passes,
    recognised_forward,
    recognised_loss,
    same_up_to_rounding,
    ways_of_hidden_layers,
)
from nnref.checking.operations.record import activations, writing
from nnref.checking.reading.arguments import Unbound, named_parameters
from nnref.checking.reading.candidates import Unread
from nnref.checking.reading.layout import (
    LABELS,
    Convention,
    LayoutError,
    conventions,
    examples_in_columns,
    fitting_layouts,
    labels_in_columns,
    one_at_a_time,
)
from nnref.checking.reading.loading import sentence
from nnref.checking.reading.names import ROLES, plain_name
from nnref.checking.reading.network import BackwardPass, Network, output_of
from nnref.checking.reading.random_network import drawn_network
from nnref.checking.reading.uses import one_example
from nnref.checking.reference.intermediates import Case
from nnref.checking.results.factor import nearest_factor
from nnref.layer import Affine
from nnref.network import Parameters, one_hot
from nnref.shapes import Array


@dataclass
class NetworkReading:
    """A network that could be called, the convention it could be called in, and what it gave."""

    network: Network
    convention: Convention
    sizes: list[int]
    theta: Parameters
    X: Array
    Y: Array
    backward_pass: BackwardPass
    output: Array | None = None
    loss: float | None = None
    forward: Forward | None = None
    loss_kind: LossKind | None = None
    case: Case | None = None
    gradients: dict[str, Array | None] = field(default_factory=dict)
    agreeing: int = 0
    silent: str = ""
    started: str = ""
    assumed: str = "mean cross-entropy"
    upstream: Any = None

    @property
    def dtype(self) -> np.dtype[Any]:
        """The precision of their parameters."""
        kinds = [A.dtype for A in self.network.arrays().values() if A.dtype.kind == "f"]
        return min(kinds, key=lambda d: d.itemsize, default=np.dtype("float64"))

    def own(self, theta: Parameters | None = None) -> dict[str, Array]:
        """The parameters in their layout."""
        return self.convention.parameters(theta or self.theta, self.network.arrays())

    def score(self) -> tuple[int, int, int]:
        """How well the reading fits: forward pass and loss known, gradients that agree, and of the right shape."""
        right = sum(g is not None and g.shape == self.shape(n) for n, g in self.gradients.items())
        return (self.forward is not None) + (self.loss_kind is not None) - bool(self.silent), self.agreeing, right

    @property
    def perfect(self) -> bool:
        """Do all gradients agree, and is whatever there is of a forward pass and a loss one that is known?"""
        known = self.output is None or self.forward is not None
        known &= self.loss is None or self.loss_kind is not None
        return self.agreeing == len(self.network.found.paths) and not self.silent and known

    def shape(self, name: str) -> tuple[int, ...]:
        """The shape of a parameter as columns."""
        l = int(name[1:])
        return (self.sizes[l], self.sizes[l - 1] if name[0] == "W" else 1)


def read_network(networks: Iterable[Network], X: Array | None = None, Y: Array | None = None) -> NetworkReading:
    """The reading that fits best among all networks, layouts and forms of labels; a perfect one ends the search.

    Errors: Unread, with the reason of the likeliest network, if none can be called.
    """
    reasons: list[tuple[int, str]] = []
    for network in networks:
        best: NetworkReading | None = None
        for convention, sizes in conventions_to_try(network):
            for how, upstream in upstream_gradients(network, convention):
                if how and best is not None and "upstream" in network.functions:
                    continue  # ours would hide a mistake in theirs
                try:
                    reading = call_in_convention(network, convention, sizes, upstream, X, Y)
                except Exception as error:  # a stranger's code may raise anything: another convention is tried
                    reasons.append(why_it_failed(error, network, convention, sizes))
                    continue
                reading.started = how
                reading.upstream = "theirs" if callable(upstream) else upstream
                if best is None or reading.score() > best.score():
                    best = reading
                if best.perfect:
                    return best
        if best is not None:
            return best
    raise Unread([], [max(reasons, key=lambda r: r[0])[1]] if reasons else [])


def conventions_to_try(network: Network) -> Iterator[tuple[Convention, list[int]]]:
    """Every layout to try; those of single examples first, where nothing in the backward pass suggests a batch.

    Elsewhere single examples are not tried: with one, a missing transpose and a wrong axis cannot be seen.
    """
    ways = fitting_layouts(network.shapes())
    if one_example(network.going_back()):
        yield from one_at_a_time(ways)
    yield from conventions(ways)


def why_it_failed(error: Exception, network: Network, convention: Convention, sizes: list[int]) -> tuple[int, str]:
    """How far a layout got, and why it failed: furthest is an error going back, after a right forward pass."""
    if isinstance(error, Unfit):
        return FOREMOST, str(error)
    said = str(error) if isinstance(error, Unbound | ValueError) and error.__traceback__ is None else ""
    said = said or (str(error) if isinstance(error, Unbound | NoGradients) else sentence(error, network.source))
    theta, X, Y = drawn_network(sizes, 1 if convention.single else None)
    x, y = convention.theirs(X, Y)
    try:
        passed = network.forward(convention.parameters(theta, network.arrays()), x, y)
    except Exception:
        return 0, f"{network_name(network, 'forward')} stopped: {said}"
    out = output_of(passed.named, passed.raw, sizes[-1], X.shape[1], len(sizes) - 1)
    came = 1 + (out is not None)
    if out is not None and recognised_forward(theta, X, convention.output(out, sizes[-1]).astype("float64"), "float32"):
        came += 1 + (convention.labels == LABELS[0])
    return came, f"{network_name(network, 'backward')} stopped: {said}"


FURTHER = 4.0
"""Scale of the data at which activations that agree near 0 differ: their weighted sums reach beyond the 6 of ReLU6."""

STEP = 1e-6
"""Largest relative error of the factor between an update and the gradient, as the parameter itself was rounded."""

FOREMOST = 9
"""Priority of a data-shape error: always reported first. Other failures have 0 to 4, by how much of a pass worked."""


class Unfit(ValueError):
    """Data that do not fit the network."""


class NoGradients(ValueError):
    """A backward function that gives nothing."""


def upstream_gradients(network: Network, convention: Convention) -> Iterator[tuple[str, Any]]:
    """What to pass to a backward function that takes the output's gradient: their own loss's, or ours, with a note."""
    yield "", None
    backward = network.function("backward", network.tree)
    if backward is None or not any(ROLES.get(plain_name(name)) == "upstream" for name in named_parameters(backward)):
        return
    theirs = network.functions.get("upstream")
    if theirs is not None:
        yield "", theirs
    yield "backward given (P - Y) / N", "fused"
    yield "backward given -Y / P / N", "plain"


def upstream_function(upstream: Any, convention: Convention, Y: Array, y: Any) -> Any:
    """The function of the output that gives the gradient a backward pass starts from."""
    if upstream is None or callable(upstream):
        return None if upstream is None else lambda output: upstream(output, y)
    width, N = Y.shape

    def ours(output: Any) -> Array:
        A = convention.output(np.asarray(output), width)
        sums_to_one = bool((A >= 0).all() and np.allclose(A.sum(axis=0), 1))
        P = A if sums_to_one else softmax.forward(A.astype("float64"))
        g = (P - Y) / N if upstream == "fused" else -Y / P / N
        return g if A is output else g.T

    return ours


def call_in_convention(
    network: Network, convention: Convention, sizes: list[int], upstream: Any, X: Any, Y: Any
) -> NetworkReading:
    """Call the network in one layout, at larger data too: some activations differ only far from 0.

    Errors: whatever it raises; NoGradients if nothing came back.
    """
    reading = call_at(network, convention, sizes, upstream, X, Y)
    if X is None and bends_further_out(reading):
        further = call_at(network, convention, sizes, upstream, X, Y, FURTHER)
        return further if further.forward is not None else reading
    return reading


def bends_further_out(reading: NetworkReading) -> bool:
    """Does the forward pass differ, at larger data, from the one that was recognised, as ReLU6 differs from ReLU?"""
    if reading.forward is None or reading.output is None:
        return False
    X, network = FURTHER * reading.X, reading.network
    x, y = reading.convention.theirs(X, reading.Y)
    try:
        passed = network.forward(reading.own(), x, y)
    except Exception:  # a stranger's code
        return False
    width = reading.sizes[-1]
    out = output_of(passed.named, passed.raw, width, X.shape[1], network.depth)
    if out is None or not np.isfinite(out).all():
        return False
    theirs = reading.convention.output(out, width).astype("float64")
    return not same_up_to_rounding(theirs, passes(reading.theta, X, reading.forward)["output"], out.dtype)


def call_at(
    network: Network, convention: Convention, sizes: list[int], upstream: Any, X: Any, Y: Any, size: float = 1.0
) -> NetworkReading:
    """Call the network at drawn parameters, and at X and Y or at drawn data times `size`."""
    theta, ours, labels = drawn_network(sizes, 1 if convention.single else None)
    ours = size * ours
    if X is not None:
        ours, labels = data_in_columns(X, Y, sizes, "columns" if convention.data == "columns" else "rows")
    if convention.single:
        ours, labels = ours[:, :1], labels[:, :1]
    own = convention.parameters(theta, network.arrays())
    affines = [() if not isinstance(p, Affine) else p for p in theta]
    theta = tuple(
        parameters_as_held(p, l, own, convention) if isinstance(p, Affine) else () for l, p in enumerate(affines)
    )
    x, y = convention.theirs(ours, labels)
    backward_pass = network.backward(own, x, y, upstream_function(upstream, convention, labels, y))
    if not backward_pass.gradients:
        raise NoGradients(f"it gives no gradient of {', '.join(sorted(network.found.paths, key=lambda n: (n[1:], n)))}")
    if backward_pass.updated and one_size(backward_pass.gradients):
        raise NoGradients(
            "it moves every entry by the same amount, as Adam does, which tells nothing of the gradient's size; "
            "let it return the gradients, or keep them in self.dW1, self.db1, …"
        )
    reading = NetworkReading(network, convention, sizes, theta, ours, labels, backward_pass)
    shapes = {name: A.shape for name, A in own.items()}
    reading.gradients = {
        name: convention.gradient(name, backward_pass.gradients[name], shapes[name])
        if name in backward_pass.gradients
        else None
        for name in network.found.paths
    }
    recognise(reading, own, x, y)
    return reading


def one_size(moved: dict[str, Array]) -> bool:
    """Do nearly all entries of an update have one size? Then the gradient was divided by its own, as in Adam."""
    sizes = np.concatenate([abs(np.asarray(g, "float64")).ravel() for g in moved.values()])
    sizes = sizes[sizes > 0]
    return bool(sizes.size > 8 and (abs(sizes / np.median(sizes) - 1) < 0.01).mean() > 0.9)


def parameters_as_held(p: Affine, l: int, own: dict[str, Array], convention: Convention) -> Affine:
    """A layer's parameters, rounded to the person's precision; a bias that they do not have is zero."""
    k = l // 2 + 1
    W = own[f"W{k}"].astype("float64")
    b = own[f"b{k}"].astype("float64").reshape(-1, 1) if f"b{k}" in own else np.zeros_like(p.b)
    return Affine(W.T.copy() if convention.weights == "rows" else W, b)


def data_in_columns(X: Array, Y: Array, sizes: list[int], layout: str) -> tuple[Array, Array]:
    """A person's own data as columns and one-hot; X is read in the network's own layout where it is square.

    Errors: Unfit where they do not fit the network.
    """
    X, Y = np.asarray(X, dtype="float64"), np.asarray(Y)
    X = X.reshape(len(X), -1) if X.ndim > 2 else X
    try:
        X, columns = examples_in_columns(X, sizes[0], layout)
    except LayoutError:
        raise Unfit(f"data of which an example has {sizes[0]} numbers, as the network takes: X is {X.shape}") from None
    N = X.shape[1]
    if Y.size == N:  # also labels that were stored as floats
        return X, one_hot(Y.reshape(-1).astype(int), sizes[-1], "float64")
    try:
        return X, labels_in_columns(Y, sizes[-1], N, columns)[0]
    except LayoutError as error:
        raise Unfit(str(error)) from None


def network_name(network: Network, purpose: str) -> str:
    """What the person calls a function."""
    f = network.functions.get(purpose)
    return f if isinstance(f, str) else str(getattr(f, "__name__", "the function"))


def recognise(reading: NetworkReading, own: dict[str, Array], x: Any, y: Any) -> None:
    """Find which forward pass and loss they have, and how many gradients agree with the reference's."""
    network, width, N = reading.network, reading.sizes[-1], reading.X.shape[1]
    passed = network.forward(own, x, y)
    out = output_of(passed.named, passed.raw, width, N, network.depth)
    if out is not None:
        reading.output = reading.convention.output(out, width).astype("float64")
        reading.forward = recognised_forward(reading.theta, reading.X, reading.output, out.dtype)
    try:
        reading.loss = loss_as_number(network.loss_at(own, x, y), N)
    except Exception as error:
        reading.silent = f"the file's loss could not be called ({sentence(error, network.source)})"
    if reading.loss is not None:
        if reading.output is None:
            reading.forward = forward_by_loss(reading)
        reading.loss_kind = recognised_loss(probabilities(reading), reading.Y, reading.loss, reading.dtype)
    layers = layers_of(reading.forward.activations if reading.forward else activations_by_name(reading), reading.sizes)
    reading.case = Case.of(layers, reading.theta, reading.X, reading.Y)
    truth = reading.case.gradients
    if network_step := length_of_step(reading):
        reading.backward_pass = replace(reading.backward_pass, step=network_step)
        reading.gradients = {n: None if g is None else g / network_step for n, g in reading.gradients.items()}
    reading.agreeing = sum(
        g is not None and same_up_to_rounding(g, truth[name], reading.dtype) for name, g in reading.gradients.items()
    )


def length_of_step(reading: NetworkReading) -> float | None:
    """The factor between an update and rate · gradient, such as 1 − β of a momentum.

    A step may have any length, so a factor by itself is no mistake; a factor such as N, with a meaning, may be one.
    """
    assert reading.case is not None
    if not reading.backward_pass.updated or any(g is None for g in reading.gradients.values()):
        return None
    factors = [
        c for n, g in reading.gradients.items() if (c := factor_to_reference(np.asarray(g), n, reading)) is not None
    ]
    shared = [c for c in factors if sum(abs(c - other) < STEP * c for other in factors) > 1]
    if not shared or abs(shared[0] - 1) < STEP:
        return None
    means = recognised_factor(Number(shared[0], STEP * shared[0], True), reading.X.shape[1], reading.sizes[-1], None)
    return shared[0] if means is not None and means.without_meaning else None


def factor_to_reference(g: Array, name: str, reading: NetworkReading) -> float | None:
    """The positive factor between one update and the reference's gradient; None where there is none."""
    assert reading.case is not None
    t = reading.case.gradients[name]
    if g.shape != t.shape or not (t * t).any() or not np.isfinite(g).all():
        return None
    c = nearest_factor(g, t)
    return c if c > 0 and same_up_to_rounding(g / c, t, reading.dtype) else None


def forward_by_loss(reading: NetworkReading) -> Forward | None:
    """The forward pass whose mean cross-entropy equals their loss, for a network that returns no output."""
    for chosen, fault in ways_of_hidden_layers(len(reading.sizes) - 1):
        way = Forward(chosen, SOFTMAX, fault)
        if reading.loss is not None:
            P = passes(reading.theta, reading.X, way)["output"]
            kind = recognised_loss(P, reading.Y, reading.loss, reading.dtype)
            if kind and not kind.design:
                return way
    return None


def activations_by_name(reading: NetworkReading) -> tuple[str, ...]:
    """The activation that the file's names suggest, where its numbers do not decide."""
    source = reading.network.source
    words = "\n".join(source.lines).lower() if source else ""
    written = [name for name in activations() if any(re.search(word, words) for word in writing(name).words)]
    beside = {other for name in written for other in writing(name).beside}
    name = next((name for name in written if name not in beside), "relu")
    return (name,) * (len(reading.sizes) - 2)


def probabilities(reading: NetworkReading) -> Array:
    """Their output as probabilities: what the loss is a function of."""
    forward = reading.forward or Forward(activations_by_name(reading))
    if reading.forward is None and reading.output is not None:
        return reading.output
    if forward.output in (LOGITS, LOG_SOFTMAX):
        forward = Forward(forward.activations, SOFTMAX, forward.fault)
    return passes(reading.theta, reading.X, forward)["output"]


def loss_as_number(loss: Any, N: int) -> float | None:
    """A loss as one number; one number an example becomes their mean."""
    if loss is None:
        return None
    L = np.asarray(loss)
    if L.dtype.kind not in "fiu" or L.size not in (1, N):
        return None
    return float(L.mean())


def mean_cross_entropy(output: Array, Y: Array, forward: Forward | None) -> float:
    """The loss we take where the file has none: the mean cross-entropy of what forward returns.

    Shapes: output (K, N), Y (K, N)
    """
    if forward is not None and forward.output in (LOGITS, RECTIFIED):
        return float(softmax_cross_entropy.forward(output, Y))
    with np.errstate(all="ignore"):
        logs = output if forward is not None and forward.output is LOG_SOFTMAX else np.log(output)
        return float(-(logs[Y > 0] * Y[Y > 0]).sum() / Y.shape[1])
