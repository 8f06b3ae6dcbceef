"""What is said of values that a step leaves to the next, or does not."""

from nnref.checking.watching.telling.between_steps import between_steps, named_beside
from tests.support.programs import seen
from tests.support.recordings import STEP

UNUSED = ("    W = W - 0.1 * dW", "    V = W - 0.1 * dW")


def test_a_value_that_nothing_uses_is_named_with_what_never_changes(tmp_path):
    (said,) = between_steps(seen(tmp_path, STEP, UNUSED))
    assert said.says == "W never changes: this line writes into V."
    assert said.place.startswith("line 9:")


def test_of_a_right_program_nothing_is_said(tmp_path):
    assert list(between_steps(seen(tmp_path, STEP))) == []


def test_a_value_is_shown_where_it_got_its_name_beside_its_use_and_not_within_the_function_that_made_it(tmp_path):
    found = seen(
        tmp_path,
        STEP,
        ("    Z = X @ W + b", "    def f(x):\n        out = x @ W + b\n        return out\n    Z = f(X)"),
    )
    (met,) = found.steps[0].roles.meetings
    assert met.output.site.line == 6
    assert named_beside(found, met.output, met.at.site).line == 8
