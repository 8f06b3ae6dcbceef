"""A record with a part that is wrong, in the place of the right one."""

from dataclasses import replace
from importlib import import_module


def planted(monkeypatch, right, **parts):
    """The record with these parts instead of its own, while the test runs."""
    module = import_module(f"nnref.checking.operations.{right.name}")
    monkeypatch.setattr(module, "RECORD", replace(right, **parts))
