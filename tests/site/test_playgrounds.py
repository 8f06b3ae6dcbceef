"""The playgrounds: are their numbers numpy's, by mouse and by keyboard, and do the pages say them without scripts?"""

import json

import numpy as np
import pytest

import nnref
from nnref import affine, relu, softmax, softmax_cross_entropy
from tests.conftest import require
from tests.support.sources import ROOT

NUMBERS = (ROOT / "docs" / "assets" / "play" / "numbers.js").read_text(encoding="utf-8")
CLOSE = 1e-12
"""Largest relative difference of JavaScript's numbers from numpy's: both float64; exp may differ in the last place."""

PAGES = {
    "softmax": "network/softmax/",
    "stepper": "network/backward/",
    "step": "lies/steps/",
    "bench": "check/mistakes/",
    "digit": "training/run/",
}


def passes(net):
    """Every value of the two-layer network, by the functions of nnref."""
    W1, b1, W2, b2, X = (np.array(net[name], dtype="float64") for name in ("W1", "b1", "W2", "b2", "X"))
    Y = nnref.one_hot(net["labels"], classes=len(W2), dtype="float64")
    Z1 = affine.forward(W1, b1, X)
    A1 = relu.forward(Z1)
    Z2 = affine.forward(W2, b2, A1)
    dZ2 = softmax_cross_entropy.dZ(Z2, Y)
    dA1 = affine.dA(W2, dZ2)
    dZ1 = relu.dZ(Z1, dA1)
    return {
        "Z1": Z1, "A1": A1, "Z2": Z2, "P": softmax.forward(Z2), "L": softmax_cross_entropy.forward(Z2, Y), "dZ2": dZ2,
        "dW2": affine.dW(A1, dZ2), "db2": affine.db(dZ2), "dA1": dA1,
        "dZ1": dZ1, "dW1": affine.dW(X, dZ1), "db1": affine.db(dZ1),
    }  # fmt: skip


def drawn(seed):
    """A two-layer network of other sizes each time, as plain lists."""
    rng = np.random.default_rng(seed)
    n, h, k, N = rng.integers(1, 6, 4)
    shapes = {"X": (n, N), "W1": (h, n), "b1": (h, 1), "W2": (k, h), "b2": (k, 1)}
    return {name: rng.standard_normal(s).tolist() for name, s in shapes.items()} | {
        "labels": rng.integers(0, k, N).tolist()
    }


def in_javascript(source, net):
    """What numbers.js makes of the network."""
    quickjs = require("quickjs")
    context = quickjs.Context()
    context.eval(source)
    return json.loads(context.eval(f"JSON.stringify(nn.passes({json.dumps(net)}))"))


def differing(source, net):
    """The names of the values in which JavaScript and numpy differ."""
    theirs = in_javascript(source, net)
    return [name for name, ours in passes(net).items() if not np.allclose(theirs[name], ours, rtol=CLOSE, atol=CLOSE)]


@pytest.mark.parametrize("seed", range(8))
def test_the_numbers_of_the_playgrounds_are_those_of_numpy(seed):
    assert differing(NUMBERS, drawn(seed)) == []


@pytest.mark.parametrize(
    ("right", "wrong", "first"),
    [
        ("(p - y) / N", "(p - y)", "dZ2"),
        ("z > 0 ? d : 0", "d", "dZ1"),
        ("product(dZ1, transpose(X))", "product(dZ1, X)", "dW1"),
    ],
)
def test_a_slip_in_the_playground_is_seen(right, wrong, first):
    assert NUMBERS.count(right) == 1
    net = drawn(3) | {"X": [[1.0, -2.0], [0.5, 3.0]], "W1": [[-1.0, 0.4], [0.3, 1.0]], "b1": [[0.1], [0.2]]}
    net |= {"W2": [[0.5, -1.0], [1.5, 2.0]], "b2": [[0.0], [0.1]], "labels": [1, 0]}
    assert first in differing(NUMBERS.replace(right, wrong), net)


