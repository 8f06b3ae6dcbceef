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
