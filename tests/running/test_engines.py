"""Do all engines train the same network, check what they train, repeat themselves, and say where they ran?"""

import json
from functools import cache

import numpy as np
import pytest

import nnref
from nnref import affine
from nnref.checking.reference import noise
from nnref.running import checkpoint, engines, folder, gate, identity, step, train
from tests.conftest import require
from tests.support.quick import some

OURS = tuple(name for name in engines.ENGINES if name != "tensorflow")
"""The engines that run our formulas: TensorFlow differentiates by itself."""


@pytest.fixture(params=OURS)
def engine(request):
    """Each engine that runs our formulas, and whose package is installed."""
    require(request.param)
    return request.param


@pytest.fixture(scope="module")
def blobs():
    """Three clouds of points, as pixels, that any network can tell apart."""
    labels, rng = np.arange(1632) % 3, np.random.default_rng(0)
    X = (rng.standard_normal((1632, 6)) * 30 + 60 + 100 * np.eye(3, 6)[labels]).clip(0, 255).astype("uint8")
    return nnref.Dataset(X[:1600], labels[:1600], X[1600:], labels[1600:], source="blobs", classes=3)


SMALL = {"layers": nnref.mlp([6, 7, 5, 3]), "epochs": 1, "batch_size": 8, "progress": False, "device": "cpu"}


@pytest.fixture(scope="module")
def trained(blobs):
    """The run of an engine over two epochs, made once."""
    return cache(lambda engine: nnref.train(blobs, **SMALL | {"epochs": 2}, engine=engine))


def test_the_same_seed_gives_the_same_bits_twice(engine, blobs, trained):
    first, again = trained(engine), nnref.train(blobs, **SMALL | {"epochs": 2}, engine=engine)
    assert first.parameters_sha256 == again.parameters_sha256
    assert first.loss_by_step == again.loss_by_step
    assert first.test_accuracy > 0.9
    assert all(type(p) is np.ndarray and p.dtype == "float32" for p in nnref.named(first.parameters).values())


@pytest.mark.parametrize("name", some(OURS, 9))
def test_another_seed_gives_other_bits(name, blobs, trained):
    require(name)
    other = nnref.train(blobs, **SMALL | {"epochs": 2}, engine=name, seed=1)
    assert other.parameters_sha256 != trained(name).parameters_sha256


@pytest.mark.parametrize("activation", some(["relu", "tanh", "sigmoid"], 9))
def test_two_hundred_steps_in_float64_end_where_numpys_do(activation, engine, blobs):
    """Each step may differ by twice what rounding may do to a gradient, and by three roundings of the update.

    Steps that descend do not spread two runs apart: α times the curvature is below 2.
    """
    settings = SMALL | {"layers": nnref.mlp([6, 7, 5, 3], activation), "dtype": "float64"}
    ours, theirs = (nnref.train(blobs, **settings, engine=name) for name in ("numpy", engine))
    assert len(theirs.loss_by_step) == 200
    X, Y = next(train.batches(blobs, ours.settings, 0))
    u, reach = noise.unit("float64"), 2 * noise.allowed(ours.layers, ours.parameters, 8)
    starts = nnref.initialise(ours.layers), ours.parameters
    S = [nnref.named(noise.scale(ours.layers, theta, X, Y, "float64")) for theta in starts]
    for p, q in nnref.named(theirs.parameters).items():
        theta = nnref.named(ours.parameters)[p]
        room = 200 * u * (0.1 * reach * np.maximum(S[0][p], S[1][p]) + 3 * abs(theta))
        assert (abs(q - theta) <= room).all(), p
    assert theirs.loss_by_step == pytest.approx(ours.loss_by_step, rel=1e-9)


def test_a_wrong_gradient_stops_every_engine_at_the_gate(engine, blobs, monkeypatch):
    right = affine.dA
    monkeypatch.setattr(affine, "dA", lambda W, dZ: 1.05 * right(W, dZ))
    with pytest.raises(nnref.GateError, match="forward passes alone say") as caught:
        nnref.train(blobs, **SMALL, engine=engine)
    assert caught.value.gate.failed


def another_rate(theta, dtheta, alpha):
    return RIGHT(theta, dtheta, 1.001 * alpha)


def biases_left_out(theta, dtheta, alpha):
    moved = RIGHT(theta, dtheta, alpha)
    return tuple(after._replace(b=before.b) if before else () for before, after in zip(theta, moved, strict=True))


RIGHT = step.updated


