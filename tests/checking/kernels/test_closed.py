"""Is a kernel that is a closed form judged by it, here and at drawn arguments, and does its mistake get a name?"""

from types import SimpleNamespace

import numpy as np
import pytest

from nnref.checking.gradcheck.border import GradcheckError
from nnref.checking.kernels.case import KernelCase
from nnref.checking.kernels.closed import Look, closed, settled
from nnref.checking.kernels.framework import Framework
from nnref.checking.kernels.recognise import known_forms
from nnref.checking.kernels.slips import predicted_gradients
from nnref.checking.recognition.layers import recognised as as_written
from nnref.checking.results.entry import Entry


def softmax(x):
    E = np.exp(x - x.max(-1, keepdims=True))
    return E / E.sum(-1, keepdims=True)


def right(x, dY):
    P = softmax(x)
    return P * (dY - (P * dY).sum(-1, keepdims=True))


def report(vjp, rng, dY=None):
    """The report of softmax with this vjp."""
    case = KernelCase(softmax, [rng.standard_normal((4, 6))], ["x"], [0], Framework(), vjp=vjp)
    (known,) = known_forms(case, None)
    return closed(case, known, dY, None)


def test_a_right_kernel_is_right_at_drawn_arguments_too(rng):
    said = report(right, rng)
    assert said.ok
    assert "right at drawn arguments too" in said.method
    assert max(said.shares.values()) <= 1


def test_a_known_mistake_is_named(rng):
    said = report(lambda x, dY: softmax(x) * (1 - softmax(x)) * dY, rng)
    assert [entry.verdict for entry in said.entries] == ["WRONG"]
    assert said.entries[0].where


def test_a_kernel_that_is_right_only_at_your_arguments_is_not_right(rng):
    given = []

    def vjp(x, dY):
        given.append(x.tobytes())
        return right(x, dY) * (1 if given[-1] == given[0] else 1.5)

    said = report(vjp, rng)
    assert not said.ok
    assert "right at your arguments, and not right at drawn ones" in str(said)


def test_a_dY_of_another_shape_is_refused(rng):
    with pytest.raises(GradcheckError, match=r"shape of the output, \(4, 6\); \(6, 4\) came"):
        report(right, rng, dY=np.ones((6, 4)))


def test_a_look_is_wrong_where_an_entry_is_and_neither_where_it_cannot_be_told():
    entry = Entry("x", (1,), 1, 1, 0, 1, 0, None, "cannot tell")
    look = Look([entry])
    assert not look.ok
    assert not look.wrong


def test_settings_are_said_in_brackets():
    found = SimpleNamespace(settings={"eps": 1e-5, "mask": "causal"})
    assert settled(found) == " (eps=1e-05, mask=causal)"


def test_every_mistake_of_the_catalogue_predicts_a_gradient_in_the_shape_of_yours(rng):
    x, dY = rng.standard_normal((4, 6)), rng.standard_normal((4, 6))
    found = as_written(lambda at: softmax(at["z"]), {"z": x}, softmax(x))

    class Yours:
        role = "z"

    made = list(predicted_gradients(found, {"z": x}, dY, Yours, right(x, dY)))
    assert {w.shape for _, w in made} == {(4, 6)}
    assert not [says for says, w in made if np.allclose(w.value, right(x, dY))]
