"""Forty-odd kinds of functions, right and with planted mistakes: what the black-box check says of each.

Every kind is a loss with its gradient, written by hand. A mistake is one entry that is off by a share of itself, from a
tenth to a millionth.
"""

import argparse
import json
import sys
from collections import Counter
from itertools import islice

import numpy as np
from scipy import special

from nnref.checking.gradcheck.gradcheck import gradcheck
from tests.untrue import untrue

SHARES = (1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6)
"""By what share of itself the planted entry is off."""


def rest(x, k):
    """x without entry k."""
    return np.delete(x, k)


def normalised(x):
    """x / |x|, whose sum of cubes is the loss, with its gradient."""
    n = np.sqrt((x**2).sum())
    return 3 * x**2 / n**3 - 3 * x * (x**3).sum() / n**5


def soft(x):
    """The softmax of a vector."""
    e = np.exp(x - x.real.max())
    return e / e.sum()


WEIGHTS = np.array([0.7, -1.3, 0.4, 2.1, -0.6, 1.7])
SQUARE = np.random.default_rng(11).standard_normal((6, 6)) + 4 * np.eye(6)
TIED = np.array([0.3, 1.2, -0.5, 2.0, 0.9, -1.4])


def as_matrix(x):
    """Six numbers as a matrix of 2 × 3."""
    return x.reshape(2, 3)


def determinant(x):
    """log |det| of a matrix that x moves."""
    return np.log(np.linalg.det(SQUARE + np.diag(x)))


def scaled(s):
    """A loss whose parameters are of size s, and whose slopes are of size 1 / s."""
    return (lambda x: (np.cos(x / s) * WEIGHTS).sum(), lambda x: -np.sin(x / s) * WEIGHTS / s, lambda x: s * x)


