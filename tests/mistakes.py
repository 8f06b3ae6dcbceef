"""Planted mistakes in a backward pass written by hand, as people write them, and what the diagnosis makes of them.

python -m tests.mistakes [--json] plants every one alone, pairs of them, and those that the catalogue does not know.
"""

import argparse
import json
import sys
from collections import Counter
from itertools import combinations, pairwise
from types import SimpleNamespace

import numpy as np

import nnref
from nnref.checking.diagnosis.diagnose import diagnose
from nnref.checking.reference.intermediates import Case

REGIMES = {
    "distinct": ((5, 6, 4, 3), 7),
    "equal": ((4, 4, 4, 4), 4),
    "deep": ((3, 5, 4, 6, 2), 6),
    "shallow": ((6, 5, 3), 4),
    "zeros": ((5, 6, 4, 3), 7),
}
"""Widths and batch: all different, all the same, four layers, two layers, and with weighted sums that are exactly 0."""

G = {
    "relu": lambda Z: np.maximum(Z, 0),
    "tanh": np.tanh,
    "sigmoid": lambda Z: 1 / (1 + np.exp(-Z)),
}
SLOPE = {
    "relu": lambda Z, A: Z > 0,
    "tanh": lambda Z, A: 1 - A**2,
    "sigmoid": lambda Z, A: A * (1 - A),
}


def network(regime, activation, seed):
    """Weights and biases by layer, dense signed X, labels of every class."""
    sizes, N = REGIMES[regime]
    rng = np.random.default_rng([seed, len(sizes), N])
    W = {l: rng.standard_normal((m, n)) / np.sqrt(n) for l, (n, m) in enumerate(pairwise(sizes), 1)}
    b = {l: 0.5 * rng.standard_normal((len(W[l]), 1)) for l in W}
    X = rng.standard_normal((sizes[0], N))
    if regime == "zeros":
        X[:, 0], b[1][0], W[2][1], b[2][1] = 0, 0, 0, 0
    labels = rng.permutation(np.arange(N) % sizes[-1])
    return SimpleNamespace(W=W, b=b, X=X, Y=np.eye(sizes[-1])[:, labels], activation=activation, N=N)


def backward(net, wrong):
    """The gradients, by hand; wrong maps a line such as ("db", 2) to the function that stands in its place."""
    L, N = len(net.W), net.N
    s = SimpleNamespace(W=net.W, b=net.b, N=N, K=len(net.Y), L=L, Z={}, A={0: net.X}, dZs={}, Y=net.Y, grads={})
    s.g, s.slope = G[net.activation], SLOPE[net.activation]

    def line(name, l, right):
        s.l = l
        made = wrong[name, l](s) if (name, l) in wrong else right()
        if made is None:
            raise ValueError("this mistake cannot be made in this layer")
        return made

    for l in range(1, L + 1):
        s.Z[l] = net.W[l] @ s.A[l - 1] + net.b[l]
        s.A[l] = s.g(s.Z[l])
    E = np.exp(s.Z[L] - s.Z[L].max(axis=0))
    s.A[L] = E / E.sum(axis=0)
    s.P = s.A[L]
    s.Y = line("Y", L, lambda: s.Y)
    s.P = line("P", L, lambda: s.P)
    s.dA = None
    s.dZ = line("loss", L, lambda: (s.P - s.Y) / N)
    for l in range(L, 0, -1):
        s.dZ = line("after dZ", l, lambda: s.dZ)
        s.dZs[l] = s.dZ
        s.dW = line("dW", l, lambda l=l: s.dZ @ s.A[l - 1].T)
        s.grads[f"W{l}"] = s.dW = line("after dW", l, lambda: s.dW)
        s.db = line("db", l, lambda: s.dZ.sum(axis=1, keepdims=True))
        s.grads[f"b{l}"] = line("after db", l, lambda: s.db)
        if l > 1:
            s.dA = line("dA", l - 1, lambda l=l: net.W[l].T @ s.dZ)
            s.dZ = line("dZ", l - 1, lambda l=l: s.dA * s.slope(s.Z[l - 1], s.A[l - 1]))
    return s.grads


