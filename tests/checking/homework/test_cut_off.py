"""Is an activation that bends far from 0, as ReLU6 does, told from one that does not, and its slope judged there?"""

import nnref
from nnref.checking.homework.by_names import check_file

FILE = """
import numpy as np

def forward(p, x):
    z1 = x @ p["W1"] + p["b1"]
    a1 = np.clip(z1, 0, 6)
    z2 = a1 @ p["W2"] + p["b2"]
    e = np.exp(z2 - z2.max(axis=1, keepdims=True))
    return z1, a1, e / e.sum(axis=1, keepdims=True)

def backward(p, x, y):
    z1, a1, out = forward(p, x)
    dz2 = (out - y) / len(x)
    dz1 = dz2 @ p["W2"].T * SLOPE
    return {"W1": x.T @ dz1, "b1": dz1.sum(0, keepdims=True), "W2": a1.T @ dz2, "b2": dz2.sum(0, keepdims=True)}

def init(n, h, k):
    rng = np.random.default_rng(0)
    return {"W1": rng.standard_normal((n, h)), "b1": np.zeros((1, h)),
            "W2": rng.standard_normal((h, k)), "b2": np.zeros((1, k))}

params = init(6, 7, 3)
"""


def written(folder, slope):
    path = folder / "homework.py"
    path.write_text(FILE.replace("SLOPE", slope))
    return path


def test_a_cut_is_read_and_a_slope_that_forgets_it_is_wrong(tmp_path):
    right = check_file(written(tmp_path, "((z1 > 0) & (z1 < 6))"))
    assert right.ok, str(right)
    assert "relu6" in right.reading
    wrong = check_file(written(tmp_path, "(z1 > 0)"))
    assert {entry.name for entry in wrong.wrong} == {"W1", "b1"}
    assert wrong.first.claim == "relu6.dZ"


def test_a_run_that_never_comes_up_to_a_cut_says_that_the_slope_beyond_is_not_judged(tmp_path):
    report = nnref.check(written(tmp_path, "(z1 > 0)"))
    assert "nothing came up to 6 as it ran" in " ".join(str(report).split())
