"""False statements that were proved once, and others as near to a slip: is each refused, and for its own reason?"""

import pytest
import sympy as sp

from derivations import mlp, softmax
from derivations.algebra import logits, symbolic
from derivations.algebra.normal_form import Powers, equal
from derivations.algebra.notation import A, Density, L, N, enter, i, j, k, n, q, s, t, tensor, z
from derivations.algebra.sums import Index, ShapeError, delta, total
from derivations.prover import proof
from derivations.prover.claim import Claim, Step
from derivations.prover.proof import prove
from derivations.prover.rules import algebra, condition, definition, differentiate, integrate, logarithm, slope

logit = tensor("zposed", n, meaning="any numbers")
prob = tensor("pposed", n, meaning="their softmax")
V = tensor("Vposed", n, n, meaning="a square matrix")
g = tensor("gposed", n, meaning="any numbers")
three = tensor("hposed", sp.Integer(3), meaning="three numbers")
column = total(V[k, j], k)
SHARE = sp.exp(logit[i]) / total(sp.exp(logit[k]), k)


def statement(start, *steps, **more):
    steps = tuple(Step(expr, rule, "it is said") for expr, rule in steps)
    return Claim("a.claim", "lemma", "something", start, "nowhere", steps, **more)


def gaps(claim):
    found = prove(claim).gaps
    assert found
    return " ".join(found)


@pytest.mark.parametrize(
    "given",
    [
        sp.Eq(total(V[k, k], k), 1),
        sp.Eq(total(total(V[i, k], k), i), 1),
        sp.Eq(sp.Sum(V[k, i], (k, 1, n - 1)), 1),
        sp.Eq(sp.Sum(V[k, i], (k, 2, n)), 1),
        sp.Eq(total(V[k, 1], k), 1),
        sp.Eq(total(V[k, i] ** 2, k), 1),
        sp.Eq(total(V[k, i], k), 2),
    ],
)
def test_another_sum_that_is_one_does_not_make_a_column_sum_to_one(given):
    """The trace, a sum of all entries, a part of a column, the first one: all were once taken for every column."""
    claim = statement(column, (sp.S.One, condition), given=(given,))
    assert "no condition that the checks know" in gaps(claim)
    assert prove(statement(column, (sp.S.One, condition), given=(sp.Eq(total(V[k, i], k), 1),))).ok


@pytest.mark.parametrize(
    "given", [sp.false, sp.Gt(logit[k] ** 2, 0), sp.Eq(z, sp.Symbol("w", real=True)), z > n, n > 1]
)
def test_a_condition_that_no_check_reads_is_refused(given):
    assert "no condition that the checks know" in gaps(statement(2 * z, (5 * z, condition), given=(given,)))


def test_a_condition_on_one_entry_says_nothing_of_another():
    """z_i > 0 is read for every i, so it must not be the i that the statement is about."""
    assert "write it with another letter" in gaps(statement(logit[i] + logit[j], relation=">", given=(logit[i] > 0,)))
    assert prove(statement(logit[i] + logit[j], relation=">", given=(logit[k] > 0,))).ok
    of_column = statement(total(V[k, j], k) + V[i, j], (1 + V[i, j], condition), given=(sp.Eq(column, 1),))
    assert "write it with another letter" in gaps(of_column)


@pytest.mark.parametrize("relation", [g[k] > sp.S.Half, g[k] < sp.S.Half, sp.Eq(g[k], 0)])
def test_what_sums_to_one_at_every_size_is_not_bounded_away_from_0_or_1(relation):
    given = (sp.Eq(total(g[k], k), 1), relation)
    claim = statement(total(g[k], k) + g[i] ** 2, (1 + g[i] ** 2, condition), given=given)
    assert "at every size" in gaps(claim)


@pytest.mark.parametrize(
    "given",
    [
        (sp.Ne(z, 0), sp.Eq(z, 0)),
        (z > 0, sp.Eq(z, -1)),
        (z > 0, z < 0),
        (z >= 1, z < 1),
        (sp.Eq(z, 1), sp.Eq(z, 2)),
    ],
)
def test_nothing_follows_from_conditions_that_no_number_obeys(given):
    assert "no Z obeys all" in gaps(statement(2 * z, (5 * z, condition), given=given))
    assert "no Z obeys all" in gaps(statement(-z, relation=">", given=given))


