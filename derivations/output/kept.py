"""Proofs kept in a folder, under the hash of the sources they were made from: nothing is proved twice."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import process_time

from derivations.output import verdict
from derivations.prover.claim import Claim
from derivations.prover.proof import Checked, Proof, prove


@dataclass(frozen=True)
class Kept:
    """A folder of proofs: one folder in it a state of derivations, one file there a claim; None keeps nothing."""

    folder: Path | None

    def proof(self, claim: Claim, prove: Callable[[Claim], Proof] = prove) -> tuple[Proof, float]:
        """The proof of a claim, and the seconds of computing it took when it was made. One with a gap is not kept."""
        file = self.folder / verdict.key()[:16] / f"{claim.name}.json" if self.folder else None
        if file and (found := read(file, claim)):
            return found
        start = process_time()
        proof = prove(claim)
        seconds = process_time() - start
        if file and proof.ok:
            write(file, proof, seconds)
        return proof, seconds


def read(file: Path, claim: Claim) -> tuple[Proof, float] | None:
    """What was found of a claim; None where nothing is kept, or where it cannot be read."""
    try:
        kept = json.loads(file.read_text(encoding="utf-8"))
        steps = tuple(Checked(**step) for step in kept["steps"])
        return Proof(claim, steps, tuple(kept["twins"]), kept["witnesses"], ()), float(kept["seconds"])
    except (OSError, ValueError, LookupError, TypeError):
        return None


def write(file: Path, proof: Proof, seconds: float) -> None:
    """Written beside and renamed, as two processes may prove the same."""
    beside = file.with_suffix(f".{os.getpid()}")
    found = {"steps": [vars(step) for step in proof.steps], "twins": proof.twins, "witnesses": proof.witnesses}
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        beside.write_text(json.dumps(found | {"seconds": seconds}), encoding="utf-8")
        beside.replace(file)
    except OSError:  # what cannot be kept is proved again
        beside.unlink(missing_ok=True)
