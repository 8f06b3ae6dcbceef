"""A recurrent layer, h = f(W h⁰ + U x + b) at every step: one step back, and backpropagation through any number.

The same W, U and b serve at every step, so that their gradients are added up over the steps.
"""

import sympy as sp

from derivations.algebra.notation import Activation as f
from derivations.algebra.notation import ActivationSlope as df
from derivations.algebra.notation import N, i, m, n, q, r, s, size, t, tensors_of
from derivations.algebra.notation import j as k
from derivations.algebra.sums import Index, delta, total
from derivations.prover.claim import Claim, Step, WrongTwin
from derivations.prover.rules import algebra, contract, definition, differentiate, slope

WERBOS = "Werbos 1990, Proceedings of the IEEE 78, §III; Elman 1990"

u, v = Index("u", m), Index("v", m)

tensor = tensors_of("rnn")
X = tensor("X", n, N, meaning="the input at this step, a column an example")
H0 = tensor("H0", m, N, meaning="the state before this step", latex="H^{0}")
W = tensor("W", m, m, meaning="weights from the state before to the state")
U = tensor("U", m, n, meaning="weights from the input to the state")
b = tensor("b", m, meaning="biases")
Y = tensor("Y", m, N, meaning="the state after this step", latex="H")
dY = tensor("dY", m, N, meaning="all of the gradient with respect to the state: from the output, and from later steps")
dZ = tensor("dZ", m, N, meaning="gradient with respect to the weighted sums")

SHAPES = {"X": ("n", "N"), "H0": ("m", "N"), "W": ("m", "m"), "U": ("m", "n"), "b": ("m", "1")}


def weighted(r: sp.Expr, s: sp.Expr) -> sp.Expr:
    """The weighted sum of neuron r."""
    return total(W[r, u] * H0[u, s], u) + total(U[r, k] * X[k, s], k) + b[r]


def change(part: sp.Expr) -> sp.Expr:
    """⟨dY, part⟩, where the part is written for neuron q and example t."""
    return total(total(dY[q, t] * part, t), q)


WHERE = {dZ[r, s]: dY[r, s] * df(weighted(r, s))}

forward = Claim(
    name="rnn.forward",
    kind="definition",
    says="the state before and the input, each by its matrix, and a bias, through an activation; tanh in the code",
    names=Y[r, s],
    start=f(weighted(r, s)),
    shapes=SHAPES | {"": ("m", "N")},
    source=WERBOS,
)


def gradient(name: str, wrt: sp.Indexed, moved: sp.Expr, end: sp.Expr, says: str, *twins: WrongTwin) -> Claim:
    """The gradient with respect to one argument: moved is how the sum of neuron q, example t moves; end is in dZ."""
    return Claim(
        name=f"rnn.d{name}",
        kind="gradient",
        says=says,
        start=slope(change(f(weighted(q, t))), wrt),
        steps=(
            Step(
                change(df(weighted(q, t)) * moved),
                differentiate,
                because="the chain rule: the slope of f times how the weighted sum changes",
            ),
            Step(end.replace(is_of_sums, written_out), contract, because="only what depends on it remains"),
            Step(end, definition, because="dZ is dY ∘ f'(Z)"),
        ),
        where=WHERE,
        shapes=SHAPES | {"dY": ("m", "N"), "": SHAPES[name]},
        source=WERBOS,
        of="rnn.forward",
        wrt=name,
        uses=("rnn.forward",),
        wrong_twins=twins,
    )


def is_of_sums(node: sp.Basic) -> bool:
    """Whether this is an entry of dZ."""
    return isinstance(node, sp.Indexed) and node.base == dZ.base


def written_out(entry: sp.Indexed) -> sp.Expr:
    """An entry of dZ as dY times the slope."""
    return dY[entry.indices] * df(weighted(*entry.indices))


