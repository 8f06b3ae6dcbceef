"""Is learning never thrown away: signals, closed pipes, full disks, altered folders?"""

import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import derivations.__main__
import nnref
from derivations.output import verdict
from nnref import cli
from nnref.running import checkpoint, files, folder, plots, progress
from tests import kills
from tests.support.forked import Forked

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


@pytest.fixture
def believed(monkeypatch):
    """The claims need not be proved here, and no picture drawn."""
    monkeypatch.setattr(verdict, "of", lambda names: verdict.Verdict(tuple(names), (), 0.0))
    monkeypatch.setattr(plots, "draw", lambda *_: [])


def started(digits, *options, **streams):
    """nnref train on the small images, in a process that is forked from this one."""
    return Forked(["train", "--data", str(digits), "--runs", str(digits.parent / "runs"), *options], **streams)


def learning(kept):
    """Wait until a checkpoint is there."""
    until = time.monotonic() + 60
    while not kept.exists() and time.monotonic() < until:
        time.sleep(0.005)


ENDLESS = ("--epochs", "100000", "--batch-size", "100")


@posix
@pytest.mark.usefixtures("believed")
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_signal_ends_a_run_and_keeps_what_was_learned(name, digits, tmp_path):
    kept = tmp_path / "part.npz"
    training = started(digits, *ENDLESS, "--quiet", "--json", "--checkpoint", str(kept))
    learning(kept)
    training.send(getattr(signal, name))
    code, out, err = training.end()
    assert code == 128 + getattr(signal, name)
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
        try:
            signal.signal(signal.SIGINT, signal.default_int_handler)  # which a shell may have had ignored
            with stopping() as stops, stops.held():
                os.kill(os.getpid(), signal.SIGINT)
                os.kill(os.getpid(), signal.SIGTERM)
                assert stops.name == "Ctrl-C"
                os.kill(os.getpid(), signal.SIGINT)
        finally:  # whatever comes, the child runs no other test
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 130


@posix
@pytest.mark.usefixtures("believed")
def test_a_closed_pipe_a_full_disk_and_no_output_do_not_end_a_run(digits, tmp_path):
    ends = {}
    read, write = os.pipe()
    os.close(read)
    with open("/dev/full", "w") as full:
        streams = {"a closed pipe": {"stdout": write}, "a full disk": {"stdout": full.fileno()}}
        for name, streams_ in (streams | {"none": {"stdout": None, "stderr": None}}).items():
            ends[name] = started(digits, "--epochs", "2", **streams_).end()
    assert {name: code for name, (code, _, _) in ends.items()} == dict.fromkeys(ends, 0), ends
    assert "stdout cannot be written (Broken pipe); going on" in ends["a closed pipe"][2]
    assert "stdout cannot be written (No space left on device); going on" in ends["a full disk"][2]
    places = list((tmp_path / "runs").iterdir())
    assert len(places) == 3
    assert [folder.verified(place) for place in places] == [[], [], []]


@posix
@pytest.mark.usefixtures("believed")
def test_two_runs_at_once_have_a_folder_each_and_the_same_bits(digits, tmp_path):
    both = [started(digits, "--epochs", "1", "--json") for _ in range(2)]
    ends = [training.end() for training in both]
    assert [code for code, _, _ in ends] == [0, 0], ends
    results = [json.loads(out.splitlines()[-1]) for _, out, _ in ends]
    assert len({result["run"] for result in results}) == 2
    assert len({result["parameters_sha256"] for result in results}) == 1
    assert [folder.verified(Path(result["run"])) for result in results] == [[], []]


def test_a_clock_that_is_set_back_loses_nothing(run, tmp_path, monkeypatch):
    """Names of folders come from the clock: a run of the past finds its name taken, and takes another."""
    hours, places = iter((5, 4, 5, 4)), []

    class Clock(folder.datetime):
        @classmethod
        def now(cls, tz=None):
            return cls(2026, 11, 26, next(hours), 0, 0, tzinfo=tz)

    monkeypatch.setattr(folder, "datetime", Clock)
    for _ in range(4):
        places.append(folder.fresh(tmp_path, 0))
        assert folder.keep(run, kills.blobs(), places[-1]) == []
    assert len(set(places)) == 4
    assert [folder.verified(place) for place in places] == [[]] * 4


@posix
@pytest.mark.usefixtures("believed")
def test_nothing_asks_the_network(digits, tmp_path):
    def without_network():
        import socket

        socket.socket.connect = socket.getaddrinfo = lambda *_, **__: os._exit(99)

    (tmp_path / "hw.py").write_text("x = 1\n")
    assert started(digits, "--epochs", "1", "--quiet", before=without_network).end()[0] == 0
    assert Forked(["check", str(tmp_path / "hw.py")], before=without_network).end()[0] == 2


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


ASCII = {"LC_ALL": "C", "LANG": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}
SURROUNDINGS = {
    "LANG=C, no HOME, no terminal, two BLAS threads, a path that is no UTF-8": (
        os.fsdecode(b"\xff\xfe"),
        ASCII | {"HOME": "/nonexistent", "TERM": "", "OPENBLAS_NUM_THREADS": "2", "PYTHONHASHSEED": "1"},
    ),
    "one BLAS thread, a path of spaces, a newline, 漢字": (
        "a b\n漢字",
        {"OPENBLAS_NUM_THREADS": "1", "PYTHONHASHSEED": "2"},
    ),
}
COMMAND = """
import sys, nnref.cli
from derivations.output import verdict
from nnref.running import plots
plots.draw, verdict.of = lambda *_: [], lambda names: verdict.Verdict(tuple(names), (), 0.0)
sys.exit(nnref.cli.main(sys.argv[1:]))"""


@posix
@pytest.mark.usefixtures("believed")
def test_odd_surroundings_change_no_bit(digits):
    """Here and in processes of their own: the same bits, under other hash seeds and numbers of BLAS threads too."""
    training = started(digits, "--epochs", "1", "--quiet", "--json")
    found = {"as it is": training.end()}
    for name, (folder_name, env) in SURROUNDINGS.items():
        place = digits.parent / folder_name
        place.mkdir()
        (place / "d.npz").write_bytes(digits.read_bytes())
        command = [sys.executable, "-c", COMMAND, "train", "--data", place / "d.npz", "--runs", place / "runs"]
        done = subprocess.run(
            [*command, "--epochs", "1", "--quiet", "--json"],
            **{"env": os.environ | {"PYTHONPATH": str(ROOT), "MPLBACKEND": "Agg"} | env, "capture_output": True},
            **{"text": True, "errors": "replace", "start_new_session": True, "stdin": subprocess.DEVNULL},
            check=False,
        )
        found[name] = done.returncode, done.stdout, done.stderr
    assert {name: code for name, (code, _, _) in found.items()} == dict.fromkeys(found, 0), found
    assert not [name for name, (_, out, err) in found.items() if "Traceback" in out + err]
    assert len({json.loads(out.splitlines()[-1])["parameters_sha256"] for _, out, _ in found.values()}) == 1, found


def test_derivations_print_where_only_ascii_can_be_shown(monkeypatch):
    shown = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(shown, "ascii"))
    assert derivations.__main__.main(["affine.db"]) == 0
    sys.stdout.flush()
    assert b"proved" in shown.getvalue()
    assert b"?" in shown.getvalue()  # what stands for what ASCII has not
