"""Is a verdict right only where all of it is, wrong where anything is, and else neither?"""

from dataclasses import replace

import pytest

from nnref.checking.results.certificate import CANNOT_TELL, MISTAKE, RIGHT, Certificate, begun
from nnref.checking.results.entry import Entry


def entry(verdict, name="W1"):
    """A gradient with this verdict."""
    return Entry(name, (1,), 1, 1, int(verdict == "WRONG"), int(verdict == "cannot tell"), 0, None, verdict)


WHOLE = Certificate("a.py", "as read", (entry("ok"),), "by hand", {}, True, True)


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({}, RIGHT),
        ({"same_loss": None}, RIGHT),
        ({"same_loss": False}, MISTAKE),
        ({"gradient_of_own_loss": False}, MISTAKE),
        ({"gradient_of_own_loss": None}, CANNOT_TELL),
        ({"intermediates": (entry("cannot tell", "A1"),)}, CANNOT_TELL),
        ({"intermediates": (entry("WRONG", "A1"),)}, MISTAKE),
    ],
)
def test_the_status_is_that_of_the_worst_part(changes, status):
    found = replace(WHOLE, **changes)
    assert found.status == status
    assert found.ok is (status == RIGHT)


@pytest.mark.parametrize(
    ("note", "sentence"),
    [
        ("a loss", "A loss"),
        ("line 3: no slope", "Line 3: no slope"),
        ("params['W1'], b are alike", "params['W1'], b are alike"),
        ("b is changed", "b is changed"),
        ("model.py, line 3: no slope", "model.py, line 3: no slope"),
    ],
)
def test_a_name_of_the_program_gets_no_capital_letter(note, sentence):
    assert begun(note) == sentence
