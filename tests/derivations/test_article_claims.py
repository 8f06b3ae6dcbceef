"""Is the claim that a line of the article names really that line? Both are worked out at the same numbers."""

import random
from contextlib import suppress
from functools import cache
from itertools import product

import mpmath as mp
import pytest
import sympy as sp

from derivations.algebra.notation import N
from derivations.algebra.sums import TENSORS, Index, ShapeError
from derivations.article.example import ARTICLE, NUMBERS, SYMBOLS
from derivations.article.judging import built
from derivations.article.quotations import QUOTATIONS
from derivations.mlp import WIDTHS
from derivations.prover import digits
from derivations.prover.proof import claims
from derivations.prover.sizes import free_symbols

CLAIMS = claims()
NAMED = [quotation for quotation in QUOTATIONS if quotation.claim]
BY_ID = {quotation.id: quotation for quotation in NAMED}
SIZE = 3
"""Every width; there is one example, as in the article."""

LETTERS = {"x0": "A", "X": "A", "theta": "t", "dtheta": "dt", "x": "Z"}
"""What a claim about a batch, or about one layer, calls by another letter; a digit behind a letter is the layer's."""

IMPLIED = {
    "data.transpose": "a batch by rows is the transpose of one by columns",
    "activation.range": "unbounded says what the literal reading fails by",
    "layer.activation": "the activation of any layer is what mlp.any_depth goes back through",
    "output.zero_or_one": "what is positive for every class is not 0",
    "dW3.Z": "the term under the sums of affine.dW",
    "dW2.weight": "the term under the sums of affine.dW",
    "dW1.weight": "the term under the sums of affine.dW",
    "dW2.input": "the term under the sums of affine.dA",
    "dW1.input": "the term under the sums of affine.dA",
    "dW2.mask": "relu.dZ is its diagonal",
    "dW1.mask": "relu.dZ is its diagonal",
    "quotient": "a rule, which softmax.jacobian uses",
    "case1.rest": "the definition, taken from 1",
    "order.article": "a count of products, one of which is affine.dW",
    "order.any": "a count of products, one of which is affine.dW",
}
"""Lines that a claim is about without being the claim: how."""


class Shared(dict):
    """Numbers by what a tensor is, and not by its name: W1, W2 and the W of one layer are alike, and so are y and Y."""

    def __contains__(self, name):
        return True

    def __getitem__(self, name):
        return Entries(name)


class Entries:
    """The numbers of one tensor."""

    def __init__(self, name):
        self.letter = LETTERS.get(name, name.rstrip("0123456789")).upper()
        self.of_a_batch = name in TENSORS and TENSORS[name].shape[-1:] == (N,)

    def __getitem__(self, indices):
        return number(self.letter, indices[:-1] if self.of_a_batch else indices)


def number(letter, indices):
    """Positive, and fixed by letter and place; labels sum to one, probabilities are the softmax of the logits."""
    if letter == "Y":
        return mp.mpf((2, 3, 5)[indices[0] - 1]) / 10
    if letter == "P":
        return mp.exp(number("Z", indices)) / mp.fsum(mp.exp(number("Z", (k,))) for k in range(1, SIZE + 1))
    return mp.mpf(1) if letter == "DA" else mp.mpf(random.Random(f"{letter} {indices}").randint(100, 900)) / 1000


def values(expr, where, given=None):
    """The values of an expression at every choice of its indices that is given, or else at one of no two alike."""
    free = free_symbols([expr], where)
    sizes = {s: 1 if s == N else SIZE for s in free if s.is_integer and not isinstance(s, Index)}
    letters = sorted((s for s in free if isinstance(s, Index)), key=lambda index: (str(index.dim), str(index)))
    sizes |= {s: 1 if s == N else SIZE for index in letters for s in index.dim.free_symbols}
    places = [range(1, 2 if index.dim == N else SIZE + 1) for index in letters]
    first = {index: min(place, 1 if index.dim == N else SIZE) for place, index in enumerate(letters, 1)}
    chosen = [first] if given is None else [dict(zip(letters, place, strict=True)) for place in product(*places)]
    for c in given or ():
        chosen = [at for at in chosen if not isinstance(c.lhs, Index) or at[c.lhs] != at[c.rhs]]
    with mp.workdps(digits.DIGITS + digits.GUARD):
        return [digits.value(expr, digits.Point("line", sizes, at, where, arrays=Shared())) for at in chosen]


@cache
def values_of(line):
    """What the line speaks of: either side of an equation that can be built, the difference of an inequality."""
    found = []
    for statement in BY_ID[line].reading:
        where = statement.where(SYMBOLS) if callable(statement.where) else statement.where
        sides = [built(statement.left, SYMBOLS)]
        with suppress(ShapeError):
            sides.append(built(statement.right, SYMBOLS))
        if statement.relation != "=":
            sides = [sides[0] - sides[1], sides[1] - sides[0]]
        found += [v for side in sides if not isinstance(side, sp.Tuple) for v in values(side, where)]
    return found


def shapes_of(quotation):
    """The shapes that the line writes, in the article's own numbers."""
    sides = [built(side, NUMBERS) for statement in quotation.reading for side in shape_sides(statement)]
    return [tuple(side) for side in sides]


def shape_sides(statement):
    left = built(statement.left, NUMBERS)
    return (statement.left, statement.right) if isinstance(left, sp.Tuple) else ()


def fits(shape, written):
    """Whether the shape of a claim is the one that is written, for some sizes, or for the article's own; N is 1."""
    at = dict(zip(map(str, WIDTHS), ARTICLE, strict=True)) | {"N": 1, "1": 1}
    return len(shape) == len(written) and all(at.setdefault(s, w) == w for s, w in zip(shape, written, strict=True))


def is_about(quotation, name):
    """Whether the claim has the line's quantity, or the shape that the line writes."""
    if any(fits(CLAIMS[name].shapes.get("", ()), written) for written in shapes_of(quotation)):
        return True
    return any(abs(a - b) < mp.mpf(10) ** -25 for a in values_of(quotation.id) for b in values_of_claim(name))


@cache
def values_of_claim(name):
    claim = CLAIMS[name]
    return values(claim.start, claim.where, claim.given)


@pytest.mark.parametrize("quotation", NAMED, ids=lambda quotation: quotation.id)
def test_the_claim_that_a_line_names_is_about_the_line(quotation):
    assert is_about(quotation, quotation.claim) is not (quotation.id in IMPLIED)


@pytest.mark.further
def test_a_wrong_name_is_seen():
    """Every line is given the name of every claim that another line names: few have the same quantity or shape."""
    lines = [quotation for quotation in NAMED if quotation.id not in IMPLIED]
    names = sorted({quotation.claim for quotation in NAMED})
    wrong = [(line.id, name) for line in lines for name in names if name != line.claim]
    by_value = [(line, name) for line, name in wrong if not shapes_of(BY_ID[line])]
    alike = [(line, name) for line, name in by_value if is_about(BY_ID[line], name)]
    assert len(alike) < len(by_value) / 20, alike
