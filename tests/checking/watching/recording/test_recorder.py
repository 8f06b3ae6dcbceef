"""The tape: what a program computed, made of what, on which line; and the program does not notice."""

import numpy as np
import pytest

from nnref.checking.watching.calculus.slopes import slopes
from tests.support.recordings import node, recorded

WAYS = {
    "operators": "y = (x * 3 + 1) / 2 - x ** 2",
    "a view written into": "y = x + 0.0\ny[1:] *= x[:-1]",
    "a transposed view": "y = (x[:, None] @ x[None, :]).T[0] * 2",
    "a shape that is set": "z = x * x\nz.shape = (3, 1)\ny = z * x\ny.shape = 9",
    "methods": "y = (x * x).sum(axis=0, keepdims=True) * x.copy().reshape(-1)",
    "out": "y = np.empty(3)\nnp.multiply(x, x, out=y)",
    "scalars": "import math\ny = math.exp(x[0]) * float(x[1]) + x[2].item()",
    "a loop over entries": "y = [0.0] * 3\nfor i, v in enumerate(x):\n    y[i] = v * v + 1\ny = np.array(y)",
    "sum and max of Python": "y = sum(v * v for v in x) + max(0, x[0]) * 2",
    "sum of an array": "y = sum(np.outer(x, x * x)) * sum(2 * x)",
    "rows put together again": "z = np.outer(x, x)\ny = np.array([[z[0], z[1]], [z[2], z[1]]]) * np.array(list(z))[:2]",
    "vectorize": "f = np.vectorize(lambda v: v * v if v > 0 else 3 * v)\ny = f(x)",
    "einsum": "y = np.einsum('i,ij->j', x, np.arange(12.0).reshape(3, 4))",
    "concatenate and slices": "y = np.concatenate([x[1:], 2 * x])[::-1]",
    "fancy indexing": "y = x[[0, 0, 2]] * x[x > -10]",
    "assignment by mask": "y = x * 2\ny[y < 0] = 0",
    "where, maximum, clip": "y = np.where(x > 0, x, 0.1 * x) + np.maximum(0, x) + np.clip(x, -1, 1)",
    "ufunc.at": "y = np.zeros(3)\nnp.add.at(y, [0, 1, 1], x * x)",
    "outer and ufunc.outer": "y = np.outer(x, x) + np.multiply.outer(x, x)",
    "dictionary and list of arrays": "p = {'a': [x * 2]}\np['a'][0] = p['a'][0] * x\ny = p['a'][0]",
    "a function of a library": "from scipy.special import expit\ny = expit(x) * np.linalg.det(np.diag(x))",
    "softmax": "e = np.exp(x - x.max())\ny = e / np.sum(e)",
    "statistics": "y = (x - np.mean(x)) / np.sqrt(np.var(x) + 1e-5) + np.std(x)",
    "augmented attribute": "class A: pass\na = A()\na.v = x * 1.0\na.v += x\na.v[0] -= x[2] * x[1]\ny = a.v",
    "apply_along_axis": "y = np.apply_along_axis(lambda r: r * r.sum(), 0, x)",
    "functions named as methods of lists": "y = np.add(np.append(x, x * x)[2:5], np.insert(x, 1, 2 * x[0])[:3])",
    "tile, pad, roll": "y = np.pad(np.roll(np.tile(x, 2), 1), 1)",
    "matmul of stacks": "y = np.matmul(np.stack([np.outer(x, x)] * 2), x)",
    "convolve": "y = np.convolve(x, x * 2)",
    "deepcopy": "import copy\ny = copy.deepcopy([x * 2])[0] * x",
}


@pytest.mark.parametrize("lines", WAYS.values(), ids=WAYS)
def test_the_slope_of_what_was_recorded_is_that_of_the_program(lines, tmp_path):
    """Σ y·c by reverse mode over the tape, against differences of the program run without a recorder."""
    start = np.array([0.7, -0.4, 1.3])

    def plain(x):
        names = {"x": x, "np": np}
        exec(lines, names)
        return np.asarray(names["y"], float)

    run = recorded(tmp_path, f"import numpy as np\nx = np.array([0.7, -0.4, 1.3])\n{lines}")
    assert run.error is None
    y, x = run.recorder.known(run.namespace["y"]), node(run, "x")
    np.testing.assert_array_equal(y.value, plain(start))
    c = np.random.default_rng(0).normal(size=y.shape)
    found, lost = slopes(run.tape, {y.index: c}, [True] * len(run.tape))
    assert not lost
    h = 1e-6
    truth = [float(((plain(start + h * e) - plain(start - h * e)) * c).sum() / (2 * h)) for e in np.eye(3)]
    np.testing.assert_allclose(found[x.index], truth, rtol=1e-7, atol=1e-8)


def test_a_value_stays_what_it_was_when_its_memory_is_written_over(tmp_path):
    run = recorded(tmp_path, "import numpy as np\na = np.ones(3)\nb = a * 2\nc = a[1:] * b[1:]\na[1] = 7\na += 1\n")
    first = run.tape[0]
    np.testing.assert_array_equal(first.value, [1, 1, 1])
    np.testing.assert_array_equal(run.recorder.known(run.namespace["a"]).value, [2, 8, 2])


