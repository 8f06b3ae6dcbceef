"""Mistakes going forward: each is what its line makes, is found by its numbers alone, and has a claim."""

import ast
from pathlib import Path

import numpy as np
import pytest

import nnref
from nnref import softmax
from nnref.checking.diagnosis.catalogue.forward import (
    FORWARD,
    OUTPUTS_WRONG,
    UNSHIFTED,
    LayerMistake,
    LossMistake,
    OutputMistake,
)
from nnref.checking.diagnosis.diagnose import CATALOGUE
from nnref.checking.diagnosis.forward_passes import (
    LOGITS,
    SOFTMAX,
    Forward,
    known_losses,
    passes,
    recognised_forward,
    recognised_loss,
)

SIZES = [4, 6, 5, 3]


@pytest.fixture
def net(rng):
    """θ with biases and dense X."""
    theta = nnref.initialise(nnref.mlp(SIZES), seed=1, dtype="float64")
    theta = tuple(nnref.Affine(p.W, rng.standard_normal(p.b.shape)) if p else () for p in theta)
    return theta, rng.standard_normal((4, 7))


def each_of(kind):
    return pytest.mark.parametrize("mistake", [m for m in FORWARD if isinstance(m, kind)], ids=lambda m: m.key)


def made_by_line(wrong, **given):
    """What a wrong line makes of these arrays."""
    names = {"np": np, "softmax": softmax.forward, **given}
    *before, last = ast.parse(wrong).body
    exec(compile(ast.Module(before, []), "before", "exec"), names)
    return eval(compile(ast.Expression(last.value), "line", "eval"), names)


@each_of(LayerMistake)
@pytest.mark.parametrize("l", [1, 2])
def test_a_mistake_in_a_layer_is_found_by_the_output_alone(net, mistake, l):
    output = passes(*net, Forward(("tanh", "tanh"), SOFTMAX, (mistake, l)))["output"]
    assert recognised_forward(*net, output, "float64").fault == (mistake, l)


@each_of(LayerMistake)
def test_the_line_of_a_mistake_in_a_layer_is_what_it_makes(net, mistake):
    p, f = net[0][0], nnref.mlp(SIZES, "tanh")[1]
    names = {"W1": p.W, "A0": net[1], "Z1": p.W @ net[1] + p.b}
    line = made_by_line(mistake.wrong.format(l=1, j=0), **names)
    made = mistake.Z(p, net[1]) if mistake.line == "Z" else mistake.A(f, names["Z1"])
    np.testing.assert_array_equal(made, line)
    right = p.W @ net[1] + p.b if mistake.line == "Z" else np.tanh(names["Z1"])
    assert abs(made - right).max() > 0.1


@pytest.mark.parametrize("mistake", OUTPUTS_WRONG, ids=lambda m: m.key)
def test_a_mistake_at_the_output_is_found_by_the_output_alone(net, mistake):
    way = recognised_forward(*net, passes(*net, Forward(("relu", "relu"), mistake))["output"], "float64")
    assert (way.output, way.fault) == (mistake, None)
    assert way.says == mistake.says


@each_of(OutputMistake)
def test_the_line_of_a_mistake_at_the_output_is_what_it_makes(rng, mistake):
    Z = rng.standard_normal((3, 5))
    np.testing.assert_allclose(mistake.of(Z), made_by_line(mistake.wrong, Z=Z), rtol=1e-15)


def test_a_softmax_without_its_shift_is_wrong_at_large_logits_alone(rng):
    Z = rng.standard_normal((3, 5))
    np.testing.assert_allclose(UNSHIFTED.of(Z), softmax.forward(Z), rtol=1e-14)
    with np.errstate(all="ignore"):
        assert np.isnan(UNSHIFTED.of(1e4 * Z)).any()


@each_of(LossMistake)
def test_a_mistake_in_the_loss_is_found_by_its_value_and_is_what_its_line_makes(rng, mistake):
    P, Y = softmax.forward(rng.standard_normal((3, 7))), np.eye(3)[:, rng.permutation(np.arange(7) % 3)]
    mean = -(Y * np.log(P)).sum() / 7
    for number, value in mistake.values(mean, P, Y):
        assert value == pytest.approx(made_by_line(mistake.wrong, P=P, Y=Y, N=7, eps=float(number or 0)), rel=1e-14)
        if not number or float(number) > 1e-11:  # a smaller one is rounding
            found = recognised_loss(P, Y, value, "float64")
            assert (found.mistake, found.says) == (mistake, mistake.says.format(number=number))


def test_the_mean_cross_entropy_is_no_mistake(rng):
    P, Y = softmax.forward(rng.standard_normal((3, 7))), np.eye(3)[:, rng.integers(0, 3, 7)]
    right, value = next(known_losses(P, Y))
    assert (right.mistake, right.design) == (None, None)
    assert value == pytest.approx(-np.log(P[Y > 0]).mean())
    assert Forward(("relu",), LOGITS).says is None


def test_every_mistake_has_a_key_of_its_own_and_a_claim_that_stands_in_the_derivations():
    """Forward and back alike; that of an activation is the activation's own claim."""
    keys = [m.key for m in (*CATALOGUE, *FORWARD)]
    assert len(set(keys)) == len(keys)
    derivations = Path(nnref.__file__).parent.parent / "derivations"
    for claim in {m.claim for m in FORWARD} - {"{activation}.forward"}:
        assert f'"{claim}"' in (derivations / f"{claim.partition('.')[0]}.py").read_text(encoding="utf-8"), claim
    assert all(m.says and m.wrong and m.right for m in FORWARD)
