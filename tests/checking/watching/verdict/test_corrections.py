"""Adam's bias correction: for the average that is kept, in every step; and what is no mistake of it."""

import pytest

from nnref.checking.results.certificate import RIGHT as RIGHT_STATUS
from nnref.checking.watching.telling.report import certificate, settled
from nnref.checking.watching.verdict.corrections import Average, counts
from tests.support.programs import ADAM, seen

IN_PLACE = (
    "        m[k] = 0.9 * m[k] + 0.1 * grads[k]\n        v[k] = 0.999 * v[k] + 0.001 * grads[k] ** 2\n",
    "        a, b, g = m[k], v[k], grads[k]\n        a *= 0.9; a += 0.1 * g; b += 0.001 * (g * g - b)\n",
)
MISTAKES = {
    "β of the other average": ("v[k] / (1 - 0.999 ** t)", "v[k] / (1 - 0.9 ** t)", 17),
    "the other way round": ("m[k] / (1 - 0.9 ** t)", "m[k] / (1 - 0.999 ** t)", 17),
    "an average that grows": ("0.1 * grads[k]\n", "0.01 * grads[k]\n", 15),
    "a square that weighs too much": ("0.001 * grads[k] ** 2", "0.1 * grads[k] ** 2", 16),
    "β for 1 - β": ("0.999 * v[k]", "0.001 * v[k]", 16),
    "multiplied": ("v[k] / (1 - 0.999 ** t)", "v[k] * (1 - 0.999 ** t)", 17),
    "plus": ("m[k] / (1 - 0.9 ** t)", "m[k] / (1 + 0.9 ** t)", 17),
    "times t": ("m[k] / (1 - 0.9 ** t)", "m[k] / (1 - 0.1 * t * t - 0.8)", 17),
}


@pytest.mark.parametrize(("old", "new", "line"), MISTAKES.values(), ids=MISTAKES)
def test_an_average_and_its_correction_have_one_beta(tmp_path, old, new, line):
    found = certificate(seen(tmp_path, ADAM, (old, new)), mend=False)
    assert found.gradient_of_own_loss is False
    assert found.diagnoses[0].place.startswith(f"line {line}")
    assert "average" in found.diagnoses[0].says


APART = (
    "        params[k] -= 0.01 * (m[k] / (1 - 0.9 ** t)) / (np.sqrt(v[k] / (1 - 0.999 ** t)) + 1e-8)\n",
    "        a = m[k] / (1 - 0.9 ** t)\n        b = v[k] / (1 - 0.999 ** t)\n"
    "        params[k] -= 0.01 * a / (np.sqrt(b) + 1e-8)\n",
)


@pytest.mark.parametrize("change", [("0.01 * a", "0.01 * m[k]"), ("sqrt(b)", "sqrt(v[k])")], ids="mv")
def test_an_average_that_is_corrected_for_nothing_is_named_where_it_is_taken_as_it_was(tmp_path, change):
    assert settled(seen(tmp_path, ADAM, APART)) is True
    found = seen(tmp_path, ADAM, APART, change)
    assert settled(found) is False
    assert certificate(found, mend=False).first.place.startswith("line 19:")


@pytest.mark.parametrize("change", [(" / (1 - 0.9 ** t)", ""), (" / (1 - 0.999 ** t)", "")], ids="mv")
def test_of_two_averages_both_are_corrected_or_none(tmp_path, change):
    found = seen(tmp_path, ADAM, APART, change)
    assert settled(found) is False
    first = certificate(found, mend=False).first
    assert first.place.startswith("at or after line 1")
    assert "not corrected" in first.says


def test_a_step_that_is_multiplied_by_the_root_is_none_of_an_optimiser(tmp_path):
    found = seen(tmp_path, ADAM, APART, ("0.01 * a / (", "0.01 * a * ("))
    assert settled(found) is False
    assert certificate(found, mend=False).first.place.startswith("at or after line 15:")


