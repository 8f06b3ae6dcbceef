"""The mistakes of a recognised layer beside each other: two that make the same numbers would make a name a guess."""

import numpy as np

from nnref.checking.operations.known import YOURS
from nnref.checking.recognition.layers import recognised
from nnref.shapes import trusted


def alike(call, arguments, dY):
    """The pairs of keys whose mistakes give the same numbers at the arguments."""
    found = recognised(call, arguments, np.asarray(call(arguments)))
    at = found.reading.symbols(arguments)
    dY = found.reading.output.take(np.asarray(dY))
    with trusted(), np.errstate(all="ignore"):
        right = found.known.gradients(at, dY, found.reading.settings)
        made = [
            (slip.key, {s: G for s, G in way.items() if s in at and not np.allclose(G, right[s], rtol=1e-9)})
            for slip in found.known.slips
            for way in slip.of({**at, YOURS: {}}, dY, found.reading.settings)
        ]
    return [
        (other_key, key)
        for k, (key, one) in enumerate(made)
        for other_key, other in made[:k]
        if key != other_key and one and same(one, other)
    ]


def same(one, other):
    """Do two mistakes touch the same gradients, and alike?"""
    return one.keys() == other.keys() and all(np.allclose(one[s], other[s], rtol=1e-9) for s in one)
