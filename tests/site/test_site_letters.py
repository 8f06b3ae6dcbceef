"""One letter, one meaning: K counts classes on every page of the softmax family, and n counts what enters a layer."""

import re
from types import SimpleNamespace

import pytest

from derivations import coq
from derivations.algebra.notation import MEANING
from derivations.output import page
from derivations.output.description import described, sizes
from derivations.output.quoting import shapes, without_docstring
from derivations.prover.proof import Checked, Proof, claims
from tests.support.sources import ROOT

OF_CLASSES = ("softmax", "cross_entropy", "softmax_cross_entropy", "label_smoothing", "kl_divergence")
N_ALONE = re.compile(r"(?<![\w\\'])n(?![\w'])")
"""n as a symbol: in a formula, a shape, a line of code, a theorem of Coq or a sentence."""


def as_if_proved(claim):
    """A claim as its page has it, without the minute that proving takes: what is printed does not depend on it."""
    steps = tuple(Checked(symbolic=True, digits=True, worst="0", rule=None) for _ in claim.steps)
    return described(Proof(claim, steps, ("rejected",) * len(claim.wrong_twins), {}, ()), 0.0)


def page_of(concept):
    """The page of a concept, with its code and its theorems."""
    from press import sources

    found = {name: as_if_proved(claim) for name, claim in claims().items() if page.concept_of(name) == concept}
    functions = sources.functions_of(ROOT / "nnref" / f"{concept}.py")
    context = page.Context(
        found,
        functions={f"{concept}.{name}": quoted for name, quoted in functions.items()},
        theorems=coq.shown(),
    )
    return page.concept(concept, list(found.values()), context)


@pytest.mark.parametrize("concept", OF_CLASSES)
def test_a_page_of_the_softmax_family_counts_its_classes_by_K_and_has_no_n(concept):
    text = page_of(concept)
    assert N_ALONE.findall(text) == []
    assert "(K, N)" in text
    assert "^{K}" in text


def test_an_n_for_classes_is_seen_in_a_formula_a_shape_and_a_theorem():
    """On the page of the affine layer, where n is what enters, it stands in all three."""
    text = page_of("affine")
    for part in (r"\sum_{k=1}^{n}", "A (n, N)", "forall m n N", "m × n"):
        assert part in text
        assert N_ALONE.search(part)


@pytest.mark.parametrize("path", ["softmax", "loss"])
def test_the_lessons_of_the_softmax_say_K_for_classes(path):
    text = (ROOT / "docs" / "network" / f"{path}.md").read_text(encoding="utf-8")
    assert [code for code in re.findall(r"`[^`\n]+`", text) if N_ALONE.search(code)] == []


def test_only_K_and_the_width_of_the_last_layer_are_said_to_count_classes():
    assert {size.name for size, said in MEANING.items() if size.is_integer and "class" in said} == {"K", "n3"}


def test_a_symbol_that_stands_for_two_things_has_two_lines_in_the_table():
    from press import directives

    found = {
        name: as_if_proved(claim) for name, claim in claims().items() if name.startswith(("attention.d", "softmax."))
    }
    rows = [line for line in directives.vocabulary(found).splitlines() if line.startswith("| $K$ |")]
    assert {row.split(" | ")[1].split()[0] for row in rows} == {"keys,", "classes:"}
    assert any(row.endswith("| U × d | Attention |") for row in rows)


def test_a_whole_card_shows_shapes_what_their_letters_count_and_the_code_without_its_docstring():
    claim = SimpleNamespace(shapes={"X": ("n", "N"), "rate": (), "": ("n", "1")})
    assert list(sizes(claim)) == ["n", "N"]
    assert shapes({"shapes": {"X": ["B*C", "N"], "rate": [], "": []}}) == r"`X` (B\*C, N) → a number"
    assert without_docstring('def f(x):\n    """Says.\n\n    More.\n    """\n    y = x\n    return y') == (
        "def f(x):\n    y = x\n    return y"
    )
