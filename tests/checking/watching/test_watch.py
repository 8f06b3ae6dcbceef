"""Programs, run as they stand: right ones are right, planted mistakes are found, and on their line."""

import pytest

from nnref.checking.watching import values
from nnref.checking.watching.first_wrong import mistakes, of_failure
from nnref.checking.watching.report import certificate, settled, step_shown
from nnref.checking.watching.watch import watch
from tests.support.programs import PLANTED, RIGHT


def watched(tmp_path, text):
    """A program as it runs."""
    path = tmp_path / "program.py"
    path.write_text(text, encoding="utf-8")
    return watch(path)


@pytest.mark.parametrize("program", RIGHT.values(), ids=RIGHT)
def test_a_right_program_is_right_and_every_parameter_was_judged(program, tmp_path):
    seen = watched(tmp_path, program)
    assert settled(seen) is True, certificate(seen)
    assert seen.runs[0].error is None


@pytest.mark.parametrize("planted", PLANTED.values(), ids=PLANTED)
def test_a_planted_mistake_is_found_on_its_line(planted, tmp_path):
    name, old, new, line = planted
    assert RIGHT[name].count(old) == 1
    assert RIGHT[name][: RIGHT[name].index(old)].count("\n") + 1 == line
    seen = watched(tmp_path, RIGHT[name].replace(old, new))
    assert settled(seen) is False, certificate(seen, mend=False)
    step = step_shown(seen)
    found = mistakes(step.roles, seen.tapes, step.readings[0])
    if seen.broken is not None:
        found = [of_failure(step.roles, seen.tapes, step.readings[0], seen.broken)]
    assert line in [m.site.line for m in found] or line in [m.used.line for m in found if m.used]


@pytest.mark.parametrize("name", ["momentum", "deep"])
def test_a_costly_program_is_stopped_after_two_steps_and_judged_as_before(name, tmp_path, monkeypatch):
    monkeypatch.setattr(values, "COSTLY", (0.0, 0.0))
    seen = watched(tmp_path, RIGHT[name])
    assert settled(seen) is True, certificate(seen)
    assert len(seen.steps) == 2
    assert seen.runs[0].recorder.sufficed
    assert len(seen.runs[0].tape) < 3 * (seen.steps[0].roles.last + 1)