RIGHT = {
    "an average of 0.9 at a rate of 0.1": [
        ("0.01 * (m[k] / (1 - 0.9 ** t)) / (np.sqrt(v[k] / (1 - 0.999 ** t)) + 1e-8)", "m[k] * 0.1"),
    ],
    "in place": [IN_PLACE],
    "without a correction": [("(m[k] / (1 - 0.9 ** t)) / (np.sqrt(v[k] / (1 - 0.999 ** t))", "m[k] / (np.sqrt(v[k])")],
    "the correction in the rate": [
        ("0.01 * (m[k] / (1 - 0.9 ** t)) / (np.sqrt(v[k] / (1 - 0.999 ** t))",
         "0.01 * np.sqrt(1 - 0.999 ** t) / (1 - 0.9 ** t) * m[k] / (np.sqrt(v[k])"),
    ],
    "the larger square of all": [
        ("(np.sqrt(v[k] / (1 - 0.999 ** t))", "(np.sqrt(np.maximum(v[k], 0.0))"),
    ],
    "a rate that decays": [("0.01 * (m[k]", "0.01 / np.sqrt(t) * (m[k]")],
    "a rate that warms up": [("0.01 * (m[k]", "0.01 * min(t / 4, 1) * (m[k]")],
    "Nesterov's": [
        ("(m[k] / (1 - 0.9 ** t))", "(0.9 * m[k] / (1 - 0.9 ** (t + 1)) + 0.1 * grads[k] / (1 - 0.9 ** t))"),
    ],
    "a decay in both averages": [
        ("* grads[k]\n", "* (grads[k] + 0.01 * params[k])\n"),
        ("* grads[k] ** 2", "* (grads[k] + 0.01 * params[k]) ** 2"),
    ],
}  # fmt: skip


@pytest.mark.parametrize("changes", RIGHT.values(), ids=RIGHT)
def test_other_ways_to_write_it_are_right(tmp_path, changes):
    assert settled(seen(tmp_path, ADAM, *changes))


def test_a_decay_of_the_wrong_sign_in_both_averages_is_wrong(tmp_path):
    changes = [(old, new.replace("+ 0.01", "- 0.01")) for old, new in RIGHT["a decay in both averages"]]
    assert settled(seen(tmp_path, ADAM, *changes)) is False


def test_a_correction_that_never_changes_is_cautioned(tmp_path):
    found = certificate(seen(tmp_path, ADAM, ("0.9 ** t)", "0.9 ** 1)"), ("0.999 ** t)", "0.999 ** 1)")))
    assert any("t counts no steps" in note for note in found.notes)
    assert not any("t counts no steps" in note for note in certificate(seen(tmp_path, ADAM)).notes)


MEAN = (
    "m[k] = 0.9 * m[k] + 0.1 * grads[k]",
    "g = grads[k] - grads[k].mean(axis=0) if k[0] == 'W' else grads[k]; m[k] = g",
)


def test_the_mean_of_a_gradient_may_be_taken_out_of_it(tmp_path):
    plain = ("0.01 * (m[k] / (1 - 0.9 ** t)) / (np.sqrt(v[k] / (1 - 0.999 ** t)) + 1e-8)", "0.1 * m[k]")
    found = seen(tmp_path, ADAM, MEAN, plain)
    assert settled(found)
    assert "centralisation" in str(certificate(found))
    wrong = seen(tmp_path, ADAM, MEAN, plain, ("(1 - h ** 2)", "(1 - h)"))
    assert certificate(wrong, mend=False).diagnoses[0].place.startswith("line 12")
    other = (MEAN[0], MEAN[1].replace("grads[k].mean", "params[k].mean"))
    assert settled(seen(tmp_path, ADAM, other, plain)) is False


COUNTED = (
    ("for t in range(1, 200):", "t = 0\nfor _ in range(200):"),
    ("    for k in params:\n", "    for k in params:\n        t += 1\n"),
)


def test_a_counter_that_all_parameters_share_is_cautioned_and_no_other_average(tmp_path):
    """The last of four parameters is corrected for 4 steps in the first step, and for 8 in the next."""
    found = certificate(seen(tmp_path, ADAM, *COUNTED))
    assert found.status == RIGHT_STATUS
    assert any("counts on by 4 in one step" in note for note in found.notes)


@pytest.mark.parametrize(("beta", "n"), [(0.9**4, 4), (0.9, 0), (0.999, 0), (0.85, 0)])
def test_a_power_of_what_is_kept_is_another_count_of_the_same_average(beta, n):
    assert counts(Average(0.9, 0.1), beta) == n


def test_ten_times_999_thousandths_are_not_99_hundredths():
    """0.999^10 is 0.99004: a correction with 0.99 is that of another average, be it near one of ten steps."""
    assert counts(Average(0.999, 0.001), 0.999**10) == 10
    assert counts(Average(0.999, 0.001), 0.99) == 0
