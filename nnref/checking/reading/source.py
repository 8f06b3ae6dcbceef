"""A person's file as text and syntax: Python or a notebook, in any encoding, its lines numbered as they see them."""

from __future__ import annotations

import ast
import io
import json
import re
import sys
import tokenize
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path

from nnref.checking.reading.cells import order_of_cells

MAGIC = re.compile(r"^(\s*)(?:[%!].*|[\w., ]+=\s*[%!].*|\?{1,2}[\w.]+|[\w.]+\?{1,2})\s*$")
"""A line that only a notebook understands: %matplotlib inline, !pip install, files = !ls, np.dot?"""

CONTROL = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
"""Characters that no text holds."""

OTHER_CELL = re.compile(r"^\s*%%(?!time|timeit|capture|prun)\w+")
"""A cell in another language, such as %%bash; %%time and its like hold Python."""


SHOWN = 60
"""Characters of a line that are shown where it is no Python."""


class SourceError(ValueError):
    """The file cannot be read as Python. The message says where and what to try."""


@dataclass(frozen=True, eq=False)
class Source:
    """The statements of a file, and the words for a place in it; line numbers of a notebook run through its cells.

    apart says that the file goes on after a statement that fails, as a notebook does after a cell. The tree is not to
    be changed: what was found in it is remembered.
    """

    name: str
    lines: list[str]
    tree: ast.Module
    starts: tuple[int, ...] = ()
    unread: tuple[str, ...] = field(default=())
    apart: bool = False

    @cached_property
    def nodes(self) -> tuple[ast.AST, ...]:
        """Every node of the tree."""
        return tuple(ast.walk(self.tree))

    def where(self, line: int) -> str:
        """A line as the person finds it: "line 41", or "cell 3, line 2" of a notebook."""
        cells = [(k, start) for k, start in enumerate(self.starts, 1) if start <= line]
        return f"cell {cells[-1][0]}, line {line - cells[-1][1] + 1}" if cells else f"line {line}"

    def line(self, number: int) -> str:
        """The text of a line, without its indentation."""
        return self.lines[number - 1].strip() if 0 < number <= len(self.lines) else ""

    def definition(self, name: str, owner: str | None = None) -> ast.FunctionDef | None:
        """The last function so named, as Python would keep it; a method of the class `owner` if that is given."""
        return self.definitions.get(owner, {}).get(name)

    @cached_property
    def definitions(self) -> dict[str | None, dict[str, ast.FunctionDef]]:
        """The functions of the file by their names, under None; the methods of each class, under its name."""
        found: dict[str | None, dict[str, ast.FunctionDef]] = {}
        for node in self.nodes:
            if isinstance(node, ast.ClassDef | ast.Module | ast.If | ast.Try | ast.FunctionDef):
                owner = node.name if isinstance(node, ast.ClassDef) else None
                functions = (part for part in node.body if isinstance(part, ast.FunctionDef))
                found.setdefault(owner, {}).update({part.name: part for part in functions})
        return found

    @cached_property
    def setters(self) -> frozenset[str]:
        """The functions that give names of the module their values."""
        functions = self.definitions.get(None, {}).items()
        return frozenset(name for name, f in functions if any(isinstance(n, ast.Global) for n in ast.walk(f)))


def read_source(path: Path) -> Source:
    """The source of a .py or .ipynb file.

    Errors: SourceError for what is no Python; OSError for what cannot be opened.
    """
    data = path.read_bytes()
    if path.suffix == ".ipynb":
        return notebook(path.name, data)
    text = decoded(data)
    if CONTROL.search(text.rstrip("\0\x1a")):
        raise SourceError(f"{path.name} is no text, and so no Python: it holds control characters.")
    try:
        return Source(path.name, text.splitlines(), ast.parse(text))
    except (SyntaxError, ValueError, RecursionError) as error:
        # A notebook that was saved as a program has lines that only a notebook understands.
        if (plain := python_of(text.splitlines())) != text.rstrip("\n"):
            with suppress(SyntaxError, ValueError, RecursionError):
                return Source(path.name, plain.split("\n"), ast.parse(plain))
        raise SourceError(f"{path.name}{spoken(error)}") from None


