"""The command line. Each command exits 0 for true, 1 for a mismatch or a diverged run, 2 for bad use or bad data."""

from __future__ import annotations

import argparse
import json
import os
import sys
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from nnref.checking.homework.options import add_certify, add_check
from nnref.running.errors import DataError, Diverged, GateError, WorkerLost
from nnref.running.settings import DTYPES, TIMEOUT, Settings
from nnref.running.stopping import stopping
from nnref.running.streams import lasting

OK, MISMATCH, BAD_USE = 0, 1, 2


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command and return its exit status; everything a user did wrong is one line on stderr.

    A signal ends a command without a traceback; its status is 128 and the signal's number, as shells have it.
    """
    with lasting(), stopping() as stops:
        arguments = argparse.Namespace(stops=stops, workers=None)
        return left(arguments, status_of(argv, arguments))


def status_of(argv: Sequence[str] | None, arguments: argparse.Namespace) -> int:
    """The exit status of a command, which is put into arguments."""
    stops = arguments.stops
    try:
        parser().parse_args(argv, arguments)
        command: Callable[[argparse.Namespace], int] = arguments.command
        return command(arguments)
    except WorkerLost as error:
        print(f"nnref: {error}.", file=sys.stderr)
        return MISMATCH
    except (DataError, ValueError, OSError) as error:
        print(f"nnref: {error}", file=sys.stderr)
        return BAD_USE
    except MemoryError as error:
        print(f"nnref: out of memory ({error}).", file=sys.stderr)
        return BAD_USE
    except KeyboardInterrupt:
        print(f"nnref: stopped by {stops.name}." if stops.number else "nnref: stopped.", file=sys.stderr)
        return stops.status if stops.number else 130


def left(arguments: argparse.Namespace, status: int) -> int:
    """The exit status; one of several workers that failed leaves at once, as its library would wait for the others."""
    if arguments.workers and status:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
    return status


def parser() -> argparse.ArgumentParser:
    """The commands and their options; defaults are those of nnref.train."""
    top = argparse.ArgumentParser(prog="nnref", description="The verified mathematics of a neural network.")
    commands = top.add_subparsers(required=True, metavar="COMMAND")
    for add in (add_train, add_check, add_certify, add_plot, add_verify, add_vectors):
        add(commands)
    return top


def add_train(commands: Any) -> None:
    """The command that trains, and its options."""
    train = commands.add_parser("train", help="check every gradient, then train on MNIST and draw what was learned")
    train.add_argument("--data", metavar="PATH", help="an .npz or a folder of IDX files (default: NNREF_MNIST, …)")
    train.add_argument("--download", action="store_true", help="fetch MNIST through tensorflow.keras.datasets")
    train.add_argument("--epochs", type=int, default=Settings.epochs)
    train.add_argument("--batch-size", type=int, default=Settings.batch_size)
    train.add_argument("--learning-rate", type=float, help="(default: 0.1; 0.2 for a transformer)")
    train.add_argument(
        "--decay",
        action=argparse.BooleanOptionalAction,
        help="let the learning rate fall to 0 in a line, epoch by epoch (default: for a transformer)",
    )
    train.add_argument("--seed", type=int, default=Settings.seed)
    train.add_argument(
        "--activation", default="relu", help="of the hidden layers, as nnref.mlp names it (default: relu)"
    )
    train.add_argument("--network", default="mlp", help="mlp, cnn or transformer (default: mlp, the article's)")
    train.add_argument("--dtype", choices=DTYPES, default=Settings.dtype)
    train.add_argument("--engine", default=Settings.engine, help="numpy, jax, torch or tensorflow (default: numpy)")
    train.add_argument("--device", help="where the engine computes, such as cuda (default: the engine's choice)")
    train.add_argument("--workers", metavar="HOST:PORT,…", help="all processes that share the run (jax, tensorflow)")
    train.add_argument("--index", type=int, default=0, help="which of the workers this is, from 0")
    train.add_argument("--timeout", type=float, default=TIMEOUT, help="seconds to wait for a worker (default: 60)")
    train.add_argument("--no-gate", action="store_true", help="train without checking the gradients (recorded)")
    train.add_argument("--checkpoint", metavar="FILE", help="written every epoch and every 2 s")
    train.add_argument("--resume", action="store_true", help="go on from --checkpoint, to the same bits")
    train.add_argument("--overwrite", action="store_true", help="let --checkpoint write over a file that is there")
    train.add_argument("--runs", metavar="FOLDER", default="runs", help="where its folder is made (default: runs)")
    train.add_argument("--quiet", action="store_true", help="no progress")
    train.add_argument("--json", action="store_true", help="end with one JSON object")
    train.set_defaults(command=run_train)


def add_plot(commands: Any) -> None:
    """The command that draws a run's pictures, and its options."""
    plot = commands.add_parser("plot", help="draw a run's pictures again")
    plot.add_argument("run", metavar="RUN", help="a folder that nnref train made")
    plot.add_argument("--data", metavar="PATH", help="the data of the run, if they are not found by default")
    plot.add_argument("--json", action="store_true", help="end with one JSON object")
    plot.set_defaults(command=run_plot)


