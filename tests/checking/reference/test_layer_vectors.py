"""Are the known answers of the layers right, whole, and of use to another language?"""

import json
from decimal import Decimal

import numpy as np
import pytest

from nnref import bridge
from nnref.checking.operations.running import Running
from nnref.checking.reference import layer_vectors, vectors
from nnref.precision import gathered, unit
from nnref.shapes import trusted

FEW = [
    "affine.dW",
    "conv2d.dW",
    "embedding.dE",
    "layer_norm.dX",
    "multi_head.dQ",
    "rnn.dW",
    "max_pool.dX",
    "adam.update",
]


def within_rounding(name):
    """Whether numpy's function is as near to the known answer as its running error says; what is exact, exactly."""
    formula, given = bridge.function(name), layer_vectors.arguments(name, bridge.formulas()[name])
    ours = np.asarray(formula(**given))
    theirs = np.array(layer_vectors.case(name)["answer"], "float64")
    assert ours.shape == theirs.shape
    with trusted():
        S = formula(**{p: Running(A) if np.ndim(A) else A for p, A in given.items()}).e
    longest = max(np.size(A) for A in given.values())
    return bool((abs(ours - theirs) <= unit("float64") * (gathered(longest) * S + abs(theirs))).all())


@pytest.mark.parametrize("name", FEW)
def test_numpy_gives_the_known_answer(name):
    assert within_rounding(name)


@pytest.mark.long  # seven seconds for all of them
def test_numpy_gives_every_known_answer():
    names = layer_vectors.functions_with_answers()
    assert len(names) > 130
    assert [name for name in names if not within_rounding(name)] == []


def test_a_formula_with_a_mistake_does_not(monkeypatch):
    from nnref import layer_norm

    right = layer_norm.dX
    monkeypatch.setattr(layer_norm, "dX", lambda X, gamma, dY, eps: right(X, gamma, dY, eps) * (1 + 1e-11))
    assert not within_rounding("layer_norm.dX")


def test_what_goes_in_is_exact_and_the_same_for_all_functions_of_a_concept():
    shapes = bridge.formulas()
    first, second = (layer_vectors.arguments(f"layer_norm.{f}", shapes[f"layer_norm.{f}"]) for f in ("forward", "dX"))
    assert np.array_equal(first["X"], second["X"])
    written = layer_vectors.exact(first["X"])
    assert all(
        Decimal(w) == Decimal(float(x))
        for row, xs in zip(written, first["X"], strict=True)
        for w, x in zip(row, xs, strict=True)
    )
    assert not {0.0, 1.0} & set(first["X"].ravel())  # nowhere at a kink


def test_an_answer_has_fifty_digits():
    """Of probabilities, which are no short decimals; each column of them adds up to 1."""
    answer = layer_vectors.case("softmax.forward")["answer"]
    columns = [sum(map(Decimal, column)) for column in zip(*answer, strict=True)]
    assert all(abs(total - 1) < Decimal("1e-27") for total in columns)  # decimal itself carries 28 digits
    assert {len(x.replace("0.", "", 1).lstrip("0")) for row in answer for x in row} <= {48, 49, 50}


def test_the_file_is_what_its_schema_says(tmp_path, monkeypatch):
    monkeypatch.setattr(layer_vectors, "functions_with_answers", lambda: ["layer_norm.dX", "weight_decay.forward"])
    vectors.write_layers(tmp_path)
    made = json.loads((tmp_path / "layers.json").read_text())
    schema = json.loads((tmp_path / "layers-schema.json").read_text())
    assert made.keys() == set(schema["required"])
    assert [case.keys() for case in made["cases"]] == [set(schema["properties"]["cases"]["items"]["required"])] * 2
    with np.load(tmp_path / "layers.npz") as arrays:
        assert {"layer_norm.dX", "layer_norm.dX.X", "weight_decay.forward.W"} <= set(arrays)
        assert np.array_equal(arrays["layer_norm.dX"], np.array(made["cases"][0]["answer"], "float64"))
