"""Is a check that is spread over processes or a cluster the same check, whatever is lost on the way?"""

import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor
from math import comb

import numpy as np
import pytest

import nnref
from nnref import cli
from nnref.checking.gradcheck.gradcheck import gradcheck
from nnref.checking.results.sampling import at_random, missed
from tests.conftest import require
from tests.support.quick import some


def bent(theta):
    """A loss with a kink at 0."""
    return np.maximum(theta["x"], 0).sum() + (theta["x"] ** 3).sum()


class Deadly:
    """The same loss, at whose first moved point the process dies; a file remembers that it did."""

    def __init__(self, mark):
        self.mark, self.home = mark, os.getpid()

    def __call__(self, theta):
        moved = np.isrealobj(theta["x"]) and theta["x"][5, 7] != self.mark[1]
        if moved and os.getpid() != self.home and not os.path.exists(self.mark[0]):
            open(self.mark[0], "w").close()
            os._exit(9)
        return bent(theta)


@pytest.fixture
def at(rng):
    """A point, and a gradient with a wrong row."""
    theta = {"x": rng.standard_normal((30, 40))}
    wrong = {"x": (theta["x"] > 0) + 3 * theta["x"] ** 2}
    wrong["x"][3] = 7
    return theta, wrong


@pytest.mark.filterwarnings("ignore:os.fork")  # JAX says so where another test has imported it
def test_a_block_whose_process_died_is_done_again_and_said(at, tmp_path):
    theta, wrong = at
    loss = Deadly((str(tmp_path / "died"), theta["x"][5, 7]))
    here = gradcheck(bent, theta, wrong, method="central")
    # Forked before anything else runs: a spawned process would import all of this first.
    with (
        ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("fork")) as pool,
        pytest.warns(UserWarning, match=r"[1-9]\d* blocks of entries were done again here"),
    ):
        there = gradcheck(loss, theta, wrong, method="central", executor=pool)
    assert (tmp_path / "died").exists()
    assert [e.__dict__ for e in there.entries] == [e.__dict__ for e in here.entries]
    assert there.entries[0].wrong == 40


@pytest.fixture(scope="module")
def cluster():
    """A scheduler and two workers, which are threads here, at an address of their own."""
    distributed = require("distributed")
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=False, protocol="tcp", dashboard_address=":0"
    ) as made:
        yield made


def test_a_dask_cluster_gives_the_same_report(at, cluster):
    from distributed import Client

    theta, wrong = at
    with Client(cluster) as client:
        there = gradcheck(lambda theta: bent(theta), theta, wrong, executor=client.get_executor())
    assert there.to_dict() == gradcheck(bent, theta, wrong).to_dict()
    assert there.entries[0].wrong == 40


@pytest.mark.long
def test_a_folder_is_marked_on_a_dask_cluster_as_it_is_here(cluster, tmp_path, capsys, rng):
    layers = nnref.mlp([4, 3, 2])
    theta, X, Y = nnref.initialise(layers), rng.standard_normal((4, 5)), nnref.one_hot([0, 1, 1, 0, 1], 2, "float64")
    gradients = {f"d{name}": g for name, g in nnref.named(nnref.gradients(layers, theta, X, Y)).items()}
    for name, dW1 in (("right", gradients["dW1"]), ("wrong", 2 * gradients["dW1"])):
        np.savez(tmp_path / f"{name}.npz", **nnref.named(theta), **gradients | {"dW1": dW1}, X=X, Y=Y)
    here = cli.main(["check", str(tmp_path)]), capsys.readouterr().out
    there = cli.main(["check", str(tmp_path), "--executor", cluster.scheduler_address.replace("tcp", "dask")])
    assert (there, capsys.readouterr().out) == here
    assert here[0] == 1
    assert "1 right, 1 with a mistake" in here[1]


def test_an_address_where_nobody_is_is_refused(tmp_path, capsys, monkeypatch):
    require("distributed")
    monkeypatch.setattr("nnref.checking.homework.cluster.ANSWER", 1)
    (tmp_path / "a.py").write_text("x = 1")
    for address, says in (
        ("127.0.0.1:1", "should be dask://HOST:PORT"),
        ("dask://127.0.0.1:1", "no scheduler answers"),
    ):
        assert cli.main(["check", str(tmp_path), "--executor", address]) == 2
        assert says in capsys.readouterr().err