SMOOTH = {
    "squares": (lambda x: (x**2).sum(), lambda x: 2 * x),
    "cubes": (lambda x: (x**3).sum(), lambda x: 3 * x**2),
    "linear": (lambda x: (WEIGHTS * x).sum(), lambda x: WEIGHTS + 0 * x),
    "product": (lambda x: np.prod(x), lambda x: np.array([np.prod(rest(x, k)) for k in range(len(x))])),
    "quotient": (lambda x: x[0] / (x[1:] ** 2).sum(), lambda x: quotient(x)),
    "norm": (lambda x: np.linalg.norm(x), lambda x: x / np.linalg.norm(x)),
    "norm by hand": (lambda x: np.sqrt((x**2).sum()), lambda x: x / np.sqrt((x**2).sum())),
    "normalised": (lambda x: ((x / np.sqrt((x**2).sum())) ** 3).sum(), normalised),
    "log": (lambda x: np.log(x).sum(), lambda x: 1 / x, abs),
    "log1p": (lambda x: np.log1p(x).sum(), lambda x: 1 / (1 + x), abs),
    "x log x": (lambda x: (x * np.log(x)).sum(), lambda x: np.log(x) + 1, abs),
    "root": (lambda x: np.sqrt(x).sum(), lambda x: 0.5 / np.sqrt(x), abs),
    "cube root": (lambda x: np.cbrt(x).sum(), lambda x: np.cbrt(x) / (3 * x)),
    "reciprocal": (lambda x: (1 / x).sum(), lambda x: -1 / x**2),
    "power": (lambda x: (x**2.5).sum(), lambda x: 2.5 * x**1.5, abs),
    "exp": (lambda x: np.exp(x).sum(), np.exp),
    "exp of exp": (lambda x: np.exp(np.exp(x)).sum(), lambda x: np.exp(np.exp(x)) * np.exp(x)),
    "softmax": (lambda x: (soft(x) * WEIGHTS).sum(), lambda x: soft(x) * (WEIGHTS - (soft(x) * WEIGHTS).sum())),
    "log-sum-exp": (lambda x: np.log(np.exp(x).sum()), soft),
    "sigmoid": (lambda x: special.expit(x).sum(), lambda x: special.expit(x) * special.expit(-x)),
    "tanh": (lambda x: np.tanh(x).sum(), lambda x: 1 - np.tanh(x) ** 2),
    "erf": (lambda x: special.erf(x).sum(), lambda x: 2 / np.sqrt(np.pi) * np.exp(-(x**2))),
    "gamma": (lambda x: special.gammaln(x).sum(), special.digamma, lambda x: 1 + abs(x)),
    "sine": (lambda x: np.sin(x).sum(), np.cos),
    "fast sine": (lambda x: np.sin(50 * x).sum(), lambda x: 50 * np.cos(50 * x)),
    "arctangent": (lambda x: np.arctan2(x[:3], x[3:]).sum(), lambda x: arctangents(x)),
    "determinant": (determinant, lambda x: np.diag(np.linalg.inv(SQUARE + np.diag(x))).copy()),
    "inverse": (
        lambda x: (np.linalg.inv(SQUARE + np.diag(x)) @ WEIGHTS).sum(),
        lambda x: -np.linalg.inv(SQUARE + np.diag(x)).sum(axis=0) * (np.linalg.inv(SQUARE + np.diag(x)) @ WEIGHTS),
    ),
    "quadratic form": (lambda x: x @ SQUARE @ x, lambda x: (SQUARE + SQUARE.T) @ x),
    "trace of a product": (lambda x: np.trace(as_matrix(x) @ as_matrix(x).T), lambda x: 2 * x),
    "variance": (lambda x: ((x - x.mean()) ** 2).mean(), lambda x: 2 * (x - x.mean()) / x.size),
    "variance far away": (
        lambda x: ((x - x.mean()) ** 2).mean(),
        lambda x: 2 * (x - x.mean()) / x.size,
        lambda x: 1e6 + x,
    ),
    "cumulative sums": (lambda x: (np.cumsum(x) ** 2).sum(), lambda x: 2 * np.cumsum(np.cumsum(x)[::-1])[::-1]),
    "convolution": (lambda x: (np.convolve(x, WEIGHTS) ** 2).sum(), lambda x: convolution(x)),
    "polynomial": (lambda x: np.polyval(WEIGHTS, x).sum(), lambda x: np.polyval(np.polyder(WEIGHTS), x)),
    "fourth power near 0": (lambda x: (x**4).sum(), lambda x: 4 * x**3, lambda x: 1e-3 * x),
    "one plus little": (lambda x: 1 + 1e-6 * (x**2).sum(), lambda x: 2e-6 * x),
    "much plus little": (lambda x: 1e6 + (x**2).sum(), lambda x: 2 * x),
    "unlike scales": (lambda x: (np.logspace(-3, 3, 6) * x**2).sum(), lambda x: 2 * np.logspace(-3, 3, 6) * x),
    "most unused": (lambda x: x[0] ** 2 + x[3] ** 2, lambda x: 2 * x * np.isin(np.arange(6), (0, 3))),
}
KINKED = {
    "absolute value": (lambda x: np.abs(x).sum(), np.sign),
    "rectifier": (lambda x: (np.maximum(0, x) * WEIGHTS).sum(), lambda x: (x > 0) * WEIGHTS),
    "clip": (lambda x: np.clip(x, -1, 1).sum(), lambda x: (abs(x) < 1) * 1.0),
    "maximum": (np.max, lambda x: (np.arange(len(x)) == np.argmax(x)) * 1.0),
    "sort": (lambda x: (np.sort(x) * WEIGHTS).sum(), lambda x: WEIGHTS[np.argsort(np.argsort(x))]),
    "top 3": (lambda x: np.sort(x)[-3:].sum(), lambda x: (np.argsort(np.argsort(x)) >= 3) * 1.0),
    "median": (np.median, lambda x: np.isin(np.argsort(np.argsort(x)), (2, 3)) * 0.5),
    "distances": (lambda x: np.abs(x[:, None] - x[None]).sum(), lambda x: 2 * np.sign(x[:, None] - x).sum(axis=1)),
    "Huber": (lambda x: huber(x).sum(), lambda x: np.clip(x, -1, 1)),
}
SCALES = {f"size {s:g}": scaled(s) for s in (1e-30, 1e-18, 1e-9, 1e-3, 1e3, 1e9, 1e18, 1e30)}
KINDS = SMOOTH | KINKED | SCALES
COARSE = ("squares", "cubes", "softmax", "log-sum-exp", "tanh", "quadratic form", "rectifier", "norm by hand")
"""Kinds whose gradient is also judged as float32 and float16 give it."""


def quotient(x):
    """The gradient of x0 / (x1² + …)."""
    q = (x[1:] ** 2).sum()
    return np.concatenate([[1 / q], -2 * x[0] * x[1:] / q**2])


def arctangents(x):
    """The gradient of Σ atan2(a, b): b / (a² + b²) and −a / (a² + b²)."""
    a, b = x[:3], x[3:]
    return np.concatenate([b, -a]) / np.tile(a**2 + b**2, 2)


def convolution(x):
    """The gradient of Σ (x ∗ w)²: 2 w ⋆ (x ∗ w)."""
    return 2 * np.correlate(np.convolve(x, WEIGHTS), WEIGHTS, "valid")


def huber(x):
    """The Huber loss of every entry."""
    return np.where(abs(x) < 1, x**2 / 2, abs(x) - 0.5)


