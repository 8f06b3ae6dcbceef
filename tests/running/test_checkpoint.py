"""Does a checkpoint know whose it is, is every damage noticed, and does a run go on to the same bits from any step?"""

import hashlib
import io
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import nnref
from nnref.layer import ACTIVATIONS, affine_layer, chain
from nnref.running import checkpoint, files, lock, shuffle, step
from tests import kills

ROOT = Path(nnref.__file__).parent.parent
SMALL = {"layers": nnref.mlp([6, 7, 3]), "epochs": 2, "batch_size": 8, "progress": False}


@pytest.fixture
def blobs():
    return kills.blobs()


@pytest.fixture
def part(tmp_path):
    return tmp_path / "part.npz"


def stop_after(monkeypatch, steps):
    """Ctrl-C after so many steps of the loop, the gate's own aside."""
    made, right = [], step.updated

    def updated(theta, dtheta, alpha):
        made.append(1)
        if len(made) > steps + 1:  # the gate makes one
            raise KeyboardInterrupt
        return right(theta, dtheta, alpha)

    monkeypatch.setattr(step, "updated", updated)


@pytest.mark.parametrize("steps", [0, 1, 8, 9, 10, 17])
def test_a_run_stopped_at_any_step_goes_on_to_the_same_bits(blobs, part, monkeypatch, steps):
    whole = nnref.train(blobs, **SMALL)
    with monkeypatch.context() as here:
        stop_after(here, steps)
        stopped = nnref.train(blobs, **SMALL, checkpoint=part)
    assert (len(stopped.loss_by_step), stopped.stopped) == (steps, f"stopped by Ctrl-C in epoch {1 + steps // 9}")
    resumed = nnref.train(blobs, **SMALL, checkpoint=part, resume=True)
    assert resumed.parameters_sha256 == whole.parameters_sha256
    assert resumed.loss_by_step == whole.loss_by_step
    assert resumed.loss_by_epoch == whole.loss_by_epoch
    assert resumed.accuracy_by_epoch == whole.accuracy_by_epoch


def test_steps_are_saved_when_two_seconds_have_passed_and_not_before(blobs, part, monkeypatch):
    saved, clock = [], iter(np.arange(0, 1000, 0.3))
    monkeypatch.setattr(checkpoint, "perf_counter", lambda: next(clock))
    monkeypatch.setattr(
        checkpoint.Checkpoint, "save", lambda self, run: saved.append(len(run.loss_by_step)) or again(self)
    )
    again = lambda self: setattr(self, "saved_at", next(clock))  # noqa: E731
    nnref.train(blobs, **SMALL, checkpoint=part)
    assert saved == [7, 9, 16, 18]  # seven times 0.3 s, and after each epoch


KINDS = {
    "seed was 0 and is 1": {"seed": 1},
    "learning_rate was 0.1 and is 0.2": {"learning_rate": 0.2},
    "decay was False and is True": {"decay": True},
    "dtype was 'float32' and is 'float64'": {"dtype": "float64"},
    r"W1 was \(7, 6\) and is \(4, 6\)": {"layers": nnref.mlp([6, 4, 3])},
    "layer 2 was relu and is tanh": {"layers": nnref.mlp([6, 7, 3], "tanh")},
    r"the network had 3 layers \(affine, relu, affine\) and has 5": {"layers": nnref.mlp([6, 7, 7, 3])},
}


@pytest.mark.parametrize("says", KINDS)
def test_a_checkpoint_of_another_run_is_refused_with_what_differs(blobs, part, says):
    nnref.train(blobs, **SMALL, checkpoint=part)
    before = part.read_bytes()
    with pytest.raises(nnref.DataError, match=rf"part\.npz: a checkpoint of another run: .*{says}"):
        nnref.train(blobs, **SMALL | KINDS[says], checkpoint=part, resume=True)
    assert part.read_bytes() == before


def test_layers_of_one_name_that_compute_other_things_are_told_apart(blobs, part):
    def inside(activation):
        return (chain(affine_layer(6, 7), activation, affine_layer(7, 3)),)

    settings = SMALL | {"gate": False, "checkpoint": part}
    nnref.train(blobs, **settings | {"layers": inside(ACTIVATIONS["relu"])})
    with pytest.raises(nnref.DataError, match="layer 3 was relu and is tanh"):
        nnref.train(blobs, **settings | {"layers": inside(ACTIVATIONS["tanh"]), "resume": True})
    renamed = replace(ACTIVATIONS["tanh"], name="relu")
    with pytest.raises(nnref.DataError, match="the same names and sizes, but compute other logits"):
        nnref.train(blobs, **settings | {"layers": inside(renamed), "resume": True})


