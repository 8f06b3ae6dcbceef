"""nnref check: a file, a notebook, one thing in a file, stored arrays, or a folder with a class's homework."""

from __future__ import annotations

import argparse
import csv
import json
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from nnref.checking.homework import gradescope
from nnref.checking.homework.child import Order, failure, outcome_in_process
from nnref.checking.homework.cluster import pool_at
from nnref.checking.homework.isolation import cell, printable
from nnref.checking.homework.nursery import stop_all

OK, MISMATCH, BAD_USE, UNCLEAR, INTERRUPTED = 0, 1, 2, 3, 130

NAMED = re.compile(r"^(.+\.(?:py|ipynb|npz)):(\w+)$")
"""FILE.py:NAME, also where the path itself has a colon, as on Windows."""

KINDS = (".py", ".ipynb", ".npz")
"""What can be checked."""

HIDDEN = frozenset({"__pycache__", "node_modules", "site-packages", "venv", "env"})
"""Folders in which nobody keeps homework; those that open with a dot are left out too."""

ADAPTER = """def nnref_init(): return {"W1": ..., "b1": ..., "W2": ..., "b2": ...}
def nnref_forward(params, X): return ...  # the output, such as softmax(Z2)
def nnref_backward(params, X, Y): return {"dW1": ..., "db1": ..., "dW2": ..., "db2": ...}
def nnref_loss(output, Y): return ...  # leave this line out for the mean cross-entropy
# X and Y may be rows or columns, Y one-hot or int labels: nnref tries what fits your functions."""
"""Five lines that make any network readable."""

COLUMNS = ("file", "status", "ok", "gradient_of_own_loss", "same_loss", "first_wrong", "diagnosis", "place", "says")


def run_certify(arguments: argparse.Namespace) -> int:
    """Check an .npz."""
    if Path(arguments.target).suffix != ".npz":
        raise ValueError(f"certify judges arrays in an .npz. For {Path(arguments.target).name} try nnref check.")
    return run_check(arguments)


def run_check(arguments: argparse.Namespace) -> int:
    """Check a file or every file of a folder; the exit status says what was found."""
    target = Path(arguments.target)
    name = None
    if not target.exists() and (match := NAMED.match(arguments.target)):
        target, name = Path(match[1]), match[2]
    if not target.exists():
        raise FileNotFoundError(f"{arguments.target} does not exist. Give a .py, .ipynb or .npz file, or a folder.")
    if arguments.data and not Path(arguments.data).is_file():
        raise FileNotFoundError(f"{arguments.data} does not exist. Give an .npz that holds X and Y.")
    if target.is_dir():
        if arguments.gradescope:
            raise ValueError("--gradescope is for one file, a student's; a folder came. Try --csv.")
        return check_folder(target, arguments)
    if arguments.csv:
        raise ValueError("--csv is for a folder of files; one file came. Try --json.")
    if not target.is_file():
        raise ValueError(f"{target.name} is no ordinary file. Give a .py, .ipynb or .npz file, or a folder.")
    if target.suffix not in KINDS:
        raise ValueError(f"{target.name} should be a .py, .ipynb or .npz file, or a folder of them.")
    if name and target.suffix == ".npz":
        raise ValueError(f"{target.name} holds arrays, and nothing called {name} can be chosen among them.")
    found = outcome_in_process(order_for(target, arguments, name))
    said = found.get("lines") or unread_in_words(target.name, found)
    print("\n".join(map(printable, said)), file=sys.stdout if "lines" in found else sys.stderr)
    if arguments.gradescope:
        gradescope.write_results(Path(arguments.gradescope), found, said, hints=not arguments.no_hints)
    if arguments.format == "github":
        print("\n".join(map(printable, github_lines(arguments.target, found))), flush=True)
    if arguments.json or arguments.format == "json":
        print(json.dumps(as_json_object(str(target), found), ensure_ascii=False), flush=True)
    return int(found["status"])


def order_for(path: Path, arguments: argparse.Namespace, name: str | None = None) -> Order:
    """What the child is asked."""
    data = str(Path(arguments.data).resolve()) if arguments.data else None
    settings = {k: v for k in ("activation", "reduction", "layout") if (v := getattr(arguments, k)) is not None}
    return Order(
        str(path.resolve()),
        name,
        data,
        arguments.run,
        not arguments.no_hints,
        arguments.verbose,
        settings,
        arguments.sandbox,
    )


def unread_in_words(title: str, found: dict[str, Any]) -> list[str]:
    """Why a file could not be read, what was found in it, what is missing, and what to paste."""
    if found["error"]:
        return [f"nnref: {found['error']}"]
    said = [f"nnref: no network could be read from {title}."]
    said += [f"Found: {', '.join(found['found'][:12])}."] if found["found"] else ["Found: no functions or classes."]
    said += [f"Missing: {what.rstrip('.')}." for what in dict.fromkeys(found["missing"][:4])]
    return [
        *said,
        "Paste these lines at its end and fill them in, or fill in examples/template.py:",
        *ADAPTER.splitlines(),
    ]


def github_lines(file: str, found: dict[str, Any]) -> list[str]:
    """A line for each mistake, as GitHub's runner shows it beside the code: ::error file=…,line=…::what is wrong."""
    report = found.get("report")
    if report is None:
        said = found["error"] or "no network could be read"
        return [f"::warning file={file}::{said}"]
    lines = [
        f"::error file={file},line={line_in(mistake['place'])}::{mistake['quantity']}: {mistake['says']}"
        for mistake in report["mistakes"]
    ]
    unsure = [] if lines or found["status"] == OK else [f"::warning file={file}::nothing is wrong; not all can be told"]
    return [*lines, *unsure]


