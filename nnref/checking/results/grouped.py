"""The rows of a long report: wrong ones in full, the worst first; the others grouped by module."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from nnref.checking.results.entry import Entry

ORDER = ("WRONG", "cannot tell", "not written yet", "ok")
"""Verdicts, those that a person should read first."""

Group = list[Entry]
"""Entries of one verdict that share the beginning of their names."""


def by_need(entries: Sequence[Entry]) -> list[Entry]:
    """The entries, the worst first: by verdict, then by how far the worst of their entries is off."""

    def need(entry: Entry) -> tuple[int, float]:
        rank = ORDER.index(entry.verdict) if entry.verdict in ORDER else 0
        return rank, -entry.worst.noises if entry.worst and entry.verdict != "ok" else 0.0

    return sorted(entries, key=need)


def groups(entries: Sequence[Entry], most: int) -> list[Group]:
    """At most `most` groups (or one per verdict): by as many dotted parts of their names as that allows."""
    deepest = max((entry.name.count(".") for entry in entries), default=0)
    for parts in range(deepest, 0, -1):
        found = list(sharing(entries, parts))
        if len(found) <= most:
            return found
    return list(sharing(entries, 0))


def sharing(entries: Sequence[Entry], parts: int) -> Iterator[Group]:
    """The entries of one verdict with so many parts of their names in common, in the order of the first of each."""
    found: dict[tuple[str, str], Group] = {}
    for entry in entries:
        found.setdefault((entry.verdict, ".".join(entry.name.split(".")[:parts])), []).append(entry)
    yield from found.values()


def group_name(group: Group) -> str:
    """What a group is called: the beginning of the names, or how many they are."""
    names = [entry.name.split(".") for entry in group]
    common = []
    for parts in zip(*names, strict=False):
        if len(set(parts)) > 1:
            break
        common.append(parts[0])
    return ".".join([*common, "*"]) if common else f"{len(group)} others"
