"""Does the main job check before it trains, learn, repeat itself, and stop cleanly?"""

import csv
import importlib
import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import nnref
from derivations.output import verdict
from derivations.prover.proof import claims
from nnref import affine, cli, network, relu, softmax, softmax_cross_entropy
from nnref.layer import ACTIVATIONS
from nnref.running import folder, gate, plots
from nnref.running.run import parameters_sha256
from nnref.running.step import step
from nnref.running.train import batches
from tests.conftest import require
from tests.support.quick import some

ROOT = Path(nnref.__file__).parent.parent


@pytest.fixture(autouse=True)
def proofs_are_kept(own_cache):
    """As after a first run: the tests of derivations prove the claims, and the command need not prove them here too."""
    uses = {name: claim.uses for name, claim in claims().items()}
    if verdict.recall("claims").keys() != uses.keys():  # another test may have kept the few that it proved
        verdict.keep("claims", uses)


@pytest.fixture
def blobs(rng):
    """Three clouds of points in the plane of 6 dimensions, which any network can tell apart."""
    labels = np.arange(96) % 3
    X = (rng.standard_normal((96, 6)) * 0.3 + 2 * np.eye(3, 6)[labels]).astype("float32")
    return nnref.Dataset.from_columns(X[:72].T, labels[:72], X[72:].T, labels[72:], source="blobs")


@pytest.fixture
def few_digits(tmp_path, monkeypatch):
    """The command that trains on a dozen images of noise and draws nothing, where no digits and no pictures matter."""
    monkeypatch.setattr(plots, "draw", lambda *_: [])
    images = np.random.default_rng(0).integers(0, 256, (12, 784), np.uint8)
    labels = np.arange(12, dtype=np.uint8) % 10
    np.savez(tmp_path / "d.npz", x_train=images, y_train=labels, x_test=images, y_test=labels)
    monkeypatch.chdir(tmp_path)
    return ["train", "--data", "d.npz", "--batch-size", "4", "--epochs", "1", "--json", "--quiet"]


SMALL = {"layers": nnref.mlp([6, 7, 3]), "epochs": 3, "batch_size": 8, "progress": False}

SIGNS = {
    "affine.dW": (affine, "dW"),
    "affine.db": (affine, "db"),
    "affine.dA": (affine, "dA"),
    "relu.dZ": (relu, "dZ"),
    "softmax_cross_entropy.dZ": (softmax_cross_entropy, "dZ"),
}


def test_training_learns_and_its_gate_checked_every_parameter(blobs):
    run = nnref.train(blobs, **SMALL)
    assert run.test_accuracy == 1
    assert run.gate.checked == sum(p.size for p in nnref.named(run.parameters).values()) == 7 * 6 + 7 + 3 * 7 + 3
    assert run.gate.failed == 0
    assert len(run.loss_by_step) == 3 * 9
    assert run.loss_by_epoch[-1] < run.loss_by_epoch[0]


def test_the_same_seed_gives_the_same_parameters_and_another_does_not(blobs):
    first, again, other = (nnref.train(blobs, **SMALL, seed=seed) for seed in (1, 1, 2))
    assert first.parameters_sha256 == again.parameters_sha256 != other.parameters_sha256


def test_the_gate_checks_the_articles_109386_parameters_and_says_so():
    layers = nnref.mnist_mlp()
    theta = nnref.initialise(layers, dtype="float32")
    rng = np.random.default_rng(0)
    X = np.where(rng.random((16, 784)) < 0.8, 0, rng.random((16, 784))).astype("float32").T
    found = gate.check(layers, theta, X, nnref.one_hot(np.arange(16) % 10))
    assert found.ok
    assert (found.checked, found.failed) == (109_386, 0)
    assert found.nonzero > 0.9
    assert "6 shapes as derived; 109,386 gradients checked on two batches, 0 wrong" in str(found)


@pytest.mark.parametrize("name", SIGNS)
def test_a_flipped_sign_stops_training_at_the_gate(name, blobs, monkeypatch):
    module, attribute = SIGNS[name]
    right = getattr(module, attribute)
    monkeypatch.setattr(module, attribute, lambda *arguments: -right(*arguments))
    with pytest.raises(nnref.GateError) as caught:
        nnref.train(blobs, **SMALL)
    found = caught.value.gate
    assert found.failed > 0
    wrong = max(found.entries, key=lambda entry: entry.multiple)
    assert wrong.yours == pytest.approx(-wrong.truth, rel=1e-4)
    assert f"d{wrong.parameter}[" in str(caught.value)
    assert "forward passes alone say" in str(caught.value)


