"""One step of an LSTM, from the gates' weighted sums: what comes back to each of them, and to the cell before.

c = σ(z_f) c⁰ + σ(z_i) tanh(z_g) and h = σ(z_o) tanh(c). Both h and c go on, and a gradient comes back to each: the
output is the pair (h, c). The weighted sums are affine in the input and in h of the step before, as affine.dW has it.
"""

import sympy as sp

from derivations.algebra.notation import N, m, q, r, s, t, tensors_of
from derivations.algebra.sums import Index, delta, total
from derivations.prover.claim import Claim, Step, WrongTwin
from derivations.prover.rules import contract, definition, differentiate, slope

HOCHREITER = "Hochreiter & Schmidhuber 1997; Gers, Schmidhuber & Cummins 2000"

tensor = tensors_of("lstm_cell")
Zi = tensor("Zi", m, N, meaning="weighted sums of the input gate", latex="Z^{i}")
Zf = tensor("Zf", m, N, meaning="weighted sums of the forget gate", latex="Z^{f}")
Zo = tensor("Zo", m, N, meaning="weighted sums of the output gate", latex="Z^{o}")
Zg = tensor("Zg", m, N, meaning="weighted sums of the candidate", latex="Z^{g}")
C0 = tensor("C0", m, N, meaning="the cell before this step", latex="C^{0}")
I = tensor("I", m, N, meaning="input gate: how much of the candidate is written")
F = tensor("F", m, N, meaning="forget gate: how much of the cell is kept")
O = tensor("O", m, N, meaning="output gate: how much of the cell is shown")
G = tensor("G", m, N, meaning="candidate: what is written")
T = tensor("T", m, N, meaning="tanh of the cell now")
Y = tensor("Y", 2, m, N, meaning="the pair of the output h and the cell c")
dY = tensor("dY", 2, m, N, meaning="gradients with respect to h and to c: from the output and from the next step")

of_pair = Index("p", 2)
"""1 for h, 2 for c."""


def sigma(z: sp.Expr) -> sp.Expr:
    """The sigmoid."""
    return 1 / (1 + sp.exp(-z))


def tanh(z: sp.Expr) -> sp.Expr:
    """The hyperbolic tangent, by one exponential: the normal form of sums knows no other."""
    return 1 - 2 / (sp.exp(2 * z) + 1)


def cell(r: sp.Expr, s: sp.Expr) -> sp.Expr:
    """The cell after this step."""
    return sigma(Zf[r, s]) * C0[r, s] + sigma(Zi[r, s]) * tanh(Zg[r, s])


def output(r: sp.Expr, s: sp.Expr) -> sp.Expr:
    """The output h of this step."""
    return sigma(Zo[r, s]) * tanh(cell(r, s))


def of_cell(r: sp.Expr, s: sp.Expr) -> sp.Expr:
    """The whole gradient with respect to the cell now, written out: through h, and from the next step."""
    return dY[1, r, s] * sigma(Zo[r, s]) * (1 - tanh(cell(r, s)) ** 2) + dY[2, r, s]


WHERE = {
    I[r, s]: sigma(Zi[r, s]),
    F[r, s]: sigma(Zf[r, s]),
    O[r, s]: sigma(Zo[r, s]),
    G[r, s]: tanh(Zg[r, s]),
    T[r, s]: tanh(cell(r, s)),
}
SUMS = dict.fromkeys(("Zi", "Zf", "Zo", "Zg", "C0"), ("m", "N"))
PAIR = ("2", "m", "N")

both = total(total(dY[1, q, t] * output(q, t) + dY[2, q, t] * cell(q, t), t), q)
"""⟨dY, (h, c)⟩: to first order, how the loss depends on this step."""

dC = dY[1, r, s] * O[r, s] * (1 - T[r, s] ** 2) + dY[2, r, s]
"""The same, with the names of the gates."""

