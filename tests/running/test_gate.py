"""When does the gate, or the checker, call a difference wrong? Their comparisons, at numbers chosen by hand."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

import nnref
from nnref import affine
from nnref.checking.gradcheck import summary, verdicts
from nnref.checking.gradcheck.slopes import DECIDES
from nnref.checking.reference import noise, truth
from nnref.running import gate

U = noise.unit("float64")
LAYERS = nnref.mlp([4, 7, 3], "sigmoid")
BATCH = np.random.default_rng(5).standard_normal((4, 6)), nnref.one_hot([0, 1, 2, 0, 1, 2], 3)


def checked(dtype="float64", layers=LAYERS):
    X, Y = BATCH
    return gate.check(layers, nnref.initialise(layers, 3, dtype), X.astype(dtype), Y.astype(dtype))


def entry(parameter, wrong, multiple):
    return gate.Entry(parameter, (2, 2), wrong, (0, 1), 1.0, 2.0, multiple)


def test_a_difference_is_measured_in_roundings_of_its_scale():
    S = np.array([[0.5, 2.0, 0.0, 0.0]])
    yours = np.array([[3 * 2 * U * 0.5, 8 * U * 2.0, 0.0, 1e-300]])
    # Two roundings a unit: the truth was rounded in float64 too.
    assert noise.multiples(yours, 0 * S, S, "float64").tolist() == [[3, 4, 0, np.inf]]
    u = noise.unit("float32")
    assert noise.multiples(np.array([[u]], "float32"), np.zeros((1, 1)), np.ones((1, 1)), "float32")[0, 0] == u / (
        u + U
    )
    assert noise.multiples(np.array([[1.0]]), np.zeros((1, 1)), np.ones((1, 1)), "float64", 1.0) == 1 / (1 + 2 * U)


def test_the_longest_sum_decides_what_is_allowed():
    def allowed(sizes, N):
        layers = nnref.mlp(sizes)
        return noise.allowed(layers, nnref.initialise(layers), N)

    assert allowed([9, 100, 2], 3) == allowed([100, 2], 5) == allowed([2, 100], 1) == allowed([3, 2], 100)
    assert noise.SAFE <= allowed([2, 2], 1) < allowed([99, 2], 1) < allowed([100, 2], 1) < allowed([100, 2], 400)


def examined(multiples, allowed=4.0):
    M = np.array([multiples], float)
    yours, right = np.arange(M.size, dtype=float).reshape(M.shape), np.full(M.shape, 7.0)
    return gate.Examined({"W1": yours}, {"W1": right}, {"W1": M}, allowed)


def test_an_entry_is_wrong_beyond_what_is_allowed_and_counted_once():
    found = gate.worst_entry("W1", [examined([4, 4.1, 0]), examined([9, 5, 1])])
    assert found == gate.Entry("W1", (1, 3), 2, (0, 0), 0.0, 7.0, 9.0)
    assert gate.worst_entry("W1", [examined([4, 1, 2])]).wrong == 0
    assert gate.worst_entry("W1", [examined([np.inf, 1, 2])]).wrong == 1


def test_a_mistake_is_shown_before_a_larger_difference_that_is_allowed():
    found = replace(checked(), entries=(entry("W1", 0, 6.0), entry("b2", 1, 5.0)), failed=1, left_out=("a note",))
    lines = str(found).splitlines()
    assert lines[1] == "gate: db2[0, 1] is 1; forward passes alone say 2"
    assert lines[-1] == "a note"
    right = replace(found, entries=(entry("W1", 0, 2.0), entry("b2", 0, 1.0)))
    assert "at dW1[0, 1]" in str(right)
    assert "forward passes" not in str(right)


def test_the_gate_as_plain_data():
    found = checked()
    data = found.to_dict()
    assert data["ok"] is True
    assert data["worst"] == found.worst > 0
    assert replace(found, worst=np.inf).to_dict()["worst"] is None
    assert not replace(found, failed=1).ok
    assert not replace(found, fault="a shape").ok


def test_what_the_gate_counts():
    found = checked()
    assert (found.checked, found.failed, found.nonzero, found.fault) == (4 * 7 + 7 + 7 * 3 + 3, 0, 1, None)
    assert 0 < found.worst <= found.allowed == noise.allowed(LAYERS, nnref.initialise(LAYERS), gate.DENSE)
    assert 0 <= found.seconds_table <= found.seconds < 60
    assert [e.parameter for e in found.entries] == ["W1", "b1", "W2", "b2"]


def test_the_gate_counts_every_wrong_entry_once_and_what_is_zero(monkeypatch):
    right = affine.db
    monkeypatch.setattr(affine, "db", lambda dZ: 0 * right(dZ))
    found = checked()
    assert found.failed == 7 + 3
    assert found.nonzero == (4 * 7 + 7 * 3) / found.checked


def test_a_fault_leaves_nothing_checked(monkeypatch):
    monkeypatch.setattr(affine, "db", lambda dZ: dZ)
    found = checked()
    assert (found.checked, found.failed, found.nonzero, found.allowed, found.entries) == (0, 0, 0, 0, ())
    assert found.worst == np.inf
    assert found.fault.startswith("gate: db1 is 7 ×")
    assert 0 <= found.seconds_table <= found.seconds < 60


def test_a_gradient_that_did_not_come_is_missing():
    assert gate.shape_fault({"W1": np.ones((2, 3))}, {"W1": (2, 3), "b1": (2, 1)}) == (
        "gate: db1 is missing; the derivation gives b1 the shape 2 × 1"
    )
    assert gate.shape_fault({"W1": np.ones((2, 3))}, {"W1": (2, 3)}) is None


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_both_batches_are_in_the_dtype_of_training_and_the_same_every_time(dtype, monkeypatch):
    seen = []
    whole = gate.examine

    def examine(layers, theta, X, Y, *gradients):
        seen.append((theta, X, Y))
        return whole(layers, theta, X, Y, *gradients)

    monkeypatch.setattr(gate, "examine", examine)
    checked(dtype)
    checked(dtype)
    assert {A.dtype for theta, X, Y in seen for A in (X, Y, *nnref.named(theta).values())} == {np.dtype(dtype)}
    dense, again = seen[0], seen[2]
    assert np.array_equal(dense[1], again[1])
    assert np.array_equal(dense[0][0].b, again[0][0].b)
    assert dense[1].shape == (4, gate.DENSE)
    assert np.count_nonzero(dense[1]) == dense[1].size
    assert set(dense[2].argmax(axis=0)) == {0, 1, 2}


def test_the_biases_of_the_dense_batch_are_small_and_none_is_zero():
    theta = (nnref.Affine(np.ones((1000, 1)), np.full((1000, 1), 5.0)),)
    moved = gate.with_biases(theta, np.dtype("float64"))[0]
    assert np.array_equal(moved.W, theta[0].W)
    # 1,000 draws: their spread strays from 0.1 by 0.1 / √2000 = 2 %, their mean from 5 by 0.003; six of each.
    assert (moved.b - 5).std() == pytest.approx(0.1, rel=0.14)
    assert moved.b.mean() == pytest.approx(5, abs=0.02)


def test_what_was_left_out_of_either_batch_is_noted(monkeypatch):
    notes = iter([["of the dense"], ["of the first"]])
    monkeypatch.setattr(gate, "decided", lambda layers, theta, X, *elsewhere: (np.ones(X.shape[1], bool), next(notes)))
    assert checked().left_out == ("of the dense", "of the first")


def test_a_unit_that_is_exactly_zero_is_decided():
    layers = nnref.mlp([2, 3, 2])
    theta = nnref.initialise(layers)
    told, notes = gate.decided(layers, theta, np.array([[0.0, 1.0], [0.0, 1.0]]))
    assert told.tolist() == [True, True]
    assert notes == []


def test_a_unit_near_its_kink_is_named_by_its_layer():
    """1 + u − 1 is 0 in float32 and not in float64: a third layer in which one example cannot be told."""
    layers = nnref.mlp([1, 1, 1, 1, 2])
    theta = nnref.initialise(layers, dtype="float32")
    one, zero = np.ones((1, 1), "float32"), np.zeros((1, 1), "float32")
    tiny = np.array([[2.0**-30]], "float32")
    theta = tuple(
        nnref.Affine(one, b) if t and t.W.size == 1 else t
        for t, b in zip(theta, (tiny, zero, zero, zero, -one, zero, zero), strict=True)
    )
    told, notes = gate.decided(layers, theta, np.array([[1.0, 3.0]], "float32"))
    assert told.tolist() == [False, True]
    assert notes == ["gate: example 0 left out: unit 0 of layer 3 is within rounding of 0"]


@pytest.mark.parametrize(
    ("dtype", "size"), [("float32", 1e-39), ("float32", 1e-42), ("float64", 1e-290), ("float64", 1e-312)]
)
def test_what_underflows_is_not_called_wrong(dtype, size):
    layers = nnref.mlp([3, 2])
    X, Y = (size * BATCH[0][:3]).astype(dtype), nnref.one_hot([0, 1, 0, 1, 0, 1], 2, dtype)
    found = gate.examine(layers, nnref.initialise(layers, 0, dtype), X, Y)
    assert max(M.max() for M in found.multiples.values()) <= found.allowed
    assert np.count_nonzero(found.yours["W1"]) > 0


def verdict(a, truth, e=0.0, between=(np.nan, np.nan), jump=0.0, r=0.001, scale=4.0):
    """The checker's verdict on one entry, and its gap in multiples of its bar, for a tensor too fine to be excused."""
    low, high = (np.array([side]) for side in between)
    truths = verdicts.Truths(np.array([truth]), np.array([e]), low, high, np.array([jump]))
    tensor = SimpleNamespace(a=np.array([a]), places=np.array([0]), sums=16.0, u=U)
    said = verdicts.verdict(tensor, truths, r, scale)
    return said[0], summary.gaps_in_bars(tensor.a, truths, truths.e + r, said)[0]


