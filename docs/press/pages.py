"""Pages that are made whole, and what is added to every page."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from derivations.output import page
from press import sources


def context(prefix: str) -> page.Context:
    """What a claim's section may refer to, on a page from which proofs/ is reached by this prefix."""
    report = sources.report()
    return page.Context(
        claims=sources.derivations()["claims"],
        witnesses=report.get("claims", {}),
        outcomes={node: test["outcome"] for node, test in report.get("tests", {}).items()},
        functions=sources.functions(),
        entries=entries(f"{prefix}../network/one-page.md#in-numpy"),
        theorems=sources.theorems(),
        to=lambda name: f"{prefix}{page.concept_of(name)}.md#{name}",
    )


def entries(source: str) -> dict[str, str]:
    """What to say of a gradient that is an entry of nnref.gradients; source is where that is quoted."""
    claims, bound = sources.derivations()["claims"].values(), sources.functions()
    own = [c["name"] for c in claims if c["kind"] == "gradient" and c["name"] not in bound]
    said = "In numpy it is the entry `{}` of `nnref.gradients`, whose source is [quoted here]({})."
    return {name: said.format(name.partition(".d")[2], source) for name in own}


def generated() -> dict[str, str]:
    """The page of every concept, by its path in docs."""
    here = context("")
    return {f"proofs/{name}.md": page.concept(name, group, here) for name, group in page.concepts(here.claims).items()}


def with_symbols(output: str, known: Mapping[str, Sequence[Mapping[str, str]]]) -> str:
    """The page with the meaning of the symbols of the claims on it, for those who hover over one."""
    here = {
        name: [[s["latex"], s.get("meaning") or "", page.shape(s.get("shape"))] for s in symbols]
        for name, symbols in known.items()
        if symbols and f'data-claim="{name}"' in output
    }
    if not here:
        return output
    data = json.dumps(here, ensure_ascii=False).replace("</", "<\\/")
    return output.replace("</body>", f'<script type="application/json" id="symbol-meanings">{data}</script></body>', 1)