@pytest.fixture
def play(opened):
    """Open the page of a playground: the tab, and the playground once it lives."""
    browser, site = opened
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()

    def open_(name):
        page.goto(f"{site}{PAGES[name]}")
        return page, page.locator(f'[data-play="{name}"][data-ready="true"]')

    yield open_
    context.close()


def number(text):
    return float(text.replace("−", "-"))


def matrix(play, name):
    """A matrix that a playground shows, by the name in its caption."""
    rows = play.locator("table", has=play.page.locator("caption", has_text=f"{name} (")).first.locator("tr").all()
    return [[number(cell) for cell in row.locator("td").all_inner_texts()] for row in rows]


@pytest.mark.site
@pytest.mark.parametrize("name", PAGES)
def test_a_playground_can_be_read_without_scripts(opened, name):
    browser, site = opened
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{site}{PAGES[name]}")
    said = page.locator(f'[data-play="{name}"] .play-body').inner_text()
    context.close()
    numbers = sum(word[0].isdigit() for word in said.replace("−", "").split())
    assert numbers >= 4 or (name == "bench" and "WRONG" not in said)


@pytest.mark.site
def test_softmax_follows_its_sliders_by_keyboard(play):
    page, here = play("softmax")
    here.get_by_label("z1").focus()
    for _ in range(7):
        page.keyboard.press("ArrowRight")
    p = softmax.forward(np.array([[2.0], [1.7], [-1.0]]))
    shown = [number(text.split("=")[1]) for text in here.locator(".play-bar b").all_inner_texts()]
    assert shown == pytest.approx(p[:, 0].tolist(), rel=5e-3)
    J = np.diag(p[:, 0]) - p @ p.T
    assert matrix(here, "Jacobian ∂p/∂z") == [pytest.approx(row, rel=5e-3) for row in J.tolist()]


@pytest.mark.site
def test_the_stepper_computes_what_numpy_does_after_a_weight_an_input_and_a_label_are_moved(play):
    _, here = play("stepper")
    here.get_by_label("W1[1, 0]").fill("0.9")
    here.get_by_label("X[0, 1]").fill("1.5")
    here.get_by_label("label of example 0").select_option("1")
    net = json.loads(here.locator("script[type='application/json']").inner_text())["network"]
    net["W1"][1][0], net["X"][0][1], net["labels"][0] = 0.9, 1.5, 1
    truth = passes(net)
    for name in ("Z1", "P", "dZ2", "dW2", "db2", "dZ1", "dW1", "db1"):
        here.locator(".play-list button", has_text=name).first.click()
        assert matrix(here, name) == [pytest.approx(row, rel=2e-3, abs=1e-12) for row in truth[name].tolist()], name
        if name[:2] in ("dW", "db"):
            assert float(here.locator(".play-check").get_attribute("data-gap")) < 1e-8


@pytest.mark.site
def test_the_stepper_goes_forward_and_back_by_keyboard(play):
    page, here = play("stepper")
    assert here.locator(".play-formula").inner_text().startswith("Z1 =")
    here.get_by_role("button", name="forward →").focus()
    page.keyboard.press("Enter")
    assert here.locator(".play-formula").inner_text().startswith("A1 =")
    here.get_by_role("button", name="← back").focus()
    page.keyboard.press("Enter")
    assert here.locator(".play-formula").inner_text().startswith("Z1 =")


@pytest.mark.site
def test_a_value_of_the_stepper_is_chosen_by_keyboard_and_the_focus_stays(play):
    page, here = play("stepper")
    here.locator(".play-list button", has_text="dW2").focus()
    page.keyboard.press("Enter")
    assert here.locator(".play-formula").inner_text().startswith("dW2 =")
    assert page.evaluate("document.activeElement.textContent") == "dW2"
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")  # the next of the list
    assert here.locator(".play-formula").inner_text().startswith("db2 =")
    here.get_by_label("db2[1, 0] =").focus()
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.getAttribute('aria-label')").startswith("db2[1, 0]")
    here.get_by_label("W1[1, 0]").focus()
    before = matrix(here, "db2")
    page.keyboard.press("ArrowUp")
    assert matrix(here, "db2") != before
    assert here.get_by_label("W1[1, 0]").input_value() == "-0.2"