@pytest.mark.parametrize("name", some(SIGNS, 5))
def test_a_flipped_sign_makes_the_command_exit_with_1(name, few_digits, tmp_path, capsys, monkeypatch):
    module, attribute = name.split(".")
    right = getattr(importlib.import_module(f"nnref.{module}"), attribute)
    monkeypatch.setattr(f"nnref.{module}.{attribute}", lambda *arguments: -right(*arguments))
    assert cli.main(few_digits) == 1
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["gate"]["failed"] > 0
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (lambda dZ: dZ.sum(axis=1), r"gate: db1 is \(7,\); the derivation gives b1 the shape 7 × 1"),
        (lambda dZ: dZ, r"gate: db1 is 7 × 5; the derivation gives b1 the shape 7 × 1"),
    ],
)
def test_the_gate_names_a_gradient_of_the_wrong_shape(blobs, monkeypatch, wrong, says):
    monkeypatch.setattr(affine, "db", wrong)
    with pytest.raises(nnref.GateError, match=says):
        nnref.train(blobs, **SMALL)


def test_a_gradient_that_is_no_number_does_not_pass_the_gate(blobs, monkeypatch):
    monkeypatch.setattr(affine, "db", lambda dZ: np.full((len(dZ), 1), np.nan, dZ.dtype))
    with pytest.raises(nnref.GateError):
        nnref.train(blobs, **SMALL)


def test_the_gate_sees_what_one_example_hides(blobs, monkeypatch):
    """A lost 1/N is invisible to a batch of one; the dense batch has more."""
    monkeypatch.setattr(softmax_cross_entropy, "dZ", lambda Z, Y: softmax.forward(Z) - Y)
    with pytest.raises(nnref.GateError):
        nnref.train(blobs, **SMALL | {"batch_size": 1})


def test_an_example_within_rounding_of_a_kink_is_left_out_and_named():
    layers = nnref.mlp([2, 1, 2])
    W = np.array([[1, -1]], "float32")
    theta = (nnref.Affine(W, np.zeros((1, 1), "float32")), (), nnref.initialise(nnref.mlp([1, 2]), dtype="float32")[0])
    # The sum 1 + 2⁻²⁵ is exactly 1 in float32, so that the unit is 0 there and 2⁻²⁵ in truth.
    theta = (nnref.Affine(np.array([[1, 2.0**-25]], "float32"), np.array([[-1]], "float32")), *theta[1:])
    X = np.array([[1, 3], [1, 1]], "float32")
    told, notes = gate.decided(layers, theta, X)
    assert told.tolist() == [False, True]
    assert notes == ["gate: example 0 left out: unit 0 of layer 1 is within rounding of 0"]


def test_a_batch_in_which_nothing_can_be_told_does_not_pass(blobs, monkeypatch):
    monkeypatch.setattr(gate, "decided", lambda layers, theta, X, *_: (np.zeros(X.shape[1], bool), ["gate: 0 …"]))
    with pytest.raises(nnref.GateError, match="cannot tell"):
        nnref.train(blobs, **SMALL)


def test_blas_has_one_thread_while_training_and_its_own_number_after(blobs, monkeypatch):
    from threadpoolctl import threadpool_info

    def threads():
        return [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]

    before, during, right = threads(), [], network.loss_and_gradients
    monkeypatch.setattr(network, "loss_and_gradients", lambda *a: during.extend(threads()) or right(*a))
    with pytest.warns(UserWarning, match="not checked"):
        nnref.train(blobs, **SMALL, gate=False)
    assert set(during) <= {1}
    assert threads() == before


def test_no_gate_warns_and_is_recorded(blobs, tmp_path):
    with pytest.warns(UserWarning, match="not checked"):
        run = nnref.train(blobs, **SMALL, gate=False)
    assert run.gate is None
    place = folder.write(run, blobs, tmp_path)
    assert json.loads((place / "gate.json").read_text()) == {"ok": None, "skipped": "gate=False"}


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"learning_rate": 0}, "learning_rate should be positive.*Try 0.1"),
        ({"learning_rate": float("nan")}, "learning_rate should be positive"),
        ({"batch_size": 73}, "batch_size is 73, more than the 72 training examples"),
        ({"batch_size": 0}, "batch_size should be a whole number from 1; 0 came"),
        ({"epochs": 0}, "epochs should be a whole number from 1"),
        ({"seed": -1}, "seed should be a whole number from 0"),
        ({"dtype": "int32"}, "dtype should be one of float32, float64; 'int32' came"),
        ({"resume": True}, "resume=True needs checkpoint"),
    ],
)
def test_settings_that_make_no_sense_are_refused(blobs, settings, says):
    with pytest.raises(ValueError, match=says):
        nnref.train(blobs, **SMALL | settings)


