"""Does a page quote lines as they stand, with where they stand, and shapes as one reads them?"""

from derivations.output import quoting
from derivations.output.context import Context, Quoted
from derivations.output.quoting import quotation, shape, shapes, without_docstring


def test_lines_come_with_their_place():
    said = quotation(Quoted("nnref/affine.py", 7, "return dZ @ A.T"), Context({}))
    assert said.startswith("```python\nreturn dZ @ A.T\n```")
    assert "nnref/affine.py" in said


def test_a_test_without_a_page_is_no_link():
    assert quoting.test_link("tests/a.py::b", Context({})) == "`tests/a.py::b`"
    linked = Context({}, test_at=lambda test: "https://host/a.py#L3")
    assert quoting.test_link("tests/a.py::b", linked) == "[`tests/a.py::b`](https://host/a.py#L3)"


def test_sizes_are_m_by_n_and_a_number_has_none():
    assert [shape(s) for s in (("m", "n"), "K", ())] == ["m × n", "K", "–"]
    claim = {"shapes": {"X": ("n", "N"), "alpha": (), "": ("n", "N")}}
    assert shapes(claim) == "`X` (n, N) → (n, N)"


def test_a_docstring_is_left_out_and_the_rest_stays():
    assert without_docstring('def f(x):\n    """Says."""\n    return x') == "def f(x):\n    return x"
