"""The output of a command that is run while the site is built."""

from __future__ import annotations

import json
import os
import re
import shlex
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from pathlib import Path

from press import sources
from press.sources import ROOT, BuildStops, digest, kept

TAKES_AT_MOST = 120
"""Seconds for a command that a page shows."""


@cache
def processes() -> ThreadPoolExecutor:
    """The pool that runs commands in separate processes, as many at a time as there are cores."""
    return ThreadPoolExecutor(os.cpu_count())


@cache
def begun(command: str) -> Future[dict[str, object]]:
    """The future of a command, started at the first call."""
    return processes().submit(ran, command)


def begin(folder: Path) -> None:
    """Start all commands of the pages of a folder; a page waits for those that are not finished."""
    for path in sorted(folder.rglob("*.md")):
        for command in re.findall(r"\{\{ run (.+?) \}\}", path.read_text(encoding="utf-8")):
            begun(command)


def output(command: str) -> dict[str, object]:
    """A command's output and exit status; nnref and python are those of this build.

    Errors: LookupError for another program.
    """
    return begun(command).result()


def ran(command: str) -> dict[str, object]:
    """The same, run now if it is not kept."""
    program, *arguments = shlex.split(command)
    before = {"nnref": ["-m", "nnref"], "python": []}
    if program not in before:
        raise LookupError(f"a page may run {' and '.join(before)}; {program} came")
    read = [ROOT / word for word in arguments if (ROOT / word).is_file()]
    key = digest([*sources.sources("nnref", "derivations"), *read], command)

    def make() -> str:
        found = sources.run(*before[program], *arguments, within=TAKES_AT_MOST)
        return json.dumps({"text": found.stdout + found.stderr, "status": found.returncode})

    name = "-".join(Path(word).stem for word in shlex.split(command)).replace(".", "")
    return json.loads(kept(f"run-{name}.json", key, make))


def shown(command: str) -> str:
    """The command and what it said, as a console would show it.

    Errors: BuildStops if the command was badly used or crashed: a page shows verdicts, not tracebacks.
    """
    found = output(command)
    said = str(found["text"]).rstrip()
    if "Traceback" in said or "usage:" in said:
        raise BuildStops(f"{command}: {said.splitlines()[-1]}")
    typed = " ".join(Path(word).name if (ROOT / word).is_file() else word for word in shlex.split(command))
    return f"```console\n$ {typed}\n{said}\n```"


def listing(path: str) -> str:
    """A file of the project as it stands.

    Errors: LookupError if there is no such file.
    """
    if not (ROOT / path).is_file():
        raise LookupError(f"no file is called {path}")
    return f"```python\n{(ROOT / path).read_text(encoding='utf-8').strip()}\n```"