def test_bare_arrays_are_refused_with_the_way_to_pass_them():
    with pytest.raises(TypeError, match=r"tuple came.*Dataset\.from_columns"):
        nnref.train(([], [], [], []))


def test_layers_that_do_not_fit_the_data_are_refused(blobs):
    with pytest.raises(nnref.ShapeError, match="W is 7 × 5, so A should have 5 rows; it is 6 × 8"):
        nnref.train(blobs, **SMALL | {"layers": nnref.mlp([5, 7, 3])})


def test_training_that_diverges_stops_and_keeps_the_last_good_parameters(blobs):
    with pytest.raises(nnref.Diverged, match=r"diverged at epoch \d, step \d+.*smaller learning_rate") as caught:
        nnref.train(blobs, **SMALL | {"learning_rate": 1e30})
    run = caught.value.run
    assert np.isfinite(run.loss_by_step).all()
    assert all(np.isfinite(p).all() for p in nnref.named(run.parameters).values())


def test_ctrl_c_keeps_what_was_learned(blobs, monkeypatch):
    right, calls = network.loss_and_gradients, []

    def interrupted(*arguments):
        calls.append(1)
        if len(calls) > 15:
            raise KeyboardInterrupt
        return right(*arguments)

    monkeypatch.setattr(network, "loss_and_gradients", interrupted)
    run = nnref.train(blobs, **SMALL, gate=True)
    assert run.stopped == "stopped by Ctrl-C in epoch 2"
    assert len(run.accuracy_by_epoch) == 1
    assert len(run.loss_by_step) == 11  # the gate used four of the fifteen


def test_a_resumed_run_ends_where_an_unbroken_one_does(blobs, tmp_path):
    whole = nnref.train(blobs, **SMALL)
    part = tmp_path / "part.npz"
    nnref.train(blobs, **SMALL | {"epochs": 1}, checkpoint=part)
    resumed = nnref.train(blobs, **SMALL, checkpoint=part, resume=True)
    assert resumed.parameters_sha256 == whole.parameters_sha256
    assert resumed.loss_by_step == whole.loss_by_step
    assert resumed.accuracy_by_epoch == whole.accuracy_by_epoch


def test_parameters_sha256_is_over_little_endian_c_order_bytes(blobs):
    import hashlib

    run = nnref.train(blobs, **SMALL | {"epochs": 1})
    W1, b1, W2, b2 = (p.astype("<f4") for p in nnref.named(run.parameters).values())
    by_hand = hashlib.sha256(b"".join(p.tobytes(order="C") for p in (W1, b1, W2, b2))).hexdigest()
    assert run.parameters_sha256 == by_hand
    big = tuple(nnref.Affine(*(p.astype(">f4") for p in t)) if t else () for t in run.parameters)
    assert parameters_sha256(big) == by_hand


def test_a_run_leaves_a_folder_that_can_be_read_and_drawn_again(blobs, tmp_path):
    require("matplotlib")
    run = nnref.train(blobs, **SMALL)
    place = folder.write(run, blobs, tmp_path)
    assert place.name.endswith("-seed0")
    about = json.loads((place / "settings.json").read_text())
    assert about["source"] == "blobs"
    assert about["results"]["gate"]["failed"] == 0
    assert about["versions"]["numpy"] == np.__version__
    rows = list(csv.DictReader((place / "metrics.csv").open()))
    assert [float(row["test_accuracy"]) for row in rows] == run.accuracy_by_epoch
    with np.load(place / "parameters.npz", allow_pickle=False) as saved:
        assert (saved["W1"] == run.parameters[0].W).all()
    pictures = {path.name for path in place.glob("*.png")}
    assert {"curves.png", "confusion.png"} <= pictures
    (place / "curves.png").unlink()
    folder.redraw(place, blobs)
    assert (place / "curves.png").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(nnref.DataError, match="not the folder of a run"):
        folder.redraw(tmp_path, blobs)


def test_two_runs_in_one_second_get_two_folders(tmp_path):
    assert folder.fresh(tmp_path, 0) != folder.fresh(tmp_path, 0)


