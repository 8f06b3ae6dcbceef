"""What may not be built is not: each way to drift is planted, in a copy of the project or in a line of prose."""

import json
import re

import pytest

from derivations import affine
from derivations.output import page
from nnref.cli import main as nnref_command
from tests.conftest import require
from tests.support import built_site as sites
from tests.support.built_site import ROOT
from tests.support.quick import some
from tests.support.solutions import solved

pytest_plugins = ["tests.support.site_fixtures"]

CLAIM = {
    "name": "silu.dZ",
    "kind": "gradient",
    "relation": "=",
    "says": "the slope is that of a product",
    "ok": True,
    "holds_for": "scalar",
    "question": "q",
    "steps": [{"latex": "a", "because": "the product rule", "rule": "differentiate", "checks": {"symbolic": True}}],
    "given": [],
    "uses": [],
    "source": "a book",
    "wrong_twins": [{"latex": "-a", "mistake": "the sign is flipped"}],
    "wrong_twins_rejected": 1,
}


def report(**statuses):
    return {"silu.dZ": {"witnesses": {name.replace("_", " "): {"status": s} for name, s in statuses.items()}}}


def test_a_witness_that_was_not_asked_shows_as_missing():
    elsewhere = {"other.dZ": report(Coq="ok")["silu.dZ"]}
    shown = page.section(CLAIM, page.Context({"silu.dZ": CLAIM}, report(differences="ok") | elsewhere))
    assert 'data-witness="differences" data-status="ok"' in shown
    assert 'data-witness="Coq" data-status="missing"><b>Coq</b> <span>missing</span>' in shown


def test_a_witness_that_no_result_has_is_said_not_to_have_run_and_is_counted_apart():
    from press import graph

    every = dict.fromkeys(page.WITNESSES, "ok")
    context = page.Context({"silu.dZ": CLAIM}, report(**every | {"Coq": "missing"}))
    assert "<b>Coq</b> <span>not run in this build</span>" in page.section(CLAIM, context)
    assert page.tally(CLAIM, context) == f"{len(every) - 1} agree, Coq not run in this build"
    assert "Filled: 1 of 1" in graph.drawn(context)
    assert graph.drawn(context).endswith("Coq: not run in this build, counted apart.")
    failed = page.Context({"silu.dZ": CLAIM}, report(**every | {"Coq": "failed"}))
    assert "Filled: 0 of 1" in graph.drawn(failed)


def test_a_definition_has_no_badge():
    claim = CLAIM | {"kind": "definition"}
    assert "badge" not in page.section(claim, page.Context({"silu.dZ": claim}))


def test_a_bound_is_printed_with_its_sign():
    assert page.answer(CLAIM | {"relation": "≥"}) == r"q = a \ge 0"


def test_a_result_is_verified_only_if_all_it_rests_on_is():
    from press import graph

    every = dict.fromkeys(page.WITNESSES, "ok")
    below = CLAIM | {"name": "silu.forward", "kind": "definition"}
    claims = {"silu.dZ": CLAIM | {"uses": ["silu.forward"]}, "silu.forward": below}
    witnessed = report(**every)
    assert not graph.verified("silu.dZ", page.Context(claims, witnessed))
    witnessed["silu.forward"] = witnessed["silu.dZ"]
    assert graph.verified("silu.dZ", page.Context(claims, witnessed))


@pytest.mark.parametrize(
    "typed", ["$$x = 1$$", r"\[x\]", r"so \(x\) is", "the sum $a + b$", r"\begin{cases}", "<math>"]
)
def test_mathematics_typed_by_hand_is_refused_with_file_and_line(typed):
    from press import prose
    from press.sources import BuildStops

    with pytest.raises(BuildStops, match=r"docs/x\.md:3: mathematics typed by hand"):
        prose.refuse_typed(f"Words.\n\n{typed}\n", "docs/x.md")


def test_code_may_hold_dollars_and_brackets():
    from press import prose

    prose.refuse_typed("`$$` and `\\[`\n\n```console\n$ nnref train $HOME\n```\n", "docs/x.md")


