"""Is every rule the slope of the operation that it is called after? Against central differences of numpy's own."""

import numpy as np
import pytest
from scipy import special

from nnref.checking.watching.calculus import rules
from nnref.checking.watching.calculus.rules import ELEMENTWISE
from nnref.checking.watching.telling.report import settled
from tests.support.programs import seen

H = 2.0**-17
NAMES = {"divide": np.divide, "atan": np.arctan, "expit": special.expit, "array": np.array, "real": np.real}
NAMES |= {name: getattr(special, name) for name in ("gammaln", "loggamma", "digamma", "psi", "erf", "erfc")}
NAMES["lgamma"] = special.gammaln


def operation(name):
    """Numpy's function of this name."""
    return NAMES.get(name) or getattr(np, name)


def slopes(f, arguments):
    """∂ Σ G f / ∂ each argument by central differences, entry by entry, for a G without pattern."""
    G = np.random.default_rng(1).standard_normal(np.shape(f(*arguments)))
    found = []
    for k, A in enumerate(arguments):
        made = np.zeros_like(A)
        for at in np.ndindex(A.shape):
            up, down = (A.copy() for _ in "ud")
            up[at] += H
            down[at] -= H
            ends = [(G * f(*arguments[:k], B, *arguments[k + 1 :])).sum() for B in (up, down)]
            made[at] = (ends[0] - ends[1]) / (2 * H)
        found.append(made)
    return G, found


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_a_rule_is_the_slope_of_its_operation(name, rng):
    f, A = operation(name), rng.uniform(0.3, 0.9, (2, 3))
    arguments = [A, rng.uniform(0.3, 0.9, (2, 3))] if getattr(f, "nin", 1) == 2 else [A]
    G, truth = slopes(f, arguments)
    for made, right in zip(ELEMENTWISE[name](G, f(*arguments), *arguments), truth, strict=True):
        np.testing.assert_allclose(made, right, rtol=1e-7, atol=1e-7)


@pytest.mark.parametrize("op", ["sum", "mean", "max", "var", "std", "logsumexp"])
@pytest.mark.parametrize(("axis", "keepdims"), [(None, False), (0, True), ((0, 1), False), (-1, False)])
def test_a_reduction_is_laid_back_over_what_was_reduced(op, axis, keepdims, rng):
    x = rng.standard_normal((3, 4))
    f = {"logsumexp": special.logsumexp}.get(op) or getattr(np, op)
    G, (truth,) = slopes(lambda x: f(x, axis=axis, keepdims=keepdims), [x])
    y = f(x, axis=axis, keepdims=keepdims)
    np.testing.assert_allclose(rules.reduced(op, G, y, x, axis, keepdims), truth, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize(
    ("a", "b"),
    [((3,), (3,)), ((2, 3), (3,)), ((3,), (3, 4)), ((2, 3), (3, 4)), ((5, 2, 3), (5, 3, 4)), ((2, 3), (4, 3, 2))],
)
def test_the_slopes_of_products_whatever_their_axes(a, b, rng):
    A, B = rng.standard_normal(a), rng.standard_normal(b)
    for f, made in ((np.matmul, rules.product), (np.dot, rules.dot)):
        if (f is np.dot and len(a) == len(b) == 3) or (f is np.matmul and len(b) == 3 and len(a) == 2):
            continue
        G, truth = slopes(f, [A, B])
        for mine, right in zip(made(G, A, B), truth, strict=True):
            np.testing.assert_allclose(mine, right, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("axes", [1, ([1, 0], [0, 2])])
def test_the_slopes_of_a_tensor_product(axes, rng):
    A, B = rng.standard_normal((2, 3)), rng.standard_normal((3, 4) if axes == 1 else (3, 4, 2))
    G, truth = slopes(lambda A, B: np.tensordot(A, B, axes), [A, B])
    for mine, right in zip(rules.tensordot(G, A, B, axes), truth, strict=True):
        np.testing.assert_allclose(mine, right, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("letters", ["ij,jk->ik", "ij,jk", "ij,ij->", "ij,kj->ki"])
def test_the_slopes_of_einsum(letters, rng):
    A = rng.standard_normal((2, 3))
    B = rng.standard_normal({"ij,ij->": (2, 3), "ij,kj->ki": (4, 3)}.get(letters, (3, 4)))
    G, truth = slopes(lambda A, B: np.einsum(letters, A, B), [A, B])
    for mine, right in zip(rules.einsum(G, letters, [A, B]), truth, strict=True):
        np.testing.assert_allclose(mine, right, rtol=1e-6, atol=1e-7)


def test_what_was_broadcast_is_summed_and_a_tie_is_shared_as_agreed():
    assert rules.summed_to(np.ones((4, 2, 3)), (2, 1)).tolist() == [[12], [12]]
    assert rules.tied(np.array([1.0, 2, 3]), 2.0, 0.25).tolist() == [0, 0.25, 1]
    assert rules.axes_of((-1, 0), 3) == (2, 0)


BIAS_ROWS = """\
import numpy as np
X, y = np.random.rand(20, 3), np.random.rand(20, 1)
W, V = np.random.rand(6, 4), np.random.rand(1, 7)
for k in range(20):
    a = np.vstack((X[k].reshape(3, 1), [[1.0]]))
    h = np.tanh(W @ a)
    g = np.append(h, [[1]], axis=0)
    e = V @ g - y[k]
    dh = V[:, :6].T @ e * (1 - h ** 2)
    W -= 0.1 * dh @ a.T
    V -= 0.1 * e @ g.T
"""


@pytest.mark.parametrize(
    "row", ["np.append(h, [[1]], axis=0)", "np.insert(h, 6, 1, axis=0)", "np.insert(h, [6], 2, 0)"]
)
def test_a_number_that_is_put_beside_entries_is_none_of_them(tmp_path, row):
    """Where entries went is found by their indices: the 1 of a bias is not the entry of index 1."""
    assert settled(seen(tmp_path, BIAS_ROWS, ("np.append(h, [[1]], axis=0)", row))) is True
    assert settled(seen(tmp_path, BIAS_ROWS, ("np.append(h, [[1]], axis=0)", row), (" * (1 - h ** 2)", ""))) is False
