"""What the tests of the site share: a build of it, a copy of the project to spoil, a browser, and a reader of HTML."""

import functools
import http.server
import os
import shutil
import subprocess
import sys
import threading
from contextlib import contextmanager
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.conftest import require

ROOT = Path(__file__).resolve().parents[2]
ADDRESS, REPOSITORY = "https://nnref.example/", "https://code.example/nnref/blob/main/"
"""Where the built site would stand, and the project's files; nothing is asked of either."""

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
COPIED = ("derivations", "nnref", "docs", "tests", "examples", "mkdocs.yml", "build/site", "build/verification.json")


def build(project, out, **environment):
    """mkdocs build --strict of a project, into a folder: (exit status, what it said)."""
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(out)]
    env = os.environ | {"PYTHONPATH": str(project), "NO_MKDOCS_2_WARNING": "1"} | environment
    options = {"capture_output": True, "text": True, "env": env, "timeout": 900}
    done = subprocess.run(command, cwd=project, check=False, **options)
    return done.returncode, done.stdout + done.stderr


def copy(place):
    """A copy of the project that may be spoilt, with what earlier builds kept, so that it is built in seconds."""
    for name in COPIED:
        source, target = ROOT / name, place / name
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        elif source.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, target)
    return place


def proofs():
    """What the build printed from: the proofs of these very sources."""
    from press import sources

    return sources.derivations()


def sources_sha256(project):
    """The hash by which a report of this project counts as fresh, where there is a rule for it."""
    try:
        from tests.support.sources import sources_sha256 as rule
    except ImportError:
        return None
    return rule(project)


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@contextmanager
def served(folder):
    """The folder over HTTP on this machine; yields its address."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def browser():
    """Debian's chromium, or another that is installed; its absence is seen."""
    playwright = require("playwright.sync_api")
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        (pytest.fail if os.environ.get("NNREF_REQUIRE") == "all" else pytest.skip)("no chromium is installed")
    with playwright.sync_playwright() as started:
        opened = started.chromium.launch(executable_path=found, args=FLAGS)
        try:
            yield opened
        finally:
            opened.close()


class Page(HTMLParser):
    """A page's ids, links, formulas with what each belongs to, and badges."""

    def __init__(self, path):
        super().__init__()
        self.ids, self.links, self.formulas, self.badges, self.open = [], [], [], {}, []
        self.badge = None
        self.text = path.read_text(encoding="utf-8")
        self.feed(self.text)

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        classes = (found.get("class") or "").split()
        self.ids += [found["id"]] if "id" in found else []
        self.links += [found[name] for name in ("href", "src") if found.get(name)]
        if tag == "div":
            self.open.append(found)
            if "math" in classes:
                owner = self.open[-2]
                self.formulas.append(owner.get("data-claim") or owner.get("data-quote"))
        if tag == "ul" and "badge" in classes:
            self.badge = self.badges.setdefault(found["aria-label"].removeprefix("Witnesses of "), {})
        if tag == "li" and "data-witness" in found:
            self.badge[found["data-witness"]] = found["data-status"]

    def handle_endtag(self, tag):
        if tag == "div":
            self.open.pop()


def pages(site):
    """Every page by its address."""
    return {path.relative_to(site).as_posix(): Page(path) for path in sorted(site.rglob("*.html"))}
