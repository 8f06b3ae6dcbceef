"""Made-up texts for programs that learn letters and words: running text of common words, or a list of names."""

from __future__ import annotations

import re

import numpy as np

from nnref.checking.watching.recording.tape import words

LISTS = re.compile(r"names|dinos|cities|pokemon|words?\.txt|vocab", re.IGNORECASE)
"""Names of files that hold one name per line."""

PROSE = re.compile(
    r"^text[89]$|enwik|wiki|corpus|shakespeare|alice|sherlock|poem|poetry|novel|story|stories|lyric|sentence|gutenberg|"
    r"\bptb\b|speech|book.*\.txt|^input\.txt|tweets?\.txt|^text\.txt|article",
    re.IGNORECASE,
)
"""Names of files that hold running text."""

OTHERS = re.compile(r"\.(csv|tsv|data|np[yz]|pkl|pickle|gz|zip|mat|h5|hdf5|json|png|jpg)$", re.IGNORECASE)
"""File types that hold no text, whatever the rest of the name says."""

WORDS = sorted(
    words("""
    the of and a to in is was he for it with as his on be at by had not are but from or have an they which one
    you were her all she there would their we him been has when who will more no if out so said what up its
    about into than them can only other new some could time these two may then do first any my now such like our
    over man me even most made after also did many before must through king queen city river house water night
    day
""")
)
"""The words of a made-up text."""

NAMES = sorted(
    words("""
    anna ben clara david emma finn greta hugo ida jonas karl lena max nora otto paul rosa sam tina vera
""")
)
"""The names of a made-up list."""

LENGTH = 6000
"""Number of words in a made-up text: each word occurs often enough not to be dropped as rare."""

FEWEST = 200
"""Smallest number of words handed out."""

IN_A_LINE = 12
"""Number of words in a line."""


def list_of_names(kind: str) -> str:
    """The names in the file of one kind, as a folder may hold one for each language: other ones for each.

    >>> list_of_names("3").split()[:2]
    ['lena', 'max']
    """
    first = sum(map(ord, kind)) % len(NAMES)
    return "\n".join((NAMES[first:] + NAMES[:first])[: len(NAMES) // 2]) + "\n"


def made_text(name: str, random: np.random.RandomState, share: int = 1) -> str | None:
    """A text made up for a file name, running text with 1/share of the words; None if no text has such a name.

    >>> made_text("names.txt", np.random.RandomState(0)).split()[:2]
    ['anna', 'ben']
    >>> made_text("weights.bin", np.random.RandomState(0)) is None
    True
    """
    if OTHERS.search(name):
        return None
    if LISTS.search(name):
        return "\n".join(NAMES) + "\n"
    if not PROSE.search(name):
        return None
    length = max(FEWEST, LENGTH // share)
    drawn = [WORDS[k] for k in np.minimum(random.geometric(0.03, length) - 1, len(WORDS) - 1)]
    if "." not in name:
        return " ".join(drawn)
    return "\n".join(" ".join(drawn[k : k + IN_A_LINE]) + "." for k in range(0, length, IN_A_LINE)) + "\n"
