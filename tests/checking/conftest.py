"""What a test of a check says does not depend on how fast the machine is."""

from math import inf

import pytest

from nnref.checking.watching import watch


@pytest.fixture(autouse=True)
def all_runs(monkeypatch):
    """Every run with other numbers is made, though a busy machine or this process's large heap makes the first slow."""
    monkeypatch.setattr(watch, "SLOW", inf)
