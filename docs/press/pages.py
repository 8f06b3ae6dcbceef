"""Generated pages, and additions to every page."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from derivations.output import page
from derivations.output.quoting import quotation, shape
from nnref.layer import ACTIVATIONS
from press import sources


def context(prefix: str, repository: str = "") -> page.Context:
    """The context for a claim's section, on a page with this prefix to proofs/."""
    report = sources.report()
    return page.Context(
        claims=sources.derivations()["claims"],
        witnesses=report.get("claims", {}),
        outcomes={node: test["outcome"] for node, test in report.get("tests", {}).items()},
        functions=sources.functions(),
        entries=entries(f"{prefix}../network/one-page.md#in-numpy"),
        written=sources.written(),
        theorems=sources.theorems(),
        to=lambda name: f"{prefix}{page.concept_of(name)}.md#{name}",
        test_at=lambda test: f"{prefix}tests.md#{anchor(test)}" if test in sources.tests() else "",
        repository=repository,
    )


def anchor(test: str) -> str:
    """A test's id as an anchor."""
    return re.sub(r"[^a-z0-9_]+", "-", test.lower())


def entries(source: str) -> dict[str, str]:
    """What to say of a gradient that is an entry of nnref.gradients; source is where that is quoted."""
    claims, bound = sources.derivations()["claims"].values(), sources.functions()
    own = [c["name"] for c in claims if c["kind"] == "gradient" and c["name"] not in bound]
    said = "In numpy it is the entry `{}` of `nnref.gradients`, whose source is [quoted here]({})."
    return {name: said.format(name.partition(".d")[2], source) for name in own}


def navigation() -> dict[str, list[Any]]:
    """Generated entries of the navigation: under Proofs, the page of every concept in its family, and the tests."""
    families: dict[str, list[Any]] = {name: [] for name in FAMILIES}
    for concept, claims in page.concepts(sources.derivations()["claims"]).items():
        families[family(concept, claims)].append({page.title(concept): f"proofs/{concept}.md"})
    return {"Proofs": [*({name: listed} for name, listed in families.items() if listed), {"Tests": "proofs/tests.md"}]}


FAMILIES = ("Layers", "Activations", "Losses", "Updates", "Networks and checks")
LOSSES = ("L", "H", "l")
"""The letters of losses: of a batch, of an entry, of an example."""


def family(concept: str, claims: Sequence[page.Claim]) -> str:
    """The family of a concept, by its definitions and whether it has gradients."""
    defined = [str(claim["names"]).partition("_")[0] for claim in claims if claim["kind"] == "definition"]
    if concept in ACTIVATIONS:
        return "Activations"
    if not defined:
        return "Networks and checks"
    if not any(claim["kind"] == "gradient" for claim in claims):
        return "Updates"
    return "Losses" if defined[0] in LOSSES else "Layers"


def generated(repository: str = "") -> dict[str, str]:
    """The page of every concept, and that of the tests, by its path in docs."""
    here = context("", repository)
    concepts = page.concepts(here.claims).items()
    return {f"proofs/{name}.md": page.concept(name, group, here) for name, group in concepts} | {
        "proofs/tests.md": tests(here)
    }


def tests(context: page.Context) -> str:
    """Every test that names a result, as its file writes it: one page, so that each is quoted once."""
    quoted = [
        f"## {page.text(test.rpartition('::')[2])} {{ #{anchor(test)} .claim }}\n\n{quotation(found, context)}"
        for test, found in sources.tests().items()
    ]
    none = '<p class="missing">No report was made for this build, so it is not known which tests name a result.</p>'
    return "\n\n".join(["# Tests", TESTS, *(quoted or [none])])


TESTS = "Every test that is run for a result by its name. Each section of a result says what came of them."


def with_symbols(output: str, known: Mapping[str, Sequence[Mapping[str, str]]]) -> str:
    """The page with the meaning of the symbols of the claims on it, for those who hover over one."""
    here = {
        name: [[s["latex"], s.get("meaning") or "", shape(s.get("shape"))] for s in symbols]
        for name, symbols in known.items()
        if symbols and f'data-claim="{name}"' in output
    }
    if not here:
        return output
    data = json.dumps(here, ensure_ascii=False).replace("</", "<\\/")
    return output.replace("</body>", f'<script type="application/json" id="symbol-meanings">{data}</script></body>', 1)