forward = Claim(
    name="lstm_cell.forward",
    kind="definition",
    says="the cell keeps a share of what it held and takes a share of the candidate; a share of its tanh is shown",
    names=Y[of_pair, r, s],
    start=sp.KroneckerDelta(of_pair, 1) * output(r, s) + sp.KroneckerDelta(of_pair, 2) * cell(r, s),
    steps=(
        Step(
            sp.KroneckerDelta(of_pair, 1) * O[r, s] * T[r, s]
            + sp.KroneckerDelta(of_pair, 2) * (F[r, s] * C0[r, s] + I[r, s] * G[r, s]),
            definition,
            because="I, F and O are the gates, G is the candidate",
        ),
    ),
    where=WHERE,
    shapes=SUMS | {"": PAIR},
    source=HOCHREITER,
    wrong_twins=(
        WrongTwin(
            sp.KroneckerDelta(of_pair, 1) * O[r, s] * (F[r, s] * C0[r, s] + I[r, s] * G[r, s])
            + sp.KroneckerDelta(of_pair, 2) * (F[r, s] * C0[r, s] + I[r, s] * G[r, s]),
            "the cell is shown without its tanh",
        ),
    ),
)


def gate(name: str, wrt: sp.Indexed, part: sp.Expr, named: sp.Expr, says: str, *twins: WrongTwin) -> Claim:
    """The gradient with respect to a weighted sum or the cell: part is for neuron q, example t; named is the end."""
    at = {q: r, t: s}
    return Claim(
        name=f"lstm_cell.d{name}",
        kind="gradient",
        says=says,
        start=slope(both, wrt),
        steps=(
            Step(
                total(total(delta(q, r) * delta(t, s) * part, t), q),
                differentiate,
                because="the chain rule, through c into h; an entry changes with itself only",
            ),
            Step(part.xreplace(at), contract, because="only q = r and t = s remain"),
            Step(named, definition, because="σ' is σ (1 − σ), tanh' is 1 − tanh²"),
        ),
        where=WHERE,
        shapes=SUMS | {"dY": PAIR, "": ("m", "N")},
        source=HOCHREITER,
        of="lstm_cell.forward",
        wrt=name,
        uses=("lstm_cell.forward",),
        wrong_twins=twins,
    )


def bent(z: sp.Expr) -> sp.Expr:
    """The slope of the sigmoid."""
    return sigma(z) * (1 - sigma(z))


dZi = gate(
    "Zi",
    Zi[r, s],
    of_cell(q, t) * tanh(Zg[q, t]) * bent(Zi[q, t]),
    dC * G[r, s] * I[r, s] * (1 - I[r, s]),
    "the gradient of the cell times the candidate and the gate's slope",
    WrongTwin(dC * G[r, s], "the slope of the gate is forgotten"),
    WrongTwin(dY[2, r, s] * G[r, s] * I[r, s] * (1 - I[r, s]), "the path through h is forgotten"),
)
dZf = gate(
    "Zf",
    Zf[r, s],
    of_cell(q, t) * C0[q, t] * bent(Zf[q, t]),
    dC * C0[r, s] * F[r, s] * (1 - F[r, s]),
    "the gradient of the cell times the cell before and the gate's slope",
    WrongTwin(
        (dC - dY[2, r, s]) * C0[r, s] * F[r, s] * (1 - F[r, s]),
        "what comes from the next step is overwritten",
    ),
)
dZg = gate(
    "Zg",
    Zg[r, s],
    of_cell(q, t) * sigma(Zi[q, t]) * (1 - tanh(Zg[q, t]) ** 2),
    dC * I[r, s] * (1 - G[r, s] ** 2),
    "the gradient of the cell times the input gate and the slope of tanh",
    WrongTwin(dC * I[r, s] * G[r, s] * (1 - G[r, s]), "the slope of a sigmoid stands for that of tanh"),
)
dZo = gate(
    "Zo",
    Zo[r, s],
    dY[1, q, t] * tanh(cell(q, t)) * bent(Zo[q, t]),
    dY[1, r, s] * T[r, s] * O[r, s] * (1 - O[r, s]),
    "the gradient of h times the tanh of the cell and the gate's slope",
    WrongTwin(dY[1, r, s] * O[r, s] * (1 - O[r, s]), "the tanh of the cell is forgotten"),
)
dC0 = gate(
    "C0",
    C0[r, s],
    of_cell(q, t) * sigma(Zf[q, t]),
    dC * F[r, s],
    "what the forget gate kept goes back to the cell before",
    WrongTwin(dC, "the forget gate is left out"),
    WrongTwin(dY[2, r, s] * F[r, s], "the path through h is forgotten"),
)
