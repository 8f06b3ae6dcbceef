"""Random correct networks, on which a gradient check must not cry wolf, and losses that mislead the complex step."""

import argparse
import re
from collections import Counter

import numpy as np

import nnref
from nnref.checking.gradcheck import gradcheck
from nnref.checking.where import SURE


def widths(k, rng):
    """One network in twenty each is wide, has 2,000 classes, or eight layers; the rest have sizes 1..9."""
    special = {3: [9, 512, 5], 8: [4, 6, 2000], 13: [int(n) for n in rng.integers(2, 7, size=9)]}
    return special.get(k % 20) or [int(n) for n in rng.integers(1, 10, size=rng.integers(2, 5))]


def network(k):
    """Network k: every activation, float64 and float32, inputs of scale 1e-3..1e2, exact zeros, some zero biases."""
    rng = np.random.default_rng([k, 20])
    activation, dtype = ("relu", "tanh", "sigmoid")[k % 3], ("float64", "float32")[k // 3 % 2]
    sizes = widths(k, rng)
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


def report_of(k):
    """The check of network k: every fifth by differences alone, every other one with gradients given as arrays."""
    layers, theta, X, Y = network(k)

    def gradients(at):
        return nnref.gradients(layers, at, X, Y)

    given = gradients if k % 2 else gradients(theta)
    method = "central" if k % 5 == 0 else "auto"
    return gradcheck(lambda at: nnref.loss(layers, at, X, Y), theta, given, entries=20, method=method)


def judged(networks, start=0):
    """How many entries of so many correct networks were judged how, why some were not told, and which cried wolf."""
    counts, reasons, alarms, worst = Counter(), Counter(), [], 0.0
    for k in range(start, start + networks):
        report = report_of(k)
        for entry in report.entries:
            counts += Counter(
                checked=entry.checked,
                wrong=entry.wrong,
                cannot_tell=entry.cannot_tell,
                kinks=entry.subgradients,
            )
            if entry.cannot_tell:
                reasons[re.sub(r"\S*\d\S*", "…", entry.reason)] += entry.cannot_tell
            if entry.worst and k // 3 % 2 == 0:  # float32 is called wrong only beyond what cancelling may do besides
                worst = max(worst, entry.worst.noises)
        alarms += [k] * bool(report.wrong)
    return counts, reasons, alarms, worst


def main():
    """Print the counts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--networks", type=int, default=10_000)
    parser.add_argument("--start", type=int, default=0)
    arguments = parser.parse_args()
    counts, reasons, alarms, worst = judged(arguments.networks, arguments.start)
    print(f"{arguments.networks:,} correct networks, {len(alarms)} false alarms {alarms[:10] or ''}")
    share = counts["cannot_tell"] / counts["checked"]
    print(
        f"{counts['checked']:,} entries checked, {counts['kinks']} at kinks, {counts['cannot_tell']} cannot be told "
        f"({share:.2%}); float64 is off by {worst:.2g} error bars at most, of the {SURE:.0f} that are wrong"
    )
    for reason, n in reasons.most_common():
        print(f"{n:>8}  {reason}")
    raise SystemExit(bool(alarms))


def real_buffer(x):
    """Copies into a buffer of real numbers, as a float array made beforehand does without a word but a warning."""
    buffer = np.empty(x.shape)
    buffer[...] = x
    return (buffer**2 * x).sum()


LOSSES = {
    "float(L)": (lambda x: float((x**3).sum()), lambda x: 3 * x**2),
    "astype(float)": (lambda x: (x.astype(float) ** 3).sum(), lambda x: 3 * x**2),
    "real buffer": (real_buffer, lambda x: 3 * x**2),
    "abs": (lambda x: (np.abs(x) ** 3).sum(), lambda x: 3 * x**2 * np.sign(x)),
    "norm": (lambda x: np.linalg.norm(x) ** 2 + x.sum(), lambda x: 2 * x + 1),
    "vdot": (lambda x: np.vdot(x, x) + x.sum(), lambda x: 2 * x + 1),
    "conj": (lambda x: (x.conj() * x).sum() + x.sum(), lambda x: 2 * x + 1),
    "(z+|z|)/2": (lambda x: (((x + np.abs(x)) / 2) ** 2).sum(), lambda x: x + np.abs(x)),
}
"""Losses that take complex numbers and lie about the slope, with their true gradients."""

if __name__ == "__main__":
    main()