def scaled(name, factor):
    """A line's right value, times a factor of N and the number of classes."""
    return lambda s: getattr(s, name) * factor(s)


def last_only(s):
    return s.dZ * (np.arange(s.N) == s.N - 1)


def first_missing(s):
    return s.dZ * (np.arange(s.N) > 0)


def last_missing_from_the_mean(s):
    return s.dZ * (np.arange(s.N) < s.N - 1) * s.N / (s.N - 1)


def softmax_squared_error(s):
    d = 2 * (s.P - s.Y) / s.N
    return s.P * (d - (s.P * d).sum(axis=0))


FACTORS = {
    "scale.N": lambda s: s.N,
    "scale.1/N": lambda s: 1 / s.N,
    "scale.N²": lambda s: s.N**2,
    "scale.classes": lambda s: s.N / s.K,
    "scale.2": lambda s: 2,
    "scale.sign": lambda s: -1,
    "scale.constant": lambda s: 0.05,
}

TOP = [
    ("labels.class", "Y", lambda s: np.roll(s.Y, 1, axis=0)),
    ("labels.example", "Y", lambda s: np.roll(s.Y, 1, axis=1)),
    ("labels.smoothed", "Y", lambda s: 0.9 * s.Y + 0.1 / s.K),
    ("labels.missing", "Y", lambda s: 0 * s.Y),
    ("softmax.axis", "P", lambda s: np.exp(s.Z[s.L]) / np.exp(s.Z[s.L]).sum(axis=1, keepdims=True)),
    ("softmax.axis", "P", lambda s: np.exp(s.Z[s.L]) / np.exp(s.Z[s.L]).sum()),
    ("softmax.missing", "P", lambda s: s.Z[s.L]),
    ("softmax.sigmoid", "P", lambda s: 1 / (1 + np.exp(-s.Z[s.L]))),
    ("softmax.diagonal", "loss", lambda s: -s.Y / s.P * s.P * (1 - s.P) / s.N),
    ("softmax.skipped", "loss", lambda s: -s.Y / s.P / s.N),
    ("loss.squared", "loss", softmax_squared_error),
    ("loss.squared", "loss", lambda s: (s.P - s.Y) * s.P * (1 - s.P) / s.N),
    ("loss.slope", "loss", lambda s: (s.P - s.Y) / s.N * (s.Z[s.L] > 0)),
]
"""Mistakes at the output: the catalogue's key, the line, and what is written there."""

