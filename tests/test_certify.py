"""Does certify read what people have, call right what is right, and say what is wrong?"""

import json

import numpy as np
import pytest

import nnref
from nnref.checking import certain, truth
from nnref.checking.canonical import LayoutError
from nnref.cli import main
from tests.networks import NETWORKS


def drawn(sizes, activation="relu", N=5, seed=0, dtype="float64"):
    """A network with biases, a batch, and its gradients."""
    rng = np.random.default_rng(seed)
    layers = nnref.mlp(sizes, activation)
    theta = tuple(
        nnref.Affine(p.W, (0.1 * rng.standard_normal(p.b.shape)).astype(dtype)) if p else ()
        for p in nnref.initialise(layers, seed, dtype)
    )
    X, y = rng.standard_normal((sizes[0], N)).astype(dtype), rng.integers(0, sizes[-1], N)
    return theta, X, y, nnref.gradients(layers, theta, X, nnref.one_hot(y, sizes[-1]))


def columns(theta):
    return nnref.named(theta)


def rows(theta):
    return {name: p.T for name, p in nnref.named(theta).items()}


def vectors(theta):
    return {name: p.ravel() if name[0] == "b" else p for name, p in nnref.named(theta).items()}


@pytest.mark.parametrize(("sizes", "activation", "N"), NETWORKS)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_the_reference_s_gradients_are_certified(sizes, activation, N, dtype):
    theta, X, y, g = drawn(sizes, activation, N, dtype=dtype)
    certificate = nnref.certify(theta, X, nnref.one_hot(y, sizes[-1]), g, activation=activation)
    assert certificate.ok, certificate
    assert certificate.gradient_of_own_loss
    assert certificate.first_wrong is certificate.diagnosis is certificate.explanation is certificate.same_loss is None


@pytest.mark.parametrize("kept", [columns, vectors])
@pytest.mark.parametrize("labels", ["int", "one-hot", "one-hot rows"])
def test_columns_are_read_without_a_flag(kept, labels):
    theta, X, y, g = drawn([4, 6, 3])
    Y = y if labels == "int" else nnref.one_hot(y, 3) if labels == "one-hot" else nnref.one_hot(y, 3).T
    certificate = nnref.certify(kept(theta), X, Y, {f"d{name}": p for name, p in kept(g).items()})
    assert certificate.ok, certificate
    assert certificate.settings["layout"] == "columns"


def test_rows_are_read_without_a_flag_and_their_indices_are_theirs():
    theta, X, y, g = drawn([4, 6, 3])
    certificate = nnref.certify(rows(theta), X.T, y, rows(g))
    assert certificate.ok
    assert certificate.settings["layout"] == "rows"
    wrong = rows(g)
    wrong["W1"][3, 5] += 1
    (entry,) = nnref.certify(rows(theta), X.T, y, wrong).wrong
    assert (entry.name, entry.shape, entry.worst.index, entry.wrong) == ("W1", (4, 6), (3, 5), 1)


def test_rows_of_examples_with_weights_as_columns_are_read():
    """torch.nn.Linear keeps W as (m, n), and a batch as rows."""
    theta, X, y, g = drawn([4, 6, 3])
    assert nnref.certify(vectors(theta), X.T, y, vectors(g)).ok


def test_a_square_network_is_asked_for_its_layout():
    theta, X, y, g = drawn([4, 4, 4])
    with pytest.raises(LayoutError, match=r'layout="columns".*layout="rows"'):
        nnref.certify(columns(theta), X, y, columns(g))
    assert nnref.certify(columns(theta), X, y, columns(g), layout="columns").ok
    assert nnref.certify(rows(theta), X.T, y, rows(g), layout="rows").ok
    assert not nnref.certify(rows(theta), X.T, y, rows(g), layout="columns").ok
    assert nnref.certify(theta, X, y, g).ok  # nnref's own parameters are columns by construction


