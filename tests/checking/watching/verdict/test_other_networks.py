"""Two networks that learn from two losses in one step: what is made of the other loss is not called wrong."""

from nnref.checking.watching.telling.report import certificate, settled
from tests.support.programs import seen

GENERATED = """\
import numpy as np
def sig(x): return 1 / (1 + np.exp(-x))
G, g, F, f = np.random.randn(3, 8) * 0.5, np.zeros(8), np.random.randn(8, 2) * 0.5, np.zeros(2)
D, c, E, e = np.random.randn(2, 8) * 0.5, np.zeros(8), np.random.randn(8, 1) * 0.5, np.zeros(1)
for it in range(9):
    real, z = np.random.randn(16, 2) * 0.5 + 2, np.random.randn(16, 3)
    hg = np.tanh(z @ G + g); fake = hg @ F + f
    hr = np.tanh(real @ D + c); pr = sig(hr @ E + e)
    hf = np.tanh(fake @ D + c); pf = sig(hf @ E + e)
    loss = -np.mean(np.log(pr)) - np.mean(np.log(1 - pf))
    er, ef = (pr - 1) / 16, pf / 16
    tr, tf = er @ E.T * (1 - hr ** 2), ef @ E.T * (1 - hf ** 2)
    dE, de = hr.T @ er + hf.T @ ef, er.sum(0) + ef.sum(0)
    dD, dc = real.T @ tr + fake.T @ tf, tr.sum(0) + tf.sum(0)
    eg = (pf - 1) / 16
    tg = eg @ E.T * (1 - hf ** 2) @ D.T
    sg = tg @ F.T * (1 - hg ** 2)
    dF, df, dG, dg = hg.T @ tg, tg.sum(0), z.T @ sg, sg.sum(0)
    D -= 0.1 * dD; c -= 0.1 * dc; E -= 0.1 * dE; e -= 0.1 * de
    G -= 0.1 * dG; g -= 0.1 * dg; F -= 0.1 * dF; f -= 0.1 * df
"""
BOTH = ("(1 - pf))\n", "(1 - pf))\n    other = -np.mean(np.log(pf))\n")


def test_a_generator_is_not_wrong_by_the_loss_of_its_critic(tmp_path):
    assert settled(seen(tmp_path, GENERATED)) is None
    assert all(e.verdict != "WRONG" for e in certificate(seen(tmp_path, GENERATED)).entries)


def test_a_mistake_in_the_critic_is_found_beside_it(tmp_path):
    found = seen(tmp_path, GENERATED, ("hr.T @ er + hf", "hr.T @ er - hf"))
    assert certificate(found, mend=False).first.place.startswith("line 13:")


def test_layers_that_write_the_difference_out_each_for_itself_are_of_one_network(tmp_path):
    text = """\
import numpy as np
X, Y = np.random.randn(30, 4), np.random.randn(30, 2)
W, b, V, c = np.random.randn(4, 6), np.zeros(6), np.random.randn(6, 2), np.zeros(2)
for k in range(9):
    h = np.tanh(X @ W + b)
    p = h @ V + c
    loss = ((p - Y) ** 2).sum() / 60
    dV, dc = h.T @ (p - Y) / 30, (p - Y).sum(0) / 30
    dh = ((p - Y) / 30) @ V.T * (1 - h)
    W -= 0.1 * X.T @ dh; b -= 0.1 * dh.sum(0); V -= 0.1 * dV; c -= 0.1 * dc
"""
    assert settled(seen(tmp_path, text)) is False
