"""One step of a GRU, from its weighted sums: what comes back to each of them, and to the state before.

h = (1 − σ(z_z)) g + σ(z_z) h⁰ with g = tanh(z_n + σ(z_r) u_n): z_n is what the input gives to the candidate, u_n what
the state before gives, as in cuDNN, PyTorch and Keras (reset_after); all are affine, as affine.dW has it.
"""

import sympy as sp

from derivations.algebra.notation import N, m, q, r, s, t, tensors_of
from derivations.algebra.sums import delta, total
from derivations.lstm_cell import bent, sigma, tanh
from derivations.prover.claim import Claim, Step, WrongTwin
from derivations.prover.rules import contract, definition, differentiate, slope

CHO = "Cho et al. 2014, arXiv:1406.1078, §2.3; the reset after the product, as in cuDNN"

tensor = tensors_of("gru_cell")
Zr = tensor("Zr", m, N, meaning="weighted sums of the reset gate", latex="Z^{r}")
Zz = tensor("Zz", m, N, meaning="weighted sums of the update gate", latex="Z^{z}")
Zn = tensor("Zn", m, N, meaning="weighted sums of the candidate, from the input", latex="Z^{n}")
Un = tensor("Un", m, N, meaning="weighted sums of the candidate, from the state before", latex="U^{n}")
H0 = tensor("H0", m, N, meaning="the state before this step", latex="H^{0}")
R = tensor("R", m, N, meaning="reset gate: how much of the state before the candidate sees")
Z = tensor("Z", m, N, meaning="update gate: how much of the state before is kept")
G = tensor("G", m, N, meaning="candidate: what takes the place of the rest")
Y = tensor("Y", m, N, meaning="the state after this step", latex="H")
dY = tensor("dY", m, N, meaning="gradient with respect to the state: from the output, and from the next step")


def candidate(r: sp.Expr, s: sp.Expr) -> sp.Expr:
    """The candidate."""
    return tanh(Zn[r, s] + sigma(Zr[r, s]) * Un[r, s])


def output(r: sp.Expr, s: sp.Expr) -> sp.Expr:
    """The state after this step."""
    return (1 - sigma(Zz[r, s])) * candidate(r, s) + sigma(Zz[r, s]) * H0[r, s]


def of_candidate(r: sp.Expr, s: sp.Expr) -> sp.Expr:
    """The gradient with respect to what stands in the candidate's tanh, written out."""
    return dY[r, s] * (1 - sigma(Zz[r, s])) * (1 - candidate(r, s) ** 2)


SUMS = dict.fromkeys(("Zr", "Zz", "Zn", "Un", "H0"), ("m", "N"))
WHERE = {R[r, s]: sigma(Zr[r, s]), Z[r, s]: sigma(Zz[r, s]), G[r, s]: candidate(r, s)}
dN = dY[r, s] * (1 - Z[r, s]) * (1 - G[r, s] ** 2)
"""The gradient with respect to what stands in the candidate's tanh, by the names of the gates."""

forward = Claim(
    name="gru_cell.forward",
    kind="definition",
    says="the state keeps a share of what it was, and takes the rest from the candidate",
    names=Y[r, s],
    start=output(r, s),
    steps=(
        Step((1 - Z[r, s]) * G[r, s] + Z[r, s] * H0[r, s], definition, because="Z is the update gate, G the candidate"),
    ),
    where=WHERE,
    shapes=SUMS | {"": ("m", "N")},
    source=CHO,
    wrong_twins=(
        WrongTwin(
            Z[r, s] * G[r, s] + (1 - Z[r, s]) * H0[r, s], "the shares are exchanged, as Chung et al. 2014 write it"
        ),
    ),
)


def gradient(name: str, wrt: sp.Indexed, part: sp.Expr, named: sp.Expr, says: str, *twins: WrongTwin) -> Claim:
    """The gradient with respect to a weighted sum or the state: part is for neuron q, example t; named is the end."""
    return Claim(
        name=f"gru_cell.d{name}",
        kind="gradient",
        says=says,
        start=slope(total(total(dY[q, t] * output(q, t), t), q), wrt),
        steps=(
            Step(
                total(total(delta(q, r) * delta(t, s) * part, t), q),
                differentiate,
                because="the chain rule; an entry changes with itself only",
            ),
            Step(part.xreplace({q: r, t: s}), contract, because="only q = r and t = s remain"),
            Step(named, definition, because="σ' is σ (1 − σ), tanh' is 1 − tanh²"),
        ),
        where=WHERE,
        shapes=SUMS | {"dY": ("m", "N"), "": ("m", "N")},
        source=CHO,
        of="gru_cell.forward",
        wrt=name,
        uses=("gru_cell.forward",),
        wrong_twins=twins,
    )


dZn = gradient(
    "Zn",
    Zn[r, s],
    of_candidate(q, t),
    dN,
    "the gradient of the state times the share that is not kept, times the slope of tanh",
    WrongTwin(dY[r, s] * Z[r, s] * (1 - G[r, s] ** 2), "the shares are exchanged in the backward pass"),
)
dUn = gradient(
    "Un",
    Un[r, s],
    of_candidate(q, t) * sigma(Zr[q, t]),
    dN * R[r, s],
    "what reaches the candidate's tanh, times the reset gate",
    WrongTwin(dN, "the reset gate is left out"),
)
dZr = gradient(
    "Zr",
    Zr[r, s],
    of_candidate(q, t) * Un[q, t] * bent(Zr[q, t]),
    dN * Un[r, s] * R[r, s] * (1 - R[r, s]),
    "what reaches the candidate's tanh, times what the state before gave and the reset gate's slope",
    WrongTwin(dN * H0[r, s] * R[r, s] * (1 - R[r, s]), "the state stands where its weighted sum should"),
)
dZz = gradient(
    "Zz",
    Zz[r, s],
    dY[q, t] * (H0[q, t] - candidate(q, t)) * bent(Zz[q, t]),
    dY[r, s] * (H0[r, s] - G[r, s]) * Z[r, s] * (1 - Z[r, s]),
    "the gradient of the state, times the state before less the candidate and the update gate's slope",
    WrongTwin(dY[r, s] * H0[r, s] * Z[r, s] * (1 - Z[r, s]), "the path through 1 − Z is forgotten"),
)
dH0 = gradient(
    "H0",
    H0[r, s],
    dY[q, t] * sigma(Zz[q, t]),
    dY[r, s] * Z[r, s],
    "the gradient of the state times the share that is kept; what comes back through the weighted sums is added",
    WrongTwin(dY[r, s], "the gate is left out"),
)
