"""One name, four places: nothing dangles, imports go one way, and shapes say the same everywhere."""

import ast
import inspect
import re
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

import nnref
from derivations.prover.proof import claims
from nnref import bridge
from nnref.checking import watching
from tests.support import imports, mirror

ROOT = Path(nnref.__file__).parent.parent
CLAIMS = claims()
BOUND = [claim for claim in CLAIMS.values() if claim.kind in ("definition", "gradient")]
CONCEPTS = [claim for claim in BOUND if not claim.name.startswith("mlp.")]
"""The claims with a function of their own; those about the network are entries of nnref.gradients."""

each_of_a_concept = pytest.mark.parametrize("claim", CONCEPTS, ids=lambda claim: claim.name)
each_bound = pytest.mark.parametrize("claim", BOUND, ids=lambda claim: claim.name)

HEAVY = {"sympy", "mpmath", "rich", "matplotlib", "tensorflow", "flint", "mlxtend", "derivations", "scipy"}
HEAVY |= {"torch", "jax", "array_api_compat", "keras", "onnx", "onnxruntime", "distributed"}


@cache
def graph():
    """Who imports whom, read when a test first asks."""
    return imports.graph(ROOT)


def test_imports_go_along_the_arrows():
    assert imports.forbidden(graph()) == []


def test_no_import_comes_back_to_where_it_began():
    assert imports.circle(graph()) == []


def test_the_arrows_go_down():
    """A wing stands after all that it may import: so no circle of wings can be allowed."""
    names = list(imports.ARROWS)
    assert [name for name in names if imports.ARROWS[name] - set(names[: names.index(name)])] == []


def planted(root, files):
    """A tree of these files, by path without nnref/checking/, and the imports within it."""
    for path, text in files.items():
        place = root / "nnref" / "checking" / f"{path}.py"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
    return imports.graph(root)


@pytest.mark.parametrize(
    "text",
    [
        "from nnref.checking.gradcheck import slopes",
        "import nnref.checking.gradcheck.slopes",
        "from nnref.checking.gradcheck.slopes import H",
        "def f():\n    from nnref.checking.gradcheck import slopes",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from nnref.checking.gradcheck.slopes import Loss",
    ],
)
def test_an_import_against_the_arrows_is_seen_wherever_it_stands(tmp_path, text):
    found = imports.forbidden(planted(tmp_path, {"results/report": text, "gradcheck/slopes": "H = 1"}))
    assert found == [
        "nnref.checking.results.report imports nnref.checking.gradcheck.slopes: results may not import gradcheck"
    ]


def test_a_wing_without_arrows_may_import_nothing(tmp_path):
    files = {"new/thing": "from nnref.checking.results import report", "results/report": "", "results/table": ""}
    assert len(imports.forbidden(planted(tmp_path, files))) == 1
    assert len(imports.forbidden(planted(tmp_path, {"results/table": "from nnref.checking.new import thing"}))) == 2


def test_a_circle_is_seen_within_a_wing_and_within_a_function(tmp_path):
    files = {
        "results/report": "from nnref.checking.results import table",
        "results/table": "from nnref.checking.results.rows import row",
        "results/rows": "def row():\n    from nnref.checking.results import report",
    }
    planted(tmp_path, files | {"results/rows": "row = 1"})
    assert imports.circle(imports.graph(tmp_path)) == []
    names = ["report", "table", "rows", "report"]
    assert imports.circle(planted(tmp_path, files)) == [f"nnref.checking.results.{name}" for name in names]


def test_no_class_and_no_imported_function_of_the_checks_shares_its_name_with_another():
    assert imports.ambiguous(ROOT) == {}


def test_a_name_with_two_meanings_is_found(tmp_path):
    """Two functions of one name are told apart where each is used in its own module, or asked of its module."""
    files = {
        "results/first": "class Way: pass\ndef rows(): pass\ndef forward(): pass",
        "results/second": "class Way: pass\ndef rows(): pass\ndef forward(): pass",
        "results/third": "from nnref.checking.results import first\nfrom nnref.checking.results.second import forward",
    }
    planted(tmp_path, files)
    both = ["nnref.checking.results.first", "nnref.checking.results.second"]
    assert imports.ambiguous(tmp_path) == {"Way": both}
    files["results/third"] = "\n".join(f"from {module} import rows as its" for module in both)
    planted(tmp_path, files)
    assert imports.ambiguous(tmp_path) == {"Way": both, "rows": both}


