"""Gradient descent: θ ← θ − α ∂L/∂θ, and why a small step lowers the loss."""

import sympy as sp

from derivations.algebra.notation import i, m, n, number, r, tensor
from derivations.algebra.sums import total
from derivations.prover.claim import Claim, Step, WrongTwin
from derivations.prover.rules import differentiate, linear, slope

GOODFELLOW = "Goodfellow, Bengio & Courville 2016, §4.3"

alpha = number("alpha", "the learning rate")
theta = tensor("theta", m, n, latex=r"\theta", meaning="a parameter")
theta_next = tensor("theta_next", m, n, latex=r"\theta'", meaning="the same parameter after a step")
dtheta = tensor("dtheta", m, n, latex=r"d\theta", meaning="gradient of the loss with respect to that parameter")

updated = theta[r, i] - alpha * dtheta[r, i]


def change(part: sp.Expr) -> sp.Expr:
    """⟨dθ, part⟩: to first order, how the loss depends on the parameter."""
    return total(total(dtheta[r, i] * part, i), r)


update = Claim(
    name="sgd.update",
    kind="definition",
    says="one step against the gradient",
    names=theta_next[r, i],
    start=updated,
    shapes={"theta": ("m", "n"), "dtheta": ("m", "n"), "alpha": (), "": ("m", "n")},
    source=GOODFELLOW,
)

slope_along = Claim(
    name="sgd.slope_along",
    kind="lemma",
    says="as the learning rate grows from 0, the loss falls at the rate of the sum of the squared gradients",
    start=slope(change(updated), alpha),
    steps=(
        Step(
            change(slope(updated, alpha)),
            linear,
            because="to first order the loss changes as the sum of dθ times θ does, dθ held fixed",
        ),
        Step(-total(total(dtheta[r, i] ** 2, i), r), differentiate, because="θ does not depend on α"),
    ),
    source=GOODFELLOW,
    uses=("sgd.update",),
    wrong_twins=(
        WrongTwin(total(total(dtheta[r, i] ** 2, i), r), "the step is taken along the gradient"),
        WrongTwin(-(total(total(dtheta[r, i], i), r) ** 2), "the entries are added before they are squared"),
        WrongTwin(-total(total(dtheta[r, i] * theta[r, i], i), r), "the step is taken along the parameter"),
    ),
)

decrease = Claim(
    name="sgd.decrease",
    kind="lemma",
    says="to first order a step against the gradient never raises the loss",
    start=-slope(change(updated), alpha),
    steps=(
        Step(
            total(total(dtheta[r, i] ** 2, i), r),
            differentiate,
            because="the loss falls at the rate of the sum of the squared gradients",
        ),
    ),
    relation="≥",
    source=GOODFELLOW,
    uses=("sgd.slope_along",),
    wrong_twins=(WrongTwin(sp.S.One, "every step is taken to lower the loss, even where the gradient is 0"),),
)
