"""Words as vectors: rows of tables that np.add.at or an index changes, and labels that are made where the data are."""

import pytest

from nnref.checking.watching.telling.report import certificate, settled
from tests.support.programs import seen

SKIP_GRAM = """\
import numpy as np
text = "the quick brown fox jumps over the lazy dog while the small cat sleeps in the warm sun".split()
vocab = sorted(set(text)); ix = {w: i for i, w in enumerate(vocab)}
V, D, K, lr = len(vocab), 6, 3, .05
A = np.random.uniform(-.5, .5, (V, D)); B = np.random.uniform(-.5, .5, (V, D))
for i, w in enumerate(text[1:]):
    c = ix[w]
    neg = np.random.permutation([k for k in range(V) if k != ix[text[i]]])[:K]
    ids = np.append(ix[text[i]], neg)
    lab = np.zeros(K + 1); lab[0] = 1
    v = A[c]
    u = B[ids]
    p = 1 / (1 + np.exp(-u @ v))
    e = p - lab
    dv = e @ u
    du = np.outer(e, v)
    np.add.at(B, ids, -lr * du)
    A[c] -= lr * dv
"""

BY_INDEX = ("np.add.at(B, ids, -lr * du)", "B[ids] -= lr * du")


@pytest.mark.parametrize("changes", [(), (BY_INDEX,)], ids=["add.at", "index"])
def test_rows_that_an_index_changes_are_judged(tmp_path, changes):
    found = seen(tmp_path, SKIP_GRAM, *changes)
    assert settled(found)
    assert {row.update.base.names[0] for row in found.rows} == {"A", "B"}


@pytest.mark.parametrize("changes", [(), (BY_INDEX,)], ids=["add.at", "index"])
def test_a_wrong_change_of_rows_is_found_on_its_line(tmp_path, changes):
    found = seen(tmp_path, SKIP_GRAM, ("np.outer(e, v)", "np.outer(e, dv)"), *changes)
    assert settled(found) is False
    assert "line 16" in certificate(found, mend=False).diagnoses[0].place


ONE_HOT = """\
import numpy as np
corpus = "natural language processing and machine learning is fun and exciting".split()
vocab = sorted(set(corpus)); V = len(vocab); ix = {w: i for i, w in enumerate(vocab)}
def one_hot(w):
    v = np.zeros(V); v[ix[w]] = 1; return v
pairs = []
for i, w in enumerate(corpus):
    pairs.append([one_hot(w), [one_hot(corpus[j]) for j in (i - 1, i + 1) if 0 <= j < len(corpus)]])
W1, W2 = np.random.uniform(-1, 1, (V, 7)), np.random.uniform(-1, 1, (7, V))
for x, around in pairs:
    h = W1.T @ x
    u = W2.T @ h
    y = np.exp(u - np.max(u)); y = y / y.sum()
    e = np.sum([y - word for word in around], axis=0)
    d2 = np.outer(h, e)
    d1 = np.outer(x, W2 @ e)
    W1 = W1 - .01 * d1
    W2 = W2 - .01 * d2
"""


def test_the_word_that_goes_in_is_told_from_the_words_around_it(tmp_path):
    found = seen(tmp_path, ONE_HOT)
    assert settled(found)
    assert {row.update.base.names[0] for row in found.rows} == {"W1", "W2"}


def test_a_wrong_slope_of_the_words_around_one_is_found(tmp_path):
    found = seen(tmp_path, ONE_HOT, ("np.outer(x, W2 @ e)", "np.outer(x, W2 @ e * h)"))
    assert settled(found) is False
    assert "line 16" in certificate(found, mend=False).diagnoses[0].place


CRITIC = """\
import numpy as np
def sig(x): return 1 / (1 + np.exp(-x))
G, b = np.random.randn(4, 2) * .5, np.zeros(2)
W, c, v = np.random.randn(2, 6) * .5, np.zeros(6), np.random.randn(6, 1) * .5
for it in range(4):
    real, fake = np.random.randn(8, 2) + 3, np.random.randn(8, 4) @ G + b
    hr, hf = np.tanh(real @ W + c), np.tanh(fake @ W + c)
    pr, pf = sig(hr @ v), sig(hf @ v)
    loss = -np.mean(np.log(pr)) - np.mean(np.log(1 - pf))
    er, ef = (pr - 1) / 8, pf / 8
    tr, tf = er @ v.T * (1 - hr ** 2), ef @ v.T * (1 - hf ** 2)
    v -= .1 * (hr.T @ er + hf.T @ ef)
    W -= .1 * (real.T @ tr + fake.T @ tf)
    c -= .1 * (tr.sum(0) + tf.sum(0))
"""


GENERATOR = """\
    h = np.tanh((np.random.randn(8, 4) @ G + b) @ W + c)
    d = (sig(h @ v) - 1) / 8 @ v.T * (1 - h ** 2) @ W.T
    b -= .1 * d.sum(0)
"""


def test_a_critic_without_labels_is_judged_by_its_own_loss(tmp_path):
    found = seen(tmp_path, CRITIC)
    assert settled(found)
    assert len(found.rows) == 3


def test_a_wrong_slope_of_a_critic_is_found(tmp_path):
    assert settled(seen(tmp_path, CRITIC, ("(1 - hf ** 2)", "(1 - hf)"))) is False


def test_without_labels_and_without_a_loss_that_fits_nothing_is_judged(tmp_path):
    assert not seen(tmp_path, CRITIC, ("(pr - 1) / 8, pf / 8", "pr / 8, pf ** 2 / 8")).steps


def test_no_labels_are_taken_from_a_later_step(tmp_path):
    """Noise drawn in the second step meets what the first one made of all that was learnt, as outputs meet labels."""
    found = seen(tmp_path, CRITIC, ("tf.sum(0))\n", f"tf.sum(0))\n{GENERATOR}"))
    assert settled(found) is None
