"""Does each command take the options that the other is asked with, so that one function serves both?"""

import argparse

import pytest

from nnref.checking.homework.options import FORMATS, add_certify, add_check


@pytest.fixture
def parser():
    parser = argparse.ArgumentParser()
    commands = parser.add_subparsers()
    add_check(commands)
    add_certify(commands)
    return parser


def test_both_commands_know_the_same_options_so_that_neither_is_asked_for_one_it_lacks(parser):
    check, certify = (vars(parser.parse_args([name, "f"])).keys() for name in ("check", "certify"))
    assert certify - check == set()
    assert check - certify <= {"executor"}


def test_a_format_that_is_none_is_refused(parser, capsys):
    assert parser.parse_args(["check", "f", "--format", FORMATS[-1]]).format == "github"
    with pytest.raises(SystemExit) as caught:
        parser.parse_args(["check", "f", "--format", "yaml"])
    assert caught.value.code == 2
    assert "invalid choice: 'yaml'" in capsys.readouterr().err
