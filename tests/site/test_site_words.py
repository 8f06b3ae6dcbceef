"""What stands between a result and its reader: numbers by hand, words, lines of code, and what announces a page."""

import math
import re
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from derivations.output import page
from derivations.output.context import Quoted
from nnref import attention, layer_norm, rnn
from tests.conftest import require
from tests.site.test_playgrounds import passes
from tests.support.sources import ROOT

HALF = 5e-5
"""Half of the last decimal to which the network by hand rounds its probabilities."""


def by_hand():
    """The module, and the network with every value as nnref computed it."""
    from press import by_hand, playgrounds

    values = {name: getattr(value, "tolist", lambda v=value: v)() for name, value in playgrounds.values().items()}
    return by_hand, {"network": playgrounds.NETWORK, "values": values}


def shown_sums(module, given, name):
    """Of every entry: the sum as it is written, its value by Python, and the result that is shown."""
    lines = re.findall(
        r"<li><code>[A-Za-z\d]+(?:\[(\d), (\d)\])?</code> = (.*?) <b>= (.*?)</b>.*?</li>", module.sums(name, given)
    )
    for i, j, written, result in lines:
        sum_ = written.replace("−", "-").replace("·", "*")
        sum_ = re.sub(r"log ([\d.]+)", r"math.log(\1)", re.sub(r"e<sup>(.*?)</sup>", r"math.exp(\1)", sum_))
        assert re.fullmatch(r"(?:math\.(?:log|exp)\(|[-+*/(). \d])+", sum_)
        yield int(i or 0), int(j or 0), eval(sum_, {"math": math}), float(result.replace("−", "-"))


@pytest.mark.parametrize("name", ["Z1", "Z2", "P", "L", "dZ2", "dW2", "db2", "dA1", "dZ1", "dW1", "db1"])
def test_every_sum_by_hand_gives_the_number_beside_it_which_is_numpy_s(name):
    module, given = by_hand()
    truth = np.atleast_2d(passes(given["network"])[name])
    found = list(shown_sums(module, given, name))
    assert len(found) == truth.size
    rounded = HALF if name in ("P", "L") else 0
    for i, j, value, result in found:
        assert (
            abs(result - truth[i, j]) <= 3 * HALF
        )  # what was rounded off a probability goes in (0.7 + 0.9) / 2 · (1 + 2) times at most
        assert abs(value - result) <= rounded + 1e-12


def test_a_sum_by_hand_over_the_wrong_index_is_seen(monkeypatch):
    module, given = by_hand()
    wrong = dict(module.SUMS) | {
        "dW2": lambda v, i, j: module.products(list(zip(v["dZ2"][i], v["A1"][1 - j], strict=True)))
    }
    monkeypatch.setattr(module, "SUMS", wrong)
    assert any(abs(value - result) > HALF for _, _, value, result in shown_sums(module, given, "dW2"))


def test_the_graph_by_hand_shows_every_value_and_gradient_of_the_network():
    module, given = by_hand()
    texts = set(re.findall(r">([^<>]+)</text>", module.graph(given)))
    for name, values in passes(given["network"]).items():
        numbers = {module.number(float(v)) for v in values.ravel()}
        assert numbers <= texts, name


@pytest.mark.parametrize("path", sorted((ROOT / "docs").rglob("*.md")), ids=lambda path: path.stem)
def test_no_page_types_mathematics_by_hand(path):
    from press import prose

    prose.refuse_typed(path.read_text(encoding="utf-8"), path.name)


def opening_lines(page_, given):
    """What the numpy lines at the top of a page of the handbook make of these arrays, by name."""
    text = (ROOT / "docs" / "handbook" / f"{page_}.md").read_text(encoding="utf-8").partition("{{")[0]
    names = {"np": np, **given}
    exec(re.search(r"```python\n(.*?)```", text, re.DOTALL)[1], names)
    return names


