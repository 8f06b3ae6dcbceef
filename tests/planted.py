"""Planted mistakes: a correct two-layer network written by hand, and the ways people get its gradient wrong."""

import numpy as np

from nnref.checking.gradcheck import gradcheck

REGIMES = {"distinct": (5, 4, 3, 6), "equal": (4, 4, 4, 4), "tile": (3, 35, 4, 5)}
"""Inputs, hidden, classes, batch: all sizes different, all the same, and a remainder after a multiple of 32."""


def draw(regime, dtype="float64"):
    """Dense signed X, non-zero biases, labels of every kind."""
    n, m, K, N = REGIMES[regime]
    rng = np.random.default_rng(7)
    shapes = {"W1": (m, n), "b1": (m, 1), "W2": (K, m), "b2": (K, 1)}
    theta = {name: rng.standard_normal(shape).astype(dtype) for name, shape in shapes.items()}
    return theta, rng.standard_normal((n, N)).astype(dtype), np.eye(K, dtype=dtype)[:, rng.integers(0, K, N)]


def loss(theta, X, Y):
    """The mean cross-entropy of tanh, then softmax."""
    Z = theta["W2"] @ np.tanh(theta["W1"] @ X + theta["b1"]) + theta["b2"]
    top = Z.real.max(axis=0)
    return (np.log(np.exp(Z - top).sum(axis=0)) + top - (Y * Z).sum(axis=0)).mean()


def gradients(theta, X, Y):
    """Its gradient, written out."""
    A = np.tanh(theta["W1"] @ X + theta["b1"])
    Z = theta["W2"] @ A + theta["b2"]
    P = np.exp(Z - Z.max(axis=0))
    dZ2 = (P / P.sum(axis=0) - Y) / X.shape[1]
    dZ1 = (theta["W2"].T @ dZ2) * (1 - A * A)
    return {"W1": dZ1 @ X.T, "b1": dZ1.sum(1, keepdims=True), "W2": dZ2 @ A.T, "b2": dZ2.sum(1, keepdims=True)}


def entry(g, name):
    g[name][-1, -1] += 1e-6 * abs(g[name]).max()


def scaled(factor):
    def plant(g, name):
        g[name] = g[name] * factor

    return plant


def one_number(g, name):
    g[name] = np.sum(g[name])


def part(index, factor=0):
    def plant(g, name):
        g[name][index] *= factor

    return plant


def transposed(g, name):
    g[name] = g[name].T


def nan(g, name):
    g[name][0, 0] = np.nan


def float32(g, name):
    g[name] = g[name].astype("float32").astype("float64")


SLIPS = {
    "one entry off by a millionth of the largest": entry,
    "sign": scaled(-1),
    "batch sum for the mean": scaled(4),
    "mean taken twice": scaled(1 / 4),
    "factor of two": scaled(2),
    "one in ten thousand": scaled(1.0001),
    "zeros": scaled(0),
    "first row missing": part(0),
    "last row missing": part(-1),
    "last row negated": part(-1, -1),
    "one number for all": one_number,
    "transposed": transposed,
    "NaN": nan,
    "stray float32": float32,
}


def slope_of_input(theta, X, Y):
    """1 − Z² for 1 − A²."""
    A = np.tanh(theta["W1"] @ X + theta["b1"])
    Z = theta["W2"] @ A + theta["b2"]
    P = np.exp(Z - Z.max(axis=0))
    dZ1 = (theta["W2"].T @ ((P / P.sum(axis=0) - Y) / X.shape[1])) * (1 - (theta["W1"] @ X + theta["b1"]) ** 2)
    return gradients(theta, X, Y) | {"W1": dZ1 @ X.T, "b1": dZ1.sum(1, keepdims=True)}


def forgotten_bias(theta, X, Y):
    return gradients(theta | {"b1": 0 * theta["b1"]}, X, Y)


def forgotten_slope(theta, X, Y):
    A = np.tanh(theta["W1"] @ X + theta["b1"])
    Z = theta["W2"] @ A + theta["b2"]
    P = np.exp(Z - Z.max(axis=0))
    dA = theta["W2"].T @ ((P / P.sum(axis=0) - Y) / X.shape[1])
    return gradients(theta, X, Y) | {"W1": dA @ X.T, "b1": dA.sum(1, keepdims=True)}


def labels_reversed(theta, X, Y):
    return gradients(theta, X, Y[::-1])


def last_example_dropped(theta, X, Y):
    return gradients(theta, X[:, :-1], Y[:, :-1])


FORMULAS = (slope_of_input, forgotten_bias, forgotten_slope, labels_reversed, last_example_dropped)


def planted():
    """Every case that changes a gradient: (regime, what, the parameter or None, report)."""
    for regime in REGIMES:
        theta, X, Y = draw(regime)
        right = gradients(theta, X, Y)
        for name in theta:
            for what, plant in SLIPS.items():
                g = {key: value.copy() for key, value in right.items()}
                plant(g, name)
                if np.array_equal(g[name], right[name]):
                    continue
                yield regime, what, name, gradcheck(lambda t, X=X, Y=Y: loss(t, X, Y), theta, g)
        for wrong in FORMULAS:
            report = gradcheck(lambda t, X=X, Y=Y: loss(t, X, Y), theta, wrong(theta, X, Y))
            yield regime, wrong.__name__, None, report


def main():
    """Print the kill table."""
    kills = {}
    for _, what, name, report in planted():
        caught = {e.name for e in report.wrong} == {name} if name else bool(report.wrong)
        kills.setdefault(what, []).append(caught)
    for what, caught in kills.items():
        print(f"{what:<46} {sum(caught):>3} of {len(caught):>3} caught")
    print(f"{'in all':<46} {sum(map(sum, kills.values())):>3} of {sum(map(len, kills.values())):>3} caught")


if __name__ == "__main__":
    main()