KINK = {"truth": 0.5, "between": (0.0, 1.0)}


@pytest.mark.parametrize(
    ("a", "at", "says"),
    [
        (1.0, {"truth": 1.0}, verdicts.RIGHT),
        (1.0, {"truth": 1.0, "e": np.inf}, verdicts.UNTOLD),  # equal by chance: the bar decides nothing
        (1.0, {"truth": 1.0, "jump": 1.0}, verdicts.UNTOLD),  # where the loss jumps there is no slope
        (1.0, {"truth": 1.001, "e": 0.001}, verdicts.RIGHT),  # the bar is 0.002
        (1.0, {"truth": 1.004, "e": 0.001}, verdicts.UNTOLD),
        (1.0, {"truth": 1.0079, "e": 0.001}, verdicts.UNTOLD),
        (1.0, {"truth": 1.0081, "e": 0.001}, verdicts.WRONG),  # four bars
        (0.0, {"truth": 1.0081, "e": 0.001}, verdicts.WRONG),
        (1.0, {"truth": 1.01, "e": 0.05}, verdicts.UNTOLD),  # a bar this wide decides nothing
        (1.0, {"truth": 2.0, "e": 0.05}, verdicts.WRONG),
        (np.nan, {"truth": 1.0}, verdicts.WRONG),
        (np.inf, {"truth": 1.0, "e": np.inf}, verdicts.WRONG),
        (0.25, KINK, verdicts.RIGHT),
        (-0.0005, KINK, verdicts.RIGHT),
        (1.0005, KINK, verdicts.RIGHT),
        (1.002, KINK, verdicts.UNTOLD),
        (-0.002, KINK, verdicts.UNTOLD),
        (1.1, KINK, verdicts.WRONG),
        (-0.1, KINK, verdicts.WRONG),
    ],
)
def test_right_wrong_and_cannot_tell(a, at, says):
    assert verdict(a, **at)[0] == says