DELTAS = [
    *((key, "after dZ", scaled("dZ", factor)) for key, factor in FACTORS.items()),
    ("batch.one", "after dZ", last_only),
    ("batch.truncated", "after dZ", first_missing),
    ("batch.truncated", "after dZ", last_missing_from_the_mean),
    ("batch.order", "after dZ", lambda s: s.dZ[:, ::-1]),
    ("clipped.dZ", "after dZ", lambda s: np.clip(s.dZ, -0.05, 0.05)),
    ("precision.dZ", "after dZ", lambda s: s.dZ.astype("float32").astype("float64")),
]
HIDDEN = [
    ("slope.missing", "dZ", lambda s: s.dA),
    ("slope.other_layer", "dZ", lambda s: s.dA * s.slope(s.Z[s.l % (s.L - 1) + 1], s.A[s.l % (s.L - 1) + 1])),
    ("slope.activation", "dZ", lambda s: s.dA * s.A[s.l]),
    ("slope.activation", "dZ", lambda s: s.dA * s.Z[s.l]),
    ("dA.not_transposed", "dA", lambda s: s.W[s.l + 1] @ s.dZ),
    ("dA.other_weights", "dA", lambda s: s.W[s.l].T @ s.dZ),
    ("dA.updated_weights", "dA", lambda s: (s.W[s.l + 1] - 0.1 * s.dW).T @ s.dZ),
    ("dA.no_weights", "dA", lambda s: 1.0 * s.dZ if s.dZ.shape == s.Z[s.l].shape else None),
]
OWN = {
    "relu": [
        ("slope.inverted", "dZ", lambda s: s.dA * (s.Z[s.l] <= 0)),
        ("slope.at_zero", "dZ", lambda s: s.dA * (s.Z[s.l] >= 0)),
        ("slope.leaky", "dZ", lambda s: np.where(s.Z[s.l] > 0, s.dA, 0.01 * s.dA)),
        ("slope.other_activation", "dZ", lambda s: s.dA * np.where(s.Z[s.l] > 0, 1, np.exp(s.Z[s.l]))),
        ("slope.from_dA", "dZ", lambda s: s.dA * (s.dA > 0)),
        ("slope.other_activation", "dZ", lambda s: s.dA * (1 - np.tanh(s.Z[s.l]) ** 2)),
    ],
    "tanh": [
        ("slope.twice", "dZ", lambda s: s.dA * (1 - s.A[s.l] ** 2) * (1 - s.A[s.l] ** 2)),
        ("slope.argument", "dZ", lambda s: s.dA * (1 - np.tanh(s.A[s.l]) ** 2)),
        ("slope.argument", "dZ", lambda s: s.dA * (1 - s.Z[s.l] ** 2)),
        ("slope.other_activation", "dZ", lambda s: s.dA * (s.Z[s.l] > 0)),
        ("slope.other_activation", "dZ", lambda s: s.dA * s.A[s.l] * (1 - s.A[s.l])),
        ("slope.formula", "dZ", lambda s: s.dA * (1 - s.A[s.l])),
    ],
    "sigmoid": [
        ("slope.twice", "dZ", lambda s: s.dA * (s.A[s.l] * (1 - s.A[s.l])) ** 2),
        ("slope.argument", "dZ", lambda s: s.dA * G["sigmoid"](s.A[s.l]) * (1 - G["sigmoid"](s.A[s.l]))),
        ("slope.argument", "dZ", lambda s: s.dA * s.Z[s.l] * (1 - s.Z[s.l])),
        ("slope.other_activation", "dZ", lambda s: s.dA * (s.Z[s.l] > 0)),
        ("slope.other_activation", "dZ", lambda s: s.dA * (1 - s.A[s.l] ** 2)),
        ("slope.formula", "dZ", lambda s: s.dA * (1 - s.A[s.l])),
    ],
}
WEIGHTS = [
    *((key, "after dW", scaled("dW", factor)) for key, factor in FACTORS.items()),
    ("dW.other_activation", "dW", lambda s: s.dZ @ s.A[s.l].T),
    ("dW.other_activation", "dW", lambda s: s.dZ @ s.A[0].T if s.l > 1 else None),
    ("dW.before_activation", "dW", lambda s: s.dZ @ s.Z[s.l - 1].T if s.l > 1 else None),
    ("dW.unmasked", "dW", lambda s: s.dA @ s.A[s.l - 1].T if s.l < s.L else None),
    ("dW.other_dZ", "dW", lambda s: s.dZs[s.l + 1] @ s.A[s.l - 1].T if s.l < s.L else None),
    ("dW.order", "dW", lambda s: s.dZ @ s.A[s.l - 1][:, ::-1].T),
    ("dW.one_example", "dW", lambda s: np.outer(s.dZ[:, -1], s.A[s.l - 1][:, -1])),
    ("dW.truncated", "dW", lambda s: s.dZ[:, :-1] @ s.A[s.l - 1][:, :-1].T),
    ("dW.of_sums", "dW", lambda s: s.dZ.sum(axis=1, keepdims=True) @ s.A[s.l - 1].mean(axis=1, keepdims=True).T),
    ("gradient.transposed", "after dW", lambda s: s.dW.T),
    ("gradient.weight_decay", "after dW", lambda s: s.dW + 0.01 * s.W[s.l]),
    ("gradient.updated_parameter", "after dW", lambda s: s.W[s.l] - 0.1 * s.dW),
    ("gradient.clipped", "after dW", lambda s: np.clip(s.dW, -0.02, 0.02)),
    ("precision.gradient", "after dW", lambda s: s.dW.astype("float16").astype("float64")),
]
BIASES = [
    *((key, "after db", scaled("db", factor)) for key, factor in FACTORS.items() if key != "scale.1/N"),
    ("bias.one_number", "db", lambda s: np.sum(s.dZ)),
    ("bias.one_number", "db", lambda s: np.full((len(s.dZ), 1), np.mean(s.dZ))),
    ("bias.averaged", "db", lambda s: s.dZ.mean(axis=1, keepdims=True)),
    ("bias.not_summed", "db", lambda s: s.dZ),
    ("bias.wrong_axis", "db", lambda s: s.dZ.sum(axis=0)),
    ("bias.wrong_axis", "db", lambda s: s.dZ.sum(axis=0, keepdims=True).T),
    ("bias.keepdims", "db", lambda s: s.dZ.sum(axis=1)),
    ("bias.one_example", "db", lambda s: s.dZ[:, -1:]),
    ("bias.truncated", "db", lambda s: s.dZ[:, 1:].sum(axis=1, keepdims=True)),
    ("bias.unmasked", "db", lambda s: s.dA.sum(axis=1, keepdims=True) if s.l < s.L else None),
    ("bias.other_dZ", "db", lambda s: s.dZs[s.l + 1].sum(axis=1, keepdims=True) if s.l < s.L else None),
    ("gradient.weight_decay", "after db", lambda s: s.db + 0.01 * s.b[s.l]),
    ("precision.gradient", "after db", lambda s: s.db.astype("float32").astype("float64")),
]
"""Mistakes in dZ of any layer and of hidden ones, by activation, in dW and in db; None where shapes rule it out."""


