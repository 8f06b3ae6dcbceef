"""Is a file run beside what it may import, and is nothing else of the disk copied for it?"""

import os

import pytest

from nnref.checking.homework import copying
from nnref.cli import main


def tree(root, *names):
    """Empty files below a folder, by their places in it."""
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("", encoding="utf-8")


def copied(root, path, scratch):
    """Where the copy of a file lies, and all that was copied, by their places in the copy."""
    moved = copying.order_in_copy({"path": str(root / path)}, scratch)["path"]
    files = sorted(p.relative_to(scratch / "above").as_posix() for p in scratch.rglob("*") if p.is_file())
    return os.path.relpath(moved, scratch / "above"), files


@pytest.mark.parametrize(
    ("path", "place", "there"),
    [
        ("ch04/net.py", "ch04/net.py", {"common/layers.py", "ch04/digits.csv", "setup.py"}),  # sys.path.append("..")
        ("pkg/sub/net.py", "pkg/sub/net.py", {"pkg/__init__.py", "pkg/base.py", "setup.py"}),  # from ..base import
        ("pkg/sub/net.py", "pkg/sub/net.py", {"pkg/utils/features/deep/sines.py"}),  # from ..utils.features import
        ("pkg/runs/net.py", "pkg/runs/net.py", {"pkg/base.py", "setup.py"}),  # from pkg.base import, in a plain folder
    ],
)
def test_a_file_is_run_beside_its_package_and_the_folders_beside_its_own(tmp_path, path, place, there):
    root, scratch = tmp_path / "repository", tmp_path / "scratch"
    tree(root, "setup.py", "common/__init__.py", "common/layers.py", "common/weights.bin", "ch04/net.py")
    tree(
        root, "ch04/digits.csv", "pkg/__init__.py", "pkg/base.py", "pkg/sub/__init__.py", "pkg/sub/net.py", ".git/x.py"
    )
    tree(root, "pkg/runs/net.py", *(f"pkg/utils/{f}__init__.py" for f in ("", "features/", "features/deep/")))
    tree(root, "pkg/utils/features/deep/sines.py")
    scratch.mkdir()
    found, files = copied(root, path, scratch)
    assert found == place
    assert there <= set(files)
    assert not {"common/weights.bin", ".git/x.py"} & set(files)


@pytest.mark.parametrize("package", ["mini", "src/mini"])
def test_a_package_that_a_file_names_is_copied_from_above_it_and_nothing_beside_that(tmp_path, package):
    """examples/digits/run.py says `import mini`, and mini lies in the repository, or in its src."""
    root = tmp_path / "repository"
    tree(
        root,
        f"{package}/__init__.py",
        f"{package}/core/__init__.py",
        f"{package}/core/net.py",
        "diary.py",
        "examples/x.py",
    )
    (root / "examples/digits").mkdir()
    (root / "examples/digits/run.py").write_text("import random, mini.core.net\n")
    (tmp_path / "scratch").mkdir()
    place, files = copied(root, "examples/digits/run.py", tmp_path / "scratch")
    assert f"{package}/core/net.py" in files
    assert place.endswith("digits/run.py")
    assert not any(file.endswith("diary.py") for file in files)


REGRESSION = """\
import numpy as np
from ..tools.functions import squash

def train(X, y, lr=0.1):
    W = np.zeros((X.shape[1], 1))
    for _ in range(9):
        W -= lr * X.T @ (squash(X @ W) - y) / len(X)
    return W
"""


def test_a_file_in_a_package_is_checked_with_what_lies_deep_in_the_next(tmp_path, capsys):
    """homemade/tools/functions/sigmoid.py, where homemade is a package and tools is a plain folder."""
    tree(tmp_path / "homemade", "__init__.py", "regression/__init__.py", "tools/functions/__init__.py")
    (tmp_path / "homemade/tools/functions/__init__.py").write_text("from .sigmoid import squash\n")
    sigmoid = tmp_path / "homemade/tools/functions/sigmoid.py"
    sigmoid.write_text("import numpy as np\ndef squash(z):\n    return 1 / (1 + np.exp(-z))\n")
    file = tmp_path / "homemade/regression/regression.py"
    file.write_text(REGRESSION)
    assert main(["check", str(file)]) == 0, capsys.readouterr()
    file.write_text(REGRESSION.replace("- y)", "+ y)"))
    assert main(["check", str(file)]) == 1, capsys.readouterr()


def test_no_more_modules_are_copied_than_a_limit(tmp_path, monkeypatch):
    monkeypatch.setattr(copying, "MODULES", 3)
    tree(tmp_path, *(f"m{k}.py" for k in range(9)))
    assert [path.name for path in copying.modules_in(tmp_path)] == ["m0.py", "m1.py", "m2.py"]


def test_of_a_class_only_the_programs_that_a_file_names_are_copied_and_what_these_name(tmp_path):
    """And the data, and all of a folder with few programs."""
    root = tmp_path / "class"
    tree(root, *(f"student_{k}.py" for k in range(copying.FEW)), "digits.csv", "tools/__init__.py", "tools/layers.py")
    (root / "hw.py").write_text("from student_3 import x\nimport tools.layers\nexec(open('student_5.py').read())\n")
    (root / "student_3.py").write_text("import student_4\n")
    (tmp_path / "scratch").mkdir()
    named = {"hw", "student_3", "student_4", "student_5", "tools/__init__", "tools/layers"}
    expected = {f"class/{name}.py" for name in named} | {"class/digits.csv"}
    assert set(copied(root, "hw.py", tmp_path / "scratch")[1]) == expected
    for k in range(6, copying.FEW):
        (root / f"student_{k}.py").unlink()
    (tmp_path / "other").mkdir()
    assert "class/student_0.py" in copied(root, "hw.py", tmp_path / "other")[1]