def add_verify(commands: Any) -> None:
    """The command that checks a run's folder, and its options."""
    verify = commands.add_parser("verify", help="check a run's folder against its own hashes")
    verify.add_argument("run", metavar="RUN", help="a folder that nnref train made")
    verify.add_argument("--json", action="store_true", help="end with one JSON object")
    verify.set_defaults(command=run_verify)


def add_vectors(commands: Any) -> None:
    """The command that writes known answers, and its options."""
    vectors = commands.add_parser("vectors", help="write networks with every answer, for other languages to agree with")
    vectors.add_argument("out", metavar="OUT", help="a folder that is not there yet")
    vectors.add_argument("--json", action="store_true", help="end with one JSON object")
    vectors.set_defaults(command=run_vectors)


def run_train(arguments: argparse.Namespace) -> int:
    """Load, make the run's folder, prove, check, train, write the folder, say where it is."""
    from nnref.running import folder
    from nnref.running.data import load_mnist
    from nnref.running.train import fitting

    data = load_mnist(arguments.data, download=arguments.download)
    print(data.source, flush=True)
    layers = fitting(data, arguments.activation, arguments.network)
    if arguments.workers and arguments.index:
        return helped(arguments, data, layers)
    with folder.prepared(Path(arguments.runs), arguments.seed) as place, warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.showwarning = lambda message, *rest: print(f"WARNING: {message}", file=sys.stderr)
        return trained_into(place, arguments, data, layers)


def helped(arguments: argparse.Namespace, data: Any, layers: Any) -> int:
    """Be one of the workers that keep nothing."""
    try:
        run, status = learned(arguments, data, layers)
    except GateError as error:
        print("nnref: the gradients are wrong; nothing was trained.", file=sys.stderr)
        finish(arguments, {"ok": False, "gate": summary(error.gate), "source": data.source})
        return MISMATCH
    print(f"worker {arguments.index}: parameters {run.parameters_sha256}")
    finish(arguments, {"ok": status == OK, "worker": arguments.index, "parameters_sha256": run.parameters_sha256})
    return status


def trained_into(place: Path, arguments: argparse.Namespace, data: Any, layers: Any) -> int:
    """Prove, check, train, and write what was learned into a folder, pictures last."""
    from nnref import bridge
    from nnref.running import folder

    proved = bridge.proved(layers)
    print(f"derivations: {proved}", flush=True)
    if proved.failed and not arguments.no_gate:
        print("nnref: what this run rests on is not proved; nothing was trained.", file=sys.stderr)
        finish(arguments, {"ok": False, "derivations": str(proved), "source": data.source})
        return MISMATCH
    try:
        run, status = learned(arguments, data, layers)
    except GateError as error:
        print("nnref: the gradients are wrong; nothing was trained.", file=sys.stderr)
        finish(arguments, {"ok": False, "gate": summary(error.gate), "source": data.source})
        return MISMATCH
    with arguments.stops.held():
        faults = folder.keep(run, data, place)
        told(run, data, place, faults)
    if not arguments.stops.number:
        folder.draw(place, run, data)
    status = arguments.stops.status if arguments.stops.number else BAD_USE if faults else status
    found = {"ok": status == OK, "run": str(place), "derivations": str(proved), **folder.results(run)}
    finish(arguments, found | ({"not_written": faults} if faults else {}))
    return status