def test_each_limit_of_the_verdict_belongs_to_the_milder_one():
    """Numbers that are exact in binary, so that a gap can lie on its limit."""
    for a, says in ((-0.25, verdicts.RIGHT), (1.25, verdicts.RIGHT), (-1.0, verdicts.UNTOLD), (2.0, verdicts.UNTOLD)):
        assert verdict(a, **KINK, r=0.25)[0] == says
    assert verdict(1.25, 1.0, r=0.25, scale=1024.0)[0] == verdicts.RIGHT
    assert verdict(2.0, 1.0, r=0.25, scale=1024.0)[0] == verdicts.UNTOLD
    widest = DECIDES * 2.0
    assert verdict(1.0 + widest / 2, 1.0, r=widest, scale=2.0)[0] == verdicts.RIGHT


def test_rounding_of_the_declared_dtype_decides_whatever_its_size():
    """A float16 bar may be wider than a hundredth of the tensor: what lies within it is still right."""
    truths = verdicts.Truths.of(np.array([1.0]), 0.0)
    tensor = SimpleNamespace(a=np.array([1.25]), places=np.array([0]), sums=16.0, u=2.0**-8)
    assert verdicts.verdict(tensor, truths, 0.5, 2.0)[0] == verdicts.RIGHT  # 4 · 16 · 2⁻⁸ of 2 is just 0.5
    assert verdicts.verdict(tensor, truths, 0.5001, 2.0)[0] == verdicts.UNTOLD


def test_a_gap_in_multiples_of_its_bar():
    assert verdict(1.0, 1.0, r=0.0)[1] == 0
    assert verdict(1.5, 1.0, 0.125, r=0.125)[1] == 2
    assert verdict(1.5, 1.0, 0.25, r=0.25)[1] == 1
    assert verdict(1.5, 1.0, r=0.0)[1] == np.inf
    assert verdict(1.5, 1.0, np.inf)[1] == 0
    assert verdict(np.nan, 1.0, 1.0)[1] == np.inf
    assert verdict(0.25, **KINK)[1] == 0  # between the slopes of a kink
    assert verdict(3.0, 0.5, between=(0.0, 1.0), r=0.25)[1] == 10


def test_the_floor_is_where_a_complex_step_loses_its_digits():
    assert np.finfo("float64").tiny / truth.H == truth.FLOOR
