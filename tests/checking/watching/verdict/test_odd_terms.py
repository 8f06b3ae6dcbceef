"""Of a sum of slopes, the term that has another factor than the others, or is left out."""

import pytest

from nnref.checking.watching.telling.report import certificate, settled
from nnref.checking.watching.verdict.odd_terms import has, missing_uses, odd_term, terms
from tests.support.programs import seen
from tests.support.recordings import searched

THREE_TIMES = """\
import numpy as np
X, Y = np.random.randn(6, 3), np.random.randn(6, 3)
W = np.random.randn(3, 3)
for step in range(2):
    g = X @ W
    h = g @ W
    d = h @ W - Y
    loss = (d ** 2).sum() / 2
    p = h.T @ d
    e = d @ W.T
    q = g.T @ e
    f = e @ W.T
    r = X.T @ f
    dW = p + q + r
    W = W - 0.1 * dW
"""


@pytest.mark.parametrize(
    ("change", "odd"),
    [
        (("q = g.T @ e", "q = 2 * g.T @ e"), "q"),
        (("r = X.T @ f", "r = -X.T @ f"), "r"),
        (("p + q + r", "p + q + 2 * r"), None),
    ],
    ids=["twice", "minus", "in the sum"],
)
def test_the_term_with_another_factor_is_named_where_it_gets_it(tmp_path, change, odd):
    of_it, named = searched(tmp_path, THREE_TIMES, change)
    (update,) = of_it.role.updates
    found = odd_term(of_it, named["dW"], update.step)
    assert found.site.line == (named[odd].site.line if odd else named["dW"].site.line)


def test_terms_are_what_a_sum_adds_up(tmp_path):
    of_it, named = searched(tmp_path, THREE_TIMES, ("p + q + r", "p + (q + 2 * r)"))
    found = list(terms(of_it, named["dW"]))
    assert [n.site.line for n in found] == [9, 11, 14]


def test_no_term_is_odd_where_all_have_one_factor_and_where_no_sum_is(tmp_path):
    of_it, named = searched(tmp_path, THREE_TIMES)
    (update,) = of_it.role.updates
    assert odd_term(of_it, named["dW"], update.step) is None
    assert odd_term(of_it, named["d"].args[0], update.step) is None


def test_a_use_whose_slope_is_not_added_is_said_with_its_line(tmp_path):
    of_it, named = searched(tmp_path, THREE_TIMES, ("p + q + r", "p + 0 * q + 0 * r"))
    says = missing_uses(of_it, named["p"])
    assert says.startswith("this is the slope by the use in line 7 alone")
    assert "lines 5, 6 is not added" in says
    assert missing_uses(of_it, named["e"]) == ""


def test_factors_are_the_same_to_a_millionth():
    assert has([1.0, 2.0], 2.0 * (1 + 1e-9))
    assert not has([1.0, 2.0], 2.1)


NUMERATOR = """\
import numpy as np
X, Y = np.random.randn(6, 3), np.eye(3)[np.random.randint(0, 3, 6)]
W, V = np.random.randn(3, 4), np.random.randn(4, 3)
for step in range(3):
    h = np.maximum(X @ W, 0)
    z = h @ V
    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    loss = ((p - Y) ** 2).sum()
    d = 2 * (p - Y) * p
    dV = h.T @ d
    dW = X.T @ ((V @ d.T).T * (h > 0))
    W -= 0.1 * dW
    V -= 0.1 * dV
"""


def test_a_part_of_a_slope_that_is_used_as_the_whole_is_named_where_it_is_made(tmp_path):
    """The slope by what a softmax divides alone: it is turned, and added to nothing."""
    found = seen(tmp_path, NUMERATOR)
    assert settled(found) is False
    assert [m.place[:7] for m in certificate(found, mend=False).diagnoses] == ["line 9:"]


def test_what_many_terms_have_from_one_line_is_named_and_not_the_term_that_is_right(tmp_path):
    """Three of four terms are twice the slope, by one line before them."""
    text = """\
import numpy as np
X, Y = np.random.randn(20, 4), np.random.randn(20, 3)
A, B, C, D = [np.random.randn(4, 3) * 0.5 for _ in range(4)]
E = np.random.randn(4, 4) * 0.5
for step in range(3):
    h = np.tanh(X @ E)
    a, b, c, o = np.tanh(h @ A), np.tanh(h @ B), np.tanh(h @ C), np.tanh(h @ D)
    s = a * b + c
    p = o * np.tanh(s)
    loss = ((p - Y) ** 2).sum() / 40
    d = (p - Y) / 20
    do = d * np.tanh(s) * (1 - o ** 2)
    ds = d * o * (1 - np.tanh(s) ** 2)
    da, db, dc = ds * b * (1 - a ** 2), ds * a * (1 - b ** 2), ds * (1 - c ** 2)
    dh = da @ A.T + db @ B.T + dc @ C.T + do @ D.T
    dE = X.T @ (dh * (1 - h ** 2))
    A = A - 0.1 * h.T @ da; B = B - 0.1 * h.T @ db; C = C - 0.1 * h.T @ dc; D = D - 0.1 * h.T @ do
    E = E - 0.1 * dE
"""
    assert settled(seen(tmp_path, text)) is True
    twice = seen(tmp_path, text, ("ds = d * o", "ds = 2 * d * o"))
    assert certificate(twice, mend=False).first.place.startswith("line 13:")
    odd = seen(tmp_path, text, ("do = d *", "do = 2 * d *"))
    assert certificate(odd, mend=False).first.place.startswith("line 12:")
