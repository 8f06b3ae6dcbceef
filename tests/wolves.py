"""Random correct networks, on which a gradient check must not cry wolf, and losses that mislead the complex step."""

import argparse
import json
import re
import sys
from collections import Counter

import numpy as np

import nnref
from nnref.checking.gradcheck.gradcheck import gradcheck
from nnref.checking.results.findings import SURE


def widths(k, rng):
    """One network in twenty each is wide, has 2,000 classes, or eight layers; the rest have sizes 1..9."""
    special = {3: [9, 512, 5], 8: [4, 6, 2000], 13: [int(n) for n in rng.integers(2, 7, size=9)]}
    return special.get(k % 20) or [int(n) for n in rng.integers(1, 10, size=rng.integers(2, 5))]


def network(k):
    """Network k: relu, tanh or sigmoid, float64 or float32, inputs of size 1e-3..1e2, exact zeros, some zero biases."""
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


def summary(networks, start=0):
    """What came of so many correct networks, as plain data."""
    counts, reasons, alarms, worst = judged(networks, start)
    share = counts["cannot_tell"] / max(counts["checked"], 1)
    return {
        "ok": bool(counts["checked"]) and not alarms,
        "figure": f"{networks:,} correct networks, {len(alarms)} false alarms; {counts['checked']:,} entries checked, "
        f"{counts['kinks']} at kinks, {counts['cannot_tell']} cannot be told ({share:.2%}); float64 is off by "
        f"{worst:.2g} error bars at most, of the {SURE:.0f} that are wrong",
        "networks": networks,
        "counts": counts,
        "cannot tell": dict(reasons.most_common()),
        "alarms": alarms,
        "worst": worst,
    }


def options(argv=None):
    """What is asked for on the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.wolves", description=__doc__)
    parser.add_argument("--networks", type=int, default=10_000)
    parser.add_argument("--start", type=int, default=0)
    parser.add_argument("--json", action="store_true", help="one JSON object")
    return parser.parse_args(argv)


def main(argv=None):
    """Print the counts; exit 1 if any correct network is called wrong."""
    chosen = options(argv)
    said = summary(chosen.networks, chosen.start)
    lines = [f"false alarm: network {k}" for k in said["alarms"]]
    lines += [f"{n:>8}  {reason}" for reason, n in said["cannot tell"].items()]
    print(json.dumps(said) if chosen.json else "\n".join([*lines, said["figure"]]))
    return 0 if said["ok"] else 1


if __name__ == "__main__":
    sys.exit(main())
