"""Is every mistake found where it was made, and called by its name or by none?"""

from itertools import count, repeat

import numpy as np
import pytest

import nnref
from nnref.checking.diagnosis.diagnose import CATALOGUE, catalogue, diagnose
from nnref.checking.diagnosis.search import right_gradient, right_layers
from nnref.checking.operations.running_error import WithError
from nnref.checking.reference import noise
from nnref.checking.reference.forward_errors import ForwardErrors
from nnref.checking.reference.intermediates import Case
from tests import mistakes
from tests.support.networks import NETWORKS

NAMED = 0.95
"""The share of single mistakes that must be named. The rest leave too little to tell by, such as sums that are 0."""


@pytest.fixture(scope="module")
def net():
    return mistakes.network("distinct", "relu", 0)


def found(net, *wrong):
    """The diagnosis of mistakes given as (line, layer, what is written)."""
    return diagnose(mistakes.case(net), mistakes.backward(net, {(line, l): f for line, l, f in wrong}))


def counted(sets, seed, starts, record_property, way):
    """The counts of what was planted: in each network every so many mistakes, from the next of the starts on."""
    counts, failures = mistakes.counts(mistakes.nets([seed]), lambda net: sets(net, next(starts)))
    record_property("figure", mistakes.summary({way: counts}, failures)["figure"])
    assert not failures
    return counts


def test_a_single_mistake_is_localised_and_named(record_property, draws):
    """Every seventh of those that python -m tests.mistakes plants; in the quick run, each in one of the networks."""
    networks = len(mistakes.nets([0]))
    starts, every = draws(count(), repeat(0)), draws(4 * networks, 7, ci=networks)
    planted = counted(lambda net, at: mistakes.alone(net, every, at), 0, starts, record_property, "alone")
    assert planted["planted"] > draws(40, 300, ci=150)
    assert planted["named"] >= NAMED * planted["planted"]


@pytest.mark.further
def test_of_two_mistakes_the_first_is_localised_and_neither_has_a_wrong_name(record_property, draws):
    """A few of the two hundred thousand pairs."""
    starts, every = draws(count(), repeat(0)), draws(179_918, 1499, ci=14_983)
    planted = counted(lambda net, at: mistakes.pairs(net, every, at), 1, starts, record_property, "in pairs")
    assert planted["planted"] > draws(1, 100, ci=10)


@pytest.mark.further
def test_a_mistake_outside_the_catalogue_is_localised_and_has_no_name(record_property, draws):
    starts, every = draws(count(), repeat(0)), draws(708, 5, ci=59)
    planted = counted(
        lambda net, at: mistakes.unknown(net, every, at), 2, starts, record_property, "outside the catalogue"
    )
    assert planted["planted"] > draws(1, 100, ci=10)
    assert planted["named"] == 0
    assert len(mistakes.OUTSIDE) >= 15


@pytest.mark.parametrize(("sizes", "activation", "N"), NETWORKS)
def test_right_gradients_have_no_diagnosis(sizes, activation, N, rng):
    layers = nnref.mlp(sizes, activation)
    theta = nnref.initialise(layers, seed=N)
    X, Y = rng.standard_normal((sizes[0], N)), nnref.one_hot(rng.integers(0, sizes[-1], N), sizes[-1])
    assert diagnose(Case.of(layers, theta, X, Y), nnref.named(nnref.gradients(layers, theta, X, Y))) == ()


def test_the_case_is_the_reference_s_own_computation(rng):
    layers = nnref.mlp([4, 6, 5, 3])
    theta = nnref.initialise(layers)
    X, Y = rng.standard_normal((4, 7)), nnref.one_hot(rng.integers(0, 3, 7), 3)
    case = Case.of(layers, theta, X, Y)
    assert case.activation == ("relu", "relu")
    for name, g in nnref.named(nnref.gradients(layers, theta, X, Y)).items():
        np.testing.assert_array_equal(case.gradients[name], g)


@pytest.mark.parametrize(("sizes", "activation", "N"), NETWORKS)
def test_the_error_carried_by_the_right_lines_is_the_noise_floor_s(sizes, activation, N, rng):
    """Two ways to one running error: a whole formula in noise.scale, and operation by operation here."""
    layers = nnref.mlp(sizes, activation)
    theta = nnref.initialise(layers, seed=N)
    X, Y = rng.standard_normal((sizes[0], N)), nnref.one_hot(rng.integers(0, sizes[-1], N), sizes[-1])
    S = nnref.named(noise.scale(layers, theta, X, Y, "float64"))
    for at in right_layers(ForwardErrors.of(Case.of(layers, theta, X, Y), "float64")):
        for p in "Wb":
            carried, scale = right_gradient(at, p).e, S[f"{p}{at.l}"]
            assert (carried <= 3 * scale + 1e-300).all()
            assert (scale <= 3 * carried + 1e-300).all()


def test_carried_errors_hold_what_rounding_does(rng):
    """Products, sums and slopes in float32 against float64: never further than the carried error says."""
    A, B, C = (rng.standard_normal(shape) for shape in ((6, 30), (30, 5), (6, 5)))
    exact = [WithError.exact(M.astype("float32").astype("float64"), 2.0**-24) for M in (A, B, C)]
    rough = [M.value.astype("float32") for M in exact]

    def formula(A, B, C):
        P = A @ B
        return (1 - P * P) * C - P * 0.5

    made = formula(*exact)
    gap = abs(formula(*rough).astype("float64") - made.value)
    assert (gap <= 2 * 30 * made.u * made.e).all()
    assert (gap > 0).any()