def test_a_name_that_does_not_exist_is_refused_with_file_and_line(monkeypatch):
    from press import directives, prose, sources
    from press.sources import BuildStops

    monkeypatch.setattr(sources, "derivations", lambda: {"claims": {"affine.dW": CLAIM | {"name": "affine.dW"}}})
    with pytest.raises(BuildStops, match=r"docs/x\.md:2: no claim is called affine\.dQ; there are affine\."):
        prose.resolve("Words.\n{{ formula affine.dQ }}\n", "docs/x.md", directives.table("x.md"))
    with pytest.raises(BuildStops, match=r"docs/x\.md:1: there is no directive \{\{ formulae \}\}"):
        prose.resolve("{{ formulae affine.dW }}", "docs/x.md", directives.table("x.md"))


def test_whatever_stands_in_double_braces_is_a_directive():
    from press import prose
    from press.sources import BuildStops

    assert prose.resolve("{{ two_words a }}", "docs/x.md", {"two_words": str.upper}) == "A"
    with pytest.raises(BuildStops, match="there is no directive"):
        prose.resolve("{{ no_such-thing }}", "docs/x.md", {})


def test_a_directive_in_code_is_left_alone():
    from press import prose

    assert prose.resolve("`{{ claim x }}`", "docs/x.md", {}) == "`{{ claim x }}`"


def test_bad_tex_is_named(tmp_path):
    require("quickjs")
    from press import typeset

    make = typeset.Typesetter(tmp_path / "kept.json")
    with pytest.raises(typeset.BadTeX, match=r"in \\frac\{a\}\{"):
        make(r"\frac{a}{", True)
    with pytest.raises(typeset.BadTeX, match="Undefined control sequence"):
        make(r"\nosuch", True)


def test_a_displayed_formula_that_nothing_owns_is_refused():
    from press import typeset

    with pytest.raises(typeset.Unbound, match="belongs to no claim and no quotation: x"):
        typeset.typeset_page(r'<div class="arithmatex">\[x\]</div>', lambda tex, display: tex, {})


def test_a_symbol_is_marked_as_a_word_and_not_within_one():
    from press import typeset

    symbols = [{"latex": "W"}, {"latex": "dZ"}]
    assert typeset.marked(r"W^{T} dZ \text{W} AW", symbols) == (
        r"{\class{sym sym-0}{W}}^{T} {\class{sym sym-1}{dZ}} \text{W} AW"
    )


def test_glyphs_stand_once_on_a_page(tmp_path):
    require("quickjs")
    from press import typeset

    make = typeset.Typesetter(tmp_path / "kept.json")
    found = typeset.shared(f"<body>{make('W + W', True)}{make('W', True)}</body>")
    outlines = re.findall(r'<path id="MJX-([^"]+)"', found)
    assert len(outlines) == len(set(outlines)) == 2


def test_plain_pages_can_be_written_without_a_site_generator(tmp_path, capsys, monkeypatch):
    two = {claim.name: claim for claim in (affine.forward, affine.dW)}
    monkeypatch.setattr("derivations.prover.proof.claims", lambda: two)
    assert page.main([str(tmp_path)]) == 0
    assert str(tmp_path / "affine.md") in capsys.readouterr().out
    assert "## affine.dW" in (tmp_path / "affine.md").read_text(encoding="utf-8")


EXERCISES = sorted((ROOT / "docs" / "exercises").glob("*.py"))


@pytest.mark.parametrize(
    ("times", "said"),
    some([("1.5 * ", "0 right, {n} with a mistake, 0 not read"), ("", "{n} right, 0 with a mistake, 0 not read")], 99),
)
def test_nnref_check_marks_every_exercise(times, said, tmp_path, capsys, draws):
    """The commands that the pages give: solved, each file is right; with every answer spoilt, each is wrong.

    In the quick run one in four is marked, each in a process of its own.
    """
    exercises = EXERCISES[:: draws(4, 1)]
    for path in exercises:
        (tmp_path / path.name).write_text(solved(path.stem, path.read_text(encoding="utf-8"), times), encoding="utf-8")
    assert nnref_command(["check", str(tmp_path)]) == (1 if times else 0)
    assert said.format(n=len(exercises)) in capsys.readouterr().out