def noisy(name):
    """Every entry off by a number of its own."""
    return lambda s: (
        getattr(s, name) * (1 + 0.1 * np.sin(np.arange(getattr(s, name).size)).reshape(getattr(s, name).shape))
    )


def one_entry(s):
    s.dW = s.dW.copy()
    s.dW[-1, -1] *= 1 + 1e-6
    return s.dW


def temperature(s):
    E = np.exp(s.Z[s.L] / 2)
    return E / E.sum(axis=0)


OUTSIDE = [
    ("P", temperature, "top"),
    ("P", lambda s: s.P**2, "top"),
    ("loss", lambda s: (s.P - s.Y) * (1 - s.P) ** 2 / s.N, "top"),
    ("loss", lambda s: (s.P - s.Y) / s.N * np.arange(1, s.K + 1)[:, None], "top"),
    ("after dZ", noisy("dZ"), "any"),
    ("after dZ", lambda s: s.dZ * np.linspace(0.5, 1.5, s.N), "any"),
    ("after dZ", lambda s: s.dZ / np.linalg.norm(s.dZ, axis=0), "any"),
    ("after dZ", lambda s: np.round(s.dZ, 3), "any"),
    ("dZ", lambda s: s.dA * (s.Z[s.l] > 0.3), "hidden"),
    ("dZ", lambda s: s.dA * np.sqrt(abs(s.Z[s.l])), "hidden"),
    ("dZ", lambda s: s.dA * np.roll(s.slope(s.Z[s.l], s.A[s.l]), 1, axis=1), "hidden"),
    ("dA", lambda s: abs(s.W[s.l + 1]).T @ s.dZ, "hidden"),
    ("dA", lambda s: s.W[s.l + 1].T @ s.dZ + s.b[s.l], "hidden"),
    (
        "dA",
        lambda s: (s.W[s.l + 1].T @ s.dZ) * (np.arange(s.N * len(s.Z[s.l])).reshape(-1, s.N) % 3 > 0) * 1.5,
        "hidden",
    ),
    ("dW", lambda s: s.dZ @ (s.A[s.l - 1] ** 2).T, "any"),
    ("dW", lambda s: s.dZ @ (s.A[s.l - 1] - s.A[s.l - 1].mean(axis=1, keepdims=True)).T, "any"),
    ("after dW", noisy("dW"), "any"),
    ("after dW", lambda s: abs(s.dW), "any"),
    ("after dW", lambda s: s.dW[::-1], "any"),
    ("after dW", one_entry, "any"),
    ("after dW", lambda s: np.zeros_like(s.dW), "any"),
    ("after db", lambda s: np.full_like(s.db, abs(s.db).max()), "any"),
    ("after dW", lambda s: s.dW * (np.arange(len(s.dW)) > 0)[:, None], "any"),
    ("after dW", lambda s: np.sign(s.dW), "any"),
    ("after db", lambda s: np.cumsum(s.db, axis=0), "any"),
    ("after db", lambda s: np.sort(s.db, axis=0), "any"),
    ("after db", lambda s: s.db * np.nan, "any"),
    ("after db", lambda s: s.db + 1e-9, "any"),
]
"""Mistakes that the catalogue does not know: the line, what is written there, and in which layers."""


