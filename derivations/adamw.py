"""AdamW, one parameter's entry: decay beside Adam's step, and why that is not an L2 term in the loss."""

import sympy as sp

from derivations.adam import ENTRY, RATES, after, dtheta, moved, theta
from derivations.algebra.notation import number
from derivations.prover.claim import Claim, Step, WrongTwin
from derivations.prover.rules import algebra, condition, differentiate, slope
from derivations.sgd import alpha

LOSHCHILOV = "Loshchilov & Hutter 2019, arXiv:1711.05101"

decay = number("decay", "the weight decay λ")
regularised = dtheta + decay * theta

update = Claim(
    name="adamw.update",
    kind="definition",
    says="Adam's step, and a share α λ of the parameter taken away beside it",
    names=after,
    start=theta - alpha * (moved + decay * theta),
    shapes={"theta": ENTRY, "m": ENTRY, "v": ENTRY, **RATES, "decay": (), "": ENTRY},
    source=f"{LOSHCHILOV}, algorithm 2",
    uses=("adam.update",),
)

sgd_decay_is_l2 = Claim(
    name="adamw.sgd_decay_is_l2",
    kind="lemma",
    says="under gradient descent, decay is the gradient of λ θ²/2 in the loss",
    start=theta - alpha * (dtheta + slope(decay * theta**2 / 2, theta)),
    steps=(
        Step(theta - alpha * regularised, differentiate, because="the slope of θ²/2 is θ"),
        Step((1 - alpha * decay) * theta - alpha * dtheta, algebra, because="what multiplies θ is collected"),
    ),
    source=f"{LOSHCHILOV}, proposition 1",
    uses=("sgd.update",),
    wrong_twins=(
        WrongTwin((1 - decay) * theta - alpha * dtheta, "the decay is not multiplied by the rate"),
        WrongTwin((1 - 2 * alpha * decay) * theta - alpha * dtheta, "the ½ of the L2 term is forgotten"),
    ),
)

is_not_l2 = Claim(
    name="adamw.is_not_l2",
    kind="lemma",
    says="at Adam's first step with ε = 0, an L2 term and decay beside the step differ by this much, mostly not 0",
    start=-alpha * regularised / sp.sqrt(regularised**2) + alpha * (dtheta / sp.sqrt(dtheta**2) + decay * theta),
    steps=(
        Step(
            alpha * (decay * theta + dtheta / sp.Abs(dtheta) - regularised / sp.Abs(regularised)),
            condition,
            because="the root of a square is the absolute value, and the gradient is not 0",
        ),
    ),
    given=(sp.Ne(dtheta, 0),),
    source=f"{LOSHCHILOV}, proposition 2",
    uses=("adamw.update", "adam.first_step"),
    wrong_twins=(WrongTwin(sp.S.Zero, "decay is taken for an L2 term under Adam too"),),
)
