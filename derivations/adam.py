"""Adam, one parameter's entry: its step, what its bias correction does (by induction over steps), its first step."""

import sympy as sp

from derivations.algebra.notation import eps, number
from derivations.prover.claim import Claim, Step, WrongTwin
from derivations.prover.rules import algebra, condition, definition
from derivations.sgd import alpha

KINGMA = "Kingma & Ba 2015, arXiv:1412.6980, §2"

theta = number("theta", "one entry of a parameter")
dtheta = number("dtheta", "its gradient")
m = number("m", "the mean of the gradients so far, each step's weighing less the longer ago it was")
v = number("v", "the mean of their squares so far")
beta1 = number("beta1", "the decay of the mean", positive=True)
beta2 = number("beta2", "the decay of the mean square", positive=True)
step = number("step", "which step this is, counted from 1", positive=True)
after = number("theta_after", "the entry after the step")
m_after, v_after = number("m_after", "the mean after the step"), number("v_after", "the mean square after the step")

ENTRY = ("m", "n")
RATES = {"step": (), "alpha": (), "beta1": (), "beta2": (), "eps": ()}

m_now = beta1 * m + (1 - beta1) * dtheta
v_now = beta2 * v + (1 - beta2) * dtheta**2
moved = m / (1 - beta1**step) / (sp.sqrt(v / (1 - beta2**step)) + eps)

mean = Claim(
    name="adam.mean",
    kind="definition",
    says="the mean of the gradients moves towards the newest",
    names=m_after,
    start=m_now,
    shapes={"m": ENTRY, "dtheta": ENTRY, "beta1": (), "": ENTRY},
    source=KINGMA,
)

mean_square = Claim(
    name="adam.mean_square",
    kind="definition",
    says="the mean of their squares moves towards the newest",
    names=v_after,
    start=v_now,
    shapes={"v": ENTRY, "dtheta": ENTRY, "beta2": (), "": ENTRY},
    source=KINGMA,
)

update = Claim(
    name="adam.update",
    kind="definition",
    says="a step against the corrected mean, over the root of the corrected mean square",
    names=after,
    start=theta - alpha * moved,
    shapes={"theta": ENTRY, "m": ENTRY, "v": ENTRY, **RATES, "": ENTRY},
    source=KINGMA,
    uses=("adam.mean", "adam.mean_square"),
)

bias = Claim(
    name="adam.bias",
    kind="lemma",
    says="of a gradient that stays the same, the mean after t steps is (1 − βᵗ) times it, if it was so a step before: "
    "divided by 1 − βᵗ it is the gradient",
    start=m_now,
    steps=(
        Step(
            beta1 * (1 - beta1 ** (step - 1)) * dtheta + (1 - beta1) * dtheta,
            definition,
            because="the mean before this step, by induction",
        ),
        Step((1 - beta1**step) * dtheta, algebra, because="β times β to the power t − 1 is β to the power t"),
    ),
    where={m: (1 - beta1 ** (step - 1)) * dtheta},
    source="Kingma & Ba 2015, arXiv:1412.6980, §3",
    uses=("adam.mean", "adam.bias_at_first"),
    wrong_twins=(
        WrongTwin((1 - beta1 ** (step - 1)) * dtheta, "steps are counted from 0"),
        WrongTwin(dtheta, "the mean is taken to need no correction"),
        WrongTwin((1 - beta1) * dtheta, "the first step's correction is used at every step"),
    ),
)

bias_at_first = Claim(
    name="adam.bias_at_first",
    kind="lemma",
    says="after the first step the mean is (1 − β) times the gradient: where the induction begins",
    start=m_now,
    steps=(Step((1 - beta1) * dtheta, condition, because="the mean starts at 0"),),
    given=(sp.Eq(m, 0),),
    source="Kingma & Ba 2015, arXiv:1412.6980, §3",
    uses=("adam.mean",),
    wrong_twins=(WrongTwin(dtheta, "the mean is taken to start at the first gradient"),),
)

first_step = Claim(
    name="adam.first_step",
    kind="lemma",
    says="the first step is α dθ / (|dθ| + ε): about α long, however large the gradient is",
    start=alpha * (m_now / (1 - beta1)) / (sp.sqrt(v_now / (1 - beta2)) + eps),
    steps=(
        Step(
            alpha * dtheta / (sp.Abs(dtheta) + eps),
            condition,
            because="both means start at 0; the root of a square is the absolute value",
        ),
    ),
    given=(sp.Eq(m, 0), sp.Eq(v, 0)),
    source="Kingma & Ba 2015, arXiv:1412.6980, §2.1",
    uses=("adam.update", "adam.bias_at_first"),
    wrong_twins=(
        WrongTwin(alpha * dtheta, "the first step is taken for that of gradient descent"),
        WrongTwin(alpha * dtheta / (dtheta + eps), "the root of a square is taken for the number"),
        WrongTwin(alpha * dtheta / sp.sqrt(dtheta**2 + eps), "ε stands under the root"),
    ),
)