def placed(net):
    """Every mistake of the catalogue at every layer where it can be made: (key, line, layer, what is written)."""
    L = len(net.W)
    for key, line, f in TOP:
        yield key, line, L, f
    for l in range(1, L + 1):
        hidden = [*HIDDEN, *OWN[net.activation]] if l < L else []
        for key, line, f in (*hidden, *DELTAS, *WEIGHTS, *BIASES):
            yield key, line, l, f


def outside(net):
    """Every mistake outside the catalogue at every layer where it can be made."""
    L = len(net.W)
    for line, f, layers in OUTSIDE:
        for l in {"top": [L], "hidden": range(1, L), "any": range(1, L + 1)}[layers]:
            yield "outside", line, l, f


def case(net):
    """The reference's view of the same network."""
    layers = nnref.mlp([len(net.X), *(len(net.W[l]) for l in net.W)], net.activation)
    theta = []
    for l in net.W:
        theta += [nnref.Affine(net.W[l], net.b[l]), ()]
    return Case.of(layers, tuple(theta[:-1]), net.X, net.Y)


def planted(net, mistakes, right):
    """The gradients with these mistakes; None where the shapes rule them out or nothing changes."""
    try:
        with np.errstate(all="ignore"):
            grads = backward(net, {(line, l): f for _, line, l, f in mistakes})
    except (ValueError, TypeError, KeyError, IndexError):
        return None
    return grads if changed(grads, right) else None


def changed(grads, right):
    """The gradients that are not right, in the order they are made: W3, b3, W2, …"""
    return [
        name
        for name in right
        if np.shape(grads[name]) != right[name].shape
        or not (abs(grads[name] - right[name]) <= 1e-13 * abs(right[name]).max()).all()
    ]


def quantity(line, l):
    """The quantity that a line makes."""
    return f"{'dZ' if line in ('Y', 'P', 'loss', 'after dZ', 'dA', 'dZ') else line.split()[-1]}{l}"


def judge(mistakes, found, wrong):
    """Was the first wrong quantity the one reported, and are all names right? mistakes are ordered as they are made.

    A mistake in dZ that leaves one of dW and db right, or is hidden there by another, is first seen in the other.
    """
    places = [quantity(line, l) for _, line, l, _ in mistakes]
    layer = int(wrong[0][1:])
    reported = found[0].quantity.replace("dA", "dZ") if found else ""
    here = [p for p in places if int(p[2:]) == layer]
    both = {f"W{layer}", f"b{layer}"} <= set(wrong)
    localised = reported in here or (reported[1:] == wrong[0] and (not both or f"dZ{layer}" not in here))
    keys = {SAME.get(key, key) for key, *_ in mistakes}
    named = [{SAME.get(m.key, m.key) for m in (d.mistake, *d.alternatives)} for d in found if d.mistake]
    localised |= bool(
        named and reported[2:] == str(layer) and named[0] & {SAME.get(m[0], m[0]) for m in mistakes if m[2] == layer}
    )
    return localised, [names for names in named if not names & keys], bool(named) and bool(named[0] & keys)


SAME = {"dW.order": "batch.order", "dW.one_example": "batch.one", "bias.one_example": "batch.one"}
"""Names with one meaning. Whether the examples of dZ or of A are out of order, dW is the same, and db is right; and if
dZ keeps one example, dW and db stand for one example each: so it is told where dZ has a first mistake of its own."""

ORDER = ("Y", "P", "loss", "dA", "dZ", "after dZ", "dW", "after dW", "db", "after db")


