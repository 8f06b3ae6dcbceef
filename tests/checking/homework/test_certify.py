"""Does certify read what people have, call right what is right, and say what is wrong?"""

import csv
import json
from pathlib import Path

import numpy as np
import pytest

import nnref
from nnref.checking.operations.record import Undecided
from nnref.checking.reading.layout import LayoutError
from nnref.checking.reference import balls, intermediates, noise, strictest_truth, truth
from nnref.checking.results.certificate import quantity
from nnref.cli import main
from tests.conftest import require
from tests.support.networks import NETWORKS


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


@pytest.mark.parametrize("shape", [(3, 3), (3, 4), (3, 5), (3, 1), (4, 6), (18,), (2, 3, 6)])
def test_a_gradient_of_another_shape_is_wrong_and_the_others_are_judged(shape):
    """Also one that numpy would not broadcast, and one that a mistake predicts: (3, 4), of the activation below."""
    theta, X, y, g = drawn([4, 6, 3])
    given = {**nnref.named(g), "W2": np.ones(shape)}
    certificate = nnref.certify(nnref.named(theta), X, y, given)
    assert [entry.name for entry in certificate.wrong] == ["W2"]
    assert f"shape {shape} for (3, 6)" in str(certificate)


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
        nnref.certify(vectors(theta), X, y, vectors(g))
    assert nnref.certify(columns(theta), X, y, columns(g), layout="columns").ok
    assert nnref.certify(rows(theta), X.T, y, rows(g), layout="rows").ok
    assert not nnref.certify(rows(theta), X.T, y, rows(g), layout="columns").ok
    assert nnref.certify(theta, X, y, g).ok  # nnref's own parameters are columns by construction


def test_a_bias_that_is_a_column_tells_the_layout_of_square_weights_and_of_a_square_batch():
    """Only to Z with a column an example can b (m, 1) be added."""
    for N in (4, 5):
        theta, X, y, g = drawn([4, 4, 4], N=N)
        report = nnref.certify(columns(theta), X, y, columns(g))
        assert report.ok
        assert "columns" in report.reading
        (entry,) = nnref.certify(columns(theta), X, y, columns(g) | {"W1": columns(g)["W1"].T}).wrong
        assert entry.name == "W1"
    theta, X, y, g = drawn([5, 6, 3], N=5)
    assert nnref.certify(columns(theta), X, y, columns(g)).ok


def test_a_bias_that_is_a_row_or_flat_tells_nothing():
    """torch.nn.Linear adds b (m,) to rows with W (m, n); others keep b (m,) and write b[:, None]."""
    theta, X, y, g = drawn([4, 4, 4])
    for keep in (rows, vectors):
        with pytest.raises(LayoutError, match="all of W is square"):
            nnref.certify(keep(theta), X, y, keep(g))


