"""Every example, by the command, as a person runs it: right ones are right, and the wrong line is found in the rest."""

import json
from pathlib import Path

import pytest

from nnref.cli import main

ROOT = Path(__file__).parent.parent
RIGHT, WRONG = 0, 1

EXAMPLES = {
    "cache_grads.py": (RIGHT, "", ""),
    "digits_columns.py": (RIGHT, "", ""),
    "layers_module.py": (RIGHT, "", ""),
    "notebook.ipynb": (RIGHT, "", ""),
    "rows_class.py": (RIGHT, "", ""),
    "rows_functions.py": (RIGHT, "", ""),
    "template.py": (RIGHT, "", ""),
    "cache_grads_preactivation.py": (WRONG, 'dW3, line 46:  grads["dW3"]', "Z stands where its activation should"),
    "digits_columns_bias.py": (WRONG, "db2, line 54:  db2 = 1 / m * np.sum(dZ2)", "examples AND neurons"),
    "notebook_mask.ipynb": (WRONG, "dZ1, cell 5, line 7:  dZ1 = dA1 * (dA1 > 0)", "mask is taken from dA"),
    "rows_class_stale.py": (WRONG, "dA1, line 34:  dh1 = dscores @ self.w2.T", "updated before they were used"),
    "rows_functions_derivative.py": (WRONG, "dZ1, line 45:  dz1 = np.dot(dz2", "activation's derivative is missing"),
    "softmax_axis.py": (WRONG, "softmax, line 11:  return e / np.sum(e, axis=0)", "Softmax over the wrong axis"),
    "sum_not_mean.py": (WRONG, "dZ2, line 23:  dz2 = p - y", "1/N of the mean is missing"),
}

UNSEEN = {
    "deep_l_layers.py": (RIGHT, "", ""),
    "deep_network.py": (RIGHT, "", ""),
    "modular_layers.py": (RIGHT, "", ""),
    "nn_from_scratch.py": (RIGHT, "", ""),
    "simple_ann.py": (RIGHT, "", ""),
    "xor_class.py": (RIGHT, "", ""),
    "fashion_minimal.py": (WRONG, "db1, line 37:  return dict(W2=", "numbers are right and the shape is not"),
    "forward_backward_lists.py": (WRONG, "db3, line 28:  grads.append(", "Averages over the batch"),
    "mixed_notebook.ipynb": (WRONG, "dZ1, cell 5, line 18:  dZ1 = dA1 * cache['Z1']", "wrong argument"),
    "two_layer_net.py": (WRONG, 'dZ1, line 36:  grads["W1"]', "activation's derivative is missing"),
}
"""Written after the reader was finished; eight of the ten were read at once, and the other two after it was mended."""

FILES = [("examples", *item) for item in EXAMPLES.items()] + [("tests/unseen", *item) for item in UNSEEN.items()]


def test_every_example_is_listed():
    there = {path.name for path in (ROOT / "examples").iterdir() if path.suffix in (".py", ".ipynb")}
    assert there == set(EXAMPLES)
    assert {path.name for path in (ROOT / "tests/unseen").iterdir() if path.suffix in (".py", ".ipynb")} == set(UNSEEN)


@pytest.mark.parametrize(("folder", "name", "expected"), FILES, ids=[name for _, name, _ in FILES])
def test_an_example_is_read_and_its_mistake_is_found(folder, name, expected, capsys):
    status, first, says = expected
    assert main(["check", str(ROOT / folder / name), "--json"]) == status
    *report, last = capsys.readouterr().out.splitlines()
    text = " ".join(" ".join(report).split())
    result = json.loads(last)
    assert result["ok"] is (status == RIGHT)
    assert max(map(len, report)) <= 80
    assert (" ".join(f"First mistake: {first}".split()) in text) is (status == WRONG)
    assert says in text
    if status == RIGHT:
        assert all(entry["verdict"] == "ok" and entry["checked"] == entry["size"] for entry in result["entries"])
