"""nnref check as a command: one clear sentence or a verdict, whatever the file does, and a line a file of a folder."""

import csv
import json

import numpy as np
import pytest

from nnref.checking.homework import child
from nnref.cli import main
from tests.support.homework import BASE, STATEFUL
from tests.support.quick import some


def run(capsys, *arguments):
    status = main(["check", *map(str, arguments)])
    out, err = capsys.readouterr()
    return status, out, err


HARM = {
    "exit at module level": ("import sys\nsys.exit(3)\n" + BASE, 0, "right."),
    "input at module level": ("n = int(input())\n" + BASE, 0, "right."),
    "a loop at module level": (BASE + "\nwhile True: pass\n", 0, "right."),
    "a flood of print": (BASE.replace("    e = np", "    print('x' * 10**6)\n    e = np"), 0, "right."),
    "a flood of bytes": (
        BASE.replace("    e = np", "    __import__('os').write(1, b'x' * 10**6)\n    e = np"),
        0,
        "right.",
    ),
    "stdout closed": (BASE.replace("    e = np", "    __import__('sys').stdout.close()\n    e = np"), 0, "right."),
    "too much memory": ("import numpy as np\nX = np.zeros((10**7, 10**7))\n" + BASE, 0, "right."),
    "an import of itself": ("import homework\n" + BASE, 0, "right."),
    "Windows line ends": (BASE.replace("\n", "\r\n"), 0, "right."),
    "exit in a function": (BASE.replace("    e = np", "    raise SystemExit\n    e = np"), 2, "it called sys.exit()"),
    "input in a function": (BASE.replace("    e = np", "    input()\n    e = np"), 0, "right."),
    "a hard exit": (BASE.replace("    e = np", "    __import__('os')._exit(7)\n    e = np"), 2, "ended the process"),
    "endless recursion": (BASE.replace("    e = np", "    softmax(z)\n    e = np"), 2, "RecursionError"),
    "nothing at all": ("", 2, "a function or method that goes backward"),
    "not Python": ("def f(:", 2, "line 1, is not Python"),
    "no text": ("\x01\x02\x03" * 50, 2, "homework.py is no text"),
    "layers that do not fit": (
        BASE.replace("np.ones((7, 3))", "np.ones((6, 3))"),
        2,
        "what init_params makes is no chain of layers: (6, 7), (7,), (6, 3), (3,)",
    ),
    "a backward pass that returns nothing": (
        BASE.replace("return dW1, db1, dW2, db2", "return None"),
        2,
        "it gives no gradient of W1, b1, W2, b2",
    ),
    "an error going forward": (BASE.replace("    z1 = x", "    1 / 0\n    z1 = x"), 2, "ZeroDivisionError"),
    "an output of nan": (BASE.replace("    z2 = a1", "    a1 = a1 * np.nan\n    z2 = a1"), 1, "holds nan"),
}


@pytest.mark.parametrize("name", some(HARM, 6))
def test_harmful_files_end_with_a_verdict_or_one_clear_sentence(tmp_path, capsys, name):
    text, expected, says = HARM[name]
    path = tmp_path / "homework.py"
    path.write_bytes(text.encode())
    status, out, err = run(capsys, path)
    assert status == expected, out + err
    assert says in " ".join((err if expected == 2 else out).split())
    assert "Traceback" not in out + err


def test_a_file_that_does_not_end_is_stopped_with_all_it_started(tmp_path):
    path = tmp_path / "homework.py"
    sleeper = "    __import__('subprocess').Popen(['sleep', '77.7'])\n    while True: pass\n"
    path.write_text(BASE.replace("    e = np", sleeper + "    e = np"))
    found = child.outcome_in_process(child.Order(str(path)), limit=3)
    assert found["status"] == 2
    assert "did not end within 3 s" in found["error"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["nowhere.py"], "nowhere.py does not exist. Give a .py, .ipynb or .npz file"),
        (["{folder}"], "holds no .py, .ipynb or .npz file"),
        (["{folder}/a.txt"], "should be a .py, .ipynb or .npz file"),
        (["{folder}/good.py", "--csv", "out.csv"], "--csv is for a folder"),
        (["{folder}/good.py:absent"], "nothing in the file is called absent"),
        (["{folder}/good.py", "--data", "{folder}/absent.npz"], "absent.npz does not exist. Give an .npz that holds"),
        (["{folder}/good.py", "--data", "{folder}/a.txt"], "a.txt is no .npz, or not all of one"),
        (["{folder}/good.py", "--data", "{folder}/small.npz"], "an example has 6 numbers, as the network takes"),
        (["{folder}", "--csv", "{folder}/absent/out.csv"], "out.csv cannot be written: there is no such folder"),
    ],
)
def test_bad_use_is_one_sentence_and_status_two(tmp_path, capsys, arguments, says):
    if "good" in arguments[0]:
        (tmp_path / "good.py").write_text(BASE)
    (tmp_path / "a.txt").write_text("x")
    np.savez(tmp_path / "small.npz", X=np.ones((5, 4)), Y=np.zeros(5, int))
    status, _, err = run(capsys, *(a.format(folder=tmp_path) for a in arguments))
    assert status == 2
    assert says in err


