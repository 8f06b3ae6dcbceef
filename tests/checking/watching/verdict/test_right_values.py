"""Which values of a backward pass are right: one multiple, in every run, of some slope of the forward pass."""

import numpy as np
import pytest

from nnref.checking.watching.verdict.right_values import first_slope, laid
from tests.support.recordings import judged, searched

TWO_LAYERS = """\
import numpy as np
X, Y = np.random.randn(6, 3), np.random.randn(6, 2)
W, V = np.random.randn(3, 4), np.random.randn(4, 2)
for step in range(2):
    h = np.tanh(X @ W)
    d = h @ V - Y
    loss = (d ** 2).sum() / 2
    dV = h.T @ d
    dh = d @ V.T
    dz = dh * (1 - h ** 2)
    dW = X.T @ dz
    W = W - 0.1 * dW
    V = V - 0.1 * dV
"""


@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        (("dh = d @ V.T", "dh = d @ V.T"), set()),
        (("dh = d @ V.T", "dh = d @ V.T ** 3"), {"dh", "dz", "dW"}),
        (("(1 - h ** 2)", "(1 - h)"), {"dz", "dW"}),
        (("X.T @ dz", "X.T @ dz ** 2"), {"dW"}),
        (("dh = d @ V.T", "dh = 3 * d @ V.T"), set()),
    ],
    ids=["right", "dh", "dz", "dW", "a factor"],
)
def test_a_value_is_right_where_it_is_a_multiple_of_a_slope(tmp_path, change, wrong):
    of_it, named = searched(tmp_path, TWO_LAYERS, change)
    assert {name for name in ("d", "dh", "dz", "dW", "dV") if not of_it.right(named[name])} == wrong


def test_a_value_is_matched_with_what_it_is_the_slope_of_and_its_factor(tmp_path):
    of_it, named = searched(tmp_path, TWO_LAYERS, ("dh = d @ V.T", "dh = 3 * d @ V.T"))
    k, c = of_it.match(named["dh"])
    assert (of_it.graph.tape[k], c) == (named["h"], pytest.approx(3))
    assert of_it.factors(named["dz"]) == (pytest.approx(3),)
    assert of_it.jump(named["dz"]) == 1


def test_a_factor_jumps_where_it_is_made(tmp_path):
    of_it, named = searched(tmp_path, TWO_LAYERS, ("dh = d @ V.T", "d3 = 3 * d; dh = d3 @ V.T"))
    assert of_it.jump(named["d3"]) == pytest.approx(3)
    assert of_it.jump(named["dh"]) == 1


def test_what_right_gradients_are_made_of_is_beyond_doubt(tmp_path):
    of_it, named = searched(tmp_path, TWO_LAYERS, ("(1 - h ** 2)", "(1 - h)"))
    sure = {name for name in ("d", "dV", "dz", "dW") if of_it.beyond_doubt >> named[name].index & 1}
    assert sure == {"d", "dV"}
    assert of_it.forward >> named["loss"].index & 1
    assert of_it.beyond_doubt >> named["loss"].index & 1
    twice, named = searched(tmp_path, TWO_LAYERS, ("X.T @ dz", "2 * X.T @ dz"))
    assert not twice.beyond_doubt >> named["dW"].index & 1


def test_the_backward_pass_of_a_step_is_what_depends_on_labels_and_parameters(tmp_path):
    of_it, named = searched(tmp_path, TWO_LAYERS)
    made = of_it.backward(of_it.role.updates[0].step)
    assert {n.names[0] for n in made if n.names} == {"d", "dh", "dz", "dW"}
    assert [n.index for n in made] == sorted(n.index for n in made)
    assert named["loss"] not in made


TWICE = """\
import numpy as np
X, Y = np.random.randn(6, 3), np.random.randn(6, 3)
W = np.random.randn(3, 3)
for step in range(2):
    h = X @ W
    d = h @ W - Y
    loss = (d ** 2).sum() / 2
    p, q = h.T @ d, X.T @ (d @ W.T)
    dW = p + q
    W = W - 0.1 * dW
"""


def test_a_slope_by_one_of_several_uses_is_known_as_a_part(tmp_path):
    of_it, named = searched(tmp_path, TWICE)
    W, p, q = (named[name] for name in "Wpq")
    assert len(of_it.uses(W.index)) == 2
    assert not of_it.right(p)
    assert of_it.accumulated(p)
    assert of_it.belongs(q, W.index)
    assert not of_it.belongs(named["h"], W.index)
    ((k, use),) = of_it.uses_of_part(p)
    assert (k, use.site.line) == (W.index, 6)
    assert list(of_it.factors_of_parts(q)) == [pytest.approx(1)]


@pytest.mark.parametrize(
    ("shape", "wanted", "ways"),
    [((3,), (3,), 1), ((3, 1), (3,), 2), ((3, 4), (4, 3), 1), ((3, 3), (3, 3), 2), ((2, 3), (3, 3), 0)],
)
def test_a_slope_may_be_laid_flat_or_transposed(shape, wanted, ways):
    found = list(laid([np.arange(float(np.prod(shape))).reshape(shape)], wanted))
    assert len(found) == ways


def test_the_first_slope_is_made_where_the_output_meets_the_labels(tmp_path):
    found = first_slope(*judged(tmp_path, TWO_LAYERS))
    assert found is not None
    assert (found.site.line, found.op) == (6, "subtract")
