"""Do several workers end where one does, check what they train, and end in time where one of them is gone?"""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import nnref
from nnref import affine, batch_norm, cli
from nnref.layer import affine_layer
from nnref.running import engines, team
from nnref.running.engines import numpy_engine
from nnref.running.errors import WorkerLost
from nnref.running.team import Place, Team, placed
from nnref.running.workers import leaves, share, shared_loop
from tests.conftest import require
from tests.support.quick import some

ROOT = Path(nnref.__file__).parent.parent
SMALL = {"layers": nnref.mlp([6, 7, 5, 3]), "epochs": 2, "batch_size": 31, "dtype": "float64", "progress": False}


@pytest.fixture
def blobs(rng):
    """Three clouds of points, as pixels."""
    labels = np.arange(332) % 3
    X = (rng.standard_normal((332, 6)) * 30 + 60 + 100 * np.eye(3, 6)[labels]).clip(0, 255).astype("uint8")
    return nnref.Dataset(X[:300], labels[:300], X[300:], labels[300:], source="blobs", classes=3)


class Threads:
    """Workers that are threads, and add up in their order: what a library does for processes."""

    def __init__(self, count):
        self.place = [Place(tuple(f"here:{k}" for k in range(count)), index, 20.0) for index in range(count)]
        self.barrier, self.slots = threading.Barrier(count), [None] * count

    def total(self, index):
        def added(vector):
            self.slots[index] = vector
            self.barrier.wait(3)
            whole = np.sum(self.slots, axis=0)
            self.barrier.wait(3)
            return whole

        return added

    def engine(self, name, device, dtype, place):
        made, it = numpy_engine.engine(device, dtype), Team(place, self.total(place.index))
        return replace(
            made,
            team=it,
            loop=lambda layers, rows, targets, settings: shared_loop(
                made.gradients(layers), rows, targets, settings, it
            ),
        )

    def each(self, work):
        """What work(index) returns or raises, for each worker."""
        found = [None] * len(self.place)

        def one(index):
            try:
                found[index] = work(index)
            except Exception as error:
                found[index] = error

        threads = [threading.Thread(target=one, args=[index]) for index in range(len(self.place))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        return found


@pytest.fixture
def workers(monkeypatch):
    """Train with so many workers, each with settings of its own: what each returns or raises."""

    def trained(count, *arguments, of=lambda index: {}, **settings):
        threads = Threads(count)
        addresses = threads.place[0].addresses
        with monkeypatch.context() as patched:
            patched.setattr(engines, "engine", threads.engine)
            return threads.each(
                lambda index: nnref.train(
                    *arguments, **{**SMALL, **settings, **of(index)}, workers=addresses, index=index, timeout=20
                )
            )

    return trained


def gap(ours, theirs):
    """The largest difference of two runs' parameters, as a share of the largest of each array."""
    pairs = zip(leaves(ours.parameters), leaves(theirs.parameters), strict=True)
    return max(float(abs(p - q).max() / abs(p).max()) for p, q in pairs)


@pytest.mark.parametrize("count", some([3, 2, 40], 99))
def test_workers_with_unequal_shares_end_where_one_does(count, blobs, workers):
    """A batch of 31 is shared as 16 and 15, as 11, 10 and 10, and by 40 workers of whom nine have nothing."""
    whole = nnref.train(blobs, **SMALL)
    runs = workers(count, blobs)
    assert all(isinstance(run, nnref.TrainingRun) for run in runs), runs
    assert max(gap(whole, run) for run in runs) <= 1e-10
    assert runs[0].loss_by_step == pytest.approx(whole.loss_by_step, rel=1e-10)
    assert len({run.parameters_sha256 for run in runs}) == 1
    assert [run.settings.workers for run in runs] == [count] * count
    assert all(run.gate.ok for run in runs)


def test_shares_that_are_given_equal_weight_would_be_seen(blobs, workers, monkeypatch):
    whole = nnref.train(blobs, **SMALL)
    right = Team.added
    monkeypatch.setattr(Team, "added", lambda it, v: right(it, v * (31 / 32 if len(v) > 100 and it.chief else 1)))
    found = workers(2, blobs)
    assert all(isinstance(run, nnref.GateError) or gap(whole, run) > 1e-4 for run in found), found


def test_the_shares_of_a_batch_are_all_of_it_once():
    for count in (1, 2, 3, 7, 40):
        parts = [
            share(np.arange(31), Place(tuple("ab"[k % 2] * (k + 1) for k in range(count)), k)) for k in range(count)
        ]
        assert np.concatenate(parts).tolist() == list(range(31))
        assert max(map(len, parts)) - min(map(len, parts)) <= 1


def test_a_worker_whose_gradients_are_wrong_stops_all_of_them_before_the_first_step(blobs, workers, monkeypatch):
    right, wrong = affine.dA, threading.local()
    monkeypatch.setattr(affine, "dA", lambda W, dZ: (1.05 if getattr(wrong, "here", False) else 1) * right(W, dZ))

    def of(index):
        wrong.here = index == 1
        return {}

    first, second = workers(2, blobs, of=of)
    assert isinstance(second, nnref.GateError)
    assert isinstance(first, WorkerLost)
    assert "worker 1 has not passed the gate" in str(first)


def test_workers_with_other_settings_or_data_are_refused(blobs, workers):
    for of in (lambda index: {"learning_rate": 0.1 + index}, lambda index: {"layers": nnref.mlp([6, 7 + index, 3])}):
        found = workers(2, blobs, of=of)
        assert all("workers 1 have other settings, layers or data than worker 0" in str(error) for error in found), (
            found
        )


def test_layers_in_which_examples_depend_on_each_other_have_no_shares(blobs, workers):
    layers = (affine_layer(6, 4), batch_norm.layer(4), affine_layer(4, 3))
    found = workers(2, blobs, layers=layers)
    assert all("no share of a batch has the gradient of the whole" in str(error) for error in found), found


def test_a_lost_worker_leaves_a_checkpoint_from_which_either_number_goes_on(blobs, workers, tmp_path, monkeypatch):
    whole, right, calls = nnref.train(blobs, **SMALL), Team.added, []

    def added(it, vector):
        calls.append(it.place.index)
        if calls.count(1) > 20 and it.place.index == 1:
            raise WorkerLost("worker 1 of 2 is gone")
        return right(it, vector)

    here = {"checkpoint": tmp_path / "run.npz"}
    with monkeypatch.context() as gone:
        gone.setattr(Team, "added", added)
        found = workers(2, blobs, of=lambda index: here)
    assert all(isinstance(error, WorkerLost) for error in found), found
    saved = (tmp_path / "run.npz").read_bytes()
    with pytest.warns(UserWarning, match="workers was 2 and is 1"):
        alone = nnref.train(blobs, **SMALL, **here, resume=True)
    (tmp_path / "run.npz").write_bytes(saved)
    both = workers(2, blobs, of=lambda index: here, resume=True)
    for run in (alone, *both):
        assert len(run.loss_by_step) == 18
        assert gap(whole, run) <= 1e-10


@pytest.mark.parametrize(
    ("workers", "index", "says"),
    [
        ("a:1,b", 0, "HOST:PORT.*'b' came"),
        ("a:1,a:1", 0, "an address each"),
        ("a:1,b:2", 2, r"index should be 0 … 1.*; 2 came"),
    ],
)
def test_addresses_that_are_none_are_refused(workers, index, says):
    with pytest.raises(ValueError, match=says):
        placed(workers, index)


def test_engines_of_one_process_are_refused(blobs):
    with pytest.raises(ValueError, match="engine='numpy' computes in one process; for workers try jax or tensorflow"):
        nnref.train(blobs, **SMALL, workers="127.0.0.1:1,127.0.0.1:2")


# Processes on the loopback


def free_ports(count):
    """Ports that nobody listens at."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


COMMAND = """
import sys
from types import SimpleNamespace
from nnref import bridge, cli
bridge.proved = lambda layers: SimpleNamespace(failed=False)
sys.exit(cli.main(sys.argv[1:]))
"""
"""The command; what it rests on is proved elsewhere, which takes a minute where nothing is kept."""


class Pair:
    """Two processes of nnref train on the loopback."""

    def __init__(self, engine, data, folder, *more, timeout=60):
        addresses = ",".join(f"127.0.0.1:{port}" for port in free_ports(2))
        self.output = [open(folder / f"worker{k}.txt", "w+") for k in (0, 1)]  # noqa: SIM115  open as long as this is
        line = [sys.executable, "-c", COMMAND, "train", "--data", str(data), "--engine", engine, "--device", "cpu"]
        line += ["--dtype", "float64", "--batch-size", "31", "--json", "--runs", str(folder / "runs"), *more]
        line += ["--workers", addresses, "--timeout", str(timeout)]
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "CUDA_VISIBLE_DEVICES": "", "PYTHONUNBUFFERED": "1"}
        self.processes = [
            subprocess.Popen([*line, "--index", str(k)], stdout=out, stderr=subprocess.STDOUT, env=environment)
            for k, out in enumerate(self.output)
        ]

    def said(self, k):
        """What a worker has printed so far."""
        self.output[k].seek(0)
        return self.output[k].read()

    def ended(self, k, seconds=150):
        """The exit status of a worker, and what it printed; it is killed after so many seconds."""
        try:
            status = self.processes[k].wait(seconds)
        except subprocess.TimeoutExpired:
            self.processes[k].kill()
            status = self.processes[k].wait()
        return status, self.said(k)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        for process, out in zip(self.processes, self.output, strict=True):
            process.kill()
            process.wait()
            out.close()


@pytest.fixture
def file_of_blobs(rng, tmp_path):
    """Ten clouds of points as an npz of images."""
    labels = np.arange(332) % 10
    X = (rng.standard_normal((332, 16)) * 30 + 60 + 100 * np.eye(10, 16)[labels]).clip(0, 255).astype("uint8")
    X = X.reshape(-1, 4, 4)
    np.savez(tmp_path / "blobs.npz", x_train=X[:300], y_train=labels[:300], x_test=X[300:], y_test=labels[300:])
    return tmp_path / "blobs.npz"


@pytest.mark.long
@pytest.mark.parametrize("engine", engines.DISTRIBUTED)
def test_two_processes_end_where_one_machine_does(engine, file_of_blobs, tmp_path, record_property):
    require(engine)
    with Pair(engine, file_of_blobs, tmp_path, "--epochs", "2", "--quiet") as pair:
        (status, said), (other, helped) = pair.ended(0), pair.ended(1)
    assert (status, other) == (0, 0), said + helped
    told, heard = (json.loads(re.findall(r"^\{.*\}$", text, re.MULTILINE)[-1]) for text in (said, helped))
    assert told["parameters_sha256"] == heard["parameters_sha256"]
    assert told["gate"]["ok"]
    with np.load(Path(told["run"]) / "parameters.npz") as theirs:
        data = nnref.load_mnist(file_of_blobs)
        alone = nnref.train(data, epochs=2, batch_size=31, dtype="float64", engine=engine, device="cpu", progress=False)
        ours = nnref.named(alone.parameters)
        worst = max(float(abs(theirs[p] - value).max() / abs(value).max()) for p, value in ours.items())
    record_property("largest relative difference of two workers and one", worst)
    assert worst <= 1e-10


@pytest.mark.long
@pytest.mark.parametrize("engine", engines.DISTRIBUTED)
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP], ids=["killed", "frozen"])
def test_a_worker_that_is_gone_ends_the_run_in_time_with_a_checkpoint(
    engine, number, file_of_blobs, tmp_path, record_property
):
    require(engine)
    kept = tmp_path / "run.npz"
    more = ["--epochs", "100000", "--checkpoint", str(kept)]
    with Pair(engine, file_of_blobs, tmp_path, *more, timeout=15) as pair:
        until = time.monotonic() + 150
        while not kept.exists() and time.monotonic() < until and pair.processes[0].poll() is None:
            time.sleep(0.1)
        pair.processes[1].send_signal(number)
        began = time.monotonic()
        status, said = pair.ended(0, 60)
        record_property("seconds until the run ended", time.monotonic() - began)
        assert time.monotonic() - began < 15 + 10
    assert status == 1, said
    # TensorFlow's own heartbeats may find out before we do that one is frozen.
    assert "another worker is gone" in said or (number == signal.SIGSTOP and "does not answer" in said), said
    with np.load(kept) as saved:
        assert len(saved["loss_by_step"]) > 0


@pytest.mark.parametrize("more", [[], ["--checkpoint", "blobs.npz"]], ids=["lost", "refused"])
def test_a_worker_that_cannot_go_on_leaves_at_once(more, file_of_blobs, tmp_path, monkeypatch, capsys):
    """Its library would wait at the exit for the others."""
    left = []
    monkeypatch.setattr(cli.os, "_exit", left.append)
    monkeypatch.setattr(engines, "engine", Threads(2).engine)
    monkeypatch.setattr(Threads, "total", lambda it, index: lost)
    monkeypatch.chdir(tmp_path)
    line = ["train", "--data", str(file_of_blobs), "--engine", "jax", "--workers", "a:1,b:1", "--index", "0", "--quiet"]
    monkeypatch.setattr("nnref.bridge.proved", lambda layers: SimpleNamespace(failed=False))
    assert cli.main([*line, *more]) == left[0] == (2 if more else 1)
    assert ("is there already" if more else "another worker is gone") in capsys.readouterr().err
    assert list(tmp_path.glob("runs/*")) == []


def lost(vector):
    raise OSError("the connection is closed")


def test_a_worker_waits_no_longer_than_it_was_told(monkeypatch, capsys):
    ended = threading.Event()
    monkeypatch.setattr(team.os, "_exit", lambda status: ended.set())
    slow = Team(Place(("a:1", "b:1"), 0, 0.05), lambda vector: (ended.wait(10), vector)[1])
    slow.added(np.zeros(2))
    assert ended.is_set()
    assert "waited 0.05 s for the others (a:1, b:1)" in capsys.readouterr().err
