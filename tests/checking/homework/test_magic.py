"""%nnref and --format github: the verdict where people work."""

import nnref
from nnref.cli import main
from tests.support.programs import PLANTED, RIGHT


class Shell:
    """What IPython's shell is to an extension."""

    def __init__(self, names):
        self.user_ns, self.magics = names, {}

    def register_magic_function(self, function, kind, name):
        self.magics[name] = function


def test_the_magic_checks_the_cells_that_were_run(capsys):
    name, old, new, _ = PLANTED["a mask in place"]
    for text, said in (
        (RIGHT[name], "right."),
        (RIGHT[name].replace(old, new), "cell 2, line 16:  d1[self.z1 >= 0] = 0"),
    ):
        shell = Shell({"In": ["", "%load_ext nnref", text, "%nnref"]})
        nnref.load_ipython_extension(shell)
        shell.magics["nnref"]("")
        assert said in capsys.readouterr().out


def test_the_magic_says_what_is_not_there(capsys):
    shell = Shell({"In": ["", "a = 1"]})
    nnref.load_ipython_extension(shell)
    shell.magics["nnref"]("")
    assert "no network could be read from the notebook" in capsys.readouterr().out


def test_github_gets_an_annotation_at_the_wrong_line(tmp_path, capsys):
    name, old, new, line = PLANTED["a mask in place"]
    path = tmp_path / "program.py"
    path.write_text(RIGHT[name].replace(old, new), encoding="utf-8")
    assert main(["check", str(path), "--format", "github"]) == 1
    assert f"::error file={path},line={line}::" in capsys.readouterr().out