dW = gradient(
    "W",
    W[r, v],
    delta(q, r) * H0[v, t],
    total(dZ[r, t] * H0[v, t], t),
    "dZ H⁰ᵀ: the state before this step stands in it, not the one after; the steps are added up",
    WrongTwin(total(dZ[r, t] * f(weighted(v, t)), t), "the state after the step stands for the one before"),
    WrongTwin(total(dY[r, t] * H0[v, t], t), "the slope of the activation is left out"),
)
dU = gradient(
    "U",
    U[r, i],
    delta(q, r) * X[i, t],
    total(dZ[r, t] * X[i, t], t),
    "dZ Xᵀ, with the input of the same step",
    WrongTwin(total(dY[r, t] * X[i, t], t), "the slope of the activation is left out"),
)
db = gradient(
    "b",
    b[r],
    delta(q, r),
    total(dZ[r, t], t),
    "the sum of dZ over the examples",
    WrongTwin(total(dZ[r, t], t) / N, "the mean over the batch is taken a second time"),
)
dX = gradient(
    "X",
    X[i, s],
    U[q, i] * delta(t, s),
    total(U[r, i] * dZ[r, s], r),
    "Uᵀ dZ: what goes back to the input",
    WrongTwin(total(U[r, i] * dY[r, s], r), "the slope of the activation is left out"),
)
dH0 = gradient(
    "H0",
    H0[v, s],
    W[q, v] * delta(t, s),
    total(W[r, v] * dZ[r, s], r),
    "Wᵀ dZ: what goes back to the step before, and is added to what its output gets",
    WrongTwin(total(W[v, r] * dZ[r, s], r), "W is not transposed"),
    WrongTwin(total(W[r, v] * dY[r, s], r), "the slope of the activation is left out"),
)

T = size("T", "queries, positions, or steps in time")
a, c = Index("a", T), Index("c", T)
before = tensor("B", T, T, meaning="1 where step c is the one before step a, else 0")
F = tensor("F", m, T, meaning="slope of the activation at each step", latex="f'")
H = tensor("H", m, T, meaning="the state after each step")
R = tensor("V", m, m, meaning="any direction in which W may move", latex="V")
tau = tensor("tau", m, T, meaning="how each state moves when W does", latex=r"\tau")
D = tensor(
    "D", m, T, meaning="all of the gradient with respect to each state: what a step's output and later steps send"
)
direct = tensor("dH", m, T, meaning="what each step's own output sends back", latex="dH")
missed = tensor("rho", m, T, meaning="what τ misses its recursion by: 0", latex=r"\rho")
found = tensor("dW", m, m, meaning="the gradient with respect to W, added up over the steps", latex="dW")


def over(summand: sp.Expr, *indices: Index) -> sp.Expr:
    """The sum over all the indices."""
    for index in reversed(indices):
        summand = total(summand, index)
    return summand


later = over(W[u, r] * before[c, a] * F[u, c] * D[u, c], c, u)
earlier = over(W[r, u] * before[a, c] * tau[u, c], c, u)
moves = over(R[r, u] * before[a, c] * H[u, c], c, u)

every_length = Claim(
    name="rnn.every_length",
    kind="lemma",
    says="for every number of steps: with D = dH + Wᵀ (D ∘ f') of the step after, and τ = f' ∘ (V h + W τ) of the step "
    "before (ρ = 0), the loss changes by ⟨V, dW⟩, where dW adds up (D ∘ f') hᵀ over the steps, h of the step before",
    start=over(direct[r, a] * tau[r, a], a, r),
    steps=(
        Step(over((D[r, a] - later) * tau[r, a], a, r), definition, because="dH is D less what later steps send"),
        Step(
            over(D[r, a] * (tau[r, a] - F[r, a] * earlier), a, r),
            algebra,
            because="the sums are exchanged: what a step gets from the next is what the next takes from it",
        ),
        Step(
            over(R[r, u] * found[r, u], u, r) - over(D[r, a] * missed[r, a], a, r),
            definition,
            because="τ less f' ∘ W τ is f' ∘ V h, but for what it misses",
        ),
    ),
    where={
        direct[r, a]: D[r, a] - later,
        missed[r, a]: F[r, a] * (moves + earlier) - tau[r, a],
        found[r, u]: over(F[r, a] * D[r, a] * over(before[a, c] * H[u, c], c), a),
    },
    source=WERBOS,
    uses=("rnn.dW", "rnn.dH0", "adjoint.reverse_mode"),
    wrong_twins=(
        WrongTwin(
            over(R[r, u] * F[r, a] * direct[r, a] * before[a, c] * H[u, c], c, a, u, r)
            - over(D[r, a] * missed[r, a], a, r),
            "cut off after one step: what later steps send is lost",
        ),
        WrongTwin(
            over(R[r, u] * D[r, a] * before[a, c] * H[u, c], c, a, u, r) - over(D[r, a] * missed[r, a], a, r),
            "the slope of the activation is left out",
        ),
        WrongTwin(
            over(R[r, u] * F[r, a] * D[r, a] * H[u, a], a, u, r) - over(D[r, a] * missed[r, a], a, r),
            "the state after the step stands for the one before",
        ),
    ),
)
