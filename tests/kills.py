"""Kill a run again and again at random moments, go on from its checkpoint, and compare the bits at the end.

python -m tests.kills [--kills N] [--json]. Every step is saved, so that many of the kills fall inside a save.
"""

import argparse
import json
import os
import signal
import sys
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np

import nnref
from nnref.running import checkpoint

SETTINGS = {"epochs": 6, "batch_size": 8, "progress": False, "gate": False}
"""54 steps, each with a save: about a second, as long as a disk takes."""

LIFE = 0.06
"""Seconds in which a run is killed, counted from its start: some are killed before their first save."""


def blobs():
    """Three clouds of points in 6 dimensions, which any network can tell apart."""
    rng, labels = np.random.default_rng(0), np.arange(96) % 3
    X = (rng.standard_normal((96, 6)) * 0.3 + 2 * np.eye(3, 6)[labels]).astype("float32")
    return nnref.Dataset.from_columns(X[:72].T, labels[:72], X[72:].T, labels[72:], source="blobs")


def unbroken(data):
    """The hash of the parameters of a run that nobody stops."""
    return nnref.train(data, nnref.mlp([6, 7, 3]), **SETTINGS).parameters_sha256


def one_life(data, path):
    """Train in a process of its own until it ends, or is killed; its identifier. It exits 0 at the end."""
    child = os.fork()
    if child:
        return child
    try:
        checkpoint.EVERY = 0.0
        nnref.train(data, nnref.mlp([6, 7, 3]), **SETTINGS, checkpoint=path, resume=True)
        os._exit(0)
    except BaseException as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)
        os._exit(1)


def killed(kills, seed=0):
    """Runs that are killed until so many kills were made: kills, those inside a save, runs, and the odd hashes."""
    rng, data = np.random.default_rng(seed), blobs()
    expected, odd = unbroken(data), []
    made = inside = runs = 0
    while made < kills:
        with tempfile.TemporaryDirectory() as folder:
            path, ended = Path(folder) / "part.npz", False
            while not ended:
                before = saves(path)
                child = one_life(data, path)
                seconds = rng.uniform(0, LIFE) if made < kills else float("inf")
                in_a_save = made % 2 == 1 and made < kills
                ended, status = lived(child, seconds, path if in_a_save else None, before)
                made += not ended
                inside += not ended and bool(saves(path) - before)
                if ended and status:
                    odd.append(f"exit {os.waitstatus_to_exitcode(status)}")
                    break
            if not odd:
                hashed = json.loads(str(np.load(path)["about"]))["parameters_sha256"]
                odd += [hashed] * (hashed != expected)
            runs += 1
            if odd:
                break
    return {"kills": made, "inside_a_save": inside, "runs": runs, "odd": odd}


def saves(path):
    """The files of saves that were begun and have not ended, beside the path; some of processes that were killed."""
    return {p.name for p in path.parent.iterdir() if p.name.startswith(".part.npz.") and p.suffix != ".lock"}


def lived(child, seconds, path, before):
    """Whether a process ended by itself, else it is killed after so many seconds; its status.

    Given a path, it is killed as soon after that as a save of it is begun that was not there before.
    """
    begun = time.perf_counter()
    while time.perf_counter() - begun < seconds or (path and not saves(path) - before):
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return True, status
        time.sleep(0.0002)
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    return not os.WIFSIGNALED(status), status


def options(argv=None):
    """What is asked for."""
    parser = argparse.ArgumentParser(prog="python -m tests.kills", description=__doc__.partition("\n")[0])
    parser.add_argument("--kills", type=int, default=25)
    parser.add_argument("--json", action="store_true", help="one JSON object")
    return parser.parse_args(argv)


def main(argv=None):
    """Exit 0 if every run ended with the bits of the unbroken one."""
    arguments = options(argv)
    warnings.simplefilter("ignore")
    found = killed(arguments.kills)
    ok = not found["odd"]
    figure = f"{found['kills']} kills, {found['inside_a_save']} inside a save, {len(found['odd'])} other bits"
    print(json.dumps({"ok": ok, **found, "figure": figure}) if arguments.json else figure)
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
