"""A claim as Markdown and LaTeX, printed from the JSON that the proofs wrote. Knows no site generator.

`python -m derivations.output.page OUT` writes one plain file a concept, which any reader of Markdown with $$ can show.
The site shows the same text with more in it: the report of the witnesses, the code, and links.
"""

from __future__ import annotations

import ast
import html
import re
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from derivations.output.context import NOT_RUN, WITNESSES, Claim, Context, concept_of
from derivations.output.quoting import quotation, shape, shapes, test_link, without_docstring
from derivations.output.titles import TITLES

KINDS = ("definition", "gradient", "lemma")

BOUNDS = {"≥": r"\ge 0", ">": "> 0"}
"""What a claim that is a bound says of its result."""

UNLIKE = {"=": r"\neq", r"\to": r"\not\to"}
"""The sign before a wrong line, by the sign before the right one."""

INDEXED = re.compile(r"(?<![\w.\\])([A-Za-zΣδ]{1,2})\\_([a-z]{1,2})(?!\w)")
"""A symbol with its indices in a sentence, z_j or δ_ij; the names of claims have longer parts."""

UNSEEN = re.compile(r"\\[a-zA-Z]+|[{}_^\s\\]")
"""What of a formula's TeX is no letter, digit or sign that is seen."""

READ_AT_ONCE = 36
"""Letters, digits and signs of the longest question that stands beside its answer: that of a whole layer's dW fits."""

FEW = 2
"""Names that are explained in a line; more are listed."""

WORD = re.compile(r"(?!(?:exp|log|tanh)\b)[a-z]{2}|a [a-z]{2}")
"""What opens a sentence as a word does, and not as a symbol: dZ is none, nor is the p of p − y."""

CHECKS = {
    "symbolic": "for all sizes, by symbols",
    "digits": "at random points, to 50 digits",
    "rule": "its rule gives it",
}
"""The three checks of a step, in words."""


def depth(name: str, claims: Mapping[str, Claim]) -> int:
    """The length of the longest way down to what rests on nothing, among these claims."""
    return max((1 + depth(used, claims) for used in claims[name].get("uses", ()) if used in claims), default=0)


def concepts(claims: Mapping[str, Claim]) -> dict[str, list[Claim]]:
    """The claims of every module: definitions, then gradients, then lemmas, each after what it rests on."""

    def order(claim: Claim) -> tuple[int, int, str]:
        return KINDS.index(claim["kind"]), depth(claim["name"], claims), claim["name"]

    found: dict[str, list[Claim]] = {}
    for claim in sorted(claims.values(), key=order):
        found.setdefault(concept_of(claim["name"]), []).append(claim)
    return dict(sorted(found.items()))


def title(concept: str) -> str:
    """A module's name as a heading: Softmax cross-entropy."""
    words = concept.replace("cross_entropy", "cross-entropy").replace("_", " ")
    return TITLES.get(concept, words[:1].upper() + words[1:])


def lead(concept: str) -> str:
    """The module's docstring: its theorem, and what one has to know to read it."""
    path = Path(__file__).parents[1] / f"{concept}.py"
    docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) if path.is_file() else None
    parts = (docstring or title(concept)).split("\n\n")
    return "\n\n".join(INDEXED.sub(r"\1<sub>\2</sub>", text(part.replace("\n", " "))) for part in parts)


def text(words: str) -> str:
    """Words as Markdown that says exactly them."""
    return re.sub(r"([\\`*_\[\]$|])", r"\\\1", html.escape(words, quote=False))


def sentence(words: str) -> str:
    """Words with a capital and a full stop. A symbol, or a word like dZ, keeps its case."""
    begun = words[:1].upper() + words[1:] if WORD.match(words) else words
    return INDEXED.sub(r"\1<sub>\2</sub>", text(begun.rstrip("."))) + "."


