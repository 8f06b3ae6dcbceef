"""What a formula, and the home page, do in a browser: meanings, shapes, TeX, anchors, and one screen."""

import pytest

pytestmark = pytest.mark.site
pytest_plugins = ["tests.support.site_fixtures"]

LAPTOP = {"width": 1280, "height": 800}
SOON = 300
"""Milliseconds from asking for a page on this machine until its first formula is painted."""


@pytest.fixture
def page(opened):
    """A tab that may use the clipboard."""
    browser, _ = opened
    context = browser.new_context(viewport=LAPTOP, permissions=["clipboard-read", "clipboard-write"])
    yield context.new_page()
    context.close()


@pytest.fixture
def formula(opened, page):
    """The answer of affine.dW, on its page."""
    page.goto(f"{opened[1]}proofs/affine/#affine.dW")
    return page.locator('.formula.answer[data-claim="affine.dW"]')


def over(page, group):
    """Move to the middle of a symbol, where there may be no ink."""
    box = group.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)


def symbol(formula, claims, name):
    """The first place of a symbol in the formula."""
    names = [s["name"] for s in claims["affine.dW"]["symbols"]]
    return formula.locator(f".sym-{names.index(name)}").first


@pytest.mark.parametrize("name", ["W", "A", "dZ", "b", "N"])
def test_a_symbol_says_its_meaning_and_its_shape_where_the_mouse_is(page, formula, claims, name):
    said = page.locator(".sym-says")
    over(page, symbol(formula, claims, name))
    known = next(s for s in claims["affine.dW"]["symbols"] if s["name"] == name)
    assert said.is_visible()
    assert said.inner_text() == f"{name} {known['meaning']}{known['shape'] and ', ' + known['shape']}"
    page.mouse.move(5, 5)
    assert not said.is_visible()


def test_by_keyboard_a_formula_says_what_all_its_symbols_mean_and_escape_ends_it(page, formula, claims):
    page.locator('[id="affine.dW"] .headerlink').focus()
    page.keyboard.press("Tab")
    said = page.locator(".sym-says")
    lines = said.inner_text().splitlines()
    assert sorted(lines) == sorted(
        f"{s['name']} {s['meaning']}{s['shape'] and ', ' + s['shape']}" for s in claims["affine.dW"]["symbols"]
    )
    page.keyboard.press("Escape")
    assert not said.is_visible()


def test_shapes_stand_under_the_symbols_and_go_again(page, formula, claims):
    formula.hover()
    button = formula.get_by_role("button", name="shapes")
    button.click()
    expected = {s["shape"].replace(" ", "") for s in claims["affine.dW"]["symbols"] if s["shape"]}
    labels = formula.locator(".shape")
    assert set(labels.all_inner_texts()) == expected
    assert button.get_attribute("aria-pressed") == "true"
    for label in labels.all():
        assert label.bounding_box()["y"] > formula.bounding_box()["y"]
    button.click()
    assert labels.count() == 0


def test_the_tools_of_a_formula_cover_none_of_it(formula):
    formula.hover()
    tools = formula.locator(".formula-tools").bounding_box()
    for part in formula.locator(".math svg").all():
        box = part.bounding_box()
        assert tools["y"] + tools["height"] <= box["y"] or tools["x"] >= box["x"] + box["width"]


def test_a_formula_gives_its_tex_to_the_clipboard(page, formula):
    formula.hover()
    formula.get_by_role("button", name="TeX").click()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == formula.locator(".math").get_attribute("data-tex")
    assert "\\frac{\\partial}{\\partial W_{r i}}" in copied


def test_every_formula_on_a_page_links_to_itself(page, formula):
    own = page.eval_on_selector_all(
        ".formula[id]", "all => all.map(f => [f.id, f.querySelector('.formula-tools a').getAttribute('href')])"
    )
    assert len(own) > 20
    assert all(link == f"#{anchor}" for anchor, link in own)


def test_home_is_one_screen_with_all_that_it_promises(opened, page):
    page.goto(opened[1])
    lowest = page.locator(".uncovered").bounding_box()
    assert lowest["y"] + lowest["height"] <= LAPTOP["height"]
    assert page.evaluate("document.documentElement.scrollWidth") == LAPTOP["width"]
    assert page.locator(".sentence").inner_text().count(".") == 2
    assert "names the line that is wrong" in page.locator(".whom").inner_text()
    assert page.locator(".doors a").all_inner_texts() == ["Learn", "Check", "Train"]
    assert page.locator('.headline .formula.answer[data-claim="mlp.dW2"]').is_visible()
    assert page.locator(".headline .step .rule").is_visible()
    said = page.locator(".home").inner_text()
    assert "First mistake: db2" in said
    assert "exit 1" in said
    assert "nnref check yourfile.py" in page.locator(".hero").inner_text()


def test_the_first_formula_is_there_at_once(opened, page, capsys):
    took = []
    for _ in range(3):
        page.goto(f"{opened[1]}proofs/softmax/", wait_until="commit")
        page.wait_for_selector(".formula .math svg")
        painted = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime"
        page.wait_for_function(painted)
        took.append(page.evaluate(painted))
    with capsys.disabled():
        print(f"\nfirst formula painted after {min(took):.0f} ms (of {', '.join(f'{t:.0f}' for t in took)})")
    assert min(took) <= SOON
