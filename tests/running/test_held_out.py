"""Are the held-out examples taken some at a time, and all of them?"""

import numpy as np

import nnref
from nnref.running import held_out
from nnref.running.run import TrainingRun
from nnref.running.settings import Settings


def test_parts_give_what_all_at_once_do(rng, monkeypatch):
    X = rng.random((4, 23)).astype("float32")
    data = nnref.Dataset.from_columns(X, np.arange(23) % 3, X, np.arange(23) % 3, source="drawn")
    layers = nnref.mlp([4, 3])
    theta = nnref.initialise(layers, dtype="float32")
    run = TrainingRun(layers, theta, Settings(), "drawn", gate=None)
    widths = []
    right = nnref.network.forward
    monkeypatch.setattr(held_out, "PART", 10)
    monkeypatch.setattr(nnref.network, "forward", lambda l, t, X: widths.append(X.shape[1]) or right(l, t, X))
    np.testing.assert_allclose(held_out.held_out_logits(run, data), right(layers, theta, X), rtol=1e-6)
    assert widths == [10, 10, 3]
