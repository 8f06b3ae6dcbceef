"""A program, executed once under a recorder: what it finds, what ends it, and that nothing of it stays."""

import sys
from pathlib import Path

import pytest

from nnref.checking.reading.source import read_source
from nnref.checking.watching.program import execute, spread
from nnref.checking.watching.recording.recorder import Recorder
from tests.support.programs import written
from tests.support.recordings import recorded


def test_the_modules_beside_a_program_are_recorded_too_and_forgotten_afterwards(tmp_path):
    (tmp_path / "slopes_beside.py").write_text("def twice(x):\n    return x * 2\n")
    run = recorded(tmp_path, "import numpy as np\nfrom slopes_beside import twice\ny = twice(np.ones(2))\n")
    (product,) = (n for n in run.tape if n.op == "multiply")
    assert Path(product.site.file).name == "slopes_beside.py"
    assert (product.site.line, product.site.function) == (2, "twice")
    assert "slopes_beside" not in sys.modules


def test_no_module_of_the_program_hides_one_of_pythons(tmp_path):
    (tmp_path / "math.py").write_text("pi = 3\n")
    assert recorded(tmp_path, "import math\nassert math.pi > 3.1\n").error is None


def test_the_line_that_raised_and_what_went_in_are_known(tmp_path):
    run = recorded(tmp_path, "import numpy as np\ndef f(a):\n    return a @ np.ones(3)\nx = np.ones(2)\nf(x)\n")
    assert (run.failure.site.line, run.failure.site.function) == (3, "f")
    assert run.failure.says.startswith("ValueError: ")
    assert {n.shape for n in run.failure.inputs} >= {(2,)}
    assert recorded(tmp_path, "x = 1.0\n").failure is None


def test_a_program_is_quiet_in_its_own_folder_and_leaves_all_as_it_was(tmp_path, capfd):
    before = Path.cwd(), sys.argv, list(sys.path)
    text = "import os, sys\nhere, argv = os.getcwd(), sys.argv\nsys.path.insert(0, 'elsewhere')\nprint('hello')\n"
    run = recorded(tmp_path, text)
    assert (run.namespace["here"], run.namespace["argv"]) == (str(tmp_path), ["program.py"])
    assert (Path.cwd(), sys.argv, sys.path) == before
    assert capfd.readouterr().out == ""


def test_definitions_are_made_though_a_statement_fails_and_nothing_else_is_done(tmp_path):
    path = written(
        tmp_path, "import no_such_package\nk = 1 / 0\ndef f(x):\n    return x * 2.0\nprint(f)\nraise OSError\n"
    )
    done = []
    run = execute(
        read_source(path), path, Recorder(), definitions=True, then=lambda names: done.append(names["f"](3.0))
    )
    assert done == [6.0]
    assert [line for line, _ in run.failed] == [2] or run.absent == ["no_such_package"]
    assert not isinstance(run.error, OSError)


@pytest.mark.parametrize("loop", ["pass", "x = x * 1.0001"])
def test_a_program_that_never_ends_is_stopped_after_its_time(tmp_path, loop):
    run = recorded(tmp_path, f"import numpy as np\nx = np.ones(2)\nwhile True:\n    {loop}\n", seconds=0.05)
    assert run.stopped
    assert run.error is None


def test_what_a_call_was_given_is_found_at_any_depth_though_a_list_holds_itself():
    within = [1.5, (2, [3])]
    within.append(within)
    assert list(spread([within, "a word"])) == [1.5, 2, 3]
