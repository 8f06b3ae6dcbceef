"""Weight decay as a term of the loss, λ/2 times the sum of the squares of W: its gradient is λ W."""

from derivations.adamw import decay
from derivations.algebra.notation import i, m, n, number, q, r, tensors_of
from derivations.algebra.notation import j as k
from derivations.algebra.sums import delta, total
from derivations.prover.claim import Claim, Step, WrongTwin
from derivations.prover.rules import contract, differentiate, slope

KROGH = "Krogh & Hertz 1991, NIPS 4, equation 3"

tensor = tensors_of("weight_decay")
W = tensor("W", m, n, meaning="weights")
R = number("R", "what decay adds to the loss")

squares = decay / 2 * total(total(W[q, k] ** 2, k), q)

forward = Claim(
    name="weight_decay.forward",
    kind="definition",
    says="half of λ times the sum of the squares of the weights, added to the loss; biases are mostly left out",
    names=R,
    start=squares,
    shapes={"W": ("m", "n"), "decay": (), "": ()},
    source=KROGH,
)

dW = Claim(
    name="weight_decay.dW",
    kind="gradient",
    says="λ W, added to the gradient of the data: not divided by the batch, as it is no mean over examples",
    start=slope(squares, W[r, i]),
    steps=(
        Step(
            decay / 2 * total(total(2 * W[q, k] * delta(q, r) * delta(k, i), k), q),
            differentiate,
            because="a weight changes with itself only",
        ),
        Step(decay * W[r, i], contract, because="one weight remains; the half is there to take the 2"),
    ),
    shapes={"W": ("m", "n"), "decay": (), "": ("m", "n")},
    source=KROGH,
    of="weight_decay.forward",
    wrt="W",
    uses=("weight_decay.forward", "adamw.sgd_decay_is_l2"),
    wrong_twins=(
        WrongTwin(2 * decay * W[r, i], "the half is in the loss, and the gradient has the 2 all the same"),
        WrongTwin(decay * W[r, i] / (m * n), "a mean over the weights, not a sum"),
        WrongTwin(-decay * W[r, i], "the sign is turned: weights grow"),
    ),
)