def formula(tex: str, anchor: str, claim: str, *classes: str, kind: str = "claim") -> str:
    """A displayed formula, bound to the claim or the quotation it was printed from."""
    style = " ".join(("formula", *classes))
    return f'<div class="{style}" id="{anchor}" data-{kind}="{claim}" markdown>\n\n$$\n{tex}\n$$\n\n</div>'


def bound(claim: Claim) -> str:
    """What is said of the result beyond what it equals, such as ≥ 0."""
    return BOUNDS.get(claim.get("relation", "="), "")


def answer(claim: Claim) -> str:
    """Name, question and answer as one formula: dW_ri = ∂/∂W_ri (…) = (dZ Aᵀ)_ri. A long question opens the proof."""
    asked, steps, name = claim["question"], claim["steps"], claim.get("names")
    sign, found = arrived(steps[-1]) if steps else ("=", asked)
    if name and sign == "=" and asked_in_proof(claim):
        return f"{name} = {found} {bound(claim)}".strip()
    named = f"{name} = {asked}" if name else asked
    return f"{named} {'' if found == asked else f'{sign} {found}'} {bound(claim)}".strip()


def asked_in_proof(claim: Claim) -> bool:
    """Whether the question is too long for the statement, which then gives the answer for what it names.

    A definition needs names for its parts to be one without its question.
    """
    long = len(UNSEEN.sub("", claim["question"])) > READ_AT_ONCE
    return long and bool(claim["kind"] == "gradient" or (claim.get("where") and claim["steps"]))


def arrived(step: Mapping[str, Any]) -> tuple[str, str]:
    """The sign before a step's line, and the line: = and an expression, + o(hᵖ) if that is left out, or → a limit."""
    return step.get("sign", "="), f"{step['latex']} {step.get('left_out', '')}".strip()


def stated(claim: Claim) -> str:
    """The statement: question, answer, and what it assumes."""
    parts = [formula(answer(claim), f"{claim['name']}.answer", claim["name"], "answer")]
    if claim.get("tends"):
        parts.append(f"As {readable(claim['tends'])}.\n{{ .here }}")
    elif claim.get("given"):
        parts.append(f"Assuming {', '.join(map(readable, claim['given']))}.\n{{ .here }}")
    return "\n\n".join([*parts, *standing(claim)])


def readable(tex: str) -> str:
    """Mathematics in a line of its own, with its fractions and sums as large as in a displayed formula."""
    return rf"$\displaystyle {tex}$"


def standing(claim: Claim) -> list[str]:
    """What the names in the statement stand for: a line if they are few, else a list that folds open."""
    names = [readable(f"{w['name']} = {w['latex']}") for w in claim.get("where") or ()]
    if len(names) <= FEW:
        return [f"Here {' and '.join(names)}.\n{{ .here }}"] if names else []
    return [folded("where", f"What the {len(names)} names stand for", "\n".join(f"- {name}" for name in names))]


def folded(style: str, summary: str, body: str, *, anchor: str = "") -> str:
    """Something that folds open. summary is HTML."""
    known = f' id="{anchor}"' if anchor else ""
    return f'<details class="{style}"{known} markdown>\n<summary>{summary}</summary>\n\n{body}\n\n</details>'


def checks(step: Mapping[str, Any]) -> str:
    """The rule that made a step and what was checked of it, as small print."""
    found = step.get("checks") or {}
    parts = [f'<span class="rule">{html.escape(str(step["rule"]))}</span>'] if step.get("rule") else []
    for what, words in CHECKS.items():
        if what in found:
            said = words_of_digits(found) if what == "digits" else words
            parts.append(f"<span>{'✓' if found[what] else '✗'} {said}</span>")
    return f'<p class="checks">{" ".join(parts)}</p>' if parts else ""


def words_of_digits(checks: Mapping[str, Any]) -> str:
    """What numbers say of a step: how far the two sides are apart, or what a limit or an order leaves out."""
    if "left_out" in checks:
        return f"with numbers, as h shrinks to 10⁻¹⁵: what is left out stays below {checks['left_out']}"
    return CHECKS["digits"] + (f", off by {checks['off_by']}" if "off_by" in checks else "")