def test_the_command_ends_with_one_json_object(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    status = cli.main(["train", "--epochs", "1", "--seed", "3", "--json", "--quiet"])
    out = capsys.readouterr().out.splitlines()
    result = json.loads(out[-1])
    assert status == 0
    assert result["gate"]["checked"] == 109_386
    assert result["gate"]["failed"] == 0
    assert 0.5 < result["test_accuracy"] < 1
    assert "5,000 real MNIST digits" in result["source"]
    assert (Path(result["run"]) / "parameters.npz").exists()
    assert re.fullmatch(
        r"derivations: (\d+) of \1 claims that this run rests on proved, kept from an earlier run", out[1]
    )
    assert result["derivations"] == out[1].removeprefix("derivations: ")
    assert out[2].startswith("gate: 6 shapes as derived; 109,386 gradients checked")


def test_where_a_claim_does_not_hold_nothing_is_trained(few_digits, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(verdict, "of", lambda names: verdict.Verdict(tuple(names), ("mlp.dW2",), 1.0))
    assert cli.main(few_digits) == 1
    said = capsys.readouterr()
    assert "mlp.dW2 does not hold" in said.out
    assert "nothing was trained" in said.err
    assert not (tmp_path / "runs").exists()


def test_where_nothing_could_be_proved_that_is_said_and_the_gate_decides(few_digits, capsys, monkeypatch):
    monkeypatch.setattr(verdict, "of", lambda names: verdict.Verdict((), fault="no end after 600 s."))
    assert cli.main(few_digits) == 0
    assert "derivations: not proved: no end after 600 s." in capsys.readouterr().out


@pytest.mark.further
def test_the_command_trains_with_another_activation_and_refuses_one_that_is_none(few_digits, capsys):
    assert cli.main([*few_digits, "--activation", "leaky_relu 0.1"]) == 0
    result = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert result["gate"]["failed"] == 0
    assert json.loads((Path(result["run"]) / "settings.json").read_text())["layers"]["activation"] == "leaky_relu 0.1"
    assert cli.main(["train", "--activation", "relux"]) == 2
    assert f"one of {', '.join(sorted(ACTIVATIONS))}" in capsys.readouterr().err


def test_the_readme_shows_what_the_gate_says_today(tmp_path, capsys, monkeypatch):
    """The figures are those of one run on one machine; the words are not free to drift."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(plots, "draw", lambda *_: [])
    cli.main(["train", "--epochs", "1", "--quiet"])
    shape = lambda text: re.sub(r"\d[\d.,]*|\[.*?\]|dW|db", "#", text)  # noqa: E731
    said = {shape(line) for line in capsys.readouterr().out.splitlines() if line.startswith("gate:")}
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(readme.splitlines()) <= 60
    assert len(said) == 2
    assert said <= {shape(line) for line in readme.splitlines()}


def test_bad_use_is_one_line_and_exit_2(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["train", "--data", "absent.npz"]) == 2
    assert capsys.readouterr().err.startswith("nnref: absent.npz: no such file or folder")
    assert cli.main(["plot", "absent"]) == 2
    with pytest.raises(SystemExit) as caught:
        cli.main(["fly"])
    assert caught.value.code == 2
    assert not list(tmp_path.iterdir())


def test_a_run_that_diverges_exits_with_1_and_keeps_its_folder(few_digits, capsys):
    status = cli.main([*few_digits, "--learning-rate", "1e30"])
    captured = capsys.readouterr()
    assert status == 1
    assert "training diverged at epoch 1, step" in captured.err
    result = json.loads(captured.out.splitlines()[-1])
    assert result["ok"] is False
    assert (Path(result["run"]) / "parameters.npz").exists()


def test_help_needs_no_more_than_the_core():
    """Without rich, matplotlib or sympy at hand."""
    hidden = "import sys; sys.modules.update(dict.fromkeys(['rich', 'matplotlib', 'sympy']))"
    code = f"{hidden}; import nnref.cli; nnref.cli.main(['train', '--help'])"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert "--learning-rate" in out.stdout


def test_with_decay_every_epoch_has_a_smaller_learning_rate(blobs):
    """Of two epochs the second has half of it."""
    run = nnref.train(blobs, **SMALL | {"epochs": 2, "decay": True})
    theta, layers = network.initialise(SMALL["layers"], 0, "float32"), SMALL["layers"]
    for epoch, alpha in enumerate((0.1, 0.05)):
        for X, Y in batches(blobs, run.settings, epoch):
            theta, _ = step(layers, theta, X, Y, alpha)
    assert all(np.array_equal(p, q) for p, q in zip(*map(leaves, (run.parameters, theta)), strict=True))


def leaves(theta):
    """The arrays of parameters."""
    return nnref.named(theta).values()


def test_a_transformer_has_its_own_learning_rate_unless_one_is_asked_for():
    def asked(*options):
        return cli.rates(cli.parser().parse_args(["train", *options]))

    assert asked() == {}
    assert asked("--network", "transformer") == {"learning_rate": 0.2, "decay": True}
    assert asked("--network", "transformer", "--no-decay", "--learning-rate", "0.1") == {
        "learning_rate": 0.1,
        "decay": False,
    }