def test_a_square_batch_is_asked_for_its_layout():
    theta, X, y, g = drawn([5, 6, 3], N=5)
    with pytest.raises(LayoutError, match="X is square"):
        nnref.certify(columns(theta), X, y, columns(g))
    assert nnref.certify(columns(theta), X, y, columns(g), layout="columns").ok


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda a: a["parameters"].pop("b2"), "b2 is missing"),
        (lambda a: a.update(X=a["X"][:-1]), "X should have 4 numbers an example"),
        (lambda a: a.update(X=np.ones((4, 5), int)), "X should hold floating-point numbers"),
        (lambda a: a.update(Y=a["Y"][:-1]), "Y should be 5 whole-number labels"),
        (lambda a: a["parameters"].update(gamma=np.ones(3)), "'gamma' came"),
        (lambda a: a["gradients"].update(dW7=np.ones(3)), "W7"),
        (lambda a: a["parameters"].update(W1=np.full((6, 4), np.nan)), "W1 holds NaN"),
        (lambda a: a.update(activation="gelu"), "'gelu' came"),
        (lambda a: a.update(reduction="median"), "'median' came"),
        (lambda a: a.update(layout="square"), "'square' came"),
        (lambda a: a.update(layout="rows"), "do not fit together as rows"),
        (lambda a: a.update(intermediates={"H1": np.ones((6, 5))}), "'H1' came"),
        (lambda a: a.update(intermediates={"A1": np.ones((6, 4))}), "A1 should have 6 numbers for each of 5"),
    ],
)
def test_what_cannot_be_read_is_said_in_a_sentence(change, says):
    theta, X, y, g = drawn([4, 6, 3])
    arguments = {"parameters": columns(theta), "X": X, "Y": y, "gradients": columns(g)}
    change(arguments)
    with pytest.raises(ValueError, match=says):
        nnref.certify(**arguments)


def test_the_sum_is_never_the_mean_and_the_diagnosis_says_what_to_pass():
    theta, X, y, g = drawn([4, 6, 3])
    summed = {name: 5 * p for name, p in columns(g).items()}
    certificate = nnref.certify(theta, X, y, summed)
    assert not certificate.ok
    assert certificate.diagnosis == "scale.N"
    assert "If you meant the summed loss, pass reduction='sum'." in certificate.explanation
    assert nnref.certify(theta, X, y, summed, reduction="sum").ok
    other = nnref.certify(theta, X, y, g, reduction="sum")
    assert "pass reduction='mean'" in other.explanation


def test_the_first_wrong_intermediate_is_named_and_what_is_above_is_cleared():
    theta, X, y, g = drawn([4, 6, 5, 3], N=7)
    case = nnref.checking.case.Case.of(nnref.mlp([4, 6, 5, 3]), theta, X, nnref.one_hot(y, 3))
    dZ1 = case.dA["dA1"]  # the mask forgotten
    wrong = columns(g) | {"W1": dZ1 @ X.T, "b1": dZ1.sum(1, keepdims=True)}
    given = {
        "A1": case.A["A1"],
        "A2": case.A["A2"],
        "P": case.P,
        "dZ3": 7 * case.dZ["dZ3"],
        "dZ2": case.dZ["dZ2"],
        "dZ1": dZ1,
    }
    certificate = nnref.certify(theta, X, y, wrong, intermediates=given)
    assert [e.name for e in certificate.entries] == [
        "A1",
        "A2",
        "A3",
        "dZ3",
        "W3",
        "b3",
        "dZ2",
        "W2",
        "b2",
        "dZ1",
        "W1",
        "b1",
    ]
    assert [e.name for e in certificate.wrong] == ["dZ1", "W1", "b1"]
    assert (certificate.first_wrong, certificate.diagnosis) == ("dZ1", "slope.missing")
    assert certificate.same_loss
    assert "dZ2, dW2, db2, dA1 are right" in certificate.explanation
    assert "N times: the mean's 1/N is yet to come" in str(certificate)
    late = nnref.certify(theta, X, y, wrong, intermediates=given | {"A2": 2 * case.A["A2"]})
    assert (late.first_wrong, late.same_loss) == ("A2", False)


def test_one_number_for_a_bias_is_reported_as_in_the_manual():
    """The commonest mistake in public files."""
    theta, X, y, g = drawn([784, 10, 10], N=5)
    wrong = {f"d{name}": p for name, p in columns(g).items()}
    wrong |= {"db1": np.sum(wrong["db1"]), "db2": np.sum(wrong["db2"])}
    text = str(nnref.certify(columns(theta), X, y, wrong, layout="columns"))
    assert "shape () for (10, 1)" in text
    assert "First mistake: db2, such as db2 = np.sum(dZ2)" in text
    assert "Sums over examples AND neurons: one number for the whole bias." in text
    assert "Explains 20 of 20 wrong entries to rounding; db1 likewise." in text
    assert "Why: affine.db" in text
    assert "2 of 4 gradients wrong; exit 1." in text
    assert max(map(len, text.splitlines())) <= 80


@pytest.mark.parametrize("b", [(3, 1), (3,), (1, 3)])
@pytest.mark.parametrize("db", [(3, 1), (3,), (1, 3), ()])
def test_a_bias_gradient_is_right_if_the_update_keeps_the_bias_s_shape(b, db):
    theta, X, y, g = drawn([4, 6, 3])
    W = {name: p for name, p in columns(theta).items() if name[0] == "W"}
    biases = {"b1": theta[0].b.reshape(-1), "b2": theta[2].b.reshape(b)}
    given = vectors(g) | {"b2": g[2].b.reshape(db) if db else g[2].b.sum()}
    kept = np.broadcast_shapes(b, db) == b and db != ()
    assert nnref.certify(W | biases, X, y, given).ok == kept