def one_step(claim: Claim, k: int) -> str:
    """Step k, from 1: why, then the formula, then what was checked."""
    step, name = claim["steps"][k - 1], claim["name"]
    last = bound(claim) if k == len(claim["steps"]) else ""
    shown = formula(f"{' '.join(arrived(step))} {last}".strip(), f"{name}.{k}", name)
    parts = [
        '<div class="step" markdown>',
        f"{sentence(step['because'])}\n{{ .because }}",
        shown,
        checks(step),
        "</div>",
    ]
    return "\n\n".join(part for part in parts if part)


def proof_steps(claim: Claim) -> str:
    """The question and every step, in order."""
    name = claim["name"]
    parts = [formula(claim["question"], f"{name}.0", name)]
    parts += [one_step(claim, k) for k in range(1, len(claim["steps"]) + 1)]
    if confirmed := [witness for witness, agrees in (claim.get("witnesses") or {}).items() if agrees]:
        parts.append(f"Confirmed by {text(', '.join(confirmed))}.\n{{ .checks }}")
    return "\n\n".join(parts)


def proof(claim: Claim) -> str:
    """The proof, folded. A definition has none."""
    if claim["kind"] == "definition" and len(claim["steps"]) < 2:
        return ""
    count = len(claim["steps"])
    summary = f"Proof, {count} step{'s' if count != 1 else ''}"
    return folded("proof", summary, proof_steps(claim))


def badge(claim: Claim, context: Context) -> str:
    """Every witness with its figure. A definition is not witnessed: it is what the others are about."""
    if claim["kind"] == "definition":
        return ""
    return f'<ul class="badge" aria-label="Witnesses of {claim["name"]}">{"".join(chips(claim, context))}</ul>'


def chips(claim: Claim, context: Context) -> list[str]:
    """One item of the badge for each witness."""
    found = []
    for which in WITNESSES:
        witness = context.witness(claim["name"], which)
        said = witness.get("figure") if witness["status"] == "ok" else None
        said = said or {"ok": "ok", "not applicable": "does not apply"}.get(witness["status"], witness["status"])
        said = NOT_RUN if which in context.not_run and witness["status"] == "missing" else said
        found.append(
            f'<li data-witness="{html.escape(which)}" data-status="{witness["status"]}">'
            f"<b>{html.escape(which)}</b> <span>{html.escape(str(said))}</span></li>"
        )
    return found


def inline(tex: str) -> str:
    """LaTeX between dollars that a table cell can hold."""
    return f"${tex.replace('|', chr(92) + 'vert ')}$"


def symbols(claim: Claim) -> str:
    """The accessible twin of the hover: every symbol, its meaning and its shape."""
    known = [symbol for symbol in claim.get("symbols") or () if symbol.get("meaning")]
    if not known:
        return ""
    rows = [f"| {inline(s['latex'])} | {text(s['meaning'])} | {shape(s.get('shape'))} |" for s in known]
    return folded("symbols", "Symbols", "\n".join(["| symbol | meaning | shape |", "|---|---|---|", *rows]))


def slips(claim: Claim) -> str:
    """The wrong twins: what one gets by a slip, and which slip it is."""
    twins = claim.get("wrong_twins") or ()
    if not twins:
        return ""
    count = f"{len(twins)} slip{'s' if len(twins) > 1 else ''} that the proof rejects"
    return folded("slips", count, "\n\n".join(slip(claim, k) for k in range(1, len(twins) + 1)))


