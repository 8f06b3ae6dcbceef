"""Gradient checkers on the same networks: does a correct one pass, is a wrong one caught, is it said what is wrong?

Every checker is used as its documentation shows, in float64, with its default step and tolerances. Correct networks
have rectifiers, whose kinks a step may cross. Mistakes are planted in one parameter's gradient of a tanh network.
"""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Callable, Iterator
from time import perf_counter
from typing import Any

import numpy as np

import nnref
from nnref.threads import one_blas_thread

NAMES = ("W1", "b1", "W2", "b2")
SIZES = (5, 4, 3)
N = 6


class Problem:
    """A network of one hidden layer, its data, and its gradient with one mistake, or none."""

    def __init__(
        self, seed: int, activation: str, mistake: Callable[..., Any] | None, sizes: Any, examples: int
    ) -> None:
        rng = np.random.default_rng(seed)
        self.layers = nnref.mlp(sizes, activation)
        self.activation, self.mistake = activation, mistake
        theta = nnref.named(nnref.initialise(self.layers, seed))
        self.theta = {p: A + 0.1 * rng.standard_normal(A.shape) for p, A in theta.items()}
        self.X = rng.standard_normal((sizes[0], examples))
        self.Y = nnref.one_hot(rng.integers(0, sizes[-1], examples), sizes[-1], "float64")

    def parameters(self, theta: Any) -> Any:
        """By name -> as nnref holds them."""
        return nnref.network.unnamed(theta, self.layers)

    def loss(self, theta: Any) -> Any:
        """The mean cross-entropy."""
        return nnref.loss(self.layers, self.parameters(theta), self.X, self.Y)

    def gradients(self, theta: Any) -> Any:
        """Its gradient, and the mistake in it."""
        g = nnref.named(nnref.gradients(self.layers, self.parameters(theta), self.X, self.Y))
        return g | self.mistake(g, self) if self.mistake else g


def last_row_missing(g: Any, it: Problem) -> Any:
    """As a loop that ends one row early."""
    W = g["W1"].copy()
    W[-1] = 0
    return {"W1": W}


def slope_of_input(g: Any, it: Problem) -> Any:
    """1 − Z² for 1 − A²."""
    Z = it.theta["W1"] @ it.X + it.theta["b1"]
    P = nnref.softmax.forward(it.theta["W2"] @ np.tanh(Z) + it.theta["b2"])
    dZ = it.theta["W2"].T @ ((P - it.Y) / it.X.shape[1]) * (1 - Z * Z)
    return {"W1": dZ @ it.X.T, "b1": dZ.sum(axis=1, keepdims=True)}


MISTAKES: dict[str, tuple[tuple[str, ...], Callable[..., Any]]] = {
    "sign": (("W2",), lambda g, it: {"W2": -g["W2"]}),
    "batch sum for the mean": (("W2",), lambda g, it: {"W2": it.X.shape[1] * g["W2"]}),
    "mean taken twice": (("b1",), lambda g, it: {"b1": g["b1"] / it.X.shape[1]}),
    "factor of two": (("W1",), lambda g, it: {"W1": 2 * g["W1"]}),
    "one number for a whole bias": (("b2",), lambda g, it: {"b2": np.full_like(g["b2"], g["b2"].sum())}),
    "zeros": (("b1",), lambda g, it: {"b1": 0 * g["b1"]}),
    "last row missing": (("W1",), last_row_missing),
    "slope of Z for A": (("W1", "b1"), slope_of_input),
    "one in a thousand": (("W2",), lambda g, it: {"W2": 1.001 * g["W2"]}),
    "weight decay left in": (("W1",), lambda g, it: {"W1": g["W1"] + 0.01 * it.theta["W1"]}),
}
"""What each mistake is called, which parameters it touches, and what it makes of the gradient."""


