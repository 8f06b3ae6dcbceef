"""Does the table of mistakes show each of them, at numbers where none gives the right answer?"""

import pytest

from derivations.output import mistakes
from derivations.prover.proof import claims


@pytest.mark.parametrize("name", ["affine.dW", "layer_norm.dX", "multi_head.dQ", "rope.dX", "rnn.dW", "adam.bias"])
def test_every_mistake_differs_from_the_right_answer_where_it_is_shown(name):
    claim = claims()[name]
    _, (right, *wrong) = mistakes.shown(claim)
    assert right != "0.0"
    assert len(wrong) == len(claim.wrong_twins)
    assert right not in wrong


def test_the_table_has_a_line_for_each(capsys):
    claim = claims()["affine.dW"]
    assert mistakes.main(["affine.dW"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("affine.dW   at ")
    assert all(twin.mistake in said for twin in claim.wrong_twins)


def test_a_mistake_that_gives_the_right_number_is_said_to_be_hidden(monkeypatch):
    claim = claims()["affine.db"]
    at, values = mistakes.shown(claim)
    monkeypatch.setattr(mistakes, "shown", lambda _: (at, [values[0], values[0], *values[2:]]))
    hidden, *others = mistakes.lines(claim)[2:]
    assert hidden.endswith(f"{claim.wrong_twins[0].mistake} (not seen at these numbers)")
    assert others
    assert not any("not seen" in line for line in others)


def test_a_name_that_nothing_bears_is_said(capsys):
    assert mistakes.main(["no_such_layer"]) == 2
    assert "no claim or concept is called no_such_layer" in capsys.readouterr().err