def slip(claim: Claim, k: int) -> str:
    """One wrong twin: the mistake, what it gives, and how the proof saw it."""
    twin, name = claim["wrong_twins"][k - 1], claim["name"]
    parts = [sentence(twin["mistake"])]
    if twin.get("latex"):
        line = rf"{UNLIKE[claim['steps'][-1].get('sign', '=') if claim['steps'] else '=']} {twin['latex']}"
        parts.append(formula(f"{line} {twin.get('left_out', '')}".strip(), f"{name}.not.{k}", name, "wrong"))
    if twin.get("rejected"):
        parts.append(f"{sentence(twin['rejected'])}\n{{ .checks }}")
    return "\n\n".join(parts)


def code(claim: Claim, context: Context) -> str:
    """The function that computes it, quoted, with its file and line."""
    quoted, anchor = context.functions.get(claim["name"]), f"{claim['name']}.code"
    if not quoted:
        entry = context.entries.get(claim["name"])
        return f"{entry}\n{{ #{anchor} }}" if entry else ""
    return folded("code", "In numpy", quotation(quoted, context), anchor=anchor)


def tests(claim: Claim, context: Context) -> str:
    """The tests that name the claim, with what the report says came of them; the cases of one test on one line."""
    ids = context.witnesses.get(claim["name"], {}).get("tests", ())
    if not ids:
        return ""
    came: dict[str, Counter[str]] = {}
    for node in ids:
        came.setdefault(node.partition("[")[0], Counter())[context.outcomes.get(node, "missing")] += 1
    rows = [
        f"- {test_link(test, context)} {', '.join(f'{n} {outcome}' for outcome, n in outcomes.items())}"
        for test, outcomes in came.items()
    ]
    summary = f"{len(ids)} tests name it: <code>pytest -k {html.escape(claim['name'])}</code>"
    return folded("tests", summary, "\n".join(rows), anchor=f"{claim['name']}.tests")


def theorem(claim: Claim, context: Context) -> str:
    """The theorem in Coq, as its source states it."""
    source = context.theorems.get(claim["name"])
    return folded("coq", "Theorem in Coq", f"```coq\n{source}\n```") if source else ""


def neighbours(claim: Claim, context: Context) -> str:
    """What it rests on, what rests on it, and where to read more."""
    parts = []
    for words, names in (("Rests on", claim.get("uses", ())), ("Used by", context.used_by(claim["name"]))):
        parts.append(f"{words} {', '.join(map(context.link, names)) if names else 'no other result'}.")
    parts.append("Elementary." if claim["source"] == "elementary" else f"See {text(claim['source'])}.")
    if claim["name"] in context.written:
        parts.append(f"Stated in {context.place(context.written[claim['name']])}.")
    return " ".join(parts) + "\n{ .neighbours }"


def section(claim: Claim, context: Context) -> str:
    """Everything about a claim, under a heading that is its name; what there is not of it is said."""
    name = claim["name"]
    kind = claim["kind"] if claim["kind"] == "definition" else f"{claim['kind']}, {claim['holds_for']}"
    folds = {
        "assumption": "given" if claim.get("given") or claim.get("tends") else "",
        "proof": proof(claim),
        "function in numpy": code(claim, context),
        "wrong twin": slips(claim),
        "symbol to explain": symbols(claim),
        "test that names it in the report": tests(claim, context),
        "theorem in Coq": theorem(claim, context),
    }
    absent = [part for part, found in folds.items() if not found and not (part == "proof" and kind == "definition")]
    parts = [
        f"## {text(name)} {{ #{name} .claim }}",
        f"{text(kind)}\n{{ .kind }}",
        sentence(claim["says"]),
        stated(claim),
        badge(claim, context),
        *[found for part, found in folds.items() if part != "assumption"],
        f"There is no {listed(absent)}.\n{{ .absent }}" if absent else "",
        neighbours(claim, context),
    ]
    return "\n\n".join(part for part in parts if part)


def listed(words: Sequence[str]) -> str:
    """a, no b and no c."""
    return f"{', no '.join(words[:-1])} and no {words[-1]}" if len(words) > 1 else words[0]