WING = "nnref.checking.watching."
PARTS = re.findall(r"^    (\w+)/? {2,}", watching.__doc__, flags=re.MULTILINE)


def part(module):
    """The part of the wing that a module belongs to; None for one of another wing."""
    return module.removeprefix(WING).partition(".")[0] if module.startswith(WING) else None


def test_each_part_knows_only_those_before_it():
    arrows = {(part(user), part(used)) for user, known in graph().items() for used in known}
    inside = {(user, used) for user, used in arrows if user and used and user != used}
    assert inside
    assert [(user, used) for user, used in inside if PARTS.index(user) < PARTS.index(used)] == []


def test_the_reading_list_names_every_part():
    folder = Path(watching.__file__).parent
    assert {p.stem for p in folder.iterdir() if p.name not in ("__init__.py", "__pycache__")} == set(PARTS)


def unnamed(folder):
    """The modules of a package that its docstring does not name."""
    said = ast.get_docstring(ast.parse((folder / "__init__.py").read_text(encoding="utf-8"))) or ""
    modules = {path.stem for path in folder.glob("*.py")} | {path.parent.name for path in folder.glob("*/__init__.py")}
    return sorted(name for name in modules - {"__init__"} if not re.search(rf"\b{name}\b", said))


WINGS = sorted({path.parent for path in (Path(nnref.__file__).parent / "checking").rglob("__init__.py")})


@pytest.mark.parametrize("wing", WINGS, ids=lambda wing: wing.name)
def test_the_docstring_of_every_wing_is_a_reading_list_of_all_its_modules(wing):
    assert unnamed(wing) == []


def test_a_module_that_no_reading_list_names_is_found(tmp_path):
    (tmp_path / "__init__.py").write_text('"""Read first, then second."""', encoding="utf-8")
    for name in ("first", "second", "third"):
        (tmp_path / f"{name}.py").write_text("", encoding="utf-8")
    assert unnamed(tmp_path) == ["third"]


def test_derivations_know_neither_numpy_nor_nnref():
    assert importers(ROOT / "derivations", {"numpy", "nnref"}) == []


def test_nnref_imports_nothing_heavier_than_numpy_at_the_top():
    assert importers(ROOT / "nnref", HEAVY, everywhere=False) == []


def test_only_the_bridge_knows_the_derivations():
    assert importers(ROOT / "nnref", {"sympy", "derivations"}) == ["nnref/bridge.py"]


def importers(folder, unwanted, everywhere=True):
    """The files of a folder that import one of these packages, anywhere or at the top."""
    files = sorted(folder.rglob("*.py"))
    texts = {file: file.read_text(encoding="utf-8") for file in files}
    return [
        file.relative_to(ROOT).as_posix()
        for file, text in texts.items()
        if unwanted & set(imports.packages(text, everywhere))
    ]


@pytest.mark.parametrize(
    "text", ["import numpy.linalg", "def f():\n    try:\n        from numpy import sum\n    finally: 0"]
)
def test_a_package_is_seen_wherever_it_is_imported(text):
    assert set(imports.packages(text, everywhere=True)) == {"numpy"}
    assert bool(set(imports.packages(text, everywhere=False))) == text.startswith("import")


def test_every_definition_names_what_it_defines():
    assert [c.name for c in CLAIMS.values() if (c.kind == "definition") != (c.names is not None)] == []


def test_only_a_definition_has_a_name_on_its_left():
    with pytest.raises(ValueError, match="a definition names what it defines; a lemma has a question instead"):
        replace(CLAIMS["affine.forward"], kind="lemma")


@each_bound
def test_every_definition_and_gradient_has_its_function(claim):
    assert callable(bridge.function(claim.name))


def test_a_claim_without_a_function_is_named():
    with pytest.raises(LookupError, match=r"swish\.dZ has no function: nnref/swish\.py should define dZ"):
        bridge.function("swish.dZ")


