"""%nnref, in a notebook: check the cells that were run."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from nnref.checking.homework.child import Order, outcome_in_process
from nnref.checking.homework.command import unread_in_words


def check_notebook(ipython: Any, line: str) -> None:
    """Print the report on the cells that were run, or on the one name in them that is given.

    ipython is IPython's shell; its user_ns holds the cells as In. Errors: none; what cannot be read is said.
    """
    run = [text for text in ipython.user_ns.get("In", []) if text.strip() and "%nnref" not in text]
    cells = [{"cell_type": "code", "source": text, "metadata": {}, "outputs": []} for text in run]
    with tempfile.TemporaryDirectory(prefix="nnref-") as folder:
        path = Path(folder) / "notebook.ipynb"
        path.write_text(json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}))
        found = outcome_in_process(Order(str(path), line.strip() or None))
    print("\n".join(found.get("lines") or unread_in_words("the notebook", found)))
