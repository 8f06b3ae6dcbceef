"""KL(Y ‖ softmax(Z/τ)) at a temperature τ, as in distillation: the gradient is (P − Y) / (N τ)."""

import sympy as sp

from derivations.algebra.logits import K, Y, Z, i, k, l
from derivations.algebra.notation import L, N, number, s, t, tensors_of
from derivations.algebra.sums import total
from derivations.prover.claim import Claim, Step, WrongTwin
from derivations.prover.rules import condition, definition, differentiate, logarithm, slope
from derivations.softmax_cross_entropy import ONE_LABEL_EACH

HINTON = "Hinton, Vinyals & Dean 2015, arXiv:1503.02531, §2"

temperature = number("temperature", "what the logits are divided by", positive=True)
P = tensors_of("kl_divergence")("P", K, N, meaning="softmax of the logits over the temperature")

POSITIVE = sp.Gt(Y[l, t], 0)


def soft(k: sp.Expr, t: sp.Expr) -> sp.Expr:
    """Softmax at the temperature."""
    return sp.exp(Z[k, t] / temperature) / total(sp.exp(Z[l, t] / temperature), l)


WHERE = {P[i, s]: soft(i, s)}
divergence = total(total(Y[k, t] * sp.log(Y[k, t] / soft(k, t)), k), t) / N
log_sum = sp.log(total(sp.exp(Z[l, t] / temperature), l))
entropy = total(total(Y[k, t] * sp.log(Y[k, t]), k), t) / N
crossed = total(total(Y[k, t], k) * log_sum - total(Y[k, t] * Z[k, t], k) / temperature, t) / N
SHAPES = {"Z": ("K", "N"), "Y": ("K", "N"), "temperature": ()}

forward = Claim(
    name="kl_divergence.forward",
    kind="definition",
    says="the mean over the batch of Σ Y log(Y / P): cross-entropy at the temperature, less the entropy of the labels",
    names=L,
    start=divergence,
    steps=(
        Step(entropy + crossed, logarithm, because="the logarithm of a quotient"),
        Step(
            entropy + total(log_sum - total(Y[k, t] * Z[k, t], k) / temperature, t) / N,
            condition,
            because="the labels of every example sum to one",
        ),
    ),
    given=(ONE_LABEL_EACH, POSITIVE),
    shapes=SHAPES | {"": ()},
    source=HINTON,
    wrong_twins=(WrongTwin(-divergence, "the quotient is turned over"), WrongTwin(crossed, "the entropy is left out")),
)

dZ = Claim(
    name="kl_divergence.dZ",
    kind="gradient",
    says="softmax at the temperature less the labels, over the batch and the temperature",
    start=slope(divergence, Z[i, s]),
    steps=(
        Step(slope(entropy + crossed, Z[i, s]), logarithm, because="the logarithm of a quotient"),
        Step(
            (total(Y[k, s], k) * soft(i, s) - Y[i, s]) / (N * temperature),
            differentiate,
            because="only column s depends on Z_is, through Z_is over the temperature",
        ),
        Step((total(Y[k, s], k) * P[i, s] - Y[i, s]) / (N * temperature), definition, because="P is the softmax"),
        Step((P[i, s] - Y[i, s]) / (N * temperature), condition, because="the labels of an example sum to one"),
    ),
    given=(ONE_LABEL_EACH, POSITIVE),
    where=WHERE,
    shapes=SHAPES | {"": ("K", "N")},
    source=HINTON,
    of="kl_divergence.forward",
    wrt="Z",
    uses=("kl_divergence.forward",),
    wrong_twins=(
        WrongTwin((P[i, s] - Y[i, s]) / N, "the division by the temperature is forgotten"),
        WrongTwin(
            temperature * (P[i, s] - Y[i, s]) / N,
            "multiplied by the squared temperature of a distillation loss, which is not in this loss",
        ),
    ),
)