@pytest.mark.parametrize("module", sorted({claim.name.split(".")[0] for claim in CONCEPTS}))
def test_every_public_function_of_a_claimed_concept_has_its_claim(module):
    """But for layer, which puts the others together."""
    found = inspect.getmembers(__import__(f"nnref.{module}", fromlist=["_"]), inspect.isfunction)
    public = {f"{module}.{name}" for name, f in found if f.__module__ == f"nnref.{module}" and not name.startswith("_")}
    assert public - {f"{module}.layer"} == {claim.name for claim in BOUND if claim.name.startswith(f"{module}.")}


def documented(function):
    """The shapes of a docstring's Shapes: line, by symbol, and "" for the result."""
    line = re.search(r"Shapes: (.*)", inspect.getdoc(function)).group(1)
    before, after = line.split("->")
    given = {
        name: tuple(shape.split(", ") if shape else ()) for name, shape in re.findall(r"(\w+) \(([^)]*)\)", before)
    }
    result = re.search(r"\(([^)]*)\)", after).group(1)
    return given | {"": tuple(result.split(", ") if result else ())}


@each_of_a_concept
def test_the_shapes_line_says_what_the_claim_says(claim):
    assert documented(bridge.function(claim.name)) == dict(claim.shapes)


@each_of_a_concept
def test_the_parameters_are_the_symbols_of_the_claim(claim):
    assert list(inspect.signature(bridge.function(claim.name)).parameters) == [s for s in claim.shapes if s]


def test_every_claim_that_a_docstring_names_as_its_proof_exists():
    for path in sorted((ROOT / "nnref").rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        lines = re.findall(r"Proof: derivations/\w+\.py, claims? ([\w.]+(?: and [\w.]+)*)", text)
        assert len(lines) == text.count("Proof: "), path
        assert {name.rstrip(".") for line in lines for name in line.split(" and ")} <= CLAIMS.keys(), path


def test_importing_nnref_imports_numpy_and_nothing_heavier():
    import subprocess
    import sys

    code = f"import sys, nnref; print(sorted({HEAVY!r} & set(sys.modules)))"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert out.stdout.strip() == "[]"


def test_the_shapes_of_the_networks_gradients_are_those_of_its_parameters():
    from derivations import mlp

    claimed = {claim.wrt: claim.shapes[""] for claim in BOUND if claim.name.startswith("mlp.")}
    assert claimed == {name: tuple(map(str, shape)) for name, shape in mlp.SHAPES.items()}


def test_importing_nnref_imports_the_formulas_and_nothing_that_checks_or_trains():
    import subprocess
    import sys

    code = "import sys, nnref; print([m for m in sys.modules if m.startswith(('nnref.checking', 'nnref.running'))])"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert out.stdout.strip() == "[]"


def test_each_public_name_can_be_had_and_comes_from_where_type_checkers_are_told():
    tree = ast.parse(Path(nnref.__file__).read_text(encoding="utf-8"))
    blocks = [node for node in tree.body if isinstance(node, ast.If)]
    told = {a.name: f.module for block in blocks for f in block.body if isinstance(f, ast.ImportFrom) for a in f.names}
    assert told == {name: f"nnref.{module}" for name, module in nnref.WHEN_ASKED.items()}
    for name in nnref.__all__:
        assert getattr(nnref, name) is not None
        assert name in dir(nnref)
    with pytest.raises(AttributeError, match="no attribute 'trian'"):
        nnref.trian  # noqa: B018


def test_the_test_of_a_module_is_found_by_its_path():
    concepts = {name.split(".")[0] for name in CLAIMS}
    assert mirror.untested(ROOT, concepts) == []


def test_a_module_without_a_test_in_its_own_wing_is_named(tmp_path):
    files = {
        "nnref/checking/results/report.py": "def f(): pass",
        "nnref/checking/results/numbers.py": "HALF = 0.5",
        "nnref/checking/gradcheck/slopes.py": "def f(): pass",
        "nnref/running/engines/one.py": "def f(): pass",
        "tests/checking/results/test_table.py": "from nnref.checking.gradcheck import slopes",
    }
    for path, text in files.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    without = ["nnref.checking.gradcheck.slopes", "nnref.checking.results.report", "nnref.running.engines.one"]
    assert mirror.untested(tmp_path, set()) == without
    for path in ("checking/results/test_report.py", "checking/gradcheck/test_h.py", "running/test_engines.py"):
        (tmp_path / "tests" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "tests" / path).write_text("from nnref.checking.gradcheck.slopes import f")
    assert mirror.untested(tmp_path, set()) == []
