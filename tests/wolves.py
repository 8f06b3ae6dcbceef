"""Random correct networks, on which a gradient check must not cry wolf, and losses that mislead the complex step."""

import argparse
from collections import Counter

import numpy as np

import nnref
from nnref.checking.gradcheck import gradcheck


def network(k):
    """Network k: sizes 1..9, every activation, float64 and float32, scales 1e-3..1e2, dead pixels, some zero biases."""
    rng = np.random.default_rng([k, 20])
    activation, dtype = ("relu", "tanh", "sigmoid")[k % 3], ("float64", "float32")[k // 3 % 2]
    sizes = [int(n) for n in rng.integers(1, 10, size=rng.integers(2, 5))]
    layers = nnref.mlp(sizes, activation)
    factor = 10 ** rng.uniform(-1, 1)
    theta = tuple(
        type(p)((p.W * factor).astype(dtype), (rng.standard_normal(p.b.shape) * (k % 4 != 0)).astype(dtype))
        if p
        else ()
        for p in nnref.initialise(layers, seed=k)
    )
    N = int(rng.integers(1, 9))
    shown = rng.random((sizes[0], N)) > 0.2 * (k % 2)
    X = (10 ** rng.uniform(-3, 2) * rng.standard_normal((sizes[0], N)) * shown).astype(dtype)
    return layers, theta, X, nnref.one_hot(rng.integers(0, sizes[-1], N), sizes[-1])


def judged(networks, start=0):
    """How many entries of so many correct networks were judged how, and the numbers of the networks called wrong."""
    counts, alarms = Counter(), []
    for k in range(start, start + networks):
        layers, theta, X, Y = network(k)
        report = gradcheck(
            lambda t, a=layers, X=X, Y=Y: nnref.loss(a, t, X, Y),
            theta,
            lambda t, a=layers, X=X, Y=Y: nnref.gradients(a, t, X, Y),
            entries=20,
        )
        for entry in report.entries:
            counts += Counter(
                checked=entry.checked,
                wrong=entry.wrong,
                cannot_tell=entry.cannot_tell,
                kinks=entry.subgradients,
            )
        alarms += [k] * bool(report.wrong)
    return counts, alarms


def main():
    """Print the counts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--networks", type=int, default=10_000)
    parser.add_argument("--start", type=int, default=0)
    arguments = parser.parse_args()
    counts, alarms = judged(arguments.networks, arguments.start)
    print(f"{arguments.networks} correct networks, {len(alarms)} false alarms {alarms[:10]}")
    print(", ".join(f"{n} {what.replace('_', ' ')}" for what, n in counts.items()))
    raise SystemExit(bool(alarms))


LOSSES = {
    "float(L)": (lambda x: float(np.real((x**3).sum())), lambda x: 3 * x**2),
    "astype(float)": (lambda x: (x.astype(float) ** 3).sum(), lambda x: 3 * x**2),
    "real buffer": (lambda x: (np.multiply(x.real, x.real) * x).sum(), lambda x: 3 * x**2),
    "abs": (lambda x: (np.abs(x) ** 3).sum(), lambda x: 3 * x**2 * np.sign(x)),
    "norm": (lambda x: np.linalg.norm(x) ** 2 + x.sum(), lambda x: 2 * x + 1),
    "vdot": (lambda x: np.vdot(x, x) + x.sum(), lambda x: 2 * x + 1),
    "conj": (lambda x: (x.conj() * x).sum() + x.sum(), lambda x: 2 * x + 1),
    "(z+|z|)/2": (lambda x: (((x + np.abs(x)) / 2) ** 2).sum(), lambda x: x + np.abs(x)),
}
"""Losses that take complex numbers and lie about the slope, with their true gradients."""

if __name__ == "__main__":
    main()
