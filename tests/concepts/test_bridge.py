"""Does the bridge give what the derivation says, and only what was said of these very sources?"""

import subprocess
import sys

import nnref
from derivations.output import verdict
from nnref import bridge


def test_the_shapes_are_had_without_sympy_once_they_are_kept(monkeypatch, tmp_path):
    monkeypatch.setenv("NNREF_CACHE", str(tmp_path))
    first = bridge.parameter_shapes([5, 3, 2])
    asked = f"bridge.parameter_shapes([5, 3, 2]) == {first}"
    program = f"import sys; from nnref import bridge; print({asked}, 'sympy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "False"]
    monkeypatch.setattr(verdict, "version", lambda package: "another")
    assert verdict.recall("shapes") == {}


def test_shapes_of_other_widths_are_not_taken_for_these(monkeypatch, tmp_path):
    monkeypatch.setenv("NNREF_CACHE", str(tmp_path))
    assert bridge.parameter_shapes([5, 3, 2])["W2"] == (2, 3)
    assert bridge.parameter_shapes([5, 32])["W1"] == (32, 5)


def test_a_run_rests_on_its_gradients_its_activations_and_its_step(monkeypatch):
    monkeypatch.setattr(verdict, "of", set)
    six = {f"mlp.d{p}{l}" for p in "Wb" for l in (1, 2, 3)}
    assert bridge.proved(nnref.mnist_mlp()) == six | {"relu.forward", "relu.dZ", "sgd.update"}
    deep = bridge.proved(nnref.mlp([4, 4, 4, 4, 2], activation="leaky_relu 0.1"))
    assert {"mlp.any_depth", "affine.dW", "affine.db", "leaky_relu.dZ"} <= deep
    assert not deep & (six | {"relu.dZ"})
