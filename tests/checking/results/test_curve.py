"""Does the figure show the error against the step, the noise, and how far off the gradient is?"""

import numpy as np

from nnref.checking.results.curve import STEPS, draw
from nnref.checking.results.entry import Entry, Worst
from tests.conftest import require


def entry(yours, verdict):
    worst = Worst((0, 2), yours, 3.0, 1.0)
    return Entry("W1", (2, 3), 6, 6, int(verdict == "WRONG"), 0, 0, worst, verdict), worst


def lines(yours, verdict, difference=lambda k, h: 3.0 + h * h + 1e-16 / h):
    require("matplotlib")
    figure = draw(*entry(yours, verdict), difference, 1e-16)
    (axes,) = figure.axes
    return axes, {line.get_label(): line for line in axes.get_lines()}


def test_the_error_of_each_step_is_drawn_at_its_step():
    asked = []

    def difference(k, h):
        asked.append(k)
        return 3.0 + h * h

    _, drawn = lines(3.5, "WRONG", difference)
    curve = drawn["central difference, against the truth"]
    np.testing.assert_array_equal(curve.get_xdata(), STEPS)
    np.testing.assert_allclose(curve.get_ydata(), STEPS**2, atol=1e-15)
    assert set(asked) == {2}  # entry (0, 2) of a (2, 3) array


def test_the_gap_of_a_wrong_gradient_is_a_line_and_that_of_an_exact_one_is_none():
    axes, drawn = lines(3.5, "WRONG")
    assert list(drawn["your gradient: WRONG"].get_ydata()) == [0.5, 0.5]
    assert axes.get_title() == "W1[0, 2]"
    assert not any(label.startswith("your gradient") for label in lines(3.0, "ok")[1])
    assert not any(label.startswith("your gradient") for label in lines(np.inf, "WRONG")[1])


def test_rounding_falls_as_the_step_grows():
    noise = lines(3.5, "WRONG")[1]["rounding of the loss / h"].get_ydata()
    np.testing.assert_allclose(noise, 1e-16 / STEPS)