@pytest.mark.long
def test_a_dask_worker_that_is_killed_loses_nothing(at):
    """Its blocks are given to another by the scheduler."""
    distributed = require("distributed")
    theta, wrong = at
    cluster = distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0")
    with cluster as made, distributed.Client(made) as client:
        told = []

        def kill_one(done, total):
            told.append(done)
            if len(told) == 1:
                os.kill(client.run(os.getpid)[next(iter(made.scheduler_info["workers"]))], 9)

        executor = client.get_executor()
        there = gradcheck(lambda theta: bent(theta), theta, wrong, executor=executor, progress=kill_one)
    assert there.to_dict() == gradcheck(bent, theta, wrong).to_dict()


def test_the_chance_that_is_stated_is_an_upper_bound_and_near():
    """Drawn without putting back, entries miss a wrong share at most as often as drawn with putting back."""
    for size, wrong, drawn in ((20, 1, 5), (100, 10, 7), (50, 25, 20), (1000, 10, 100)):
        chance = comb(size - wrong, drawn) / comb(size, drawn)
        assert chance <= missed(wrong / size, drawn)
    assert missed(10 / 1000, 100) < 1.1 * comb(990, 100) / comb(1000, 100)


def test_a_sample_meets_entries_that_are_wrongly_zero(rng):
    """A sample of those alone that are not zero would never look at them."""
    theta = {"x": rng.standard_normal((40, 50))}
    right = 2 * theta["x"]
    forgotten = right * (np.arange(2000).reshape(40, 50) % 2)
    for _ in range(5):
        report = gradcheck(lambda t: (t["x"] ** 2).sum(), theta, {"x": forgotten}, entries=40, rng=rng)
        assert not report.ok
        assert report.entries[0].wrong > 2
    assert missed(0.5, at_random(40)) < 1e-6


# Directions


def big(rng):
    """A tensor of 40,000 entries, of which a sample of 20 is looked at."""
    return {"x": rng.standard_normal((200, 200))}


def smooth(theta):
    return (theta["x"] ** 2).sum() + np.sin(theta["x"]).sum()


def rough(theta):
    """The same for numbers that are no more than real."""
    return float((np.real(theta["x"]) ** 2).sum() + np.sin(np.real(theta["x"])).sum())


@pytest.mark.parametrize("loss", some([smooth, rough], 99, ids=lambda loss: loss.__name__))
def test_a_single_wrong_entry_of_many_is_seen_along_random_signs(loss, rng):
    theta = big(rng)
    right = 2 * theta["x"] + np.cos(theta["x"])
    report = gradcheck(loss, theta, {"x": right}, entries=20, directions=5, rng=rng)
    assert report.ok, report
    assert "along 5 of 5 directions" in str(report)
    assert "0.031" in str(report)
    wrong = right.copy()
    wrong[17, 120] += 0.1
    blind = gradcheck(loss, theta, {"x": wrong}, entries=20, rng=np.random.default_rng(1))
    assert blind.ok, "the sample does not look there"
    seen = gradcheck(loss, theta, {"x": wrong}, entries=20, directions=5, rng=np.random.default_rng(1))
    assert not seen.ok
    assert "entries that were not checked are wrong" in " ".join(str(seen).split())


def test_right_gradients_in_single_precision_are_right_along_directions(rng):
    layers = nnref.mlp([20, 30, 10, 3], "tanh")
    theta = nnref.initialise(layers, dtype="float32")
    X, Y = rng.standard_normal((20, 40)), nnref.one_hot(np.arange(40) % 3, 3, "float64")

    def gradients(at):
        return nnref.gradients(layers, at, X.astype(at[0].W.dtype), Y.astype(at[0].W.dtype))

    for method in ("auto", "central"):
        report = gradcheck(
            lambda at: nnref.loss(layers, at, X, Y), theta, gradients, entries=10, directions=20, method=method, rng=rng
        )
        assert report.ok, report
    with pytest.raises(ValueError, match="directions should be 0 or a positive number; -1 came"):
        gradcheck(smooth, big(rng), None, directions=-1)
