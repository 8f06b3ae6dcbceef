"""The built site: does it say what was proved, stay on this machine, and read well for everyone?"""

import gzip
import json
import re
from html import unescape
from urllib.parse import unquote, urldefrag, urljoin, urlparse

import pytest

from tests.conftest import require
from tests.support import built_site as sites

pytestmark = pytest.mark.site
pytest_plugins = ["tests.support.site_fixtures"]

PHONE = {"width": 390, "height": 844}
DESKTOP = {"width": 1280, "height": 900}
HEAVIEST = 80_000
"""Bytes of a concept's page, compressed, without its pictures."""


def reported():
    """The report that the build printed from, or nothing where it is of other sources."""
    from press import sources

    return sources.report().get("claims", {})


def concept_pages(pages):
    return {
        path: page for path, page in pages.items() if re.fullmatch(r"proofs/(?!article|tests)[^/]+/index.html", path)
    }


def test_every_concept_has_a_page_and_every_claim_a_section(pages, claims):
    sections = {name for page in concept_pages(pages).values() for name in page.ids}
    assert claims.keys() <= sections
    assert {path.split("/")[1] for path in concept_pages(pages)} == {name.split(".")[0] for name in claims}


def test_every_displayed_formula_belongs_to_a_claim_or_a_quotation(pages, claims, capsys):
    owners = [owner for page in pages.values() for owner in page.formulas]
    quotations = {entry["id"] for entry in sites.proofs()["article"]}
    bound = [owner for owner in owners if owner in claims.keys() | quotations]
    with capsys.disabled():
        print(f"\n{len(owners)} displayed formulas, {len(bound)} bound to a claim or a quotation")
    assert len(owners) > 2 * len(claims)
    assert len(bound) == len(owners)


PARTS = {
    "assumption": "(?:Assuming |As <)",
    "proof": '<details class="proof"',
    "function in numpy": '(?:<details class="code"|In numpy it is)',
    "wrong twin": '<details class="slips"',
    "test that names it in the report": '<details class="tests"',
    "theorem in Coq": '<details class="coq"',
}
"""What a section shows, or says that there is none of."""


def sections(text):
    """The HTML of every claim's section, by name."""
    found = re.split(r'<h2 class="claim" id="([^"]+)">', text.partition("<footer")[0])
    return dict(zip(found[1::2], found[2::2], strict=True))


def test_every_section_has_every_part_or_says_that_there_is_none(pages, claims):
    shown = {name: html for page in concept_pages(pages).values() for name, html in sections(page.text).items()}
    assert shown.keys() == claims.keys()
    for name, html in shown.items():
        said = re.search(r'<p class="absent">There is (.*?)</p>', html)
        absent = set(re.findall(r"no ([a-z][A-Za-z ]+?)(?=, no | and no |\.)", said[1])) if said else set()
        present = {part for part, pattern in PARTS.items() if re.search(pattern, html)}
        bare = claims[name]["kind"] == "definition"
        expected = PARTS.keys() - ({"proof"} if bare else set())
        assert present | absent >= expected, (name, expected - present - absent)
        assert not present & absent, name
        assert ('<ul class="badge"' in html) != bare, name
        for part in ('class="formula answer"', "Rests on ", "Used by ", "(?:See |Elementary)"):
            assert re.search(part, html), (name, part)


def test_every_step_names_its_rule_and_every_witness_its_figure(pages, claims):
    for page in concept_pages(pages).values():
        for name, html in sections(page.text).items():
            steps = len(claims[name]["steps"]) if '<details class="proof"' in html else 0
            assert html.count('<span class="rule">') == steps, name
            assert re.findall(r'data-status="ok"><b>[^<]+</b> <span>\s*</span>', html) == [], name


def test_no_tex_is_left_to_the_browser(pages):
    left = [path for path, page in pages.items() if re.search(r"(?<!\\)\\[\[(]|\$\$|arithmatex|<mjx-", page.text)]
    assert left == []


def test_ids_are_unique_on_every_page(pages):
    twice = {path: {i for i in page.ids if page.ids.count(i) > 1} for path, page in pages.items()}
    assert {path: ids for path, ids in twice.items() if ids} == {}


def test_every_internal_link_and_anchor_resolves(built, pages):
    broken = []
    for path, page in pages.items():
        for link in page.links:
            target, anchor = urldefrag(urljoin(f"http://here/{path}", link))
            if urlparse(target).netloc != "here":
                continue
            file = unquote(urlparse(target).path).lstrip("/")
            file = f"{file}index.html" if file == "" or file.endswith("/") else file
            if not (built / file).is_file():
                broken.append(f"{path}: {link}: no such page")
            elif anchor and file in pages and not anchor.startswith("__") and unquote(anchor) not in pages[file].ids:
                broken.append(f"{path}: {link}: no such anchor")
    assert broken == []


