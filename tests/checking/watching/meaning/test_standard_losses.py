"""The slopes of the losses that people mean, and the outputs and labels that they are taken at."""

import numpy as np
import pytest

from nnref.checking.watching.meaning.standard_losses import STANDARD, bare, seeds_of, stripped
from tests.support.recordings import STEP, roles_of

A = np.array([[0.2, 0.3, 0.5], [0.6, 0.3, 0.1]])
Y = np.array([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]])
LOSSES = {
    "squared error": lambda A: ((A - Y) ** 2).sum() / 2,
    "cross-entropy": lambda A: -(Y * np.log(A)).sum(),
    "binary cross-entropy": lambda A: -(Y * np.log(A) + (1 - Y) * np.log(1 - A)).sum(),
    "softmax cross-entropy of scores": lambda A: -(Y * (A - np.log(np.exp(A).sum(1, keepdims=True)))).sum(),
    "sigmoid cross-entropy of scores": lambda A: (np.log(1 + np.exp(A)) - Y * A).sum(),
}


@pytest.mark.parametrize("name", LOSSES)
def test_each_slope_is_that_of_its_loss_by_a_complex_step(name):
    slope = np.empty_like(A)
    for place in np.ndindex(*A.shape):
        moved = A.astype(complex)
        moved[place] += 1e-30j
        slope[place] = LOSSES[name](moved).imag / 1e-30
    assert STANDARD[name](A, Y) == pytest.approx(slope, rel=1e-12, abs=1e-12)


def test_the_output_is_found_behind_a_logarithm_with_its_guard_and_the_seed_is_the_slope_there(tmp_path):
    text = STEP.replace("d = (Z - Y) / 6", "loss = -(Y * np.log(Z ** 2 + 1e-8)).sum(); d = (Z - Y) / 6")
    role, run = roles_of(tmp_path, text)
    ((output, meeting),) = stripped(role)
    assert output.names == ["Z"]
    assert bare(meeting.output, role) is output
    seeds = seeds_of([(output, meeting)], run.tape, STANDARD["squared error"])
    Z, labels = output.value, run.tape[meeting.labels.index].value
    assert seeds[output.index] == pytest.approx(Z - labels)