def test_a_rectifier_within_rounding_of_its_kink_cannot_be_told_and_is_named():
    theta, X, y, _ = drawn([3, 4, 2], N=3, dtype="float32")
    W, b = theta[0].W.copy(), theta[0].b.copy()
    exact = W[1].astype("float64") @ X[:, 2].astype("float64")
    b[1] = np.float32(-exact)  # Z is then what rounding leaves
    theta = (nnref.Affine(W, b), (), theta[2])
    layers = nnref.mlp([3, 4, 2])
    g = columns(nnref.gradients(layers, theta, X, nnref.one_hot(y, 2)))
    case = nnref.checking.case.Case.of(layers, theta, X, nnref.one_hot(y, 2))
    either = [g]
    for side in (0, 1):
        dZ = np.where(case.Z["Z1"] > 0, case.dA["dA1"], 0)
        dZ[1, 2] = side * case.dA["dA1"][1, 2]
        either.append(g | {"W1": (dZ @ X.T).astype("float32"), "b1": dZ.sum(1, keepdims=True).astype("float32")})
    for gradients in either:
        certificate = nnref.certify(theta, X, y, gradients)
        assert not certificate.wrong, certificate
        assert "unit 1 of layer 1, example 2" in certificate.notes[0]
    assert any(nnref.certify(theta, X, y, gradients).cannot_tell for gradients in either)
    assert nnref.certify(theta, X, y, g | {"W1": 2 * g["W1"]}).wrong


def test_a_gradient_not_written_yet_is_not_ok_and_not_wrong():
    theta, X, y, g = drawn([4, 6, 3])
    certificate = nnref.certify(theta, X, y, columns(g) | {"W1": None})
    assert not certificate.ok
    assert not certificate.wrong
    assert certificate.gradient_of_own_loss is None


def test_nan_is_wrong_and_plain_data_stay_json():
    theta, X, y, g = drawn([4, 6, 3])
    wrong = columns(g)
    wrong["b1"] = np.full((6, 1), np.nan)
    certificate = nnref.certify(theta, X, y, wrong)
    assert certificate.first_wrong == "db1"
    assert json.loads(json.dumps(certificate.to_dict(), allow_nan=False))["ok"] is False


def test_large_networks_are_held_to_the_backward_pass_confirmed_by_complex_steps(monkeypatch):
    theta, X, y, g = drawn([40, 30, 20, 10], N=8)
    layers = nnref.mlp([40, 30, 20, 10])
    Y = nnref.one_hot(y, 10, "float64")
    monkeypatch.setattr(certain, "ONE_BY_ONE", 0)
    name, found, _ = certain.reference_truth(layers, theta, X, Y)
    assert "confirmed" in name
    exact = columns(truth.gradient(layers, theta, X, Y))
    for parameter, p in columns(found).items():
        np.testing.assert_allclose(p, exact[parameter], rtol=1e-10, atol=1e-16)
    assert nnref.certify(theta, X, y, g).ok
    off = columns(found)
    off["W2"] = off["W2"].copy()
    off["W2"][3, 4] += 1e-10
    with pytest.raises(ArithmeticError, match="dW2"):
        certain.confirm(layers, theta, X, Y, nnref.network.unnamed(off, layers))


@pytest.fixture
def saved(tmp_path):
    """Right and wrong files."""
    theta, X, y, g = drawn([4, 6, 3])
    right = {**columns(theta), **{f"d{name}": p for name, p in columns(g).items()}, "X": X, "Y": y}
    np.savez(tmp_path / "right.npz", **right)
    np.savez(tmp_path / "wrong.npz", **right | {"db1": right["db1"] / 5})
    np.savez(tmp_path / "no_labels.npz", **{name: A for name, A in right.items() if name != "Y"})
    (tmp_path / "text.npz").write_text("W1 = 1")
    return tmp_path


@pytest.mark.parametrize(("file", "status"), [("right", 0), ("wrong", 1), ("no_labels", 2), ("text", 2), ("absent", 2)])
def test_the_command_exits_by_the_verdict(saved, capsys, file, status):
    assert main(["certify", str(saved / f"{file}.npz"), "--json"]) == status
    out, err = capsys.readouterr()
    if status == 2:
        assert err.startswith("nnref: ")
        assert err.count("\n") == 1
    else:
        last = json.loads(out.splitlines()[-1])
        assert last["ok"] is (status == 0)
        assert last["diagnosis"] == (None if status == 0 else "bias.averaged")
