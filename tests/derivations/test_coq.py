"""Does Coq's kernel accept every theorem, on the axioms of the reals alone, and does it refuse what is not true?"""

import json
import re
import shutil
from dataclasses import replace
from typing import NamedTuple

import pytest

from derivations import coq
from derivations.coq import kernel
from derivations.coq.__main__ import main
from derivations.output import page
from derivations.output.description import described
from derivations.prover.proof import claims, prove
from tests.conftest import require_program

THEOREMS = coq.theorems()


@pytest.fixture(scope="module")
def checked(tmp_path_factory):
    """The folder in which every file is compiled as it stands, and the kernel's report."""
    require_program("coqc")
    folder = tmp_path_factory.mktemp("compiled")
    return folder, kernel.check(into=folder)


@pytest.fixture(scope="module")
def compiled(checked):
    """That folder."""
    return checked[0]


class Slip(NamedTuple):
    """A mistake in a theorem's statement, or in a definition that a theorem rests on, and where Coq must refuse it."""

    stated: str
    right: str
    wrong: str
    refused_in: str = ""


SLIPS = [
    Slip("Theorem gradient_entries", "(G i j)", "(G j i)"),
    Slip("Theorem sgd_decrease", "(- Σ", "(Σ"),
    Slip("Theorem sigmoid_dZ", "(1 - A i s)", "(1 + A i s)"),
    Slip("Theorem tanh_dZ", "1 - A i s ^ 2", "1 - A i s"),
    Slip("Theorem relu_dZ", "no_kink m N Z -> ", ""),
    Slip("Definition relu_slope", "then 1 else 0", "then 1 else -1", "Lemma is_derive_relu"),
    Slip("Theorem relu_no_slope_at_zero", "relu 0", "relu 1"),
    Slip("Theorem relu_supports", "<= g <= 1", "<= g <= 2"),
    Slip("Theorem affine_dW", "dZ ×[N] A^T", "A ×[N] dZ^T"),
    Slip("Theorem affine_db", "row_sums N dZ", "fun i s => row_sums N dZ i s / INR N"),
    Slip("Theorem affine_dA", "W^T ×[m] dZ", "W ×[m] dZ"),
    Slip("Theorem softmax_jacobian", "δ i j - softmax", "δ i j + softmax"),
    Slip("Theorem softmax_at_most_one", "(1 < n)%nat -> ", ""),
    Slip("Theorem softmax_shift", "z k + c", "z k * c"),
    Slip("Theorem softmax_keeps_order", "exp (z i - z j)", "exp (z j - z i)"),
    Slip("Theorem softmax_log_sum_exp_gradient", "(softmax K z j)", "(z j)"),
    Slip("Theorem softmax_dZ", "P k s * dP k s", "dP k s"),
    Slip("Theorem cross_entropy_dP", "- (Y i s / P i s)", "(Y i s / P i s)"),
    Slip("Theorem softmax_cross_entropy_dz", "softmax K z j - y j", "softmax K z j + y j"),
    Slip("Theorem softmax_cross_entropy_dz", " -> label K y", ""),
    Slip("Theorem softmax_cross_entropy_dZ", "/ INR N", ""),
    Slip("Definition mean_loss", "/ INR N", "/ 1", "Theorem softmax_cross_entropy_dZ"),
    Slip("Theorem softmax_cross_entropy_hessian", "* δ i j -", "* δ i j +"),
    Slip("Theorem softmax_cross_entropy_convex", "0 <=", "0 <"),
    Slip("Theorem mlp_dW3", "A2^T", "A1^T"),
    Slip("Theorem mlp_db3", "row_sums N dZ3", "row_sums n3 dZ3"),
    Slip("Definition dZ2", "W3^T", "W3", "Lemma dZ2_gradient"),
    Slip("Definition dZ1", "each relu_slope Z1", "each relu_slope Z2", "Lemma dZ1_gradient"),
    Slip("Theorem mlp_dW2", "no_kink n2 N Z2 ->", ""),
    Slip("Theorem mlp_db2", "row_sums N dZ2", "row_sums N dZ1"),
    Slip("Theorem mlp_dW1", "dZ1 ×[N] X^T", "dZ1 ×[n0] X^T"),
    Slip("Theorem mlp_db1", "dZ1", "dZ2"),
    Slip("Theorem mlp_any_depth", "dZ ×[N] A^T", "dZ^T ×[N] A"),
    Slip("Fixpoint backward", "each f' Z", "each f Z", "Lemma backward_gradient"),
    Slip("Theorem lstm_cell_dZi", "1 - sigmoid zi", "1 + sigmoid zi"),
    Slip("Theorem lstm_cell_dZf", "(1 - sigmoid zf) * c0", "(1 - sigmoid zf)"),
    Slip("Theorem lstm_cell_dZg", "tanh zg ^ 2", "tanh zg"),
    Slip("Theorem lstm_cell_dZo", " * tanh (cell zi zf zg c0)", ""),
    Slip("Theorem lstm_cell_dC0", "* sigmoid zf", "* sigmoid zi"),
    Slip("Theorem conv2d_dX", "w u * seen_by", "seen_by"),
    Slip("Theorem conv2d_dW", "seen_by sees q u p * X p s", "X p s"),
    Slip("Theorem conv2d_adjoint", "w u * seen_by", "seen_by"),
    Slip("Theorem layer_norm_dX", "g i - mean n g -", "g i -"),
    Slip("Theorem attention_dQ", "/ sqrt (INR d)", "* 1"),
    Slip("Theorem attention_dV", "k * dy w", "k"),
]


