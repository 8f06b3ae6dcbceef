"""Every example, by the command, as a person runs it: right ones are right, and the wrong line is found in the rest."""

import json
from pathlib import Path

import pytest

from nnref.checking.homework import child, command
from nnref.cli import main
from tests.support.quick import some

ROOT = Path(__file__).parents[3]
RIGHT, WRONG = 0, 1

EXAMPLES = {
    "cache_grads.py": (RIGHT, "", ""),
    "digits_columns.py": (RIGHT, "", ""),
    "layers_module.py": (RIGHT, "", ""),
    "notebook.ipynb": (RIGHT, "", ""),
    "rows_class.py": (RIGHT, "", ""),
    "rows_functions.py": (RIGHT, "", ""),
    "template.py": (RIGHT, "", ""),
    "cache_grads_preactivation.py": (WRONG, 'dW3, line 46:  grads["dW3"]', "Z stands where its activation should"),
    "digits_columns_bias.py": (WRONG, "db2, line 54:  db2 = 1 / m * np.sum(dZ2)", "examples AND neurons"),
    "notebook_mask.ipynb": (WRONG, "dZ1, cell 5, line 7:  dZ1 = dA1 * (dA1 > 0)", "mask is taken from dA"),
    "rows_class_stale.py": (WRONG, "dA1, line 34:  dh1 = dscores @ self.w2.T", "updated before they were used"),
    "rows_functions_derivative.py": (WRONG, "dZ1, line 45:  dz1 = np.dot(dz2", "activation's derivative is missing"),
    "softmax_axis.py": (WRONG, "softmax, line 11:  return e / np.sum(e, axis=0)", "Softmax over the wrong axis"),
    "sum_not_mean.py": (RIGHT, "", "summed over the 600 examples"),
}

UNSEEN = {
    "deep_l_layers.py": (RIGHT, "", ""),
    "deep_network.py": (RIGHT, "", ""),
    "modular_layers.py": (RIGHT, "", ""),
    "nn_from_scratch.py": (RIGHT, "", ""),
    "simple_ann.py": (RIGHT, "", ""),
    "xor_class.py": (RIGHT, "", ""),
    "fashion_minimal.py": (WRONG, "db1, line 37:  return dict(W2=", "numbers are right and the shape is not"),
    "forward_backward_lists.py": (WRONG, "db3, line 28:  grads.append(", "Averages over the batch"),
    "mixed_notebook.ipynb": (WRONG, "dZ1, cell 5, line 18:  dZ1 = dA1 * cache['Z1']", "wrong argument"),
    "two_layer_net.py": (WRONG, "dZ1, line 35:  dhidden = np.dot(dscores, W2.T)", "activation's derivative is missing"),
}
"""Written after the reader was finished; eight of the ten were read at once, and the other two after it was mended."""

