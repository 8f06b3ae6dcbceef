"""Pictures and numbers that a page shows: measured when the site is built, and kept until their sources change."""

from __future__ import annotations

import json
from concurrent.futures import Future
from functools import cache
from typing import Any

from press import sources
from press.runs import processes
from press.sources import ROOT, digest, kept

MAKERS = ("counts", "mistake_numbers", "network_pictures", "checking_pictures", "training_pictures", "playgrounds")
"""Modules of press whose made() returns {"figures": {name: svg, alt, caption}, "values": {name: text}}, or plays."""


@cache
def begun() -> list[Future[dict[str, Any]]]:
    """What each module makes, as it is made: what is not kept, in a process of its own."""
    return [processes().submit(one, maker) for maker in MAKERS]


@cache
def everything() -> dict[str, dict[str, Any]]:
    """All figures and all values, by name."""
    found: dict[str, dict[str, Any]] = {"figures": {}, "values": {}, "plays": {}}
    for made in begun():
        for kind, named in made.result().items():
            found[kind] |= named
    return found


def one(maker: str) -> dict[str, Any]:
    """What one module makes, from its own process or from what is kept."""
    if maker == "counts":
        return {"figures": {}, "values": counts()}
    files = [ROOT / "docs" / "press" / f"{name}.py" for name in (maker, "drawing", "digits")]
    key = digest([*sources.sources("nnref", "derivations"), *files])
    return json.loads(kept(f"{maker}.json", key, lambda: measured(maker)))


def measured(maker: str) -> str:
    """The JSON of a module's made().

    Errors: BuildStops with the last line of what went wrong.
    """
    program = (
        f"import json, sys; sys.path.insert(0, 'docs'); from press import {maker}; print(json.dumps({maker}.made()))"
    )
    found = sources.run("-c", program, MPLBACKEND="Agg", OPENBLAS_NUM_THREADS="1")
    if found.returncode:
        raise sources.BuildStops(f"docs/press/{maker}.py: {(found.stderr.strip().splitlines() or ['failed'])[-1]}")
    return found.stdout.strip().splitlines()[-1]


def counts() -> dict[str, str]:
    """How many results there are, of which kind."""
    claims = sources.derivations()["claims"].values()
    kinds = {kind: sum(claim["kind"] == kind for claim in claims) for kind in ("definition", "gradient", "lemma")}
    twins = sum(len(claim.get("wrong_twins") or ()) for claim in claims)
    steps = sum(len(claim["steps"]) for claim in claims)
    made = sources.report().get("made")
    return {
        "claims": str(len(claims)),
        **{f"{kind}s": str(count) for kind, count in kinds.items()},
        "steps": str(steps),
        "twins": str(twins),
        "report": f"the report of {made[:10]}"
        if made
        else "the proofs alone, because no report was made for this build",
    }


def value(name: str) -> str:
    """A number that a run gave, as text.

    Errors: LookupError if nothing of that name was measured.
    """
    return pick("values", name)


def figure(name: str) -> dict[str, str]:
    """A picture: its SVG, what it shows in words, and its caption.

    Errors: LookupError if nothing of that name was drawn.
    """
    return pick("figures", name)


def plays() -> dict[str, Any]:
    """What every playground starts from."""
    return everything()["plays"]


def pick(kind: str, name: str) -> Any:
    """One of the figures or values."""
    named = everything()[kind]
    if name not in named:
        raise LookupError(f"no {kind[:-1]} is called {name}; there are {', '.join(sorted(named))}")
    return named[name]