def test_that_two_indices_differ_says_nothing_of_two_others():
    assert "not shown" in gaps(statement(delta(i, j), (sp.S.Zero, condition), given=(sp.Ne(i, k),)))


def test_of_two_places_no_three_differ():
    a, b, c = (Index(letter, sp.Integer(2)) for letter in "abc")
    distinct = (sp.Ne(a, b), sp.Ne(b, c), sp.Ne(a, c))
    claim = statement(delta(a, b) + delta(b, c), (sp.S.Zero, condition), given=distinct)
    assert "3 indices of 2 cannot differ" in gaps(claim)


def test_of_three_indices_that_differ_there_are_three():
    """At two classes there are none, and looking for them would not end."""
    distinct = (sp.Ne(i, j), sp.Ne(j, k), sp.Ne(i, k))
    assert prove(statement(delta(i, j) + delta(j, k) + delta(i, k), (sp.S.Zero, condition), given=distinct)).ok is True
    assert not prove(statement(delta(i, j) + 1, (sp.S.One * 2, condition), given=distinct[:1])).ok


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ({V[i, i]: logit[i]}, "some entries only"),
        ({V[i, 1]: logit[i]}, "some entries only"),
        ({prob[i]: logit[i], prob[j]: 2 * logit[j]}, "stands for 2 things"),
        ({prob[i]: prob[i] + 1}, "itself part of"),
        ({prob[i]: g[i], g[i]: prob[i]}, "itself part of"),
        ({prob[i]: logit[j]}, "depends on j as well"),
        ({n: sp.Integer(3)}, "cannot be a name"),
        ({logit[i] ** 2: g[i]}, "cannot be a name"),
    ],
)
def test_a_name_stands_for_one_thing_at_all_its_indices(where, said):
    assert said in gaps(statement(V[i, j] + prob[i], (logit[j] + logit[i], definition), where=where))


def test_a_slope_with_respect_to_what_stands_for_something_else_is_not_zero():
    """∂L/∂A2 was 0: A2 is written as f(Z2) before the derivative is taken, and nothing of it is left."""
    a2 = mlp.A2[mlp.indices(2)[0], t]
    claim = statement(slope(L, a2), (sp.S.Zero, differentiate), where=mlp.FROM_Z2)
    assert "leave A2 out of where" in gaps(claim)


def test_what_a_condition_holds_is_not_moved():
    """Of labels that sum to one, no single one can grow."""
    claim = statement(slope(total(g[k], k), g[i]), (sp.S.One, differentiate), given=(sp.Eq(total(g[k], k), 1),))
    assert "a condition holds it" in gaps(claim)


def test_a_number_and_a_tensor_of_one_name_are_not_one_thing():
    assert "Z is a number and a tensor" in gaps(statement(logits.Z[logits.i, s], relation=">", given=(z > 0,)))


def test_a_letter_runs_over_one_dimension():
    other = Index("i", N)
    assert "i is an index over two dimensions" in gaps(statement(A[i, other] * 2, (A[i, other] + A[i, other], algebra)))


STEP = sp.Piecewise((1, z > 0), (0, True))


@pytest.mark.parametrize(
    ("bent", "its_slope"),
    [
        (sp.Abs(z), sp.sign(z)),
        (sp.Piecewise((z, z > 0), (0, True)), STEP),
        (STEP, sp.S.Zero),
        (sp.Abs(logit[i]), sp.sign(logit[i])),
        (sp.Piecewise((logit[i], logit[i] > 0), (0, True)), sp.Piecewise((1, logit[i] > 0), (0, True))),
    ],
)
def test_there_is_no_slope_at_a_kink(bent, its_slope):
    """Digits never meet the kink, and SymPy's diff takes a side: the condition that leaves it out must be given."""
    x = z if bent.has(z) else logit[i]
    claim = statement(slope(bent, x), (its_slope, differentiate))
    assert "not shown symbolically" in gaps(claim)
    if x == z:
        assert prove(statement(slope(bent, x), (its_slope, differentiate), given=(sp.Ne(z, 0),))).ok


def test_a_kink_is_found_under_a_name():
    u = sp.Symbol("u", real=True)
    lent = Powers(derive=True, where=frozenset({(u, sp.Abs(z))}))
    assert not symbolic.equal(slope(u, z), sp.sign(z), lent)
    assert symbolic.equal(slope(u, z), sp.sign(z), lent, (sp.Ne(z, 0),))