FOUND_SOMETHING = {
    "adam_in_place.py": (RIGHT, "", "W2 b2 W1 b1"),
    "batch_norm.py": (RIGHT, "", "gamma1"),
    "dropout_unscaled.py": (WRONG, "dA1, line 28:  dA1 = dA1 * self.D1", "0.5 times the truth"),
    "adam_state.py": (RIGHT, "", "p['W1'] p['b1']"),
    "dataclasses_mlp.py": (RIGHT, "", "layers[0].W"),
    "dropout_on.py": (RIGHT, "", "cross-entropy"),
    "elu.py": (RIGHT, "", "cross-entropy"),
    "fixed_rate.py": (RIGHT, "", "w2 (updated in line 21)"),
    "global_dictionaries.py": (RIGHT, "", ""),
    "class_weights.py": (RIGHT, "", "loss: your own"),
    "log_softmax.py": (RIGHT, "", "loss: your own"),
    "step_returns_parameters.py": (RIGHT, "", "gradients from (before - after) / rate"),
    "keyed_by_layer.py": (RIGHT, "", ""),
    "lists_of_layers.py": (RIGHT, "", "relu, softmax"),
    "query_and_train.py": (RIGHT, "", "squared error"),
    "residual.py": (RIGHT, "", "W3 b3"),
    "slots.py": (RIGHT, "", ""),
    "synapses.py": (RIGHT, "", "squared error"),
    "leaky_alpha.py": (RIGHT, "", "cross-entropy"),
    "momentum_average.py": (RIGHT, "", "W2 (updated in line 32)"),
    "one_hidden_unit.py": (RIGHT, "", ""),
    "one_image_at_a_time.py": (RIGHT, "", "one vector, a class"),
    "plain_loops.py": (RIGHT, "", ""),
    "square_unnamed.py": (RIGHT, "", ""),
    "squared_error_online.py": (RIGHT, "", "squared error"),
    "torch_like.py": (RIGHT, "", "layers[0].weight.data"),
    "weight_decay_in_loss.py": (RIGHT, "", "W1 (gradient in line 33)"),
    "five_layers_mask.py": (WRONG, "dZ4, line 44:  dZ = dA * (cache['Z' + str(i-1)] < 0)", "the wrong way round"),
    "five_layers_sign.py": (WRONG, "grads['dW4'], line 43:  dA = -dZ @", "-1 times the truth"),
    "biases_never_change.py": (WRONG, "dU, line 31:  dU = dO @ H.T", "7 times the truth"),
    "fixed_rate_stale.py": (WRONG, "dA1, line 21:  dz1 = (dz2 @ self.w2.T)", "updated before they were used"),
    "float32_mask.py": (WRONG, "dZ1, line 23:  d1 = (d2 @ p['W2'].T)", "activation's derivative is missing"),
    "layers_as_written.py": (WRONG, "rnn, at or after line 33:  def rnn_backward", "(backpropagation in time)"),
    "leaky_stale.py": (WRONG, "dA1, line 33:  hidden_error", "updated before they were used"),
    "one_image_no_slope.py": (WRONG, "dZ1, line 30:  delta_h", "activation's derivative is missing"),
    "summed_loss.py": (RIGHT, "", "loss and the gradients are summed over the examples"),
    "torch_like_labels.py": (WRONG, "dZ2", "labels are off by one class"),
    "trains_in_init.py": (WRONG, "dZ1, line 28:  a1_delta", "wrong argument"),
}
"""Written to break the reader and the diagnosis, kept because they did: not read, or a right one called wrong."""

SEEN = UNSEEN | FOUND_SOMETHING
HEAVY = "mixed_notebook.ipynb"
"""It trains on all 60,000 digits in one batch, and meets the time limit on a slow machine: it is asked with --long."""
CASES = [
    *some([("examples", *item) for item in EXAMPLES.items()], 3, ids=lambda case: case[1]),
    *some([("tests/unseen", *item) for item in SEEN.items() if item[0] != HEAVY], 18, ids=lambda case: case[1]),
    pytest.param("tests/unseen", HEAVY, SEEN[HEAVY], id=HEAVY, marks=[pytest.mark.long]),
]


def test_every_example_is_listed():
    there = {path.name for path in (ROOT / "examples").iterdir() if path.suffix in (".py", ".ipynb")}
    assert there == set(EXAMPLES)
    assert {path.name for path in (ROOT / "tests/unseen").iterdir() if path.suffix in (".py", ".ipynb")} == set(SEEN)


def judged_here(order):
    """What a child finds, without the trace by which its parent would bear it out."""
    return {key: part for key, part in child.outcome(order).items() if key != "trace"}


@pytest.fixture
def here(request, monkeypatch):
    """The examples are judged by children, as people's files are; the others within this process, in half the time."""
    if request.node.callspec.params["folder"] != "examples":
        monkeypatch.setattr(command, "outcome_in_process", judged_here)


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(("folder", "name", "expected"), CASES)
def test_an_example_is_read_and_its_mistake_is_found(folder, name, expected, capsys):
    status, first, says = expected
    assert main(["check", str(ROOT / folder / name), "--json"]) == status
    *report, last = capsys.readouterr().out.splitlines()
    text = " ".join(" ".join(report).split())
    result = json.loads(last)
    assert result["ok"] is (status == RIGHT)
    assert max(map(len, report)) <= 80
    assert (" ".join(f"First mistake: {first}".split()) in text) is (status == WRONG)
    assert says in text
    if status == RIGHT:
        assert all(entry["verdict"] == "ok" for entry in result["entries"])
    assert ("loss and the gradients are summed" in text) is (name == "summed_loss.py")
    if result["same_loss"]:
        assert all(entry["checked"] == entry["size"] for entry in result["entries"])
