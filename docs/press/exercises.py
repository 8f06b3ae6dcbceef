"""Exercises: files to download, to complete, and to check with nnref."""

from __future__ import annotations

import ast

from press.sources import ROOT

FOLDER = ROOT / "docs" / "exercises"


def shown(name: str, prefix: str) -> str:
    """An exercise: the question, the file, and how it is marked. The question is the file's docstring.

    Errors: LookupError if there is no such file.
    """
    path = FOLDER / f"{name}.py"
    if not path.is_file():
        raise LookupError(
            f"no exercise is called {name}; there are {', '.join(sorted(p.stem for p in FOLDER.glob('*.py')))}"
        )
    code = path.read_text(encoding="utf-8")
    question = (ast.get_docstring(ast.parse(code)) or name).split("\n\n", maxsplit=1)[0].replace("\n", " ")
    body = code.split('"""', 2)[2].strip()
    return (
        f'<div class="exercise" markdown>\n\n{question}\n\n<details markdown>\n<summary>{path.name}</summary>\n\n'
        f"```python\n{body}\n```\n\n</details>\n\n"
        f"[Download {path.name}]({prefix}exercises/{path.name}){{ download }}, fill in each `None`, "
        f"and have it marked: `nnref check {path.name}`.\n\n</div>"
    )
