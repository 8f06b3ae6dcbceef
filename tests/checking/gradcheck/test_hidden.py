"""Is a mistake that constant arguments hide found, however many of them there are?"""

import numpy as np

import nnref


def test_many_arguments_of_one_number_are_drawn_together(rng):
    """A module of many layers has a gain of ones in each: one by one they would cost the square of their number."""
    gains = {f"g{k}": np.ones(3) for k in range(5)}
    arguments = {"x": rng.standard_normal(3), **gains}

    def forward(x, g0, g1, g2, g3, g4):
        return x * g0 * g1 * g2 * g3 * g4

    def forgotten(x, g0, g1, g2, g3, g4, dY):
        return {"x": dY * g0 * g1 * g2 * g3, **dict.fromkeys(gains, dY * x)}

    report = nnref.check_vjp(forward, forgotten, arguments, wrt="x")
    assert not report.ok
    assert "with 5 arguments drawn beside one number each" in report.method