def card(claim: Claim, context: Context, *, whole: bool = False) -> str:
    """A claim inside other prose: the statement, its steps, and the way to everything else about it.

    A whole one shows its shapes and its code too, as a page does for what its readers come for.
    """
    status = "definition" if claim["kind"] == "definition" else f"witnesses: {tally(claim, context)}"
    parts = [
        '<div class="card" markdown>',
        f"{sentence(claim['says'])}\n{{ .says }}",
        stated(claim),
        in_code(claim, context) if whole else "",
        proof(claim),
        f'{at_hand(claim, context)} <span class="status">{status}</span>\n{{ .from }}',
        "</div>",
    ]
    return "\n\n".join(part for part in parts if part)


def in_code(claim: Claim, context: Context) -> str:
    """The shapes of a claim's function, what their letters count, and the function as its file writes it."""
    quoted = context.functions[claim["name"]]
    counted = ", ".join(f"`{size}` {text(said)}" for size, said in claim["sizes"].items())
    return (
        f"Shapes: {shapes(claim)}.{f' Sizes: {counted}.' if counted else ''}\n{{ .shapes }}\n\n"
        f"```python\n{without_docstring(quoted.text)}\n```"
    )


def at_hand(claim: Claim, context: Context) -> str:
    """Links from a formula to its proof, to the line of code and to the tests, where there are any: one click each."""
    name = claim["name"]
    coded, tested = name in {**context.functions, **context.entries}, context.witnesses.get(name, {}).get("tests")
    found = {"code": coded, "tests": bool(tested)}
    return context.link(name) + "".join(f" · [{part}]({context.to(name)}.{part})" for part in found if found[part])


def concept(name: str, claims: Sequence[Claim], context: Context) -> str:
    """The page of a module: its theorem, then a section for every claim."""
    parts = [f"# {title(name)}", lead(name), *(section(claim, context) for claim in claims)]
    return "\n\n".join(parts) + "\n"


def results(context: Context) -> str:
    """Every result in a table for each concept: its name, what it says, and how many witnesses agree."""
    parts = []
    for name, group in concepts(context.claims).items():
        rows = [
            f"| {context.link(c['name'])} | {sentence(c['says'])} | {c['kind']} | {tally(c, context)} |" for c in group
        ]
        heading = f"## {title(name)} {{ #{name} }}"
        table = "\n".join(["| result | says | kind | witnesses |", "|---|---|---|---|", *rows])
        parts.append(f'{heading}\n\n<div class="stacked" markdown>\n\n{table}\n\n</div>')
    return "\n\n".join(parts)


def tally(claim: Claim, context: Context) -> str:
    """How many witnesses agree and how many are missing, those that were not run apart; nothing for a definition."""
    if claim["kind"] == "definition":
        return "–"
    found = {which: context.witness(claim["name"], which)["status"] for which in WITNESSES}
    absent = [which for which in context.not_run if found[which] == "missing"]
    missing = sum(status == "missing" for status in found.values()) - len(absent)
    said = [f"{list(found.values()).count('ok')} agree", *([f"{missing} missing"] if missing else [])]
    return ", ".join([*said, *(f"{which} {NOT_RUN}" for which in absent)])


def main(argv: Sequence[str] | None = None) -> int:
    """Prove every claim and write its page into a folder."""
    from derivations import coq
    from derivations.output.description import described
    from derivations.prover.proof import claims, prove

    arguments = sys.argv[1:] if argv is None else list(argv)
    if len(arguments) != 1:
        print("use: python -m derivations.output.page OUT", file=sys.stderr)
        return 2
    found = {name: described(prove(claim), 0.0) for name, claim in claims().items()}
    out = Path(arguments[0])
    out.mkdir(parents=True, exist_ok=True)
    context = Context(found, theorems=coq.shown())
    for name, group in concepts(found).items():
        (out / f"{name}.md").write_text(concept(name, group, context), encoding="utf-8")
        print(out / f"{name}.md")
    return 0 if all(claim["ok"] for claim in found.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
