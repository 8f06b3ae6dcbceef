"""Which check catches which planted mistake, in which regime.

`python -m tests.planted` prints the table, `--json` ends with one JSON object; exit status 1 if anything slips through.
"""

from __future__ import annotations

import argparse
import json
import sys
import zlib
from functools import cache

from tests.support.bugs import BUGS
from tests.support.catchers import CHECKS, REGIMES, outputs, same, slopes_by_hand


@cache
def right(kind, regime, activation):
    """The numbers of a regime, worked out while nothing is planted."""
    slopes_by_hand(regime, activation)
    return outputs(kind, regime, activation)


SLOWEST = next(iter(CHECKS))
"""The gradient check takes a thousand losses; the others take a few."""


def caught(bug, every=True):
    """For every regime: the letters of the checks that catch the bug, "=" where its numbers are the right ones.

    Where not every check is asked, the slowest is asked in one regime, and wherever no other catches the bug.
    """
    cells, turn = [], zlib.crc32(bug.name.encode()) % len(REGIMES)
    for place, regime in enumerate(REGIMES):
        expected = right(bug.kind, regime, bug.activation)
        with bug.planted():
            if same(expected, outputs(bug.kind, regime, bug.activation)):
                cells.append("=")
                continue
            asked = {letter: check for letter, (check, _, kinds) in CHECKS.items() if bug.kind in kinds}
            last = asked.pop(SLOWEST, None)
            cell = "".join(letter for letter, check in asked.items() if check(regime, bug.activation))
            if last and (every or not cell or place == turn) and last(regime, bug.activation):
                cell = SLOWEST + cell
            cells.append(cell or "-")
    return cells


def table(found):
    """The table as text, 80 columns."""
    head = f"{'mistake':<45}" + "".join(f"{k:^4}" for k in range(1, len(REGIMES) + 1))
    lines, kind = [], None
    for bug, cells in found:
        if bug.kind != kind:
            kind = bug.kind
            lines += ["", f"{kind:<45}" + head[45:]]
        lines.append(f"{bug.name[:44]:<45}" + "".join(f"{cell:^4}" for cell in cells).rstrip())
    lines += ["", *(f"{k} {regime.name}" for k, regime in enumerate(REGIMES, 1))]
    lines += ["", *(f"{letter} {says}" for letter, (_, says, _) in CHECKS.items())]
    return "\n".join([*lines, "= the same numbers here", "- not caught"])


def summary(found):
    """What the table comes to, as plain data."""
    cells = [cell for _, row in found for cell in row]
    missed = [(bug.name, REGIMES[k].name) for bug, row in found for k, cell in enumerate(row) if cell == "-"]
    unchanged = cells.count("=")
    change = len(cells) - unchanged
    return {
        "ok": bool(found) and not missed,
        "figure": f"{len(found)} mistakes in {len(cells):,} cases: {change - len(missed):,} of {change:,} that change "
        f"a number are caught, {unchanged} change none",
        "mistakes": len(found),
        "cells": len(cells),
        "same": unchanged,
        "missed": missed,
        "caught": {bug.name: row for bug, row in found},
    }


def options(argv=None):
    """What is asked for on the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.planted", description=__doc__)
    parser.add_argument("--every", type=int, default=1, help="plant one mistake in so many (1: all of them)")
    parser.add_argument("--json", action="store_true", help="end with one JSON object")
    return parser.parse_args(argv)


def main(argv=None):
    """Print the table, and how many of the mistakes that change a number were caught."""
    chosen = options(argv)
    found = [(bug, caught(bug)) for bug in BUGS[:: chosen.every]]
    said = summary(found)
    print(table(found), said["figure"], sep="\n")
    if chosen.json:
        print(json.dumps(said))
    return 0 if said["ok"] else 1


if __name__ == "__main__":
    sys.exit(main())