def test_a_fitted_number_is_said_as_people_write_it(net):
    (first,) = found(net, ("dZ", 1, lambda s: np.where(s.Z[s.l] > 0, s.dA, 0.01 * s.dA)))
    assert first.mistake.key == "slope.leaky"
    assert "slope 0.01" in first.says


def test_the_same_mistake_in_several_layers_is_one(net):
    (first,) = found(net, *(("db", l, lambda s: np.sum(s.dZ)) for l in (1, 2, 3)))
    assert (first.mistake.key, first.quantity, first.also) == ("bias.one_number", "db3", ("db2", "db1"))
    assert (first.explains, first.of) == (13, 13)
    assert first.right == "db3 = np.sum(dZ3, axis=1, keepdims=True)"
    assert first.claim == "affine.db"


def test_what_is_above_the_first_mistake_is_cleared(net):
    (first,) = found(net, ("dZ", 1, lambda s: s.dA))
    assert first.quantity == "dZ1"
    assert first.cleared == ("dZ3", "dW3", "db3", "dA2", "dZ2", "dW2", "db2", "dA1")


def test_two_names_for_the_same_numbers_are_both_said():
    """With as many examples as classes, who divides by the one divides by the other."""
    net = mistakes.network("equal", "tanh", 0)
    (first,) = found(net, ("after dZ", 3, lambda s: s.dZ / s.K))
    assert first.mistake.key == "scale.1/N"
    assert "scale.classes" in {m.key for m in first.alternatives}
    assert "Or, with the same numbers" in first.says


def test_a_learning_rate_that_is_known_is_named(net):
    grads = {name: 0.03 * g for name, g in mistakes.backward(net, {}).items()}
    (first,) = diagnose(mistakes.case(net), grads, learning_rate=0.03)
    assert first.mistake.key == "scale.rate"


def test_slack_excuses_what_it_covers_and_no_more(net):
    right = mistakes.backward(net, {})
    off = {name: g + 1e-10 for name, g in right.items()}
    assert diagnose(mistakes.case(net), off)
    assert diagnose(mistakes.case(net), off, slack=1.1e-10) == ()
    one = off | {"b2": right["b2"].mean() + 0 * right["b2"]}
    assert diagnose(mistakes.case(net), one, slack=1.1e-10)[0].quantity == "db2"


def test_a_gradient_not_written_yet_is_no_mistake_and_hides_none(net):
    grads = mistakes.backward(net, {("db", 2): lambda s: s.dZ.mean(axis=1, keepdims=True)})
    (first,) = diagnose(mistakes.case(net), grads | {"W2": None, "b3": None})
    assert (first.mistake.key, first.quantity) == ("bias.averaged", "db2")


def test_an_intermediate_that_was_given_carries_the_search_on_past_an_unknown_mistake(net):
    strange = ("dZ", 2, lambda s: s.dA * np.sqrt(abs(s.Z[s.l])))
    known = ("db", 1, lambda s: np.sum(s.dZ))
    grads = mistakes.backward(net, {(line, l): f for line, l, f in (strange, known)})
    alone = diagnose(mistakes.case(net), grads)
    assert [d.mistake for d in alone] == [None]
    case = mistakes.case(net)
    dZ2 = case.dA["dA2"] * np.sqrt(abs(case.Z["Z2"]))
    carried = diagnose(case, grads, intermediates={"dZ2": dZ2})
    assert [(d.quantity, d.mistake and d.mistake.key) for d in carried] == [("dZ2", None), ("db1", "bias.one_number")]


def test_a_float32_cast_is_named_and_a_mistake_as_small_is_not(net):
    right = mistakes.backward(net, {})
    cast = right | {"W1": right["W1"].astype("float32").astype("float64")}
    assert diagnose(mistakes.case(net), cast)[0].mistake.key == "precision.gradient"
    small = right | {"W1": right["W1"] * (1 + 1e-8 * np.sin(np.arange(right["W1"].size)).reshape(right["W1"].shape))}
    assert diagnose(mistakes.case(net), small)[0].mistake is None


def test_float32_gradients_are_diagnosed_in_their_own_unit():
    net = mistakes.network("distinct", "tanh", 1)
    grads = mistakes.backward(net, {("dZ", 1): lambda s: s.dA})
    rounded = {name: g * (1 + 2e-8 * np.sin(np.arange(g.size)).reshape(g.shape)) for name, g in grads.items()}
    (first,) = diagnose(mistakes.case(net), rounded, dtype="float32")
    assert first.mistake.key == "slope.missing"


def test_one_example_hides_the_batch_and_nothing_is_invented():
    """With N = 1 a sum, a mean and one example are the same: all of them are right."""
    net = mistakes.network("distinct", "relu", 0)
    net.X, net.Y, net.N = net.X[:, :1], net.Y[:, :1], 1
    assert found(net, ("db", 2, lambda s: s.dZ.mean(axis=1, keepdims=True))) == ()
    (first,) = found(net, ("db", 2, lambda s: np.sum(s.dZ)))
    assert first.mistake.key == "bias.one_number"


def test_every_entry_of_the_catalogue_is_whole():
    """Each has its sentences and a claim that exists. That each predicts what its line makes is asked in catalogue/."""
    from derivations.prover.proof import claims

    entries = catalogue()
    assert len({entry["key"] for entry in entries}) == len(entries) == len(CATALOGUE)
    for entry in entries:
        assert all(entry.values())
        assert "{" not in "".join(entry.values())
        assert entry["says"].endswith(".")
    proved = set(claims())
    assert {entry["claim"] for entry in entries} - proved <= {"softmax_cross_entropy.dZ", "sgd.update"}
