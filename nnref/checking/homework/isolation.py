"""One file in a process of its own, on a copy of its folder; its result comes back signed, through a pipe.

The marker reads nothing but that pipe, at most so many bytes of it, and takes only what has the signature and the form.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from nnref.checking.homework import nursery
from nnref.checking.homework.copying import order_in_copy

LARGEST = 16 << 20
"""Bytes of a result: more are not read."""

TAG = 64
"""Length of the signature, in hexadecimal, that a result begins with."""

HARMLESS_IN_A_CELL = "'"
"""Prefix of a cell that a spreadsheet would otherwise take for a formula."""

Judge = Callable[[dict[str, Any], Path, dict[str, Any]], dict[str, Any]]


def as_it_is(order: dict[str, Any], scratch: Path, found: dict[str, Any]) -> dict[str, Any]:
    """A result without a second opinion."""
    return found


def result_of(order: dict[str, Any], seconds: float, judge: Judge = as_it_is) -> tuple[dict[str, Any] | None, int]:
    """The result of running and judging a file, or None, and how the process ended.

    order["path"] and order["data"] are replaced by copies in a temporary folder. When the process and all that it
    started have ended, judge(order, folder, result) gives the result that counts; then the folder is deleted.
    """
    with tempfile.TemporaryDirectory(prefix="nnref-", ignore_cleanup_errors=True) as scratch:
        found, status = answer_of("run", order_in_copy(order, Path(scratch)), Path(scratch), seconds, is_result)
        return None if found is None else judge(order, Path(scratch), found), status


def answer_of(
    work: str, order: dict[str, Any], scratch: Path, seconds: float, form: Callable[[Any], bool]
) -> tuple[dict[str, Any] | None, int]:
    """The answer of a separate process to an order, None if unsigned or of another form; and its exit status."""
    key = secrets.token_hex(32)
    raw, status = nursery.answer_of_process(work, order | {"key": key}, scratch, seconds, LARGEST)
    return trusted(raw, key, form), status


def signed(key: str, body: bytes) -> bytes:
    """A result with its signature before it."""
    return hmac.new(key.encode(), body, hashlib.sha256).hexdigest().encode() + body


def trusted(raw: bytes, key: str, form: Callable[[Any], bool]) -> dict[str, Any] | None:
    """The result, if it has the signature and the form; else None."""
    if len(raw) > LARGEST or not hmac.compare_digest(signed(key, raw[TAG:])[:TAG], raw[:TAG]):
        return None
    try:
        found = json.loads(raw[TAG:])
    except (ValueError, RecursionError):
        return None
    return found if form(found) else None


def is_result(found: Any) -> bool:
    """Whether a result has the fields that the marker reads, of their types, and its status follows from its report."""
    if not isinstance(found, dict) or found.get("status") not in (0, 1, 2, 3):
        return False
    if "report" not in found:
        texts = (found.get("found"), found.get("missing"))
        return found["status"] >= 2 and isinstance(found.get("error"), str) and all(map(all_text, texts))
    report = found["report"]
    return (
        isinstance(report, dict)
        and all_text(found.get("lines"))
        and isinstance(report.get("ok"), bool)
        and report["ok"] == (found["status"] == 0)
        and all(isinstance(report.get(name), list) for name in ("mistakes", "entries"))
        and all(isinstance(part, dict) for name in ("mistakes", "entries") for part in report[name])
    )


def all_text(value: Any) -> bool:
    """Whether a value is a list of texts."""
    return isinstance(value, list) and all(isinstance(part, str) for part in value)


def printable(text: Any) -> str:
    """A text in which nothing moves the cursor, colours, ends the line or turns the direction of writing."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in str(text))


def cell(value: Any) -> Any:
    """A value for a table that a spreadsheet shows, and does not compute."""
    if not isinstance(value, str):
        return value
    shown = printable(value)
    return HARMLESS_IN_A_CELL + shown if shown[:1] in ("=", "+", "-", "@") else shown