@pytest.mark.further
def test_an_exercise_that_is_not_begun_is_no_mistake_by_name(tmp_path, capsys, draws):
    exercises = EXERCISES[:: draws(4, 1)]
    for path in exercises:
        (tmp_path / path.name).write_text(path.read_text(encoding="utf-8"), encoding="utf-8")
    assert nnref_command(["check", str(tmp_path)]) == 3
    assert f"0 right, 0 with a mistake, {len(exercises)} unclear, 0 not read" in capsys.readouterr().out


@pytest.mark.parametrize("path", EXERCISES, ids=lambda path: path.stem)
def test_an_exercise_says_how_it_is_marked_and_is_on_a_page(path):
    text = path.read_text(encoding="utf-8")
    assert f"nnref check {path.name}" in text
    pages = [page.read_text(encoding="utf-8") for page in (ROOT / "docs" / "network").glob("*.md")]
    assert sum(f"{{{{ exercise {path.stem} }}}}" in page for page in pages) == 1


def planted(place, path, before, after):
    """A copy of the project with one text replaced."""
    file = sites.copy(place) / path
    text = file.read_text(encoding="utf-8")
    assert before in text
    file.write_text(text.replace(before, after, 1), encoding="utf-8")


@pytest.mark.long
@pytest.mark.site
def test_a_planted_false_step_stops_the_build(tmp_path):
    """With --long: a changed claim has all of them proved again."""
    require("mkdocs")
    right = "Step(total(dZ[r, t] * A[i, t], t), contract"
    planted(tmp_path, "derivations/affine.py", right, right.replace("total", "2 * total"))
    status, said = sites.build(tmp_path, tmp_path / "out")
    assert status != 0
    assert re.search(r"derivations: affine\.dW: step \d", said), said
    assert not (tmp_path / "out" / "index.html").exists()


@pytest.mark.site
def test_a_planted_equation_stops_the_build(tmp_path):
    require("mkdocs")
    planted(tmp_path, "docs/network/update.md", "# Update\n", "# Update\n\n$$\nW = W - dW\n$$\n")
    status, said = sites.build(tmp_path, tmp_path / "out")
    assert status != 0
    assert "docs/network/update.md:3: mathematics typed by hand" in said


@pytest.mark.site
def test_a_dangling_name_stops_the_build(tmp_path):
    require("mkdocs")
    planted(tmp_path, "docs/network/update.md", "{{ figure update }}", "{{ formula affine.dQ }}")
    status, said = sites.build(tmp_path, tmp_path / "out")
    assert status != 0
    assert re.search(r"docs/network/update\.md:\d+: no claim is called affine\.dQ; there are affine\.", said), said


@pytest.mark.site
def test_tex_that_cannot_be_read_stops_the_build(tmp_path):
    """A claim whose LaTeX is bad, as the proofs would have written it."""
    require("quickjs")
    place = sites.copy(tmp_path)
    (kept,) = (place / "build" / "site").glob("derivations-*.json")
    text = kept.read_text(encoding="utf-8")
    assert r"dW_{r i}" in text
    kept.write_text(text.replace(r"dW_{r i}", r"\\nosuch_{r i}"), encoding="utf-8")
    status, said = sites.build(place, tmp_path / "out")
    assert status != 0
    assert re.search(r"[\w/]+\.md: Undefined control sequence \\nosuch in ", said), said


@pytest.mark.site
def test_a_planted_red_witness_stops_the_build(tmp_path):
    require("mkdocs")
    place = sites.copy(tmp_path)
    red = {"claims": {"affine.dW": {"witnesses": {"differences": {"status": "failed", "figure": "2.0"}}}}}
    red["sources_sha256"] = sites.sources_sha256(place)
    (place / "build").mkdir(exist_ok=True)
    (place / "build" / "verification.json").write_text(json.dumps(red), encoding="utf-8")
    status, said = sites.build(place, tmp_path / "out")
    assert status != 0
    assert "affine.dW: the witness “differences” failed" in said


