"""Is every heading one of a concept that there is?"""

from derivations.output.titles import TITLES
from tests.support.proofs import CLAIMS


def test_every_title_is_of_a_concept():
    assert TITLES.keys() <= {name.split(".")[0] for name in CLAIMS}


def test_a_title_says_more_than_the_name_with_a_capital():
    assert [name for name, title in TITLES.items() if title == name.replace("_", " ").capitalize()] == []