def file_with(words):
    """The one source that has these words, and where they stand."""
    (found,) = [file for file in coq.SOURCES.glob("*.v") if re.search(rf"{words}\b", file.read_text(encoding="utf-8"))]
    return found


def lines_of(text, words):
    """From the line with these words to the end of the proof there."""
    start = re.search(rf"{words}\b", text).start()
    first = text.count("\n", 0, start) + 1
    return range(first, first + text[start : text.index("Qed.", start)].count("\n") + 1)


@pytest.mark.long  # each slip is compiled with all that rests on it, in up to a minute
@pytest.mark.parametrize(
    "slip", SLIPS, ids=lambda slip: f"{slip.stated.split()[1]}: {slip.wrong or 'without ' + slip.right}"
)
def test_a_slip_does_not_compile(slip, compiled, tmp_path):
    """Refused where its proof stands, by the proof and not by the grammar."""
    source = file_with(slip.stated)
    text = source.read_text(encoding="utf-8")
    start = re.search(rf"{slip.stated}\b", text).start()
    end = re.search(r"\n(Proof|Definition|Lemma|\(\*|$)", text[start:]).start() + start
    assert slip.right in text[start:end]
    sabotaged = text[:start] + text[start:end].replace(slip.right, slip.wrong) + text[end:]
    copy = tmp_path / source.name
    copy.write_text(sabotaged, encoding="utf-8")
    with pytest.raises(kernel.CoqError) as refused:
        kernel.coqc(str(copy), into=compiled)
    message = str(refused.value)
    assert "Syntax error" not in message
    assert "was not found" not in message
    line = int(re.search(r'\.v", line (\d+)', message).group(1))
    assert line in lines_of(sabotaged, slip.refused_in or slip.stated), message


@pytest.mark.long  # what make coq does: every file is compiled
def test_every_theorem_is_checked_and_rests_on_the_axioms_of_the_reals_alone(checked):
    _, report = checked
    assert report.ok, "\n".join(report.faults)
    assert report.axioms.keys() == THEOREMS.keys()
    assert set().union(*report.axioms.values()) == kernel.AXIOMS


def planted(tmp_path, addition):
    """A folder with one small theorem, and something that should not be there before it."""
    folder = tmp_path / "sources"
    folder.mkdir()
    theorem = "(* planted.claim: a number is itself. *)\nTheorem planted_claim : 1 = 1.\nProof. trivial. Qed.\n"
    (folder / "Planted.v").write_text(f"{addition}\n{theorem}", encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("addition", "fault"),
    [
        ("Lemma wrong : 1 = 2. Proof. Admitted.", "Planted.v:1: Admitted is not allowed"),
        ("Lemma wrong : 1 = 2. Proof. admit. Admitted.", "Planted.v:1: admit is not allowed"),
        ("Axiom wrong : 1 = 2.", "Planted.v:1: Axiom is not allowed"),
        ("Unset Guard Checking.", "Planted.v:1: Unset is not allowed"),
        ("Theorem unnamed : 1 = 1. Proof. trivial. Qed.", "should open with its claim"),
        ("From nnref Require Import Absent.", "require each other, or a file that is not in"),
        ("Lemma wrong : 1 = 2. Proof. trivial. Qed.", 'Planted.v", line 1'),
    ],
    ids=lambda value: value if value[0].isupper() else "",
)
def test_what_is_not_proved_is_refused(addition, fault, tmp_path):
    require_program("coqc")
    found = kernel.check(planted(tmp_path, addition), tmp_path / "build")
    assert not found.ok
    assert any(fault in line for line in found.faults), found.faults


def test_an_axiom_hidden_from_the_search_for_words_is_refused_by_its_name(tmp_path):
    """A Variable outside a section is an axiom; only Print Assumptions tells."""
    require_program("coqc")
    folder = planted(tmp_path, "Variable wrong : 1 = 2.")
    file = folder / "Planted.v"
    file.write_text(file.read_text().replace("1 = 1", "1 = 2").replace("trivial", "exact wrong"))
    found = kernel.check(folder, tmp_path / "build")
    assert not found.ok
    assert found.axioms.keys() == {"planted_claim"}
    assert re.search(r"Planted\.v:3: planted_claim rests on [\w.]*wrong, which is no axiom", found.faults[0])