@pytest.mark.parametrize("wrong", some([another_rate, biases_left_out], 9, ids=lambda wrong: wrong.__name__))
def test_a_loop_that_does_not_take_the_step_that_was_checked_is_refused(wrong, engine, blobs, monkeypatch):
    monkeypatch.setattr(step, "updated", wrong)
    with pytest.raises(nnref.GateError, match=r"the first step takes .* θ − α dθ is"):
        nnref.train(blobs, **SMALL, engine=engine)


def test_training_that_diverges_stops_at_the_same_step_in_every_engine(engine, blobs):
    runs = []
    for name in ("numpy", engine):
        with pytest.raises(nnref.Diverged, match=r"diverged at epoch 1, step \d+.*smaller learning_rate") as caught:
            nnref.train(blobs, **SMALL | {"dtype": "float64"}, engine=name, learning_rate=1e200)
        runs.append(caught.value.run)
    ours, theirs = runs
    assert ours.stopped == theirs.stopped
    assert theirs.loss_by_step == pytest.approx(ours.loss_by_step, rel=1e-9)
    assert np.isfinite(theirs.loss_by_step).all()
    assert all(np.isfinite(p).all() for p in nnref.named(theirs.parameters).values())


class Killed(BaseException):
    """The end of a process, as far as a test can stand for it."""


def test_a_run_killed_between_steps_ends_where_an_unbroken_one_does(engine, blobs, trained, tmp_path, monkeypatch):
    whole = trained(engine)
    saved, right = [], checkpoint.Checkpoint.save

    def save(kept, run):
        right(kept, run)
        saved.append(len(run.loss_by_step))
        if len(saved) == 3:
            raise Killed

    with monkeypatch.context() as here:
        here.setattr(checkpoint, "EVERY", 0.0)
        here.setattr(checkpoint.Checkpoint, "save", save)
        with pytest.raises(Killed):
            nnref.train(blobs, **SMALL | {"epochs": 2}, engine=engine, checkpoint=tmp_path / "part.npz")
    assert 0 < saved[0] < saved[1] < saved[2] < 200
    resumed = nnref.train(blobs, **SMALL | {"epochs": 2}, engine=engine, checkpoint=tmp_path / "part.npz", resume=True)
    assert resumed.parameters_sha256 == whole.parameters_sha256
    assert resumed.loss_by_step == whole.loss_by_step
    other = next(name for name in OURS if name != engine)
    require(other)
    with pytest.raises(nnref.DataError, match=f"engine was '{engine}' and is '{other}'"):
        nnref.train(blobs, **SMALL, engine=other, checkpoint=tmp_path / "part.npz", resume=True)


def test_the_folder_says_which_engine_where_and_in_what_version(engine, blobs, trained, tmp_path):
    about = json.loads((folder.write(trained(engine), blobs, tmp_path) / "settings.json").read_text())
    assert about["settings"]["engine"] == engine
    assert about["settings"]["device"].startswith("cpu")
    assert set(engines.PACKAGES[engine]) <= set(about["versions"])
    assert about["versions"]["blas"] == identity.blas() != "unknown"


def test_an_engine_or_a_device_that_is_not_there_is_refused_with_what_to_try(blobs, monkeypatch):
    with pytest.raises(ValueError, match="engine should be one of numpy, jax, torch, tensorflow; 'cupy' came"):
        nnref.train(blobs, **SMALL, engine="cupy")
    with pytest.raises(ValueError, match="numpy computes on the cpu; device='cuda' came"):
        nnref.train(blobs, **SMALL | {"device": "cuda"})
    for name, says in (("jax", "JAX has no device 'tpu:7'. It has "), ("torch", "PyTorch has no device 'tpu:7' here")):
        require(name)
        with pytest.raises(ValueError, match=says):
            nnref.train(blobs, **SMALL | {"device": "tpu:7"}, engine=name)
    monkeypatch.setitem(__import__("sys").modules, "torch", None)
    with pytest.raises(ValueError, match=r"engine='torch' needs a package.*pip install 'nnref\[torch\]'"):
        engines.engine("torch")


def test_a_unit_within_the_reach_of_rounding_is_left_out_where_another_library_adds():
    """Its sign there may be another than here, and than in truth: no gradient of it can be called wrong."""
    layers = nnref.mlp([3, 1, 2])
    theta = nnref.initialise(layers, dtype="float32")
    W = np.array([[1, 1, -1]], "float32")
    theta = (nnref.Affine(W, np.zeros((1, 1), "float32")), *theta[1:])
    X = np.array([[1, 1], [2.0**-21, 1], [1, 1]], "float32")
    assert gate.decided(layers, theta, X)[0].tolist() == [True, True]
    assert gate.decided(layers, theta, X, elsewhere=True)[0].tolist() == [False, True]
    assert gate.decided(layers, theta, X.astype("float64"), elsewhere=True)[0].tolist() == [True, True]
