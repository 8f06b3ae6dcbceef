"""Which cases of a long list the quick run takes: what is said stays covered, by fewer examples."""

from zlib import crc32

import pytest


def some(cases, one_in, *, ids=str):
    """The cases, of which one in so many is quick, chosen by its name; the rest are marked further.

    The first is always quick. A case that is added or taken away changes nothing for the others.
    """
    return [marked(case, k == 0 or crc32(ids(case).encode()) % one_in == 0, ids(case)) for k, case in enumerate(cases)]


def pairs(firsts, seconds, one_in, *, ids=str):
    """Every pair of the two lists: each first with the first of the others is quick, and of the rest one in so many.

    A pair bears the names of both, as stacked parametrizations would give it.
    """
    return [
        marked((a, b), k == 0 or crc32(name.encode()) % one_in == 0, name)
        for a in firsts
        for k, b in enumerate(seconds)
        for name in [f"{ids(a)}-{b}"]
    ]


def marked(case, quick, name):
    """One case as pytest takes it: a tuple holds several arguments.

    Errors: ValueError for a name that holds an address, which differs from process to process and so what is quick.
    """
    if " at 0x" in name:
        raise ValueError(f"{name} is another name in each process; pass ids= a name of the case")
    values = case if isinstance(case, tuple) else (case,)
    return pytest.param(*values, marks=[] if quick else [pytest.mark.further], id=name)
