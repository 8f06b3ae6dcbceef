"""Does every promise name a test that exists?"""

import ast
import re
from pathlib import Path

import nnref

ROOT = Path(nnref.__file__).parent.parent


def test_every_promise_is_kept_by_a_test_that_exists():
    rows = (ROOT / "docs" / "about" / "promises.md").read_text(encoding="utf-8").splitlines()
    promises = [row for row in rows if row.startswith("| ") and not row.startswith("| Promise")]
    assert len(promises) >= 12
    for row in promises:
        file, name = re.search(r"`(tests/\S+\.py)::(\w+)`", row).groups()
        tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
        assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}, row
