"""What every test came to, by node id: a pytest plugin that writes it down, and a child process that runs it."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.support.sources import ROOT

RECORDED = ("figure", "caught")
"""What a test may record of itself, by record_property."""


def pytest_addoption(parser):
    parser.addoption("--outcomes", metavar="FILE", help="write the outcome of every test, by node id, as JSON")


def pytest_configure(config):
    # Only where results arrive: the workers of pytest-xdist send theirs to the process that started them.
    if config.getoption("--outcomes") and not hasattr(config, "workerinput"):
        config.pluginmanager.register(Outcomes(config.getoption("--outcomes")))


class Outcomes:
    """Outcome, seconds and, where the test recorded it, the figure it measured and what caught what it planted."""

    def __init__(self, path):
        self.path = path
        self.by_id = {}

    def pytest_runtest_logreport(self, report):
        found = self.by_id.setdefault(report.nodeid, {"outcome": "passed", "seconds": 0.0})
        found["seconds"] = round(found["seconds"] + report.duration, 3)
        if report.outcome != "passed":  # a failure in setup or teardown is one of the test
            found["outcome"] = report.outcome
        if report.outcome == "failed":
            found["says"] = str(report.longrepr).strip().splitlines()[-1]
        found.update({name: value for name, value in report.user_properties if name in RECORDED})

    def pytest_collectreport(self, report):
        if report.failed:
            says = str(report.longrepr).strip().splitlines()[-1]
            self.by_id[report.nodeid] = {"outcome": "failed", "seconds": 0.0, "says": says}

    def pytest_sessionfinish(self):
        Path(self.path).write_text(json.dumps(self.by_id, sort_keys=True), encoding="utf-8")


def run(*arguments):
    """The outcome of every test that pytest chooses by these arguments, each test in a process that is not ours."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "outcomes.json"
        options = ["-p", "tests.support.outcomes", f"--outcomes={path}", "--continue-on-collection-errors", "-q"]
        command = [sys.executable, "-m", "pytest", *options, *arguments]
        # Progress goes to stderr: stdout is the report's.
        child = subprocess.run(
            command, cwd=ROOT, env=os.environ | {"MPLBACKEND": "Agg"}, stdout=sys.stderr, check=False
        )
        found = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    if child.returncode not in (0, 1, 5):  # all passed, some failed, none chosen; all else is no run of the tests
        found["pytest"] = {"outcome": "failed", "seconds": 0.0, "says": f"pytest exited with {child.returncode}"}
    return found


def naming(outcomes, claim):
    """The ids of the tests that are parametrised by this claim: those with its name, alone or between dashes, in []."""
    return [node for node in outcomes if "[" in node and claim in node.partition("[")[2].rstrip("]").split("-")]
