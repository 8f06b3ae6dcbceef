"""Is learning never thrown away: signals, closed pipes, full disks, altered folders?"""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import nnref
from nnref import cli
from nnref.running import checkpoint, files, folder, plots, progress
from tests import kills

ROOT = Path(nnref.__file__).parent.parent
SMALL = {"layers": nnref.mlp([6, 7, 3]), "epochs": 2, "batch_size": 8, "progress": False}
posix = pytest.mark.skipif(os.name != "posix", reason="signals and pipes as POSIX has them")


@pytest.fixture(scope="module")
def run():
    return nnref.train(kills.blobs(), **SMALL)


@pytest.fixture
def place(run, tmp_path):
    place = folder.fresh(tmp_path, 0)
    assert folder.keep(run, kills.blobs(), place) == []
    return place


@pytest.fixture
def digits(tmp_path):
    """A small .npz of 6 × 6 images."""
    rng = np.random.default_rng(0)
    images, labels = rng.integers(0, 256, (400, 6, 6), np.uint8), np.arange(400, dtype=np.uint8) % 10
    np.savez(tmp_path / "d.npz", x_train=images, y_train=labels, x_test=images[:40], y_test=labels[:40])
    return tmp_path / "d.npz"


def started(digits, *options, **settings):
    """nnref train on the small images in a process of its own; the claims need not be proved here."""
    code = (
        "import sys, nnref.cli\nfrom derivations.output import verdict\n"
        "verdict.of = lambda names: verdict.Verdict(tuple(names), (), 0.0)\nsys.exit(nnref.cli.main(sys.argv[1:]))"
    )
    command = [sys.executable, "-c", code, "train", "--data", str(digits), "--runs", str(digits.parent / "runs")]
    env = os.environ | {"PYTHONPATH": str(ROOT), "MPLBACKEND": "Agg"} | settings.pop("env", {})
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True} | settings
    return subprocess.Popen([*command, *options], env=env, **streams)


def learning(digits, kept):
    """Wait until a checkpoint is there."""
    until = time.monotonic() + 60
    while not kept.exists() and time.monotonic() < until:
        time.sleep(0.01)


ENDLESS = ("--epochs", "100000", "--batch-size", "100")


@posix
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_signal_ends_a_run_and_keeps_what_was_learned(name, digits, tmp_path):
    kept = tmp_path / "part.npz"
    training = started(digits, *ENDLESS, "--quiet", "--json", "--checkpoint", str(kept))
    learning(digits, kept)
    training.send_signal(getattr(signal, name))
    out, err = training.communicate(timeout=60)
    assert training.returncode == 128 + getattr(signal, name)
    called = "Ctrl-C" if name == "SIGINT" else name
    assert f"nnref: stopped by {called} in epoch" in err
    assert "Traceback" not in out + err
    result = json.loads(out.splitlines()[-1])
    assert folder.verified(Path(result["run"])) == []
    assert checkpoint.unpacked(kept)["about"]["parameters_sha256"] == result["parameters_sha256"]


@posix
def test_a_second_ctrl_c_ends_at_once_without_a_traceback(digits, tmp_path):
    """The first is remembered while a slow disk writes the folder; the second does not wait for it."""
    from nnref.running.stopping import stopping

    child = os.fork()
    if not child:
        with stopping() as stops, stops.held():
            os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGTERM)
            assert stops.name == "Ctrl-C"
            os.kill(os.getpid(), signal.SIGINT)
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 130


@posix
def test_a_closed_pipe_a_full_disk_and_no_output_do_not_end_a_run(digits, tmp_path):
    ends = {}
    read, write = os.pipe()
    os.close(read)
    with open("/dev/full", "w") as full:
        for name, stdout in {"a closed pipe": write, "a full disk": full, "none": None}.items():
            settings = {"stdout": stdout} if stdout else {"stdout": None, "preexec_fn": lambda: os.close(1)}
            training = started(digits, "--epochs", "2", **settings)
            ends[name] = (*training.communicate(timeout=60), training.returncode)
    assert {name: code for name, (_, _, code) in ends.items()} == dict.fromkeys(ends, 0), ends
    assert "stdout cannot be written (Broken pipe); going on" in ends["a closed pipe"][1]
    assert "stdout cannot be written (No space left on device); going on" in ends["a full disk"][1]
    places = list((tmp_path / "runs").iterdir())
    assert len(places) == 3
    assert [folder.verified(place) for place in places] == [[], [], []]


