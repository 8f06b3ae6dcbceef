"""Does a statement lead to an update, or is it only printed?"""

import pytest

from nnref.checking.reading.source import read_source
from nnref.checking.watching.verdict.on_the_way import leads_to_update, updated

PROGRAM = """\
def slope(d):
    return x.T @ d
grads = []
d = p - y
grads.append(slope(d))
shown = d.mean()
print(shown)
W -= 0.1 * grads[0]
b = b - 0.1 * d.sum()
n += 1
"""


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "program.py"
    path.write_text(PROGRAM)
    return read_source(path)


@pytest.mark.parametrize(
    ("line", "leads"), [(2, True), (4, True), (5, True), (6, False), (7, False), (8, True), (9, True), (10, False)]
)
def test_what_goes_into_an_update_leads_there_through_names_lists_and_what_is_returned(source, line, leads):
    assert leads_to_update(source, line) is leads


def test_what_is_counted_is_no_parameter(source):
    assert updated(source) == {"W", "b"}


@pytest.mark.parametrize(
    ("line", "leads"),
    [
        ("setattr(self, name, getattr(self, name) - 0.1 * g)", True),
        ("self.W = [w - 0.1 * d for w, d in zip(self.W, g)]", True),
        ("setattr(self, name, g)", False),
        ("self.shown = [a - b for a, b in zip(self.W, g)]", False),
    ],
)
def test_an_update_of_an_attribute_by_its_name_or_of_a_whole_list_is_one(tmp_path, line, leads):
    path = tmp_path / "program.py"
    path.write_text(line)
    assert leads_to_update(read_source(path), 1) is leads
