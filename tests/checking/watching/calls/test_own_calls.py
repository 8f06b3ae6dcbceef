"""Layers that a file calls itself: judged with what it gives them, and with the usual shapes beside."""

import numpy as np
import pytest

from nnref.checking.reading.source import read_source
from nnref.checking.watching.calls.layer_report import layers_judged
from nnref.checking.watching.calls.own_calls import taken_apart
from tests.checking.watching.calls.test_layer_pairs import LAYERS

CELL = """\
import numpy as np
def gate(z): return 1 / (1 + np.exp(-z))
def cell_forward(xt, state, memory, parameters):
    U, q, Out = parameters["U"], parameters["q"], parameters["Out"]
    both = np.concatenate([state, xt])
    f = gate(U @ both + q)
    kept = f * memory + (1 - f) * np.tanh(U @ both)
    new = np.tanh(kept)
    return new, kept, Out @ new, (f, kept, new, state, memory, xt, parameters)
def cell_backward(dnew, dkept, cache):
    f, kept, new, state, memory, xt, parameters = cache
    both, U = np.concatenate([state, xt]), parameters["U"]
    t = np.tanh(U @ both)
    dk = dkept + dnew * (1 - new ** 2)
    df = dk * (memory - t) * f * (1 - f)
    dt = dk * (1 - f) * (1 - t ** 2)
    dboth = U.T @ (df + dt)
    n = state.shape[0]
    return {"dxt": dboth[n:], "dstate": dboth[:n], "dmemory": dk * f,
            "dU": (df + dt) @ both.T, "dq": df.sum(axis=1, keepdims=True)}
if __name__ == "__main__":
    rng = np.random.default_rng(0)
    parameters = {"U": rng.normal(size=(4, 7)), "q": np.zeros((4, 1)), "Out": rng.normal(size=(2, 4))}
    new, kept, y, cache = cell_forward(rng.normal(size=(3, 6)), rng.normal(size=(4, 6)), np.zeros((4, 6)), parameters)
    print(cell_backward(np.ones((4, 6)), np.ones((4, 6)), cache)["dU"])
"""

POOL = """\
import numpy as np
def pool_forward(x, pool_param):
    n, s = pool_param["f"], pool_param["stride"]
    k = (x.shape[2] - n) // s + 1
    out = np.zeros((*x.shape[:2], k, k))
    for i in range(k):
        for j in range(k):
            out[:, :, i, j] = x[:, :, i * s:i * s + n, j * s:j * s + n].mean(axis=(2, 3))
    return out, (x, pool_param)
def pool_backward(dout, cache):
    x, pool_param = cache
    n, s = pool_param["f"], pool_param["stride"]
    dx = np.zeros_like(x)
    for i in range(dout.shape[2]):
        for j in range(dout.shape[3]):
            dx[:, :, i * s:i * s + n, j * s:j * s + n] += dout[:, :, i, j][..., None, None] / n ** 2
    return dx
out, cache = pool_forward(np.random.randn(2, 3, 4, 4), {"f": 2, "stride": 1})
dx = pool_backward(out, cache)
"""


def judged(tmp_path, text, **how):
    """The report on a file of layers."""
    path = tmp_path / "layers.py"
    path.write_text(text, encoding="utf-8")
    return layers_judged(path, read_source(path), **how)


def test_a_cell_whose_parameters_are_a_dictionary_is_judged_with_what_the_file_gives_it(tmp_path):
    certificate = judged(tmp_path, CELL, called=True)
    assert certificate.ok
    assert [(entry.name, entry.verdict) for entry in certificate.entries] == [("cell", "ok")]
    assert certificate.entries[0].size == 3 * 6 + 2 * 4 * 6 + 4 * 7 + 4


@pytest.mark.parametrize(
    ("right", "wrong", "argument"),
    [
        ("dk * f,", "dk,", "memory"),  # of an array of zeros, which alone would hide f
        ("dboth[n:]", "dboth[n:] * 2", "xt"),
        ('"dU": (df + dt)', '"dU": (df - dt)', "U"),
        ("dkept + dnew", "dnew", "q and xt and state"),
    ],
)
def test_a_mistake_in_such_a_cell_is_caught(tmp_path, right, wrong, argument):
    certificate = judged(tmp_path, CELL.replace(right, wrong, 1), called=True)
    assert certificate.gradient_of_own_loss is False
    assert set(argument.split(" and ")) <= set(certificate.first.says.replace(";", "").split())


def test_a_layer_that_is_right_as_it_is_called_and_wrong_at_another_stride_is_wrong(tmp_path):
    assert judged(tmp_path, POOL).ok
    wrong = POOL.replace("dx[:, :, i * s:i * s + n, j * s:j * s + n]", "dx[:, :, i:i + n, j:j + n]")
    assert judged(tmp_path, wrong).gradient_of_own_loss is False


def test_a_file_that_calls_nothing_or_has_more_that_goes_back_is_left_to_the_other_ways(tmp_path):
    uncalled, (name, _) = CELL.partition("if __name__")[0], LAYERS["affine"]
    assert judged(tmp_path, uncalled, called=True) is None
    assert judged(tmp_path, CELL + "def model_backward(X, Y):\n    return X\n", called=True) is None
    assert judged(tmp_path, f"import numpy as np\n{name.replace(chr(10) + '        ', chr(10))}", called=True) is None


def test_arrays_in_a_dictionary_are_arguments_by_their_keys_and_zeros_are_drawn():
    given = taken_apart({"x": np.arange(3.0), "n": 2, "settings": {"W": np.zeros((2, 2)), "stride": 1, 0: np.ones(3)}})
    assert set(given.values) == {"x", "n", "W"}
    assert np.ptp(given.values["W"]) > 0
    again = given.together({"x": np.ones(3), "n": 2, "W": np.full((2, 2), 7.0)})
    assert (again["settings"]["W"] == 7).all()
    assert again["settings"]["stride"] == 1
    assert np.ptp(given.values["W"]) > 0
