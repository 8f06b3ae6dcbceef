"""Do the fixtures work in a stranger's test file?"""

import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import nnref

ROOT = Path(nnref.__file__).parent.parent

STRANGER = """
import numpy as np

x = {"x": np.array([1.0, 2.0, 3.0])}
loss = lambda theta: (theta["x"] ** 2).sum()

def test_right(gradcheck):
    gradcheck(loss, x, {"x": 2 * x["x"]})

def test_wrong(gradcheck):
    gradcheck(loss, x, {"x": x["x"]})

def test_layer(vjpcheck):
    vjpcheck(lambda x: x ** 2, lambda x, dY: 2 * x * dY, x)
"""


def test_the_fixture_passes_what_is_right_and_prints_the_table_for_what_is_wrong(tmp_path):
    (tmp_path / "test_stranger.py").write_text(STRANGER)
    # Where nnref is installed, pytest finds the plugin by its entry point, and would refuse it a second time.
    found = entry_points(group="pytest11", name="nnref")
    named = [] if found else ["-p", "nnref.pytest_plugin"]
    command = [sys.executable, "-m", "pytest", *named, "-q", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 1
    assert "1 failed, 2 passed" in done.stdout
    assert "GradientMismatch: WRONG: x" in done.stdout
    assert "1/2 times the truth everywhere" in done.stdout
    assert "raise GradientMismatch" not in done.stdout, "the line shown is the stranger's own"
