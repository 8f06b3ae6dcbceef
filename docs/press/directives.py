"""The text that each directive in the prose is replaced by."""

from __future__ import annotations

import html
import json
from collections.abc import Collection, Mapping, Sequence
from functools import partial

from derivations.output import page
from derivations.output.quoting import quotation, shape
from nnref.layer import ACTIVATIONS
from press import article, by_hand, exercises, graph, kernels, measures, mistakes, playgrounds, runs, sources
from press.pages import context
from press.prose import Directive


def table(path: str, repository: str = "") -> dict[str, Directive]:
    """Every directive, for a page at this path in docs; repository is the address of the project's files, if any."""
    prefix = "../" * path.count("/")
    root = prefix if path.endswith("index.md") else f"../{prefix}"  # a page is a folder of its own in the site
    here = context("" if path.startswith("proofs/") else f"{prefix}proofs/", repository)
    shown: set[str] = set()  # shown as cards on this page, so that no list repeats them

    def card(name: str, *, whole: bool = False) -> str:
        shown.add(name)
        return page.card(known(name, here.claims), here, whole=whole)

    return {
        "claim": card,
        "claims": lambda rest: of_concept(rest, here, card),
        "lemmas": lambda name: lemmas(name, here, shown),
        "activations": lambda _: other_activations(here, shown, card),
        "whole": partial(card, whole=True),
        "formula": lambda name: statement(name, here),
        "equation": lambda rest: equation(rest, here),
        "summary": lambda names: summary(names.split(), here),
        "hand": lambda name: by_hand.shown(name, measures.plays()["stepper"]),
        "headline": lambda rest: headline(rest, here),
        "link": lambda name: here.link(known(name, here.claims)["name"]),
        "symbols": lambda _: vocabulary(here.claims),
        "results": lambda _: page.results(here),
        "sources": lambda _: cited(here),
        "figure": figure,
        "value": measures.value,
        "play": lambda name: playgrounds.directive(name, measures.plays(), root),
        "exercise": partial(exercises.shown, prefix=prefix),
        "graph": lambda _: graph.drawn(here),
        "article": lambda _: article.entries(sources.derivations()["article"], here),
        "mistakes": lambda _: mistakes.entries(sources.catalogue(), here, measures.value),
        "reported": reported,
        "peers": lambda _: peers(),
        "run": runs.shown,
        "listing": runs.listing,
        "source": lambda rest: quoted(rest, here),
        "kernels": kernels.measured,
        "planted_kernels": kernels.planted,
        "example": kernels.example,
    }


def known(name: str, claims: Mapping[str, page.Claim]) -> page.Claim:
    """The claim of that name.

    Errors: LookupError that says which names are near.
    """
    if name not in claims:
        near = [other for other in claims if other.startswith(page.concept_of(name))] or sorted(claims)
        raise LookupError(f"no claim is called {name}; there are {', '.join(near[:12])}")
    return claims[name]


def of_concept(rest: str, context: page.Context, card: Directive) -> str:
    """Every claim of a concept, or those of some kinds, as cards; a concept that has none yet says so.

    Errors: LookupError if no module of nnref or derivations bears the name.
    """
    name, *kinds = rest.split()
    if not any((sources.ROOT / folder / f"{name}.py").is_file() for folder in ("derivations", "nnref")):
        raise LookupError(f"no module is called {name}")
    group = [c for c in page.concepts(context.claims).get(name, ()) if not kinds or c["kind"] in kinds]
    if not group:
        return f'<p class="missing">No result about <code>{name}</code> is proved in this build.</p>'
    return "\n\n".join(card(claim["name"]) for claim in group)


def lemmas(name: str, context: page.Context, shown: Collection[str]) -> str:
    """The lemmas of a concept, one line each, folded."""
    group = page.concepts(context.claims).get(name, ())
    rows = [
        f"- {context.link(c['name'])} {page.sentence(c['says'])}"
        for c in group
        if c["kind"] == "lemma" and c["name"] not in shown
    ]
    return page.folded("lemmas", f"Also proved: {len(rows)} more", "\n".join(rows)) if rows else ""