def test_every_formula_leads_to_its_proof_its_code_and_its_tests(pages, claims):
    """One click each, from whatever page it is shown on."""
    anchors = {anchor for page in concept_pages(pages).values() for anchor in page.ids}
    missing = []
    for path, page in pages.items():
        led = {unquote(urldefrag(link)[1]) for link in page.links}
        for name in {owner for owner in page.formulas if owner in claims}:
            wanted = {name, f"{name}.code", f"{name}.tests"} & anchors
            missing += [f"{path}: {anchor}" for anchor in wanted - led - set(page.ids)]
    assert missing == []


def test_badges_say_what_the_report_says(pages, claims):
    shown = {name: badge for page in concept_pages(pages).values() for name, badge in page.badges.items()}
    assert shown.keys() == {name for name, claim in claims.items() if claim["kind"] != "definition"}
    for name, badge in shown.items():
        said = reported().get(name, {}).get("witnesses", {})
        for witness, status in badge.items():
            expected = said.get(witness, {}).get("status", "missing")
            assert status == expected or (expected == "missing" and witness in ("proof", "wrong twins")), (
                name,
                witness,
            )


def test_home_shows_the_badge_of_the_claim_s_own_page(pages):
    assert pages["index.html"].badges == {"mlp.dW2": pages["proofs/mlp/index.html"].badges["mlp.dW2"]}


def test_a_node_of_the_graph_is_filled_only_if_it_and_all_below_it_are_verified(pages, claims):
    asked = [claim["witnesses"] for claim in reported().values()]
    run = {w for found in asked for w in found if found[w]["status"] not in ("missing", "not applicable")}
    said = {name: [v for w, v in claim["witnesses"].items() if w in run] for name, claim in reported().items()}

    def stands(name):
        statuses = {witness["status"] for witness in said.get(name, ())}
        return "ok" in statuses <= {"ok", "not applicable"} and all(map(stands, claims[name]["uses"]))

    nodes = re.findall(r'class="node( verified)?" data-name="([^"]+)"', pages["proofs/index.html"].text)
    assert {name for _, name in nodes} == {name.replace(".", "-") for name in claims}
    assert {name for filled, name in nodes if filled} == {n.replace(".", "-") for n in claims if stands(n)}


