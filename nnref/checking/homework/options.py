"""The options of nnref check and nnref certify; what they do is imported when one of them is run."""

from __future__ import annotations

import argparse
from typing import Any

FORMATS = ("text", "json", "github")
"""How a verdict is printed."""


def add_check(commands: Any) -> None:
    """The command and its options."""
    check = commands.add_parser(
        "check",
        help="read a network from a file, judge its gradients and name the first mistake",
        description="Reads a network from a Python file or notebook, or arrays from an .npz, and judges the gradients. "
        "It RUNS THE FILE'S CODE, on a copy of its folder, in a process with limits on time, memory and files. On "
        "Linux it can write nowhere else and ends with all that it started; --sandbox takes its network away too, "
        "and refuses to run it where it cannot be kept from all that. What comes out right is computed again by a "
        "process that never runs the file. One training step "
        "is watched as the program takes it, what it reads and plots is answered; a file that trains nothing is called "
        "by its definitions. An .npz holds W1, b1, …, dW1, db1, …, X and Y, and may hold Z1, A1, dZ1, …, activation, "
        "reduction and layout. Exits 0 if all is right, 1 for a mistake, 2 if the file cannot be read, 3 if nothing is "
        "wrong but not all can be told.",
    )
    check.add_argument("target", metavar="TARGET", help="FILE.py, FILE.ipynb, FILE.npz, FILE.py:NAME or a folder")
    check.add_argument("--run", action="store_true", help="execute all of the file, not its definitions alone")
    check.add_argument("--data", metavar="F.npz", help="take X and Y from here instead of a few random examples")
    check.add_argument("--verbose", action="store_true", help="say how the truth was found")
    check.add_argument("--no-hints", action="store_true", help="neither the mistake nor the right line, for graders")
    check.add_argument("--csv", metavar="OUT", help="for a folder: one row a file")
    check.add_argument(
        "--executor", metavar="dask://HOST:PORT", help="for a folder: mark on a cluster that sees it too"
    )
    check.add_argument("--gradescope", metavar="OUT", help="for a file: Gradescope's results.json, a test a parameter")
    check.add_argument("--sandbox", action="store_true", help="no network, and refuse where there are no namespaces")
    check.add_argument("--json", action="store_true", help="end with one JSON object")
    check.add_argument(
        "--format", choices=FORMATS, default="text", help="json is --json; github, annotations at a line"
    )
    check.set_defaults(command=run_check, activation=None, reduction=None, layout=None)


def add_certify(commands: Any) -> None:
    """The command for an .npz alone, with options for what the file does not say of itself."""
    certify = commands.add_parser("certify", help="nnref check FILE.npz, for a file that does not say what it holds")
    certify.add_argument("target", metavar="FILE.npz", help="W1, b1, …, dW1, db1, …, X, Y; dZ1, A1, … if you have them")
    certify.add_argument(
        "--activation", help="of the hidden layers, as nnref.mlp names it (default: as the file says, else relu)"
    )
    certify.add_argument("--reduction", help="mean or sum, of the loss over the batch (default: the file's, else mean)")
    certify.add_argument("--layout", help="columns or rows, where every matrix is square")
    certify.add_argument("--data", metavar="F.npz", help="take X and Y from here")
    certify.add_argument("--verbose", action="store_true", help="say what was judged, and as what")
    certify.add_argument("--json", action="store_true", help="end with one JSON object")
    certify.set_defaults(
        command=run_certify, run=False, no_hints=False, csv=None, format="text", gradescope=None, sandbox=False
    )


def run_check(arguments: argparse.Namespace) -> int:
    """Check a file or every file of a folder."""
    from nnref.checking.homework import command

    return command.run_check(arguments)


def run_certify(arguments: argparse.Namespace) -> int:
    """Check an .npz."""
    from nnref.checking.homework import command

    return command.run_certify(arguments)