def other_activations(context: page.Context, shown: Collection[str], card: Directive) -> str:
    """Every activation that the page has not shown yet: its module's first lines, its definition, its gradient."""
    return "\n\n".join(
        f"### {page.title(name)}\n\n{page.lead(name)}\n\n{of_concept(f'{name} definition gradient', context, card)}"
        for name in ACTIVATIONS
        if f"{name}.forward" not in shown
    )


def statement(name: str, context: page.Context) -> str:
    """The statement of a claim, with links to its proof, its code and its tests."""
    claim = known(name, context.claims)
    return f"{page.stated(claim)}\n\n{page.at_hand(claim, context)}\n{{ .from }}"


def equation(rest: str, context: page.Context) -> str:
    """The left side of a claim and one line of its proof, as one equation."""
    claim, k = numbered(rest, context.claims)
    line = " ".join(page.arrived(claim["steps"][k - 1]))
    shown = page.formula(f"{claim['question']} {line}", f"{claim['name']}.is.{k}", claim["name"], "answer")
    return f"{shown}\n\n{page.at_hand(claim, context)}\n{{ .from }}"


def summary(names: Sequence[str], context: page.Context) -> str:
    """Several results in a grid, each a link to its proof; common assumptions and abbreviations stand once."""
    claims = [known(name, context.claims) for name in names]
    cells = [cell(claim, context) for claim in claims]
    given = dict.fromkeys(condition for claim in claims for condition in claim["given"])
    where = dict.fromkeys((name["name"], name["latex"]) for claim in claims for name in claim["where"])
    names_stand = "\n".join(f"- {page.readable(f'{name} = {latex}')}" for name, latex in where)
    return "\n\n".join(
        (
            '<div class="summary" markdown>',
            *cells,
            "</div>",
            f"Assuming {', '.join(map(page.readable, given))}.\n{{ .here }}" if given else "",
            page.folded("where", f"What the {len(where)} names stand for", names_stand) if where else "",
        )
    )


def cell(claim: page.Claim, context: page.Context) -> str:
    """A result and the link to its proof."""
    name = claim["name"]
    shown = page.formula(page.answer(claim), f"{name}.answer", name)
    return f"<div markdown>\n\n{shown}\n\n{page.at_hand(claim, context)}\n{{ .from }}\n\n</div>"


def quoted(rest: str, context: page.Context) -> str:
    """A function of the project as its file writes it: nnref/network.py loss_and_gradients.

    Errors: LookupError if there is none.
    """
    path, _, name = rest.partition(" ")
    functions = sources.functions_of(sources.ROOT / path) if (sources.ROOT / path).is_file() else {}
    if name not in functions:
        raise LookupError(
            f"{path} has no function {name or '(none was named)'}; it has {', '.join(functions) or 'none'}"
        )
    return quotation(functions[name], context)


def numbered(rest: str, claims: Mapping[str, page.Claim]) -> tuple[page.Claim, int]:
    """A claim and the number of one of its steps.

    Errors: LookupError if there is no such claim or step.
    """
    name, _, number = rest.partition(" ")
    claim = known(name, claims)
    if not number.isdigit() or not 1 <= int(number) <= len(claim["steps"]):
        raise LookupError(f"{name} has steps 1 to {len(claim['steps'])}; {number or 'none'} came")
    return claim, int(number)


def headline(rest: str, context: page.Context) -> str:
    """A statement, one step of its proof and its witnesses, as a poster shows them; the rest is a link away."""
    claim, k = numbered(rest, context.claims)
    name, steps = claim["name"], len(claim["steps"])
    return "\n\n".join(
        (
            '<div class="card headline" markdown>',
            page.formula(page.answer(claim), f"{name}.answer", name, "answer"),
            page.one_step(claim, k),
            page.badge(claim, context),
            f"{page.at_hand(claim, context)} · all {steps} steps, and what every name stands for\n{{ .from }}",
            "</div>",
        )
    )


