"""Random correct networks judged against balls: every entry of every gradient within the allowed multiple of u S."""

import argparse
import json
import sys
from collections import Counter, defaultdict
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, field
from functools import partial

import numpy as np

import nnref
from nnref.checking.reference import balls, noise
from nnref.network import activations, named


@dataclass
class Found:
    """One network: where it was drawn, the worst entry as a share of what is allowed, and what could not be judged."""

    k: int
    regime: str
    activation: str
    dtype: str
    share: float | None = None
    entries: int = 0
    left_out: list[str] = field(default_factory=list)


def small(rng):
    """Up to four layers of up to nine units."""
    return [int(n) for n in rng.integers(1, 10, size=rng.integers(2, 6))]


def deep(rng):
    """Eight layers."""
    return [int(n) for n in rng.integers(1, 10, size=9)]


def wide(rng):
    """One layer of up to 512 units, and inputs as many."""
    return [int(n) for n in (rng.integers(1, 513), 2 ** rng.integers(5, 10), rng.integers(1, 11))]


def classes(rng):
    """Up to 2,000 classes."""
    return [int(n) for n in (rng.integers(1, 6), rng.integers(1, 6), rng.integers(500, 2001))]


REGIMES = {
    "small": small,
    "deep": deep,
    "wide": wide,
    "classes": classes,
    "large": small,
    "cancelling": small,
    "biases": small,
    "zeros": small,
    "saturated": small,
    "underflow": small,
    "sure": small,
    "lost": small,
    "equal": small,
    "tied": classes,
}
"""Where networks are drawn. Beyond sizes: weights and data up to 1e2 at once, sums whose large terms cancel, biases
beside which the weights are nothing, zeros and soft labels, activations and logits far out, products below 1e-38,
cancelling sums under probabilities that differ from the labels by a rounding, and sums of equal terms, whose roundings
all have one sign. In "lost" the rounding of cancelling sums is as large as what is left of them."""


def regime(k):
    """Four of a hundred networks are wide or have many classes: they cost as much as all the others."""
    rare = {0: "wide", 33: "classes", 50: "tied", 66: "wide"}
    common = [name for name in REGIMES if name not in rare.values()]
    return rare.get(k % 100) or common[k % len(common)]


DRAWN = ("relu", "sigmoid", "tanh")
"""The activations of the fuzz where none is asked for: those whose terms of S are tried one by one."""


def network(k, where=None, of=None):
    """Network k: its regime and activation (or others), theta, X and Y in one dtype."""
    rng = np.random.default_rng([k, 6])
    where = where or regime(k)
    activation, dtype = str(rng.choice(DRAWN)), str(rng.choice(["float32", "float64"]))
    activation = of or activation
    sizes = REGIMES[where](rng)
    N = int(rng.integers(1, 9))
    weights, data = (2.0, 2.0) if where == "large" else rng.uniform(-3, 2, size=2) / (4 if where == "deep" else 1)
    biases = {"biases": 4, "saturated": 2}.get(where, 0)
    layers = nnref.mlp(sizes, activation)
    X = 10**data * rng.standard_normal((sizes[0], N))
    theta = [
        [10**weights * p.W, 10**biases * rng.standard_normal(p.b.shape) * (k % 4 != 0)] if p else ()
        for p in nnref.initialise(layers, seed=k)
    ]
    if where in ("cancelling", "sure", "lost"):  # Z = w x − w x + what is left: small beside its terms
        layers = nnref.mlp([2 * sizes[0], *sizes[1:]], activation)
        W, b = theta[0]
        W *= 10 ** rng.uniform(-4, 0, size=b.shape)
        left = 10 ** rng.uniform(*((-3, 1) if where == "sure" else (-2, 4))) * noise.unit(dtype)
        theta[0] = [np.concatenate([W, (left - 1) * W], axis=1), b * rng.choice([0, 1e-3])]
        X = 10 ** rng.uniform(-2, 8) * np.concatenate([X, X])
        theta[-1][0] *= 10 ** rng.uniform(-4, 0)
    if where == "lost":
        left = 10 ** rng.uniform(-1, 1) * noise.unit(dtype)
        theta[0] = [np.concatenate([W, (left - 1) * W], axis=1), b * rng.choice([0, 1e-3])]
        X *= 10 ** rng.uniform(-1, 2) / (noise.unit(dtype) * (abs(theta[0][0]) @ abs(X)).max())
    if where == "sure":  # the logit of one class stands out by as much as makes 1 − p a rounding of p
        theta[-1][1] = theta[-1][1] * 0
        theta[-1][1][0] = -np.log(noise.unit(dtype)) * rng.uniform(0.8, 1.5)
    if where == "underflow":
        X *= 10.0 ** (rng.uniform(-42, -34) if dtype == "float32" else rng.uniform(-318, -300))
    if where == "zeros":
        X *= rng.random(X.shape) > 0.5
        X[:, 0] = 0
    if where in ("equal", "tied"):  # one number for every weight of a layer, one example repeated
        theta = [[p[0] * 0 + p[0].flat[0], p[1] * 0 + p[1].flat[0]] if p else () for p in theta]
        X = X * 0 + X.flat[0]
        theta[-1][1][0] += rng.uniform(0, 8)  # one class stands out, as where biases begin at the log of frequencies
    labels = nnref.one_hot(rng.integers(0, sizes[-1], N) * (where != "sure"), sizes[-1])
    Y = rng.dirichlet(np.ones(sizes[-1]), N).T if where == "zeros" and k % 3 == 0 else labels
    with np.errstate(under="ignore"):
        theta = tuple(nnref.Affine(*(q.astype(dtype) for q in p)) if p else () for p in theta)
        return Found(k, where, activation, dtype), layers, theta, X.astype(dtype), Y.astype(dtype)