def test_progress_that_cannot_be_shown_does_not_end_a_run(run, monkeypatch):
    def closed(*_, **__):
        raise BrokenPipeError(32, "Broken pipe")

    monkeypatch.setattr(progress.Lines, "epoch", closed)
    with pytest.warns(UserWarning, match="the progress cannot be shown"):
        again = nnref.train(kills.blobs(), **SMALL | {"progress": True})
    assert again.parameters_sha256 == run.parameters_sha256


def test_a_run_folder_that_cannot_be_written_is_said_before_training(digits, capsys, monkeypatch):
    monkeypatch.setattr("nnref.bridge.proved", lambda layers: pytest.fail("asked after the folder"), raising=True)
    (digits.parent / "file").write_text("")
    status = cli.main(["train", "--data", str(digits), "--runs", str(digits.parent / "file" / "runs")])
    assert status == 2
    assert "file" in capsys.readouterr().err


def test_a_full_disk_at_the_end_is_said_and_the_parameters_are_put_elsewhere(run, tmp_path, monkeypatch):
    right = files.write

    def full(path, writer, **options):
        if tmp_path in Path(path).parents:
            raise OSError(28, "No space left on device")
        right(path, writer, **options)

    monkeypatch.setattr(files, "write", full)
    monkeypatch.setattr("tempfile.tempdir", None)
    faults = folder.keep(run, kills.blobs(), folder.fresh(tmp_path, 0))
    assert "parameters.npz could not be written (No space left on device)" in faults[0]
    rescued = Path(faults[1].removeprefix("the parameters are in "))
    with np.load(rescued) as saved:
        assert (saved["W1"] == run.parameters[0].W).all()
    rescued.unlink()
    rescued.parent.rmdir()


def test_pictures_that_cannot_be_drawn_do_not_end_a_run(run, place, monkeypatch, capsys):
    def fails(*_):
        raise RuntimeError("no font")

    monkeypatch.setattr(plots, "draw", fails)
    assert folder.draw(place, run, kills.blobs()) == []
    assert "no pictures: RuntimeError: no font. Try: nnref plot" in capsys.readouterr().out


def test_verify_says_that_every_file_is_as_it_was_written(place, capsys):
    assert cli.main(["verify", str(place), "--json"]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["ok"]
    assert subprocess.run(["sha256sum", "-c", folder.SUMS], cwd=place, check=False).returncode == 0


def damaged(place, rng):
    """Every file of a run's folder flipped, cut, emptied, lengthened, removed, or made a folder."""
    for path in sorted(place.iterdir()):
        whole = path.read_bytes()
        flipped = bytearray(whole)
        flipped[rng.integers(len(whole))] ^= 1 << rng.integers(8)
        for change in (bytes(flipped), whole[: len(whole) // 2], b"", whole + b"x", None, path):
            path.unlink()
            if change is path:
                path.mkdir()
            elif change is not None:
                path.write_bytes(change)
            yield path.name
            if path.is_dir():
                path.rmdir()
            path.write_bytes(whole)


def test_an_altered_or_damaged_folder_is_neither_verified_nor_drawn(place, rng, capsys):
    tried = 0
    for name in damaged(place, rng):
        tried += 1
        with pytest.raises(nnref.DataError, match=str(place)):
            folder.redraw(place, kills.blobs())
        status = cli.main(["verify", str(place)])
        said = capsys.readouterr()
        assert status in (1, 2), (name, said)
        assert str(place) in said.out + said.err
    assert tried == 30


def test_parameters_exchanged_with_their_hash_are_noticed(place, run):
    """Someone who writes other parameters, and their hash too, still contradicts the settings."""
    import hashlib

    arrays = {name: -p for name, p in nnref.named(run.parameters).items()}
    np.savez(place / "parameters.npz", **arrays)
    sums = (place / folder.SUMS).read_text().splitlines()
    sums[0] = f"{hashlib.sha256((place / 'parameters.npz').read_bytes()).hexdigest()}  parameters.npz"
    (place / folder.SUMS).write_text("\n".join(sums) + "\n")
    assert "not those whose SHA-256 stands in settings.json" in folder.verified(place)[0]