def test_a_kink_elsewhere_is_not_left_out_by_leaving_out_0():
    claim = statement(slope(sp.Abs(z - 1), z), (sp.sign(z - 1), differentiate), given=(sp.Ne(z, 0),))
    assert "not shown symbolically" in gaps(claim)


@pytest.mark.parametrize("edge", [0, 1])
def test_a_step_is_not_another_that_differs_at_its_edge_alone(edge):
    open_, closed = (sp.Piecewise((1, c), (0, True)) for c in (z > edge, z >= edge))
    assert "not shown symbolically" in gaps(statement(open_, (closed, algebra)))


def test_a_root_of_a_product_is_one_of_roots_only_where_no_two_are_negative():
    both = sp.sqrt(logit[i] * total(logit[k], k))
    split = sp.sqrt(logit[i]) * sp.sqrt(total(logit[k], k))
    assert not equal(both, split, Powers())
    assert equal(
        sp.sqrt(sp.exp(logit[i]) * total(logit[k], k)), sp.exp(logit[i] / 2) * sp.sqrt(total(logit[k], k)), Powers()
    )


def test_the_logarithm_of_an_exponential_is_its_exponent_where_that_is_real():
    turned = sp.exp(5 * sp.I * logit[i]) * sp.exp(logit[j])
    lent = Powers(logarithms=True)
    assert not equal(sp.log(turned), 5 * sp.I * logit[i] + logit[j], lent)
    assert not equal(sp.log(sp.exp(5 * sp.sqrt(logit[i]))), 5 * sp.sqrt(logit[i]), lent)
    assert equal(sp.log(sp.exp(total(logit[k], k)) * sp.exp(logit[j])), total(logit[k], k) + logit[j], lent)


def test_logarithms_are_split_only_where_no_factor_is_negative():
    claim = statement(sp.log(logit[i] * logit[j]), (sp.log(logit[i]) + sp.log(logit[j]), logarithm))
    assert "not shown symbolically" in gaps(claim)


def test_a_quotient_by_what_is_zero_is_equal_to_nothing():
    nothing = 1 / (total(delta(i, k), k) - 1)
    claim = statement(nothing, (2 * nothing, algebra))
    assert "not shown symbolically" in gaps(claim)
    assert "a division by 0" in gaps(claim)


def test_a_square_of_an_integral_is_not_zero():
    whole = sp.Integral(z**2 * Density(sp.Abs(z)), (z, -sp.oo, sp.oo))
    assert "not shown symbolically" in gaps(statement(whole**2, (sp.S.Zero, integrate)))


def test_a_claim_says_something():
    same = total(logit[k], k)
    assert "nothing is said" in gaps(statement(same))
    assert "step 1 changes nothing" in gaps(statement(same, (total(logit[i], i), algebra)))
    there_and_back = statement(prob[i], (SHARE, definition), (prob[i], definition), where={prob[i]: SHARE})
    assert "nothing is said" in gaps(there_and_back)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Index("k", n - 1),
        lambda: Index("k", n - 2),
        lambda: Index("k", sp.Integer(0)),
        lambda: Index("k", i),
        lambda: logit[k + 1],
        lambda: logit[k - 1],
        lambda: logit[0],
        lambda: logit[2],
        lambda: three[4],
        lambda: delta(i, q),
    ],
)
def test_what_may_be_out_of_range_cannot_be_written(make):
    """A sum may be empty where n is 1, z_{k+1} is not there where k is n, and places are counted from 1."""
    with pytest.raises(ShapeError):
        make()
    assert logit[1] != three[3]


def test_a_statement_about_three_does_not_hold_for_all_sizes():
    one, every = Index("i", sp.Integer(3)), Index("k", sp.Integer(3))
    found = prove(statement(three[one] * total(sp.S.One, every), (3 * three[one], algebra)))
    assert found.ok
    assert found.holds_for == "sizes: 3"


def test_two_claims_of_one_name_are_refused(monkeypatch):
    monkeypatch.setattr(softmax, "another", statement(2 * z, (z + z, algebra)), raising=False)
    monkeypatch.setattr(mlp, "another", statement(3 * z, (z + z, algebra)), raising=False)
    with pytest.raises(ValueError, match=r"two claims are called a\.claim"):
        proof.claims()


def test_one_symbol_has_one_meaning():
    with pytest.raises(ValueError, match="is already a weighted sum"):
        enter(z, "something else")