def ours(problem: Problem) -> str | None:
    """None if the check passes, else what it says."""
    report = nnref.gradcheck(problem.loss, problem.theta, problem.gradients)
    return None if report.ok else str(report)


def torch(problem: Problem) -> str | None:
    """torch.autograd.gradcheck over an autograd.Function."""
    import torch as t
    from torch.autograd.gradcheck import GradcheckError

    F, X, Y = t.nn.functional, t.from_numpy(problem.X), t.from_numpy(problem.Y)
    act = {"relu": t.relu, "tanh": t.tanh}[problem.activation]

    class Loss(t.autograd.Function):
        @staticmethod
        def forward(ctx: Any, *p: Any) -> Any:
            ctx.save_for_backward(*p)
            Z = p[2] @ act(p[0] @ X + p[1]) + p[3]
            return -(Y * F.log_softmax(Z, dim=0)).sum() / X.shape[1]

        @staticmethod
        def backward(ctx: Any, dL: Any) -> Any:
            theta = {p: A.detach().numpy() for p, A in zip(NAMES, ctx.saved_tensors, strict=True)}
            return tuple(dL * t.from_numpy(np.ascontiguousarray(g)) for g in problem.gradients(theta).values())

    inputs = tuple(t.from_numpy(problem.theta[p].copy()).requires_grad_() for p in NAMES)
    try:
        t.autograd.gradcheck(Loss.apply, inputs)
    except GradcheckError as error:
        return str(error)
    return None


def jax(problem: Problem) -> str | None:
    """jax.test_util.check_grads over a custom_vjp, by a callback to the numpy gradient."""
    import jax as j
    import jax.numpy as jnp
    from jax.test_util import check_grads

    j.config.update("jax_enable_x64", True)
    act = {"relu": j.nn.relu, "tanh": jnp.tanh}[problem.activation]

    @j.custom_vjp
    def loss(*p: Any) -> Any:
        Z = p[2] @ act(p[0] @ problem.X + p[1]) + p[3]
        return -(problem.Y * j.nn.log_softmax(Z, axis=0)).sum() / problem.X.shape[1]

    def backward(p: Any, dL: Any) -> Any:
        shapes = tuple(j.ShapeDtypeStruct(A.shape, A.dtype) for A in p)

        def numpy_gradients(*p: Any) -> Any:
            theta = {name: np.asarray(A) for name, A in zip(NAMES, p, strict=True)}
            return tuple(problem.gradients(theta).values())

        return tuple(dL * g for g in j.pure_callback(numpy_gradients, shapes, *p))

    loss.defvjp(lambda *p: (loss(*p), p), backward)
    try:
        check_grads(loss, tuple(jnp.asarray(problem.theta[p]) for p in NAMES), order=1, modes=["rev"])
    except AssertionError as error:
        return str(error)
    return None


def tensorflow(problem: Problem) -> str | None:
    """tf.test.compute_gradient and assertAllClose's default tolerances, over a custom_gradient."""
    import tensorflow as tf

    act = {"relu": tf.nn.relu, "tanh": tf.nn.tanh}[problem.activation]

    @tf.custom_gradient
    def loss(*p: Any) -> Any:
        Z = p[2] @ act(p[0] @ problem.X + p[1]) + p[3]
        value = -tf.reduce_sum(problem.Y * tf.nn.log_softmax(Z, axis=0)) / problem.X.shape[1]

        def backward(dL: Any) -> Any:
            def numpy_gradients(*p: Any) -> Any:
                return list(problem.gradients({name: A.numpy() for name, A in zip(NAMES, p, strict=True)}).values())

            return [dL * g for g in tf.py_function(numpy_gradients, p, [tf.float64] * len(p))]

        return value, backward

    theoretical, numerical = tf.test.compute_gradient(loss, [tf.constant(problem.theta[p]) for p in NAMES])
    try:
        tf.test.TestCase().assertAllClose(theoretical, numerical)
    except AssertionError as error:
        return str(error)
    return None


