"""What a mistake looks like in numbers: `python -m derivations.output.mistakes NAME…` for claims, or whole concepts.

Each wrong twin of a claim is worked out beside the right answer, to 50 digits, at the first random point of the proof
where all of them show: at many, a mistake gives the right number, which is why one point is no check.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

import mpmath as mp
import sympy as sp

from derivations.algebra.sums import Index, ShapeError
from derivations.prover import digits
from derivations.prover.claim import Claim, WrongTwin
from derivations.prover.proof import claims

SHOWN = 5
"""Significant digits that are shown; a mistake that differs from the right answer later than that is rare."""

HIDDEN = " (not seen at these numbers)"
"""What is said of a mistake that gives the right number at the point that is shown."""


def shown(claim: Claim) -> tuple[digits.Point, list[str]]:
    """The first point where the right answer is not 0 and every mistake differs from it, or that with most that do."""
    best: tuple[int, digits.Point, list[str]] | None = None
    for at in digits.points(claim.name, [claim.start, claim.result], claim.given, claim.where, digits.SEARCHED):
        right, *others = values = [number(claim.result, at), *(wrong(twin, at) for twin in claim.wrong_twins)]
        seen = sum(other != right for other in others) if right != "0.0" else 0
        if best is None or seen > best[0]:
            best = seen, at, values
        if seen == len(others):
            break
    assert best is not None
    return best[1:]


def where(at: digits.Point) -> str:
    """The sizes and the entry, such as: n = 3, N = 2, entry i = 1, s = 2."""
    sizes = ", ".join(f"{size} = {n}" for size, n in at.sizes.items())
    entry = ", ".join(f"{index} = {k}" for index, k in at.indices.items() if isinstance(index, Index))
    return "; ".join(part for part in (sizes, entry and f"entry {entry}") if part) or "numbers"


def number(expr: sp.Basic, at: digits.Point) -> str:
    """The value of an expression, to a few digits."""
    with mp.workdps(digits.DIGITS + digits.GUARD):
        found = mp.chop(digits.value(expr, at), tol=digits.ALGEBRA)
        return str(mp.nstr(mp.mpf(found), SHOWN))


def wrong(twin: WrongTwin, at: digits.Point) -> str:
    """What the mistake gives there; some cannot be written down, as their shapes do not fit."""
    try:
        expr = twin.expr if isinstance(twin.expr, sp.Basic) else twin.expr()
        return number(expr, at)
    except ShapeError:
        return "no shape fits"


def lines(claim: Claim) -> list[str]:
    """The right answer and every mistake, one a line."""
    at, values = shown(claim)
    right = values[0]
    said = (
        f"{twin.mistake}{HIDDEN * (value == right)}" for value, twin in zip(values[1:], claim.wrong_twins, strict=True)
    )
    rows = list(zip(values, ["right", *said], strict=True))
    width = max(len(value) for value, _ in rows)
    return [f"{claim.name}   at {where(at)}", *(f"  {value:>{width}}  {says}" for value, says in rows)]


def main(names: Sequence[str]) -> int:
    """Print the mistakes of every claim that has some; 2 for a name that nothing bears."""
    known = claims()
    for name in names:
        found = [claim for key, claim in known.items() if key == name or key.startswith(f"{name}.")]
        if not found:
            print(f"no claim or concept is called {name}", file=sys.stderr)
            return 2
        equations = [claim for claim in found if claim.wrong_twins and claim.relation == "="]
        print("\n\n".join("\n".join(lines(claim)) for claim in equations))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