def test_the_numpy_lines_that_open_a_page_of_the_handbook_are_those_of_nnref(rng):
    at = {name: rng.standard_normal((3, 5)) for name in ("X", "dY")} | {"gamma": rng.standard_normal((3, 1))}
    X, dY, gamma = at["X"], at["dY"], at["gamma"]
    made = opening_lines("norms", at | {"eps": 1e-5})
    assert made["dX"] == pytest.approx(layer_norm.dX(X, gamma, dY))
    assert made["dgamma"] == pytest.approx(layer_norm.dgamma(X, dY))
    assert made["dbeta"] == pytest.approx(layer_norm.dbeta(dY))

    Q, K, V, dY = (rng.standard_normal(shape) for shape in ((4, 3), (5, 3), (5, 2), (4, 2)))
    M = np.tri(4, 5)
    P = attention.forward(Q, K, np.eye(5), M)
    made = opening_lines("attention", {"P": P, "Q": Q, "K": K, "V": V, "dY": dY, "d": 3})
    assert made["dQ"] == pytest.approx(attention.dQ(Q, K, V, M, dY))
    assert made["dK"] == pytest.approx(attention.dK(Q, K, V, M, dY))
    assert made["dV"] == pytest.approx(attention.dV(Q, K, M, dY))

    X, H0, W, U, b, dY = (rng.standard_normal(s) for s in ((3, 5), (4, 5), (4, 4), (4, 3), (4, 1), (4, 5)))
    H = rnn.forward(X, H0, W, U, b)
    made = opening_lines("recurrent", {"X": X, "H0": H0, "W": W, "U": U, "H": H, "dY": dY})
    for name in ("dW", "dU", "db", "dH0", "dX"):
        assert made[name] == pytest.approx(getattr(rnn, name)(X, H0, W, U, b, dY)), name


@pytest.mark.parametrize("page_", ["norms", "attention", "recurrent", "images", "losses", "activations", "optimisers"])
def test_a_page_of_the_handbook_opens_with_code(page_):
    """With lines that are run above, or with the formula, its shapes and its function, printed from the source."""
    text = (ROOT / "docs" / "handbook" / f"{page_}.md").read_text(encoding="utf-8")
    before, _, first = text.partition("{{ ")
    assert "```python" in before or first.startswith("whole ")


def test_a_method_is_quoted_as_it_stands_without_the_indent_of_its_class():
    from press import sources

    quoted = sources.functions_of(ROOT / "nnref" / "windows.py")["Windows.patches"]
    lines = (ROOT / quoted.path).read_text(encoding="utf-8").splitlines()
    assert quoted.text.startswith("def patches(self, X: Array) -> Array:\n    ")
    assert lines[quoted.line - 1].strip() == quoted.text.splitlines()[0]