def test_lines_and_leaves_are_those_of_the_program(tmp_path):
    run = recorded(tmp_path, "import numpy as np\nX = np.ones((2, 3))\nY = np.zeros(2)\n\nE = (\n  X.sum(1)\n  - Y)\n")
    assert node(run, "E").site.line == 6
    assert node(run, "E").deps == 0b11
    assert [n.leaf for n in run.recorder.leaves] == ["ones", "zeros"]


def test_another_seed_draws_other_numbers_though_the_program_sets_its_own(tmp_path):
    text = (
        "import numpy as np\nnp.random.seed(1)\na = np.random.randn(3)\nb = np.random.default_rng(1).normal(size=3)\n"
    )
    first, again, other = (recorded(tmp_path, text, seed=seed) for seed in (0, 0, 1))
    for name in "ab":
        np.testing.assert_array_equal(node(first, name).value, node(again, name).value)
        assert not (node(first, name).value == node(other, name).value).any()


def test_a_constant_parameter_is_moved_where_it_is_asked(tmp_path):
    text = "import numpy as np\nb = np.zeros(3)\nc = 0.5\n"
    run = recorded(tmp_path, text, seed=1, jitter=frozenset([0, 1]))
    assert node(run, "b").value.all()
    assert node(run, "c").value != 0.5


def test_recording_ends_at_its_limit_and_not_the_program_with_an_error(tmp_path):
    run = recorded(tmp_path, "import numpy as np\nx = np.ones(2)\nwhile True:\n    x = x * 1.1\n", limit=50)
    assert run.stopped
    assert run.error is None
    assert len(run.tape) == 50


def test_numbers_written_in_lists_are_known(tmp_path):
    run = recorded(tmp_path, "y = [0, 1, 1, 0]\nw = 0.5\ne = (w - y[1]) ** 2\n")
    leaf = next(n for n in run.tape if n.leaf == "written")
    assert node(run, "e").deps & leaf.deps


def test_a_long_list_of_pixels_that_is_appended_to_is_recorded_as_it_was(tmp_path):
    run = recorded(
        tmp_path, "import numpy as np\na = [k for k in range(9)]\nb = np.array([a, a]); a.append(9)\nc = b * 2.0"
    )
    made = node(run, "b")
    assert made.value.shape == (2, 9)
    assert made.call is None or np.array_equal(made.call(*made.args), made.value)


def test_the_program_sees_plain_numbers(tmp_path):
    text = """
        import numpy as np
        x = np.arange(3)
        assert type(x) is np.ndarray and isinstance(x[0], np.integer)
        n = [1, 2, 3][0]
        assert isinstance(n, int) and n == 1 and list(range(n)) == [0] and "abc"[n] == "b" and f"{n}" == "1"
        class A:
            def __init__(self): self.__w = 1
            def up(self):
                self.__w += 1
                return self.__w
        assert A().up() == 2
        assert [i for i in x if i > 0] == [1, 2]
        a, (b, c) = 1, (2, 3)
        d = [0, 0]
        d[0], d[1] = c, b
        assert d == [3, 2] and (a := 5) == 5
    """
    assert recorded(tmp_path, text).error is None


@pytest.mark.parametrize("asked", ["", "None", "seed=None", "seed=3", "5"])
@pytest.mark.parametrize("maker", ["np.random.default_rng", "np.random.RandomState"])
def test_a_generator_draws_the_same_in_every_run_of_one_number_and_others_in_another(maker, asked, tmp_path):
    text = f"import numpy as np\nx = {maker}({asked}).normal(size=3)\n"
    one, same, other = (np.array(recorded(tmp_path, text, seed=k).namespace["x"]) for k in (0, 0, 1))
    assert (one == same).all()
    assert (one != other).all()


def test_results_that_have_names_are_known_each(tmp_path):
    """Weights that are drawn orthogonal are drawn numbers, and nothing that the program got from somewhere."""
    run = recorded(tmp_path, "import numpy as np\nA = np.random.randn(4, 3)\nq, r = np.linalg.qr(A)\nw = q * 2")
    assert run.error is None
    assert [leaf.leaf for leaf in run.recorder.leaves] == ["random"]
    assert node(run, "q").inputs == (node(run, "A"),)
    assert run.namespace["q"].shape == (4, 3)


def test_the_sum_of_an_array_is_one_operation(tmp_path):
    """A neuron's sum over all pixels is one value, and not one a pixel: the record lasts for more of them."""
    found = recorded(tmp_path, "import numpy as np\nx = np.arange(784.0)\ny = sum(x * 2)")
    assert [n.op for n in found.tape if n.op != "leaf"] == ["multiply", "sum"]


def test_rows_that_are_put_together_again_are_one_view(tmp_path):
    """Pictures that are read row by row into lists, and then made an array, are no value a row of pixels."""
    found = recorded(
        tmp_path, "import numpy as np\nx = np.arange(784.0).reshape(28, 28)\ny = np.array(list(x)[3:]) * 2"
    )
    assert [n.op for n in found.tape if n.op != "leaf"] == ["view", "view", "array", "multiply"]