def line_in(place: str) -> int:
    """The line that a place names; 1 where it names none.

    >>> line_in("line 54:  db2 = 1"), line_in("cell 5, line 7:  dZ1 = dA1"), line_in("")
    (54, 7, 1)
    """
    found = re.search(r"line (\d+)", place)
    return int(found[1]) if found else 1


def as_json_object(file: str, found: dict[str, Any]) -> dict[str, Any]:
    """The result as one JSON object; every mistake has the number of its line."""
    for mistake in found.get("report", {}).get("mistakes", []):
        mistake["line"] = line_in(mistake["place"])
    return {
        "file": file,
        **{k: v for k, v in found.items() if k not in ("lines", "report", "trace", "read")},
        **found.get("report", {}),
    }


def homework_files(folder: Path) -> Iterator[Path]:
    """The Python files, notebooks and stored gradients below a folder, by name; data alone are no homework."""
    from nnref.checking.homework.npz import only_data

    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder).parts
        hidden = path.name == "__init__.py" or any(part.startswith(".") or part in HIDDEN for part in inside)
        if path.suffix in KINDS and path.is_file() and not hidden and not only_data(path):
            yield path


def check_folder(folder: Path, arguments: argparse.Namespace) -> int:
    """One line a file, in their order, as they are done; each in a process of its own, as many at once as cores."""
    if arguments.csv and not Path(arguments.csv).resolve().parent.is_dir():
        raise FileNotFoundError(f"{arguments.csv} cannot be written: there is no such folder.")
    paths = list(homework_files(folder))
    if not paths:
        raise ValueError(f"{folder} holds no .py, .ipynb or .npz file.")
    rows: list[dict[str, Any]] = []
    stopped = False
    try:
        with marking_bar(len(paths)) as done:
            for row in marked(folder, paths, arguments):
                rows.append(row)
                print(folder_line(row, hints=not arguments.no_hints), flush=True)
                done()
    except KeyboardInterrupt:
        stopped = True
        print(f"nnref: stopped after {len(rows)} of {len(paths)} files; what was marked is kept.", file=sys.stderr)
    if arguments.csv:
        with open(arguments.csv, "w", newline="", encoding="utf-8") as out:
            writer = csv.DictWriter(out, COLUMNS)
            writer.writeheader()
            writer.writerows({name: cell(value) for name, value in row.items()} for row in rows)
    counts = {k: sum(row["status"] == k for row in rows) for k in (MISMATCH, BAD_USE, UNCLEAR, OK)}
    unclear = f", {counts[UNCLEAR]} unclear" if counts[UNCLEAR] else ""
    print(
        f"{len(rows)} files: {counts[OK]} right, {counts[MISMATCH]} with a mistake{unclear}, {counts[BAD_USE]} not read"
    )
    status = next((k for k, n in counts.items() if n), OK)
    if arguments.json:
        all_right = status == OK and not stopped
        print(json.dumps({"ok": all_right, "files": rows, "of": len(paths)}, ensure_ascii=False), flush=True)
    return INTERRUPTED if stopped else status


@contextmanager
def marking_bar(total: int) -> Iterator[Callable[[], None]]:
    """A bar on the terminal: how many files are marked, and the time that is left; elsewhere the lines say it."""
    if not sys.stderr.isatty():
        yield lambda: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    shown = Progress(
        BarColumn(),
        MofNCompleteColumn(),
        "files, left:",
        TimeRemainingColumn(),
        console=Console(stderr=True),
        redirect_stdout=sys.stdout.isatty(),  # a line of a file is printed above the bar; into a pipe it goes as it is
        transient=True,
    )
    with shown:
        task = shown.add_task("", total=total)
        yield lambda: shown.advance(task)


def marked(folder: Path, paths: list[Path], arguments: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """The row of each file in order. Ctrl-C ends at once every process that is marking."""
    with pool_at(getattr(arguments, "executor", None)) as pool:
        waiting = [pool.submit(outcome_in_process, order_for(path, arguments)) for path in paths]
        try:
            for path, found in zip(paths, waiting, strict=True):
                yield row_of(str(path.relative_to(folder)), found.result())
        except BaseException:
            stop_all()
            raise
        finally:
            for future in waiting:
                future.cancel()


def row_of(file: str, found: dict[str, Any]) -> dict[str, Any]:
    """A file's row, whatever its result holds: one file's result is no other's trouble."""
    try:
        return folder_row(file, found)
    except (AttributeError, KeyError, TypeError, IndexError):
        return folder_row(file, failure(Order(file), "gave a result that is none."))


def folder_row(file: str, found: dict[str, Any]) -> dict[str, Any]:
    """A file's row."""
    report = found.get("report")
    if report is None:
        missing = "; ".join(found["missing"][:1])
        says = found["error"] or f"no network read: {missing}"
        return {**dict.fromkeys(COLUMNS), "file": file, "status": 2, "says": says}
    first = (report["mistakes"] or [{}])[0]
    return {
        **{column: report.get(column) for column in COLUMNS},
        "file": file,
        "status": found["status"],
        "place": first.get("place"),
        "says": first.get("says"),
    }


def folder_line(row: dict[str, Any], hints: bool) -> str:
    """A file's line, at most as wide as the report."""
    word = {OK: "right", MISMATCH: "WRONG", BAD_USE: "not read", UNCLEAR: "unclear"}[row["status"]]
    rest = " ".join(str(part) for part in (row["first_wrong"], row["place"] or row["says"]) if part)
    if row["status"] in (MISMATCH, UNCLEAR) and not rest:
        rest = "" if not hints else "see nnref check " + row["file"]
    text = printable(f"{word:<8} {row['file']}{'  ' + rest if rest else ''}")
    return text if len(text) <= 100 else text[:97] + "..."
