"""Is the normal form of sums the same number as what it was made from, and would the fuzz see it if it were not?"""

import json
import os
import random
import subprocess
import sys
from dataclasses import replace

import pytest
import sympy as sp
from sympy import Derivative

from derivations.algebra import denominators, kinks, naming, normal_form, places, sums
from derivations.algebra.normal_form import Powers, canonical, equal
from derivations.algebra.notation import A, W, b, i, k, q, r, s
from derivations.algebra.sums import Entry, Index, total
from tests import fuzz_sums
from tests.fuzz_sums import logit, prob
from tests.support.quick import some

SEEDS = {"0": 0, "1": 670, "7": 1340}
"""Hash seeds, and where each starts counting: 670 expressions for each with --long, 2,010 together."""


@pytest.mark.further
@pytest.mark.parametrize("seed", some(SEEDS, 9))
def test_no_random_expression_differs_from_its_normal_form(seed, record_property, draws):
    n = draws(8, 670)
    command = [sys.executable, "-m", "tests.fuzz_sums", "--json", "--expressions", f"{n}", "--start", f"{SEEDS[seed]}"]
    done = subprocess.run(
        command, env=os.environ | {"PYTHONHASHSEED": seed}, capture_output=True, text=True, check=False
    )
    said = json.loads(done.stdout.splitlines()[-1])
    record_property("figure", said["figure"])
    counts = {"expressions": n, "unsound": 0, "not_idempotent": 0, "refused": 0}
    assert counts.items() <= said.items(), done.stdout
    assert done.returncode == 0


@pytest.mark.parametrize("lent", [Powers(derive=True, contract=True), Powers(linear=True)], ids=["derive", "linear"])
def test_an_entry_of_a_product_is_no_constant_where_its_factor_varies(lent):
    """Found by the long fuzz: SymPy sees no W_ri in (W A)_qs, and would say that the slope is 0."""
    by_W, by_b = (Derivative(Entry(W.matrix * A.matrix, q, s), x, evaluate=False) for x in (W[r, i], b[r]))
    assert canonical(by_W, lent) == canonical(Derivative(total(W[q, k] * A[k, s], k), W[r, i], evaluate=False), lent)
    assert canonical(by_W, lent) != 0
    assert canonical(by_b, lent) == 0


def test_a_power_of_a_sum_below_a_line_has_one_form():
    """Found by the long fuzz: it was multiplied out where it stood open, and kept where it was made on the way."""
    S = total(sp.exp(logit[k]) + 1, k)
    made, open_ = (1 / S) * (1 / S), canonical(S, Powers()) ** -2
    assert canonical(made, Powers()) == canonical(open_, Powers()) == canonical(canonical(made, Powers()), Powers())
    x, y = logit[i], b[r]
    assert equal((x + y) ** 2 / S, (x**2 + 2 * x * y + y**2) / S, Powers())


REMEMBERED = [f for f in vars(normal_form).values() if hasattr(f, "cache_clear")]


def forget():
    """Lines whose normal form is remembered were brought to it by another algebra."""
    for function in REMEMBERED:
        function.cache_clear()


@pytest.mark.further
def test_a_power_that_finds_nothing_to_work_on_changes_nothing():
    """One normal form is kept for all powers that come to the same, so none may be left out that does something."""
    left_out = 0
    for number in range(24):
        rng = random.Random(f"of use {number}")
        (expr, _), lent = fuzz_sums.drawn(number, rng), fuzz_sums.powers(rng)
        lent = replace(lent, positive=frozenset({logit.base}), units=frozenset({(prob.base, 0)}))
        line = normal_form.prepared(expr, lent)
        left_out += normal_form.of_use(lent, line) != replace(lent, derive=False, matrices=False, where=frozenset())
        assert normal_form.normal(expr, lent) == normal_form.collected(line, lent), expr
    assert left_out > 12


def not_renamed(expr):
    """Capture: a name's own bound indices are left as they are."""
    return expr


def forgotten_index(bound, factor, powers, right=normal_form.contracted):
    """δ_ik takes Σ_k away, but k stays where it stood beside it."""
    for d in (f for f in sp.Mul.make_args(factor) if isinstance(f, sp.KroneckerDelta)):
        gone = next((k for k in d.args if k in bound), None)
        if powers.contract and gone is not None:
            return tuple(k for k in bound if k != gone), factor / d
    return right(bound, factor, powers)


def one_letter(bound, factor):
    """Two bound indices of one dimension get one name."""
    names = tuple(Index("k", k.dim) for k in bound)
    return names, factor.xreplace(dict(zip(bound, names, strict=True)))


def dimension_is_one(k, mine, g, factor, powers, right=normal_form.whole_sum):
    """Σ_k 1 is 1."""
    return right(k, mine, g, factor, powers) if mine else sp.S.One


def no_depth(expr):
    """Sums within sums share the names of those they stand in."""
    return 0


def the_rest_is_added(bound, factor, below, right=normal_form.beside_itself):
    """T/D is 1 + R/D."""
    less = right(bound, factor, below)
    return less and [less[0], (less[1][0], (-1, *less[1][1]))]


def half_of_it_lost(D, powers, right=normal_form.common_factor):
    """What is taken out of a sum is forgotten."""
    return sp.S.One, right(D, powers)[1]


def taken_away_twice(product, T, right=denominators.without):
    """A term of a denominator is divided by twice."""
    left = right(product, T)
    return left and left / T


def always_inside(place, dim):
    """A window never leaves the image."""
    return True


def off_by_one(bound, d, right=places.chosen):
    """δ chooses the next place."""
    found = right(bound, d)
    return found and (found[0], found[1] + 1)


def smaller(expr, at, right=kinks.sign):
    """The larger is taken for the smaller."""
    return -right(expr, at)


@pytest.mark.parametrize(
    ("kind", "module", "name", "mistake"),
    some(
        [
            (5, normal_form, "beside_itself", the_rest_is_added),
            (5, normal_form, "common_factor", half_of_it_lost),
            (5, denominators, "without", taken_away_twice),
            (6, places, "inside", always_inside),
            (6, places, "chosen", off_by_one),
            (7, kinks, "sign", smaller),
        ],
        3,
        ids=lambda case: case[3].__name__,
    ),
)
def test_a_mistake_about_quotients_places_or_kinks_is_seen_in_40_of_its_kind(kind, module, name, mistake, monkeypatch):
    """Of eight expressions, the fifth after the first is a quotient, the next a window, the last a line that bends."""
    monkeypatch.setattr(module, name, mistake)
    forget()
    try:
        assert any(fuzz_sums.tried(number)[0] == "unsound" for number in range(kind, 320, 8))
    finally:
        forget()


@pytest.mark.parametrize(
    ("name", "mistake"),
    [
        ("apart", not_renamed),
        ("contracted", forgotten_index),
        ("canonically_named", one_letter),
        ("whole_sum", dimension_is_one),
        ("nesting", no_depth),
    ],
)
def test_a_mistake_in_the_algebra_is_seen_within_300_expressions(name, mistake, monkeypatch):
    users = [module for module in (naming, normal_form, sums) if hasattr(module, name)]
    assert users
    for module in users:
        monkeypatch.setattr(module, name, mistake)
    forget()
    try:
        assert any(fuzz_sums.tried(number)[0] == "unsound" for number in range(300))
    finally:
        forget()


def test_what_is_called_equal_and_is_not_is_seen(monkeypatch):
    monkeypatch.setattr(fuzz_sums, "equal", lambda *_: True)
    counts, _ = fuzz_sums.counted(range(20))
    assert counts["unsound"] > 10