def cases():
    """Every kind by name, as (loss, gradient, dtype, where it is looked at)."""
    for name, (loss, gradient, *placed) in KINDS.items():
        yield name, loss, gradient, "float64", placed[0] if placed else (lambda x: x)
    for name in COARSE:
        loss, gradient, *_ = KINDS[name]
        for dtype in ("float32", "float16"):
            yield f"{name}, {dtype}", loss, gradient, dtype, lambda x: x


def planted(g, share, rng):
    """The gradient with one entry off by a share of itself, drawn among those that are not 0."""
    wrong = g.copy()
    k = rng.choice(np.flatnonzero(g))
    wrong[k] *= 1 + share
    return wrong


def verdict(loss, x, g, method):
    """What the check says: ok, wrong or cannot tell, and why."""
    report = gradcheck(loss, x, g, method=method)
    entry = report.entries[0]
    return entry.verdict, entry.reason


def judged(seeds, every=1):
    """Counts by kind, or by every so many of them: for the right gradient, and for each share of the planted ones."""
    table = {}
    for name, loss, gradient, dtype, placed in islice(cases(), 0, None, every):
        counts = table[name] = Counter()
        for seed in range(seeds):
            rng = np.random.default_rng([seed, 40])
            x = placed(rng.standard_normal(6)).astype(dtype)
            g = gradient(x.astype("float64")).astype(dtype)
            for method in ("auto", "central"):
                counts["right", verdict(loss, x, g, method)[0]] += 1
                for share in SHARES:
                    wrong = planted(g, share, rng)
                    if np.array_equal(wrong, g):
                        counts[share, "no mistake"] += 1  # the dtype holds no such number
                    else:
                        counts[share, verdict(loss, x, wrong, method)[0]] += 1
    return table


def missed(counts):
    """The planted mistakes of one kind that got ok, by their share."""
    return [(share, counts[share, "ok"]) for share in SHARES]


def summary(seeds=2, losses=1000, every=1):
    """What came of every kind, or of every so many of them, as plain data."""
    table = judged(seeds, every)
    added = sum(table.values(), Counter())
    alarms = [name for name, counts in table.items() if counts["right", "WRONG"]]
    outcomes = {said: sum(added[share, said] for share in SHARES) for said in ("WRONG", "cannot tell", "ok")}
    doubles = sum(n for name, counts in table.items() if "float" not in name for share, n in missed(counts))
    fooled = untrue(losses)
    figure = (
        f"{len(table)} kinds, {len(alarms)} false alarms; {sum(outcomes.values())} mistakes planted: "
        f"{outcomes['WRONG']} caught, {outcomes['cannot tell']} cannot be told, {outcomes['ok']} missed, "
        f"{doubles} of these in float64; {fooled['losses']} losses that are no functions, rounded or jumping: "
        f"{len(fooled['passed'])} wrong gradients ok, {len(fooled['accused'])} right ones wrong"
    )
    return {
        "ok": bool(outcomes["WRONG"]) and not alarms and not fooled["passed"] and not fooled["accused"],
        "figure": figure,
        "alarms": alarms,
        "table": {name: {" ".join(map(str, key)): n for key, n in counts.items()} for name, counts in table.items()},
        "fooled": fooled,
    }


def lines(said):
    """The table as text: a kind a line, for the right gradient and for each share of the planted mistakes."""
    yield f"{'kind':<24}{'right':>14}" + "".join(f"{share:>12g}" for share in SHARES)
    for name, counts in said["table"].items():
        cells = [
            f"{counts.get(f'{of} {right}', 0)}/{counts.get(f'{of} cannot tell', 0)}/{counts.get(f'{of} {other}', 0)}"
            for of, right, other in [("right", "ok", "WRONG"), *((share, "WRONG", "ok") for share in SHARES)]
        ]
        yield f"{name:<24}{cells[0]:>14}" + "".join(f"{cell:>12}" for cell in cells[1:])
    yield "right: ok/cannot tell/wrong; planted: caught/cannot tell/missed"
    yield from (f"passed: {name}" for name in said["fooled"]["passed"])
    yield from (f"accused: {name}" for name in said["fooled"]["accused"])
    yield said["figure"]


def options(argv=None):
    """What is asked for on the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.kinds", description=__doc__)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--losses", type=int, default=1000)
    parser.add_argument("--every", type=int, default=1, help="take every so many of the kinds")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    return parser.parse_args(argv)


def main(argv=None):
    """Print the table; exit 1 if anything right was called wrong, or a loss that is no function fooled the check."""
    chosen = options(argv)
    said = summary(chosen.seeds, chosen.losses, chosen.every)
    print(json.dumps(said) if chosen.json else "\n".join(lines(said)))
    return 0 if said["ok"] else 1


if __name__ == "__main__":
    sys.exit(main())
