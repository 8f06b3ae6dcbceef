"""Does each record say what its operation does? Its rounding, balls, series and lines, right and with a part wrong."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from scipy.special import erf

import nnref
from nnref import relu, sigmoid
from nnref.checking.diagnosis import wording
from nnref.checking.diagnosis.diagnose import diagnose
from nnref.checking.operations import record
from nnref.checking.operations.record import Unknown
from nnref.checking.operations.rounding import Precision
from nnref.checking.operations.running_error import WithError
from nnref.checking.reference import balls, noise, series, strictest_truth
from nnref.checking.reference.intermediates import Case
from nnref.layer import ACTIVATIONS, activation_layer
from nnref.network import named
from nnref.running import gate
from tests import fuzz_noise
from tests.concepts.test_gradients import drawn
from tests.conftest import require
from tests.support.records import planted, with_slope, wrong_slopes

each_activation = pytest.mark.parametrize("activation", ACTIVATIONS)
P = Precision.of("float32")


def points(activation, rng):
    """Weighted sums Z near and far from 0, the same as float32 has them, some far off, and the error E of those."""
    Z = np.concatenate([rng.standard_normal(400) * size for size in (0.1, 1, 5, 30)])[None]
    off = rng.uniform(-1, 1, Z.shape) * 10 ** rng.uniform(-8, 0, Z.shape)
    rough = (Z + off).astype("float32")
    for kink in record.kinks(activation):
        same = (kink.at < Z) == (rough > kink.at)
        Z, rough = Z[same][None], rough[same][None]
    return Z, rough, abs(rough.astype("float64") - Z) / P.reach


def rounding_is_covered(activation, rng):
    """Whether float32's A and slope are as near to the true ones as the record says, however wrong Z is."""
    made, (Z, rough, E) = ACTIVATIONS[activation], points(activation, rng)
    A, one = made.forward((), Z), np.ones_like(Z)
    rough_A = made.forward((), rough)
    E_A = record.errors(activation).forward((), Z, E, A, P)
    slope = record.slope(activation, WithError(Z, E, P.reach), WithError(A, E_A, P.reach), P)
    rough_slope = made.dA((), rough, rough_A, one.astype("float32"))
    near_A = abs(rough_A - A) <= P.reach * E_A
    near_slope = abs(rough_slope - made.dA((), Z, A, one)) <= P.reach * (slope.e + abs(slope.value))
    return bool(near_A.all()) and bool(near_slope.all())


@each_activation
def test_no_rounding_exceeds_what_the_record_says(activation, rng):
    assert rounding_is_covered(activation, rng)


@each_activation
@pytest.mark.parametrize("part", ["forward", "slope"])
def test_a_wrong_noise_scale_in_a_record_is_seen(activation, part, rng, monkeypatch):
    """A thousandth of the right one; a rectifier's slope is exact, and has no error to take away."""
    right = record.record(activation)
    if part == "slope" and right.kinks:
        assert (right.errors.slope(*(WithError(np.ones((1, 1)), np.ones((1, 1)), 1.0),) * 2, P).e == 0).all()
        return
    small = {
        "forward": lambda theta, Z, E, A, p: right.errors.forward(theta, Z, E, A, p) / 1000,
        "slope": lambda Z, A, p: replace(made := right.errors.slope(Z, A, p), e=made.e / 1000),
    }[part]
    planted(monkeypatch, right, errors=replace(right.errors, **{part: small}))
    assert not rounding_is_covered(activation, rng)


@each_activation
@pytest.mark.parametrize("other", ACTIVATIONS)
def test_the_scale_of_another_activation_is_seen(activation, other, rng, monkeypatch):
    """The slope that the noise floor carries an error by is the slope of this function, and of no other."""
    Z = 4 * rng.standard_normal((1, 50))
    A = ACTIVATIONS[activation].forward((), Z)
    planted(monkeypatch, record.record(activation), errors=record.record(other).errors)
    slope = record.slope(activation, WithError.exact(Z, 0.0), WithError.exact(A, 0.0), P).value
    same = np.allclose(slope, ACTIVATIONS[activation].dA((), Z, A, np.ones_like(Z)), rtol=1e-12)
    assert same == (activation == other)


def enclosed(case):
    """Whether the gradient as numpy computes it is within rounding of the balls."""
    layers, theta, X, Y = case
    q = balls.multiples_in_balls(
        nnref.gradients(layers, theta, X, Y),
        balls.enclosures(layers, theta, X, Y),
        noise.scale(layers, theta, X, Y, "float64"),
        "float64",
    )
    return max(float(m.max()) for m in q.values()) <= noise.allowed(layers, theta, X.shape[1])


@each_activation
def test_a_wrong_ball_or_series_in_a_record_is_seen(activation, rng, monkeypatch):
    """A slope or a series off by 2⁻⁶⁰ parts the two enclosures; a ball of A off by a millionth parts from numpy's."""
    flint, case, right = require("flint"), drawn([4, 5, 3], activation, 3, rng), record.record(activation)
    assert series.agreement(*case).ok
    assert enclosed(case)
    forward, dA = right.enclosures.forward, right.enclosures.dA
    off = flint.arb(1 + 2.0**-30)
    wrong = {
        "dA": {"enclosures": replace(right.enclosures, dA=lambda *at: dA(*at) * off)},
        "series": {"series": lambda W, z, t: {r: [x * off for x in row] for r, row in right.series(W, z, t).items()}},
        "forward": {"enclosures": replace(right.enclosures, forward=lambda *at: forward(*at) * off)},
    }
    for name, parts in wrong.items():
        with monkeypatch.context() as one:
            planted(one, right, **parts)
            assert not (enclosed(case) if name == "forward" else series.agreement(*case).ok), name