def test_a_square_batch_is_asked_for_its_layout():
    theta, X, y, g = drawn([5, 6, 3], N=5)
    with pytest.raises(LayoutError, match="X is square"):
        nnref.certify(vectors(theta), X, y, vectors(g))
    assert nnref.certify(vectors(theta), X, y, vectors(g), layout="columns").ok


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
        (lambda a: a.update(activation="swish"), "'swish' came"),
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
    case = intermediates.Case.of(nnref.mlp([4, 6, 5, 3]), theta, X, nnref.one_hot(y, 3))
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
    assert [e.name for e in certificate.judged] == [
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
    assert "dW2, dW3, dZ2, dZ3, db2 and db3 are right, so dA1 and dA2 are right." in certificate.explanation
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
    assert "Explains all 20\n  wrong entries to rounding; db1 likewise." in text
    assert "Why: python -m derivations affine.db" in text
    assert "dW1 and dW2 are right, so dZ1 and dZ2 are right." in text
    assert "The gradient of your loss: 2 of 4 wrong." in text
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
    case = intermediates.Case.of(layers, theta, X, nnref.one_hot(y, 2))
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
    monkeypatch.setattr(strictest_truth, "ONE_BY_ONE", 0)
    monkeypatch.setattr(strictest_truth, "ENCLOSED", 0)
    found = strictest_truth.reference_truth(layers, theta, X, Y)
    assert "confirmed" in found.method
    exact = columns(truth.gradient(layers, theta, X, Y))
    for parameter, p in found.gradient.items():
        np.testing.assert_allclose(p, exact[parameter], rtol=1e-10, atol=1e-16)
    assert nnref.certify(theta, X, y, g).ok
    off = dict(found.gradient)
    off["W2"] = off["W2"].copy()
    off["W2"][3, 4] += 1e-10
    with pytest.raises(ArithmeticError, match="dW2"):
        strictest_truth.confirm(layers, theta, X, Y, nnref.network.unnamed(off, layers))


def test_the_truth_is_enclosed_in_balls_where_they_can_be_had_and_the_certificate_says_so():
    require("flint")
    theta, X, y, g = drawn([4, 6, 3])
    certificate = nnref.certify(theta, X, y, g)
    assert "every entry enclosed in a ball (128 bits" in certificate.method
    worst, u = certificate.worst, certificate.settings["u"]
    assert worst.noises == pytest.approx(abs(worst.yours - worst.truth) / (u * worst.S), rel=0.3)
    assert worst.noises < certificate.settings["allowed"]
    assert f"where S = {worst.S:.3g}" in str(certificate)


def test_the_truth_s_own_error_counts_and_no_more():
    """A truth known to within e excuses an error of e, in every way to the truth, and not one of a thousand e."""
    require("flint")
    theta, X, y, g = drawn([4, 6, 3], dtype="float32")
    layers, Y = nnref.mlp([4, 6, 3]), nnref.one_hot(y, 3, "float64")
    found = strictest_truth.reference_truth(layers, theta, X.astype("float64"), Y)
    plain = strictest_truth.in_float64(layers, theta, X.astype("float64"), Y, True)
    for name, error in found.error.items():
        assert (error <= 2 * plain.error[name]).all()
        assert (abs(found.gradient[name] - plain.gradient[name]) <= 20 * plain.error[name]).all()
    off = {name: np.asarray(p, "float64") for name, p in columns(g).items()}
    off["W2"] = found.gradient["W2"] + 1e3 * noise.unit("float32")
    assert [entry.name for entry in nnref.certify(theta, X, y, off).wrong] == ["W2"]


def test_without_flint_or_at_a_kink_that_no_ball_decides_the_complex_step_is_the_truth(monkeypatch):
    theta, X, y, g = drawn([4, 6, 3])
    monkeypatch.setattr(strictest_truth, "find_spec", lambda name: None)
    assert "complex step of every entry" in nnref.certify(theta, X, y, g).method
    monkeypatch.undo()
    require("flint")

    def undecided(*_, **__):
        raise Undecided

    monkeypatch.setattr(balls, "truth", undecided)
    assert "complex step of every entry" in nnref.certify(theta, X, y, g).method


@pytest.fixture
def right():
    """Everything that a file may hold, right."""
    theta, X, y, g = drawn([4, 6, 3])
    return {**columns(theta), **{f"d{name}": p for name, p in columns(g).items()}, "X": X, "Y": y}


@pytest.fixture
def saved(tmp_path, right):
    """Right and wrong files, and a function that writes another: right arrays, changed, some taken away."""

    def save(name, without=(), **changes):
        kept = {key: A for key, A in right.items() if key not in without}
        np.savez(tmp_path / f"{name}.npz", **kept | changes)
        return tmp_path / f"{name}.npz"

    save("right")
    save("wrong", db1=right["db1"] / 5)
    save("no_labels", without=["Y"])
    save("no_gradients", without=[f"d{p}{l}" for p in "Wb" for l in (1, 2)])
    (tmp_path / "text.npz").write_text("W1 = 1")
    return save


FILES = [("right", 0), ("wrong", 1), ("no_labels", 2), ("no_gradients", 2), ("text", 2), ("absent", 2)]


@pytest.mark.parametrize("command", ["check", "certify"])
@pytest.mark.parametrize(("file", "status"), FILES)
def test_the_command_exits_by_the_verdict(saved, tmp_path, capsys, command, file, status):
    assert main([command, str(tmp_path / f"{file}.npz"), "--json"]) == status
    out, err = capsys.readouterr()
    if status == 2:
        assert err.startswith("nnref: ")
        assert err.count("\n") == 1
        assert f"{file}.npz" in err
    else:
        *report, last = out.splitlines()
        last = json.loads(last)
        assert last["ok"] is (status == 0)
        assert last["diagnosis"] == (None if status == 0 else "bias.averaged")
        assert report[-1].endswith(f"exit {status}")
        assert max(map(len, report)) <= 80


def test_a_file_says_in_words_what_it_holds(saved, right):
    theta, X, y, g = drawn([4, 4, 4], "tanh", N=5)
    kept = {**rows(theta), **{f"d{name}": 5 * p for name, p in rows(g).items()}, "X": X.T, "Y": y}
    path = saved("square", without=right, **kept, activation="tanh", reduction="sum", layout="rows")
    report = nnref.check(path)
    assert report.ok, str(report)
    assert "as rows, int labels, tanh, softmax, summed cross-entropy of 5 examples" in report.reading
    assert not nnref.check(saved("mean", without=right, **kept, activation="tanh", layout="rows")).ok
    with pytest.raises(ValueError, match=r"^unsaid\.npz: all of W is square"):
        nnref.check(saved("unsaid", without=right, **kept))


def test_what_a_file_does_not_say_can_be_said_to_certify(saved, right, capsys):
    theta, X, y, g = drawn([4, 4, 4], "tanh")
    kept = {**vectors(theta), **{f"d{name}": p for name, p in vectors(g).items()}, "X": X, "Y": y}
    path = saved("unsaid", without=right, **kept)
    assert main(["check", str(path)]) == 2
    assert main(["certify", str(path), "--layout", "columns", "--activation", "tanh"]) == 0
    assert (
        main(["certify", str(path), "--layout", "columns", "--activation", "gelu"]) == 1
    )  # they are not those of gelu
    assert main(["certify", str(path), "--layout", "columns", "--activation", "swish"]) == 2
    assert "'swish' came" in capsys.readouterr().err
    assert main(["certify", str(path.with_suffix(".py"))]) == 2
    assert "try nnref check" in capsys.readouterr().err


def test_intermediates_and_other_spellings_of_a_file_are_read_and_strangers_said(saved, right):
    case = intermediates.Case.of(nnref.mlp([4, 6, 3]), drawn([4, 6, 3])[0], right["X"], nnref.one_hot(right["Y"], 3))
    spelt = {"w1": right["W1"], "b_1": right["b1"], "dw1": case.dA["dA1"] @ right["X"].T, "db_1": right["db1"]}
    path = saved("spelt", without=["W1", "b1", "dW1", "db1"], **spelt, a_1=case.A["A1"], dz1=case.dZ["dZ1"], epoch=3)
    report = nnref.check(path)
    assert [(e.name, e.verdict) for e in report.intermediates] == [("A1", "ok"), ("dZ1", "ok")]
    assert (report.first_wrong, report.diagnosis) == ("dW1", "dW.unmasked")
    assert "Not looked at: epoch." in str(report)
    with pytest.raises(ValueError, match="two arrays are W1"):
        nnref.check(saved("twice", w_1=right["W1"]))


def test_data_of_another_file_stand_for_its_own(saved, right, tmp_path, capsys):
    path = saved("bare", without=["X", "Y"])
    data = saved("data", without=[name for name in right if name not in "XY"])
    assert main(["check", str(path)]) == 2
    assert main(["check", str(path), "--data", str(data)]) == 0
    assert nnref.check(path, right["X"], right["Y"]).ok
    capsys.readouterr()
    assert main(["check", f"{path}:W1"]) == 2
    assert "holds arrays" in capsys.readouterr().err


def test_a_folder_of_files_has_a_row_for_each_and_none_for_data(saved, right, tmp_path, capsys):
    saved("data", without=[name for name in right if name not in "XY"])
    assert main(["check", str(tmp_path), "--csv", str(tmp_path / "out.csv")]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1] == "4 files: 1 right, 1 with a mistake, 2 not read"
    with open(tmp_path / "out.csv", encoding="utf-8") as file:
        table = {row["file"]: row for row in csv.DictReader(file)}
    assert set(table) == {"right.npz", "wrong.npz", "text.npz", "no_labels.npz"}
    assert (table["wrong.npz"]["first_wrong"], table["wrong.npz"]["diagnosis"]) == ("db1", "bias.averaged")


def test_check_and_certify_give_one_kind_of_answer(saved, tmp_path):
    stored = nnref.check(tmp_path / "wrong.npz")
    read = nnref.check(Path(__file__).parents[3] / "examples/digits_columns_bias.py")
    assert type(stored) is type(read) is nnref.Certificate
    assert stored.to_dict().keys() == read.to_dict().keys()
    for report in (stored, read):
        assert not report.ok
        assert report.first_wrong == report.first.quantity == quantity(report.wrong[0].name)
        assert report.worst in [entry.worst for entry in report.wrong]
        assert report.explanation
        assert report.cannot_tell == ()
        assert str(report).endswith("exit 1")
