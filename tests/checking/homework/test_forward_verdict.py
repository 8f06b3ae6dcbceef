"""Is the second question, of the forward pass and the loss, answered with the first mistake, a design, or nothing?"""

from nnref.checking.homework.forward_verdict import expected_loss, judge_forward, overflows, unknown_forward
from tests.support.homework import BASE, read_from


def test_the_reference_s_forward_pass_has_no_mistake():
    assert judge_forward(read_from(BASE)) == (None, True, "")


def test_a_mistake_is_named_with_its_quantity_and_line():
    fault, same, apart = judge_forward(read_from(BASE.replace("x @ W1 + b1", "x @ W1")))
    assert (fault.quantity, same, apart) == ("Z1", False, "")
    assert fault.place.endswith("z1 = x @ W1")


def test_an_unknown_output_is_located_at_the_first_intermediate_that_differs_and_is_doubtful():
    reading = read_from(BASE.replace("np.maximum(0, z1)", "np.abs(z1) ** 0.3"))
    fault = unknown_forward(reading)
    assert (fault.quantity, fault.doubtful) == ("A1", True)
    assert "A1 is the first to differ" in fault.says


def test_an_unshifted_softmax_overflows_at_large_logits_and_a_shifted_one_does_not():
    assert not overflows(read_from(BASE))
    fault, same, _ = judge_forward(read_from(BASE.replace("np.exp(z - z.max(axis=1, keepdims=True))", "np.exp(z)")))
    assert fault.quantity == "softmax"
    assert fault.harmless
    assert same is False


def test_the_expected_loss_is_theirs_where_that_is_the_mean_cross_entropy():
    reading = read_from(BASE)
    assert abs(expected_loss(reading) - reading.loss) < 1e-12