def test_a_concept_page_is_light(built, capsys):
    weight = {}
    for path in built.glob("proofs/*/index.html"):
        text = re.sub(r"<figure.*?</figure>", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
        weight[path.parent.name] = len(gzip.compress(text.encode()))
    heaviest = max(weight, key=weight.__getitem__)
    with capsys.disabled():
        print(f"\nthe heaviest page of proofs is {heaviest}: {weight[heaviest]:,} bytes compressed")
    assert {name: size for name, size in weight.items() if size > HEAVIEST} == {}


COLOURS = {"runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}}
"""The rules that a scheme can break: light and dark differ in nothing else."""

FORMULAS = """[...document.querySelectorAll(".formula .math, .pane, .graph, .here, .where li")]
    .filter(box => box.clientWidth)
    .map(box => [box.scrollWidth > box.clientWidth + 1, getComputedStyle(box).backgroundImage.includes("gradient")])"""


def complained_of(page, address):
    """What the page says on its console, or asks of others than this machine: a list that grows."""
    found = []
    page.on("console", lambda message: found.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: found.append(str(error)))
    page.on("request", lambda r: None if r.url.startswith((address, "data:", "blob:")) else found.append(r.url))
    page.on("response", lambda r: found.append(f"{r.status} {r.url}") if r.status >= 400 else None)
    return found


READ = {"exclude": [[".math svg"], [".mml"], ["figure svg"]]}
"""What axe passes over: strokes of formulas and pictures, by the thousand, hidden from those who listen."""


def violations(axe, page, rules=None):
    """What axe finds, a line each."""
    found = axe.run(page, context=READ, options={"resultTypes": ["violations"]} | (rules or {})).response["violations"]
    return [f"{v['id']}: {'; '.join(str(node['target']) for node in v['nodes'][:3])}" for v in found]


@pytest.fixture(scope="module")
def visited(request, opened, pages):
    """Every page, opened once, all unfolded: what it complains of, what axe finds, and how it fits a phone.

    Axe, which takes seconds a page, reads one in ten and the first of every folder; all of them with --long.
    """
    shelves = {}
    for path in sorted(pages):
        shelves.setdefault(path.split("/")[0], []).append(path)
    every = 1 if request.config.getoption("--long") else 10
    read = {path for shelf in shelves.values() for path in shelf[::every]}
    axe = require("axe_playwright_python.sync_playwright").Axe()
    browser, address = opened
    context = browser.new_context(viewport=DESKTOP, reduced_motion="reduce")
    page = context.new_page()
    complaints, found = complained_of(page, address), {}
    for path in pages:
        page.goto(address + path)
        page.evaluate("document.querySelectorAll('article details').forEach(d => { d.open = true; })")
        seen = found[path] = {"light": violations(axe, page) if path in read else []}
        page.evaluate("document.body.setAttribute('data-md-color-scheme', 'slate')")
        seen["dark"] = violations(axe, page, COLOURS) if path in read else []
        page.set_viewport_size(PHONE)
        seen["width"] = page.evaluate("document.documentElement.scrollWidth")
        seen["formulas"] = page.evaluate(FORMULAS)
        page.set_viewport_size(DESKTOP)
    context.close()
    return complaints, found


def test_every_page_opens_without_a_word_and_asks_nobody_else(visited):
    assert visited[0] == []


def test_a_reader_who_prefers_dark_gets_dark(opened):
    browser, address = opened
    context = browser.new_context(color_scheme="dark")
    page = context.new_page()
    complaints = complained_of(page, address)
    page.goto(address)
    assert page.locator("body").get_attribute("data-md-color-scheme") == "slate"
    context.close()
    assert complaints == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_violation(visited, scheme):
    assert {path: seen[scheme] for path, seen in visited[1].items() if seen[scheme]} == {}


def test_axe_sees_what_is_planted(opened):
    axe = require("axe_playwright_python.sync_playwright").Axe()
    browser, address = opened
    page = browser.new_page(viewport=DESKTOP)
    page.goto(address)
    page.evaluate("document.querySelector('article p').style.color = '#ccc'")
    assert any("color-contrast" in line for line in violations(axe, page, COLOURS))
    page.close()


def test_pages_fit_a_phone(visited):
    assert {path: seen["width"] for path, seen in visited[1].items() if seen["width"] > PHONE["width"]} == {}


def test_on_a_phone_a_formula_that_does_not_fit_has_a_shadow_where_it_goes_on(visited, capsys):
    boxes = [box for seen in visited[1].values() for box in seen["formulas"]]
    cut = [shadowed for wide, shadowed in boxes if wide]
    with capsys.disabled():
        print(f"\n{len(boxes)} formulas and pictures at {PHONE['width']} pixels: {len(cut)} scroll, each with a shadow")
    assert all(cut)
    lessons = {path: seen for path, seen in visited[1].items() if path.startswith("network/")}
    assert lessons


def test_no_two_pages_of_a_tab_have_one_title(pages):
    found = {}
    for path, page in pages.items():
        title = re.search(r"<h1[^>]*>(.*?)(?:<a|</h1>)", page.text, re.DOTALL)[1].strip()
        found.setdefault((path.partition("/")[0], title), []).append(path)
    assert [paths for paths in found.values() if len(paths) > 1] == []


def test_every_page_is_in_the_list_of_its_tab(pages):
    """The page of a result too: its own list names it and shows where it stands."""
    lost = [path for path, page in pages.items() if path != "404.html" and "md-nav__link--active" not in page.text]
    assert lost == []


def test_a_published_site_lists_its_pages_and_announces_each_with_a_picture(built, pages):
    listed = set(re.findall(r"<loc>(.*?)</loc>", (built / "sitemap.xml").read_text(encoding="utf-8")))
    shown = {path for path in pages if path != "404.html"}
    assert listed == {sites.ADDRESS + path.removesuffix("index.html") for path in shown}
    for path in shown:
        text = unescape(pages[path].text)
        said = dict(re.findall(r'<meta property="(og:\w+)" content="([^"]*)"', text))
        assert said["og:url"] == sites.ADDRESS + path.removesuffix("index.html")
        assert (built / said["og:image"].removeprefix(sites.ADDRESS)).is_file()
        assert len(said["og:description"]) > 20, path
        assert f'<meta name="description" content="{said["og:description"][:20]}' in text


def test_every_quoted_line_links_to_its_file_and_is_what_stands_there(pages, claims):
    linked = {link for page in pages.values() for link in page.links if link.startswith(sites.REPOSITORY)}
    places = [link.removeprefix(sites.REPOSITORY).split("#L") for link in linked]
    for path, line in places:
        assert int(line) <= len((sites.ROOT / path).read_text(encoding="utf-8").splitlines()), (path, line)
    files = {path for path, _ in places}
    assert {f"derivations/{name.partition('.')[0]}.py" for name in claims} <= files
    assert {"nnref/affine.py", "nnref/layer_norm.py"} <= files


def test_the_readme_quotes_what_the_command_says_of_the_file(built):
    from press import runs

    def bare(line):
        """A line without its columns; a sum that is 0 but for rounding is another on every machine."""
        return re.sub(r"\S+e-1[5-9]\b", "rounding", " ".join(line.split()))

    said = [bare(line) for line in runs.output("nnref check examples/digits_columns_bias.py")["text"].splitlines()]
    readme = (sites.ROOT / "README.md").read_text(encoding="utf-8")
    quoted = re.search(r"\$ nnref check examples/digits_columns_bias.py\n(.*?)```", readme, re.DOTALL)[1].splitlines()
    assert len(quoted) > 8
    assert [line for line in quoted if line != "…" and bare(line) not in said] == []


def test_the_wrong_lines_of_the_article_are_open_and_all_others_folded(pages):
    wrong = sum(entry["verdict"] == "wrong" for entry in sites.proofs()["article"])
    depth, open_, folded = 0, [], []
    text = pages["proofs/article/index.html"].text
    for found in re.finditer(r'<details|</details>|<div class="entry ([a-z-]+)"', text):
        depth += {"<details": 1, "</details>": -1}.get(found[0], 0)
        if found[1]:
            (folded if depth else open_).append(found[1])
    assert open_ == ["wrong"] * wrong
    assert len(open_) + len(folded) == len(sites.proofs()["article"])
    assert "wrong" not in folded


def test_the_summary_is_one_screen(opened):
    browser, address = opened
    page = browser.new_page(viewport=DESKTOP)
    page.goto(f"{address}network/one-page/", wait_until="networkidle")
    page.evaluate("document.fonts.ready.then(() => new Promise(requestAnimationFrame))")
    last = page.locator("article > details").last.bounding_box()
    assert last["y"] + last["height"] <= DESKTOP["height"]
    assert page.locator("article").inner_text().count("Assuming") == 1
    assert page.locator(".summary .formula").count() == 9
    page.close()


def test_searching_for_a_result_finds_its_section(opened):
    browser, address = opened
    page = browser.new_page(viewport=DESKTOP)
    page.goto(address)
    page.fill("input[name=query]", "softmax jacobian")
    page.wait_for_selector(".md-search-result__item a")
    links = page.eval_on_selector_all(".md-search-result__item a", "all => all.map(a => a.href)")
    page.close()
    best = {}  # of every page found, its best section, in the order in which they are shown
    for link in links:
        page_of_it, _, section = link.partition("#")
        if section:
            best.setdefault(urlparse(page_of_it).path, section)
    assert urlparse(links[0]).path == "/answers/softmax-jacobian/"
    assert best["/proofs/softmax/"] == "softmax.jacobian", links


def test_a_link_to_a_folded_step_unfolds_it(opened):
    browser, address = opened
    page = browser.new_page()
    page.goto(f"{address}proofs/affine/#affine.dW.1")
    assert page.locator('[id="affine.dW.1"]').is_visible()
    page.close()


def test_the_graph_can_be_walked_by_keyboard(opened, claims):
    browser, address = opened
    page = browser.new_page(viewport=DESKTOP)
    page.goto(f"{address}proofs/")
    page.locator(".graph").focus()
    page.keyboard.press("Tab")
    name = page.evaluate("document.activeElement.getAttribute('aria-label')").split(":")[0]
    page.keyboard.press("Enter")
    page.wait_for_url("**/proofs/*/#*")
    assert name in claims
    assert page.url.endswith(f"#{name}")
    page.close()


def test_the_search_shows_no_tex_and_keeps_every_word(built):
    index = json.loads((built / "search" / "search_index.json").read_text(encoding="utf-8"))["docs"]
    tex = re.compile(r"\\(?:[(\[]|d?frac|sum|left|partial|mathsf|displaystyle|tilde|operatorname)")
    assert [doc["location"] for doc in index if tex.search(doc["title"] + doc["text"])] == []
    section = next(doc for doc in index if doc["location"].endswith("#affine.dW"))
    assert "summed over the batch" in section["text"]


SEARCHES = {
    "backpropagation": "network/backward/",
    "pytorch": "answers/pytorch/",
    "m": "answers/one-over-m/",
    "layer norm": "handbook/norms/",
    "batch norm": "handbook/norms/",
    "attention": "handbook/attention/",
    "lstm": "handbook/recurrent/",
    "shape of db": "answers/db-shape/",
    "softmax jacobian": "answers/softmax-jacobian/",
}
"""What people type, and the page they want: that of the handbook before the proof to which it leads."""


@pytest.mark.parametrize("words", SEARCHES)
def test_what_people_search_for_comes_first(opened, words):
    browser, address = opened
    page = browser.new_page(viewport=DESKTOP)
    page.goto(address)
    page.fill("input[name=query]", words)
    page.wait_for_selector(".md-search-result__item a")
    page.wait_for_timeout(300)
    link = page.locator(".md-search-result__item a").first.get_attribute("href")
    page.close()
    assert urlparse(link).path.lstrip("/") == SEARCHES[words]