@pytest.mark.parametrize("activation", [name for name in ACTIVATIONS if record.kinks(name)])
def test_a_kink_that_a_record_forgets_makes_correct_networks_look_wrong(activation, monkeypatch):
    """Where rounding puts a unit on the other side, the slope is another: the record says that nobody can be blamed."""
    require("flint")
    found = (fuzz_noise.examined(k, activation) for k in range(2_000))
    for crossed in itertools.islice((f for f in found if f.left_out and f.share is not None), 12):
        with monkeypatch.context() as one:
            planted(one, record.record(activation), kinks=())
            if not fuzz_noise.examined(crossed.k, activation).share <= 1:
                return
    pytest.fail("no correct network looks wrong")


@each_activation
def test_the_lines_that_a_record_writes_are_right(activation, rng):
    """Both are run as Python: they are shown to people as what to write."""
    Z = rng.standard_normal((3, 4))
    made, writing = ACTIVATIONS[activation], record.writing(activation)
    A = made.forward((), Z)
    names = {"np": np, "erf": erf, "sigmoid": sigmoid.forward, "relu": relu.forward, "Z1": Z, "A1": A, "slope": 0.01}
    np.testing.assert_allclose(eval(writing.forward.format(l=1), names), A, rtol=1e-12)
    slope = eval(writing.gradients["slope"].format(l=1), names)
    np.testing.assert_allclose(slope * np.ones_like(Z), made.dA((), Z, A, np.ones_like(Z)), rtol=1e-12)


@each_activation
def test_a_formula_that_a_record_calls_wrong_is_wrong_and_the_first_it_calls_its_own_is_right(activation, rng):
    Z = rng.standard_normal((3, 4))
    made, slopes = ACTIVATIONS[activation], record.record(activation).slopes
    at = (WithError.exact(Z, 0.0), WithError.exact(made.forward((), Z), 0.0))
    right = made.dA((), Z, at[1].value, np.ones_like(Z))
    for formula in slopes.taken[:1]:
        np.testing.assert_allclose(formula.of(*at).value, right, rtol=1e-12)
    for formula in wrong_slopes(activation):
        assert not np.allclose(formula.of(*at).value, right), formula.text


@each_activation
def test_every_wrong_slope_that_a_record_knows_is_diagnosed(activation, rng):
    """Made in both hidden layers of a network of that activation: named as a wrong slope, with the record's line."""
    layers, theta, X, Y = drawn([5, 6, 4, 3], activation, 7, rng)
    case = Case.of(layers, theta, X, Y.astype("float64"))
    assert diagnose(case, named(nnref.gradients(layers, theta, X, Y))) == ()
    for formula in wrong_slopes(activation):
        first, *_ = diagnose(case, named(nnref.gradients(with_slope(layers, formula), theta, X, Y)))
        assert first.mistake is not None, formula.text
        assert first.mistake.line == "slope", formula.text
        assert first.claim == f"{activation}.dZ"
        assert first.right.endswith(record.writing(activation).gradients["slope"].format(l=2))


SQUARE = activation_layer("square", lambda Z: Z * Z, lambda Z, A, dA: 2 * Z * dA)
"""An operation that is right, and has no record."""


@pytest.fixture
def squares(rng):
    """A network of squares."""
    layers, theta, X, Y = drawn([4, 5, 3], "tanh", 3, rng)
    return (layers[0], SQUARE, layers[2]), theta, X, Y


def consumers(layers, theta, X, Y):
    """Everything that asks a record, by the name of the part that it asks for."""
    case = Case.of(layers, theta, X, Y)
    gradients = named(nnref.gradients(layers, theta, X, Y))
    return {
        "noise": lambda: noise.scale(layers, theta, X, Y, "float64"),
        "balls": lambda: balls.enclosures(layers, theta, X, Y),
        "series": lambda: record.part("square", "series"),
        "kinks": lambda: strictest_truth.units_at_kinks(case, "float32"),
        "gate": lambda: gate.decided(layers, theta, X),
        "diagnosis": lambda: diagnose(case, {name: 2 * g for name, g in gradients.items()}),
        "wording": lambda: wording.worded("{slope}", 1, "square", "W"),
    }


@pytest.mark.parametrize("consumer", ["noise", "balls", "series", "kinks", "gate", "diagnosis", "wording"])
def test_an_operation_without_a_record_is_refused_by_name_everywhere(consumer, squares):
    require("flint")
    with pytest.raises(Unknown, match=r"'square'.*no record, nnref/checking/operations/square\.py"):
        consumers(*squares)[consumer]()


@pytest.mark.parametrize("part", ["errors", "enclosures", "series", "kinks", "writing"])
def test_a_part_that_a_record_lacks_is_missed_by_name(part, monkeypatch):
    planted(monkeypatch, record.record("tanh"), **{part: None})
    with pytest.raises(Unknown, match=rf"the record of 'tanh' has no {part}: nnref/checking/operations/tanh\.py"):
        record.part("tanh", part)


@pytest.mark.parametrize("name", ["", "record", "softmax_cross_entropy", "tanh 0.1", "os.path", "sin"])
def test_what_is_no_operation_has_no_record(name):
    with pytest.raises(Unknown, match="nothing is known of the operation"):
        record.record(name)


def test_every_activation_has_a_record_and_every_record_of_one_its_module():
    assert {name.split()[0] for name in record.activations()} == set(ACTIVATIONS)
    assert set(record.names()) == {*ACTIVATIONS, "affine"}