@pytest.mark.site
def test_the_step_and_the_bench_are_worked_by_keyboard_alone(play):
    page, here = play("step")
    here.get_by_label("log₁₀ h", exact=True).focus()
    page.keyboard.press("Home")
    assert "Rounding decides" in here.locator("[data-error]").inner_text()
    page.keyboard.press("End")
    assert "Truncation decides" in here.locator("[data-error]").inner_text()
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowDown")
    assert here.get_by_label("precision").input_value() == "float32"

    page, here = play("bench")
    here.get_by_label("mistake").focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Home")  # one example
    assert here.locator(".play-verdict").get_attribute("data-seen") == "false"
    page.keyboard.press("ArrowRight")
    assert here.locator(".play-verdict").get_attribute("data-seen") == "true"


@pytest.mark.site
def test_the_error_of_the_step_is_that_of_numpy(play):
    _, here = play("step")
    errors = {}
    for exponent in (-2, -5):
        here.get_by_label("log₁₀ h", exact=True).fill(str(exponent))
        errors[exponent] = float(here.locator("[data-error]").get_attribute("data-error"))
    f, x, h = (lambda t: np.log1p(np.exp(t))), 0.5, 1e-2
    assert errors[-2] == pytest.approx(abs((f(x + h) - f(x - h)) / (2 * h) - 1 / (1 + np.exp(-x))), rel=1e-4)
    assert errors[-5] < errors[-2]
    here.get_by_label("function").select_option("kink")
    here.get_by_label("log₁₀ h", exact=True).fill("-2")
    assert float(here.locator("[data-error]").get_attribute("data-error")) > 0.1


@pytest.mark.site
def test_the_bench_shows_when_a_batch_of_one_or_a_square_layer_hides_a_mistake(play):
    _, here = play("bench")
    seen = here.locator(".play-verdict")
    here.get_by_label("mistake").select_option("scale.N")
    assert seen.get_attribute("data-seen") == "true"
    here.get_by_label("examples N").fill("1")
    assert seen.get_attribute("data-seen") == "false"
    here.get_by_label("examples N").fill("4")
    here.get_by_label("mistake").select_option("dA.not_transposed")
    assert "stops" in here.locator(".play-report").inner_text()
    here.get_by_label("classes").fill("5")
    rows = {row.get_attribute("data-name"): row.get_attribute("data-sees") for row in here.locator("tbody tr").all()}
    assert rows == {"dW2": "false", "db2": "false", "dW1": "true", "db1": "true"}


@pytest.mark.site
def test_a_drawn_digit_goes_through_the_network_as_in_numpy(play):
    page, here = play("digit")
    given = json.loads(here.locator("script[type='application/json']").inner_text())

    def shown():
        return json.loads(here.locator("[data-probabilities]").get_attribute("data-probabilities"))

    assert shown() == pytest.approx(given["probabilities"], abs=1e-5)  # the page has the weights in float32
    here.get_by_role("button", name="clear").click()
    empty = shown()
    here.locator("canvas[tabindex]").focus()
    for key in [" ", *["ArrowDown", " "] * 6]:
        page.keyboard.press(key)
    by_keyboard = shown()
    assert max(abs(a - b) for a, b in zip(empty, by_keyboard, strict=True)) > 1e-3
    box = here.locator("canvas[tabindex]").bounding_box()
    page.mouse.move(box["x"] + 60, box["y"] + 60)
    page.mouse.down()
    page.mouse.move(box["x"] + 180, box["y"] + 60, steps=12)
    page.mouse.up()
    assert max(abs(a - b) for a, b in zip(by_keyboard, shown(), strict=True)) > 1e-3
