"""Fixtures: a generator seeded by the test's own name, and tools that may be missing only visibly."""

import importlib
import os
import shutil
import zlib

import numpy as np
import pytest


def pytest_addoption(parser):
    parser.addoption("--all-cases", action="store_true", help="the tests marked further too, as in CI")
    parser.addoption("--long", action="store_true", help="every case, and every draw of the long fuzzes")


def pytest_collection_modifyitems(config, items):
    """A test that records a figure is marked so. Those marked long or further are left out unless asked for."""
    for item in items:
        if "record_property" in getattr(item, "fixturenames", ()):
            item.add_marker("figure")
    items.sort(key=lambda item: (claim_of(item), library_of(item)))
    long = config.getoption("--long")
    asked = {"long": long, "further": long or config.getoption("--all-cases")}
    left_out = [item for item in items if any(item.get_closest_marker(name) for name in asked if not asked[name])]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        gone = set(left_out)
        items[:] = [item for item in items if item not in gone]


def claim_of(item):
    """The claim that a test of derivations is about: what shares a proof stands together. Other tests come first."""
    claim = getattr(item, "callspec", None) and item.callspec.params.get("claim")
    return claim.name if claim and "tests/derivations/" in item.nodeid else ""


def library_of(item):
    """The library that a test is about and that takes seconds to import: its tests stand together, in one process."""
    return next((name for name in ("jax", "tensorflow") if name in item.nodeid), "")


@pytest.fixture
def draws(request):
    """How many draws a fuzz makes: draws(quick, full, ci=) is full with --long, ci with --all-cases, else quick."""
    long, all_cases = (request.config.getoption(name) for name in ("--long", "--all-cases"))
    return lambda quick, full, ci=None: full if long else ci if all_cases and ci is not None else quick


@pytest.fixture
def rng(request):
    """A generator that gives a test the same numbers in every run, process and order."""
    return np.random.default_rng(zlib.crc32(request.node.nodeid.encode()))


def require(module):
    """The module, or a visible skip; with NNREF_REQUIRE=all its absence is a failure."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        missing(module, f"cannot be imported: {error}")


def require_program(program):
    """Where the program is, or a visible skip; with NNREF_REQUIRE=all its absence is a failure."""
    return shutil.which(program) or missing(program, "was not found")


def missing(tool, why):
    """Skip, or fail where everything is required."""
    if os.environ.get("NNREF_REQUIRE") == "all":
        pytest.fail(f"{tool} is required here (NNREF_REQUIRE=all) and {why}")
    pytest.skip(f"{tool} is not installed")


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory, monkeypatch):
    """Tests neither read nor write the user's cache, data or Keras folder."""
    shared = tmp_path_factory.getbasetemp() / "nnref-cache"
    monkeypatch.setenv("NNREF_CACHE", str(shared))
    monkeypatch.setenv("KERAS_HOME", str(shared / "no-keras"))
    monkeypatch.delenv("NNREF_MNIST", raising=False)


collect_ignore_glob = ["unseen/*", "support/triton_kernels.py"]
"""Homework files that the reader is tried on, which are read as files and never imported here; and what needs a GPU."""