def test_data_are_known_by_their_numbers_and_not_by_their_name(blobs, part):
    nnref.train(blobs, **SMALL, checkpoint=part)
    columns = [blobs.x_train, blobs.y_train, blobs.x_test, blobs.y_test]
    renamed = nnref.Dataset.from_columns(*columns, source="moved")
    nnref.train(renamed, **SMALL | {"epochs": 3}, checkpoint=part, resume=True)
    columns[0] = columns[0].copy()
    columns[0][0, 0] += 1e-6
    other = nnref.Dataset.from_columns(*columns, source="blobs")
    with pytest.raises(nnref.DataError, match=r"the data were moved \(SHA-256 \w{12}…\) and are blobs \(SHA-256"):
        nnref.train(other, **SMALL, checkpoint=part, resume=True)


def test_what_is_there_is_written_over_only_when_asked(blobs, part):
    part.write_text("my homework")
    with pytest.raises(nnref.DataError, match=r"is there already.*--resume.*--overwrite"):
        nnref.train(blobs, **SMALL, checkpoint=part)
    with pytest.raises(nnref.DataError, match="not a checkpoint"):
        nnref.train(blobs, **SMALL, checkpoint=part, resume=True)
    assert part.read_text() == "my homework"
    nnref.train(blobs, **SMALL, checkpoint=part, overwrite=True)
    assert checkpoint.sealed(part.read_bytes())


def test_a_misspelt_checkpoint_is_said_and_the_run_starts_afresh(blobs, part):
    with pytest.warns(UserWarning, match=r"part\.npz: no checkpoint found: starting afresh"):
        nnref.train(blobs, **SMALL, checkpoint=part, resume=True)


def test_another_version_is_said_and_another_shuffle_refused(blobs, part, monkeypatch):
    nnref.train(blobs, **SMALL, checkpoint=part)
    with monkeypatch.context() as here:
        here.setattr("nnref.running.identity.blas", lambda: "another kernel")
        with pytest.warns(UserWarning, match=r"blas was .* and is another kernel.*bits may be others"):
            nnref.train(blobs, **SMALL, checkpoint=part, resume=True)
    monkeypatch.setattr(shuffle, "order", lambda settings, epoch, N: np.arange(N)[::-1])
    with pytest.raises(nnref.DataError, match="shuffles in another way"):
        nnref.train(blobs, **SMALL, checkpoint=part, resume=True)


def test_no_bit_can_flip_without_a_word(blobs, part, record_property):
    """400 flips and 40 cuts: each is one sentence with the file's name, and the run goes on from the one before."""
    nnref.train(blobs, **SMALL, checkpoint=part)
    whole, rng = part.read_bytes(), np.random.default_rng(1)
    one_before = checkpoint.previous(part).read_bytes()
    flips = []
    for _ in range(400):
        bad = bytearray(whole)
        bad[rng.integers(len(bad))] ^= 1 << rng.integers(8)
        flips.append(bytes(bad))
    for bad in [*flips, *(whole[: rng.integers(len(whole))] for _ in range(40)), b"", whole + b"0"]:
        part.write_bytes(bad)
        with pytest.raises(checkpoint.DamagedError, match=r"part\.npz: not a checkpoint.*SHA-256\.$") as caught:
            checkpoint.unpacked(part)
        assert "\n" not in str(caught.value)
        assert "pickle" not in str(caught.value)
    checkpoint.unpacked(checkpoint.previous(part))
    with pytest.warns(UserWarning, match=r"part\.npz: not a checkpoint.*Going on from .*previous, the one before"):
        run = nnref.train(blobs, **SMALL, checkpoint=part, resume=True)
    assert run.parameters_sha256 == nnref.train(blobs, **SMALL).parameters_sha256
    part.write_bytes(flips[0])
    checkpoint.previous(part).write_bytes(one_before[:-9])
    with pytest.raises(nnref.DataError, match=r"part\.npz: not.*previous: not.*--overwrite"):
        nnref.train(blobs, **SMALL, checkpoint=part, resume=True)
    record_property("figure", "400 bit flips, 0 tracebacks, 0 silent")


def reseal(arrays):
    """A file with a right seal around wrong contents: what a program other than nnref may have written."""
    file = io.BytesIO()
    np.savez(file, **arrays)
    body = file.getvalue()[:-2] + b"\x40\x00"
    return body + hashlib.sha256(body).hexdigest().encode()


WRONG = {
    "W1 is float64": lambda a, about: a.update(W1=a["W1"].astype("f8")),
    "W1 is float32 (6, 7)": lambda a, about: a.update(W1=np.ascontiguousarray(a["W1"].T)),
    "W1 is not finite": lambda a, about: a.update(W1=a["W1"] * np.float32("nan")),
    "do not agree with their SHA-256": lambda a, about: a.update(W1=-a["W1"]),
    "W1, b1, W2, b2 should be there": lambda a, about: a.pop("b2"),
    "loss_by_step is no list": lambda a, about: a.update(loss_by_step=np.array(["a"])),
    "18 losses and 1 accuracies": lambda a, about: a.update(accuracy_by_epoch=a["accuracy_by_epoch"][:1]),
    "KeyError: 'loss_by_step'": lambda a, about: a.pop("loss_by_step"),
    "KeyError: 'format'": lambda a, about: about.pop("format"),
    "AttributeError: 'NoneType'": lambda a, about: about.update(settings=None),
    "a checkpoint in format 99; this nnref knows format 2": lambda a, about: about.update(format=99),
}


