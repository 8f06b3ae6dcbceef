"""Does each part of the wing know only those that its reading list names before it?"""

import re
from pathlib import Path

from nnref.checking import watching
from tests.support.imports import graph

ROOT = Path(__file__).parents[3]
WING = "nnref.checking.watching."
PARTS = re.findall(r"^    (\w+)/? {2,}", watching.__doc__, flags=re.MULTILINE)


def part(module):
    """The part of the wing that a module belongs to; None for one of another wing."""
    return module.removeprefix(WING).partition(".")[0] if module.startswith(WING) else None


def test_each_part_knows_only_those_before_it():
    arrows = {(part(user), part(used)) for user, known in graph(ROOT).items() for used in known}
    inside = {(user, used) for user, used in arrows if user and used and user != used}
    assert inside
    assert [(user, used) for user, used in inside if PARTS.index(user) < PARTS.index(used)] == []


def test_the_reading_list_names_every_part():
    folder = Path(watching.__file__).parent
    assert {p.stem for p in folder.iterdir() if p.name not in ("__init__.py", "__pycache__")} == set(PARTS)
