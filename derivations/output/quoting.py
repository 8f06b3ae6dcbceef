"""Lines of the project as a page quotes them: functions, the shapes that they take, tests."""

from __future__ import annotations

import ast
from typing import Any

from derivations.output.context import Claim, Context, Quoted


def quotation(quoted: Quoted, context: Context) -> str:
    """Lines of a file, and where they stand."""
    return f'```python\n{quoted.text}\n```\n\n<p class="place">{context.place(quoted)}</p>'


def test_link(test: str, context: Context) -> str:
    """A test's id as a link to its source, where that is shown."""
    return f"[`{test}`]({context.test_at(test)})" if context.test_at(test) else f"`{test}`"


def shape(sizes: Any) -> str:
    """Sizes as m × n; a number has none."""
    if not sizes:
        return "–"
    return str(sizes if isinstance(sizes, str) else " × ".join(map(str, sizes)))


def shapes(claim: Claim) -> str:
    """The shapes of the arrays that a function takes, and of what it gives: X (n, N), dY (n, N) → (n, N)."""
    given = [f"`{name}` ({', '.join(sizes)})" for name, sizes in claim["shapes"].items() if name and sizes]
    result = f"({', '.join(claim['shapes'][''])})" if claim["shapes"][""] else "a number"
    return f"{', '.join(given)} → {result}".replace("*", r"\*")


def without_docstring(source: str) -> str:
    """A function as its file writes it, but for its docstring."""
    said, lines = ast.parse(source).body[0].body[0], source.splitlines()  # type: ignore[attr-defined]
    return "\n".join([*lines[: said.lineno - 1], *lines[said.end_lineno :]])