def test_hints_can_be_hidden_from_students(tmp_path, capsys):
    path = tmp_path / "homework.py"
    path.write_text(BASE.replace("db2 = dz2.sum(axis=0)", "db2 = dz2.sum()"))
    _, out, _ = run(capsys, path, "--no-hints", "--json")
    *lines, last = out.splitlines()
    assert "WRONG" in out
    assert "First mistake" not in out
    assert "np.sum" not in out
    result = json.loads(last)
    assert (result["ok"], result["mistakes"], result["diagnosis"]) == (False, [], None)
    assert "First mistake" in run(capsys, path)[1]
    assert "truth:" in run(capsys, path, "--verbose")[1]
    assert lines


def test_one_thing_of_a_file_can_be_named(tmp_path, capsys):
    path = tmp_path / "homework.py"
    path.write_text(STATEFUL + STATEFUL.replace("class Net", "class Other").replace("d2.sum(axis=0)", "d2.sum()"))
    assert run(capsys, f"{path}:Net")[0] == 0
    assert run(capsys, f"{path}:Other")[0] == 1


def test_all_of_a_file_is_executed_when_asked(tmp_path, capsys):
    path = tmp_path / "homework.py"
    path.write_text(
        BASE.replace("def init_params", "def secret") + "\nif __name__ == '__main__':\n    init_params = secret\n"
    )
    assert "sizes ours" in run(capsys, path)[1] + run(capsys, path)[2] or run(capsys, path)[0] == 2
    status, out, err = run(capsys, path, "--run")
    assert status == 0, out + err


def test_data_come_from_a_file(tmp_path, capsys, rng):
    path = tmp_path / "homework.py"
    path.write_text(BASE)
    np.savez(tmp_path / "d.npz", X=rng.standard_normal((11, 6)), Y=rng.integers(0, 3, 11))
    status, out, _ = run(capsys, path, "--data", tmp_path / "d.npz", "--json")
    assert status == 0
    assert json.loads(out.splitlines()[-1])["settings"]["N"] == 11
    np.savez(tmp_path / "bad.npz", Q=np.ones(3))
    status, _, err = run(capsys, path, "--data", tmp_path / "bad.npz")
    assert status == 2
    assert "should hold X and Y; it holds Q" in err


def test_a_folder_gives_a_line_a_file_and_a_table(tmp_path, capsys):
    folder = tmp_path / "class"
    (folder / "ann").mkdir(parents=True)
    (folder / "ann" / "hw.py").write_text(BASE)
    (folder / "bob.py").write_text(BASE.replace("db2 = dz2.sum(axis=0)", "db2 = dz2.sum()"))
    (folder / "cy.py").write_text("print 'x'")
    (folder / ".hidden.py").write_text(BASE)
    status, out, _ = run(capsys, folder, "--csv", tmp_path / "out.csv")
    assert status == 1
    assert [line.split()[0] for line in out.splitlines()[:3]] == ["right", "WRONG", "not"]
    assert "db2 line 26" in out
    assert out.splitlines()[-1] == "3 files: 1 right, 1 with a mistake, 1 not read"
    with open(tmp_path / "out.csv", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [(row["status"], row["first_wrong"]) for row in rows] == [("0", ""), ("1", "db2"), ("2", "")]


def test_what_takes_too_much_memory_is_told_so_and_what_to_try(tmp_path, monkeypatch):
    """A library that cannot be loaded for it says so in words of its own."""
    from nnref.checking.homework import watched_file

    def stops(error):
        def judged(*args):
            raise error

        monkeypatch.setattr(watched_file, "judged_file", judged)
        return child.outcome(child.Order(str(tmp_path / "big.py")))["error"]

    for error in (MemoryError(), ImportError("libx.so: failed to map segment from shared object")):
        assert "2 GiB" in stops(error)
        assert "smaller batches" in stops(error)
    assert "KeyError" in stops(KeyError("W1"))
