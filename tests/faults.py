"""python -m tests.faults: what nnref does where its surroundings fail, each with the tests that keep it, run now.

make verify prints the same table from the tests that it has run. [--list] prints it without running anything.
"""

import argparse
import json
import sys
from dataclasses import dataclass

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Column, Table

from tests.support import outcomes


@dataclass(frozen=True)
class Fault:
    """What fails, what comes of it, and the tests that say so."""

    name: str
    outcome: str
    tests: tuple[str, ...]


HOLDS, CHECKPOINT, ATTACKS = (
    "running/test_holds.py::",
    "running/test_checkpoint.py::",
    "checking/homework/test_attacks.py::",
)

FAULTS = (
    Fault(
        "disk full",
        "said with the file's name; the run goes on, its parameters are put elsewhere",
        (
            f"{HOLDS}test_a_full_disk_at_the_end_is_said_and_the_parameters_are_put_elsewhere",
            f"{CHECKPOINT}test_a_checkpoint_that_cannot_be_written_is_said_and_the_run_goes_on",
        ),
    ),
    Fault(
        "read-only folder",
        "refused before anything is learned, exit 2",
        (
            f"{HOLDS}test_a_run_folder_that_cannot_be_written_is_said_before_training",
            f"{CHECKPOINT}test_a_folder_that_cannot_be_written_is_said_before_training",
        ),
    ),
    Fault(
        "stdout a closed pipe or a full disk; stdout and stderr closed",
        "said once where anybody reads; the run ends with its folder, exit 0",
        (f"{HOLDS}test_a_closed_pipe_a_full_disk_and_no_output_do_not_end_a_run",),
    ),
    Fault("no HOME", "the same bits, exit 0", (f"{HOLDS}test_odd_surroundings_change_no_bit",)),
    Fault("no terminal", "the same bits, exit 0", (f"{HOLDS}test_odd_surroundings_change_no_bit",)),
    Fault(
        "LANG=C",
        "the same bits; python -m derivations prints ? for what ASCII has not",
        (
            f"{HOLDS}test_odd_surroundings_change_no_bit",
            f"{HOLDS}test_derivations_print_where_only_ascii_can_be_shown",
        ),
    ),
    Fault(
        "paths with spaces, a newline, 漢字, and that are no UTF-8",
        "the same bits, exit 0",
        (f"{HOLDS}test_odd_surroundings_change_no_bit",),
    ),
    Fault("1 and 2 BLAS threads", "the same bits", (f"{HOLDS}test_odd_surroundings_change_no_bit",)),
    Fault(
        "SIGINT, SIGTERM, SIGHUP",
        "the run ends with what was learned in its folder and its checkpoint, exit 130, 143, 129",
        (f"{HOLDS}test_a_signal_ends_a_run_and_keeps_what_was_learned",),
    ),
    Fault(
        "SIGINT twice",
        "ends at once, without a traceback, exit 130",
        (f"{HOLDS}test_a_second_ctrl_c_ends_at_once_without_a_traceback",),
    ),
    Fault(
        "SIGKILL at any moment",
        "goes on from its checkpoint to the same bits",
        (f"{CHECKPOINT}test_a_run_that_is_killed_again_and_again_ends_with_the_same_bits",),
    ),
    Fault(
        "a flipped bit in a checkpoint or a run's folder",
        "one sentence with the file's name; the checkpoint before is taken",
        (
            f"{CHECKPOINT}test_no_bit_can_flip_without_a_word",
            f"{HOLDS}test_an_altered_or_damaged_folder_is_neither_verified_nor_drawn",
        ),
    ),
    Fault("no network", "nothing asks for it", (f"{HOLDS}test_nothing_asks_the_network",)),
    Fault(
        "clock set back", "every run has a folder of its own", (f"{HOLDS}test_a_clock_that_is_set_back_loses_nothing",)
    ),
    Fault(
        "two processes on one folder",
        "a folder each, the same bits; one checkpoint is one run's, the other is refused",
        (
            f"{HOLDS}test_two_runs_at_once_have_a_folder_each_and_the_same_bits",
            f"{CHECKPOINT}test_a_second_run_is_kept_out_until_the_first_is_gone",
        ),
    ),
    Fault(
        "the marker of a class killed, or stopped by Ctrl-C",
        "nothing is left running; what was marked is kept, exit 130",
        (
            f"{ATTACKS}test_a_marker_that_is_killed_takes_its_files_along",
            f"{ATTACKS}test_ctrl_c_ends_at_once_with_what_was_marked",
        ),
    ),
)


def answers(tests):
    """By fault: "ok", "FALSE" where a test says otherwise, or "missing" where one was not run."""
    by_name = {}
    for node, test in tests.items():
        by_name.setdefault(node.partition("[")[0].removeprefix("tests/"), []).append(test["outcome"])
    return {fault.name: answer([by_name.get(name, []) for name in fault.tests]) for fault in FAULTS}


def answer(found):
    """One word for the outcomes of the tests of a fault."""
    if any("failed" in outcomes_ for outcomes_ in found):
        return "FALSE"
    return "ok" if all(outcomes_ and set(outcomes_) == {"passed"} for outcomes_ in found) else "missing"


def table(said):
    """A row a fault: what fails, what comes of it, and whether its tests say so."""
    made = Table(Column("fault", ratio=2), Column("outcome", ratio=3), "tests", "", box=SIMPLE_HEAD)
    for fault in FAULTS:
        made.add_row(fault.name, fault.outcome, str(len(fault.tests)), said.get(fault.name, "not asked"))
    return made


def main(argv=None):
    """Exit 0 if every fault has the outcome that is stated."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__.partition("\n")[0])
    parser.add_argument("--list", action="store_true", help="run nothing")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    arguments = parser.parse_args(argv)
    names = list(dict.fromkeys(f"tests/{name}" for fault in FAULTS for name in fault.tests))
    said = {} if arguments.list else answers(outcomes.run(*names))
    ok = set(said.values()) <= {"ok"}
    counts = f"{list(said.values()).count('ok')} of {len(FAULTS)} faults end as stated"
    if arguments.json:
        print(json.dumps({"ok": ok, "faults": said, "figure": counts}))
    else:
        Console(highlight=False).print(table(said), counts if said else "", sep="\n")
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