def spoken(error: Exception) -> str:
    """A syntax error as one sentence."""
    if not isinstance(error, SyntaxError):
        return f" cannot be read as Python: {error}."
    line = (error.text or "").strip()
    hint = " This is Python 2: try 2to3." if "print" in str(error.msg) else ""
    place = f", line {error.lineno}," if error.lineno else ""
    here = ".".join(map(str, sys.version_info[:2]))
    nested = re.search("f-string: (unmatched|expecting)", str(error.msg)) and any(line.count(q) > 2 for q in "\"'")
    newer = nested and sys.version_info < NESTED
    what = f"is not Python {here}, which has no quotes of one kind within another in an f-string" if newer else ""
    return f"{place} {what or f'is not Python: {error.msg}'}{f':  {line[:SHOWN]}' if line else ''}.{hint}"


NESTED = (3, 12)
"""The Python in whose f-strings quotes of one kind may stand within others."""


def decoded(data: bytes) -> str:
    """The text by its byte order mark or coding line, else UTF-8, else Latin letters; one kind of line end."""
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
        text = data.decode(encoding)
    except (SyntaxError, UnicodeDecodeError, LookupError):
        wide = data.startswith((b"\xff\xfe", b"\xfe\xff"))
        text = data.decode("utf-16" if wide else "cp1252", errors="replace")
    return text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").replace("\x0c", " ")


def notebook(name: str, data: bytes) -> Source:
    """The code cells of a notebook, in the order they were run; what only a notebook understands becomes `pass`."""
    try:
        cells = [cell for cell in json.loads(data.decode("utf-8-sig"))["cells"] if cell["cell_type"] == "code"]
        texts = ["".join(cell["source"]) for cell in cells]
    except (ValueError, KeyError, TypeError):
        raise SourceError(
            f"{name} is no notebook: its JSON has no list of cells. Save it again from Jupyter."
        ) from None
    lines: list[str] = []
    starts, bodies, unread = list[int](), list[list[ast.stmt]](), list[str]()
    for k, text in enumerate(texts, 1):
        own = text.replace("\r\n", "\n").split("\n")
        starts.append(len(lines) + 1)
        bodies.append([])
        try:
            bodies[-1] += ast.parse("\n" * len(lines) + python_of(own)).body
        except (SyntaxError, ValueError) as error:
            unread.append(f"cell {k} is not Python ({getattr(error, 'msg', error)})")
        lines += own
    body = [node for k in order_of_cells(bodies, [cell.get("execution_count") for cell in cells]) for node in bodies[k]]
    return Source(name, lines, ast.Module(body, []), tuple(starts), tuple(unread))


def python_of(lines: list[str]) -> str:
    """A cell without magics, on as many lines as it had."""
    first = next((line for line in lines if line.strip()), "")
    if OTHER_CELL.match(first):
        return ""
    return "\n".join(MAGIC.sub(r"\1pass", line) if MAGIC.match(line) else line for line in lines)


def named_last(node: ast.expr) -> str | None:
    """The name an expression would be called by: W1 of W1, self.W1, net.W1 and grads["W1"]; softmax of softmax(Z2)."""
    if isinstance(node, ast.Call):
        return named_last(node.func)
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return node.attr
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant) and isinstance(node.slice.value, str):
        return node.slice.value
    return None


@cache
def returned(function: ast.FunctionDef | None, calls: bool = True) -> list[str] | None:
    """The names in the last `return a, b, …` of a function; None where it returns no such tuple of names.

    calls lets softmax(Z2) be called softmax; np.ones(3) has no name.
    """
    if function is None:
        return None
    for node in reversed([n for n in ast.walk(function) if isinstance(n, ast.Return)]):
        if isinstance(node.value, ast.Tuple | ast.List):
            return [
                "" if isinstance(part, ast.Call) and not calls else named_last(part) or "" for part in node.value.elts
            ]
        if isinstance(node.value, ast.Name):
            return packed(function, node.value.id)
    return None


def packed(function: ast.FunctionDef, name: str) -> list[str] | None:
    """The names in `name = (a, b, …)`, for a tuple that is packed before it is returned."""
    for node in ast.walk(function):
        if not (isinstance(node, ast.Assign) and isinstance(node.value, ast.Tuple | ast.List)):
            continue
        if any(isinstance(t, ast.Name) and t.id == name for t in node.targets):
            return [named_last(part) or "" for part in node.value.elts]
    return None