def vocabulary(claims: Mapping[str, page.Claim]) -> str:
    """Every symbol of the project in one table: a row for each meaning, with the concepts that use it."""
    lines: dict[tuple[str, str, str], tuple[dict[str, None], dict[str, None]]] = {}
    for claim in claims.values():
        for symbol in claim.get("symbols") or ():
            key = (symbol["name"], symbol["latex"], symbol["meaning"])
            shapes, concepts = lines.setdefault(key, ({}, {}))
            shapes[shape(symbol.get("shape"))] = concepts[page.title(page.concept_of(claim["name"]))] = None
    in_order = sorted(lines.items(), key=lambda line: (line[0][0].lower(), line[0]))
    rows = [
        f"| {page.inline(latex)} | {page.text(said)} | {several(shapes, 'shapes')} | {several(concepts, 'concepts')} |"
        for (_, latex, said), (shapes, concepts) in in_order
    ]
    return "\n".join(["| symbol | meaning | shape | in |", "|---|---|---|---|", *rows])


FEW = 2
"""Most names in a cell of a table; of more, only the number is shown."""


def several(names: Collection[str], what: str) -> str:
    """Names, or how many they are."""
    return ", ".join(names) if len(names) <= FEW else f"{len(names)} {what}"


def cited(context: page.Context) -> str:
    """Every source that a result names, with the results that name it; elementary ones name none."""
    by_source: dict[str, list[str]] = {}
    for name, claim in context.claims.items():
        by_source.setdefault(claim["source"], []).append(name)
    named = sorted((source, names) for source, names in by_source.items() if source != "elementary")
    return "\n".join(f"- {page.text(source)}: {', '.join(map(context.link, names))}" for source, names in named)


def figure(name: str) -> str:
    """A picture drawn at build, with its description."""
    drawn = measures.figure(name)
    return (
        f'<figure class="drawn" role="group" aria-label="{html.escape(drawn["alt"])}">'
        f'<div class="pane">{drawn["svg"]}</div>'
        f"<figcaption>{html.escape(drawn['caption'])}</figcaption></figure>"
    )


def reported(name: str) -> str:
    """The report's sentence on one of its catalogues: the planted bugs, a fuzz, the mutants.

    Errors: LookupError if there is a report and it has no such catalogue.
    """
    report = sources.report()
    found = (report | report.get("fuzz", {})) if report else {name: None}
    if name not in found:
        raise LookupError(f"the report has no {name}; there are {', '.join(sorted(found))}")
    said = found[name] or {"status": "missing", "figure": f"{name.replace('_', ' ')} not in the report of this build"}
    words = " ".join(str(said["figure"]).split())
    if said["status"] == "missing":
        return f'<p class="missing">{words}</p>'
    table = killed((said.get("data") or {}).get("caught") or {})
    return f"{page.text(words)}.\n\nAsked by `{said['source']}`.\n{{ .checks }}{table}"


def killed(caught: Mapping[str, Sequence[str]]) -> str:
    """For every planted mistake: in how many regimes it is caught, of those where it changes a number."""
    if not caught:
        return ""
    rows = [
        f"| {page.text(name)} | {sum(cell not in '=-' for cell in cells)} of {len(cells) - list(cells).count('=')} |"
        for name, cells in caught.items()
    ]
    table = "\n".join(["| mistake | regimes in which it is caught |", "|---|---|", *rows])
    return "\n\n" + page.folded("kills", f"All {len(caught)} of them", table)


def peers() -> str:
    """The latest dated comparison of gradient checkers, with the command and the versions it was made with."""
    found = sorted((sources.ROOT / "benchmarks" / "results").glob("*-checkers.json"))
    if not found:
        return '<p class="missing">No comparison has been measured yet.</p>'
    result = json.loads(found[-1].read_text(encoding="utf-8"))
    first, *others = result["columns"]  # screen readers need a text in the table's corner
    rows = [[first or "program", *others], ["---"] * len(result["columns"]), *result["rows"]]
    versions = ", ".join(f"{name} {version}" for name, version in result["versions"].items())
    table = "\n".join(f"| {' | '.join(map(str, row))} |" for row in rows)
    setting, machine = result["setting"], result["machine"]
    drawn = (
        f"Correct networks: {setting['correct_networks']} of {setting['correct']}; mistakes: {setting['mistakes']}, "
        f"one at a time, in {setting['wrong']}; all in {setting['dtype']}."
    )
    load = f"{machine['cores']} cores ({machine['processor']}) at a load of {machine['load']}"
    return f"{table}\n\n{drawn} Measured {result['made']} by `{result['command']}` on {load}, with {versions}."