CHECKERS = {
    "nnref.gradcheck": (ours, "numpy"),
    "torch.autograd.gradcheck": (torch, "torch"),
    "jax.test_util.check_grads": (jax, "jax"),
    "tf.test.compute_gradient": (tensorflow, "tensorflow"),
}


def available(peers: bool) -> dict[str, Callable[[Problem], str | None]]:
    """The checkers that can run here; PyTorch and JAX only where they are asked for."""
    chosen = {name: c for name, c in CHECKERS.items() if peers or c[1] not in ("torch", "jax")}
    return {name: check for name, (check, package) in chosen.items() if importlib.util.find_spec(package)}


WHERE = {name: rf"\b{name}\b|(?:input|argument|arg|parameter)\W*{k}\b" for k, name in enumerate(NAMES)}
"""A message says where if it names the parameter, or its number among the inputs."""

WHAT = r"times the truth|row|column|transpos|sign|zero|averaged|summed|not reduced"
"""A message says what is wrong if it describes how the wrong numbers differ from the right ones."""


def measure(peers: bool, quick: bool) -> dict[str, Any]:
    """The pass rate on correct networks, the mistakes caught, where and what the message says, and the time of each."""
    checkers, networks = available(peers), 10 if quick else 60
    correct = [Problem(seed, "relu", None, (5, 8, 3), 64) for seed in range(networks)]
    found: dict[str, Any] = {}
    with one_blas_thread():
        for problem in correct:  # each network by every checker before the next
            for name, said, seconds in asked(checkers, problem):
                row = found.setdefault(name, {"passed": 0, "seconds_on_correct": 0.0, "mistakes": {}})
                row["passed"] += said is None
                row["seconds_on_correct"] += seconds
        for mistake, (where, plant) in MISTAKES.items():
            for name, said, seconds in asked(checkers, Problem(7, "tanh", plant, SIZES, N)):
                found[name]["mistakes"][mistake] = judged(said, where) | {"seconds": round(seconds, 4)}
    for row in found.values():
        row["seconds_on_correct"] = round(row["seconds_on_correct"], 2)
    setting = {"correct_networks": networks, "correct": "relu 5-8-3, N = 64", "wrong": "tanh 5-4-3, N = 6"}
    return {"setting": setting | {"mistakes": len(MISTAKES), "dtype": "float64"}, "checkers": found}


def asked(checkers: Any, problem: Problem) -> Iterator[tuple[str, str | None, float]]:
    """What each checker says of one problem, and how long it took."""
    for name, check in checkers.items():
        start = perf_counter()
        said = check(problem)
        yield name, said, perf_counter() - start


def judged(said: str | None, where: tuple[str, ...]) -> dict[str, Any]:
    """Whether the mistake was caught and located, whether anything else was blamed, and the message itself, cut."""
    if said is None:
        return {"caught": False}
    blamed = {p for p, pattern in WHERE.items() if any(re.search(pattern, line) for line in said.splitlines())}
    wrong = {p for p in blamed if not re.search(rf"^{p}\b.*\bok$", said, re.MULTILINE)}
    says = bool(re.search(WHAT, said))
    return {"caught": True, "says_where": wrong == set(where), "says_what": says, "message": said[:600]}


COLUMNS = ("", "correct networks passed", "mistakes caught", "says where", "says what", "seconds a correct network")


def rows(result: dict[str, Any]) -> list[list[str]]:
    """A row a checker."""
    n, total = result["setting"]["correct_networks"], result["setting"]["mistakes"]
    return [
        [
            name,
            f"{row['passed']} of {n}",
            *(
                f"{sum(bool(mistake.get(key)) for mistake in row['mistakes'].values())} of {total}"
                for key in ("caught", "says_where", "says_what")
            ),
            f"{row['seconds_on_correct'] / n:.3f}",
        ]
        for name, row in result["checkers"].items()
    ]
