"""A gradient check as a table: plain text of at most 80 columns, or HTML for a notebook."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import Any

from nnref.checking.results.entry import Entry
from nnref.checking.results.findings import unlike
from nnref.checking.results.grouped import Group, by_need, group_name, groups
from nnref.checking.results.sampling import at_random, missed

WIDTH = 80

SHARE = 0.01
"""The wrong share for which a sampled check says how likely it was to miss it."""

HEAD = ("param", "shape", "checked", "wrong", "worst at", "yours", "true", "verdict")

GIVES_WAY = (0, 1, 4)
"""The columns that are shortened in a table that is too wide: names, shapes and indices."""

LEAST = 8
"""Characters that a cut column keeps."""

LONG = 40
"""Lines above which a report is shortened: wrong rows in full, the worst first, and the others in groups."""

GROUPS = 16
"""Lines of groups in such a report, at most, where their names allow it."""

JUDGED = ("ok", "WRONG", "cannot tell")
"""The verdicts on a gradient that is there."""

COLOURS = {"ok": "#2b8a3e", "WRONG": "#c92a2a", "cannot tell": "#b35c00", "not written yet": "#868e96"}


def cells(entry: Entry) -> tuple[str, ...]:
    """One parameter's row. The worst entry is shown where something is wrong or undecided."""
    at = entry.worst if entry.verdict in ("WRONG", "cannot tell") else None
    numbers = (index_text(at.index), *unlike(at.yours, at.truth, 4)) if at else ("", "", "")
    checked = f"{entry.checked}" if entry.verdict in JUDGED else ""
    return (entry.name, index_text(entry.shape), checked, f"{entry.wrong}" if checked else "", *numbers, entry.verdict)


def index_text(numbers: Sequence[int]) -> str:
    """An index or a shape as a tuple is written: (7, 0), (10,) or ().

    >>> index_text((7, 0)), index_text((10,)), index_text(())
    ('(7, 0)', '(10,)', '()')
    """
    return str(tuple(int(n) for n in numbers))


def row_notes(entry: Entry, verbose: bool) -> list[str]:
    """The notes below a row: where the mistake is, what is undecided and why, and what was not checked."""
    lines = [finding.says for finding in entry.where]
    if entry.cannot_tell:
        lines.append(f"{entry.cannot_tell} of {entry.checked} cannot be told{': ' * bool(entry.reason)}{entry.reason}")
    if entry.subgradients:
        lines.append(f"{entry.subgradients} at a kink, accepted between the slopes to either side")
    if 0 < entry.checked < entry.size:
        drawn = at_random(entry.checked)
        one, share = (100 * missed(share, drawn) for share in (1 / entry.size, SHARE))
        lines.append(
            f"{entry.checked} of {entry.size} checked, half of them where the gradient is not zero; a single wrong "
            f"entry is missed with chance {one:.3g}%, a wrong {SHARE:.0%} of them with {share:.2g}%"
        )
    if entry.coarse:
        lines.append(entry.coarse)
    if verbose and entry.worst:
        by = "infinitely many" if entry.worst.noises == float("inf") else f"{entry.worst.noises:.3g}"
        lines.append(f"furthest off at {index_text(entry.worst.index)}: {by} times its error bar")
    return lines


def table_text(entries: Sequence[Entry], method: str, settings: Mapping[str, Any] | None = None) -> str:
    """The table, the notes below its rows and the method; given the settings, those and the noise multiples too.

    Without the settings a long table is shortened.
    """
    lines, truth = (
        table_rows(entries, lambda entry: row_notes(entry, settings is not None)),
        folded(f"truth: {method}", ""),
    )
    if settings is None and len(lines) + len(truth) > LONG:
        lines = shortened(entries, LONG - len(truth))
    lines += truth
    lines += [part for key, value in (settings or {}).items() for part in folded(f"{key}: {value}", "")]
    return "\n".join(lines)


