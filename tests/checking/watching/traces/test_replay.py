"""What was recorded is computed again where the program never ran; what is only told bears nothing."""

from dataclasses import replace

import numpy as np
import pytest

from nnref.checking.reading.source import read_source
from nnref.checking.watching.telling.report import settled
from nnref.checking.watching.traces import replay
from nnref.checking.watching.traces.places import Places
from nnref.checking.watching.traces.replay import retold, watched_again
from nnref.checking.watching.traces.trace import packed, unpacked
from tests.support.programs import fault_apart, seen
from tests.support.recordings import STEP


@pytest.fixture
def found(tmp_path):
    return seen(tmp_path, STEP)


def judged(found, tmp_path, change=lambda values: None):
    """The verdict on a trace that was changed before it is computed again, and what keeps it from being borne out."""
    path = tmp_path / "program.py"
    trace = unpacked(packed(found))
    for run in trace["runs"]:
        change(run["values"])
    again, fault = watched_again(trace, found.source, Places(path, found.source, lambda file: path if file else None))
    return (settled(again) if again is not None else None), fault


def test_a_right_program_is_right_again_and_every_value_is_what_it_was(found, tmp_path):
    assert fault_apart(found, tmp_path) == ""
    trace = unpacked(packed(found))
    path = tmp_path / "program.py"
    places = Places(path, found.source, lambda file: path if file else None)
    made = retold(trace["runs"][0], trace["arrays"], places)
    assert made.taken == {}
    for a, b in zip(made.tape, found.runs[0].tape, strict=True):
        assert np.array_equal(a.value, b.value)
        assert (a.op, a.deps, a.names, a.leaf) == (b.op, b.deps, b.names, b.leaf)


def gradient(values):
    """The value that is called dW."""
    return next(value for value in values if "dW" in value[3])


def first_weights(values):
    """The value that the weights begin with, as it is told."""
    return next(value for value in values if "W" in value[3])[-1]


def test_a_program_that_is_wrong_is_wrong_again(tmp_path):
    assert judged(seen(tmp_path, STEP, ("X.T @ d", "X.T @ (d * d)")), tmp_path)[0] is False


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda v: gradient(v).__setitem__(-1, first_weights(v)), "its value is told, and not computed"),
        (lambda v: gradient(v).__setitem__(6, ["function", "numpy", "subtract"]), "its function is another operation"),
        (lambda v: gradient(v).__setitem__(6, ["function", "os", "system"]), "known to compute only"),
        (lambda v: gradient(v).__setitem__(0, "dot"), "cannot be computed again"),
        (lambda v: gradient(v).__setitem__(1, 0), "stands there"),
        (lambda v: gradient(v)[7].__setitem__(0, ["n", 999]), None),
    ],
    ids=["told", "another function", "code", "another name", "another place", "no such value"],
)
def test_a_trace_that_was_changed_bears_nothing_out(found, tmp_path, change, says):
    try:
        verdict, fault = judged(found, tmp_path, change)
    except IndexError:
        assert says is None
        return
    assert verdict is not True or fault != ""
    assert says is None or says in fault


@pytest.mark.parametrize(
    "told",
    [
        ["function", "os", "system"], ["function", "numpy", "load"], ["method", "tofile"], ["method", "__class__"],
        ["of", ["function", "numpy", "add"], "__call__"], ["function", "builtins", "eval"],
    ],
)  # fmt: skip
def test_only_what_computes_is_called(told):
    with pytest.raises(replay.NotRecomputed):
        replay.function(told)


def test_a_dtype_is_one_of_numbers():
    assert replay.plain_dtype("<f4") == np.float32
    with pytest.raises(replay.NotRecomputed):
        replay.plain_dtype("|O")


def test_a_value_keeps_its_form_and_its_size():
    assert type(replay.laid(2.5, "generic <f4", ())) is np.float32
    assert type(replay.laid(np.ones(1), "float", ())) is float
    with pytest.raises(replay.NotRecomputed, match=r"shape \(3,\) came, \(2,\) was recorded"):
        replay.laid(np.ones(3), "array <f8", (2,))


def test_an_assignment_passes_over_leading_axes():
    assert replay.fitting(np.ones((1, 1, 3)), (3,)).shape == (3,)
    assert replay.fitting(np.ones((1, 3)), (1, 3)).shape == (1, 3)


MATRICES = """\
import numpy as np
X = np.matrix(np.random.rand(9, 2))
y = np.matrix(np.random.rand(9, 1))
theta = np.matrix(np.zeros((1, 2)))
for step in range(50):
    error = X * theta.T - y
    moved = np.matrix(np.zeros(theta.shape))
    for j in range(2):
        moved[0, j] = theta[0, j] - 0.1 / len(X) * np.sum(np.multiply(error, X[:, j]))
    theta = moved
"""


def test_a_product_of_matrices_is_written_with_a_star(tmp_path):
    """Of arrays a star is no product of matrices: only what the file makes a np.matrix of has one."""
    found = seen(tmp_path, MATRICES)
    assert settled(found) is True
    assert fault_apart(found, tmp_path) == ""
    assert settled(seen(tmp_path, MATRICES, ("X[:, j]))", "X[:, 0]))"))) is False
    found = seen(tmp_path, MATRICES)
    arrays = MATRICES.replace("np.matrix(", "np.array(")
    (tmp_path / "program.py").write_text(arrays, encoding="utf-8")
    assert fault_apart(replace(found, source=read_source(tmp_path / "program.py")), tmp_path) != ""
