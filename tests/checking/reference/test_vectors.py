"""Can another language agree with the known answers? Is the golden digest what it says?"""

import hashlib
import json
import re
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

import nnref
from nnref import cli
from nnref.checking.operations.record import Undecided
from nnref.checking.reference import balls, golden, layer_vectors, noise, vectors
from nnref.network import named
from nnref.running.run import parameters_sha256
from tests.conftest import require
from tests.support.quick import some

NETWORK_JS = (Path(__file__).parent / "network.js").read_text(encoding="utf-8")


@pytest.fixture(scope="module", autouse=True)
def few_layers():
    """Known answers of a few layers are written here: test_layer_vectors.py judges them all."""
    with pytest.MonkeyPatch.context() as few:
        few.setattr(layer_vectors, "functions_with_answers", lambda: ["affine.dW", "layer_norm.dX", "conv2d.db"])
        yield


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The vectors, written once."""
    require("flint")
    out = tmp_path_factory.mktemp("vectors") / "out"
    vectors.write(out)
    return out


@pytest.fixture(scope="module")
def cases(folder):
    """The tiny networks by name."""
    return {case["name"]: case for case in json.loads((folder / "tiny.json").read_text())["cases"]}


def answered(source, case):
    """What a JavaScript network answers."""
    quickjs = require("quickjs")
    context = quickjs.Context()
    context.eval(source)
    context.set("text", json.dumps(case))
    return {p: np.array(M) for p, M in json.loads(context.eval("JSON.stringify(answers(JSON.parse(text)))")).items()}


def worst(case, gradients):
    """The largest |error| / (u S) of a gradient, as a share of what is allowed."""
    layers, theta, X, Y = vectors.TINY_REGIMES[case["name"]][1]()
    S, bound = named(noise.scale(layers, theta, X, Y, "float64")), noise.allowed(layers, theta, X.shape[1])
    shares = []
    for p in S:
        truth = np.array([[Decimal(x) for x in row] for row in case["answers"][f"d{p}"]])
        yours = np.vectorize(Decimal, otypes=[object])(gradients[f"d{p}"])
        gap = abs(yours - truth).astype("float64")
        shares.append(noise.multiples(gap, np.zeros_like(gap), S[p], "float64").max() / bound)
    return max(shares)


def test_javascript_agrees_with_every_tiny_network(cases):
    assert cases.keys() == vectors.TINY_REGIMES.keys()
    for case in cases.values():
        assert worst(case, answered(NETWORK_JS, case)) <= 1, case["name"]


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("(p - given.Y[i][j]) / N", "(p + given.Y[i][j]) / N"),
        ("(p - given.Y[i][j]) / N", "(p - given.Y[i][j])"),
        ("out[`db${l}`] = rowSums(dZ)", "out[`db${l}`] = map(rowSums(dZ), x => x / N)"),
        ("1 - a * a", "1 + a * a"),
        ("a * (1 - a)", "a * (1 + a)"),
        ("a > 0 ? 1 : 0", "a >= 0 ? 1 : 0"),
        ("x + given[`b${l}`][i][0]", "x - given[`b${l}`][i][0]"),
    ],
)
def test_a_slip_in_the_javascript_is_seen(right, wrong, cases):
    assert right in NETWORK_JS
    slipped = NETWORK_JS.replace(right, wrong)
    assert max(worst(case, answered(slipped, case)) for case in cases.values()) > 1


def test_the_answers_are_those_of_the_network_and_have_fifty_digits(cases):
    for case in cases.values():
        layers, theta, X, Y = vectors.TINY_REGIMES[case["name"]][1]()
        given = {p: np.array([[float(x) for x in row] for row in M]) for p, M in case["given"].items()}
        assert all((given[p] == P).all() for p, P in vectors.given((layers, theta, X, Y)).items())
        loss = float(case["answers"]["loss"][0][0])
        assert loss == pytest.approx(float(nnref.loss(layers, theta, X, Y)), rel=64 * noise.unit("float64"))
        strings = [x for M in case["answers"].values() for row in M for x in row]
        assert max(len(Decimal(x).as_tuple().digits) for x in strings) == vectors.DIGITS
        assert {x for x in strings if not re.fullmatch(vectors.MATRIX["items"]["items"]["pattern"], x)} == set()


def test_the_regimes_are_what_they_say(cases):
    zeros, large = cases["zeros"]["answers"], cases["large"]["answers"]
    assert [row[0] for row in zeros["Z1"]] == ["0"] * 4  # at the kink
    assert [row[0] for row in zeros["dW1"]] == ["0"] * 4  # a pixel that is always 0
    assert max(abs(Decimal(x)) for row in large["Z3"] for x in row) > 100
    for name in ("relu", "sigmoid", "tanh"):
        assert all(Decimal(x) != 0 for row in cases[name]["given"]["X"] for x in row)
        assert sum(Decimal(x) != 0 for row in cases[name]["answers"]["dW1"] for x in row) >= 9


def test_a_decimal_is_undecided_where_the_ball_reaches_over_a_tie():
    flint = require("flint")
    with balls.precision(400):
        third = flint.arb(1) / 3
        assert vectors.decimal(third) == "0." + "3" * vectors.DIGITS
        assert vectors.decimal(flint.arb(0)) == "0"
        with pytest.raises(Undecided):
            vectors.decimal(third + flint.arb(0, 1e-45))


@pytest.mark.parametrize("regime", vectors.FULL_REGIMES)
@pytest.mark.parametrize("dtype", vectors.DTYPES)
def test_the_full_network_is_within_rounding_of_its_answers(regime, dtype, folder):
    place = folder / "full" / regime
    shapes = json.loads((place / "shapes.json").read_text())["shapes"]
    with np.load(place / dtype / "arrays.npz") as arrays:
        answers = {p: arrays[p] for p in arrays.files}
    assert answers.keys() == shapes.keys()
    little = np.dtype(dtype).newbyteorder("<")
    for p, P in answers.items():
        assert (np.fromfile(place / dtype / f"{p}.bin", little).reshape(shapes[p]) == P).all()
    layers, theta, X, Y = vectors.FULL_REGIMES[regime][1]()
    theta = tuple(nnref.Affine(*(q.astype(dtype) for q in p)) if p else () for p in theta)
    X, Y = X.astype(dtype), Y.astype(dtype)
    G, S = named(nnref.gradients(layers, theta, X, Y)), named(noise.scale(layers, theta, X, Y, dtype))
    bound = noise.allowed(layers, theta, X.shape[1])
    with np.errstate(under="ignore"):
        for p, g in G.items():
            truth = answers[f"d{p}"].astype("float64")
            q = noise.multiples(g, truth, S[p], dtype, np.spacing(abs(answers[f"d{p}"])))
            assert q.max() <= bound, p


def test_the_sums_are_those_of_the_files_and_the_readme_names_each_regime(folder):
    lines = (folder / "SHA256SUMS").read_text().splitlines()
    sums = dict(reversed(line.split("  ")) for line in lines)
    files = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    assert sums.keys() == files.keys() - {"SHA256SUMS"}
    assert all(hashlib.sha256(files[name].read_bytes()).hexdigest() == digest for name, digest in sums.items())
    readme = (folder / "README.md").read_text()
    assert all(f"- {name}: " in readme for name in [*vectors.TINY_REGIMES, *vectors.FULL_REGIMES])
    required = vectors.SCHEMA["properties"]["cases"]["items"]["required"]
    assert all(sorted(case) == sorted(required) for case in json.loads((folder / "tiny.json").read_text())["cases"])


def test_nothing_is_overwritten_and_a_failure_leaves_nothing(tmp_path, monkeypatch, capsys):
    require("flint")
    (tmp_path / "there").mkdir()
    assert cli.main(["vectors", str(tmp_path / "there")]) == cli.BAD_USE
    assert "Name a new folder" in capsys.readouterr().err
    monkeypatch.setattr(vectors, "write_full", lambda *a: (_ for _ in ()).throw(OSError("no space")))
    assert cli.main(["vectors", str(tmp_path / "new")]) == cli.BAD_USE
    assert [path.name for path in tmp_path.iterdir()] == ["there"]


def test_without_flint_the_command_says_what_to_install(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert cli.main(["vectors", str(tmp_path / "new")]) == cli.BAD_USE
    assert "pip install 'nnref[rigour]'" in capsys.readouterr().err


def test_the_command_says_what_it_wrote(tmp_path, monkeypatch, capsys):
    require("flint")
    monkeypatch.setattr(vectors, "FULL_REGIMES", {})
    assert cli.main(["vectors", str(tmp_path / "new"), "--json"]) == cli.OK
    said = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert said["ok"]
    assert said["sha256"] == golden.GRADIENT_SHA256
    assert said["files"] == len([path for path in (tmp_path / "new").rglob("*") if path.is_file()])


def test_the_golden_parameters_come_from_the_integers_that_the_docstring_gives():
    _, theta, X, Y = golden.network()
    x = (6364136223846793005 + 1442695040888963407) % 2**64
    assert theta[0].W[0, 0] == ((x >> 40) - 2**23) / 2**26
    assert parameters_sha256(theta) == golden.PARAMETERS_SHA256
    assert all((P.astype("float32") == P).all() for P in [*named(theta).values(), X])
    assert all((P != 0).all() and (P > 0).any() and (P < 0).any() for P in [*named(theta).values(), X])
    assert (Y.sum(axis=1) > 0).all()


PAGE = Path(__file__).parents[3] / "docs" / "check" / "vectors.md"


def made_from(page):
    """The digests of the golden network that JavaScript makes from the numbers on the page."""
    multiplier, increment = re.search(r"\((\d+) · x \+ (\d+)\) mod 2⁶⁴", page).groups()
    table = [[int(n) for n in row] for row in re.findall(r"^\| \w+ \| (\d+) × (\d+) \| (\d+) \|$", page, re.M)]
    context = require("quickjs").Context()
    context.eval((Path(__file__).parent / "golden.js").read_text(encoding="utf-8"))
    context.set("numbers", json.dumps({"multiplier": multiplier, "increment": increment, "table": table}))
    made = json.loads(context.eval("JSON.stringify(golden(JSON.parse(numbers)))"))
    return {what: hashlib.sha256(bytes.fromhex(text)).hexdigest() for what, text in made.items()}


def test_javascript_makes_the_golden_network_from_the_page_alone():
    published = {"parameters": golden.PARAMETERS_SHA256, "batch": golden.BATCH_SHA256}
    assert made_from(PAGE.read_text(encoding="utf-8")) == published


@pytest.mark.parametrize(
    ("right", "wrong"),
    [("6364136223846793005", "6364136223846793007"), ("| W2 | 64 × 128 | 25 |", "| W2 | 128 × 64 | 24 |")],
)
def test_a_slip_on_the_page_makes_another_network(right, wrong):
    page = PAGE.read_text(encoding="utf-8")
    assert right in page
    assert made_from(page.replace(right, wrong))["parameters"] != golden.PARAMETERS_SHA256


@pytest.mark.parametrize("threads", some([2, 1], 99))
def test_the_golden_gradient_is_the_same_under_any_number_of_blas_threads(threads):
    require("flint")
    with threadpool_limits(limits=threads, user_api="blas"):
        G = golden.golden_gradient()
        layers, theta, X, Y = golden.network()
        yours = nnref.gradients(layers, theta, X, Y)
    assert parameters_sha256(G) == golden.GRADIENT_SHA256
    S = noise.scale(layers, theta, X, Y, "float64")
    q = balls.multiples_in_balls(yours, balls.enclosures(layers, theta, X, Y), S, "float64")
    assert sum(m.size for m in q.values()) == 109_386
    assert max(float(m.max()) for m in q.values()) <= 1


def test_the_digest_sees_one_last_digit():
    require("flint")
    G = golden.golden_gradient()
    G[0].W[3, 5] = np.nextafter(G[0].W[3, 5], 1)
    assert parameters_sha256(G) != golden.GRADIENT_SHA256