def shortened(entries: Sequence[Entry], most: int) -> list[str]:
    """At most `most` lines: the head, the worst rows with their notes, and the others in groups."""
    ranked = by_need(entries)
    for full in range(sum(entry.verdict != "ok" for entry in entries), -1, -1):
        lines = table_rows(ranked[:full], lambda entry: row_notes(entry, False), groups(ranked[full:], GROUPS))
        if len(lines) <= most:
            break
    return lines


def table_rows(
    entries: Sequence[Entry], below: Callable[[Entry], list[str]], together: Sequence[Group] = ()
) -> list[str]:
    """The head, a line an entry and a line a group; what is said below an entry stands beside it, if it fits there."""
    table = narrowed([HEAD, *map(cells, entries), *map(cells_of_group, together)])
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    lines = [table_line(table[0], widths)]
    for entry, row in zip(entries, table[1 : len(entries) + 1], strict=True):
        said = below(entry)
        lines.append(table_line(row, widths))
        if said and entry.where and len(lines[-1]) + 2 + len(said[0]) <= WIDTH:
            lines[-1] += f"  {said.pop(0)}"
        lines += [part for note in said for part in folded(note)]
    return lines + [table_line(row, widths) for row in table[len(entries) + 1 :]]


def cells_of_group(group: Group) -> tuple[str, ...]:
    """One row for several parameters of one verdict; that of one alone is its own."""
    if len(group) == 1:
        return cells(group[0])
    checked, wrong = (str(sum(getattr(entry, count) for entry in group)) for count in ("checked", "wrong"))
    if group[0].verdict not in JUDGED:
        checked = wrong = ""
    return (group_name(group), f"{len(group)} arrays", checked, wrong, "", "", "", group[0].verdict)


def narrowed(rows: list[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """The rows, their longest names, shapes or indices cut in the middle until the table is narrow enough."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    while sum(widths) + 2 * len(widths) - 2 > WIDTH:
        widest = max(GIVES_WAY, key=lambda k: widths[k])
        if widths[widest] <= LEAST:
            break
        widths[widest] -= 1
    return [tuple(cut(cell, width) for cell, width in zip(row, widths, strict=True)) for row in rows]


def cut(cell: str, width: int) -> str:
    """The cell, its middle replaced by … where it is longer than width.

    >>> cut("layers[0].attention.weight", 12)
    'layers…eight'
    """
    if len(cell) <= width:
        return cell
    head = width // 2
    return f"{cell[:head]}…{cell[len(cell) - (width - head - 1) :]}"


def table_line(row: tuple[str, ...], widths: list[int]) -> str:
    """One line of the table, without trailing blanks."""
    return "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def folded(note: str, indent: str = "  ") -> list[str]:
    """A note in lines of at most 80 columns, words kept whole where they can be."""
    from textwrap import wrap

    return wrap(note, WIDTH, initial_indent=indent, subsequent_indent=indent + "  ")


def html(entries: Sequence[Entry], method: str) -> str:
    """The report as HTML for a notebook: one table, verdicts in colour, nothing loaded from anywhere."""
    style = 'style="text-align:left;padding:0 1em 0 0"'
    head = "".join(f"<th {style}>{name}</th>" for name in HEAD)
    body = []
    for entry in entries:
        *plain, verdict = cells(entry)
        colour = COLOURS.get(verdict, "inherit")
        row = "".join(f"<td {style}>{escape(cell)}</td>" for cell in plain)
        body.append(f'<tr>{row}<td style="text-align:left;color:{colour}"><b>{escape(verdict)}</b></td></tr>')
        body += [
            f'<tr><td></td><td colspan="{len(HEAD) - 1}" {style}>{escape(note)}</td></tr>'
            for note in row_notes(entry, verbose=False)
        ]
    return (
        f'<table style="font-family:monospace"><thead><tr>{head}</tr></thead><tbody>{"".join(body)}</tbody></table>'
        f"<p>truth: {escape(method)}</p>"
    )