def made_first(mistake):
    """Where a mistake stands in the backward pass."""
    return -mistake[2], ORDER.index(mistake[1])


def trials(net, sets):
    """Every set of mistakes that changes something, with what was found and how it was judged."""
    reference, right = case(net), backward(net, {})
    for chosen in sets:
        mistakes = sorted(chosen, key=made_first)
        grads = planted(net, mistakes, right)
        if grads is not None:
            found = diagnose(reference, grads)
            yield mistakes, found, judge(mistakes, found, changed(grads, right))


def counts(nets, of):
    """How many sets of mistakes were planted, localised, named, and given a wrong name; and the failures."""
    total, failures = Counter(planted=0, localised=0, named=0, wrong_names=0), []
    for regime, activation, seed in nets:
        net = network(regime, activation, seed)
        for mistakes, found, (localised, wrong_names, named) in trials(net, of(net)):
            total.update(planted=1, localised=bool(localised), named=named, wrong_names=bool(wrong_names))
            if not localised or wrong_names:
                failures.append((regime, activation, seed, [m[:3] for m in mistakes], found))
    return dict(total), failures


def alone(net, every=1, start=0):
    """Each mistake by itself, or every so many of them."""
    return ([m] for i, m in enumerate(placed(net)) if i % every == start % every)


def pairs(net, every=1, start=0):
    """Each pair of mistakes on different lines, or every so many of them."""
    both = ([p, q] for p, q in combinations(placed(net), 2) if p[1:3] != q[1:3])
    return (pair for i, pair in enumerate(both) if i % every == start % every)


def unknown(net, every=1, start=0):
    """Each mistake outside the catalogue alone, or every so many, unless it makes the very numbers of one inside."""
    right = backward(net, {})
    inside = [grads for m in placed(net) if (grads := planted(net, [m], right))]
    for mistake in list(outside(net))[start % every :: every]:
        grads = planted(net, [mistake], right)
        if grads and not any(alike(grads, other, right) for other in inside):
            yield [mistake]


def alike(grads, other, right):
    """Are two sets of gradients the same, to rounding?"""
    return all(np.shape(grads[name]) == np.shape(other[name]) for name in right) and not changed(
        grads, {name: np.asarray(other[name]) for name in right}
    )


def nets(seeds):
    """Every regime and activation, with these seeds."""
    return [(regime, a, seed) for regime in REGIMES for a in G for seed in seeds if regime != "zeros" or a == "relu"]


def summary(results, failures):
    """What came of it, as plain data: well if every first mistake was found where it was made and no name is wrong."""
    figure = "; ".join(f"{way}: " + ", ".join(f"{n:,} {w}" for w, n in c.items()) for way, c in results.items())
    planted = sum(counted["planted"] for counted in results.values())
    return {"ok": bool(planted) and not failures, "figure": figure.replace("_", " "), **results}


def options(argv=None):
    """What is asked for on the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.mistakes", description=__doc__.partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--start", type=int, default=0, help="the first seed")
    parser.add_argument("--every", type=int, default=200, help="one pair in so many is planted (1: all of them)")
    parser.add_argument("--alone", type=int, default=1, help="one single mistake in so many (1: all of them)")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    return parser.parse_args(argv)


def main(argv=None):
    """Print the counts; exit 1 if a first mistake is not localised, or anything has a wrong name."""
    chosen = options(argv)
    results, failures, seeds = {}, [], range(chosen.start, chosen.start + chosen.seeds)
    for way, of in {
        "alone": lambda net: alone(net, chosen.alone),
        "in pairs": lambda net: pairs(net, chosen.every, chosen.start),
        f"outside the catalogue ({len(OUTSIDE)} kinds)": lambda net: unknown(net, chosen.alone),
    }.items():
        results[way], failed = counts(nets(seeds), of)
        failures += failed
    said = summary(results, failures)
    lines = [f"{mistakes}: {[(d.quantity, d.says) for d in found]}" for *mistakes, found in failures[:5]]
    print(json.dumps(said) if chosen.json else "\n".join([*lines, said["figure"]]))
    return 0 if said["ok"] else 1


if __name__ == "__main__":
    sys.exit(main())