def test_words_in_comments_are_no_faults_and_the_sources_have_none(tmp_path):
    assert coq.unproved() == []
    assert coq.unproved(planted(tmp_path, "(* Admitted (* nested *) Axiom *)")) == []


def test_an_empty_folder_is_not_a_success(tmp_path):
    require_program("coqc")
    assert not kernel.check(tmp_path, tmp_path / "build").ok


OF_THE_ARTICLE = ("affine", "sigmoid", "tanh", "relu", "softmax", "cross_entropy", "softmax_cross_entropy", "mlp")
GRADIENTS = [c.name for c in claims().values() if c.kind == "gradient" and c.name.split(".")[0] in OF_THE_ARTICLE]


@pytest.mark.parametrize("name", GRADIENTS)
def test_every_gradient_of_the_article_has_its_theorem(name):
    theorem = coq.theorem_of(name)
    assert theorem.claim == name
    assert theorem.statement.startswith(f"Theorem {theorem.name}")


def test_a_theorem_is_found_by_its_claim_and_shown_as_it_stands():
    theorem = coq.theorem_of("softmax.jacobian")
    text = (coq.SOURCES / theorem.file).read_text(encoding="utf-8")
    assert theorem.statement in text
    assert text.splitlines()[theorem.line - 1].startswith("Theorem softmax_jacobian")
    assert theorem.says.startswith("∂p_i/∂z_j = p_i (δ_ij − p_j)")
    assert theorem.statement.endswith("(softmax K z i * (δ i j - softmax K z j)).")
    assert coq.theorem_of("softmax_jacobian") is None
    assert coq.theorem_of("silu.dZ") is None


BESIDE_NO_CLAIM = {"gradient.entries", "gradient.unique", "relu.no_slope_at_zero"}
"""What the others are built on, and what no algebra of sums can say: that there is no slope."""


def test_every_other_theorem_is_named_after_a_claim_that_exists():
    assert {theorem.claim for theorem in THEOREMS.values()} - claims().keys() == BESIDE_NO_CLAIM


def test_the_page_of_a_claim_shows_the_statement_of_its_theorem_and_of_no_other():
    claim = described(prove(claims()["softmax.shift"]), 0.0)
    context = page.Context({claim["name"]: claim}, theorems=coq.shown())
    section = page.section(claim, context)
    assert [name for name, theorem in THEOREMS.items() if theorem.statement in section] == ["softmax_shift"]
    assert THEOREMS["softmax_shift"].says in section
    for theorem in THEOREMS.values():
        assert theorem.statement in page.theorem({"name": theorem.claim}, context)
    assert page.theorem({"name": "he.half"}, context) == ""


def test_a_slip_is_planted_in_every_gradient():
    gradients = {name for name in THEOREMS if re.search(r"_d[A-Z]\d?$|_db\d?$|_dz$", name)}
    assert gradients <= {slip.stated.split()[1] for slip in SLIPS}


def test_the_command_lists_theorems_and_axioms_and_says_which_fails(capsys, monkeypatch):
    good = kernel.Report("8.16.1", THEOREMS, {name: sorted(kernel.AXIOMS) for name in THEOREMS}, 1.0)
    monkeypatch.setattr("derivations.coq.__main__.check", lambda into: good)
    assert main([]) == 0
    listed = capsys.readouterr().out
    assert all(theorem.claim in listed for theorem in THEOREMS.values())
    assert all(axiom in listed for axiom in kernel.AXIOMS)
    assert f"{len(THEOREMS)} of {len(THEOREMS)} theorems hold, nothing admitted" in listed
    assert main(["--json"]) == 0
    found = json.loads(capsys.readouterr().out)["theorems"]["mlp_dW1"]
    assert found["ok"]
    assert found["statement"] == THEOREMS["mlp_dW1"].statement
    bad = replace(good, axioms=good.axioms | {"mlp_dW1": ["wrong"]})
    monkeypatch.setattr("derivations.coq.__main__.check", lambda into: bad)
    assert main([]) == 1
    listed = capsys.readouterr().out
    assert re.search(r"mlp\.dW1 +FAILS", listed)
    assert f"{len(THEOREMS) - 1} of {len(THEOREMS)} theorems hold;" in listed


def test_without_coq_the_command_says_what_to_install(capsys, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda program: None)
    assert main([]) == 2
    assert "apt-get install --no-install-recommends coq libcoq-coquelicot" in capsys.readouterr().err