@pytest.mark.site
def test_without_quickjs_the_browser_typesets_from_the_same_package(tmp_path, chromium):
    require("mkdocs")
    (tmp_path / "without").mkdir()
    (tmp_path / "without" / "quickjs.py").write_text("raise ImportError('planted')", encoding="utf-8")
    place = sites.copy(tmp_path / "project")
    status, said = sites.build(place, tmp_path / "out", PYTHONPATH=f"{tmp_path / 'without'}:{place}")
    assert status == 0, said
    assert (tmp_path / "out" / "assets" / "mathjax" / "tex-svg-full.js").is_file()
    with sites.served(tmp_path / "out") as address, chromium.new_context() as context:
        opened = context.new_page()
        outside = []
        opened.on("request", lambda r: None if r.url.startswith((address, "data:")) else outside.append(r.url))
        opened.goto(f"{address}proofs/affine/")
        opened.wait_for_selector(".formula.answer mjx-container svg", timeout=20_000)
        assert outside == []


def test_what_a_directive_becomes_stays_in_its_block():
    from press import prose

    made = prose.resolve('=== "PyTorch"\n\n    {{ two lines }}\n', "docs/x.md", {"two": lambda rest: f"first\n{rest}"})
    assert made == '=== "PyTorch"\n\n    first\n    lines\n'


def test_every_result_stands_under_its_source():
    from press import directives

    shown = directives.cited(
        page.Context({c["name"]: c for c in (CLAIM, CLAIM | {"name": "silu.x", "source": "elementary"})})
    )
    assert shown == "- a book: [`silu.dZ`](silu.md#silu.dZ)"


def mistakes_shown():
    """Every mistake's line and the number beside it, as the page shows them."""
    from press import mistake_numbers

    from nnref.checking.diagnosis import diagnose

    values = mistake_numbers.made()["values"]
    return {entry["key"]: (entry["wrong"], values[f"mistake {entry['key']}"]) for entry in diagnose.catalogue()}


def test_the_number_beside_a_mistake_is_that_of_its_line():
    """By what some of the lines cannot but give, and by the layer that each line stands in."""
    shown = mistakes_shown()
    name, yours, truth = re.match(r"(\w+)\[.*\] = (\S+), right is (\S+)", shown["gradient.clipped"][1]).groups()
    assert (name, abs(float(yours))) == ("dW2", 1.0)
    assert abs(float(truth)) > 1
    for key, factor in (
        ("scale.N", 7),
        ("scale.2", 2),
        ("scale.1/2", 0.5),
        ("scale.sign", -1),
        ("scale.constant", 0.1),
    ):
        yours, truth = map(float, re.search(r"= (\S+), right is (\S+)", shown[key][1]).groups())
        assert yours == pytest.approx(factor * truth, rel=1e-3), key
    for key, (wrong, said) in shown.items():
        made = re.match(r"(?:db|d?[A-Z])(\d)", wrong.split(";")[-1].strip())
        layer = int(made[1]) if made else 3
        assert re.match(rf"d[Wb]{layer}\b", said), (key, wrong, said)


def test_a_mistake_in_a_slope_of_tanh_is_run_with_tanh():
    """There |1 − A²| is at most 1: with a second such factor an entry of dZ cannot grow."""
    from press import mistake_numbers

    shown = mistakes_shown()
    for key in ("slope.twice", "slope.argument", "slope.formula"):
        assert shown[key][1].endswith(", with tanh"), key
    assert mistake_numbers.activation_of("dZ2 = dA2 * (1 - A2**2)") == "tanh"
    assert mistake_numbers.activation_of("dZ2 = dA2 * (Z2 > 0)") == "relu"
    assert mistake_numbers.activation_of("dW2 = dZ2 @ A1.T") is None


def test_a_line_that_changes_nothing_stops_the_page():
    from press import mistake_numbers

    networks = [(mistake_numbers.network(*drawn), says) for *drawn, says in mistake_numbers.NETWORKS]
    with pytest.raises(LookupError, match="changes no number on any of the networks"):
        mistake_numbers.first({"key": "none", "wrong": "dZ2 = np.clip(dZ2, -1e9, 1e9)"}, networks)
