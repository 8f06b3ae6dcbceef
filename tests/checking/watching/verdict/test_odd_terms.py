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
    assert [term.node.site.line for term in found] == [9, 11, 14]


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


CHARACTERS = """\
import numpy as np
text = "abacadabacabad" * 3
place = {c: k for k, c in enumerate("abcd")}
W, U, V = (np.random.randn(*s) * .3 for s in ((5, 4), (5, 5), (4, 5)))
c = np.zeros((4, 1))
for p in range(0, 24, 6):
    x = [place[c] for c in text[p:p + 6]]
    t = [place[c] for c in text[p + 1:p + 7]]
    h, P, loss = {-1: np.zeros((5, 1))}, {}, 0
    for k in range(6):
        v = np.zeros((4, 1)); v[x[k]] = 1
        h[k] = np.tanh(W @ v + U @ h[k - 1])
        e = np.exp(V @ h[k] + c); P[k] = e / e.sum()
        loss += -np.log(P[k][t[k], 0])
    dW, dU, dV, back = np.zeros_like(W), np.zeros_like(U), np.zeros_like(V), np.zeros((5, 1))
    dc = np.zeros_like(c)
    for k in reversed(range(6)):
        d = P[k].copy()
        d[t[k]] -= 1
        dV += d @ h[k].T; dc += d
        z = (1 - h[k] ** 2) * (V.T @ d + back)
        v = np.zeros((4, 1)); v[x[k]] = 1
        dW += z @ v.T; dU += z @ h[k - 1].T
        back = U.T @ z
    W -= .1 * dW; U -= .1 * dU; V -= .1 * dV; c -= .1 * dc
"""


def test_a_label_is_no_term_of_a_slope(tmp_path):
    """Where it is put, or what is put there, may be the mistake, and not the line that reads the labels."""
    of_it, _ = searched(tmp_path, CHARACTERS, ("d[t[k]] -= 1", "d[t[k]] += 1"))
    made = [n for n in of_it.graph.tape if of_it.role.of_labels[n.index] and n.real]
    assert any(not m.real for n in made for m in n.inputs if of_it.role.of_labels[m.index])
    assert all(term.node.real for n in made for term in terms(of_it, n))


def test_a_sign_of_a_label_is_named_on_its_line(tmp_path):
    assert settled(seen(tmp_path, CHARACTERS)) is True
    found = seen(tmp_path, CHARACTERS.replace("d[t[k]] -= 1", "d[t[k]] += 1"))
    assert settled(found) is False
    assert certificate(found, mend=False).first.place.startswith("line 19")


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


RECURRENT = """\
import numpy as np
X, Y = np.random.randn(5, 3, 1), np.random.randn(5, 2, 1)
W, U, V = np.random.randn(4, 3) * 0.5, np.random.randn(4, 4) * 0.5, np.random.randn(2, 4) * 0.5
for k in range(4):
    h, p, loss = {-1: np.zeros((4, 1))}, {}, 0
    for t in range(5):
        h[t] = np.tanh(W @ X[t] + U @ h[t - 1])
        p[t] = V @ h[t]
        loss += 0.01 * np.sum((p[t] - Y[t]) ** 2)
    dW, dU, dV, later = np.zeros_like(W), np.zeros_like(U), np.zeros_like(V), np.zeros((4, 1))
    for t in reversed(range(5)):
        d = p[t] - Y[t]
        dV += d @ h[t].T
        dh = V.T @ d + later
        dz = (1 - h[t] ** 2) * dh
        dW += dz @ X[t].T
        dU += dz @ h[t - 1].T
        later = U.T @ dz
    for P, dP in zip([W, U, V], [dW, dU, dV]):
        P += -0.1 * dP
"""


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (("dh = V.T @ d + later", "dh = -(V.T @ d + later)"), 14),
        (("dz = (1", "dz = -(1"), 15),
        (("dz = (1", "dz = 2 * (1"), 15),
        (("later = U.T", "later = -U.T"), 18),
        (("@ d + later", "@ d - later"), 14),
    ],
)
def test_of_two_terms_that_is_odd_which_has_not_the_factor_of_the_right_gradients(tmp_path, change, line):
    """That of dV is right, by 50 times the slope; the step is added to the parameter, as minus a rate times it."""
    assert settled(seen(tmp_path, RECURRENT)) is True
    assert certificate(seen(tmp_path, RECURRENT, change), mend=False).first.place.startswith(f"line {line}:")