def judged(found, layers, theta, X, Y):
    """(gap / u of every entry by name, layers, theta, X, Y) without the examples that rounding puts over a kink.

    What is left out is written into found, by layer, unit and example. None if nothing is left, or no number is.
    """
    examples = np.arange(X.shape[1])
    with np.errstate(over="ignore", invalid="ignore"):
        while len(examples):
            X_s, Y_s = np.ascontiguousarray(X[:, examples]), np.ascontiguousarray(Y[:, examples])
            A, G = activations(layers, theta, X_s), nnref.gradients(layers, theta, X_s, Y_s)
            if not all(np.isfinite(g).all() for g in [*A, *named(G).values()]):
                found.left_out.append(f"network {found.k}: overflows in {found.dtype}")
                return None
            E = balls.enclosures(layers, theta, X_s, Y_s)
            crossed = balls.other_side(layers, E, A)
            if not crossed:
                ones = tuple(nnref.Affine(np.ones_like(p.W), np.ones_like(p.b)) if p else () for p in theta)
                return balls.multiples_in_balls(G, E, ones, found.dtype), layers, theta, X_s, Y_s
            found.left_out += [
                f"network {found.k}: unit {unit} of layer {layer}, example {examples[s]}" for layer, unit, s in crossed
            ]
            examples = np.delete(examples, [s for _, _, s in crossed])
    return None


def share(gaps, layers, theta, X, Y):
    """The largest |error| / (u S) as a share of what is allowed; infinite where an exact zero is none."""
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        S = named(noise.scale(layers, theta, X, Y, X.dtype))
        worst = max(float(np.where(gaps[p] == 0, 0, gaps[p] / S[p]).max()) for p in S)
    return worst / noise.allowed(layers, theta, X.shape[1])


def examined(k, of=None):
    """Network k, of its own activation or another one, judged."""
    found, *case = network(k, of=of)
    measured = judged(found, *case)
    if measured:
        found.share = share(*measured)
        found.entries = sum(gap.size for gap in measured[0].values())
    return found


def fuzz(networks, start=0, processes=1, of=None):
    """What was found in so many networks, from number start on."""
    numbers, one = range(start, start + networks), partial(examined, of=of)
    if processes == 1:
        return [one(k) for k in numbers]
    with ProcessPoolExecutor(processes) as pool:
        return list(pool.map(one, numbers, chunksize=20))


def summary(found):
    """Counts, the alarms, and the worst share of the allowed multiple by regime, activation and dtype."""
    by = defaultdict(lambda: defaultdict(float))
    for f in found:
        for what in (f.regime, f.activation, f.dtype):
            by[what]["networks"] += 1
            by[what]["worst"] = max(by[what]["worst"], f.share or 0.0)
    return {
        "networks": len(found),
        "judged": sum(f.share is not None for f in found),
        "entries": sum(f.entries for f in found),
        "alarms": [asdict(f) for f in found if f.share is not None and not f.share <= 1],
        "left_out": [line for f in found for line in f.left_out],
        "left_out_by_kind": Counter(
            "overflow" if "overflows" in line else "rectifier" for f in found for line in f.left_out
        ),
        "worst": {what: {k: round(v, 4) for k, v in d.items()} for what, d in sorted(by.items())},
    }


def told(result):
    """The summary with whether all is well, and its figure: the worst entry as a share of what is allowed."""
    worst, kinds = max(d["worst"] for d in result["worst"].values()), result["left_out_by_kind"]
    return {
        "ok": bool(result["judged"]) and not result["alarms"],
        "figure": f"{result['networks']:,} correct networks, {result['entries']:,} entries, {len(result['alarms'])} "
        f"false alarms; the worst is at {worst:.0%} of the allowed multiple of u S; "
        f"left out by name: {kinds['overflow']} networks that overflow, {kinds['rectifier']} units that rounding put "
        f"over their kink; {result['judged']:,} networks had examples left to judge",
    } | result


def options(argv=None):
    """What is asked for on the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz_noise", description=__doc__)
    parser.add_argument("--activation", help="one for all networks (default: relu, sigmoid and tanh by turns)")
    parser.add_argument("--networks", type=int, default=10_000)
    parser.add_argument("--start", type=int, default=0)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="one JSON object")
    return parser.parse_args(argv)


def main(argv=None):
    """Print every example that was left out by name, then the counts (with --json: one object)."""
    chosen = options(argv)
    said = told(summary(fuzz(chosen.networks, chosen.start, chosen.processes, chosen.activation)))
    print(json.dumps(said) if chosen.json else "\n".join(lines(said)))
    return 0 if said["ok"] else 1


def lines(said):
    """The report for a reader."""
    yield from said["left_out"]
    yield said["figure"]
    yield from map(str, said["alarms"][:3])
    for what, d in said["worst"].items():
        yield f"{what:10} {d['networks']:6.0f} networks, worst {d['worst']:.1%} of what is allowed"


if __name__ == "__main__":
    sys.exit(main())
