"""Is whatever judges, and was changed by a file that ran beside it, named? Nothing that stayed as it was is."""

import json
import math

import numpy as np
import pytest

from nnref import relu
from nnref.checking.homework import tampering
from nnref.checking.results.certificate import Certificate
from nnref.checking.results.entry import Entry


@pytest.fixture(scope="module")
def before():
    return tampering.originals()


def test_what_is_as_it_was_is_not_named(before):
    assert tampering.tampered(before) == ""


@pytest.mark.parametrize(
    ("owner", "name", "said"),
    [
        (relu, "dZ", "nnref.relu.dZ"),
        (np, "allclose", "numpy.allclose"),
        (np.linalg, "norm", "numpy.linalg.norm"),
        (json, "dumps", "json.dumps"),
        (math, "isfinite", "math.isfinite"),
    ],
)
def test_a_function_that_was_replaced_is_named(before, monkeypatch, owner, name, said):
    monkeypatch.setattr(owner, name, lambda *a, **k: True)
    assert tampering.tampered(before) == said


def test_a_function_whose_code_was_replaced_in_place_is_named(before, monkeypatch):
    monkeypatch.setattr(relu.dZ, "__code__", (lambda Z, dA: dA).__code__)
    assert tampering.tampered(before) == "nnref.relu.dZ.__code__"


def test_a_property_that_gives_the_verdict_is_named(before, monkeypatch):
    monkeypatch.setattr(Certificate, "ok", True)
    assert tampering.tampered(before).endswith("Certificate.ok")


def test_a_method_of_a_class_of_nnref_is_named(before, monkeypatch):
    monkeypatch.setattr(Entry, "__init__", lambda self, *a, **k: None)
    assert tampering.tampered(before).endswith("Entry.__init__")


def test_a_module_that_is_gone_is_named(before, monkeypatch):
    monkeypatch.delitem(tampering.sys.modules, "nnref.relu")
    assert tampering.tampered(before).startswith("nnref.relu.")
