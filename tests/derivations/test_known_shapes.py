"""Is the table of shapes that was kept the one that would be derived, and is a spoilt one derived again?"""

import json
import subprocess
import sys
from pathlib import Path

import nnref
from derivations import shapes
from derivations.output import verdict
from nnref import bridge

ROOT = Path(nnref.__file__).parent.parent


def test_a_table_is_derived_once_and_then_known_without_sympy(tmp_path, monkeypatch):
    monkeypatch.setenv("NNREF_CACHE", str(tmp_path))
    first = bridge.parameter_shapes([5, 4, 3])
    assert first == {name: tuple(map(int, shape)) for name, shape in shapes.shape_table([5, 4, 3]).items()}
    code = "import sys; from nnref import bridge; print(bridge.parameter_shapes([5, 4, 3]), 'sympy' in sys.modules)"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert out.stdout.strip() == f"{first} False"


def test_other_widths_and_spoilt_files_are_derived(tmp_path, monkeypatch):
    monkeypatch.setenv("NNREF_CACHE", str(tmp_path))
    bridge.parameter_shapes([5, 4, 3])
    assert bridge.parameter_shapes([3, 2]) == {"W1": (2, 3), "b1": (2, 1)}
    assert set(json.loads(verdict.place("shapes").read_text())) == {"5 4 3", "3 2"}
    for spoilt in ("", "[]", '{"3 2": 1}', '{"3 2": {"W1": [2]}}'):
        verdict.place("shapes").write_text(spoilt)
        assert bridge.parameter_shapes([3, 2]) == {"W1": (2, 3), "b1": (2, 1)}


def test_tables_of_other_sources_are_not_read(tmp_path, monkeypatch):
    monkeypatch.setenv("NNREF_CACHE", str(tmp_path))
    verdict.write(verdict.place("shapes"), {"3 2": {"W1": [9, 9]}})
    assert bridge.parameter_shapes([3, 2]) == {"W1": (9, 9)}  # trusted, for the name holds the sources' hash
    monkeypatch.setattr(verdict, "key", lambda: "another")
    assert bridge.parameter_shapes([3, 2]) == {"W1": (2, 3), "b1": (2, 1)}
