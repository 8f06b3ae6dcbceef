"""Does output that nobody reads end neither the program nor what is written elsewhere?"""

import io
import os
import sys

from nnref.running.streams import Lasting, lasting


class Broken(io.StringIO):
    """A stream whose reader is gone."""

    def write(self, text):
        raise BrokenPipeError(32, "Broken pipe")

    flush = write


def test_a_closed_pipe_is_said_on_stderr_and_the_text_counts_as_written(capsys):
    assert Lasting(Broken(), "stdout").write("four") == 4
    assert "stdout cannot be written (Broken pipe); going on without it." in capsys.readouterr().err


def test_of_a_broken_stderr_nothing_is_said(capsys):
    Lasting(Broken(), "stderr").write("four")
    assert capsys.readouterr().err == ""


def test_streams_are_put_back_and_one_that_was_closed_leads_to_nothing(monkeypatch):
    monkeypatch.setattr(sys, "stdout", None)
    before = sys.stdout, sys.stderr
    with lasting():
        assert isinstance(sys.stdout, Lasting)
        assert sys.stdout.name == "stdout"
        print("into nothing")
        sys.stdout.stream.flush()
        assert sys.stdout.stream.name == os.devnull
    assert (sys.stdout, sys.stderr) == before
