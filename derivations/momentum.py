"""Momentum, one parameter's entry, and Nesterov's: what the form that frameworks use has to do with looking ahead."""

from derivations.adam import ENTRY, after, dtheta, theta
from derivations.algebra.notation import number
from derivations.prover.claim import Claim, Step, WrongTwin
from derivations.prover.rules import algebra
from derivations.sgd import alpha

SUTSKEVER = "Sutskever et al. 2013, ICML, §2"

velocity = number("velocity", "the sum of the gradients so far, each step's weighing less the longer ago it was")
mu = number("mu", "the momentum: what is left of the velocity after a step")
velocity_after = number("velocity_after", "the velocity after the step")

accumulated = mu * velocity + dtheta

accumulate = Claim(
    name="momentum.accumulate",
    kind="definition",
    says="a share of the velocity is left, and the gradient is added",
    names=velocity_after,
    start=accumulated,
    shapes={"velocity": ENTRY, "dtheta": ENTRY, "mu": (), "": ENTRY},
    source=SUTSKEVER,
)

update = Claim(
    name="momentum.update",
    kind="definition",
    says="a step against the velocity, this step's gradient among it",
    names=after,
    start=theta - alpha * velocity,
    shapes={"theta": ENTRY, "velocity": ENTRY, "alpha": (), "": ENTRY},
    source=SUTSKEVER,
    uses=("momentum.accumulate",),
)

nesterov = Claim(
    name="momentum.nesterov",
    kind="definition",
    says="a step against the gradient and a share of the velocity, this step's gradient among it",
    names=after,
    start=theta - alpha * (dtheta + mu * velocity),
    shapes={"theta": ENTRY, "velocity": ENTRY, "dtheta": ENTRY, "alpha": (), "mu": (), "": ENTRY},
    source=SUTSKEVER,
    uses=("momentum.accumulate",),
)

looks_ahead = Claim(
    name="momentum.looks_ahead",
    kind="lemma",
    says="where the parameter stands for the point ahead, φ − α μ v, Nesterov's step is one of plain momentum from φ, "
    "and the look ahead from there",
    start=(theta + alpha * mu * velocity - alpha * accumulated) - alpha * mu * accumulated,
    steps=(
        Step(theta - alpha * (dtheta + mu * accumulated), algebra, because="what the look ahead added is taken back"),
    ),
    source=SUTSKEVER,
    uses=("momentum.nesterov", "momentum.update"),
    wrong_twins=(
        WrongTwin(theta - alpha * accumulated, "plain momentum"),
        WrongTwin(theta - alpha * (dtheta + mu * velocity), "the velocity before this step, not after it"),
    ),
)