@pytest.mark.parametrize("says", WRONG)
def test_contents_that_cannot_be_are_refused_even_under_a_right_seal(blobs, part, says):
    nnref.train(blobs, **SMALL, checkpoint=part)
    checkpoint.previous(part).unlink()
    arrays = checkpoint.unpacked(part)
    about = arrays["about"]
    WRONG[says](arrays, about)
    part.write_bytes(reseal(arrays | {"about": np.array(json.dumps(about))}))
    with pytest.raises(nnref.DataError) as caught:
        nnref.train(blobs, **SMALL, checkpoint=part, resume=True)
    assert says in str(caught.value)
    assert str(part) in str(caught.value)


def test_a_damaged_file_does_not_displace_the_good_one_before(blobs, part):
    nnref.train(blobs, **SMALL, checkpoint=part)
    good = checkpoint.previous(part).read_bytes()
    part.write_bytes(b"damaged")
    checkpoint.retire(part)
    assert checkpoint.previous(part).read_bytes() == good


def test_a_run_killed_between_two_names_goes_on_from_the_one_before(blobs, part):
    nnref.train(blobs, **SMALL, checkpoint=part)
    part.unlink()
    run = nnref.train(blobs, **SMALL, checkpoint=part, resume=True)
    assert run.parameters_sha256 == nnref.train(blobs, **SMALL).parameters_sha256


def test_the_last_two_are_kept_and_leftovers_of_a_killed_save_removed(blobs, part):
    left = part.with_name(".part.npz.4711.0123abcd")
    mine = part.with_name(".part.npz.mine")
    for path in (left, mine):
        path.write_text("half a file")
    nnref.train(blobs, **SMALL, checkpoint=part)
    assert sorted(p.name for p in part.parent.iterdir()) == [".part.npz.mine", "part.npz", "part.npz.previous"]


def test_a_second_run_is_kept_out_until_the_first_is_gone(blobs, part):
    with lock.locked(part):
        with pytest.raises(nnref.DataError, match=r"part\.npz: another run is using it"):
            nnref.train(blobs, **SMALL, checkpoint=part)
        code = (
            f"from nnref.running.lock import locked\nfrom pathlib import Path\nwith locked(Path({str(part)!r})): pass"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False)
        assert "another run is using it" in done.stderr
    nnref.train(blobs, **SMALL, checkpoint=part)


@pytest.mark.skipif(os.name != "posix", reason="os.fork")
def test_the_lock_dies_with_its_process(part):
    child = os.fork()
    if not child:
        try:
            with lock.locked(part):
                os.kill(os.getpid(), 9)
        finally:  # whatever comes, the child runs no other test
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -9
    with lock.locked(part):
        pass


def test_a_checkpoint_that_cannot_be_written_is_said_and_the_run_goes_on(blobs, part, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    whole = nnref.train(blobs, **SMALL)
    monkeypatch.setattr(files, "write", full)
    with pytest.warns(UserWarning, match=r"part\.npz: no checkpoint was written \(No space left on device\); the run"):
        run = nnref.train(blobs, **SMALL, checkpoint=part)
    assert run.parameters_sha256 == whole.parameters_sha256


def test_a_folder_that_cannot_be_written_is_said_before_training(blobs, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"):
        nnref.train(blobs, **SMALL, checkpoint=tmp_path / "file" / "part.npz")


def test_the_gate_checks_the_restored_parameters(blobs, part):
    nnref.train(blobs, **SMALL, checkpoint=part)
    seen = []
    nnref.train(blobs, **SMALL, checkpoint=part, resume=True, on_gate=seen.append)
    fresh = nnref.train(blobs, **SMALL | {"epochs": 1}).gate
    assert [e.truth for e in seen[0].entries] != [e.truth for e in fresh.entries]


@pytest.mark.further
@pytest.mark.skipif(os.name != "posix", reason="SIGKILL")
def test_a_run_that_is_killed_again_and_again_ends_with_the_same_bits(record_property):
    done = subprocess.run(
        [sys.executable, "-m", "tests.kills", "--kills", "25", "--json"],
        **{"capture_output": True, "text": True, "cwd": ROOT, "timeout": 300},
        check=False,
    )
    said = json.loads(done.stdout.splitlines()[-1])
    record_property("figure", said["figure"])
    assert said["kills"] == 25, done.stdout + done.stderr
    assert said["inside_a_save"] > 0
    assert said["ok"]