def luminance(colour):
    """Relative luminance of #rgb or #rrggbb, by WCAG 2."""
    digits = colour.lstrip("#")
    pairs = [c * 2 for c in digits] if len(digits) == 3 else [digits[k : k + 2] for k in (0, 2, 4)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (int(p, 16) / 255 for p in pairs)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


SEEN = 3
"""The least contrast of what is no text with what it stands on, by WCAG 2, 1.4.11."""


@pytest.mark.parametrize("scheme", ["default", "slate"])
@pytest.mark.parametrize("name", ["edge", "faint", "accent", "right", "wrong"])
def test_edges_arrows_and_borders_are_seen_on_paper(scheme, name):
    css = (ROOT / "docs" / "assets" / "nnref.css").read_text(encoding="utf-8")
    of_scheme = re.search(rf'"{scheme}"\] {{\n  --nn-paper.*?}}', css, re.DOTALL)[0]
    colours = dict(re.findall(r"--nn-(\w+): (#\w+);", of_scheme))
    low, high = sorted(map(luminance, (colours[name], colours["paper"])))
    assert (high + 0.05) / (low + 0.05) >= SEEN


def test_a_displayed_formula_is_cut_before_its_outer_relations_signs_and_conditions_only():
    from press import typeset

    assert typeset.in_lines(r"a = \left(b = c\right) \not\to d_{k=1}") == [
        "a ",
        r"{}= \left(b = c\right) ",
        r"{}\not\to d_{k=1}",
    ]
    assert typeset.in_lines(r"\begin{cases} a & x > 0 \end{cases}") == [r"\begin{cases} a & x > 0 \end{cases}"]
    assert typeset.in_lines(r"= b") == ["{}= b"]
    assert typeset.in_lines(r"x = - a + \left(b - c\right)") == ["x ", "{}= - a ", r"{}+ \left(b - c\right)"]
    conditions = r"\sum_{p=1}^{P} \left[h = p\right] \, \left[w = q\right] \, x^{-1}"
    assert typeset.in_lines(conditions) == [
        r"\sum_{p=1}^{P} ",
        r"\left[h = p\right] \, ",
        r"\left[w = q\right] \, x^{-1}",
    ]


TERMS = """**Logit, score**{ #logit }: an output before softmax.

**Loss**{ #loss }: one number. See [Loss](network/loss.md).
"""


@pytest.fixture
def terms(tmp_path, monkeypatch):
    from press import glossary

    monkeypatch.setattr(glossary, "PAGE", tmp_path / "glossary.md")
    glossary.PAGE.write_text(TERMS, encoding="utf-8")
    glossary.terms.cache_clear()
    yield glossary.terms()
    glossary.terms.cache_clear()


def test_a_term_is_linked_where_it_stands_first_and_never_in_code_headings_or_links(terms):
    from press import glossary

    html = "<h1>Loss</h1><p><code>loss</code> <a>the loss</a> Losses and scores, a loss, glossy</p>"
    made = glossary.linked(html, "network/loss.md", terms)
    assert made.count('class="term"') == 2
    assert made.startswith("<h1>Loss</h1><p><code>loss</code> <a>the loss</a> <a class")
    assert '<a class="term" href="../../glossary/#loss" title="one number.">Losses</a>' in made
    assert '#logit" title="an output before softmax.">scores</a>' in made


def test_every_entry_of_the_glossary_is_read():
    from press import glossary

    glossary.terms.cache_clear()
    text = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
    assert len(glossary.terms()) == len(re.findall(r"^\*\*", text, re.MULTILINE)) > 20


def test_words_are_searched_without_tex():
    from press import plain

    assert plain.spelled(r"dZ^{[2]} \, {A}^{\mathsf{T}} \ge \frac{1}{N}") == "dZ[2] A^T ≥ 1/N"
    assert plain.readable(r"Write \(dW\) \[ \frac{a}{b} \] here") == "Write dW  here"


def test_a_page_is_announced_by_its_first_sentences():
    from press import plain

    markdown = (
        "---\ntags: [a]\n---\n\n# Title\n\n| a |\n|---|\n\n**Bold `code`** and [a link](x.md). " + "More words. " * 40
    )
    said = plain.opening(markdown)
    assert said.startswith("Bold code and a link. More words.")
    assert 100 < len(said) <= plain.LONGEST
    assert said.endswith(".")


def announced(site_url):
    from press import card

    shown = SimpleNamespace(
        title="Loss", is_homepage=False, meta={"description": 'a "b"'}, canonical_url=f"{site_url}loss/"
    )
    config = SimpleNamespace(site_name="nnref", site_description="d", site_url=site_url)
    return card.announced("<head></head>", shown, config)


def test_a_shared_page_has_a_picture_once_the_site_has_an_address():
    assert 'og:description" content="a &quot;b&quot;"' in announced("")
    assert "og:image" not in announced("")
    assert 'og:image" content="https://here/docs/assets/card.png"' in announced("https://here/docs/")
    assert 'og:url" content="https://here/docs/loss/"' in announced("https://here/docs/")


def test_the_card_is_drawn_in_the_size_that_is_announced(tmp_path):
    from press import card

    card.draw(tmp_path / "card.png")
    head = (tmp_path / "card.png").read_bytes()[:24]
    assert head[:4] == b"\x89PNG"
    assert [int.from_bytes(head[k : k + 4]) for k in (16, 20)] == [card.WIDTH, card.HEIGHT]


def test_a_quoted_line_links_to_its_file_where_the_project_s_address_is_known():
    quoted = Quoted("nnref/affine.py", 7, "def dW(): ...")
    assert page.Context({}).place(quoted) == "<code>nnref/affine.py</code>, line 7"
    linked = page.Context({}, repository="https://here/blob/main/").place(quoted)
    assert linked.startswith('<a href="https://here/blob/main/nnref/affine.py#L7">')


def test_a_quotation_is_what_stands_at_its_line(monkeypatch):
    from press import sources

    quoted = sources.functions_of(ROOT / "tests" / "site" / "test_site_words.py")[
        "test_every_sum_by_hand_gives_the_number_beside_it_which_is_numpy_s"
    ]
    lines = (ROOT / quoted.path).read_text(encoding="utf-8").splitlines()
    assert quoted.text.splitlines()[0] == lines[quoted.line - 1]
    assert quoted.text.startswith("@pytest.mark.parametrize")


@pytest.mark.long
def test_what_the_page_shows_of_pytorch_is_what_its_listing_prints():
    require("torch")
    said = (ROOT / "docs" / "answers" / "pytorch.md").read_text(encoding="utf-8")
    shown = re.search(r"\$ python torch_function.py\n(.*?)```", said, re.DOTALL)[1]
    command = [sys.executable, "docs/listings/torch_function.py"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=120)
    assert done.stdout == shown
