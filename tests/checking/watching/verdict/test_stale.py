"""A parameter that was updated before its old value was used: the line of the use is named."""

from nnref.checking.watching.telling.report import certificate, settled
from tests.support.programs import seen

FACTORS = """\
import numpy as np
ratings = [(0, 1, 4.0), (0, 3, 2.0), (1, 0, 5.0), (1, 2, 3.0), (2, 1, 1.0), (2, 3, 4.0)]
P, Q = np.random.rand(3, 3), np.random.rand(4, 3)
for epoch in range(9):
    for u, i, r in ratings:
        e = r - P[u] @ Q[i]
        old = P[u].copy()
        P[u] += 0.01 * (e * Q[i] - 0.02 * P[u])
        Q[i] += 0.01 * (e * old - 0.02 * Q[i])
"""


def test_the_new_row_of_one_factor_in_the_step_of_the_other(tmp_path):
    assert settled(seen(tmp_path, FACTORS)) is True
    found = seen(tmp_path, FACTORS, ("e * old", "e * P[u]"))
    assert settled(found) is False
    assert certificate(found, mend=False).first.place.startswith("line 9:")


LAYERS = """\
import numpy as np
X = np.random.randn(4, 30); Y = np.eye(3)[np.random.randint(0, 3, 30)].T
net = {"W1": np.random.randn(5, 4) * 0.5, "W2": np.random.randn(3, 5) * 0.5}
for step in range(9):
    net["A0"] = X
    net["A1"] = np.maximum(net["W1"] @ X, 0)
    E = np.exp(net["W2"] @ net["A1"])
    P = E / E.sum(axis=0)
    dZ = P - Y
    for k in (2, 1):
        dW = (1 / 30) * dZ @ net[f"A{k - 1}"].T
        if k > 1:
            dA = net[f"W{k}"].T @ dZ
            dZ = dA * (net[f"A{k - 1}"] > 0)
        net[f"W{k}"] -= 0.01 * dW
    loss = -np.sum(Y * np.log(P + 1e-8)) / 30
"""


def test_the_new_weights_of_a_layer_in_the_slope_of_the_one_before(tmp_path):
    """What the update is made of is a slope but for its rate, and no mistake."""
    assert settled(seen(tmp_path, LAYERS)) is True
    update = '        net[f"W{k}"] -= 0.01 * dW\n'
    found = seen(tmp_path, LAYERS, (update, ""), ("        if k > 1", f"{update}        if k > 1"))
    assert settled(found) is False
    assert certificate(found, mend=False).first.place.startswith("line 14:")