def test_what_most_terms_are_made_of_is_wrong_where_the_right_gradients_have_the_factor_of_the_others(tmp_path):
    """Both ways of a gate go through dc, and the one past it alone is right."""
    text = """\
import numpy as np
X, Y = np.random.randn(20, 4), np.random.randn(20, 2)
A, B, C = (np.random.randn(4, 4) * 0.5 for _ in range(3))
W, V = np.random.randn(4, 4) * 0.5, np.random.randn(4, 2) * 0.5
for k in range(4):
    x = X @ W
    a, b, o = np.tanh(x @ A), np.tanh(x @ B), np.tanh(x @ C)
    c = np.sin(a * b)
    p = (o * c) @ V
    loss = ((p - Y) ** 2).sum() / 2
    d = p - Y
    dV = (o * c).T @ d
    dh = d @ V.T
    do = dh * c * (1 - o ** 2)
    dc = dh * o * np.cos(a * b)
    da = dc * b * (1 - a ** 2)
    db = dc * a * (1 - b ** 2)
    dx = da @ A.T + db @ B.T + do @ C.T
    dW = X.T @ dx
    W -= 0.1 * dW; V -= 0.1 * dV; A -= 0.1 * x.T @ da; B -= 0.1 * x.T @ db; C -= 0.1 * x.T @ do
"""
    assert settled(seen(tmp_path, text)) is True
    assert certificate(seen(tmp_path, text, ("dc = dh", "dc = -dh")), mend=False).first.place.startswith("line 15:")


TRIPLETS = """\
import numpy as np
A, P, N = (np.random.randn(12, 4) for _ in range(3))
W = np.random.randn(4, 3) * 0.5
for it in range(4):
    fa, fp, fn = np.tanh(A @ W), np.tanh(P @ W), np.tanh(N @ W)
    margin = np.sum((fa - fp) ** 2, axis=1) - np.sum((fa - fn) ** 2, axis=1) + 0.5
    loss = np.maximum(margin, 0).mean()
    active = (margin > 0).astype(float)[:, None] / len(margin)
    ga = 2 * (fn - fp) * active
    gp = -2 * (fa - fp) * active
    gn = 2 * (fa - fn) * active
    za = ga * (1 - fa ** 2)
    zp = gp * (1 - fp ** 2)
    zn = gn * (1 - fn ** 2)
    dW = A.T @ za + P.T @ zp + N.T @ zn
    W = W - 0.02 * dW
"""


def test_a_sign_is_new_where_the_other_terms_are_slopes_of_differences_too(tmp_path):
    """The slope by b of a - b is minus that by the difference, which is no sign that the others have."""
    assert settled(seen(tmp_path, TRIPLETS)) is True
    found = seen(tmp_path, TRIPLETS, ("2 * (fn - fp)", "2 * (fp - fn)"))
    assert certificate(found, mend=False).first.place.startswith("line 9:")


VIEWS_OF_ONE = """\
import numpy as np
data = np.random.randn(40, 6)
W, V = np.random.randn(6, 8) * 0.5, np.random.randn(8, 4) * 0.5
for step in range(4):
    x = data[10 * step:10 * step + 10]
    x1, x2 = x + 0.1 * np.random.randn(10, 6), x + 0.1 * np.random.randn(10, 6)
    h1, h2 = np.tanh(x1 @ W), np.tanh(x2 @ W)
    u1, u2 = h1 @ V, h2 @ V
    S = u1 @ u2.T / 0.5
    p = np.exp(S - S.max(1, keepdims=True))
    p /= p.sum(1, keepdims=True)
    loss = -np.log(np.diag(p)).mean()
    d = (p - np.eye(10)) / 10
    d1 = d @ u2 / 0.5
    d2 = d.T @ u1 / 0.5
    z1 = d1 @ V.T * (1 - h1 ** 2)
    z2 = d2 @ V.T * (1 - h2 ** 2)
    V -= 0.1 * (h1.T @ d1 + h2.T @ d2)
    W -= 0.1 * (x1.T @ z1 + x2.T @ z2)
"""


def test_of_two_terms_with_two_factors_either_may_be_wrong(tmp_path):
    assert settled(seen(tmp_path, VIEWS_OF_ONE)) is True
    for line, change in ((14, ("d @ u2 / 0.5", "d @ u2")), (15, ("d.T @ u1 / 0.5", "d.T @ u1"))):
        place = certificate(seen(tmp_path, VIEWS_OF_ONE, change), mend=False).first.place
        assert place.startswith((f"line {line}:", "at or after line 14:"))


FILLED = """\
import numpy as np
X, Y = np.random.randn(1200), np.random.randn(1200)
w = np.random.randn(1)
for step in range(2):
    p = X * w
    e = p - Y
    loss = (e ** 2).sum()
    d = np.zeros(1200)
    for k in range(1200): d[k] = 2 * e[k]
    g = (d * X).sum()
    w -= 0.001 * g
"""


def test_a_mistake_after_a_loop_that_fills_an_array_is_found_however_long_the_loop(tmp_path):
    """Each entry is written into the array that the writing of the one before made."""
    wrong = certificate(seen(tmp_path, FILLED, ("(d * X)", "(d * X ** 2)")), mend=False)
    assert wrong.first.place.startswith("line 10:")