def learned(arguments: argparse.Namespace, data: Any, layers: Any) -> tuple[Any, int]:
    """The run, and the exit status if nothing else goes wrong."""
    from nnref.running.train import train

    try:
        run = train(
            data,
            layers,
            epochs=arguments.epochs,
            batch_size=arguments.batch_size,
            **rates(arguments),
            seed=arguments.seed,
            dtype=arguments.dtype,
            engine=arguments.engine,
            device=arguments.device,
            workers=arguments.workers,
            index=arguments.index,
            timeout=arguments.timeout,
            gate=not arguments.no_gate,
            checkpoint=arguments.checkpoint,
            resume=arguments.resume,
            overwrite=arguments.overwrite,
            progress=False if arguments.quiet or arguments.index else None,
            on_gate=lambda gate: print(gate, flush=True),
        )
    except Diverged as error:
        print(f"nnref: {error}", file=sys.stderr)
        return error.run, MISMATCH
    return run, OK


def rates(arguments: argparse.Namespace) -> dict[str, Any]:
    """The learning rate and whether it falls: as asked, else as was measured to be good for the network."""
    from nnref.architectures import RATES

    asked = {name: getattr(arguments, name) for name in ("learning_rate", "decay")}
    return RATES.get(arguments.network, {}) | {name: value for name, value in asked.items() if value is not None}


def told(run: Any, data: Any, place: Path, faults: list[str]) -> None:
    """What came of a run: why it stopped, how good it is, where it is, and what could not be written."""
    if run.stopped and run.stopped.startswith("stopped by"):
        print(f"nnref: {run.stopped}; what was learned is kept.", file=sys.stderr)
    if run.test_accuracy is not None:
        after = f" after epoch {len(run.accuracy_by_epoch)}" if run.stopped else ""
        print(f"accuracy on {len(data.y_test):,} held-out images{after}: {run.test_accuracy:.2%}")
    print(f"run: {place}")
    for fault in faults:
        print(f"nnref: {fault}", file=sys.stderr)


def summary(gate: Any) -> dict[str, Any]:
    """The gate's figures in the JSON object."""
    return {k: v for k, v in gate.to_dict().items() if k != "entries"}


def run_plot(arguments: argparse.Namespace) -> int:
    """Draw the pictures of a run's folder again."""
    from nnref.running import folder
    from nnref.running.data import load_mnist

    pictures = folder.redraw(Path(arguments.run), load_mnist(arguments.data))
    for picture in pictures:
        print(picture)
    finish(arguments, {"ok": True, "pictures": [str(picture) for picture in pictures]})
    return OK


def run_verify(arguments: argparse.Namespace) -> int:
    """Check a run's folder against its own hashes."""
    from nnref.running import folder

    faults = folder.verified(Path(arguments.run))
    for fault in faults:
        print(fault)
    if not faults:
        print(f"{arguments.run}: {len(folder.FILES)} files, every one as it was written")
    finish(arguments, {"ok": not faults, "run": arguments.run, "faults": faults})
    return MISMATCH if faults else OK


def run_vectors(arguments: argparse.Namespace) -> int:
    """Write the known-answer vectors and say what they are."""
    from importlib.util import find_spec

    from nnref.checking.reference import golden, vectors

    if not find_spec("flint"):
        raise ValueError("vectors needs python-flint. Try: python -m pip install 'nnref[rigour]'.")
    files = vectors.write(arguments.out)
    size = sum(path.stat().st_size for path in files)
    print(f"{arguments.out}: {len(files)} files, {size / 1e6:.1f} MB, every answer correctly rounded")
    print(f"golden gradient: sha256 {golden.GRADIENT_SHA256}")
    finish(arguments, {"ok": True, "out": str(arguments.out), "files": len(files), "sha256": golden.GRADIENT_SHA256})
    return OK


def finish(arguments: argparse.Namespace, result: dict[str, Any]) -> None:
    """The one JSON object, as the last line of stdout, when asked for."""
    if arguments.json:
        print(json.dumps(result, ensure_ascii=False), flush=True)
